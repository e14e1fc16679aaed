//! Reading a Keras model file.

use super::{
    decode::{input_shape, operation},
    file::{KerasFile, corrupt},
    hdf5,
    network::{Described, Network},
};
use crate::FormatError;
use model::{Graph, GraphBuilder, LayerId};
use std::path::Path;

/// Reads the model in a Keras file (`.h5`, and `.keras` as well), written by Keras 2 or 3.
///
/// # Errors
/// [`FormatError::InFile`] with what is wrong: a damaged file, a file without a model, a layer or an option that a graph
/// has no operation for.
pub fn read_h5(path: &Path) -> Result<Graph, FormatError> {
    let bytes = fs_err::read(path)?;
    read_bytes(bytes).map_err(|error| error.in_file(path))
}

/// Reads the model in the bytes of a Keras file, which tell whether it is HDF5 (`.h5`) or a zip archive (`.keras`).
///
/// # Errors
/// As [`read_h5`], without the file's name.
pub fn read_bytes(bytes: Vec<u8>) -> Result<Graph, FormatError> {
    let file = KerasFile::open(bytes)?;
    let network = Network::parse(&file.config)?;
    let mut builder = GraphBuilder::new(&network.name);
    for layer in &network.layers {
        add(&mut builder, &file, layer)?;
    }
    let output = found(&builder, &network.output, "the output")?;
    Ok(builder.finish(output)?)
}

/// What [`h5_bytes_with`](super::h5_bytes_with) put under `name` into the file of these bytes; none where there is nothing
/// of that name.
///
/// # Errors
/// A damaged file, or something under that name that is not bytes.
pub fn attachment(bytes: Vec<u8>, name: &str) -> Result<Option<Vec<u8>>, FormatError> {
    hdf5::bytes(&hdf5::open(bytes)?, name)
}

fn add(builder: &mut GraphBuilder, file: &KerasFile, layer: &Described<'_>) -> Result<(), FormatError> {
    if layer.class == "InputLayer" {
        builder.input(&layer.name, &input_shape(layer)?)?;
        return Ok(());
    }
    let inputs = layer.inputs.iter().map(|input| found(builder, input, &layer.name));
    let inputs = inputs.collect::<Result<Vec<_>, _>>()?;
    let shapes: Vec<&[usize]> = inputs.iter().map(|id| builder.shape(*id)).collect();
    let (op, initializer) = operation(layer, &shapes, file.by_keras_2)?;
    // Shapes first: a mistake in the network is told as such, not as weights that do not fit.
    op.output_shape(&shapes)
        .map_err(|message| FormatError::unsupported(&layer.name, layer.class, message))?;
    let weights = file.weights(layer, &builder.weight_shapes(&op, &inputs))?;
    builder.layer_with_weights(&layer.name, op, &inputs, initializer, weights)?;
    Ok(())
}

fn found(builder: &GraphBuilder, name: &str, reader: &str) -> Result<LayerId, FormatError> {
    builder
        .find(name)
        .ok_or_else(|| corrupt(format!("`{reader}` reads the layer `{name}`, which is missing")))
}
