//! The legacy HDF5 file (`.h5`): where it keeps the configuration and the weights.

use super::{
    file::{corrupt, json},
    hdf5,
    network::Described,
};
use crate::FormatError;
use hdf5_pure::{File, Group};
use model::Tensor;
use serde_json::Value;

/// The weights of an opened `.h5` file.
pub(super) struct Legacy {
    file: File,
}

impl Legacy {
    /// The configuration, the version of Keras that wrote it if it says so, and the weights.
    pub(super) fn open(bytes: Vec<u8>) -> Result<(Value, Option<String>, Self), FormatError> {
        let file = hdf5::open(bytes)?;
        let root = file.root();
        let version = hdf5::text(&root, "keras_version");
        Ok((model_config(&root)?, version, Self { file }))
    }

    /// The weights of one layer. The group of a model that is a layer holds those of all layers inside it.
    pub(super) fn weights(
        &self,
        layer: &Described<'_>,
        shapes: &[(&'static str, Vec<usize>)],
    ) -> Result<Vec<Tensor>, String> {
        let (Some(outermost), Some(own)) = (layer.path.first(), layer.path.last()) else {
            return Err("it has no name in the file".into());
        };
        let group = self.file.group(&format!("model_weights/{}", outermost.name));
        let group = group.map_err(|error| error.to_string())?;
        let all = hdf5::strings(&group, "weight_names")?;
        let all = all.ok_or_else(|| "it has no attribute weight_names".to_owned())?;
        let inside = layer.path.len() > 1;
        let names: Vec<&String> =
            all.iter().filter(|path| !inside || owner(path) == Some(own.name.as_str())).collect();
        let weight = |(name, shape): &(&'static str, Vec<usize>)| {
            let mut fitting = names.iter().filter(|path| weight_name(path, layer.class) == *name);
            let path = fitting.next().ok_or_else(|| format!("its `{name}` is missing among {names:?}"))?;
            if inside && fitting.next().is_some() {
                return Err(format!("more than one `{name}` belongs to layers of this name inside models"));
            }
            let dataset = group.dataset(path).map_err(|error| error.to_string())?;
            hdf5::read(&dataset, shape).map_err(|message| format!("{path}: {message}"))
        };
        shapes.iter().map(weight).collect()
    }
}

/// The attribute `model_config`: the network as JSON.
fn model_config(root: &Group) -> Result<Value, FormatError> {
    let attributes = root.attrs().map_err(|error| corrupt(error.to_string()))?;
    let Some(config) = attributes.get("model_config") else {
        return Err(no_model_config(root, attributes.contains_key("layer_names")));
    };
    let Some(text) = config.as_str() else {
        return Err(corrupt(format!("its model_config is a {}, not text", config.type_name())));
    };
    json(text, "model_config")
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

/// The last component of a weight's path without Keras 2's output index: `bn/moving_mean:0` is `moving_mean`. Keras 2
/// calls a depthwise kernel `depthwise_kernel`.
pub(super) fn weight_name<'n>(path: &'n str, class: &str) -> &'n str {
    let last = path.rsplit('/').next().unwrap_or(path);
    match last.split(':').next().unwrap_or(last) {
        "depthwise_kernel" if class == "DepthwiseConv2D" => "kernel",
        name => name,
    }
}

/// The layer that a weight belongs to: the component before the last.
fn owner(path: &str) -> Option<&str> {
    path.rsplit('/').nth(1)
}
