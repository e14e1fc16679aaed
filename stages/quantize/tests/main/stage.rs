//! The stage through the contract, on a small network of the real architecture with random weights.

use crate::{
    bench::{Bench, config},
    real::{real_output, sqnr},
};
use contract::{
    ArtifactKind, Config, EventKind, InputContent, IssueKind, Preflight, Settings, SourceContent, Stage,
    StageError, config,
};
use dataset::RandomImages;
use model::{
    Activation, AsppVersion, Backbone, DeeplabV3, Dense, Graph, GraphBuilder, Initializer, Interpolation,
    LayerId, Op, Padding, SeparableConv2d, Tensor, initialize, passes::for_deployment,
};
use quantize::Quantize;
use std::path::Path;

const SIDE: usize = 32;

/// The real architecture with weights of every kind drawn uniformly, moving statistics included: no function of the
/// system's mathematics library has a part in them.
fn network() -> Graph {
    let network = DeeplabV3 {
        input: (SIDE, SIDE, 3),
        classes: 3,
        backbone: Backbone::MobilenetV2 { alpha: 0.35 },
        output_stride: 16,
        aspp: AsppVersion::V2,
        dropout: 0.3,
    };
    let mut graph = network.build().expect("a network");
    for (index, layer) in graph.layers.iter_mut().enumerate() {
        let norm = matches!(layer.op, Op::BatchNorm { .. });
        for (weight, tensor) in layer.weights.iter_mut().enumerate() {
            let fan_in: usize = match tensor.shape[..] {
                [height, width, channels, 1]
                    if matches!(layer.op, Op::DepthwiseConv2d(_)) && channels > 0 =>
                {
                    height * width
                }
                [height, width, depth, _] => height * width * depth,
                _ => 24,
            };
            let bound = (6.0 / fan_in as f64).sqrt();
            // Gamma and moving variance lie around 1, all others around 0.
            let centre = if norm && matches!(weight, 0 | 3) { 1.0 } else { 0.0 };
            let mut random = contract::Random::new(1, "test weights", index as u64, weight as u64);
            let values = (0..tensor.data.len()).map(|_| (centre + random.uniform_in(-bound, bound)) as f32);
            *tensor = Tensor::f32(tensor.shape.clone(), values.collect());
        }
    }
    graph
}

fn bench(name: &str, graph: &Graph) -> Bench {
    let bench = Bench::new(name, RandomImages::new(7, 6).content());
    formats::keras::write_h5(graph, &bench.model).expect("a model file");
    bench
}

fn settings(input: config::TensorType, output: config::TensorType) -> Settings {
    Quantize.settings(&config(input, output)).expect("legal settings")
}

fn image() -> Vec<f32> {
    let mut random = contract::Random::new(3, "test image", 0, 0);
    (0..SIDE * SIDE * 3).map(|_| random.uniform_in(-1.0, 1.0) as f32).collect()
}

#[test]
fn the_network_as_deployed_computes_the_same_with_fewer_layers() {
    let graph = network();
    let deployed = for_deployment(&graph).expect("a network");
    // Input, 34 convolutions, 16 depthwise ones, 8 sums, pooling, concatenation, two upsamplings.
    assert_eq!(deployed.layers.len(), 1 + 34 + 16 + 8 + 1 + 1 + 2);
    let image = image();
    let (before, after) = (real_output(&graph, &image), real_output(&deployed, &image));
    let largest = before.iter().fold(0.0_f32, |largest, value| largest.max(value.abs()));
    let error = before.iter().zip(&after).map(|(b, a)| (b - a).abs()).fold(0.0_f32, f32::max);
    assert!(error <= 1e-5 * largest, "largest difference {error} of {largest}");
}

#[test]
fn the_int8_file_computes_nearly_what_the_float_model_does_at_every_kind_of_border() {
    use config::TensorType::{Float, Int8, Uint8};
    let graph = network();
    let bench = bench("best_model.h5", &graph);
    let image = image();
    let float = real_output(&for_deployment(&graph).expect("a network"), &image);
    for (input, output) in [(Int8, Int8), (Uint8, Float), (Float, Uint8)] {
        let int8 =
            formats::tflite::read(&bench.file(&settings(input, output))).expect("the file just written");
        let sqnr = sqnr(&float, &real_output(&int8, &image));
        println!("{input:?} to {output:?}: {sqnr:.1} dB");
        assert!(sqnr > 17.0, "{input:?} to {output:?}: signal to noise of {sqnr:.1} dB");
    }
}

#[test]
fn the_file_depends_neither_on_threads_nor_on_where_the_model_lies() {
    let graph = network();
    let settings = settings(config::TensorType::Uint8, config::TensorType::Float);
    let first = bench("best_model.h5", &graph).file(&settings);
    for (threads, name) in [(2, "best_model.h5"), (4, "other_name.h5")] {
        let bench = Bench { threads, ..bench(name, &graph) };
        assert!(bench.file(&settings) == first, "{threads} threads, {name}");
    }
}

#[test]
fn a_cancelled_stage_leaves_no_file() {
    let bench = bench("best_model.h5", &network());
    bench.cancel.cancel();
    let result = bench.run(&settings(config::TensorType::Int8, config::TensorType::Int8));
    assert_eq!(result, Err(StageError::Cancelled));
    let left = fs_err::read_dir(bench.out()).expect("the folder").count();
    assert_eq!(left, 0);
}

#[test]
fn the_stage_counts_its_images_and_warns_that_random_ones_mean_nothing() {
    let bench = Bench { threads: 2, ..bench("best_model.h5", &network()) };
    bench.file(&settings(config::TensorType::Int8, config::TensorType::Int8));
    let events = bench.events.lock().expect("no panic while telling");
    let done: Vec<(u64, u64)> = events
        .iter()
        .filter_map(|event| match event {
            EventKind::Progress(progress) => Some((progress.done, progress.total)),
            _ => None,
        })
        .collect();
    assert_eq!(done, (0..=6).map(|done| (done, 6)).collect::<Vec<_>>());
    assert!(
        events
            .iter()
            .any(|event| matches!(event, EventKind::Warning { message, .. } if message.contains("random")))
    );
    let images = EventKind::Metric { name: "calibration_images".to_owned(), step: None, value: 6.0 };
    assert!(events.contains(&images));
}

/// The digest stands for the output of this version of the stage. When this test fails, the stage gives other bytes than
/// before: raise `Quantize::version`, so that no stored result of the old one is taken for the new one's, and then
/// replace the digest. Made by this test itself on x86-64 Linux.
#[test]
#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
fn a_change_of_the_output_comes_with_a_change_of_the_version() {
    let bench = bench("best_model.h5", &network());
    let file = bench.file(&settings(config::TensorType::Uint8, config::TensorType::Float));
    let found = (Quantize.version(), blake3::hash(&file).to_hex().to_string());
    let digest = include_str!("../golden/quantized_model.blake3").trim();
    assert_eq!(found, (1, digest.to_owned()));
}

fn preflight(bench: &Bench, settings: Settings) -> Vec<String> {
    let preflight = Preflight { settings, inputs: bench.inputs(), threads: 2, list_all: false };
    Quantize.preflight(&preflight).into_iter().map(|finding| finding.code).collect()
}

#[test]
fn preflight_reads_the_model_and_finds_what_cannot_be_quantized() {
    let settings = |color_mode| {
        let mut config = config(config::TensorType::Int8, config::TensorType::Int8);
        if let Some(preprocessing) = &mut config.preprocessing {
            preprocessing.color_mode = color_mode;
        }
        Quantize.settings(&config).expect("legal settings")
    };
    let bench = bench("best_model.h5", &network());
    assert!(preflight(&bench, settings(config::ColorMode::Rgb)).is_empty());
    assert_eq!(preflight(&bench, settings(config::ColorMode::Grayscale)), ["model::channels"]);
    fs_err::write(&bench.model, b"not a model").expect("a file");
    assert_eq!(preflight(&bench, settings(config::ColorMode::Rgb)), ["model::format"]);
}

/// An encoder and decoder of layers that int8 networks have none of: `last` stands before the classes.
fn own_network(last: Op) -> Graph {
    let separable = SeparableConv2d {
        filters: 8,
        multiplier: 1,
        kernel: (3, 3),
        strides: (2, 2),
        dilation: (1, 1),
        padding: Padding::Same,
        bias: false,
        activation: Activation::Linear,
    };
    let dense = |units| Op::Dense(Dense { units, bias: true, activation: Activation::Linear });
    let norm = Op::BatchNorm { momentum: 0.9, epsilon: 1e-3, scale: false, center: true };
    let mut net = GraphBuilder::new("own");
    let image = net.input("image", &[SIDE, SIDE, 3]).expect("an input");
    let mut add = |name: &str, op: Op, inputs: &[LayerId]| {
        net.layer(name, op, inputs, Initializer::HeNormal).expect("layers that fit")
    };
    let down = add("down", Op::SeparableConv2d(separable), &[image]);
    let down = add("norm", norm, &[down]);
    let down = add("relu", Op::Relu { max_value: None }, &[down]);
    let parts = ["a", "b"].map(|name| add(name, dense(8), &[down]));
    let sum = add("sum", Op::Add { activation: Activation::Linear }, &[down, parts[0], parts[1]]);
    let drop = add("drop", Op::SpatialDropout2d { rate: 0.5 }, &[sum]);
    let resize = Op::Resize { size: (SIDE, SIDE), interpolation: Interpolation::Bilinear };
    let up = add("up", resize, &[drop]);
    let last = add("last", last, &[up]);
    let classes = add("classes", dense(4), &[last]);
    let mut graph = net.finish(classes).expect("one input");
    initialize(&mut graph, 1);
    graph
}

#[test]
fn a_keras_archive_of_layers_that_int8_networks_lack_is_quantized_as_what_they_are_made_of() {
    let graph = own_network(Op::Activation(Activation::Linear));
    let bench = Bench::new("own.keras", RandomImages::new(7, 6).content());
    formats::keras::write_keras(&graph, &bench.model).expect("a model file");
    let settings = settings(config::TensorType::Float, config::TensorType::Float);
    assert!(preflight(&bench, settings.clone()).is_empty());
    let int8 = formats::tflite::read(&bench.file(&settings)).expect("the file just written");
    let image = image();
    let float = real_output(&for_deployment(&graph).expect("a network"), &image);
    let sqnr = sqnr(&float, &real_output(&int8, &image));
    assert!(sqnr > 25.0, "signal to noise of {sqnr:.1} dB");
}

#[test]
fn layers_without_an_int8_form_are_told_before_any_image_is_read() {
    let told = |last: Op| {
        let bench = Bench::new("own.keras", RandomImages::new(7, 6).content());
        formats::keras::write_keras(&own_network(last), &bench.model).expect("a model file");
        let settings = settings(config::TensorType::Int8, config::TensorType::Int8);
        let preflight = Preflight { settings, inputs: bench.inputs(), threads: 2, list_all: false };
        let findings = Quantize.preflight(&preflight);
        assert_eq!(findings.len(), 1);
        findings[0].message.clone()
    };
    for (last, wanted) in [
        (Op::LeakyRelu { slope: 0.1 }, "LeakyReLU has no int8 form here"),
        (Op::Crop2d { height: (1, 1), width: (1, 1) }, "Cropping2D has no int8 form here"),
        (Op::Activation(Activation::Silu), "the activation silu has no int8 form here"),
    ] {
        let message = told(last);
        assert!(
            message.contains("layer `last`: cannot become int8") && message.contains(wanted),
            "{message}"
        );
    }
}

#[test]
fn memory_grows_with_the_threads_and_is_unknown_before_there_is_a_model() {
    let settings = settings(config::TensorType::Int8, config::TensorType::Int8);
    let bench = bench("best_model.h5", &network());
    let machine = contract::Machine { memory: u64::MAX };
    let memory = |threads, inputs| {
        Quantize
            .demand(&Preflight { settings: settings.clone(), inputs, threads, list_all: false }, &machine)
            .memory
    };
    let graph = for_deployment(&network()).expect("a network");
    assert_eq!(memory(3, bench.inputs()), 2 * graph.weight_bytes() + 3 * graph.peak_activations());
    assert_eq!(memory(3, std::collections::BTreeMap::new()), 0);
}

#[test]
fn a_model_that_rescales_is_not_given_rescaled_images_without_a_warning() {
    let graph = model::passes::with_rescaling(&network(), 1.0 / 127.5, -1.0).expect("a network");
    let bench = bench("best_augmented_model.h5", &graph);
    let settings = settings(config::TensorType::Int8, config::TensorType::Int8);
    assert_eq!(preflight(&bench, settings), ["model::rescaled_twice"]);
}

#[test]
fn preflight_looks_at_every_calibration_image() {
    let bench = bench("best_model.h5", &network());
    let image = bench.folder.path().join("broken.jpg");
    fs_err::write(&image, b"not a picture").expect("a file");
    let entry = contract::ImageEntry { id: "broken".to_owned(), image, mask: None };
    let mut inputs = bench.inputs();
    if let Some(input) = inputs.get_mut("calibration_set") {
        input.content = InputContent::Source(SourceContent::Images(vec![entry]));
    }
    let settings = settings(config::TensorType::Int8, config::TensorType::Int8);
    let findings = Quantize.preflight(&Preflight { settings, inputs, threads: 1, list_all: false });
    assert_eq!(findings.len(), 1);
    assert_eq!(findings[0].code, "data::unreadable_image");
    assert!(findings[0].message.contains("broken.jpg"), "{}", findings[0].message);
}

#[test]
fn legal_keys_that_are_not_built_yet_are_told_together_each_at_its_place() {
    let mut config = config(config::TensorType::Int8, config::TensorType::Int8);
    let section = config.quantization.as_mut().expect("just made");
    section.quantizer = config::Quantizer::OnnxQuantizer;
    section.optimize = true;
    section.granularity = config::Granularity::PerTensor;
    section.calibration = config::Calibration::Entropy;
    section.bias_correction = Some(true);
    section.mixed_precision = Some(config::MixedPrecision { accuracy_drop: 0.5 });
    section.op_types_to_quantize = Some(vec!["Conv".to_owned()]);
    let issues = Quantize.settings(&config).expect_err("nothing of this is built");
    assert!(issues.iter().all(|issue| issue.kind == IssueKind::NotYet && issue.help.is_some()));
    let mut keys: Vec<&str> = issues.iter().map(|issue| issue.key.as_str()).collect();
    keys.sort_unstable();
    let wanted = [
        "bias_correction",
        "calibration",
        "mixed_precision",
        "op_types_to_quantize",
        "optimize",
        "quantizer",
    ];
    assert_eq!(keys, wanted.map(|key| format!("quantization.{key}")));
}

#[test]
fn settings_leave_out_what_changes_nothing() {
    let plain = config(config::TensorType::Int8, config::TensorType::Float);
    let mut other = plain.clone();
    let section = other.quantization.as_mut().expect("just made");
    section.calibration = config::Calibration::Minmax;
    section.bias_correction = Some(false);
    section.export_dir = "elsewhere".to_owned();
    section.target_opset = Some(17);
    section.extra_options = Some(config::ExtraOption::CalibMovingAverage);
    other.dataset = Some(config::Dataset { void_as_background: true, ..config::Dataset::default() });
    assert_eq!(Quantize.settings(&plain).expect("legal"), Quantize.settings(&other).expect("legal"));
}

#[test]
fn missing_sections_are_told() {
    let issues = Quantize.settings(&Config::default()).expect_err("nothing is there");
    let found: Vec<(&str, IssueKind)> = issues.iter().map(|issue| (issue.key.as_str(), issue.kind)).collect();
    assert_eq!(found, [("quantization", IssueKind::Missing), ("preprocessing", IssueKind::Missing)]);
}

#[test]
fn values_that_no_quantizer_takes_are_told_with_what_is_not_built() {
    let mut config = config(config::TensorType::Int8, config::TensorType::Float);
    let section = config.quantization.as_mut().expect("just made");
    section.target_opset = Some(0);
    section.optimize = true;
    section.mixed_precision = Some(config::MixedPrecision { accuracy_drop: 0.0 });
    let issues = Quantize.settings(&config).expect_err("mistakes");
    let found: Vec<(&str, IssueKind)> = issues.iter().map(|issue| (issue.key.as_str(), issue.kind)).collect();
    assert_eq!(
        found,
        [
            ("quantization.optimize", IssueKind::Conflict),
            ("quantization.target_opset", IssueKind::Invalid),
            ("quantization.mixed_precision.accuracy_drop", IssueKind::Invalid),
            ("quantization.optimize", IssueKind::NotYet),
            ("quantization.mixed_precision", IssueKind::NotYet),
        ]
    );
}

#[test]
fn a_quantized_model_is_no_source() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("model.tflite");
    fs_err::write(&path, b"any").expect("a file");
    let source = |path: &Path| {
        let mut config = config(config::TensorType::Int8, config::TensorType::Float);
        config.general.model_path = Some(path.to_owned());
        Quantize.source("model", &config)
    };
    let issues = source(&path).expect_err("quantized already");
    assert_eq!((issues[0].kind, issues[0].key.as_str()), (IssueKind::Invalid, "general.model_path"));
    let float = folder.path().join("model.h5");
    fs_err::write(&float, b"any").expect("a file");
    let found = source(&float).expect("legal").expect("a source");
    assert_eq!((found.kind, found.content), (ArtifactKind::FloatModel, SourceContent::File(float)));
}
