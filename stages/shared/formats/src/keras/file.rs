//! A Keras model file, whichever of the two it is.

use super::{archive::Archive, legacy::Legacy, network::Described};
use crate::FormatError;
use model::Tensor;
use serde_json::Value;

/// What the messages call the format.
pub(super) const FORMAT: &str = "Keras";

/// An opened Keras model file.
pub(super) struct KerasFile {
    pub(super) config: Value,
    /// Whether Keras 2 wrote it, which has other formulas for a few functions.
    pub(super) by_keras_2: bool,
    weights: Weights,
}

/// Where the weights lie.
enum Weights {
    Legacy(Legacy),
    Archive(Archive),
}

impl KerasFile {
    /// Opens a file by what its first bytes say: the extension `.keras` has meant HDF5 before Keras 2.12.
    pub(super) fn open(bytes: Vec<u8>) -> Result<Self, FormatError> {
        if bytes.is_empty() {
            return Err(corrupt("it is empty"));
        }
        let (config, version, weights) = if bytes.starts_with(b"PK") {
            let (config, version, archive) = Archive::open(bytes)?;
            (config, version, Weights::Archive(archive))
        } else {
            let (config, version, legacy) = Legacy::open(bytes)?;
            (config, version, Weights::Legacy(legacy))
        };
        let by_keras_2 = version.is_some_and(|version| version.starts_with("2."));
        Ok(Self { config, by_keras_2, weights })
    }

    /// The weights of one layer, by the names of its operation, in that order. `shapes` are what the operation needs.
    pub(super) fn weights(
        &self,
        layer: &Described<'_>,
        shapes: &[(&'static str, Vec<usize>)],
    ) -> Result<Vec<Tensor>, FormatError> {
        if shapes.is_empty() {
            return Ok(Vec::new());
        }
        let weights = match &self.weights {
            Weights::Legacy(file) => file.weights(layer, shapes),
            Weights::Archive(archive) => archive.weights(layer, shapes),
        };
        weights.map_err(|message| {
            let Described { name, class, .. } = layer;
            corrupt(format!("the weights of layer `{name}` ({class}) cannot be read: {message}"))
        })
    }
}

pub(super) fn json(text: &str, what: &str) -> Result<Value, FormatError> {
    serde_json::from_str(text).map_err(|error| corrupt(format!("its {what} is not JSON: {error}")))
}

pub(super) fn corrupt(message: impl Into<String>) -> FormatError {
    FormatError::Corrupt { format: FORMAT, message: message.into() }
}
