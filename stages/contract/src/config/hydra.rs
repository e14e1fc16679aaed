//! `hydra`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The run folder. Other keys of Hydra are accepted with a note, which is why this section alone does not refuse them
/// itself: the reader of the file takes them out first.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Hydra {
    /// The run folder.
    pub run: HydraRun,
}

/// `hydra.run`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct HydraRun {
    /// Its path; `${now:...}` is the start time.
    pub dir: String,
}

impl Default for HydraRun {
    fn default() -> Self {
        Self { dir: "./experiments_outputs/${now:%Y_%m_%d_%H_%M_%S}".to_owned() }
    }
}
