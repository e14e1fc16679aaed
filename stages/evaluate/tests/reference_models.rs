//! The stage on the reference models of `../shared/models`, against what Keras and LiteRT gave for the same images.

use contract::{
    ArtifactKind, CancelToken, Config, EventKind, Input, InputContent, Runtime, Stage, StageContext,
};
use evaluate::Evaluate;
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
};

const IMAGES: usize = 8;
const SIDE: usize = 128;
const CLASSES: usize = 3;

/// The folder of reference models; none, with a message, where it is absent.
fn models() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/models");
    if folder.exists() {
        return Some(folder);
    }
    assert!(
        std::env::var_os("PIPELINE_REQUIRE_PEERS").is_none_or(|value| value != "1"),
        "PIPELINE_REQUIRE_PEERS=1, and {} is not there",
        folder.display()
    );
    println!("skipped: evaluate on the reference models (no ../shared)");
    None
}

fn mask_file(index: usize) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/golden/masks/{index}.png"))
}

/// Writes the reference images as files, with an id list, and gives the configuration that names them.
fn data_set(folder: &Path, models: &Path) -> Config {
    let pixels = fs_err::read(models.join("in_128_u8.bin")).expect("images");
    for (index, image) in pixels.chunks_exact(SIDE * SIDE * 3).enumerate() {
        let file = fs_err::File::create(folder.join(format!("{index}.png"))).expect("a file");
        let mut encoder = png::Encoder::new(file, SIDE as u32, SIDE as u32);
        encoder.set_color(png::ColorType::Rgb);
        encoder.write_header().expect("a header").write_image_data(image).expect("pixels");
    }
    let ids: String = (0..IMAGES).map(|index| format!("{index}\r\n")).collect();
    fs_err::write(folder.join("ids.txt"), ids).expect("a list");
    serde_json::from_value(serde_json::json!({
        "dataset": {
            "class_names": ["background", "disc", "square"],
            "test_path": folder,
            "test_masks_path": mask_file(0).parent(),
            "test_files_path": folder.join("ids.txt"),
        },
        "preprocessing": {
            "rescaling": {"scale": 1.0 / 127.5, "offset": -1.0},
            "resizing": {"interpolation": "bilinear", "aspect_ratio": "fit"},
            "color_mode": "rgb",
        },
    }))
    .expect("a configuration")
}

fn file(kind: ArtifactKind, models: &Path, name: &str) -> Input {
    Input { kind, content: InputContent::File { name: name.to_owned(), path: models.join(name) } }
}

/// The metrics that the stage sends for a quantized model beside the float one.
fn metrics(models: &Path, quantized: &str) -> BTreeMap<String, f64> {
    let folder = tempfile::tempdir().expect("a folder");
    let config = data_set(folder.path(), models);
    let set = Evaluate.source("evaluation_set", &config).expect("legal").expect("a set");
    assert_eq!(set.findings, []);
    let inputs = [
        ("model", file(ArtifactKind::QuantizedModel, models, quantized)),
        ("reference", file(ArtifactKind::FloatModel, models, "deeplab_128.h5")),
        ("evaluation_set", Input { kind: set.kind, content: InputContent::Source(set.content) }),
    ];
    let events = Arc::new(Mutex::new(BTreeMap::new()));
    let heard = Arc::clone(&events);
    let context = StageContext::new(
        inputs.map(|(port, input)| (port.to_owned(), input)).into(),
        (folder.path().join("out"), folder.path().join("partial"), None),
        Runtime { threads: 2, attempt: 1 },
        CancelToken::default(),
        move |event| {
            if let EventKind::Metric { name, value, .. } = event {
                heard.lock().expect("nobody panicked").insert(name, value);
            }
        },
    );
    Evaluate.run(&Evaluate.settings(&config).expect("legal"), &context).expect("it runs");
    let metrics = events.lock().expect("nobody panicked");
    metrics.clone()
}

/// Class maps from scores of a reference runtime, float32 little endian.
fn class_maps(scores: &Path) -> Vec<usize> {
    let bytes = fs_err::read(scores).expect("scores");
    let scores: Vec<f32> = bytes.as_chunks::<4>().0.iter().map(|&b| f32::from_le_bytes(b)).collect();
    let best = |pixel: &[f32]| {
        // `max_by` gives the last of equals, and numpy the first.
        (0..CLASSES).rev().max_by(|&a, &b| pixel[a].total_cmp(&pixel[b])).expect("three classes")
    };
    scores.chunks_exact(CLASSES).map(best).collect()
}

/// Accuracy and average IoU in percent by the plainest code.
fn expected(predicted: &[usize]) -> (f64, f64) {
    let (mut shares, mut ious) = (Vec::new(), Vec::new());
    for (index, predicted) in predicted.chunks_exact(SIDE * SIDE).enumerate() {
        let labels = dataset::Mask::read(&mask_file(index), CLASSES).expect("a mask").labels;
        let pairs: Vec<(usize, usize)> =
            labels.iter().map(|&l| usize::from(l)).zip(predicted.iter().copied()).collect();
        shares.push(pairs.iter().filter(|(a, b)| a == b).count() as f64 / pairs.len() as f64);
        for class in (0..CLASSES).filter(|class| pairs.iter().any(|(label, _)| label == class)) {
            let both = pairs.iter().filter(|pair| **pair == (class, class)).count();
            let union = pairs.iter().filter(|(a, b)| *a == class || *b == class).count();
            ious.push(both as f64 / union as f64);
        }
    }
    let percent = |values: &[f64]| (values.iter().sum::<f64>() / values.len() as f64 * 1e4).round() / 1e2;
    (percent(&shares), percent(&ious))
}

#[test]
fn quantized_models_get_the_scores_of_litert_and_their_float_model_those_of_its_float_export() {
    let Some(models) = models() else { return };
    for name in ["deeplab_128_int8_b1_u8in_f32out.tflite", "deeplab_128_int8_b1_i8in_i8out.tflite"] {
        let metrics = metrics(&models, name);
        let (accuracy, iou) = expected(&class_maps(&models.join(format!("{name}.ref.out"))));
        assert!(accuracy > 90.0 && accuracy < 100.0, "{accuracy}");
        assert_eq!(metrics["quantized_acc_test_set"], accuracy, "{name}");
        assert_eq!(metrics["quantized_avg_iou_test_set"], iou, "{name}");

        // XNNPACK adds floats in another order than Keras: a pixel between two classes may fall to the other one.
        let (accuracy, iou) = expected(&class_maps(&models.join("deeplab_128_float_b1.tflite.out")));
        assert!((metrics["float_acc_test_set"] - accuracy).abs() <= 0.02, "{accuracy} {metrics:?}");
        assert!((metrics["float_avg_iou_test_set"] - iou).abs() <= 0.05, "{iou} {metrics:?}");
        assert!(metrics["quantized_agreement_test_set"] > 98.0, "{metrics:?}");
    }
}
