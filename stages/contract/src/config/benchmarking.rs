//! `benchmarking`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a model is measured for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Benchmarking {
    /// The board, such as `STM32N6570-DK`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub board: Option<String>,
}
