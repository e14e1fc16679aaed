//! TFLite files of the converter: read, written again, damaged, and judged by the LiteRT interpreter.

use formats::{FormatError, tflite};
use model::{
    Activation, Data, DataType, Graph, GraphBuilder, Initializer, Interpolation, Op, Padding, Quant,
};
use std::path::PathBuf;

/// A file of `../shared/models`; none, with a message, when this machine has no such folder.
fn shared_model(name: &str) -> Option<Vec<u8>> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../../shared/models").join(name);
    match fs_err::read(&path) {
        Ok(bytes) => Some(bytes),
        Err(_) if std::env::var_os("PIPELINE_REQUIRE_PEERS").is_none() => {
            eprintln!("skipped: {name} is needed (no ../shared)");
            None
        }
        Err(error) => panic!("PIPELINE_REQUIRE_PEERS is set, but {error}"),
    }
}

const FIXED_BATCH: [&str; 3] = [
    "deeplab_128_int8_b1_u8in_f32out.tflite",
    "deeplab_128_int8_b1_i8in_i8out.tflite",
    "deeplab_128_float_b1.tflite",
];

fn count(graph: &Graph, matches: impl Fn(&Op) -> bool) -> usize {
    graph.layers.iter().filter(|layer| matches(&layer.op)).count()
}

#[test]
fn a_converted_int8_model_reads_as_its_layers() {
    let Some(bytes) = shared_model(FIXED_BATCH[0]) else { return };
    let graph = tflite::read(&bytes).unwrap();
    assert_eq!(count(&graph, |op| matches!(op, Op::Conv2d(_))), 34);
    assert_eq!(count(&graph, |op| matches!(op, Op::DepthwiseConv2d(_))), 16);
    assert_eq!(count(&graph, |op| matches!(op, Op::Add { .. })), 8);
    assert_eq!(count(&graph, |op| matches!(op, Op::GlobalAveragePool { keep_dims: true })), 1);
    assert_eq!(count(&graph, |op| matches!(op, Op::Upsample { .. })), 2);
    assert_eq!(count(&graph, |op| matches!(op, Op::Concat)), 1);

    let input = graph.layer(graph.input().unwrap());
    assert_eq!(input.output.data_type, DataType::U8);
    assert_eq!(input.output.shape, [128, 128, 3]);
    assert_eq!(input.output.quant.as_ref().unwrap().zero_points, [127]);
    assert_eq!(graph.output_type().data_type, DataType::F32);
    assert_eq!(graph.output_type().shape, [128, 128, 3]);

    let Op::Conv2d(first) = &graph.layers[2].op else { panic!("the third layer is the first convolution") };
    assert_eq!(first.strides, (2, 2));
    assert_eq!(first.padding, Padding::Same);
    assert_eq!(first.activation, Activation::Relu6);
    assert_eq!(graph.layers[2].weights[0].shape, [3, 3, 3, 16]);
    assert_eq!(graph.layers[2].weights[0].quant.as_ref().unwrap().axis, Some(3));
    let dilations: Vec<_> = graph
        .layers
        .iter()
        .filter_map(|layer| match &layer.op {
            Op::DepthwiseConv2d(conv) if conv.dilation != (1, 1) => Some(conv.dilation),
            _ => None,
        })
        .collect();
    assert_eq!(dilations, [(2, 2), (3, 3)]);
}

#[test]
fn what_is_written_reads_as_the_same_graph() {
    for name in FIXED_BATCH {
        let Some(bytes) = shared_model(name) else { return };
        let graph = tflite::read(&bytes).unwrap();
        let written = tflite::write(&graph).unwrap();
        assert!(tflite::read(&written).unwrap() == graph, "{name} changed");
        assert_eq!(written, tflite::write(&graph).unwrap(), "{name} is written with other bytes");
    }
}

#[test]
fn the_open_batch_form_is_refused_by_the_name_of_its_operator() {
    let Some(bytes) = shared_model("deeplab_128_int8pt_u8in_f32out.tflite") else { return };
    let error = tflite::read(&bytes).unwrap_err();
    assert!(
        matches!(&error, FormatError::Unsupported { class, .. } if class == "SPACE_TO_BATCH_ND"),
        "{error}"
    );
    assert!(error.to_string().contains("fixed batch"), "{error}");
}

/// A small model of every operator, so that damage reaches each reader quickly.
fn small() -> Vec<u8> {
    fs_err::read(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/tflite/small.tflite")).unwrap()
}

#[test]
fn the_small_model_reads_and_is_written_again() {
    let graph = tflite::read(&small()).unwrap();
    assert!(count(&graph, |op| matches!(op, Op::Conv2d(_))) >= 1);
    assert!(tflite::read(&tflite::write(&graph).unwrap()).unwrap() == graph);
}

#[test]
fn a_truncated_file_is_an_error_at_every_length() {
    let whole = small();
    // Converters append nothing that a reader needs to the end but alignment: the last bytes may be missing.
    for len in 0..whole.len() {
        if let Ok(graph) = tflite::read(&whole[..len]) {
            assert!(whole.len() - len < 16, "{len} of {} bytes read as a model", whole.len());
            assert!(graph == tflite::read(&whole).unwrap());
        }
    }
}

#[test]
fn flipped_bytes_never_panic_and_what_still_reads_is_written_or_refused() {
    let whole = small();
    let mut state = 0x9e37_79b9_7f4a_7c15u64;
    let mut draw = move |below: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % below
    };
    let mut refused = 0;
    for _ in 0..20_000 {
        let mut damaged = whole.clone();
        for _ in 0..=draw(3) {
            damaged[draw(whole.len())] = [0, 1, 0x7f, 0x80, 0xff, draw(256) as u8][draw(6)];
        }
        match tflite::read(&damaged) {
            Ok(graph) => drop(tflite::write(&graph)),
            Err(_) => refused += 1,
        }
    }
    assert!(refused > 1000, "only {refused} damaged files were refused");
}

#[test]
fn a_layer_that_must_be_folded_first_is_refused_by_name() {
    let Some(bytes) = shared_model(FIXED_BATCH[2]) else { return };
    let mut graph = tflite::read(&bytes).unwrap();
    let layer = graph.layers.len() - 1;
    graph.layers[layer].op = Op::batch_norm(0.9, 1e-3);
    graph.layers[layer].name = "late_bn".into();
    let error = tflite::write(&graph).unwrap_err().to_string();
    assert!(error.contains("late_bn") && error.contains("fold"), "{error}");
}

#[test]
fn integers_without_a_scale_are_refused() {
    let mut graph = tflite::read(&small()).unwrap();
    let layer = graph.layers.iter().position(|layer| matches!(layer.op, Op::Conv2d(_))).unwrap();
    graph.layers[layer].output.quant = None;
    assert!(tflite::write(&graph).unwrap_err().to_string().contains("calibrate"));
    graph.layers[layer].output.quant = Some(Quant::per_tensor(0.5, 3));
    assert!(tflite::write(&graph).is_ok());
}

#[test]
fn operators_that_the_reference_models_lack_are_read_as_they_were_written() {
    let mut builder = GraphBuilder::new("main");
    let plain = Initializer::default();
    let layers = [
        ("pad", Op::ZeroPad2d { height: (1, 0), width: (0, 2) }),
        ("relu", Op::Relu { max_value: None }),
        ("nearest", Op::Upsample { factor: (2, 3), interpolation: Interpolation::Nearest }),
        ("relu6", Op::Relu { max_value: Some(6.0) }),
        ("pool", Op::GlobalAveragePool { keep_dims: false }),
        ("image", Op::Reshape { shape: vec![1, 1, 3] }),
        ("classes", Op::Activation(Activation::Softmax)),
    ];
    let mut last = builder.input("input", &[4, 5, 3]).unwrap();
    for (name, op) in layers {
        last = builder.layer(name, op, &[last], plain).unwrap();
    }
    let graph = builder.finish(last).unwrap();
    assert_eq!(tflite::read(&tflite::write(&graph).unwrap()).unwrap(), graph);
}

#[test]
fn weights_lie_at_multiples_of_16_bytes() {
    let graph = tflite::read(&small()).unwrap();
    let written = tflite::write(&graph).unwrap();
    let mut found = 0;
    for layer in &graph.layers {
        // A depthwise kernel of one multiplier is stored in the graph's own order.
        let (Op::DepthwiseConv2d(_), Some(Data::I8(values))) =
            (&layer.op, layer.weights.first().map(|w| &w.data))
        else {
            continue;
        };
        let bytes: Vec<u8> = values.iter().map(|v| v.cast_unsigned()).collect();
        let position = written.windows(bytes.len()).position(|window| window == bytes).unwrap();
        assert_eq!(position % 16, 0, "weights of `{}`", layer.name);
        found += 1;
    }
    assert!(found > 0);
    assert_eq!(written.len() % 16, 0);
}

/// The Python of `PIPELINE_PEERS_PYTHON`, which has `ai_edge_litert` and numpy.
fn peers_python() -> Option<String> {
    let python = std::env::var("PIPELINE_PEERS_PYTHON").ok();
    if python.is_none() {
        assert!(
            std::env::var_os("PIPELINE_REQUIRE_PEERS").is_none(),
            "PIPELINE_REQUIRE_PEERS is set, but PIPELINE_PEERS_PYTHON names no Python with ai_edge_litert"
        );
        eprintln!("skipped: the LiteRT interpreter is needed (set PIPELINE_PEERS_PYTHON)");
    }
    python
}

#[test]
fn litert_gives_the_same_bits_for_a_written_file_as_for_the_converters() {
    let Some(python) = peers_python() else { return };
    let folder = tempfile::tempdir().unwrap();
    let script = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/tflite/compare.py");
    for name in FIXED_BATCH {
        let Some(bytes) = shared_model(name) else { return };
        let original = folder.path().join("original.tflite");
        let written = folder.path().join("written.tflite");
        fs_err::write(&original, &bytes).unwrap();
        fs_err::write(&written, tflite::write(&tflite::read(&bytes).unwrap()).unwrap()).unwrap();
        let run =
            std::process::Command::new(&python).arg(&script).arg(&original).arg(&written).output().unwrap();
        let report =
            format!("{}{}", String::from_utf8_lossy(&run.stdout), String::from_utf8_lossy(&run.stderr));
        assert!(run.status.success(), "{name}: {report}");
        assert!(report.contains("outputs equal"), "{name}: {report}");
    }
}
