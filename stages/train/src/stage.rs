//! The stage.
//!
//! Its metrics: `loss`, `accuracy`, `val_loss`, `val_accuracy`, `val_miou` and `lr` of every epoch, whose steps are the
//! epochs counted from 0 as Keras and MLflow count them; then `best_epoch`, counted from 1 as in all lines for people, and
//! `best_val_loss`, `best_val_accuracy`, `best_val_miou` of that epoch.

use crate::{
    TrainError, TrainSettings,
    batches::Set,
    callbacks::Callbacks,
    checkpoint::Checkpoints,
    demand::{Sizes, demand},
    failpoint::BEFORE_OUTPUTS,
    fit::Fit,
    outputs::{BEST, Exporter},
    start::{Start, kept::Original, ports},
};
use contract::{
    ArtifactKind, Config, Demand, Finding, InputContent, InputPort, Issue, Machine, OutputCopy, OutputPort,
    Outputs, Preflight, Problem, Settings, Source, SourceContent, Stage, StageContext, StageError, failpoint,
    layout,
};
use dataset::{Samples, Size};

/// Training of a segmentation network: `t` in a chain word.
#[derive(Debug, Clone, Copy, Default)]
pub struct Train;

const TRAINING_SET: &str = "training_set";
const VALIDATION_SET: &str = "validation_set";
const MODEL: &str = "model";
/// The two sets, and what users call them.
const SETS: [(&str, &str); 2] = [(TRAINING_SET, "training set"), (VALIDATION_SET, "validation set")];

impl Stage for Train {
    fn name(&self) -> &'static str {
        "train"
    }

    fn letter(&self) -> Option<char> {
        Some('t')
    }

    fn about(&self) -> &'static str {
        "Fits a segmentation network to a training set and keeps the weights with the lowest validation loss"
    }

    fn version(&self) -> u32 {
        2
    }

    fn saves_checkpoints(&self) -> bool {
        true
    }

    fn inputs(&self) -> &'static [InputPort] {
        const SET: &[ArtifactKind] = &[ArtifactKind::ImageSet];
        const FILE: &[ArtifactKind] = &[ArtifactKind::FloatModel];
        const LIST: &[ArtifactKind] = &[ArtifactKind::File];
        const INPUTS: &[InputPort] = &[
            InputPort::required(TRAINING_SET, SET),
            InputPort::required(VALIDATION_SET, SET),
            InputPort::named(ports::MODEL, FILE),
            InputPort::named(ports::BACKBONE, FILE),
            InputPort::named(ports::LAYERS, LIST),
            InputPort::named(ports::TRAINING, FILE),
        ];
        INPUTS
    }

    fn outputs(&self) -> &'static [OutputPort] {
        const OUTPUTS: &[OutputPort] = &[OutputPort::new(MODEL, ArtifactKind::FloatModel)];
        OUTPUTS
    }

    fn settings(&self, config: &Config) -> Result<Settings, Vec<Issue>> {
        TrainSettings::from_config(config).map(|settings| Settings::of(&settings))
    }

    fn source(&self, port: &str, config: &Config) -> Result<Option<Source>, Vec<Issue>> {
        match port {
            TRAINING_SET => dataset::training_set(config, "training").map(|mut source| {
                source.findings.extend(without_effect(config));
                Some(source)
            }),
            VALIDATION_SET => dataset::validation_set(config, "training").map(Some),
            port => ports::source(port, config),
        }
    }

    fn copies(&self, config: &Config) -> Vec<OutputCopy> {
        let path = config.training.as_ref().and_then(|training| training.trained_model_path.clone());
        let key = "training.trained_model_path";
        path.map(|path| OutputCopy { output: MODEL.to_owned(), path, key: key.to_owned() })
            .into_iter()
            .collect()
    }

    fn preflight(&self, preflight: &Preflight) -> Vec<Finding> {
        let settings: TrainSettings = match preflight.settings.parse() {
            Ok(settings) => settings,
            Err(error) => return vec![unreadable(&error)],
        };
        let classes = settings.numbered_classes();
        let mut findings = Vec::new();
        for (port, label) in SETS {
            if let Some(content) = content(preflight, port) {
                findings.extend(dataset::check(
                    label,
                    content,
                    &classes,
                    preflight.threads,
                    preflight.list_all,
                ));
            }
        }
        let start = match Start::read(&settings, &preflight.inputs) {
            Ok(start) => start,
            Err(error) => {
                findings.push(error.finding());
                return findings;
            }
        };
        // A model that another stage is yet to make is looked at when it is there.
        let Some(start) = start else { return findings };
        findings.extend(start.findings(&settings));
        let [training, _] = set_sizes(&settings, start.image(), preflight);
        if (1..settings.batch_size).contains(&training) {
            findings.push(Finding::note(
                "train::small_set",
                format!(
                    "batch_size is {}, but the training set has {training} images: an epoch is one step",
                    settings.batch_size
                ),
            ));
        }
        findings
    }

    fn demand(&self, preflight: &Preflight, machine: &Machine) -> Demand {
        let settings: TrainSettings = match preflight.settings.parse() {
            Ok(settings) => settings,
            Err(error) => return Demand { findings: vec![unreadable(&error)], ..Demand::default() },
        };
        // What cannot be read is told by preflight. A model that a stage has yet to make counts nothing: training it again
        // takes no more than that stage's training.
        let Ok(Some(start)) = Start::read(&settings, &preflight.inputs) else { return Demand::default() };
        let images = set_sizes(&settings, start.image(), preflight);
        demand(&settings, &start.graph, images, machine)
    }

    fn run(&self, settings: &Settings, context: &StageContext) -> Result<Outputs, StageError> {
        let settings: TrainSettings = settings.parse().map_err(TrainError::from)?;
        let threads = context.runtime.threads.max(1);
        // All work happens on these threads: burn and the kernels split it by shapes, whatever their number.
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .map_err(|error| TrainError::Threads { threads, message: error.to_string() })?;
        pool.install(|| train(&settings, context))?;
        Ok(Outputs::default().with(MODEL, format!("{}/{BEST}", layout::SAVED_MODELS)))
    }
}

/// From settings, sets and what it starts from to the files of the stage.
fn train(settings: &TrainSettings, context: &StageContext) -> Result<(), TrainError> {
    let mut start = Start::read(settings, &context.inputs)?
        .ok_or_else(|| TrainError::Unbound { port: ports::MODEL.to_owned() })?;
    // Before the run the model may not have been there.
    if let Some(problem) = start.problems(settings).into_iter().next() {
        return Err(problem.into());
    }
    let settings = &start.settings(settings);
    start.draw(settings.seed);
    train_from(start, settings, context)
}

/// From a network with its first weights to the files of the stage.
pub(crate) fn train_from(
    start: Start,
    settings: &TrainSettings,
    context: &StageContext,
) -> Result<(), TrainError> {
    let trainer = start.trainer(settings)?;
    let beginning = start.beginning(settings, &trainer)?;
    let (mut checkpoints, found) = Checkpoints::open(&context.partial, &beginning)?;
    for damaged in &found.damaged {
        let instead = match &found.state {
            Some(_) => "training goes on from an older one",
            None => "none can be read and training starts anew",
        };
        context.warn_transient(format!("a checkpoint is left out, {instead}: {damaged}"));
    }
    let mut state = found.state.unwrap_or(beginning);
    let [training, validation] = sets(settings, &start, context)?;
    let exporter = Exporter {
        graph: start.graph,
        network: trainer.network.clone(),
        debias: settings.batchnorm_debias,
        rescaling: (settings.preprocessing.scale as f32, settings.preprocessing.offset as f32),
        original: Original::of(settings),
    };
    let fit = Fit {
        training,
        validation,
        augmentation: settings.augmentation.clone(),
        range: settings.preprocessing.range(),
        callbacks: Callbacks::new(&settings.callbacks)?,
        exporter,
        batch_size: settings.batch_size,
        epochs: settings.epochs,
        trainer,
        debias: settings.batchnorm_debias,
        context,
    };
    let last = fit.run(&mut state, &mut checkpoints)?;
    failpoint::hit(BEFORE_OUTPUTS);
    fit.exporter.finish(&state, &last, context)
}

/// The two sets, each in memory if it fits beside the training itself.
fn sets(settings: &TrainSettings, start: &Start, context: &StageContext) -> Result<[Set; 2], TrainError> {
    let [training, validation] = SETS.map(|(port, _)| {
        let content = context.set(port).map_err(|_| TrainError::Unbound { port: port.to_owned() })?;
        samples(settings, start.image(), content)
    });
    let (training, validation) = (training?, validation?);
    let images = [training.len(), validation.len()];
    let room = Sizes::new(&start.graph, settings).room(context.memory, settings.batch_size, images);
    let open =
        |samples, (_, label), room| Set::open(label, samples, start.image(), settings.classes, room, context);
    let training = open(training, SETS[0], room)?;
    let validation = open(validation, SETS[1], room.saturating_sub(training.kept()))?;
    Ok([training, validation])
}

/// The samples of a set for a network that reads images of this height, width and channels.
fn samples(
    settings: &TrainSettings,
    (height, width, _): (usize, usize, usize),
    content: &SourceContent,
) -> Result<Samples, TrainError> {
    let size = Size { height, width };
    Ok(Samples::open(content, &settings.preprocessing, size, &settings.numbered_classes())?)
}

/// Keys that a user of the original services would expect to have an effect on training.
fn without_effect(config: &Config) -> Vec<Finding> {
    let mut findings = Vec::new();
    let test_set = config.dataset.as_ref().is_some_and(|dataset| {
        [&dataset.test_path, &dataset.test_masks_path, &dataset.test_files_path]
            .iter()
            .all(|key| key.is_some())
    });
    if test_set && config.operation_mode.as_deref() == Some("training") {
        let message =
            "the test set is not used by training; operation_mode chain_te measures the model on it";
        findings.push(Finding::note("train::test_set", message));
    }
    if config.general.gpu_memory_limit.is_some() {
        let message = "general.gpu_memory_limit is ignored: this device has no such limit";
        findings.push(Finding::note("train::gpu_memory_limit", message));
    }
    findings
}

fn content<'a>(preflight: &'a Preflight, port: &str) -> Option<&'a SourceContent> {
    match &preflight.inputs.get(port)?.content {
        InputContent::Source(content) => Some(content),
        InputContent::File { .. } => None,
    }
}

/// Images of the two sets; 0 for one that does not open, which is found elsewhere.
fn set_sizes(settings: &TrainSettings, image: (usize, usize, usize), preflight: &Preflight) -> [usize; 2] {
    SETS.map(|(port, _)| {
        let samples = content(preflight, port).and_then(|content| samples(settings, image, content).ok());
        samples.map_or(0, |samples| samples.len())
    })
}

fn unreadable(error: &serde_json::Error) -> Finding {
    Finding::error("train::settings", format!("the settings of the stage cannot be read: {error}"))
}
