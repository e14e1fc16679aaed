//! The typed configuration: one module per top-level section of the file.
//!
//! Every section lives here, also when the stage that reads it is compiled out: a file is legal or not whatever this
//! binary can run. Doc comments say what a key means and feed help texts.

mod dataset;
mod evaluation;
mod general;
mod hydra;
mod mlflow;
mod preprocessing;
mod quantization;
mod stages;
mod training;

pub use dataset::Dataset;
pub use evaluation::Evaluation;
pub use general::General;
pub use hydra::{Hydra, HydraRun};
pub use mlflow::Mlflow;
pub use preprocessing::{AspectRatio, ColorMode, Interpolation, Preprocessing, Rescaling, Resizing};
pub use quantization::{Granularity, Quantization, QuantizationType, Quantizer, TensorType};
pub use stages::{Bytes, EntryResources, Inputs, ONE_OR_MANY, StageEntry, Stages, TimeSpan, Words};
pub use training::{Adam, Aspp, ModelSpec, Optimizer, PretrainedWeights, Training};

use crate::Issue;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// A section or argument list that is legal but not typed yet: whatever stands in the file.
pub type Untyped = Map<String, Value>;

/// A whole configuration file after interpolation, overrides and defaults.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// The project, the model's type or file, seeds.
    pub general: General,
    /// What to do: training, quantization, evaluation, or a chain such as chain_tqe.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub operation_mode: Option<String>,
    /// Images, masks and classes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dataset: Option<Dataset>,
    /// How images become network input.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub preprocessing: Option<Preprocessing>,
    /// Augmentation functions in the order they apply.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data_augmentation: Option<Untyped>,
    /// A user's own augmentation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub custom_data_augmentation: Option<Untyped>,
    /// Model, optimizer, epochs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub training: Option<Training>,
    /// From float to int8.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quantization: Option<Quantization>,
    /// How a model is measured.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub evaluation: Option<Evaluation>,
    /// Images to predict.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prediction: Option<Untyped>,
    /// External tools.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tools: Option<Untyped>,
    /// The board to estimate for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub benchmarking: Option<Untyped>,
    /// Code for a board.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deployment: Option<Untyped>,
    /// Stages of an own chain, for `operation_mode: stages`.
    #[serde(skip_serializing_if = "Stages::is_empty")]
    pub stages: Stages,
    /// Where experiment tracking goes.
    pub mlflow: Mlflow,
    /// The run folder.
    pub hydra: Hydra,
}

impl Config {
    /// The dataset section.
    ///
    /// # Errors
    /// An issue that says that `stage` needs it.
    pub fn dataset(&self, stage: &str) -> Result<&Dataset, Issue> {
        self.dataset.as_ref().ok_or_else(|| Issue::missing("dataset", format!("{stage} needs images")))
    }

    /// The preprocessing section.
    ///
    /// # Errors
    /// An issue that says that `stage` needs it.
    pub fn preprocessing(&self, stage: &str) -> Result<&Preprocessing, Issue> {
        self.preprocessing
            .as_ref()
            .ok_or_else(|| Issue::missing("preprocessing", format!("{stage} needs rescaling and resizing")))
    }
}
