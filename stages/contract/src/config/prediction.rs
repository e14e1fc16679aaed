//! `prediction`.

use super::Target;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// What is predicted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Prediction {
    /// A folder of BMP, GIF, JPEG or PNG files.
    pub test_files_path: PathBuf,
    /// Where the model runs.
    #[serde(default)]
    pub target: Target,
    /// Seed of the predictions' random draws.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,
}
