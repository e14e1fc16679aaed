//! Keras files: read, written, and opened by Keras itself.
//!
//! `golden/*.h5` and `golden/keras_files.tsv` are made by Keras 2 and 3 through `golden/keras_files.py`.

use formats::{
    FormatError,
    keras::{h5_bytes, read_bytes, read_h5, write_h5},
    read_model,
};
use hdf5_pure::{AttrValue, FileBuilder};
use model::{AsppVersion, Backbone, DeeplabV3, Graph, Op, initialize};
use std::{
    path::{Path, PathBuf},
    process::Command,
};

fn golden(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name)
}

/// A file of the folder beside the repository, or None with a message; a panic where skipping is forbidden.
fn shared(name: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../../shared").join(name);
    if path.exists() { Some(path) } else { skip(&format!("{name} (no ../shared)")) }
}

fn skip<T>(what: &str) -> Option<T> {
    println!("skipped: {what}");
    let required = std::env::var("PIPELINE_REQUIRE_PEERS").is_ok_and(|value| value == "1");
    assert!(!required, "skipped: {what}, and PIPELINE_REQUIRE_PEERS is 1");
    None
}

const FILES: [&str; 4] =
    ["keras3_every_layer", "keras3_sequential", "keras2_every_layer", "keras2_sequential"];

#[test]
fn files_of_keras_2_and_3_are_read_as_keras_lists_them() {
    let table = include_str!("golden/keras_files.tsv");
    for (section, name) in table.split("> ").skip(1).zip(FILES) {
        let wanted: Vec<&str> = section.lines().collect();
        assert_eq!(wanted[0], name);
        let graph = read_h5(&golden(&format!("{name}.h5"))).expect("Keras wrote it");
        // Keras does not list the input of a Sequential model.
        let listed =
            graph.layers.iter().filter(|layer| name.ends_with("every_layer") || layer.op != Op::Input);
        let listed: Vec<String> = listed.map(listing).collect();
        assert_eq!(listed, wanted[1..], "{name}");
        assert_eq!(graph.check(), Ok(()));
    }
}

fn listing(layer: &model::Layer) -> String {
    let shape: Vec<String> = layer.output.shape.iter().map(ToString::to_string).collect();
    let mut cells = vec![layer.name.clone(), shape.join("x")];
    for weight in &layer.weights {
        let values = weight.as_f32().expect("floats");
        cells.push(format!("{:.5}", values.iter().map(|value| f64::from(*value)).sum::<f64>()));
    }
    cells.join("\t")
}

#[test]
fn keras_2_and_keras_3_files_of_one_network_give_one_graph() {
    let graphs = ["keras2_every_layer.h5", "keras3_every_layer.h5"].map(|name| read_h5(&golden(name)));
    let [two, three] = graphs.map(|graph| graph.expect("Keras wrote it"));
    assert_eq!(two, three);
}

#[test]
fn writing_and_reading_again_gives_the_same_graph() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for graph in every_graph() {
        let path = folder.path().join("model.h5");
        write_h5(&graph, &path).expect("a float graph");
        assert_eq!(read_h5(&path).expect("just written"), graph, "{}", graph.name);
    }
}

#[test]
fn bytes_depend_on_the_graph_alone() {
    let graph = initialised(AsppVersion::V2);
    let first = h5_bytes(&graph).expect("a float graph");
    // The object headers of HDF5 hold whole seconds.
    std::thread::sleep(std::time::Duration::from_millis(1100));
    assert!(first == h5_bytes(&graph).expect("a float graph"), "two files of one graph differ");
}

fn every_graph() -> Vec<Graph> {
    let mut graphs: Vec<Graph> =
        FILES.iter().map(|name| read_h5(&golden(&format!("{name}.h5"))).expect("Keras wrote it")).collect();
    graphs.extend([initialised(AsppVersion::V1), initialised(AsppVersion::V2)]);
    graphs.extend(shared("models/deeplab_128.h5").map(|path| read_h5(&path).expect("Keras wrote it")));
    graphs
}

fn initialised(aspp: AsppVersion) -> Graph {
    let net = DeeplabV3 {
        backbone: Backbone::MobilenetV2 { alpha: 0.35 },
        input: (64, 96, 3),
        classes: 4,
        output_stride: 16,
        aspp,
        dropout: 0.1,
    };
    let mut graph = net.build().expect("a usual network");
    initialize(&mut graph, 3);
    graph
}

#[test]
fn the_reference_model_has_the_layers_that_the_architecture_builds() {
    let Some(path) = shared("models/deeplab_128.h5") else { return };
    let read = read_h5(&path).expect("Keras wrote it");
    let net = DeeplabV3 {
        input: (128, 128, 3),
        classes: 3,
        backbone: Backbone::MobilenetV2 { alpha: 0.35 },
        output_stride: 16,
        aspp: AsppVersion::V2,
        dropout: 0.3,
    };
    let built = net.build().expect("a usual network");
    assert_eq!(read.name, built.name);
    assert_eq!(read.output, built.output);
    assert_eq!(read.layers.len(), 153);
    for (read, built) in read.layers.iter().zip(&built.layers) {
        assert_eq!(read.name, built.name);
        assert_eq!(
            (&read.op, &read.inputs, &read.output),
            (&built.op, &built.inputs, &built.output),
            "{}",
            read.name
        );
        let shapes = |layer: &model::Layer| {
            layer.weights.iter().map(|weight| weight.shape.clone()).collect::<Vec<_>>()
        };
        assert_eq!(shapes(read), shapes(built), "{}", read.name);
    }
}

#[test]
fn keras_opens_what_is_written_with_the_same_layers_weights_and_outputs() {
    let Some(python) = python_with_keras() else { return };
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut pairs = Vec::new();
    let references = [
        ("keras3_every_layer.h5", "keras3_every_layer.h5"),
        ("keras2_every_layer.h5", "keras3_every_layer.h5"),
        ("keras2_sequential.h5", "keras3_sequential.h5"),
    ];
    let references = references.map(|(ours, reference)| (golden(ours), golden(reference)));
    let trained = shared("models/deeplab_128.h5").map(|path| (path.clone(), path));
    for (index, (source, reference)) in references.into_iter().chain(trained).enumerate() {
        let ours = folder.path().join(format!("{index}.h5"));
        write_h5(&read_h5(&source).expect("Keras wrote it"), &ours).expect("a float graph");
        pairs.extend([ours, reference]);
    }
    let fresh = folder.path().join("fresh.h5");
    write_h5(&initialised(AsppVersion::V1), &fresh).expect("a float graph");
    pairs.extend([fresh.clone(), fresh]);
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/keras_peer.py");
    let output = Command::new(python).arg(script).args(&pairs).output().expect("Python starts");
    let (text, errors) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{text}{errors}");
    let differences: Vec<f64> = text
        .lines()
        .filter_map(|line| line.strip_prefix("difference\t"))
        .map(|number| number.parse().expect("a number"))
        .collect();
    assert_eq!(differences.len(), pairs.len() / 2, "{text}{errors}");
    assert!(differences.iter().all(|difference| *difference <= 1e-5), "{differences:?}");
}

/// `PIPELINE_PEERS_PYTHON`, else `python3`, if it has Keras.
fn python_with_keras() -> Option<String> {
    let python = std::env::var("PIPELINE_PEERS_PYTHON").unwrap_or_else(|_| "python3".into());
    let has_keras = Command::new(&python)
        .args(["-c", "import importlib.util as u; exit(0 if u.find_spec('keras') and u.find_spec('tensorflow') else 1)"])
        .output()
        .is_ok_and(|output| output.status.success());
    if has_keras {
        Some(python)
    } else {
        skip("Keras (no Python with keras; name one by PIPELINE_PEERS_PYTHON)")
    }
}

#[test]
fn a_file_cut_short_anywhere_is_an_error_that_names_it() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("short.h5");
    let whole = fs_err::read(golden("keras3_sequential.h5")).expect("the fixture");
    for length in (0..whole.len()).step_by(97).chain([1, 8, 9, whole.len() - 1]) {
        fs_err::write(&path, &whole[..length]).expect("a temporary file");
        let message = read_h5(&path).expect_err("a part of a file").to_string();
        assert!(message.contains("short.h5") && message.contains("save"), "{length}: {message}");
    }
}

#[test]
fn flipped_bytes_never_panic() {
    let whole = fs_err::read(golden("keras3_sequential.h5")).expect("the fixture");
    let mut random = 1u64;
    let mut errors = 0;
    for _ in 0..3000 {
        let mut bytes = whole.clone();
        for _ in 0..3 {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let position = (random >> 33) as usize % bytes.len();
            bytes[position] ^= (random >> 20) as u8 | 1;
        }
        errors += usize::from(read_bytes(bytes).is_err());
    }
    assert!(errors > 100, "only {errors} of 3000 damaged files were noticed");
}

/// A Keras file with this JSON as its network, and no weights.
fn refusal(model_config: &str) -> String {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("odd.h5");
    let mut file = FileBuilder::new();
    file.set_attr("model_config", AttrValue::VarLenString(model_config.into()));
    fs_err::write(&path, file.finish().expect("a small file")).expect("a temporary file");
    let message = read_h5(&path).expect_err("an odd network").to_string();
    message.replace(&path.display().to_string(), "odd.h5")
}

/// A Sequential model of an input `[8, 8, 2]` and one layer.
fn one_layer(class: &str, config: &str) -> String {
    refusal(&format!(
        r#"{{"class_name": "Sequential", "config": {{"name": "s", "layers": [
            {{"class_name": "InputLayer", "config": {{"name": "in", "batch_shape": [null, 8, 8, 2]}}}},
            {{"class_name": "{class}", "config": {{"name": "odd", {config}}}}}]}}}}"#
    ))
}

#[test]
fn what_cannot_be_read_is_told_with_layer_class_and_option() {
    let cases = [
        ("LSTM", r#""units": 4"#),
        ("Conv2D", r#""filters": 4, "kernel_size": 3, "groups": 2"#),
        ("Conv2D", r#""filters": 4, "kernel_size": 3, "activation": "mish""#),
        (
            "Conv2D",
            r#""filters": 4, "kernel_size": 3, "activation": {"class_name": "LeakyReLU", "config": {}}"#,
        ),
        ("Conv2D", r#""filters": 4, "kernel_size": 3, "data_format": "channels_first""#),
        ("Conv2D", r#""filters": -4, "kernel_size": 3"#),
        ("Conv2D", r#""kernel_size": 3"#),
        ("Conv2D", r#""filters": 4, "kernel_size": [3, 3, 3]"#),
        ("Conv2D", r#""filters": 4, "kernel_size": 9"#),
        ("Conv2D", r#""filters": 99999999999999, "kernel_size": 1"#),
        ("SeparableConv2D", r#""filters": 4, "kernel_size": 3, "groups": 2"#),
        ("Conv2DTranspose", r#""filters": 4, "kernel_size": 3, "strides": 2, "output_padding": 2"#),
        ("Conv2DTranspose", r#""filters": 4, "kernel_size": 3, "strides": 2, "dilation_rate": 2"#),
        ("Dense", r#""activation": "relu""#),
        ("BatchNormalization", r#""axis": 1"#),
        ("BatchNormalization", r#""renorm": true"#),
        ("ReLU", r#""negative_slope": -0.1"#),
        ("LeakyReLU", r#""negative_slope": "steep""#),
        ("PReLU", r#""shared_axes": [0]"#),
        ("PReLU", r#""shared_axes": [4]"#),
        ("Softmax", r#""axis": 1"#),
        ("Add", ""),
        ("Multiply", ""),
        ("Concatenate", r#""axis": 1"#),
        ("Cropping2D", r#""cropping": 4"#),
        ("MaxPooling2D", r#""pool_size": 9"#),
        ("AveragePooling2D", r#""padding": "full""#),
        ("UpSampling2D", r#""interpolation": "bicubic""#),
        ("Resizing", r#""height": 4, "width": 4, "crop_to_aspect_ratio": true"#),
        ("Resizing", r#""height": 4, "width": 4, "antialias": true"#),
        ("Resizing", r#""height": 4, "width": 4, "interpolation": "lanczos3""#),
        ("Resizing", r#""height": 4"#),
        ("Reshape", r#""target_shape": [-1, -1]"#),
        ("Reshape", r#""target_shape": [5, -1]"#),
        ("Dropout", r#""rate": 2"#),
        ("SpatialDropout2D", r#""rate": 0.5, "noise_shape": [1]"#),
        ("Rescaling", r#""scale": [1, 2]"#),
        ("Activation", r#""activation": "relu", "dtype": "mixed_float16""#),
        ("Sequential", r#""layers": []"#),
        ("Functional", r#""layers": [], "input_layers": [], "output_layers": []"#),
    ];
    let told: Vec<String> = cases
        .into_iter()
        .map(|(class, options)| one_layer(class, if options.is_empty() { r#""a": 1"# } else { options }))
        .collect();
    insta::assert_snapshot!("refused_layers", told.join("\n"));
}

#[test]
fn functions_that_keras_2_computes_otherwise_are_refused_in_its_files_alone() {
    let config = r#"{"class_name": "Sequential", "config": {"name": "s", "layers": [
        {"class_name": "Activation", "config": {"name": "act", "activation": "hard_sigmoid",
            "batch_input_shape": [null, 4, 4, 2]}}]}}"#;
    let read = |version: &str| {
        let mut file = FileBuilder::new();
        file.set_attr("model_config", AttrValue::VarLenString(config.into()));
        file.set_attr("keras_version", AttrValue::VarLenString(version.into()));
        read_bytes(file.finish().expect("a small file"))
    };
    assert!(read("3.15.1").is_ok());
    let message = read("2.15.0").expect_err("another formula").to_string();
    assert!(
        message.starts_with("layer `act` (Activation): its option `activation` is \"hard_sigmoid\""),
        "{message}"
    );
}

/// A Functional model of layers given as `name: class reads...`, its output being `end`.
fn functional(layers: &[(&str, &str, &[&str])]) -> String {
    let layer = |(name, class, reads): &(&str, &str, &[&str])| {
        let tensor = |read: &&str| {
            format!(
                r#"{{"class_name": "__keras_tensor__", "config": {{"keras_history": ["{read}", 0, 0]}}}}"#
            )
        };
        let tensors: Vec<String> = reads.iter().map(tensor).collect();
        let calls = if reads.is_empty() {
            String::new()
        } else {
            format!(r#"{{"args": [[{}]]}}"#, tensors.join(","))
        };
        format!(
            r#"{{"class_name": "{class}", "name": "{name}", "inbound_nodes": [{calls}],
                "config": {{"batch_shape": [null, 4, 4, 1], "activation": "relu"}}}}"#
        )
    };
    let layers: Vec<String> = layers.iter().map(layer).collect();
    refusal(&format!(
        r#"{{"class_name": "Functional", "config": {{"name": "f", "layers": [{}],
            "input_layers": ["in", 0, 0], "output_layers": ["end", 0, 0]}}}}"#,
        layers.join(",")
    ))
}

#[test]
fn networks_that_hang_together_wrongly_are_errors() {
    let input = ("in", "InputLayer", &[][..]);
    let circle = functional(&[input, ("end", "Activation", &["b"]), ("b", "Activation", &["end"])]);
    assert!(circle.contains("the layer `end` reads itself"), "{circle}");
    let missing = functional(&[input, ("end", "Activation", &["nobody"])]);
    assert!(missing.contains("`end` reads the layer `nobody`, which is missing"), "{missing}");
    let twice = functional(&[input, ("end", "Activation", &["in"]), ("end", "Activation", &["in"])]);
    assert!(twice.contains("two layers of the network have one name"), "{twice}");
    let crowded = functional(&[input, ("end", "Activation", &["in", "in"])]);
    assert!(crowded.contains("layer `end` (Activation): takes one input, not 2"), "{crowded}");
    let alone = functional(&[input, ("end", "Activation", &[])]);
    assert!(alone.contains("layer `end` (Activation): takes one input, not 0"), "{alone}");
}

#[test]
fn several_inputs_or_outputs_and_layers_that_are_called_twice_are_told() {
    let layer = r#"{"class_name": "ReLU", "name": "twice", "config": {}, "inbound_nodes": CALLS}"#;
    let model = |calls: &str, inputs: &str, outputs: &str| {
        refusal(&format!(
            r#"{{"class_name": "Functional", "config": {{"name": "f", "layers": [
                {{"class_name": "InputLayer", "name": "in", "config": {{"batch_shape": [null, 4, 4, 1]}},
                    "inbound_nodes": []}}, {}], "input_layers": {inputs}, "output_layers": {outputs}}}}}"#,
            layer.replace("CALLS", calls)
        ))
    };
    let once = r#"[[["in", 0, 0, {}]]]"#;
    let told = [
        model(once, r#"[["in", 0, 0], ["more", 0, 0]]"#, r#"["twice", 0, 0]"#),
        model(once, r#"["in", 0, 0]"#, r#"{"mask": ["twice", 0, 0], "edge": ["in", 0, 0]}"#),
        model(r#"[[["in", 0, 0, {}]], [["in", 0, 0, {}]]]"#, r#"["in", 0, 0]"#, r#"["twice", 0, 0]"#),
        model(once, r#"["in", 0, 0]"#, r#"["twice", 1, 0]"#),
        model(once, r#"["in", 0, 0]"#, r#"["twice", 0, 1]"#),
    ];
    insta::assert_snapshot!("refused_networks", told.join("\n"));
}

#[test]
fn files_that_are_no_keras_models_say_what_to_do() {
    let missing = refusal("{}");
    assert!(missing.contains("no usable `class_name` for the model"), "{missing}");
    let broken = refusal("{\"class_name\": ");
    assert!(broken.contains("its model_config is not JSON"), "{broken}");
    let deep = refusal(&"[".repeat(100_000));
    assert!(deep.contains("recursion limit"), "{deep}");

    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("weights.h5");
    let mut file = FileBuilder::new();
    file.set_attr("layer_names", AttrValue::VarLenStringArray(vec!["conv".into()]));
    fs_err::write(&path, file.finish().expect("a small file")).expect("a temporary file");
    let weights = read_h5(&path).expect_err("no network").to_string();
    assert!(weights.contains("weights only") && weights.contains("model.save("), "{weights}");

    fs_err::write(&path, b"PK\x03\x04").expect("a temporary file");
    assert!(read_h5(&path).expect_err("a part of a zip").to_string().contains("cut short"));
    let absent = read_h5(&folder.path().join("absent.h5")).expect_err("no file");
    assert!(matches!(absent, FormatError::Io(_)) && absent.to_string().contains("absent.h5"));
}

/// Keras splits attributes over 64 kB: `weight_names` becomes `weight_names0`, `weight_names1`.
#[test]
fn split_lists_of_names_are_put_together() {
    let mut file = FileBuilder::new();
    let config = r#"{"class_name": "Sequential", "config": {"name": "s", "build_input_shape": [null, 4, 4, 2],
        "layers": [{"class_name": "BatchNormalization", "config": {"name": "bn", "axis": [3]}}]}}"#;
    file.set_attr("model_config", AttrValue::VarLenString(config.into()));
    let mut weights = file.create_group("model_weights");
    let mut layer = weights.create_group("bn");
    let names = |names: [&str; 2]| AttrValue::AsciiStringArray(names.map(Into::into).to_vec());
    layer.set_attr("weight_names0", names(["gamma:0", "beta:0"]));
    layer.set_attr("weight_names1", names(["moving_mean:0", "moving_variance:0"]));
    for (value, name) in ["gamma:0", "beta:0", "moving_mean:0", "moving_variance:0"].into_iter().enumerate() {
        layer.create_dataset(name).with_f32_data(&[value as f32; 2]).with_shape(&[2]);
    }
    weights.add_group(layer.finish());
    file.add_group(weights.finish());
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("split.h5");
    fs_err::write(&path, file.finish().expect("a small file")).expect("a temporary file");
    let graph = read_h5(&path).expect("a good file");
    let layer = graph.layer(graph.find("bn").expect("the layer"));
    let first: Vec<f32> = layer.weights.iter().map(|weight| weight.as_f32().expect("floats")[0]).collect();
    assert_eq!(first, [0.0, 1.0, 2.0, 3.0]);
}

#[test]
fn graphs_that_keras_has_no_layers_for_are_refused() {
    let mut graph = read_h5(&golden("keras3_every_layer.h5")).expect("Keras wrote it");
    let add = graph.find("add").expect("the layer");
    graph.layers[add.0].op = Op::Add { activation: model::Activation::Relu6 };
    let message = h5_bytes(&graph).expect_err("a fused addition").to_string();
    assert_eq!(
        message,
        "layer `add` (Add): Keras' Add has no activation; write the model before activations are fused"
    );
    graph.layers[add.0].op = Op::Add { activation: model::Activation::Linear };
    graph.layers[add.0].name = "a/b".into();
    assert!(h5_bytes(&graph).expect_err("a slash").to_string().contains("rename it without `/`"));
}

#[test]
fn the_name_of_a_model_file_tells_its_format_wherever_it_lies() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let object = folder.path().join("0f3a");
    fs_err::copy(golden("keras3_sequential.h5"), &object).expect("a temporary file");
    let graph = read_model(&object, "best_model.H5").expect("Keras wrote it");
    assert_eq!(graph, read_h5(&golden("keras3_sequential.h5")).expect("Keras wrote it"));
    // The extension .keras has meant HDF5 before Keras 2.12.
    assert_eq!(graph, read_model(&object, "older.keras").expect("Keras wrote it"));
    let message = |name: &str| read_model(&object, name).expect_err("another format").to_string();
    assert!(message("model.tflite").starts_with("model.tflite: "));
    let supported = "supported: .h5, .hdf5, .keras (Keras) and .tflite (TensorFlow Lite)";
    assert_eq!(
        message("model.onnx"),
        format!("model.onnx: model files of type `.onnx` cannot be read yet; {supported}")
    );
    assert_eq!(
        message("model"),
        format!("model: model files without an extension are not known; {supported}")
    );
}
