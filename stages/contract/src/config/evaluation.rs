//! `evaluation`.

use serde::{Deserialize, Serialize};

/// How a model is measured.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Evaluation {
    /// Whether to write the network inputs as .npy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gen_npy_input: Option<bool>,
    /// Whether to write the network outputs as .npy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gen_npy_output: Option<bool>,
    /// Name of the .npy of inputs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub npy_in_name: Option<String>,
    /// Name of the .npy of outputs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub npy_out_name: Option<String>,
    /// Where the model runs: host, or ST's stedgeai_host and stedgeai_n6.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
}
