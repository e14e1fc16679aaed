//! The typed configuration: one module per top-level section of the file.
//!
//! Every section lives here, also when the stage that reads it is compiled out: a file is legal or not whatever this
//! binary can run. Doc comments say what a key means and feed help texts.

mod augmentation;
mod benchmarking;
mod callbacks;
mod dataset;
mod deployment;
mod evaluation;
mod general;
mod hydra;
mod in_order;
mod mlflow;
mod model;
mod optimizer;
mod prediction;
mod preprocessing;
mod quantization;
mod range;
mod rules;
mod schema;
mod stages;
mod sweep;
#[cfg(test)]
mod tests;
mod tools;
mod training;

pub use augmentation::{
    Augmentation, Autocontrast, Blur, Brightness, Chance, Contrast, Crop, CustomDataAugmentation,
    DataAugmentation, Delta, FillMode, Flip, FlipMode, Gamma, GaussianNoise, Hsv, JpegQuality, NoiseMode,
    Padding, PeriodicResizing, Posterize, Resampling, Sharpness, Translation, Turn, Zoom,
};
pub use benchmarking::Benchmarking;
pub use callbacks::{
    Callback, Callbacks, EarlyStopping, LearningRateScheduler, LrCosineDecay, LrCosineDecayRestarts,
    LrExponentialDecay, LrLinearDecay, LrPiecewiseConstantDecay, LrPolynomialDecay,
    LrPolynomialDecayRestarts, LrStepDecay, LrWarmupCosineDecay, Monitor, MonitorMode, ReduceLrOnPlateau,
    TerminateOnNan,
};
pub use dataset::Dataset;
pub use deployment::{Deployment, HardwareSetup, Ide};
pub use evaluation::{Evaluation, Target};
pub use general::{General, ModelType};
pub use hydra::{Hydra, HydraRun};
pub use in_order::{IN_ORDER, InOrder, Named};
pub use mlflow::Mlflow;
pub use model::{Aspp, ModelSpec, PretrainedWeights};
pub use optimizer::{
    Adadelta, Adagrad, Adam, AdamW, Adamax, Ftrl, Lion, Nadam, Optimizer, RmsProp, Sgd, SharedArguments,
};
pub use prediction::Prediction;
pub use preprocessing::{AspectRatio, ColorMode, Interpolation, Preprocessing, Rescaling, Resizing};
pub use quantization::{
    Calibration, ExtraOption, Granularity, MixedPrecision, Quantization, QuantizationType, Quantizer,
    TensorType,
};
pub use range::{
    AroundOne, Exactly, FromZero, Number, ONE_OR_PAIR, PAIR, PairOnly, Range, Spread, Symmetric,
};
pub use schema::{ANY_LETTER_CASE, schema};
pub use stages::{Bytes, EntryResources, Inputs, ONE_OR_MANY, StageEntry, Stages, TimeSpan, Words};
pub use sweep::{Sweep, SweepMethod};
pub use tools::{Optimization, Stedgeai, Stm32ai, Tools};
pub use training::Training;

use crate::Issue;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Keys and values of the user's own, such as the arguments of a template: whatever stands in the file.
pub type Untyped = Map<String, Value>;

/// A whole configuration file after interpolation, overrides and defaults.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
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
    pub data_augmentation: Option<DataAugmentation>,
    /// A user's own augmentation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub custom_data_augmentation: Option<CustomDataAugmentation>,
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
    pub prediction: Option<Prediction>,
    /// External tools.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tools: Option<Tools>,
    /// The board to estimate for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub benchmarking: Option<Benchmarking>,
    /// Code for a board.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deployment: Option<Deployment>,
    /// Stages of an own chain, for `operation_mode: stages`.
    #[serde(skip_serializing_if = "Stages::is_empty")]
    pub stages: Stages,
    /// Variants of this file, for `pipeline sweep`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sweep: Option<Sweep>,
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
