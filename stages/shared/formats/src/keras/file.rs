//! The HDF5 side of a Keras model file.

use crate::FormatError;
use hdf5_pure::{AttrValue, DType, Dataset, File, Group};
use model::Tensor;
use serde_json::Value;

/// What the messages call the format.
pub(super) const FORMAT: &str = "Keras HDF5";

/// An opened Keras model file.
pub(super) struct KerasFile {
    file: File,
}

impl KerasFile {
    pub(super) fn open(bytes: Vec<u8>) -> Result<Self, FormatError> {
        if bytes.is_empty() {
            return Err(corrupt("it is empty"));
        }
        if bytes.starts_with(b"PK") {
            return Err(FormatError::Content {
                message: "it is a zip archive, as Keras' newer .keras files are".into(),
                help: "save it in Keras as HDF5: `model.save(\"model.h5\")`".into(),
            });
        }
        let length = bytes.len() as u64;
        let file = File::from_bytes(bytes).map_err(|error| corrupt(error.to_string()))?;
        match file.superblock().eof_address {
            end if end > length => Err(corrupt(format!("it has {length} of its {end} bytes"))),
            _ => Ok(Self { file }),
        }
    }

    /// The attribute `model_config`: the network as JSON.
    pub(super) fn model_config(&self) -> Result<Value, FormatError> {
        let root = self.file.root();
        let attributes = root.attrs().map_err(|error| corrupt(error.to_string()))?;
        let Some(config) = attributes.get("model_config") else {
            return Err(no_model_config(&root, attributes.contains_key("layer_names")));
        };
        let Some(text) = config.as_str() else {
            return Err(corrupt(format!("its model_config is a {}, not text", config.type_name())));
        };
        serde_json::from_str(text).map_err(|error| corrupt(format!("its model_config is not JSON: {error}")))
    }

    /// The weights of one layer, by the names of its operation, in that order. `shapes` are what the operation needs.
    pub(super) fn weights(
        &self,
        layer: &str,
        class: &str,
        shapes: &[(&'static str, Vec<usize>)],
    ) -> Result<Vec<Tensor>, FormatError> {
        if shapes.is_empty() {
            return Ok(Vec::new());
        }
        let group = self
            .file
            .group(&format!("model_weights/{layer}"))
            .map_err(|error| no_weights(layer, class, &error.to_string()))?;
        let names = strings(&group, "weight_names")?
            .ok_or_else(|| no_weights(layer, class, "it has no attribute weight_names"))?;
        let weight = |(name, shape): &(&'static str, Vec<usize>)| {
            let path = names.iter().find(|path| weight_name(path) == *name).ok_or_else(|| {
                no_weights(layer, class, &format!("its `{name}` is missing among {names:?}"))
            })?;
            let dataset =
                group.dataset(path).map_err(|error| no_weights(layer, class, &error.to_string()))?;
            read(&dataset, shape).map_err(|message| no_weights(layer, class, &format!("{path}: {message}")))
        };
        shapes.iter().map(weight).collect()
    }
}

fn no_model_config(root: &Group, has_layer_names: bool) -> FormatError {
    let groups = root.groups().unwrap_or_default();
    let weights_only = has_layer_names
        || groups.iter().any(|name| name == "layers" || name == "_layer_checkpoint_dependencies");
    let message = if weights_only {
        "it holds weights only, without the network (no attribute model_config)"
    } else {
        "it is HDF5, but not a Keras model (no attribute model_config)"
    };
    FormatError::Content {
        message: message.into(),
        help: "save the whole model in Keras: `model.save(\"model.h5\")`".into(),
    }
}

fn no_weights(layer: &str, class: &str, message: &str) -> FormatError {
    corrupt(format!("the weights of layer `{layer}` ({class}) cannot be read: {message}"))
}

/// The last component of a weight's path without Keras 2's output index: `bn/moving_mean:0` is `moving_mean`. Keras 2
/// calls a depthwise kernel `depthwise_kernel`.
fn weight_name(path: &str) -> &str {
    let last = path.rsplit('/').next().unwrap_or(path);
    match last.split(':').next().unwrap_or(last) {
        "depthwise_kernel" => "kernel",
        name => name,
    }
}

/// An attribute that is a list of text, which Keras splits into `name0`, `name1` ... when it is over 64 kB. An empty list
/// is stored as an empty list of floats.
fn strings(group: &Group, name: &str) -> Result<Option<Vec<String>>, FormatError> {
    let attributes = group.attrs().map_err(|error| corrupt(error.to_string()))?;
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

fn list(name: &str, value: &AttrValue) -> Result<Vec<String>, FormatError> {
    match (value.as_strings(), value.to_f64s()) {
        (Some(strings), _) => Ok(strings.to_vec()),
        (None, Some(empty)) if empty.is_empty() => Ok(Vec::new()),
        _ => Err(corrupt(format!("its {name} is a {}, not a list of text", value.type_name()))),
    }
}

/// Reads a weight after its declared shape and type were checked, so that a damaged file cannot ask for any amount of memory.
fn read(dataset: &Dataset, wanted: &[usize]) -> Result<Tensor, String> {
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

pub(super) fn corrupt(message: impl Into<String>) -> FormatError {
    FormatError::Corrupt { format: FORMAT, message: message.into() }
}
