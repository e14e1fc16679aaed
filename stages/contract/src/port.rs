//! Ports: what a stage takes in and gives out.

use serde::{Deserialize, Serialize};
use std::fmt;

/// What an artifact is. Ports bind by kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ArtifactKind {
    /// A network with float weights (`.h5`, `.keras`).
    FloatModel,
    /// A network ready for a device (`.tflite`).
    QuantizedModel,
    /// Images, with masks where the stage needs them.
    ImageSet,
    /// Numbers measured on a model (JSON).
    Metrics,
}

impl fmt::Display for ArtifactKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::FloatModel => "float model",
            Self::QuantizedModel => "quantized model",
            Self::ImageSet => "image set",
            Self::Metrics => "metrics",
        })
    }
}

/// An input of a stage. It binds to the nearest producer of an accepted kind to the left in the chain word, and to a
/// [`crate::Source`] from the configuration where there is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InputPort {
    /// Name, unique within the stage: `model`, `training_set`.
    pub name: &'static str,
    /// Kinds it can work with.
    pub accepts: &'static [ArtifactKind],
    /// Whether the stage runs without it.
    pub optional: bool,
}

/// An output of a stage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OutputPort {
    /// Name, unique within the stage: `model`, `metrics`.
    pub name: &'static str,
    /// What comes out.
    pub kind: ArtifactKind,
}
