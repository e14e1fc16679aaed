//! `sweep`: variants of the file that `pipeline sweep` runs together.

use super::Untyped;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The `sweep` section. `pipeline sweep` runs a variant of the file for each combination of values; other commands leave
/// the section alone.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Sweep {
    /// How values are combined.
    pub method: SweepMethod,
    /// The values of each dotted key (`training.epochs`): a list, `1,2,3`, `range(1,4)` or `choice(a,b)`; for `random`
    /// also `uniform(0.1,1)` and `loguniform(1e-4,1e-1)`.
    #[serde(skip_serializing_if = "Untyped::is_empty")]
    pub parameters: Untyped,
    /// For `list`: the variants, each a mapping of dotted keys to values.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub variants: Vec<Untyped>,
    /// For `list`: a file of variants, `.csv` with keys as headings, `.yaml` with a list, or `.jsonl`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// For `random`: the seed of all draws.
    pub seed: u64,
    /// For `random`: how many variants are drawn.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub count: Option<u32>,
    /// More variants than this are an error.
    pub limit: u32,
}

impl Default for Sweep {
    fn default() -> Self {
        Self {
            method: SweepMethod::default(),
            parameters: Untyped::new(),
            variants: Vec::new(),
            file: None,
            seed: 0,
            count: None,
            limit: 10_000,
        }
    }
}

/// How the values of several keys are combined.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SweepMethod {
    /// Each with each, the last key changing fastest.
    #[default]
    Grid,
    /// Each key's value drawn by chance, `count` times.
    Random,
    /// The first values of all keys, then the second ones, and so on.
    Zip,
    /// As written out in `variants` or `file`.
    List,
}
