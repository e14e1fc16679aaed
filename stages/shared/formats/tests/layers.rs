//! Every layer and argument against Keras, on the networks of `golden/keras_layers.py`.

use formats::keras::{h5_bytes, keras_bytes, read_bytes};
use kernels::Interpreter;
use model::{Graph, Op, Tensor, passes};
use std::{
    io::{Cursor, Read},
    path::{Path, PathBuf},
    process::Command,
};
use zip::ZipArchive;

const NETWORKS: [&str; 4] = ["every_layer", "chain", "nested", "stacked"];

/// An entry of the goldens.
fn golden(name: &str) -> Vec<u8> {
    let mut goldens = ZipArchive::new(Cursor::new(include_bytes!("golden/keras_layers.zip"))).expect("a zip");
    let mut bytes = Vec::new();
    goldens.by_name(name).expect("an entry").read_to_end(&mut bytes).expect("whole");
    bytes
}

fn floats(name: &str) -> Vec<f32> {
    golden(name).as_chunks::<4>().0.iter().map(|&word| f32::from_le_bytes(word)).collect()
}

/// Each network's name, with its version of Keras.
fn names() -> impl Iterator<Item = String> {
    [3, 2].into_iter().flat_map(|version| NETWORKS.map(|name| format!("keras{version}_{name}")))
}

fn read(name: &str) -> Graph {
    read_bytes(golden(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn run(graph: &Graph, name: &str) -> Vec<f32> {
    let image = Tensor::f32([2, 5, 4, 2], floats(&format!("{name}.in")));
    let interpreter = Interpreter::new(graph).unwrap_or_else(|error| panic!("{name}: {error}"));
    interpreter.run(&image).expect("an image of the right shape").as_f32().expect("floats").to_vec()
}

/// Fails with the branch that differs, where the network has branches.
fn assert_close(graph: &Graph, name: &str, output: &[f32]) {
    let expected = floats(&format!("{name}.out"));
    assert_eq!(output.len(), expected.len(), "{name}");
    for (index, (output, expected)) in output.iter().zip(&expected).enumerate() {
        let bound = 1e-5 * expected.abs().max(1.0);
        let place = || format!("{name}, element {index}, {}", branch(graph, index % (expected_len(graph))));
        assert!((output - expected).abs() <= bound, "{}: {output} for {expected}", place());
    }
}

fn expected_len(graph: &Graph) -> usize {
    graph.output_type().len()
}

/// The layer that an element of a concatenation of branches comes from.
fn branch(graph: &Graph, mut element: usize) -> String {
    let output = graph.layer(graph.output);
    for &flat in output.inputs.iter().filter(|_| output.op == Op::Concat) {
        if element < graph.layer(flat).output.len() {
            let layer = graph.layer(graph.layer(flat).inputs[0]);
            return format!("{} {:?}", layer.name, layer.op);
        }
        element -= graph.layer(flat).output.len();
    }
    String::new()
}

#[test]
fn every_layer_gives_the_numbers_of_the_keras_that_saved_it() {
    for name in names() {
        for extension in ["h5", "keras"] {
            let graph = read(&format!("{name}.{extension}"));
            assert_close(&graph, &name, &run(&graph, &name));
        }
    }
}

#[test]
fn sums_and_products_that_are_no_layers_are_those_of_layers() {
    let name = "keras3_operators";
    let graph = read(&format!("{name}.keras"));
    assert_close(&graph, name, &run(&graph, name));
    let classes: Vec<&str> = graph.layers.iter().map(|layer| layer.op.class()).collect();
    assert!(classes.contains(&"Multiply") && classes.ends_with(&["Add"]), "{classes:?}");
}

#[test]
fn both_files_of_a_network_give_one_graph() {
    for name in names() {
        assert_eq!(read(&format!("{name}.h5")), read(&format!("{name}.keras")), "{name}");
    }
}

#[test]
fn the_networks_have_every_operation_that_can_be_read() {
    let mut classes: Vec<&str> =
        names().flat_map(|name| read(&format!("{name}.h5")).layers).map(|layer| layer.op.class()).collect();
    classes.sort_unstable();
    classes.dedup();
    assert_eq!(classes.len(), 27, "{classes:?}");
}

#[test]
fn models_inside_models_are_taken_apart_under_names_that_stay_unique() {
    let graph = read("keras3_nested.keras");
    let names: Vec<&str> = graph.layers.iter().map(|layer| layer.name.as_str()).collect();
    let wanted = [
        "image",
        "rescale",
        "backbone_conv",
        "bn",
        "backbone_block_relu",
        "dw",
        "both",
        "head_conv",
        "head_relu",
        "conv",
    ];
    assert_eq!(names, wanted);
}

#[test]
fn what_is_written_is_read_as_it_was_and_depends_on_the_graph_alone() {
    for name in names() {
        let graph = read(&format!("{name}.h5"));
        for write in [h5_bytes, keras_bytes] {
            let bytes = write(&graph).unwrap_or_else(|error| panic!("{name}: {error}"));
            assert_eq!(read_bytes(bytes.clone()).expect("just written"), graph, "{name}");
            assert!(bytes == write(&graph).expect("as before"), "{name}: two files of one graph differ");
        }
    }
}

#[test]
fn a_network_prepared_for_deployment_gives_the_same_numbers() {
    for name in names() {
        let graph = read(&format!("{name}.h5"));
        let prepared = passes::for_deployment(&graph).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(prepared.check(), Ok(()), "{name}");
        assert_close(&prepared, &name, &run(&prepared, &name));
    }
}

#[test]
fn keras_opens_what_is_written_and_gives_the_same_numbers() {
    let Some(python) = python_with_keras() else { return };
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut arguments: Vec<PathBuf> = Vec::new();
    for name in names() {
        let graph = read(&format!("{name}.h5"));
        for part in ["in", "out"] {
            let path = folder.path().join(format!("{name}.{part}"));
            fs_err::write(path, golden(&format!("{name}.{part}"))).expect("a temporary file");
        }
        for (extension, bytes) in [("h5", h5_bytes(&graph)), ("keras", keras_bytes(&graph))] {
            let path = folder.path().join(format!("{name}.{extension}"));
            fs_err::write(&path, bytes.expect("a float graph")).expect("a temporary file");
            arguments.push(path);
        }
    }
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/keras_outputs.py");
    let output = Command::new(python).arg(script).args(&arguments).output().expect("Python starts");
    let (text, errors) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{text}{errors}");
    let differences: Vec<f64> = text
        .lines()
        .filter_map(|line| line.strip_prefix("difference\t"))
        .map(|number| number.parse().expect("a number"))
        .collect();
    assert_eq!(differences.len(), arguments.len(), "{text}{errors}");
    assert!(differences.iter().all(|difference| *difference <= 1e-5), "{text}");
}

/// `PIPELINE_PEERS_PYTHON`, else `python3`, if it has Keras.
fn python_with_keras() -> Option<String> {
    let python = std::env::var("PIPELINE_PEERS_PYTHON").unwrap_or_else(|_| "python3".into());
    let has_keras = Command::new(&python)
        .args(["-c", "import importlib.util as u; exit(0 if u.find_spec('keras') and u.find_spec('tensorflow') else 1)"])
        .output()
        .is_ok_and(|output| output.status.success());
    if has_keras {
        return Some(python);
    }
    println!("skipped: no Python with Keras; name one by PIPELINE_PEERS_PYTHON");
    let required = std::env::var("PIPELINE_REQUIRE_PEERS").is_ok_and(|value| value == "1");
    assert!(!required, "no Python with Keras, and PIPELINE_REQUIRE_PEERS is 1");
    None
}
