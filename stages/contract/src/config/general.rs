//! `general`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// The project, the model's type or file, seeds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct General {
    /// Name of the project; the MLflow experiment.
    pub project_name: String,
    /// Type of the model; needed to train one of the zoo.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model_type: Option<ModelType>,
    /// A model file to start from, or its http(s) address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model_path: Option<PathBuf>,
    /// Folder for logs inside the run folder.
    pub logs_dir: String,
    /// Folder for trained models inside the run folder.
    pub saved_models_dir: String,
    /// GiB that may be used on the first GPU.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gpu_memory_limit: Option<f64>,
    /// Seed of every random draw; `None` draws one at the start of the run.
    pub global_seed: Option<u64>,
    /// Whether to open the report when a display is there.
    pub display_figures: bool,
    /// Threads of the int8 runtime.
    pub num_threads_tflite: usize,
    /// Accepted; results are always deterministic on a CPU.
    pub deterministic_ops: bool,
}

/// Type of a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ModelType {
    /// DeepLabV3 (Chen and others, arXiv 1706.05587).
    DeeplabV3,
    /// A network of the user's own, as a list of layers.
    Custom,
}

impl General {
    /// The seed when the file does not name one.
    pub const DEFAULT_SEED: u64 = 120;
}

impl Default for General {
    fn default() -> Self {
        Self {
            project_name: "<unnamed>".to_owned(),
            model_type: None,
            model_path: None,
            logs_dir: "logs".to_owned(),
            saved_models_dir: "saved_models".to_owned(),
            gpu_memory_limit: None,
            global_seed: Some(Self::DEFAULT_SEED),
            display_figures: true,
            num_threads_tflite: 1,
            deterministic_ops: false,
        }
    }
}
