//! The network as a Keras configuration describes it: named layers of a class, and what each reads.

use super::{
    file::corrupt,
    models::{Model, Reference, Symbol},
};
use crate::FormatError;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// A network in Keras' words, models inside it taken apart.
pub(super) struct Network<'a> {
    pub(super) name: String,
    /// The layers that the output depends on, each after those it reads.
    pub(super) layers: Vec<Described<'a>>,
    /// Name of the layer that gives the output.
    pub(super) output: String,
}

/// A layer in Keras' words.
pub(super) struct Described<'a> {
    /// Its name, unique in the network.
    pub(super) name: String,
    pub(super) class: &'a str,
    /// The Python module of the class, where the file tells it.
    pub(super) module: Option<&'a str>,
    pub(super) config: &'a Map<String, Value>,
    pub(super) inputs: Vec<String>,
    /// The way to it from the outermost model: models it lies in, then itself.
    pub(super) path: Vec<Step>,
}

/// A layer, or a model that is a layer, in the list of its model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Step {
    /// Its own name.
    pub(super) name: String,
    /// What `.keras` files call it: its class, with a number.
    pub(super) stored: String,
}

impl<'a> Network<'a> {
    /// Parses the JSON of a model's configuration.
    pub(super) fn parse(json: &'a Value) -> Result<Self, FormatError> {
        let model = Model::parse(json)?;
        let (inputs, outputs) = (model.inputs.len(), model.outputs.len());
        if (inputs, outputs) != (1, 1) {
            return Err(FormatError::Content {
                message: format!("the network `{}` has {inputs} inputs and {outputs} outputs", model.name),
                help: "networks with one input and one output can be read".into(),
            });
        }
        Flat::of(model)?.network()
    }
}

/// The layers of all models in one list.
struct Flat<'a> {
    name: String,
    layers: Vec<Described<'a>>,
    reads: Vec<Vec<Reference>>,
    levels: Vec<BTreeMap<String, Symbol>>,
    output: Reference,
}

impl<'a> Flat<'a> {
    fn of(model: Model<'a>) -> Result<Self, FormatError> {
        let Model { name, mut layers, reads, levels, mut outputs, .. } = model;
        give_unique_names(&mut layers);
        let output = outputs.pop().ok_or_else(|| corrupt(format!("the network `{name}` has no output")))?;
        Ok(Self { name, layers, reads, levels, output })
    }

    fn network(mut self) -> Result<Network<'a>, FormatError> {
        let output = self.resolve(&self.output, "the output")?;
        for index in 0..self.layers.len() {
            let resolved = self.reads[index]
                .iter()
                .map(|reference| {
                    Ok(self.layers[self.resolve(reference, &self.layers[index].name)?].name.clone())
                })
                .collect::<Result<_, FormatError>>()?;
            self.layers[index].inputs = resolved;
        }
        let name = self.layers[output].name.clone();
        Ok(Network { name: self.name, layers: ancestors(self.layers, &name)?, output: name })
    }

    /// The layer that a reference means, through the inputs and outputs of models.
    fn resolve(&self, reference: &Reference, reader: &str) -> Result<usize, FormatError> {
        let mut at = reference;
        // Each step enters or leaves a model; whoever needs more of them than there are names goes round in circles.
        for _ in 0..=self.levels.iter().map(BTreeMap::len).sum::<usize>() {
            match self.levels[at.level].get(&at.name) {
                None => {
                    return Err(corrupt(format!(
                        "`{reader}` reads the layer `{}`, which is missing",
                        at.name
                    )));
                }
                Some(Symbol::Layer(index)) if at.call == 0 && at.output == 0 => return Ok(*index),
                // Keras counts the call with which a model was made, and does not save it.
                Some(Symbol::Input(outside)) if at.output == 0 => at = outside,
                Some(Symbol::Model(outputs)) if at.call <= 1 && at.output < outputs.len() => {
                    at = &outputs[at.output];
                }
                Some(_) => {
                    return Err(FormatError::Content {
                        message: format!(
                            "`{reader}` reads another call or output of `{}` than the first",
                            at.name
                        ),
                        help: "layers that are called more than once share their weights and cannot be read: give \
                               each call a layer of its own"
                            .into(),
                    });
                }
            }
        }
        Err(corrupt(format!("the layer `{}` reads itself", at.name)))
    }
}

/// Layers of inner models keep their names where these are unique in the whole network; else the names of the models they
/// lie in come before them.
fn give_unique_names(layers: &mut [Described<'_>]) {
    let mut count: BTreeMap<String, usize> = BTreeMap::new();
    for layer in layers.iter() {
        *count.entry(layer.name.clone()).or_default() += 1;
    }
    for layer in layers {
        if layer.path.len() > 1 && count[&layer.name] > 1 {
            let names: Vec<&str> = layer.path.iter().map(|step| step.name.as_str()).collect();
            layer.name = names.join("_");
        }
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
