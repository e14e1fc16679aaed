//! From Keras' layer classes to graph operations.

use super::{network::Described, options::Options};
use crate::FormatError;
use model::{Activation, Conv2d, DepthwiseConv2d, Initializer, Interpolation, Op, Padding};
use serde_json::Value;

/// Classes that can be read, for messages.
const SUPPORTED: &str = "InputLayer, Conv2D, DepthwiseConv2D, BatchNormalization, ReLU, Activation, Add, Concatenate, \
     ZeroPadding2D, GlobalAveragePooling2D, UpSampling2D, Reshape, Dropout, Rescaling";

/// The shape of an input layer, without the batch.
pub(super) fn input_shape(layer: &Described<'_>) -> Result<Vec<usize>, FormatError> {
    let options = Options::of(layer);
    options.require_float32()?;
    let keys = ["batch_shape", "batch_input_shape", "build_input_shape"];
    let key = keys.into_iter().find(|key| options.get(key).is_some()).unwrap_or(keys[0]);
    let wanted =
        "[null, height, width, channels] with sizes that are fixed: save the model with a fixed input size";
    let sizes = options.get(key).and_then(Value::as_array).and_then(|sizes| sizes.split_first());
    let (_batch, sizes) = sizes.ok_or_else(|| options.refuse_value(key, wanted))?;
    let size = |size: &Value| size.as_u64().and_then(|size| usize::try_from(size).ok());
    sizes.iter().map(size).collect::<Option<Vec<usize>>>().ok_or_else(|| options.refuse_value(key, wanted))
}

/// The operation of a layer and the initialiser of its kernel. `inputs` are the shapes it reads, without the batch.
pub(super) fn operation(
    layer: &Described<'_>,
    inputs: &[&[usize]],
) -> Result<(Op, Initializer), FormatError> {
    let options = Options::of(layer);
    options.require_float32()?;
    let op = match layer.class {
        "Conv2D" => return Ok((convolution(&options)?, initializer(&options, "kernel_initializer"))),
        "DepthwiseConv2D" => {
            return Ok((depthwise(&options)?, initializer(&options, "depthwise_initializer")));
        }
        "BatchNormalization" => batch_norm(&options, rank(inputs))?,
        "ReLU" => relu(&options)?,
        "Activation" => Op::Activation(activation(&options)?),
        "Add" => Op::Add { activation: Activation::Linear },
        "Concatenate" => {
            options.require_last_axis(rank(inputs))?;
            Op::Concat
        }
        "ZeroPadding2D" => {
            options.require_channels_last()?;
            let [height, width] = options.padding("padding")?;
            Op::ZeroPad2d { height, width }
        }
        "GlobalAveragePooling2D" => {
            options.require_channels_last()?;
            Op::GlobalAveragePool { keep_dims: options.flag("keepdims", false)? }
        }
        "UpSampling2D" => upsampling(&options)?,
        "Reshape" => Op::Reshape { shape: target_shape(&options, inputs)? },
        "Dropout" => dropout(&options)?,
        "Rescaling" => Op::Rescale {
            scale: options.number("scale", None)?,
            offset: options.number("offset", Some(0.0))?,
        },
        "Functional" | "Model" | "Sequential" => {
            return Err(
                options.refuse("a model inside the model cannot be read; build the network without nesting")
            );
        }
        _ => {
            return Err(
                options.refuse(format!("layers of this class cannot be read; supported: {SUPPORTED}"))
            );
        }
    };
    Ok((op, Initializer::default()))
}

fn convolution(options: &Options<'_>) -> Result<Op, FormatError> {
    options.require_channels_last()?;
    options.require_number("groups", 1.0)?;
    Ok(Op::Conv2d(Conv2d {
        filters: options.count("filters", None)?,
        kernel: options.pair("kernel_size", None)?,
        strides: options.pair("strides", Some(1))?,
        dilation: options.pair("dilation_rate", Some(1))?,
        padding: padding(options)?,
        bias: options.flag("use_bias", true)?,
        activation: activation(options)?,
    }))
}

fn depthwise(options: &Options<'_>) -> Result<Op, FormatError> {
    options.require_channels_last()?;
    Ok(Op::DepthwiseConv2d(DepthwiseConv2d {
        multiplier: options.count("depth_multiplier", Some(1))?,
        kernel: options.pair("kernel_size", None)?,
        strides: options.pair("strides", Some(1))?,
        dilation: options.pair("dilation_rate", Some(1))?,
        padding: padding(options)?,
        bias: options.flag("use_bias", true)?,
        activation: activation(options)?,
    }))
}

fn batch_norm(options: &Options<'_>, rank: usize) -> Result<Op, FormatError> {
    options.require_last_axis(rank)?;
    options.require_flag("renorm", false)?;
    Ok(Op::BatchNorm {
        momentum: options.number("momentum", Some(0.99))?,
        epsilon: options.number("epsilon", Some(1e-3))?,
        scale: options.flag("scale", true)?,
        center: options.flag("center", true)?,
    })
}

fn relu(options: &Options<'_>) -> Result<Op, FormatError> {
    options.require_number("negative_slope", 0.0)?;
    options.require_number("threshold", 0.0)?;
    let max_value = match options.get("max_value") {
        Some(_) => Some(options.number("max_value", None)?),
        None => None,
    };
    Ok(Op::Relu { max_value })
}

fn upsampling(options: &Options<'_>) -> Result<Op, FormatError> {
    options.require_channels_last()?;
    let interpolation = match options.text("interpolation", "nearest")? {
        "nearest" => Interpolation::Nearest,
        "bilinear" => Interpolation::Bilinear,
        _ => return Err(options.refuse_value("interpolation", "nearest, bilinear")),
    };
    Ok(Op::Upsample { factor: options.pair("size", Some(2))?, interpolation })
}

fn dropout(options: &Options<'_>) -> Result<Op, FormatError> {
    options.require_unset("noise_shape")?;
    let rate = options.number("rate", None)?;
    if (0.0..=1.0).contains(&rate) {
        Ok(Op::Dropout { rate })
    } else {
        Err(options.refuse_value("rate", "a number from 0 to 1"))
    }
}

/// Keras' `target_shape`, in which one size may be -1 for what is left.
fn target_shape(options: &Options<'_>, inputs: &[&[usize]]) -> Result<Vec<usize>, FormatError> {
    let wanted = "whole numbers, one of which may be -1";
    let refuse = || options.refuse_value("target_shape", wanted);
    let sizes = options.get("target_shape").and_then(Value::as_array).ok_or_else(refuse)?;
    let sizes: Vec<i64> = sizes.iter().map(Value::as_i64).collect::<Option<_>>().ok_or_else(refuse)?;
    let known = sizes.iter().filter(|size| **size != -1).try_fold(1usize, |product, size| {
        usize::try_from(*size).ok().filter(|size| *size > 0).and_then(|size| product.checked_mul(size))
    });
    let known = known.ok_or_else(refuse)?;
    let elements: usize = inputs.iter().take(1).flat_map(|shape| shape.iter()).product();
    match sizes.iter().filter(|size| **size == -1).count() {
        0 | 1 => {}
        _ => return Err(refuse()),
    }
    Ok(sizes.into_iter().map(|size| usize::try_from(size).unwrap_or(elements / known)).collect())
}

fn padding(options: &Options<'_>) -> Result<Padding, FormatError> {
    match options.text("padding", "valid")? {
        "same" => Ok(Padding::Same),
        "valid" => Ok(Padding::Valid),
        _ => Err(options.refuse_value("padding", "same, valid")),
    }
}

/// The option `activation`: a name, or an object `{"config": name}` around it.
fn activation(options: &Options<'_>) -> Result<Activation, FormatError> {
    let name = match options.get("activation") {
        None => Some("linear"),
        Some(Value::String(name)) => Some(name.as_str()),
        Some(function) => function.get("config").and_then(Value::as_str),
    };
    match name {
        Some("linear") => Ok(Activation::Linear),
        Some("relu") => Ok(Activation::Relu),
        Some("relu6") => Ok(Activation::Relu6),
        Some("softmax") => Ok(Activation::Softmax),
        _ => Err(options.refuse_value("activation", "linear, relu, relu6, softmax")),
    }
}

/// Weights come from the file; the initialiser matters only for a network that is initialised anew, and others than Keras'
/// two usual ones are taken for its default.
fn initializer(options: &Options<'_>, key: &str) -> Initializer {
    let class = options.get(key).and_then(|initializer| initializer.get("class_name"));
    match class.and_then(Value::as_str) {
        Some("HeNormal") => Initializer::HeNormal,
        _ => Initializer::GlorotUniform,
    }
}

fn rank(inputs: &[&[usize]]) -> usize {
    inputs.first().map_or(0, |shape| shape.len())
}
