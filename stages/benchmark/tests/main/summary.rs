//! The tool `summary` on small files, on files that are none, and on the shared reference model.

use crate::bench::{Bench, quantized};
use benchmark::Summary;
use contract::{Arguments, Block, Page, StageError, Tool};
use model::{Activation, Conv2d, Graph, GraphBuilder, Initializer, Op, Padding, initialize, passes::Border};
use serde_json::Value;
use std::path::{Path, PathBuf};

/// A convolution with BatchNorm and a classifier.
fn small() -> Graph {
    let conv = |filters, side, strides, bias| {
        Op::Conv2d(Conv2d {
            filters,
            kernel: (side, side),
            strides: (strides, strides),
            dilation: (1, 1),
            padding: Padding::Same,
            bias,
            activation: Activation::Linear,
        })
    };
    let layers = [
        ("conv", conv(4, 3, 2, false)),
        ("norm", Op::batch_norm(0.99, 1e-3)),
        ("relu", Op::Relu { max_value: Some(6.0) }),
        ("logits", conv(2, 1, 1, true)),
    ];
    let mut builder = GraphBuilder::new("small");
    let mut last = builder.input("image", &[8, 8, 3]).expect("an input");
    for (name, op) in layers {
        last = builder.layer(name, op, &[last], Initializer::default()).expect("a layer");
    }
    let mut graph = builder.finish(last).expect("a network");
    initialize(&mut graph, 1);
    graph
}

fn summary(path: &Path, format: &str) -> Result<Page, StageError> {
    Summary.run(&Arguments::default().with("model", path).with("format", format))
}

/// The page with bars between cells; the engine aligns them.
fn text(page: &Page) -> String {
    let row = |cells: &[String]| cells.join(" | ") + "\n";
    let block = |block: &Block| match block {
        Block::Text(text) => text.clone(),
        Block::Table { header, rows, .. } => {
            row(header) + &rows.iter().map(|cells| row(cells)).collect::<String>()
        }
    };
    page.0.iter().map(block).collect()
}

fn json(path: &Path) -> Value {
    let page = summary(path, "json").expect("a model");
    serde_json::from_str(&text(&page)).expect("JSON")
}

#[test]
fn a_float_model_has_its_layers_numbered_and_its_parameters_counted() {
    let bench = Bench::new("small.h5", &small());
    insta::assert_snapshot!("float", text(&summary(&bench.model, "text").expect("a model")));
    let json = json(&bench.model);
    assert_eq!(json["layers"][2]["class"], "BatchNormalization");
    assert_eq!(json["layers"][2]["trainable"], 8);
    assert_eq!(json["totals"]["parameters"], 108 + 16 + 10);
    assert_eq!(json["totals"]["non_trainable"], 8);
    // 16 elements of 3x3x3 taps in 4 channels, then 1x1x4 taps in 2.
    assert_eq!(json["totals"]["macs"], 16 * 27 * 4 + 16 * 4 * 2);
}

#[test]
fn an_int8_model_has_types_and_scales_and_nothing_to_train() {
    let graph = quantized(&small(), Border::Uint8, Border::Float);
    let bench = Bench::new("small.tflite", &graph);
    insta::assert_snapshot!("int8", text(&summary(&bench.model, "text").expect("a model")));
    let json = json(&bench.model);
    assert_eq!(json["quantized"], true);
    assert_eq!(json["totals"].get("trainable"), None);
    let kernel = &json["layers"][2]["weights"][0];
    assert_eq!(
        (kernel["element"].as_str(), kernel["shape"].as_array().map(Vec::len)),
        (Some("int8"), Some(4))
    );
    assert_eq!(kernel["quantization"]["scales"].as_array().map(Vec::len), Some(4));
}

#[test]
fn what_is_no_model_is_told_by_its_name() {
    let told = |name: &str, bytes: &[u8]| {
        let bench = Bench::with_bytes(name, bytes);
        let error = summary(&bench.model, "text").expect_err("no model").to_string();
        error.replace(&format!("{}/", bench.folder.path().display()), "")
    };
    insta::assert_snapshot!(
        "not_models",
        [
            told("notes.txt", b"nothing"),
            told("empty.h5", b""),
            told("text.tflite", b"this is text, and not a flatbuffer"),
            told("picture.h5", b"\x89PNG\r\n\x1a\n and so on, which is a picture"),
        ]
        .join("\n")
    );
    let missing = summary(Path::new("no/such/model.h5"), "text").expect_err("no file").to_string();
    assert!(missing.contains("no/such/model.h5"), "{missing}");
    let folder = tempfile::tempdir().expect("a folder");
    let h5 = folder.path().join("folder.h5");
    fs_err::create_dir(&h5).expect("a folder");
    assert!(summary(&h5, "text").expect_err("a folder").to_string().contains("folder.h5"));
}

/// A file of the folder beside the repository, or None with a message; a panic where skipping is forbidden.
fn shared(name: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared").join(name);
    if path.exists() {
        return Some(path);
    }
    println!("skipped: {name} (no ../shared)");
    let required = std::env::var("PIPELINE_REQUIRE_PEERS").is_ok_and(|value| value == "1");
    assert!(!required, "skipped: {name}, and PIPELINE_REQUIRE_PEERS is 1");
    None
}

/// The figures are Keras' `len(model.layers)`, `count_params()` and the sizes of `trainable_weights` and
/// `non_trainable_weights`.
#[test]
fn the_reference_model_is_counted_as_keras_counts_it() {
    let Some(path) = shared("models/deeplab_128.h5") else { return };
    let json = json(&path);
    assert_eq!(json["layers"][118]["name"], "block_13_expand_relu");
    let totals = &json["totals"];
    let counts =
        ["layers", "parameters", "trainable", "non_trainable", "macs"].map(|name| totals[name].as_u64());
    assert_eq!(counts, [153, 688_467, 677_699, 10_768, 48_179_200].map(Some));
    let Some(path) = shared("models/deeplab_128_int8_b1_u8in_f32out.tflite") else { return };
    insta::assert_snapshot!("reference_int8", text(&summary(&path, "text").expect("a model")));
}
