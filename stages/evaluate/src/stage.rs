//! The stage as the engine sees it.

use crate::{
    EvaluateError, EvaluateSettings,
    measure::measure,
    network::Network,
    report::{METRICS_FILE, ModelKind, Subject, report},
};
use contract::{
    ArtifactKind, Config, Demand, Finding, Input, InputContent, InputPort, Issue, Machine, OutputPort,
    Outputs, Preflight, Problem, Settings, Source, Stage, StageContext, StageError, layout,
};
use dataset::Samples;

/// Measures a model on labelled images.
#[derive(Debug, Clone, Copy, Default)]
pub struct Evaluate;

const MODEL: &str = "model";
const EVALUATION_SET: &str = "evaluation_set";
const REFERENCE: &str = "reference";
const METRICS: &str = "metrics";

/// Disk for tables and figures, generously.
const DISK: u64 = 16 << 20;

impl Stage for Evaluate {
    fn name(&self) -> &'static str {
        "evaluate"
    }

    fn letter(&self) -> Option<char> {
        Some('e')
    }

    fn about(&self) -> &'static str {
        "Measures a model on labelled images"
    }

    fn version(&self) -> u32 {
        1
    }

    fn inputs(&self) -> &'static [InputPort] {
        const INPUTS: &[InputPort] = &[
            InputPort::required(MODEL, &[ArtifactKind::FloatModel, ArtifactKind::QuantizedModel]),
            InputPort::required(EVALUATION_SET, &[ArtifactKind::ImageSet]),
            InputPort::optional(REFERENCE, &[ArtifactKind::FloatModel]),
        ];
        INPUTS
    }

    fn outputs(&self) -> &'static [OutputPort] {
        const OUTPUTS: &[OutputPort] = &[OutputPort::new(METRICS, ArtifactKind::Metrics)];
        OUTPUTS
    }

    fn settings(&self, config: &Config) -> Result<Settings, Vec<Issue>> {
        Ok(Settings::of(&EvaluateSettings::from_config(config)?))
    }

    fn source(&self, port: &str, config: &Config) -> Result<Option<Source>, Vec<Issue>> {
        match port {
            MODEL => Source::model_file(config, self.name()).map(Some),
            EVALUATION_SET => dataset::evaluation_set(config, self.name()).map(|(source, _)| Some(source)),
            _ => Ok(reference(config)),
        }
    }

    fn preflight(&self, preflight: &Preflight) -> Vec<Finding> {
        let settings = match parse(&preflight.settings) {
            Ok(settings) => settings,
            Err(error) => return vec![Finding::error("stage::settings", error.to_string())],
        };
        let mut findings = Vec::new();
        for port in [MODEL, REFERENCE] {
            if let Some(network) = network_at(preflight, port, &settings) {
                match network {
                    Ok(network) => findings.extend(rescaled_twice(&network, &settings)),
                    Err(error) => findings.push(error.finding()),
                }
            }
        }
        if let Some(InputContent::Source(set)) =
            preflight.inputs.get(EVALUATION_SET).map(|input| &input.content)
        {
            let label = settings.set.replace('_', " ");
            findings.extend(dataset::check(
                &label,
                set,
                &settings.classes,
                preflight.threads,
                preflight.list_all,
            ));
        }
        findings
    }

    fn demand(&self, preflight: &Preflight, _: &Machine) -> Demand {
        let Ok(settings) = parse(&preflight.settings) else { return Demand::default() };
        // A model that a stage has yet to make counts nothing here: that stage's own demand bounds it, since a network
        // takes more to train or to calibrate than to run.
        let networks = [MODEL, REFERENCE].map(|port| network_at(preflight, port, &settings));
        let needs = networks.into_iter().flatten().filter_map(Result::ok).map(|network| {
            // Weights are packed for the kernels, so they are there twice.
            2 * network.weights + network.activations * preflight.threads as u64
        });
        Demand { memory: needs.sum(), disk: DISK, ..Demand::default() }
    }

    fn run(&self, settings: &Settings, context: &StageContext) -> Result<Outputs, StageError> {
        let settings = parse(settings)?;
        let kind = match context.input(MODEL)?.kind {
            ArtifactKind::QuantizedModel => ModelKind::Quantized,
            _ => ModelKind::Float,
        };
        let model = read(context, MODEL, &settings)?;
        let compared = kind == ModelKind::Quantized && context.inputs.contains_key(REFERENCE);
        let reference = if compared { Some(read(context, REFERENCE, &settings)?) } else { None };
        if let Some(reference) = reference.as_ref().filter(|reference| reference.size != model.size) {
            let pair = |network: &Network| (network.size.height, network.size.width);
            return Err(
                EvaluateError::ReferenceSize { model: pair(&model), reference: pair(reference) }.into()
            );
        }
        let set = context.set(EVALUATION_SET)?;
        let samples = Samples::open(set, &settings.preprocessing, model.size, &settings.classes)?;

        let networks: Vec<(ModelKind, &Network)> = std::iter::once((kind, &model))
            .chain(reference.as_ref().map(|reference| (ModelKind::Float, reference)))
            .collect();
        let runnable: Vec<&Network> = networks.iter().map(|(_, network)| *network).collect();
        let measured = measure(&runnable, &samples, settings.classes.len(), context)?;
        let subjects: Vec<Subject<'_>> = networks
            .iter()
            .zip(&measured.models)
            .map(|((kind, network), scores)| Subject { kind: *kind, parameters: network.parameters, scores })
            .collect();
        report(&settings, &measured, &subjects, context)?;
        Ok(Outputs::default().with(METRICS, format!("{}/{METRICS_FILE}", layout::STAGE)))
    }
}

fn parse(settings: &Settings) -> Result<EvaluateSettings, StageError> {
    settings.parse().map_err(|error| StageError::failed("stage::settings", format!("evaluate: {error}")))
}

fn read(context: &StageContext, port: &str, settings: &EvaluateSettings) -> Result<Network, StageError> {
    let (name, path) = context.file(port)?;
    Ok(Network::read(path, name, settings)?)
}

/// The float model that a chain starts from, for a later int8 one to be compared with. Evaluating a single model compares
/// nothing.
fn reference(config: &Config) -> Option<Source> {
    if config.operation_mode.as_deref() == Some("evaluation") {
        return None;
    }
    // What is wrong with the key is told where the model is needed.
    Source::model_file(config, "evaluate").ok().filter(|source| source.kind == ArtifactKind::FloatModel)
}

/// The network at a port whose file is there already.
fn network_at(
    preflight: &Preflight,
    port: &str,
    settings: &EvaluateSettings,
) -> Option<Result<Network, EvaluateError>> {
    match preflight.inputs.get(port) {
        Some(Input { content: InputContent::File { name, path }, .. }) => {
            Some(Network::read(path, name, settings))
        }
        _ => None,
    }
}

/// A network with a rescaling layer takes pixels, and rescaled ones would be rescaled again.
fn rescaled_twice(network: &Network, settings: &EvaluateSettings) -> Option<Finding> {
    let (low, high) = settings.preprocessing.range();
    (network.rescales && (low, high) != (0.0, 255.0)).then(|| {
        Finding::warning(
            "model::rescaled_twice",
            format!("the model rescales its input itself, but `preprocessing.rescaling` makes it {low} to {high} before"),
        )
        .with_help("use the model without preprocessing layers (best_model.h5), or set `rescaling: {scale: 1, offset: 0}`")
    })
}
