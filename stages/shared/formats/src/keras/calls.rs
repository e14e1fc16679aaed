//! Calls of layers, as a Functional model's configuration writes them.

use super::file::corrupt;
use crate::FormatError;
use serde_json::Value;

/// An output of a call of a layer.
pub(super) struct Call {
    pub(super) layer: String,
    /// Which call of the layer.
    pub(super) call: usize,
    /// Which output of that call.
    pub(super) output: usize,
}

impl Call {
    pub(super) fn first(layer: &str) -> Self {
        Self { layer: layer.to_owned(), call: 0, output: 0 }
    }

    /// From `[layer, call, output, ...]`.
    fn of(json: &Value) -> Option<Self> {
        let whole = |value: &Value| value.as_u64().and_then(|number| usize::try_from(number).ok());
        match json.as_array().map(Vec::as_slice) {
            Some([Value::String(layer), call, output, ..]) => {
                Some(Self { layer: layer.clone(), call: whole(call)?, output: whole(output)? })
            }
            _ => None,
        }
    }
}

/// What a layer of a Functional model reads.
///
/// Keras 3: one `{"args": ..., "kwargs": ...}` a call, with tensors as `{"class_name": "__keras_tensor__", "config":
/// {"keras_history": [layer, call, output]}}`. Keras 2: one `[[layer, call, output, kwargs], ...]` a call.
pub(super) fn of_layer(json: &Value, name: &str, class: &str) -> Result<Vec<Call>, FormatError> {
    let calls = json.get("inbound_nodes").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let call = match calls {
        [] => return Ok(Vec::new()),
        [call] => call,
        _ => {
            let message = "it is called more than once; layers that share weights cannot be read";
            return Err(FormatError::unsupported(name, class, message));
        }
    };
    let mut origins = Vec::new();
    match call {
        Value::Object(node) => {
            collect_tensors(node.get("args").unwrap_or(&Value::Null), &mut origins);
            let keywords = node.get("kwargs").and_then(Value::as_object);
            collect_tensors(
                keywords.and_then(|kwargs| kwargs.get("inputs")).unwrap_or(&Value::Null),
                &mut origins,
            );
        }
        // Keras 2 writes a single tensor without the outer list when it is the only one.
        Value::Array(tensors) if tensors.first().is_some_and(Value::is_string) => origins.push(call),
        Value::Array(tensors) => origins.extend(tensors),
        _ => return Err(malformed("inbound_nodes", name)),
    }
    origins
        .into_iter()
        .map(|origin| Call::of(origin).ok_or_else(|| malformed("inbound_nodes", name)))
        .collect()
}

/// All `keras_history` entries in the arguments of a call, in order.
fn collect_tensors<'a>(json: &'a Value, found: &mut Vec<&'a Value>) {
    match json {
        Value::Array(items) => items.iter().for_each(|item| collect_tensors(item, found)),
        Value::Object(object)
            if object.get("class_name").is_some_and(|class| class == "__keras_tensor__") =>
        {
            found.extend(object.get("config").and_then(|config| config.get("keras_history")));
        }
        _ => {}
    }
}

/// `input_layers` or `output_layers`: `[layer, call, output]` for a single one, else a list or an object of these.
pub(super) fn ends(config: &Value, key: &str) -> Result<Vec<Call>, FormatError> {
    let one = |end: &Value| Call::of(end).ok_or_else(|| malformed(key, "the model"));
    match config.get(key) {
        Some(single @ Value::Array(parts)) if parts.first().is_some_and(Value::is_string) => {
            Ok(vec![one(single)?])
        }
        Some(Value::Array(list)) => list.iter().map(one).collect(),
        Some(Value::Object(named)) => named.values().map(one).collect(),
        _ => Err(malformed(key, "the model")),
    }
}

fn malformed(key: &str, of: &str) -> FormatError {
    corrupt(format!("the configuration has no usable `{key}` for {of}"))
}
