//! `evaluation`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How a model is measured.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
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
    /// Where the model runs.
    pub target: Target,
}

/// Where a model runs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Target {
    /// This machine.
    #[default]
    Host,
    /// This machine, with ST's code and ST's tool.
    StedgeaiHost,
    /// An STM32N6 that is connected, with ST's tool.
    StedgeaiN6,
}

impl Target {
    /// Its name in the file.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Host => "host",
            Self::StedgeaiHost => "stedgeai_host",
            Self::StedgeaiN6 => "stedgeai_n6",
        }
    }
}
