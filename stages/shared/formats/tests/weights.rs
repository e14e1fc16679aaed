//! Weights by the names of layers, and what travels in a Keras file besides the model.

use formats::keras::{WeightsFile, attachment, h5_bytes, h5_bytes_with, read_bytes, read_h5};
use std::path::{Path, PathBuf};

fn golden(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name)
}

/// Those that the whole reader finds, of files of Keras 2 and 3.
#[test]
fn weights_are_found_by_the_names_of_layers_without_the_network() {
    for name in ["keras3_every_layer.h5", "keras2_every_layer.h5"] {
        let graph = read_h5(&golden(name)).expect("Keras wrote it");
        let file = WeightsFile::open(&golden(name), name).expect("Keras wrote it");
        let mut count = 0;
        for layer in &graph.layers {
            assert!(file.layers().contains(&layer.name), "{}", layer.name);
            let Some(input) = layer.inputs.first() else { continue };
            let needed = layer.op.weight_shapes(&graph.layer(*input).output.shape);
            let mut found =
                file.shapes(&layer.name, layer.op.class()).expect("shapes").expect("the layer is there");
            for (weight, shape) in &needed {
                let at = found.iter().position(|(name, _)| name == weight).expect("the weight is there");
                assert_eq!(found.remove(at).1, *shape, "{} {weight}", layer.name);
            }
            assert_eq!(found, [], "{}", layer.name);
            let weights = file.weights(&layer.name, layer.op.class(), &needed).expect("weights");
            assert_eq!(weights, layer.weights, "{}", layer.name);
            count += weights.len();
        }
        assert!(count > 8, "{name} has {count} weights");
        assert_eq!(file.shapes("no such layer", "Conv2D").expect("no error"), None);
    }
}

#[test]
fn what_is_attached_comes_back_and_the_model_is_the_same() {
    let graph = read_h5(&golden("keras3_every_layer.h5")).expect("Keras wrote it");
    let note: Vec<u8> = (0..=255).cycle().take(100_000).collect();
    let bytes = h5_bytes_with(&graph, &[("note", &note), ("empty", &[])]).expect("a float graph");
    assert_eq!(read_bytes(bytes.clone()).expect("just written"), graph);
    assert_eq!(attachment(bytes.clone(), "note").expect("just written"), Some(note));
    assert_eq!(attachment(bytes.clone(), "empty").expect("just written"), Some(Vec::new()));
    assert_eq!(attachment(bytes, "other").expect("just written"), None);
    assert_eq!(h5_bytes_with(&graph, &[]).expect("a graph"), h5_bytes(&graph).expect("a graph"));
}

#[test]
fn a_name_of_keras_own_is_no_attachment() {
    let bytes = fs_err::read(golden("keras3_every_layer.h5")).expect("a file");
    assert_eq!(attachment(bytes.clone(), "model_weights").expect("a group is no dataset"), None);
    let graph = read_bytes(bytes).expect("Keras wrote it");
    let cut = h5_bytes_with(&graph, &[("note", &[1; 5000])]).expect("a graph");
    let cut = cut[..cut.len() - 3000].to_vec();
    assert!(attachment(cut, "note").is_err(), "a file that is cut short");
}
