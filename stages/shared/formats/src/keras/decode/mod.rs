//! From Keras' layer classes to graph operations.

mod convolution;
mod function;
mod geometry;

use super::{network::Described, options::Options};
use crate::FormatError;
use model::{Activation, Initializer, Op};
use serde_json::{Map, Value};

/// Classes that can be read, for messages.
const SUPPORTED: &str = "InputLayer, Conv2D, DepthwiseConv2D, SeparableConv2D, Conv2DTranspose, Dense, \
     BatchNormalization, ReLU, LeakyReLU, PReLU, Activation, Softmax, Add, Multiply, Concatenate, ZeroPadding2D, \
     Cropping2D, MaxPooling2D, AveragePooling2D, GlobalAveragePooling2D, UpSampling2D, Resizing, Reshape, Flatten, \
     Dropout, SpatialDropout2D, Rescaling, and Functional and Sequential models as layers";

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

/// The operation of a layer that stands in no file: `config` holds the arguments of its class, `inputs` are the shapes it
/// reads, without the batch.
pub(crate) fn operation_of(
    name: &str,
    class: &str,
    config: &Map<String, Value>,
    inputs: &[&[usize]],
) -> Result<(Op, Initializer), FormatError> {
    let described = Described {
        name: name.to_owned(),
        class,
        module: None,
        config,
        inputs: Vec::new(),
        path: Vec::new(),
    };
    operation(&described, inputs, false)
}

/// The operation of a layer and the initialiser of its kernel. `inputs` are the shapes it reads, without the batch.
pub(super) fn operation(
    layer: &Described<'_>,
    inputs: &[&[usize]],
    by_keras_2: bool,
) -> Result<(Op, Initializer), FormatError> {
    let options = Options::of(layer);
    check_module(layer, &options, inputs)?;
    options.require_float32()?;
    let rank = inputs.first().map_or(0, |shape| shape.len());
    let activation = || function::activation(&options, by_keras_2);
    let op = match layer.class {
        "Conv2D" => return with_initializer(convolution::conv(&options, activation()?)?, &options, "kernel"),
        "DepthwiseConv2D" => {
            return with_initializer(convolution::depthwise(&options, activation()?)?, &options, "depthwise");
        }
        "SeparableConv2D" => {
            return with_initializer(convolution::separable(&options, activation()?)?, &options, "depthwise");
        }
        "Conv2DTranspose" => {
            return with_initializer(convolution::transpose(&options, activation()?)?, &options, "kernel");
        }
        "Dense" => return with_initializer(convolution::dense(&options, activation()?)?, &options, "kernel"),
        "BatchNormalization" => batch_norm(&options, rank)?,
        "ReLU" => function::relu(&options)?,
        "LeakyReLU" => function::leaky_relu(&options)?,
        "PReLU" => function::prelu(&options)?,
        "Activation" => Op::Activation(activation()?),
        "Softmax" => {
            options.require_last_axis(rank)?;
            Op::Softmax
        }
        "Add" => Op::Add { activation: Activation::Linear },
        "Multiply" => Op::Multiply,
        "Concatenate" => {
            options.require_last_axis(rank)?;
            Op::Concat
        }
        "ZeroPadding2D" => geometry::zero_padding(&options)?,
        "Cropping2D" => geometry::cropping(&options)?,
        "MaxPooling2D" => Op::MaxPool2d(geometry::pool(&options)?),
        "AveragePooling2D" => Op::AveragePool2d(geometry::pool(&options)?),
        "GlobalAveragePooling2D" => {
            options.require_channels_last()?;
            Op::GlobalAveragePool { keep_dims: options.flag("keepdims", false)? }
        }
        "UpSampling2D" => geometry::upsampling(&options)?,
        "Resizing" => geometry::resizing(&options)?,
        "Reshape" => geometry::reshape(&options, inputs)?,
        "Flatten" => {
            options.require_channels_last()?;
            Op::Flatten
        }
        "Dropout" => Op::Dropout { rate: dropout_rate(&options)? },
        "SpatialDropout2D" => {
            options.require_channels_last()?;
            Op::SpatialDropout2d { rate: dropout_rate(&options)? }
        }
        "Rescaling" => Op::Rescale {
            scale: options.number("scale", None)?,
            offset: options.number("offset", Some(0.0))?,
        },
        _ => {
            return Err(
                options.refuse(format!("layers of this class cannot be read; supported: {SUPPORTED}"))
            );
        }
    };
    Ok((op, Initializer::default()))
}

/// Refuses classes that only have the name of one of Keras' layers: a user's own, and operations on tensors (`x + 3`).
fn check_module(
    layer: &Described<'_>,
    options: &Options<'_>,
    inputs: &[&[usize]],
) -> Result<(), FormatError> {
    let Some(module) = layer.module else { return Ok(()) };
    let within = |package: &str| module.split('.').next() == Some(package);
    if !["keras", "tf_keras", "tensorflow"].into_iter().any(within) {
        return Err(
            options.refuse(format!("it is a class of its own, of the module `{module}`, and cannot be read"))
        );
    }
    let ranks_differ = inputs.windows(2).any(|pair| pair[0].len() != pair[1].len());
    // Sums and products of tensors are those of the layers while nothing has to be aligned with the batch.
    let like_layer = matches!(layer.class, "Add" | "Multiply") && inputs.len() == 2 && !ranks_differ;
    if module.contains(".ops") && !like_layer {
        return Err(options.refuse(format!(
            "it is an operation on tensors (`{module}`), not a layer, and cannot be read; use layers of keras.layers"
        )));
    }
    Ok(())
}

/// Weights come from the file; the initialiser matters only for a network that is initialised anew, and others than Keras'
/// two usual ones are taken for its default.
fn with_initializer(op: Op, options: &Options<'_>, which: &str) -> Result<(Op, Initializer), FormatError> {
    let class = options
        .get(&format!("{which}_initializer"))
        .and_then(|initializer| initializer.get("class_name"))
        .and_then(Value::as_str);
    let initializer =
        if class == Some("HeNormal") { Initializer::HeNormal } else { Initializer::GlorotUniform };
    Ok((op, initializer))
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

fn dropout_rate(options: &Options<'_>) -> Result<f32, FormatError> {
    options.require_unset("noise_shape")?;
    let rate = options.number("rate", None)?;
    if (0.0..=1.0).contains(&rate) {
        Ok(rate)
    } else {
        Err(options.refuse_value("rate", "a number from 0 to 1"))
    }
}
