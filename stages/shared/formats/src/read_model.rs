//! Reading a model file of any supported format.

use crate::{FormatError, keras, tflite};
use model::Graph;
use std::path::Path;

/// What the messages say can be read.
const SUPPORTED: &str = ".h5, .hdf5, .keras (Keras) and .tflite (TensorFlow Lite)";

/// Reads the model file at `path` in the format that the extension of `name` tells: a file in the store has no extension
/// of its own, and `name` is what users call it.
///
/// # Errors
/// [`FormatError::Extension`] for formats that cannot be read, else what is wrong with the file.
pub fn read_model(path: &Path, name: &str) -> Result<Graph, FormatError> {
    let extension = Path::new(name).extension().and_then(|extension| extension.to_str()).unwrap_or_default();
    let read: fn(Vec<u8>) -> Result<Graph, FormatError> = match extension.to_ascii_lowercase().as_str() {
        "h5" | "hdf5" | "keras" => keras::read_bytes,
        "tflite" => |bytes| tflite::read(&bytes),
        "onnx" => return Err(refusal(name, extension, "cannot be read yet")),
        _ => return Err(refusal(name, extension, "are not known")),
    };
    // A file in the store is told by the name its user knows.
    let told = if path.ends_with(name) { path } else { Path::new(name) };
    read(fs_err::read(path)?).map_err(|error| error.in_file(told))
}

fn refusal(name: &str, extension: &str, reason: &'static str) -> FormatError {
    let extension = if extension.is_empty() { String::new() } else { format!(".{extension}") };
    FormatError::Extension { name: name.to_owned(), extension, reason, supported: SUPPORTED }
}
