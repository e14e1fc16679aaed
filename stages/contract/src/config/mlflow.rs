//! `mlflow`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Where experiment tracking goes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Mlflow {
    /// A folder for a file store, or the http(s) address of a tracking server.
    pub uri: String,
}

impl Default for Mlflow {
    fn default() -> Self {
        Self { uri: "./experiments_outputs/mlruns".to_owned() }
    }
}
