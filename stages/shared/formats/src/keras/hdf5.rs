//! What both Keras files need of HDF5.

use super::file::corrupt;
use crate::FormatError;
use hdf5_pure::{AttrValue, DType, Dataset, File, Group};
use model::Tensor;

/// Opens a file that is all there.
pub(super) fn open(bytes: Vec<u8>) -> Result<File, FormatError> {
    let length = bytes.len() as u64;
    let file = File::from_bytes(bytes).map_err(|error| corrupt(error.to_string()))?;
    match file.superblock().eof_address {
        end if end > length => Err(corrupt(format!("it has {length} of its {end} bytes"))),
        _ => Ok(file),
    }
}

/// An attribute that is text.
pub(super) fn text(group: &Group, name: &str) -> Option<String> {
    group.attrs().ok()?.get(name).and_then(AttrValue::as_str).map(str::to_owned)
}

/// An attribute that is a list of text, which Keras splits into `name0`, `name1` ... when it is over 64 kB. An empty list
/// is stored as an empty list of floats.
pub(super) fn strings(group: &Group, name: &str) -> Result<Option<Vec<String>>, String> {
    let attributes = group.attrs().map_err(|error| error.to_string())?;
    if let Some(value) = attributes.get(name) {
        return list(name, value).map(Some);
    }
    let mut all = Vec::new();
    for part in 0.. {
        match attributes.get(&format!("{name}{part}")) {
            Some(value) => all.extend(list(name, value)?),
            None if part == 0 => return Ok(None),
            None => break,
        }
    }
    Ok(Some(all))
}

fn list(name: &str, value: &AttrValue) -> Result<Vec<String>, String> {
    match (value.as_strings(), value.to_f64s()) {
        (Some(strings), _) => Ok(strings.to_vec()),
        (None, Some(empty)) if empty.is_empty() => Ok(Vec::new()),
        _ => Err(format!("its {name} is a {}, not a list of text", value.type_name())),
    }
}

/// The bytes of a dataset at the root that is none of Keras' own; none where there is no such dataset.
pub(super) fn bytes(file: &File, name: &str) -> Result<Option<Vec<u8>>, FormatError> {
    let Ok(dataset) = file.dataset(name) else { return Ok(None) };
    let failed = |error: String| corrupt(format!("its `{name}` cannot be read: {error}"));
    // A damaged file cannot ask for any amount of memory.
    let length = dataset.shape().map_err(|error| failed(error.to_string()))?;
    let length = length.iter().fold(1u64, |product, size| product.saturating_mul(*size));
    if length > file.superblock().eof_address {
        return Err(failed(format!("it has {length} bytes, more than the file")));
    }
    match dataset.dtype() {
        Ok(DType::U8) => dataset.read_u8().map(Some).map_err(|error| failed(error.to_string())),
        Ok(other) => Err(failed(format!("it has elements of type {other}, not bytes"))),
        Err(error) => Err(failed(error.to_string())),
    }
}

/// Reads a weight after its declared shape and type were checked, so that a damaged file cannot ask for any amount of memory.
pub(super) fn read(dataset: &Dataset, wanted: &[usize]) -> Result<Tensor, String> {
    let found = dataset.shape().map_err(|error| error.to_string())?;
    if !found.iter().copied().eq(wanted.iter().map(|size| *size as u64)) {
        return Err(format!("has the shape {found:?} where the network needs {wanted:?}"));
    }
    let element = dataset.dtype().map_err(|error| error.to_string())?;
    if !matches!(element, DType::F32 | DType::F64) {
        return Err(format!("has elements of type {element}, not float32"));
    }
    let values = dataset.read_f32().map_err(|error| error.to_string())?;
    if values.len() != wanted.iter().product::<usize>() {
        return Err(format!("has {} elements where its shape is {wanted:?}", values.len()));
    }
    Ok(Tensor::f32(wanted, values))
}
