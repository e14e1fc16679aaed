//! Ports: what a stage takes in and gives out.

use serde::{Deserialize, Serialize};
use std::{borrow::Cow, fmt, path::Path};

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
    /// Any other file, of a format that only its maker and its readers know.
    File,
}

impl ArtifactKind {
    /// What a file is by its name, as far as ports care: a model by its extension, a file otherwise.
    #[must_use]
    pub fn of_file(name: &Path) -> Self {
        let extension = name.extension().map(|text| text.to_string_lossy().to_ascii_lowercase());
        match extension.as_deref() {
            Some("h5" | "keras") => Self::FloatModel,
            Some("tflite") => Self::QuantizedModel,
            _ => Self::File,
        }
    }
}

impl fmt::Display for ArtifactKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::FloatModel => "float model",
            Self::QuantizedModel => "quantized model",
            Self::ImageSet => "image set",
            Self::Metrics => "metrics",
            Self::File => "file",
        })
    }
}

/// An input of a stage. It binds to the nearest producer of an accepted kind to the left in the chain word, and to a
/// [`crate::Source`] from the configuration where there is none; one that is `named` never binds to what is merely near.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InputPort {
    /// Name, unique within the stage: `model`, `training_set`.
    pub name: Cow<'static, str>,
    /// Kinds it can work with.
    pub accepts: Cow<'static, [ArtifactKind]>,
    /// Whether the stage runs without it.
    pub optional: bool,
    /// Whether it binds to nothing but what the configuration or an entry of the `stages` section names for it.
    pub named: bool,
}

impl InputPort {
    /// A port that must be bound.
    #[must_use]
    pub const fn required(name: &'static str, accepts: &'static [ArtifactKind]) -> Self {
        Self { name: Cow::Borrowed(name), accepts: Cow::Borrowed(accepts), optional: false, named: false }
    }

    /// A port that the stage can do without.
    #[must_use]
    pub const fn optional(name: &'static str, accepts: &'static [ArtifactKind]) -> Self {
        Self { name: Cow::Borrowed(name), accepts: Cow::Borrowed(accepts), optional: true, named: false }
    }

    /// A port that is bound only where something is named for it.
    #[must_use]
    pub const fn named(name: &'static str, accepts: &'static [ArtifactKind]) -> Self {
        Self { name: Cow::Borrowed(name), accepts: Cow::Borrowed(accepts), optional: true, named: true }
    }
}

/// An output of a stage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutputPort {
    /// Name, unique within the stage: `model`, `metrics`.
    pub name: Cow<'static, str>,
    /// What comes out.
    pub kind: ArtifactKind,
}

impl OutputPort {
    /// An output of that name and kind.
    #[must_use]
    pub const fn new(name: &'static str, kind: ArtifactKind) -> Self {
        Self { name: Cow::Borrowed(name), kind }
    }
}
