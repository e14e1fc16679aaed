//! The weights in a Keras HDF5 file, without the network.

use super::{file::corrupt, hdf5, legacy::weight_name};
use crate::FormatError;
use hdf5_pure::{File, Group};
use model::Tensor;
use std::path::{Path, PathBuf};

const MODEL_WEIGHTS: &str = "model_weights";

/// Name and shape of a weight.
pub type NamedShape = (String, Vec<usize>);

/// The weights in a Keras HDF5 file by layer: one of `model.save`, or one of `save_weights`, as Keras' pretrained weights
/// are, which leaves the network out.
pub struct WeightsFile {
    file: File,
    name: PathBuf,
    /// Where the groups of the layers are: below `model_weights` in a model, at the root of a file of weights alone.
    below: &'static str,
    layers: Vec<String>,
}

impl WeightsFile {
    /// Opens the file at `path`; `name` is what users call it.
    ///
    /// # Errors
    /// [`FormatError::InFile`] with what is wrong: a damaged file, or one without weights by layer.
    pub fn open(path: &Path, name: &str) -> Result<Self, FormatError> {
        let bytes = fs_err::read(path)?;
        let name = PathBuf::from(name);
        let opened = hdf5::open(bytes).and_then(|file| Ok((layers(&file)?, file)));
        let ((below, layers), file) = opened.map_err(|error| error.in_file(&name))?;
        Ok(Self { file, name, below, layers })
    }

    /// The names of the layers in the order of the network that they were saved from.
    #[must_use]
    pub fn layers(&self) -> &[String] {
        &self.layers
    }

    /// Whether a layer of the file has weights.
    ///
    /// # Errors
    /// [`FormatError::InFile`] with what is wrong with the layer.
    pub fn has_weights(&self, layer: &str) -> Result<bool, FormatError> {
        let group = self.group(layer).map_err(|message| self.failed(layer, message))?;
        Ok(group.is_some_and(|(_, paths)| !paths.is_empty()))
    }

    /// Names and shapes of the weights of a layer of this class; none where the file has no such layer.
    ///
    /// # Errors
    /// [`FormatError::InFile`] with what is wrong with the layer.
    pub fn shapes(&self, layer: &str, class: &str) -> Result<Option<Vec<NamedShape>>, FormatError> {
        let Some((group, paths)) = self.group(layer).map_err(|message| self.failed(layer, message))? else {
            return Ok(None);
        };
        let shape = |path: &String| {
            let shape = group.dataset(path).and_then(|dataset| dataset.shape());
            let shape = shape.map_err(|error| self.failed(layer, format!("{path}: {error}")))?;
            let sizes = shape.iter().map(|size| usize::try_from(*size).unwrap_or(usize::MAX));
            Ok((weight_name(path, class).to_owned(), sizes.collect()))
        };
        paths.iter().map(shape).collect::<Result<_, _>>().map(Some)
    }

    /// The weights of a layer of this class by the names of its operation, in that order. `shapes` are what the operation
    /// needs.
    ///
    /// # Errors
    /// [`FormatError::InFile`] where one is missing, has another shape, or is not of floats.
    pub fn weights(
        &self,
        layer: &str,
        class: &str,
        shapes: &[(&'static str, Vec<usize>)],
    ) -> Result<Vec<Tensor>, FormatError> {
        let found = self.group(layer).and_then(|found| found.ok_or_else(|| "it has none".to_owned()));
        let (group, paths) = found.map_err(|message| self.failed(layer, message))?;
        let weight = |(name, shape): &(&'static str, Vec<usize>)| {
            let path = paths.iter().find(|path| weight_name(path, class) == *name);
            let path = path.ok_or_else(|| format!("its `{name}` is missing among {paths:?}"))?;
            let dataset = group.dataset(path).map_err(|error| error.to_string())?;
            hdf5::read(&dataset, shape).map_err(|message| format!("{path}: {message}"))
        };
        let weights = shapes.iter().map(weight).collect::<Result<_, _>>();
        weights.map_err(|message: String| self.failed(layer, message))
    }

    /// The group of a layer and the paths of its weights in it.
    fn group(&self, layer: &str) -> Result<Option<(Group, Vec<String>)>, String> {
        let Ok(group) = self.file.group(&format!("{}{layer}", self.below)) else { return Ok(None) };
        let paths = hdf5::strings(&group, "weight_names")?;
        Ok(paths.map(|paths| (group, paths)))
    }

    fn failed(&self, layer: &str, message: impl std::fmt::Display) -> FormatError {
        corrupt(format!("the weights of layer `{layer}` cannot be read: {message}")).in_file(&self.name)
    }
}

/// Where the groups of the layers are, and the names of the layers in the file's order.
fn layers(file: &File) -> Result<(&'static str, Vec<String>), FormatError> {
    let root = file.root();
    let groups = root.groups().map_err(|error| corrupt(error.to_string()))?;
    let (below, group) = if groups.iter().any(|name| name == MODEL_WEIGHTS) {
        ("model_weights/", file.group(MODEL_WEIGHTS).map_err(|error| corrupt(error.to_string()))?)
    } else {
        ("", root)
    };
    let names = hdf5::strings(&group, "layer_names").map_err(corrupt)?;
    let names = names.ok_or_else(|| FormatError::Content {
        message: "it is HDF5, but has no weights by the names of layers (no attribute layer_names)".into(),
        help: "save the whole model in Keras: `model.save(\"model.h5\")`".into(),
    })?;
    Ok((below, names))
}
