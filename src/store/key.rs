//! Keys: what a piece of work depends on, written down whole.

use super::{Digest, StoreError};
use contract::{ArtifactKind, Settings};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Everything that decides what a stage makes. Its digest, the *fingerprint*, addresses results, locks and partial
/// state; the document itself is saved with the result, so that two can be compared.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct KeyDocument {
    /// Name of the stage.
    pub stage: String,
    /// Version of the stage.
    pub version: u32,
    /// Its settings.
    pub settings: Settings,
    /// Content of its inputs by port; an unbound optional port is absent.
    pub inputs: BTreeMap<String, InputKey>,
    /// The device class, for stages whose bytes depend on it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device: Option<String>,
}

/// An input in a key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InputKey {
    /// What it is.
    pub kind: ArtifactKind,
    /// In a [`KeyDocument`] the digest of its content (for a file of another stage: of the file, together with its
    /// extension, see [`InputKey::file`]); in a [`RecipeDocument`] the recipe of the node that makes it, or the content
    /// of a source.
    pub digest: Digest,
}

impl InputKey {
    /// The key of a file that a stage made: its content and the extension of `name`, by which its format is told. The
    /// same file as a source from outside has the same key, so a model that a chain made and one that a user names are
    /// the same input.
    ///
    /// # Errors
    /// None that a caller can cause.
    pub fn file(kind: ArtifactKind, name: &str, content: Digest) -> Result<Self, StoreError> {
        Ok(Self { kind, digest: super::inputs::file_digest(content, std::path::Path::new(name))? })
    }
}

impl KeyDocument {
    /// The fingerprint.
    ///
    /// # Errors
    /// When the settings cannot be written as canonical JSON.
    pub fn fingerprint(&self) -> Result<Digest, StoreError> {
        Digest::of_value(&("fingerprint", self))
    }
}

/// What is known of a piece of work when the plan is made and its inputs may not exist yet: the same as a
/// [`KeyDocument`], with the recipes of the inputs in place of their contents. Nodes of equal recipe have the same result; they stay nodes of their own,
/// and whichever comes second finds it in the store.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RecipeDocument {
    /// Name of the stage.
    pub stage: String,
    /// Version of the stage.
    pub version: u32,
    /// Its settings.
    pub settings: Settings,
    /// Recipes of its inputs by port.
    pub inputs: BTreeMap<String, InputKey>,
    /// The device class.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device: Option<String>,
}

impl RecipeDocument {
    /// The recipe key.
    ///
    /// # Errors
    /// When the settings cannot be written as canonical JSON.
    pub fn recipe(&self) -> Result<Digest, StoreError> {
        Digest::of_value(&("recipe", self))
    }
}
