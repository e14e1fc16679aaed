//! `quantization`.

use super::Untyped;
use serde::{Deserialize, Serialize};

/// From a float model to an int8 one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
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
    pub extra_options: Option<String>,
    /// Operator types to quantize; all without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub op_types_to_quantize: Option<Vec<String>>,
    /// Folder of quantized models inside the run folder.
    #[serde(default = "export_dir")]
    pub export_dir: String,
    /// How activation ranges are found: minmax, moving_average, percentile, entropy, mse.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calibration: Option<String>,
    /// Correction of biases after quantization.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bias_correction: Option<bool>,
    /// Layers kept in float for accuracy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mixed_precision: Option<Untyped>,
}

fn export_dir() -> String {
    "quantized_models".to_owned()
}

/// The style of the output, in any letter case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Quantizer {
    /// `.h5` in, `.tflite` out.
    #[serde(rename = "TFlite_converter")]
    TfliteConverter,
    /// `.h5` or `.onnx` in, QDQ `.onnx` out.
    #[serde(rename = "Onnx_quantizer")]
    OnnxQuantizer,
}

/// How a model is quantized.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum QuantizationType {
    /// After training.
    PTQ,
}

/// Element type of a model's input or output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "the names say it")]
pub enum TensorType {
    Int8,
    Uint8,
    Float,
}

/// How many scales a weight tensor has.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Granularity {
    /// One per output channel.
    #[default]
    PerChannel,
    /// One.
    PerTensor,
}
