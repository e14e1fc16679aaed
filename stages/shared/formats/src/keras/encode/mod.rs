//! From graph operations to Keras' layer classes.

use crate::FormatError;
use model::{Activation, Graph, Initializer, Interpolation, Layer, LayerId, Op, Padding};
use serde_json::{Map, Value, json};

/// A layer as an entry of `model_config`, in the words of Keras 3.
pub(super) fn layer_json(graph: &Graph, id: LayerId) -> Result<Value, FormatError> {
    let layer = graph.layer(id);
    let (class, options) = class_and_options(layer)?;
    let mut config = Map::new();
    if layer.op != Op::Input {
        config.insert("name".into(), json!(layer.name));
        config.insert("trainable".into(), json!(true));
        config.insert("dtype".into(), dtype_policy());
    }
    if let Value::Object(options) = options {
        config.extend(options);
    }
    Ok(json!({
        "class_name": class,
        "config": config,
        "name": layer.name,
        "inbound_nodes": inbound(graph, layer),
    }))
}

/// The class, and the options beyond those that every layer has, in the order Keras writes them.
fn class_and_options(layer: &Layer) -> Result<(&'static str, Value), FormatError> {
    let class = layer.op.class();
    let options = match &layer.op {
        Op::Input => json!({
            "batch_shape": batched(&layer.output.shape),
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
            "kernel_initializer": kernel_initializer(layer.initializer),
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
            "depthwise_initializer": kernel_initializer(layer.initializer),
            "bias_initializer": constant("Zeros"),
            "depthwise_regularizer": null,
            "bias_regularizer": null,
            "activity_regularizer": null,
            "depthwise_constraint": null,
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
        Op::Activation(function) => json!({ "activation": function.name() }),
        Op::Add { activation: Activation::Linear } => json!({}),
        Op::Concat => json!({ "axis": -1 }),
        Op::ZeroPad2d { height, width } => {
            json!({ "padding": [height, width], "data_format": "channels_last" })
        }
        Op::GlobalAveragePool { keep_dims } => {
            json!({ "data_format": "channels_last", "keepdims": keep_dims })
        }
        Op::Reshape { shape } => json!({ "target_shape": shape }),
        Op::Upsample { factor, interpolation } => json!({
            "size": factor,
            "data_format": "channels_last",
            "interpolation": match interpolation {
                Interpolation::Nearest => "nearest",
                Interpolation::Bilinear => "bilinear",
            },
        }),
        Op::Dropout { rate } => json!({ "rate": shortest(*rate), "seed": null, "noise_shape": null }),
        Op::Rescale { scale, offset } => json!({ "scale": shortest(*scale), "offset": shortest(*offset) }),
        Op::Add { .. } => {
            return Err(refuse(
                layer,
                "Keras' Add has no activation; write the model before activations are fused",
            ));
        }
        Op::SeparableConv2d(_)
        | Op::Conv2dTranspose(_)
        | Op::Dense(_)
        | Op::SlopedRelu { .. }
        | Op::LeakyRelu { .. }
        | Op::Prelu { .. }
        | Op::Softmax
        | Op::Multiply
        | Op::Crop2d { .. }
        | Op::MaxPool2d(_)
        | Op::AveragePool2d(_)
        | Op::Flatten
        | Op::Resize { .. }
        | Op::SpatialDropout2d { .. } => {
            return Err(refuse(layer, "layers of this class cannot be written yet"));
        }
        Op::Quantize | Op::Dequantize => {
            return Err(refuse(layer, "Keras files hold float models; write a quantized model as .tflite"));
        }
    };
    Ok((class, options))
}

/// The one call of a layer: its arguments are a tensor, or a list of tensors for the layers that join several.
fn inbound(graph: &Graph, layer: &Layer) -> Value {
    if layer.op == Op::Input {
        return json!([]);
    }
    let tensors: Vec<Value> = layer.inputs.iter().map(|input| tensor(graph, *input)).collect();
    let arguments = match layer.op {
        Op::Add { .. } | Op::Concat => json!([tensors]),
        _ => json!(tensors),
    };
    let keywords = match layer.op {
        Op::BatchNorm { .. } => json!({ "mask": null }),
        // As Keras writes it for a model that is built outside a training step.
        Op::Dropout { .. } => json!({ "training": false }),
        _ => json!({}),
    };
    json!([{ "args": arguments, "kwargs": keywords }])
}

fn tensor(graph: &Graph, id: LayerId) -> Value {
    let layer = graph.layer(id);
    json!({
        "class_name": "__keras_tensor__",
        "config": {
            "shape": batched(&layer.output.shape),
            "dtype": "float32",
            "keras_history": [layer.name, 0, 0],
        },
    })
}

/// A shape with an open batch in front.
fn batched(shape: &[usize]) -> Vec<Option<usize>> {
    std::iter::once(None).chain(shape.iter().copied().map(Some)).collect()
}

fn dtype_policy() -> Value {
    json!({
        "module": "keras",
        "class_name": "DTypePolicy",
        "config": { "name": "float32" },
        "registered_name": null,
    })
}

fn kernel_initializer(initializer: Initializer) -> Value {
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

/// The double that prints like the float: 0.999 rather than 0.9990000128746033.
fn shortest(number: f32) -> f64 {
    number.to_string().parse().unwrap_or_else(|_| f64::from(number))
}

pub(super) fn refuse(layer: &Layer, message: &str) -> FormatError {
    FormatError::unsupported(&layer.name, layer.op.class(), message)
}
