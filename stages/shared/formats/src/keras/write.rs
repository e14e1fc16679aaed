//! Writing a Keras model file.

use super::{encode, file::FORMAT};
use crate::FormatError;
use hdf5_pure::{AttrValue, FileBuilder, GroupBuilder};
use model::{Graph, Layer, Tensor};
use std::path::Path;

/// The version of Keras whose files these are like.
pub(super) const KERAS_VERSION: &str = "3.15.1";

const NOT_FLOAT: &str = "Keras files hold float models; write a quantized model as .tflite";

/// Writes a float graph as a Keras legacy HDF5 file (`.h5`) that `keras.models.load_model` opens, with equal outputs.
///
/// The bytes depend on the graph alone.
///
/// # Errors
/// A quantized graph, a fused addition, names that Keras does not allow, or the operating system's refusal.
pub fn write_h5(graph: &Graph, path: &Path) -> Result<(), FormatError> {
    let bytes = h5_bytes(graph).map_err(|error| error.in_file(path))?;
    Ok(fs_err::write(path, bytes)?)
}

/// The bytes that [`write_h5`] writes.
///
/// # Errors
/// As [`write_h5`], but for the operating system's.
pub fn h5_bytes(graph: &Graph) -> Result<Vec<u8>, FormatError> {
    h5_bytes_with(graph, &[])
}

/// The bytes that [`write_h5`] writes, with more that Keras does not look at: a dataset of bytes at the root for each name.
///
/// # Errors
/// As [`h5_bytes`].
pub fn h5_bytes_with(graph: &Graph, attachments: &[(&str, &[u8])]) -> Result<Vec<u8>, FormatError> {
    graph.check()?;
    let mut file = FileBuilder::new();
    file.set_attr("backend", text("tensorflow"));
    file.set_attr("keras_version", text(KERAS_VERSION));
    file.set_attr("model_config", AttrValue::VarLenAsciiString(encode::network(graph)?.to_string()));
    let mut weights = file.create_group("model_weights");
    for layer in &graph.layers {
        let group = weights.create_group(&layer.name);
        weights.add_group(with_weights(group, graph, layer)?.finish());
    }
    if graph.find("top_level_model_weights").is_none() {
        let mut top = weights.create_group("top_level_model_weights");
        top.set_attr("weight_names", names(&[]));
        weights.add_group(top.finish());
    }
    let layers: Vec<String> = graph.layers.iter().map(|layer| layer.name.clone()).collect();
    weights.set_attr("layer_names", names(&layers));
    weights.set_attr("backend", text("tensorflow"));
    weights.set_attr("keras_version", text(KERAS_VERSION));
    file.add_group(weights.finish());
    for (name, bytes) in attachments {
        file.create_dataset(name).with_u8_data(bytes).with_shape(&[bytes.len() as u64]);
    }
    bytes(file, graph)
}

/// A layer's group: its weights lie in a group of the layer's name once more, as `weight_names` says.
fn with_weights(mut group: GroupBuilder, graph: &Graph, layer: &Layer) -> Result<GroupBuilder, FormatError> {
    check(layer)?;
    let input = layer.inputs.first().map(|input| graph.layer(*input).output.shape.as_slice());
    let needed = layer.op.weight_shapes(input.unwrap_or_default());
    let paths: Vec<String> = needed.iter().map(|(name, _)| format!("{}/{name}", layer.name)).collect();
    if !layer.weights.is_empty() {
        let mut inner = group.create_group(&layer.name);
        for ((name, _), weight) in needed.iter().zip(&layer.weights) {
            add_weight(&mut inner, layer, name, weight)?;
        }
        group.add_group(inner.finish());
    }
    group.set_attr("weight_names", names(&paths));
    Ok(group)
}

/// That Keras can have the layer at all.
pub(super) fn check(layer: &Layer) -> Result<(), FormatError> {
    if layer.name.is_empty() || layer.name == "." || layer.name.contains('/') {
        return Err(encode::refuse(layer, "Keras allows no such name: rename it without `/`"));
    }
    if layer.output.quant.is_some() {
        return Err(encode::refuse(layer, NOT_FLOAT));
    }
    Ok(())
}

/// Adds a weight under `name`.
pub(super) fn add_weight(
    group: &mut GroupBuilder,
    layer: &Layer,
    name: &str,
    weight: &Tensor,
) -> Result<(), FormatError> {
    let values = weight.as_f32().ok_or_else(|| encode::refuse(layer, NOT_FLOAT))?;
    let shape: Vec<u64> = weight.shape.iter().map(|size| *size as u64).collect();
    group.create_dataset(name).with_f32_data(values).with_shape(&shape);
    Ok(())
}

/// The bytes of a finished file.
pub(super) fn bytes(file: FileBuilder, graph: &Graph) -> Result<Vec<u8>, FormatError> {
    file.finish().map_err(|error| unwritable(graph, &error.to_string()))
}

pub(super) fn unwritable(graph: &Graph, error: &str) -> FormatError {
    FormatError::Content {
        message: format!("the network `{}` cannot be written as a {FORMAT} file: {error}", graph.name),
        help: "report this with the model".into(),
    }
}

pub(super) fn text(value: &str) -> AttrValue {
    AttrValue::VarLenString(value.to_owned())
}

/// A list of names. An empty one is a list of floats in Keras' files, as numpy has it.
fn names(values: &[String]) -> AttrValue {
    if values.is_empty() {
        AttrValue::F64Array(Vec::new())
    } else {
        AttrValue::VarLenAsciiStringArray(values.to_vec())
    }
}
