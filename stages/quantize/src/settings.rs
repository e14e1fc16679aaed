//! What the stage may read of the configuration.

use contract::{
    Config, Issue,
    config::{Calibration, Granularity, Quantization, Quantizer, TensorType},
};
use dataset::Preprocessor;
use model::passes::{Border, QuantizeOptions, WeightScales};
use serde::{Deserialize, Serialize};

/// What the stage may read of the configuration: all that the int8 model depends on besides the network and the images.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct QuantizeSettings {
    /// How many scales a kernel has.
    pub granularity: Granularity,
    /// Element type of the input.
    pub input_type: TensorType,
    /// Element type of the output.
    pub output_type: TensorType,
    /// How calibration images become network input.
    pub preprocessing: Preprocessor,
}

impl QuantizeSettings {
    /// The settings that a configuration asks for.
    ///
    /// # Errors
    /// All that is missing, wrong or not built yet in `quantization` and `preprocessing`.
    pub fn from_config(config: &Config) -> Result<Self, Vec<Issue>> {
        let section = config.quantization.as_ref().ok_or_else(|| {
            Issue::missing("quantization", "quantize needs to know what to make of the model").with_help(
                "give quantizer, quantization_type, quantization_input_type and quantization_output_type",
            )
        });
        let mut issues =
            section.as_ref().map_or_else(|issue| vec![issue.clone()], |section| unbuilt(section));
        let preprocessing = Preprocessor::from_config(config, "quantize");
        match (section, preprocessing) {
            (Ok(section), Ok(preprocessing)) if issues.is_empty() => Ok(Self {
                granularity: section.granularity,
                input_type: section.quantization_input_type,
                output_type: section.quantization_output_type,
                // Calibration looks at no mask, so this key must not make another key of the same work.
                preprocessing: Preprocessor { void_as_background: false, ..preprocessing },
            }),
            (_, preprocessing) => {
                issues.extend(preprocessing.err().into_iter().flatten());
                Err(issues)
            }
        }
    }

    /// The same for the pass.
    #[must_use]
    pub fn options(&self) -> QuantizeOptions {
        let border = |element| match element {
            TensorType::Int8 => Border::Int8,
            TensorType::Uint8 => Border::Uint8,
            TensorType::Float => Border::Float,
        };
        QuantizeOptions {
            weights: match self.granularity {
                Granularity::PerChannel => WeightScales::PerChannel,
                Granularity::PerTensor => WeightScales::PerTensor,
            },
            input: border(self.input_type),
            output: border(self.output_type),
        }
    }
}

/// Legal keys whose behaviour is not built yet, and values that no key has. `target_opset` and `extra_options` belong to
/// the ONNX quantizer: beside another one they mean nothing, as in the original, but a wrong value is wrong all the same.
fn unbuilt(section: &Quantization) -> Vec<Issue> {
    let mut issues = section.issues();
    let mut not_yet = |key: &str, what: &str, help: &str| {
        issues.push(Issue::not_yet(format!("quantization.{key}"), what).with_help(help));
    };
    if section.quantizer == Quantizer::OnnxQuantizer {
        not_yet("quantizer", "the quantizer `Onnx_quantizer`", "use `TFlite_converter`");
    }
    if section.optimize {
        not_yet("optimize", "cross-layer equalization", "set `optimize: False`");
    }
    if section.bias_correction == Some(true) {
        not_yet("bias_correction", "bias correction", "remove the key");
    }
    if section.mixed_precision.is_some() {
        not_yet("mixed_precision", "mixed precision", "remove the key: all layers become int8");
    }
    if section.op_types_to_quantize.is_some() {
        not_yet("op_types_to_quantize", "quantizing some operators only", "remove the key: all become int8");
    }
    if section.calibration != Calibration::Minmax {
        let what = format!("calibration by `{}`", section.calibration.name());
        not_yet("calibration", &what, "use `minmax`, the default");
    }
    issues
}
