//! `quantization`.

use super::rules::{FROM_ONE, POSITIVE, Rules};
use crate::{Issue, IssueKind};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// From a float model to an int8 one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Quantization {
    /// The style of the output: TFLite or ONNX.
    pub quantizer: Quantizer,
    /// Post-training quantization.
    pub quantization_type: QuantizationType,
    /// Type of the model's input.
    pub quantization_input_type: TensorType,
    /// Type of the model's output.
    pub quantization_output_type: TensorType,
    /// Weight scales per output channel or per tensor.
    #[serde(default)]
    pub granularity: Granularity,
    /// Cross-layer equalization before quantizing; with per_tensor.
    #[serde(default)]
    pub optimize: bool,
    /// Opset of an ONNX output.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target_opset: Option<u32>,
    /// Calibration method of the ONNX quantizer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub extra_options: Option<ExtraOption>,
    /// Operator types to quantize; all without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub op_types_to_quantize: Option<Vec<String>>,
    /// Folder of quantized models inside the run folder.
    #[serde(default = "export_dir")]
    pub export_dir: String,
    /// How activation ranges are found.
    #[serde(default)]
    pub calibration: Calibration,
    /// Correction of biases after quantization.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bias_correction: Option<bool>,
    /// Layers kept in float for accuracy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mixed_precision: Option<MixedPrecision>,
}

fn export_dir() -> String {
    "quantized_models".to_owned()
}

/// The style of the output, in any letter case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Quantizer {
    /// `.h5` or `.keras` in, `.tflite` out.
    #[serde(rename = "TFlite_converter")]
    TfliteConverter,
    /// `.h5` or `.onnx` in, QDQ `.onnx` out.
    #[serde(rename = "Onnx_quantizer")]
    OnnxQuantizer,
}

/// An option of the ONNX quantizer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ExtraOption {
    /// Ranges are a moving average of those of the batches.
    CalibMovingAverage,
}

/// How activation ranges are found.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Calibration {
    /// Smallest and largest value.
    #[default]
    Minmax,
    /// A moving average of the smallest and largest values of batches.
    MovingAverage,
    /// All but a small share of the values.
    Percentile,
    /// The range whose int8 values lose the least information.
    Entropy,
    /// The range with the least squared error.
    Mse,
}

impl Calibration {
    /// Its name in the file.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Minmax => "minmax",
            Self::MovingAverage => "moving_average",
            Self::Percentile => "percentile",
            Self::Entropy => "entropy",
            Self::Mse => "mse",
        }
    }
}

/// Which layers stay in float: the most sensitive ones, until the int8 model is good enough.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MixedPrecision {
    /// Largest loss of accuracy against the float model that is good enough, in percent.
    pub accuracy_drop: f64,
}

impl Quantization {
    /// What is wrong with its values, whoever quantizes.
    #[must_use]
    pub fn issues(&self) -> Vec<Issue> {
        let mut rules = Rules::under("quantization");
        if self.optimize && self.granularity == Granularity::PerChannel {
            let message =
                "`optimize: True` equalizes layers for one scale a tensor, and `granularity` is per_channel";
            let help = "set `granularity: per_tensor`, or `optimize: False`";
            let issue = Issue::new(IssueKind::Conflict, rules.key("optimize"), message);
            rules.push(issue.with_help(help));
        }
        if let Some(opset) = self.target_opset {
            rules.number("target_opset", opset, FROM_ONE);
        }
        if let Some(mixed) = self.mixed_precision {
            rules.number("mixed_precision.accuracy_drop", mixed.accuracy_drop, POSITIVE);
        }
        rules.into_issues()
    }
}

/// How a model is quantized.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum QuantizationType {
    /// After training.
    PTQ,
}

/// Element type of a model's input or output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "the names say it")]
pub enum TensorType {
    Int8,
    Uint8,
    Float,
}

/// How many scales a weight tensor has.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Granularity {
    /// One per output channel.
    #[default]
    PerChannel,
    /// One.
    PerTensor,
}
