//! The network as a Keras configuration describes it: named layers of a class, and what each reads.

use super::file::corrupt;
use crate::FormatError;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// A network in Keras' words.
pub(super) struct Network<'a> {
    pub(super) name: String,
    /// The layers that the output depends on, each after those it reads.
    pub(super) layers: Vec<Described<'a>>,
    /// Name of the layer that gives the output.
    pub(super) output: String,
}

/// A layer in Keras' words.
pub(super) struct Described<'a> {
    pub(super) name: String,
    pub(super) class: &'a str,
    pub(super) config: &'a Map<String, Value>,
    pub(super) inputs: Vec<String>,
}

impl<'a> Network<'a> {
    /// Parses the JSON of `model_config`.
    pub(super) fn parse(json: &'a Value) -> Result<Self, FormatError> {
        let class = text(json, "class_name").ok_or_else(|| malformed("class_name", "the model"))?;
        let config = json.get("config").ok_or_else(|| malformed("config", "the model"))?;
        match class {
            "Functional" | "Model" => functional(config),
            "Sequential" => sequential(config),
            other => Err(FormatError::unsupported(
                text(config, "name").unwrap_or("the model"),
                other,
                "only Functional and Sequential models can be read; rebuild it in Keras as one of them",
            )),
        }
    }
}

fn functional(config: &Value) -> Result<Network<'_>, FormatError> {
    let name = text(config, "name").unwrap_or("model").to_owned();
    let list = array(config, "layers").ok_or_else(|| malformed("layers", &name))?;
    let mut layers = Vec::with_capacity(list.len());
    for json in list {
        let mut layer = described(json)?;
        layer.inputs = inbound(json, &layer)?;
        layers.push(layer);
    }
    let inputs = ends(config, "input_layers")?;
    let outputs = ends(config, "output_layers")?;
    match (inputs.as_slice(), outputs.as_slice()) {
        ([_], [output]) => {
            let layers = ancestors(layers, output)?;
            Ok(Network { name, layers, output: output.clone() })
        }
        _ => Err(FormatError::Content {
            message: format!(
                "the network `{name}` has {} inputs and {} outputs",
                inputs.len(),
                outputs.len()
            ),
            help: "networks with one input and one output can be read".into(),
        }),
    }
}

/// A Sequential model: a list, of which each layer reads the one before. Its input may only be implied.
fn sequential(config: &Value) -> Result<Network<'_>, FormatError> {
    let name = text(config, "name").unwrap_or("sequential").to_owned();
    // Before Keras 2.2.3 the configuration was the list itself.
    let list =
        config.as_array().or_else(|| array(config, "layers")).ok_or_else(|| malformed("layers", &name))?;
    let mut layers: Vec<Described<'_>> = Vec::with_capacity(list.len() + 1);
    for json in list {
        let mut layer = described(json)?;
        if layers.is_empty() && layer.class != "InputLayer" {
            layers.push(implied_input(config, &layer)?);
        }
        layer.inputs = layers.last().map(|before| before.name.clone()).into_iter().collect();
        layers.push(layer);
    }
    let output = layers.last().map(|last| last.name.clone());
    let output = output.ok_or_else(|| FormatError::Content {
        message: format!("the network `{name}` has no layers"),
        help: "save a model that has some".into(),
    })?;
    Ok(Network { name, layers, output })
}

/// The input of a Sequential model without an InputLayer: its first layer, or the model, knows the shape.
fn implied_input<'a>(config: &'a Value, first: &Described<'a>) -> Result<Described<'a>, FormatError> {
    if first.config.contains_key("batch_input_shape") {
        return Ok(Described {
            name: format!("{}_input", first.name),
            class: "InputLayer",
            config: first.config,
            inputs: Vec::new(),
        });
    }
    match config.as_object() {
        Some(model) if model.contains_key("build_input_shape") => Ok(Described {
            name: "input_layer".into(),
            class: "InputLayer",
            config: model,
            inputs: Vec::new(),
        }),
        _ => Err(FormatError::Content {
            message: "the Sequential model has no input shape".into(),
            help: "put `keras.Input(shape)` first and save it again".into(),
        }),
    }
}

fn described(json: &Value) -> Result<Described<'_>, FormatError> {
    let class = text(json, "class_name").ok_or_else(|| malformed("class_name", "a layer"))?;
    let config = json.get("config").and_then(Value::as_object).ok_or_else(|| malformed("config", class))?;
    let name = text(json, "name")
        .or_else(|| config.get("name").and_then(Value::as_str))
        .ok_or_else(|| malformed("name", class))?;
    Ok(Described { name: name.to_owned(), class, config, inputs: Vec::new() })
}

/// Names of the layers that a layer of a Functional model reads.
///
/// Keras 3: one `{"args": ..., "kwargs": ...}` a call, with tensors as `{"class_name": "__keras_tensor__", "config":
/// {"keras_history": [layer, call, output]}}`. Keras 2: one `[[layer, call, output, kwargs], ...]` a call.
fn inbound(json: &Value, layer: &Described<'_>) -> Result<Vec<String>, FormatError> {
    let refuse = |message: &str| FormatError::unsupported(&layer.name, layer.class, message);
    let calls = json.get("inbound_nodes").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let call = match calls {
        [] => return Ok(Vec::new()),
        [call] => call,
        _ => return Err(refuse("it is called more than once; layers that share weights cannot be read")),
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
        _ => return Err(malformed("inbound_nodes", &layer.name)),
    }
    origins.into_iter().map(|origin| single_output(origin, layer)).collect()
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

/// The layer in `[layer, call, output, ...]`, which must be its first call and first output.
fn single_output(origin: &Value, layer: &Described<'_>) -> Result<String, FormatError> {
    let parts = origin.as_array().map(Vec::as_slice);
    match parts {
        Some([Value::String(name), call, output, ..]) if call == 0 && output == 0 => Ok(name.clone()),
        Some([Value::String(name), ..]) => Err(FormatError::unsupported(
            &layer.name,
            layer.class,
            format!(
                "it reads another call or output of `{name}` than the first; shared layers cannot be read"
            ),
        )),
        _ => Err(malformed("inbound_nodes", &layer.name)),
    }
}

/// Names in `input_layers` or `output_layers`: `[layer, 0, 0]` for a single one, else a list of these.
fn ends(config: &Value, key: &str) -> Result<Vec<String>, FormatError> {
    let name = |end: &Value| {
        let name = end.as_array().and_then(|parts| parts.first()).and_then(Value::as_str);
        name.map(str::to_owned).ok_or_else(|| malformed(key, "the model"))
    };
    match array(config, key).map(Vec::as_slice) {
        Some([Value::String(single), ..]) => Ok(vec![single.clone()]),
        Some(list) => list.iter().map(name).collect(),
        None => Err(malformed(key, "the model")),
    }
}

/// The layers that `output` depends on, each after those it reads: a depth-first walk with a stack of its own.
fn ancestors<'a>(layers: Vec<Described<'a>>, output: &str) -> Result<Vec<Described<'a>>, FormatError> {
    let position: BTreeMap<&str, usize> =
        layers.iter().enumerate().map(|(index, layer)| (layer.name.as_str(), index)).collect();
    if position.len() != layers.len() {
        return Err(corrupt("two layers of the network have one name"));
    }
    let find = |name: &str, reader: &str| {
        position
            .get(name)
            .copied()
            .ok_or_else(|| corrupt(format!("`{reader}` reads the layer `{name}`, which is missing")))
    };
    let start = find(output, "the output")?;
    let mut state = vec![Visit::New; layers.len()];
    let mut order = Vec::with_capacity(layers.len());
    let mut path = vec![(start, 0)];
    state[start] = Visit::Open;
    while let Some((index, next)) = path.last_mut() {
        let index = *index;
        let Some(input) = layers[index].inputs.get(*next) else {
            state[index] = Visit::Done;
            order.push(index);
            path.pop();
            continue;
        };
        *next += 1;
        let input = find(input, &layers[index].name)?;
        match state[input] {
            Visit::Done => {}
            Visit::Open => return Err(corrupt(format!("the layer `{}` reads itself", layers[input].name))),
            Visit::New => {
                state[input] = Visit::Open;
                path.push((input, 0));
            }
        }
    }
    let mut layers: Vec<Option<Described<'a>>> = layers.into_iter().map(Some).collect();
    Ok(order.into_iter().filter_map(|index| layers[index].take()).collect())
}

/// How far a depth-first walk has come with a layer.
#[derive(Clone, Copy)]
enum Visit {
    New,
    Open,
    Done,
}

fn text<'a>(json: &'a Value, key: &str) -> Option<&'a str> {
    json.get(key).and_then(Value::as_str)
}

fn array<'a>(json: &'a Value, key: &str) -> Option<&'a Vec<Value>> {
    json.get(key).and_then(Value::as_array)
}

fn malformed(key: &str, of: &str) -> FormatError {
    corrupt(format!("the model_config has no usable `{key}` for {of}"))
}
