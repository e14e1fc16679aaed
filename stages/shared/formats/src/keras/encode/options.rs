//! The options of each layer class, in the order Keras writes them.

use super::refuse;
use crate::FormatError;
use model::{Activation, Initializer, Interpolation, Layer, Op, Padding, Pool2d};
use serde_json::{Value, json};

/// The options beyond those that every layer has.
pub(super) fn options(layer: &Layer) -> Result<Value, FormatError> {
    let kernel_initializer = || initializer(layer.initializer);
    let options = match &layer.op {
        Op::Input => json!({
            "batch_shape": super::batched(&layer.output.shape),
            "dtype": "float32",
            "sparse": false,
            "ragged": false,
            "name": layer.name,
            "optional": false,
        }),
        Op::Conv2d(conv) => json!({
            "filters": conv.filters,
            "kernel_size": conv.kernel,
            "strides": conv.strides,
            "padding": padding(conv.padding),
            "data_format": "channels_last",
            "dilation_rate": conv.dilation,
            "groups": 1,
            "activation": conv.activation.name(),
            "use_bias": conv.bias,
            "kernel_initializer": kernel_initializer(),
            "bias_initializer": constant("Zeros"),
            "kernel_regularizer": null,
            "bias_regularizer": null,
            "activity_regularizer": null,
            "kernel_constraint": null,
            "bias_constraint": null,
        }),
        Op::DepthwiseConv2d(conv) => json!({
            "depth_multiplier": conv.multiplier,
            "kernel_size": conv.kernel,
            "strides": conv.strides,
            "padding": padding(conv.padding),
            "data_format": "channels_last",
            "dilation_rate": conv.dilation,
            "activation": conv.activation.name(),
            "use_bias": conv.bias,
            "depthwise_initializer": kernel_initializer(),
            "bias_initializer": constant("Zeros"),
            "depthwise_regularizer": null,
            "bias_regularizer": null,
            "activity_regularizer": null,
            "depthwise_constraint": null,
            "bias_constraint": null,
        }),
        Op::SeparableConv2d(conv) => json!({
            "depth_multiplier": conv.multiplier,
            "filters": conv.filters,
            "kernel_size": conv.kernel,
            "strides": conv.strides,
            "padding": padding(conv.padding),
            "data_format": "channels_last",
            "dilation_rate": conv.dilation,
            "activation": conv.activation.name(),
            "use_bias": conv.bias,
            "depthwise_initializer": kernel_initializer(),
            "pointwise_initializer": kernel_initializer(),
            "bias_initializer": constant("Zeros"),
            "depthwise_regularizer": null,
            "pointwise_regularizer": null,
            "bias_regularizer": null,
            "activity_regularizer": null,
            "depthwise_constraint": null,
            "pointwise_constraint": null,
            "bias_constraint": null,
        }),
        Op::Conv2dTranspose(conv) => json!({
            "filters": conv.filters,
            "kernel_size": conv.kernel,
            "strides": conv.strides,
            "padding": padding(conv.padding),
            "output_padding": conv.output_padding,
            "data_format": "channels_last",
            "dilation_rate": conv.dilation,
            "activation": conv.activation.name(),
            "use_bias": conv.bias,
            "kernel_initializer": kernel_initializer(),
            "bias_initializer": constant("Zeros"),
            "kernel_regularizer": null,
            "bias_regularizer": null,
            "activity_regularizer": null,
            "kernel_constraint": null,
            "bias_constraint": null,
        }),
        Op::Dense(dense) => json!({
            "units": dense.units,
            "activation": dense.activation.name(),
            "use_bias": dense.bias,
            "kernel_initializer": kernel_initializer(),
            "bias_initializer": constant("Zeros"),
            "kernel_regularizer": null,
            "bias_regularizer": null,
            "kernel_constraint": null,
            "bias_constraint": null,
        }),
        Op::BatchNorm { momentum, epsilon, scale, center } => json!({
            "axis": -1,
            "momentum": shortest(*momentum),
            "epsilon": shortest(*epsilon),
            "center": center,
            "scale": scale,
            "beta_initializer": constant("Zeros"),
            "gamma_initializer": constant("Ones"),
            "moving_mean_initializer": constant("Zeros"),
            "moving_variance_initializer": constant("Ones"),
            "beta_regularizer": null,
            "gamma_regularizer": null,
            "beta_constraint": null,
            "gamma_constraint": null,
            "synchronized": false,
            "renorm": false,
            "renorm_clipping": null,
            "renorm_momentum": 0.99,
        }),
        Op::Relu { max_value } => json!({
            "max_value": max_value.map(shortest),
            "negative_slope": 0.0,
            "threshold": 0.0,
        }),
        Op::SlopedRelu { max_value, negative_slope, threshold } => json!({
            "max_value": max_value.map(shortest),
            "negative_slope": shortest(*negative_slope),
            "threshold": shortest(*threshold),
        }),
        Op::LeakyRelu { slope } => json!({ "negative_slope": shortest(*slope) }),
        Op::Prelu { shared_axes } => json!({
            "alpha_initializer": constant("Zeros"),
            "alpha_regularizer": null,
            "alpha_constraint": null,
            "shared_axes": if shared_axes.is_empty() { Value::Null } else { json!(shared_axes) },
        }),
        Op::Activation(function) => json!({ "activation": function.name() }),
        Op::Softmax | Op::Concat => json!({ "axis": -1 }),
        Op::Add { activation: Activation::Linear } | Op::Multiply => json!({}),
        Op::ZeroPad2d { height, width } => {
            json!({ "padding": [height, width], "data_format": "channels_last" })
        }
        Op::Crop2d { height, width } => {
            json!({ "cropping": [height, width], "data_format": "channels_last" })
        }
        Op::MaxPool2d(pool) | Op::AveragePool2d(pool) => pool_options(pool),
        Op::GlobalAveragePool { keep_dims } => {
            json!({ "data_format": "channels_last", "keepdims": keep_dims })
        }
        Op::Reshape { shape } => json!({ "target_shape": shape }),
        Op::Flatten => json!({ "data_format": "channels_last" }),
        Op::Upsample { factor, interpolation } => json!({
            "size": factor,
            "data_format": "channels_last",
            "interpolation": sampling(*interpolation),
        }),
        Op::Resize { size, interpolation } => json!({
            "height": size.0,
            "width": size.1,
            "interpolation": sampling(*interpolation),
            "crop_to_aspect_ratio": false,
            "pad_to_aspect_ratio": false,
            "fill_mode": "constant",
            "fill_value": 0.0,
            "antialias": false,
            "data_format": "channels_last",
        }),
        Op::Dropout { rate } => json!({ "rate": shortest(*rate), "seed": null, "noise_shape": null }),
        Op::SpatialDropout2d { rate } => {
            json!({ "rate": shortest(*rate), "seed": null, "data_format": "channels_last" })
        }
        Op::Rescale { scale, offset } => json!({ "scale": shortest(*scale), "offset": shortest(*offset) }),
        Op::Add { .. } => {
            return Err(refuse(
                layer,
                "Keras' Add has no activation; write the model before activations are fused",
            ));
        }
        Op::Quantize | Op::Dequantize => {
            return Err(refuse(layer, "Keras files hold float models; write a quantized model as .tflite"));
        }
    };
    Ok(options)
}

fn pool_options(pool: &Pool2d) -> Value {
    json!({
        "pool_size": pool.window,
        "padding": padding(pool.padding),
        "strides": pool.strides,
        "data_format": "channels_last",
    })
}

fn initializer(initializer: Initializer) -> Value {
    let class = match initializer {
        Initializer::GlorotUniform => "GlorotUniform",
        Initializer::HeNormal => "HeNormal",
    };
    json!({
        "module": "keras.initializers",
        "class_name": class,
        "config": { "seed": null, "input_axes": null, "output_axes": null },
        "registered_name": null,
    })
}

fn constant(class: &str) -> Value {
    json!({ "module": "keras.initializers", "class_name": class, "config": {}, "registered_name": null })
}

fn padding(padding: Padding) -> &'static str {
    match padding {
        Padding::Same => "same",
        Padding::Valid => "valid",
    }
}

fn sampling(interpolation: Interpolation) -> &'static str {
    match interpolation {
        Interpolation::Nearest => "nearest",
        Interpolation::Bilinear => "bilinear",
    }
}

/// The double that prints like the float: 0.999 rather than 0.9990000128746033.
fn shortest(number: f32) -> f64 {
    number.to_string().parse().unwrap_or_else(|_| f64::from(number))
}
