//! Writing a Keras archive.

use super::{
    encode,
    names::Stored,
    write::{self, KERAS_VERSION, add_weight},
};
use crate::FormatError;
use hdf5_pure::FileBuilder;
use model::Graph;
use serde_json::{Value, json};
use std::{
    io::{Cursor, Write},
    path::Path,
};
use zip::{CompressionMethod, DateTime, ZipWriter, result::ZipError, write::SimpleFileOptions};

/// Writes a float graph as a Keras archive (`.keras`) that `keras.models.load_model` opens, with equal outputs.
///
/// The bytes depend on the graph alone: Keras' date of saving is left out, and entries have the zip format's first date.
///
/// # Errors
/// A quantized graph, a fused addition, names that Keras does not allow, or the operating system's refusal.
pub fn write_keras(graph: &Graph, path: &Path) -> Result<(), FormatError> {
    let bytes = keras_bytes(graph).map_err(|error| error.in_file(path))?;
    Ok(fs_err::write(path, bytes)?)
}

/// The bytes that [`write_keras`] writes.
///
/// # Errors
/// As [`write_keras`], but for the operating system's.
pub fn keras_bytes(graph: &Graph) -> Result<Vec<u8>, FormatError> {
    graph.check()?;
    let metadata = json!({ "keras_version": KERAS_VERSION }).to_string();
    let entries = [
        ("metadata.json", metadata.into_bytes()),
        ("config.json", config(graph)?.to_string().into_bytes()),
        ("model.weights.h5", weights(graph)?),
    ];
    archive(&entries).map_err(|error| write::unwritable(graph, &error.to_string()))
}

/// The entries as they are, as Keras stores them.
fn archive(entries: &[(&str, Vec<u8>)]) -> Result<Vec<u8>, ZipError> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in entries {
        let options = SimpleFileOptions::default()
            .compression_method(CompressionMethod::Stored)
            .last_modified_time(DateTime::default())
            .large_file(u32::try_from(bytes.len()).is_err());
        zip.start_file(*name, options)?;
        zip.write_all(bytes)?;
    }
    Ok(zip.finish()?.into_inner())
}

/// The network as Keras' JSON, with the modules of its classes.
fn config(graph: &Graph) -> Result<Value, FormatError> {
    let mut network = encode::network(graph)?;
    let layers = network.pointer_mut("/config/layers").and_then(Value::as_array_mut);
    for layer in layers.into_iter().flatten() {
        with_module(layer, "keras.layers", None);
    }
    with_module(&mut network, "keras.src.models.functional", Some("Functional"));
    Ok(network)
}

fn with_module(object: &mut Value, module: &str, registered_name: Option<&str>) {
    if let Value::Object(object) = object {
        object.insert("module".into(), json!(module));
        object.insert("registered_name".into(), json!(registered_name));
    }
}

/// The file of weights: a group for each layer, named by its class, with its own name and its weights by number.
fn weights(graph: &Graph) -> Result<Vec<u8>, FormatError> {
    let mut file = FileBuilder::new();
    let mut top = file.create_group("vars");
    top.set_attr("name", write::text(&graph.name));
    file.add_group(top.finish());
    let mut layers = file.create_group("layers");
    let mut stored = Stored::default();
    for layer in &graph.layers {
        write::check(layer)?;
        let mut group = layers.create_group(&stored.next(layer.op.class()));
        let mut vars = group.create_group("vars");
        vars.set_attr("name", write::text(&layer.name));
        for (number, weight) in layer.weights.iter().enumerate() {
            add_weight(&mut vars, layer, &number.to_string(), weight)?;
        }
        group.add_group(vars.finish());
        layers.add_group(group.finish());
    }
    file.add_group(layers.finish());
    write::bytes(file, graph)
}
