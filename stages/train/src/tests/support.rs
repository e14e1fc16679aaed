//! What the tests share.

use crate::{
    ModelSettings, OptimizerSettings, Train, TrainSettings, batches::Batch, stage::train_from, start::Start,
    trainer::Trainer,
};
use contract::{
    ArtifactKind, CancelToken, EventKind, Input, InputContent, Outputs, Random, Runtime, Settings, Stage,
    StageContext, StageError,
    config::{Adam, Aspp, Brightness, Contrast, Flip, FlipMode, Range},
};
use dataset::{Fitting, Preprocessor, Sampling, augmentation::Augmentation};
use model::{
    Activation, Conv2d, DepthwiseConv2d, Graph, GraphBuilder, Initializer, Interpolation, LayerId, Op,
    Padding,
};
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
};

/// A folder of reference data beside the repository; none where it is not there, which skips a test.
pub(crate) fn shared(path: &str) -> Option<PathBuf> {
    let found = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared").join(path);
    if found.exists() {
        return Some(found);
    }
    let required = std::env::var("PIPELINE_REQUIRE_PEERS").is_ok_and(|value| value == "1");
    assert!(!required, "{} is not there", found.display());
    eprintln!("skipped: it needs {path} (no ../shared)");
    None
}

/// A Python with Keras; none where there is none, which skips a test.
pub(crate) fn peers_python() -> Option<PathBuf> {
    let python = std::env::var_os("PIPELINE_PEERS_PYTHON").map(PathBuf::from);
    let required = std::env::var("PIPELINE_REQUIRE_PEERS").is_ok_and(|value| value == "1");
    assert!(python.is_some() || !required, "PIPELINE_PEERS_PYTHON is not set");
    if python.is_none() {
        eprintln!("skipped: it needs PIPELINE_PEERS_PYTHON");
    }
    python
}

/// A file that a script of `tests/golden` made.
pub(crate) fn golden(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name)
}

/// Numbers from -0.5 to 1.5, the same as in the scripts.
pub(crate) fn noise(step: u64, count: u64) -> Vec<f32> {
    let word = 0xFFFF_FFFF;
    (0..count)
        .map(|index| {
            let bits = (index * 2_654_435_761 + step * 2_246_822_519) & word;
            let bits = ((bits ^ (bits >> 15)) * 3_266_489_917) & word;
            ((bits >> 16) as f64 / 32768.0 - 0.5) as f32
        })
        .collect()
}

/// A small network with every operation that can be trained: 8x6 images of 2 channels, 3 classes.
pub(crate) fn small_graph(dropout: f32) -> Graph {
    let mut net = Net(GraphBuilder::new("small"));
    let image = net.0.input("image", &[8, 6, 2]).expect("an input");
    let padded = net.add("pad", Op::ZeroPad2d { height: (0, 1), width: (1, 1) }, &[image]);
    let stem = net.conv("stem", padded, 4, ((3, 3), (2, 2), (1, 1)), Padding::Valid);
    let stem = net.norm("stem_bn", stem, Some(Some(6.0)));
    let wide = net.conv("wide", stem, 5, ((3, 3), (1, 1), (2, 2)), Padding::Same);
    let wide = net.norm("wide_bn", wide, Some(None));
    let deep = net.depthwise("deep", stem, ((3, 3), (1, 1), (2, 2)), 1);
    let deep = net.norm("deep_bn", deep, None);
    let point = net.conv("point", deep, 4, ((1, 1), (1, 1), (1, 1)), Padding::Same);
    let sum = net.add("sum", Op::Add { activation: Activation::Linear }, &[point, stem]);
    let sum = net.add("sum_relu", Op::Relu { max_value: None }, &[sum]);
    let double = net.depthwise("double", sum, ((3, 3), (2, 2), (1, 1)), 2);
    let double = net.add("double_up", upsample((2, 2), Interpolation::Nearest), &[double]);
    let double = net.conv("double_cut", double, 3, ((1, 2), (1, 1), (1, 1)), Padding::Valid);
    let pool = net.add("pool", Op::GlobalAveragePool { keep_dims: false }, &[wide]);
    let pool = net.add("pool_shape", Op::Reshape { shape: vec![1, 1, 5] }, &[pool]);
    let pool = net.add("pool_up", upsample((4, 3), Interpolation::Bilinear), &[pool]);
    let all = net.add("all", Op::Concat, &[wide, sum, pool, double]);
    let drop = net.add("drop", Op::Dropout { rate: dropout }, &[all]);
    let logits = net.conv("logits", drop, 3, ((1, 1), (1, 1), (1, 1)), Padding::Same);
    let output = net.add("up", upsample((2, 2), Interpolation::Bilinear), &[logits]);
    let mut graph = net.0.finish(output).expect("a graph");
    randomize(&mut graph);
    graph
}

struct Net(GraphBuilder);

type Geometry = ((usize, usize), (usize, usize), (usize, usize));

impl Net {
    fn add(&mut self, name: &str, op: Op, inputs: &[LayerId]) -> LayerId {
        self.0.layer(name, op, inputs, Initializer::HeNormal).expect("a layer")
    }

    fn conv(
        &mut self,
        name: &str,
        input: LayerId,
        filters: usize,
        geometry: Geometry,
        padding: Padding,
    ) -> LayerId {
        let (kernel, strides, dilation) = geometry;
        let activation = Activation::Linear;
        let conv = Conv2d { filters, kernel, strides, dilation, padding, bias: name != "stem", activation };
        self.add(name, Op::Conv2d(conv), &[input])
    }

    fn depthwise(&mut self, name: &str, input: LayerId, geometry: Geometry, multiplier: usize) -> LayerId {
        let (kernel, strides, dilation) = geometry;
        let (padding, activation) = (Padding::Same, Activation::Linear);
        let conv = DepthwiseConv2d {
            multiplier,
            kernel,
            strides,
            dilation,
            padding,
            bias: name != "deep",
            activation,
        };
        self.add(name, Op::DepthwiseConv2d(conv), &[input])
    }

    fn norm(&mut self, name: &str, input: LayerId, relu: Option<Option<f32>>) -> LayerId {
        let norm = self.add(name, Op::batch_norm(0.9, 1e-3), &[input]);
        match relu {
            Some(max_value) => self.add(&format!("{name}_relu"), Op::Relu { max_value }, &[norm]),
            None => norm,
        }
    }
}

fn upsample(factor: (usize, usize), interpolation: Interpolation) -> Op {
    Op::Upsample { factor, interpolation }
}

/// Weights of all kinds, biases and statistics too, away from their initial values.
fn randomize(graph: &mut Graph) {
    model::initialize(graph, 5);
    for (index, layer) in graph.layers.iter_mut().enumerate() {
        let variance = matches!(layer.op, Op::BatchNorm { .. });
        for (weight, tensor) in layer.weights.iter_mut().enumerate() {
            let mut random = Random::new(9, "test", index as u64, weight as u64);
            if let model::Data::F32(values) = &mut tensor.data {
                for value in values {
                    let moved = *value + 0.2 * random.normal() as f32;
                    *value = if variance && weight == 3 { moved.abs() + 0.3 } else { moved };
                }
            }
        }
    }
}

/// Random images and labels, some of them void.
pub(crate) fn batch(samples: usize, (height, width, channels): (usize, usize, usize), classes: u32) -> Batch {
    let mut random = Random::new(11, "batch", 0, 0);
    let images = (0..samples * height * width * channels).map(|_| random.normal() as f32).collect();
    let masks = (0..samples * height * width).map(|_| match random.below(classes + 1) {
        label if label == classes => dataset::VOID,
        label => label as u8,
    });
    let masks = masks.collect();
    Batch { images, shape: [samples, channels, height, width], masks, samples: (0..samples).collect() }
}

pub(crate) fn trainer(graph: &Graph) -> Trainer {
    let classes = graph.output_type().shape.last().copied().unwrap_or(0);
    Trainer::new(graph, vec![1.0; classes], &OptimizerSettings::Adam(Adam::default()), 120)
        .expect("a trainer")
}

/// Images of a batch in the graph's order, `[batch, height, width, channels]`.
pub(crate) fn channels_last(values: &[f32], [batch, channels, height, width]: [usize; 4]) -> Vec<f32> {
    let pixels = height * width;
    (0..batch * pixels * channels)
        .map(|index| {
            let (pixel, channel) = (index / channels, index % channels);
            values[((pixel / pixels) * channels + channel) * pixels + pixel % pixels]
        })
        .collect()
}

/// The reverse of [`channels_last`].
pub(crate) fn channels_first(values: &[f32], [batch, channels, height, width]: [usize; 4]) -> Vec<f32> {
    let pixels = height * width;
    (0..batch * pixels * channels)
        .map(|index| {
            let (plane, pixel) = (index / pixels, index % pixels);
            values[((plane / channels) * pixels + pixel) * channels + plane % channels]
        })
        .collect()
}

pub(crate) fn assert_close(found: &[f32], expected: &[f32], tolerance: f32) {
    assert_eq!(found.len(), expected.len());
    let worst = found.iter().zip(expected).map(|(f, e)| (f - e).abs() / e.abs().max(1.0)).fold(0.0, f32::max);
    assert!(worst <= tolerance, "they differ by {worst}");
}

/// A training of the whole stage on a few built-in images.
pub(crate) struct Run {
    pub(crate) folder: tempfile::TempDir,
}

/// What a run of the stage said and made.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Story {
    pub(crate) result: Result<Outputs, StageError>,
    /// Events that a cache hit would replay, and all warnings.
    pub(crate) lasting: Vec<EventKind>,
    /// Files below the output folder and their bytes.
    pub(crate) files: BTreeMap<String, Vec<u8>>,
}

pub(crate) fn settings() -> TrainSettings {
    TrainSettings {
        model: ModelSettings::DeeplabV3MobilenetV2 {
            input_shape: (32, 32, 3),
            alpha: 0.35,
            output_stride: 16,
            aspp: Aspp::V2,
        },
        classes: 4,
        preprocessing: Preprocessor {
            scale: 1.0 / 127.5,
            offset: -1.0,
            channels: 3,
            fitting: Fitting::Stretch(Sampling::Bilinear),
            void_as_background: false,
        },
        augmentation: vec![
            Augmentation::RandomFlip(Flip { mode: FlipMode::HorizontalAndVertical, change_rate: 0.5 }),
            Augmentation::RandomContrast(Contrast { factor: Range::new(0.6, 1.4), change_rate: 1.0 }),
            Augmentation::RandomBrightness(Brightness { factor: Range::new(-0.1, 0.1), change_rate: 0.8 }),
        ],
        batch_size: 4,
        epochs: 2,
        optimizer: OptimizerSettings::Adam(Adam::default()),
        callbacks: Default::default(),
        dropout: Some(0.3),
        frozen_layers: None,
        loss_weights: vec![1.0; 4],
        batchnorm_debias: true,
        seed: 120,
    }
}

pub(crate) fn inputs() -> BTreeMap<String, Input> {
    let set = |seed, count| Input {
        kind: ArtifactKind::ImageSet,
        content: InputContent::Source(dataset::Shapes::new(seed).first(count).content()),
    };
    BTreeMap::from([("training_set".to_owned(), set(1, 10)), ("validation_set".to_owned(), set(2, 6))])
}

/// A file at a port.
pub(crate) fn file_at(port: &str, path: &Path) -> BTreeMap<String, Input> {
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let content = InputContent::File { name, path: path.to_owned() };
    BTreeMap::from([(port.to_owned(), Input { kind: ArtifactKind::FloatModel, content })])
}

impl Run {
    pub(crate) fn new() -> Self {
        Self { folder: tempfile::tempdir().expect("a folder") }
    }

    /// Runs the stage, and cancels it after so many steps if asked to.
    pub(crate) fn go(&self, threads: usize, cancel_after: Option<u64>) -> Story {
        run_in(self.folder.path(), threads, cancel_after)
    }

    /// The transient notes of a run.
    pub(crate) fn lines(&self, settings: &TrainSettings) -> Vec<String> {
        let lines = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&lines);
        run_with(settings, self.folder.path(), (2, None), move |event| {
            if let EventKind::Note { message, transient: true } = event {
                kept.lock().expect("a lock").push(message.clone());
            }
        });
        lines.lock().expect("a lock").clone()
    }

    /// Runs the stage with these settings.
    pub(crate) fn go_with(&self, settings: &TrainSettings) -> Story {
        run_with(settings, self.folder.path(), (2, None), |_| {})
    }
}

impl Run {
    /// Trains the tiny network, and cancels it after so many batches if asked to.
    pub(crate) fn tiny(&self, settings: &TrainSettings, threads: usize, cancel_after: Option<u64>) -> Story {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads");
        let stage = |context: &StageContext| {
            pool.install(|| train_from(Start::built(tiny_graph()), settings, context))?;
            Ok(Outputs::default())
        };
        run_stage(BTreeMap::new(), self.folder.path(), (threads, cancel_after), |_| {}, stage)
    }
}

pub(crate) fn run_in(folder: &Path, threads: usize, cancel_after: Option<u64>) -> Story {
    run_with(&settings(), folder, (threads, cancel_after), |_| {})
}

fn run_with(
    settings: &TrainSettings,
    folder: &Path,
    options: (usize, Option<u64>),
    hear: impl Fn(&EventKind) + Send + Sync + 'static,
) -> Story {
    let stage = |context: &StageContext| Train.run(&Settings::of(settings), context);
    run_stage(BTreeMap::new(), folder, options, hear, stage)
}

/// Runs the stage with these files at its ports.
pub(crate) fn run_from(
    files: BTreeMap<String, Input>,
    settings: &TrainSettings,
    folder: &Path,
    threads: usize,
    cancel_after: Option<u64>,
) -> Story {
    let stage = |context: &StageContext| Train.run(&Settings::of(settings), context);
    run_stage(files, folder, (threads, cancel_after), |_| {}, stage)
}

/// The smallest network that trains on built-in images: 16x16 pixels, 4 classes, with a normalisation and dropout.
fn tiny_graph() -> Graph {
    let mut net = Net(GraphBuilder::new("tiny"));
    let image = net.0.input("image", &[16, 16, 3]).expect("an input");
    let stem = net.conv("stem", image, 6, ((3, 3), (2, 2), (1, 1)), Padding::Same);
    let stem = net.norm("stem_bn", stem, Some(None));
    let drop = net.add("drop", Op::Dropout { rate: 0.3 }, &[stem]);
    let logits = net.conv("logits", drop, 4, ((1, 1), (1, 1), (1, 1)), Padding::Same);
    let output = net.add("up", upsample((2, 2), Interpolation::Bilinear), &[logits]);
    let mut graph = net.0.finish(output).expect("a graph");
    model::initialize(&mut graph, 3);
    graph
}

/// Settings for [`Run::tiny`]: three epochs of two batches, one batch of validation.
pub(crate) fn tiny_settings() -> TrainSettings {
    let mut settings = TrainSettings { batch_size: 6, epochs: 3, ..settings() };
    let ModelSettings::DeeplabV3MobilenetV2 { input_shape, .. } = &mut settings.model else {
        unreachable!("the settings of the tests are of the zoo")
    };
    *input_shape = (16, 16, 3);
    settings
}

fn run_stage(
    files: BTreeMap<String, Input>,
    folder: &Path,
    (threads, cancel_after): (usize, Option<u64>),
    hear: impl Fn(&EventKind) + Send + Sync + 'static,
    stage: impl FnOnce(&StageContext) -> Result<Outputs, StageError>,
) -> Story {
    let (out, partial, live) = (folder.join("out"), folder.join("partial"), folder.join("live"));
    if out.exists() {
        fs_err::remove_dir_all(&out).expect("an old output goes");
    }
    fs_err::create_dir_all(&out).expect("a folder");
    let cancel = CancelToken::default();
    let lasting = Arc::new(Mutex::new(Vec::new()));
    let steps = Arc::new(Mutex::new(0));
    let (token, kept) = (cancel.clone(), Arc::clone(&lasting));
    let events = move |event: EventKind| {
        hear(&event);
        if event.survives_a_hit() || matches!(event, EventKind::Warning { .. }) {
            kept.lock().expect("a lock").push(event);
        } else if let EventKind::Progress(progress) = event
            && progress.label.starts_with("epoch")
        {
            let mut steps = steps.lock().expect("a lock");
            *steps += 1;
            if Some(*steps) == cancel_after {
                token.cancel();
            }
        }
    };
    let folders = (out.clone(), partial, Some(live));
    let inputs = inputs().into_iter().chain(files).collect();
    let context = StageContext::new(inputs, folders, Runtime { threads, attempt: 1 }, cancel, events);
    let result = stage(&context);
    let mut files = BTreeMap::new();
    gather(&out, &out, &mut files);
    let lasting = lasting.lock().expect("a lock").clone();
    Story { result, lasting, files }
}

fn gather(root: &Path, folder: &Path, files: &mut BTreeMap<String, Vec<u8>>) {
    for entry in fs_err::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            gather(root, &path, files);
        } else {
            let name = path.strip_prefix(root).expect("below").to_string_lossy().into_owned();
            files.insert(name, fs_err::read(&path).expect("a file"));
        }
    }
}
