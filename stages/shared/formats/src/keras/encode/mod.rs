//! From graph operations to Keras' layer classes.

mod options;

use crate::FormatError;
use model::{Graph, Layer, LayerId, Op};
use serde_json::{Map, Value, json};

/// The network as Keras' JSON: what `model_config` of a `.h5` file holds.
pub(super) fn network(graph: &Graph) -> Result<Value, FormatError> {
    let ids = (0..graph.layers.len()).map(LayerId);
    let layers = ids.map(|id| layer_json(graph, id)).collect::<Result<Vec<_>, _>>()?;
    let input = graph.layers.iter().find(|layer| layer.op == Op::Input).map(|layer| layer.name.as_str());
    Ok(json!({
        "class_name": "Functional",
        "config": {
            "name": graph.name,
            "trainable": true,
            "layers": layers,
            "input_layers": [input, 0, 0],
            "output_layers": [graph.layer(graph.output).name, 0, 0],
        },
    }))
}

/// A layer as an entry of the network, in the words of Keras 3.
fn layer_json(graph: &Graph, id: LayerId) -> Result<Value, FormatError> {
    let layer = graph.layer(id);
    let options = options::options(layer)?;
    let mut config = Map::new();
    if layer.op != Op::Input {
        config.insert("name".into(), json!(layer.name));
        config.insert("trainable".into(), json!(true));
        config.insert("dtype".into(), dtype_policy());
    }
    if let Value::Object(options) = options {
        config.extend(options);
    }
    // SpatialDropout2D takes no such argument.
    if matches!(layer.op, Op::SpatialDropout2d { .. }) {
        config.shift_remove("trainable");
    }
    Ok(json!({
        "class_name": layer.op.class(),
        "config": config,
        "name": layer.name,
        "inbound_nodes": inbound(graph, layer),
    }))
}

/// The one call of a layer: its arguments are a tensor, or a list of tensors for the layers that join several.
fn inbound(graph: &Graph, layer: &Layer) -> Value {
    if layer.op == Op::Input {
        return json!([]);
    }
    let tensors: Vec<Value> = layer.inputs.iter().map(|input| tensor(graph, *input)).collect();
    let arguments = match layer.op {
        Op::Add { .. } | Op::Multiply | Op::Concat => json!([tensors]),
        _ => json!(tensors),
    };
    let keywords = match layer.op {
        Op::BatchNorm { .. } => json!({ "mask": null }),
        // As Keras writes it for a model that is built outside a training step.
        Op::Dropout { .. } | Op::SpatialDropout2d { .. } => json!({ "training": false }),
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

pub(super) fn refuse(layer: &Layer, message: &str) -> FormatError {
    FormatError::unsupported(&layer.name, layer.op.class(), message)
}
