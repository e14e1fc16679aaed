//! Sources: what comes into a plan from outside.

use crate::{ArtifactKind, Finding};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::path::PathBuf;

/// Something a stage reads that no stage of the plan makes.
///
/// The stage's crate enumerates it, the engine digests it: content counts, where it lies does not.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Source {
    /// What it is for the port it binds to.
    pub kind: ArtifactKind,
    /// What users call it, in messages and views: `training set`, `model_path`.
    pub label: String,
    /// The configuration key that names it, for error messages: `dataset.training_files_path`.
    pub key: String,
    /// The files, or how they are made.
    pub content: SourceContent,
    /// What was noticed while enumerating it, shown once per run and never part of a key.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub findings: Vec<Finding>,
}

/// The content of a [`Source`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SourceContent {
    /// One file. Its digest is that of its bytes together with its extension.
    File(PathBuf),
    /// Images in the order the stage sees them. The digest covers ids, order, bytes, and which files are absent.
    Images(Vec<ImageEntry>),
    /// Made by the program itself from parameters; the digest is that of the parameters.
    Generated {
        /// Which generator: `shapes`.
        generator: String,
        /// Everything its output depends on, its version and seed included.
        parameters: Map<String, Value>,
    },
}

/// One image of a set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImageEntry {
    /// Name without extension, as listed in the id file.
    pub id: String,
    /// The picture. It may be absent: readers skip it and the digest says so.
    pub image: PathBuf,
    /// The label mask, for stages that need one. It may be absent too.
    pub mask: Option<PathBuf>,
}
