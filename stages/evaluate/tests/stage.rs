//! The stage through its contract: a small colour classifier on images of the built-in set.

use contract::{
    ArtifactKind, CancelToken, Config, EventKind, Input, InputContent, Preflight, Runtime, Settings,
    SourceContent, Stage, StageContext, StageError,
    config::{AspectRatio, ColorMode, Dataset, Interpolation, Preprocessing, Rescaling, Resizing, Training},
};
use dataset::Shapes;
use evaluate::Evaluate;
use model::{
    Activation, Conv2d, Graph, GraphBuilder, Initializer, LayerId, Op, Padding, Tensor,
    passes::{Border, QuantizeOptions, Range, Ranges, WeightScales, for_deployment, quantize},
};
use serde_json::Value;
use std::{
    collections::BTreeMap,
    path::Path,
    sync::{Arc, Mutex},
};

const IMAGES: usize = 5;
/// A colour for each class: background, disc, square, triangle.
const COLORS: [[f32; 3]; 4] = [[0.0, 0.0, 0.0], [0.6, -0.3, -0.4], [-0.4, 0.4, -0.3], [-0.3, -0.2, 0.6]];

/// A 1x1 convolution that scores a pixel by its distance to each class's colour.
fn classifier(classes: usize) -> Graph {
    let mut builder = GraphBuilder::new("colours");
    let input = builder.input("image", &[96, 96, 3]).expect("an input");
    let conv = Conv2d {
        filters: classes,
        kernel: (1, 1),
        strides: (1, 1),
        dilation: (1, 1),
        padding: Padding::Same,
        bias: true,
        activation: Activation::Linear,
    };
    let colors = &COLORS[..classes];
    let kernel: Vec<f32> = (0..3).flat_map(|c| colors.iter().map(move |color| 2.0 * color[c])).collect();
    let bias: Vec<f32> = colors.iter().map(|color| -color.iter().map(|x| x * x).sum::<f32>()).collect();
    let weights = vec![Tensor::f32([1, 1, 3, classes], kernel), Tensor::f32([classes], bias)];
    let scores = builder
        .layer_with_weights("scores", Op::Conv2d(conv), &[input], Initializer::default(), weights)
        .expect("weights that fit");
    builder.finish(scores).expect("a network")
}

fn write_float(folder: &Path, classes: usize) -> Input {
    let path = folder.join("model.h5");
    formats::keras::write_h5(&classifier(classes), &path).expect("written");
    file(ArtifactKind::FloatModel, "best_model.h5", &path)
}

fn write_int8(folder: &Path) -> Input {
    let graph = for_deployment(&classifier(4)).expect("folded");
    let ranges: Ranges = (0..graph.layers.len())
        .map(|index| {
            (
                LayerId(index),
                Range { min: if index == 0 { -1.0 } else { -3.0 }, max: if index == 0 { 1.0 } else { 2.0 } },
            )
        })
        .collect();
    let options =
        QuantizeOptions { weights: WeightScales::PerChannel, input: Border::Uint8, output: Border::Int8 };
    let bytes = formats::tflite::write(&quantize(&graph, &ranges, &options).expect("int8")).expect("a file");
    let path = folder.join("0a1b2c");
    fs_err::write(&path, bytes).expect("written");
    file(ArtifactKind::QuantizedModel, "quantized_model.tflite", &path)
}

fn file(kind: ArtifactKind, name: &str, path: &Path) -> Input {
    Input { kind, content: InputContent::File { name: name.to_owned(), path: path.to_owned() } }
}

fn shapes() -> Input {
    let content = InputContent::Source(Shapes::new(123).first(IMAGES).content());
    Input { kind: ArtifactKind::ImageSet, content }
}

fn config() -> Config {
    Config {
        dataset: Some(Dataset { name: Some("shapes".to_owned()), ..Dataset::default() }),
        preprocessing: Some(Preprocessing {
            rescaling: Some(Rescaling { scale: 1.0 / 127.5, offset: -1.0 }),
            resizing: Resizing {
                interpolation: Some(Interpolation::Bilinear),
                aspect_ratio: AspectRatio::Fit,
            },
            color_mode: ColorMode::Rgb,
        }),
        ..Config::default()
    }
}

fn settings() -> Settings {
    Evaluate.settings(&config()).expect("legal")
}

type Events = Arc<Mutex<Vec<EventKind>>>;

fn context(inputs: &[(&str, Input)], out: &Path, threads: usize) -> (StageContext, Events) {
    let events = Events::default();
    let heard = Arc::clone(&events);
    let context = StageContext::new(
        inputs.iter().map(|(port, input)| ((*port).to_owned(), input.clone())).collect(),
        (out.to_owned(), out.join("partial"), None),
        Runtime { threads, attempt: 1 },
        CancelToken::default(),
        move |event| heard.lock().expect("nobody panicked").push(event),
    );
    (context, events)
}

fn metrics(events: &Events) -> BTreeMap<String, f64> {
    let events = events.lock().expect("nobody panicked");
    events
        .iter()
        .filter_map(|event| match event {
            EventKind::Metric { name, step: None, value } => Some((name.clone(), *value)),
            _ => None,
        })
        .collect()
}

/// For each image: right pixels, all pixels, and the IoU of each class that it shows, by the plainest code.
fn expected() -> Vec<(f64, Vec<f64>)> {
    let shapes = Shapes::new(123);
    (0..IMAGES)
        .map(|index| {
            let (picture, mask) = shapes.image(index, 3);
            let predicted: Vec<u8> = picture
                .pixels
                .chunks(3)
                .map(|pixel| {
                    let at: Vec<f64> = pixel.iter().map(|&value| f64::from(value) / 127.5 - 1.0).collect();
                    let distance = |color: &[f32; 3]| -> f64 {
                        (0..3).map(|c| (at[c] - f64::from(color[c])).powi(2)).sum()
                    };
                    (0..4u8)
                        .min_by(|&a, &b| {
                            let of = |class: u8| distance(&COLORS[usize::from(class)]);
                            of(a).total_cmp(&of(b))
                        })
                        .expect("four classes")
                })
                .collect();
            let pairs: Vec<(u8, u8)> = mask.labels.iter().copied().zip(predicted).collect();
            let right = pairs.iter().filter(|(a, b)| a == b).count() as f64 / pairs.len() as f64;
            let ious = (0..4)
                .filter(|class| mask.labels.contains(class))
                .map(|class| {
                    let both = pairs.iter().filter(|pair| **pair == (class, class)).count();
                    let union = pairs.iter().filter(|(a, b)| *a == class || *b == class).count();
                    both as f64 / union as f64
                })
                .collect();
            (right, ious)
        })
        .collect()
}

fn percent(share: f64) -> f64 {
    (share * 1e4).round() / 1e2
}

#[test]
fn a_float_model_is_measured_as_the_plainest_code_measures_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let inputs = [("model", write_float(folder.path(), 4)), ("evaluation_set", shapes())];
    let (context, events) = context(&inputs, folder.path(), 2);
    let outputs = Evaluate.run(&settings(), &context).expect("it runs");
    assert_eq!(outputs.0["metrics"], "_stage/metrics.json");

    let expected = expected();
    let accuracy = expected.iter().map(|(right, _)| right).sum::<f64>() / IMAGES as f64;
    let ious: Vec<f64> = expected.iter().flat_map(|(_, ious)| ious.iter().copied()).collect();
    let metrics = metrics(&events);
    assert_eq!(metrics["float_acc_validation_set"], percent(accuracy));
    assert_eq!(
        metrics["float_avg_iou_validation_set"],
        percent(ious.iter().sum::<f64>() / ious.len() as f64)
    );
    assert_eq!(metrics["float_parameters"], 16.0);
    assert!(!metrics.keys().any(|name| name.starts_with("quantized")), "{metrics:?}");

    let json: Value = read_json(&folder.path().join("_stage/metrics.json"));
    let share = json["models"]["float"]["miou"].as_f64().expect("a number");
    assert_eq!(metrics["float_miou_validation_set"], percent(share));
    assert!(share > 0.2 && share < 0.9, "a classifier by colour alone gets {share}");
    assert_eq!(json["images"], IMAGES);
    assert_eq!(json["models"]["float"]["iou"][1]["class"], "disc");
}

#[test]
fn a_keras_archive_is_measured_as_the_same_network_in_hdf5() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("4d5e6f");
    formats::keras::write_keras(&classifier(4), &path).expect("written");
    let archive = file(ArtifactKind::FloatModel, "mine.keras", &path);
    let measured = [write_float(folder.path(), 4), archive].map(|model| {
        let inputs = [("model", model), ("evaluation_set", shapes())];
        let (context, events) = context(&inputs, folder.path(), 2);
        Evaluate.run(&settings(), &context).expect("it runs");
        metrics(&events)
    });
    assert_eq!(measured[0], measured[1]);
}

#[test]
fn the_accuracy_of_a_float_model_is_averaged_over_batches_as_the_original_does() {
    let folder = tempfile::tempdir().expect("a folder");
    let inputs = [("model", write_float(folder.path(), 4)), ("evaluation_set", shapes())];
    let training: Training = serde_json::from_value(serde_json::json!({
        "batch_size": 3, "epochs": 1, "optimizer": {"Adam": {}}
    }))
    .expect("a training section");
    let settings = Evaluate.settings(&Config { training: Some(training), ..config() }).expect("legal");
    let (context, events) = context(&inputs, folder.path(), 1);
    Evaluate.run(&settings, &context).expect("it runs");
    let shares: Vec<f64> = expected().into_iter().map(|(right, _)| right).collect();
    let mean = |part: &[f64]| part.iter().sum::<f64>() / part.len() as f64;
    let batches = f64::midpoint(mean(&shares[..3]), mean(&shares[3..]));
    assert_ne!(percent(batches), percent(mean(&shares)), "the two ways differ on this set");
    assert_eq!(metrics(&events)["float_acc_validation_set"], percent(batches));
}

#[test]
fn an_int8_model_is_measured_beside_its_float_model() {
    let folder = tempfile::tempdir().expect("a folder");
    let inputs = [
        ("model", write_int8(folder.path())),
        ("evaluation_set", shapes()),
        ("reference", write_float(folder.path(), 4)),
    ];
    let (context, events) = context(&inputs, folder.path(), 2);
    Evaluate.run(&settings(), &context).expect("it runs");
    let metrics = metrics(&events);
    let agreement = metrics["quantized_agreement_validation_set"];
    assert!(agreement > 90.0 && agreement < 100.0, "{agreement}");
    let (float, int8) = (metrics["float_acc_validation_set"], metrics["quantized_acc_validation_set"]);
    assert!((float - int8).abs() < 5.0 && float != int8, "{float} and {int8}");

    let events = events.lock().expect("nobody panicked");
    let line = format!("[INFO] : Quantized model accuracy on validation_set: {int8:.2} %");
    assert!(events.contains(&EventKind::note(line.clone())), "{line} in {events:?}");
    let figures = events.iter().filter(|event| matches!(event, EventKind::Figure { .. })).count();
    assert_eq!(figures, 2);
    let stage = folder.path().join("_stage");
    let images = fs_err::read_to_string(stage.join("images.csv")).expect("a table");
    assert!(images.starts_with(
        "image,quantized_accuracy,quantized_mean_iou,float_accuracy,float_mean_iou\nshapes_0000000,"
    ));
    assert_eq!(images.lines().count(), 1 + IMAGES);
    let matrix = fs_err::read_to_string(stage.join("confusion_matrix_float.csv")).expect("a table");
    let pixels: u64 = matrix
        .lines()
        .skip(1)
        .flat_map(|l| l.split(',').skip(1))
        .map(|n| n.parse::<u64>().expect("a count"))
        .sum();
    assert_eq!(pixels, IMAGES as u64 * 96 * 96);
    assert!(
        fs_err::read_to_string(stage.join("confusion_matrix_quantized.svg"))
            .expect("a figure")
            .contains("triangle")
    );
}

#[test]
fn the_bytes_do_not_depend_on_the_number_of_threads() {
    let run = |threads| {
        let folder = tempfile::tempdir().expect("a folder");
        let inputs = [
            ("model", write_int8(folder.path())),
            ("evaluation_set", shapes()),
            ("reference", write_float(folder.path(), 4)),
        ];
        let (context, _) = context(&inputs, folder.path(), threads);
        Evaluate.run(&settings(), &context).expect("it runs");
        let files = fs_err::read_dir(folder.path().join("_stage")).expect("a folder");
        files
            .map(|file| file.expect("a file").path())
            .map(|path| (path.file_name().map(ToOwned::to_owned), fs_err::read(&path).expect("bytes")))
            .collect::<BTreeMap<_, _>>()
    };
    let alone = run(1);
    assert_eq!(alone.len(), 7);
    assert_eq!(alone, run(4));
}

#[test]
fn a_cancelled_stage_stops() {
    let folder = tempfile::tempdir().expect("a folder");
    let inputs = [("model", write_float(folder.path(), 4)), ("evaluation_set", shapes())];
    let (context, _) = context(&inputs, folder.path(), 2);
    context.cancel.cancel();
    assert_eq!(Evaluate.run(&settings(), &context), Err(StageError::Cancelled));
}

#[test]
fn preflight_tells_a_model_with_other_classes_channels_or_damage() {
    let folder = tempfile::tempdir().expect("a folder");
    let look = |model: Input, settings: Settings| {
        let inputs = [("model", model), ("evaluation_set", shapes())];
        let inputs = inputs.map(|(port, input)| (port.to_owned(), input)).into();
        Evaluate.preflight(&Preflight { settings, inputs, threads: 2, list_all: false })
    };
    assert_eq!(look(write_float(folder.path(), 4), settings()), []);
    let classes = look(write_float(folder.path(), 3), settings());
    assert_eq!(classes[0].code, "model::classes");
    assert!(classes[0].message.contains("3 classes") && classes[0].message.contains("has 4"), "{classes:?}");
    let mut grey = config();
    grey.preprocessing.as_mut().expect("a section").color_mode = ColorMode::Grayscale;
    let channels = look(write_float(folder.path(), 4), Evaluate.settings(&grey).expect("legal"));
    assert_eq!(channels[0].code, "model::channels");
    let broken = folder.path().join("broken.tflite");
    fs_err::write(&broken, b"not a model").expect("written");
    let damage = look(file(ArtifactKind::QuantizedModel, "broken.tflite", &broken), settings());
    assert_eq!(damage[0].code, "model::format");
    assert!(damage[0].message.contains("broken.tflite"), "{damage:?}");
}

#[test]
fn a_set_that_cannot_be_measured_on_is_an_error_in_preflight_and_at_work() {
    let folder = tempfile::tempdir().expect("a folder");
    let empty = Input {
        kind: ArtifactKind::ImageSet,
        content: InputContent::Source(SourceContent::Images(Vec::new())),
    };
    let inputs = [("model", write_float(folder.path(), 4)), ("evaluation_set", empty)];
    let preflight = Preflight {
        settings: settings(),
        inputs: inputs.clone().map(|(port, input)| (port.to_owned(), input)).into(),
        threads: 1,
        list_all: false,
    };
    assert_eq!(Evaluate.preflight(&preflight)[0].code, "data::empty_set");
    let (context, _) = context(&inputs, folder.path(), 1);
    match Evaluate.run(&settings(), &context) {
        Err(StageError::Failed { code, .. }) => assert_eq!(code, "data::empty_set"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_chain_compares_with_its_float_model_and_an_evaluation_with_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    write_float(folder.path(), 4);
    let mut config = config();
    config.general.model_path = Some(folder.path().join("model.h5"));
    config.operation_mode = Some("evaluation".to_owned());
    assert_eq!(Evaluate.source("reference", &config), Ok(None));
    config.operation_mode = Some("chain_eqe".to_owned());
    let reference = Evaluate.source("reference", &config).expect("legal").expect("the float model");
    assert_eq!(reference.kind, ArtifactKind::FloatModel);
    let set = Evaluate.source("evaluation_set", &config).expect("legal").expect("a set");
    assert_eq!(set.label, "validation set");
}

fn read_json(path: &Path) -> Value {
    serde_json::from_slice(&fs_err::read(path).expect("a file")).expect("JSON")
}
