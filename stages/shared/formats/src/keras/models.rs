//! The layers of one model's configuration and, inside it, of the models that are its layers.

use super::{
    calls::{self, Call},
    file::corrupt,
    names,
    network::{Described, Step},
};
use crate::FormatError;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// A model, with the layers of the models inside it.
pub(super) struct Model<'a> {
    pub(super) name: String,
    pub(super) layers: Vec<Described<'a>>,
    /// What each layer reads.
    pub(super) reads: Vec<Vec<Reference>>,
    /// The names of each model: this one's, then those of the models inside.
    pub(super) levels: Vec<BTreeMap<String, Symbol>>,
    /// Names of its input layers.
    pub(super) inputs: Vec<String>,
    /// What it gives.
    pub(super) outputs: Vec<Reference>,
}

/// An output of a layer, by its name in one of the models.
#[derive(Debug, Clone)]
pub(super) struct Reference {
    /// The model: a position in [`Model::levels`].
    pub(super) level: usize,
    pub(super) name: String,
    /// Which call of the layer.
    pub(super) call: usize,
    /// Which output of that call.
    pub(super) output: usize,
}

/// What a name in a model stands for.
pub(super) enum Symbol {
    /// A layer.
    Layer(usize),
    /// The input of an inner model, which is what the model is called with.
    Input(Reference),
    /// An inner model, by its outputs.
    Model(Vec<Reference>),
}

impl<'a> Model<'a> {
    /// Parses the JSON of a whole model.
    pub(super) fn parse(json: &'a Value) -> Result<Self, FormatError> {
        let mut model = Self {
            name: String::new(),
            layers: Vec::new(),
            reads: Vec::new(),
            levels: Vec::new(),
            inputs: Vec::new(),
            outputs: Vec::new(),
        };
        let top = model.add_model(json, &[], None)?;
        Ok(Self { name: top.name, inputs: top.inputs, outputs: top.outputs, ..model })
    }

    /// Adds the layers of a model; `arguments` are what it is called with, none for the outermost. (Models in models are
    /// no deeper than JSON may be.)
    fn add_model(
        &mut self,
        json: &'a Value,
        path: &[Step],
        arguments: Option<&[Reference]>,
    ) -> Result<Ends, FormatError> {
        let class = text(json, "class_name").ok_or_else(|| malformed("class_name", "the model"))?;
        let config = json.get("config").ok_or_else(|| malformed("config", "the model"))?;
        let level = self.levels.len();
        self.levels.push(BTreeMap::new());
        let listed = match class {
            "Functional" | "Model" => functional(config)?,
            "Sequential" => sequential(config)?,
            other => {
                return Err(FormatError::unsupported(
                    text(config, "name").unwrap_or("the model"),
                    other,
                    "only Functional and Sequential models can be read; rebuild it in Keras as one of them",
                ));
            }
        };
        let here =
            |call: &Call| Reference { level, name: call.layer.clone(), call: call.call, output: call.output };
        if let Some(arguments) = arguments {
            let name = &listed.name;
            if arguments.len() != listed.inputs.len() {
                let message = format!(
                    "it is called with {} tensors and has {} inputs",
                    arguments.len(),
                    listed.inputs.len()
                );
                return Err(FormatError::unsupported(name, class, message));
            }
            for (input, argument) in listed.inputs.iter().zip(arguments) {
                self.name_symbol(level, input, Symbol::Input(argument.clone()))?;
            }
        }
        let mut stored = names::Stored::default();
        for layer in listed.layers {
            // A Sequential model does not list its input among the layers that it stores.
            let stored = if class == "Sequential" && layer.class == "InputLayer" {
                String::new()
            } else {
                stored.next(layer.class)
            };
            let step = Step { name: layer.name.clone(), stored };
            let path: Vec<Step> = path.iter().cloned().chain([step]).collect();
            let reads: Vec<Reference> = layer.reads.iter().map(here).collect();
            if matches!(layer.class, "Functional" | "Model" | "Sequential") {
                let ends = self.add_model(layer.json, &path, Some(&reads))?;
                self.name_symbol(level, &layer.name, Symbol::Model(ends.outputs))?;
            } else if arguments.is_none() || !listed.inputs.contains(&layer.name) {
                self.name_symbol(level, &layer.name, Symbol::Layer(self.layers.len()))?;
                self.reads.push(reads);
                let module = text(layer.json, "module");
                let (name, class, config) = (layer.name, layer.class, layer.config);
                self.layers.push(Described { name, class, module, config, inputs: Vec::new(), path });
            }
        }
        let outputs = listed.outputs.iter().map(here).collect();
        Ok(Ends { name: listed.name, inputs: listed.inputs, outputs })
    }

    fn name_symbol(&mut self, level: usize, name: &str, symbol: Symbol) -> Result<(), FormatError> {
        match self.levels[level].insert(name.to_owned(), symbol) {
            None => Ok(()),
            Some(_) => Err(corrupt(format!("two layers of the network have one name, `{name}`"))),
        }
    }
}

/// What a model is to those around it.
struct Ends {
    name: String,
    inputs: Vec<String>,
    outputs: Vec<Reference>,
}

/// A model's configuration as a list of calls.
struct Listed<'a> {
    name: String,
    layers: Vec<Entry<'a>>,
    inputs: Vec<String>,
    outputs: Vec<Call>,
}

/// An entry of a model's list of layers.
struct Entry<'a> {
    name: String,
    class: &'a str,
    json: &'a Value,
    config: &'a Map<String, Value>,
    reads: Vec<Call>,
}

fn functional(config: &Value) -> Result<Listed<'_>, FormatError> {
    let name = text(config, "name").unwrap_or("model").to_owned();
    let list = array(config, "layers").ok_or_else(|| malformed("layers", &name))?;
    let mut layers = Vec::with_capacity(list.len());
    for json in list {
        let mut layer = entry(json)?;
        layer.reads = calls::of_layer(json, &layer.name, layer.class)?;
        layers.push(layer);
    }
    let inputs = calls::ends(config, "input_layers")?.into_iter().map(|end| end.layer).collect();
    Ok(Listed { name, layers, inputs, outputs: calls::ends(config, "output_layers")? })
}

/// A Sequential model: a list, of which each layer reads the one before. Its input may only be implied.
fn sequential(config: &Value) -> Result<Listed<'_>, FormatError> {
    let name = text(config, "name").unwrap_or("sequential").to_owned();
    // Before Keras 2.2.3 the configuration was the list itself.
    let list =
        config.as_array().or_else(|| array(config, "layers")).ok_or_else(|| malformed("layers", &name))?;
    let mut layers: Vec<Entry<'_>> = Vec::with_capacity(list.len() + 1);
    for json in list {
        let mut layer = entry(json)?;
        if layers.is_empty() && layer.class != "InputLayer" {
            layers.push(implied_input(config, &layer)?);
        }
        layer.reads = layers.last().map(|before| Call::first(&before.name)).into_iter().collect();
        if layer.class == "InputLayer" {
            layer.reads.clear();
        }
        layers.push(layer);
    }
    match (layers.first(), layers.last()) {
        (Some(first), Some(last)) => {
            let (inputs, outputs) = (vec![first.name.clone()], vec![Call::first(&last.name)]);
            Ok(Listed { name, layers, inputs, outputs })
        }
        _ => Err(FormatError::Content {
            message: format!("the network `{name}` has no layers"),
            help: "save a model that has some".into(),
        }),
    }
}

/// The input of a Sequential model without an InputLayer: its first layer, or the model, knows the shape.
fn implied_input<'a>(config: &'a Value, first: &Entry<'a>) -> Result<Entry<'a>, FormatError> {
    let input = |name: String, json: &'a Value, config| Entry {
        name,
        class: "InputLayer",
        json,
        config,
        reads: Vec::new(),
    };
    if ["batch_input_shape", "batch_shape"].iter().any(|key| first.config.contains_key(*key)) {
        return Ok(input(format!("{}_input", first.name), first.json, first.config));
    }
    match config.as_object() {
        Some(model) if model.contains_key("build_input_shape") => {
            Ok(input("input_layer".into(), config, model))
        }
        _ if matches!(first.class, "Functional" | "Model" | "Sequential") => {
            let inner =
                first.config.get("layers").and_then(Value::as_array).and_then(|layers| layers.first());
            let inner = inner.map(entry).transpose()?.filter(|inner| inner.class == "InputLayer");
            let inner = inner.ok_or_else(no_input_shape)?;
            Ok(input(format!("{}_input", first.name), inner.json, inner.config))
        }
        _ => Err(no_input_shape()),
    }
}

fn no_input_shape() -> FormatError {
    FormatError::Content {
        message: "the Sequential model has no input shape".into(),
        help: "put `keras.Input(shape)` first and save it again".into(),
    }
}

fn entry(json: &Value) -> Result<Entry<'_>, FormatError> {
    let class = text(json, "class_name").ok_or_else(|| malformed("class_name", "a layer"))?;
    let config = json.get("config").and_then(Value::as_object).ok_or_else(|| malformed("config", class))?;
    let name = text(json, "name")
        .or_else(|| config.get("name").and_then(Value::as_str))
        .ok_or_else(|| malformed("name", class))?;
    Ok(Entry { name: name.to_owned(), class, json, config, reads: Vec::new() })
}

fn text<'a>(json: &'a Value, key: &str) -> Option<&'a str> {
    json.get(key).and_then(Value::as_str)
}

fn array<'a>(json: &'a Value, key: &str) -> Option<&'a Vec<Value>> {
    json.get(key).and_then(Value::as_array)
}

fn malformed(key: &str, of: &str) -> FormatError {
    corrupt(format!("the configuration has no usable `{key}` for {of}"))
}
