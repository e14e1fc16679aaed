//! From the list to the graph.

use super::{
    Arguments,
    classes::{CLASSES, COMMON, Class, INPUT, stem},
    error::Mistake,
    tree::{Argument, Item},
};
use crate::{FormatError, keras};
use contract::suggest;
use model::{Graph, GraphBuilder, GraphError, LayerId, Op};
use serde_json::{Map, Value, json};
use std::{collections::BTreeSet, ops::Range};

const CLASS: &str = "layers::class";
const ARGUMENT: &str = "layers::argument";
const SHAPE: &str = "layers::shape";
const NETWORK: &str = "layers::network";

/// Name of the network. That of the file is none of it: another name of the same list makes the same model.
const NAME: &str = "custom";

/// Name of the input where the list does not give it another.
const IMAGE: &str = "image";

/// Builds the network of a list.
pub(super) fn graph(items: &[Item], arguments: &Arguments<'_>) -> Result<Graph, Mistake> {
    let (input, items) = match items.split_first() {
        Some((first, others)) if first.class == INPUT => (Some(first), others),
        _ => (None, items),
    };
    let mut network = Network::new(input, arguments)?;
    for item in items {
        network.add(item)?;
    }
    let Some(last) = items.last() else {
        return Err(Mistake::whole(NETWORK, "the list has no layers but its input"));
    };
    network.check_read(items)?;
    network.check_output(last, arguments)?;
    network.check_dropout(items, arguments)?;
    let output = network.last;
    network.builder.finish(output).map_err(|error| Mistake::whole(NETWORK, error.to_string()))
}

struct Network {
    builder: GraphBuilder,
    last: LayerId,
    /// Names of all layers in their order, the input first.
    names: Vec<String>,
    /// Names of those that another layer reads.
    read: BTreeSet<String>,
    /// Positions of dropout layers in `names`.
    drops: Vec<usize>,
}

impl Network {
    fn new(input: Option<&Item>, arguments: &Arguments<'_>) -> Result<Self, Mistake> {
        let called = match input {
            None => IMAGE.to_owned(),
            Some(item) => {
                if let Some(argument) = item.arguments.iter().find(|argument| argument.name != "name") {
                    let message =
                        format!("the input is told nothing but its name, and here is `{}`", argument.name);
                    return Err(Mistake::new(ARGUMENT, argument.name_range.clone(), message)
                        .help("its shape is `input_shape` under `training.model`"));
                }
                given_name(item)?.unwrap_or_else(|| IMAGE.to_owned())
            }
        };
        let mut builder = GraphBuilder::new(NAME);
        let (height, width, channels) = arguments.input_shape;
        let last = builder
            .input(&called, &[height, width, channels])
            .map_err(|error| Mistake::whole(SHAPE, error.to_string()))?;
        Ok(Self { builder, last, names: vec![called], read: BTreeSet::new(), drops: Vec::new() })
    }

    fn add(&mut self, item: &Item) -> Result<(), Mistake> {
        let class = known_class(item)?;
        let name = self.name(item, class)?;
        let inputs = self.inputs(item)?;
        let config = config(item, class)?;
        let shapes: Vec<&[usize]> = inputs.iter().map(|id| self.builder.shape(*id)).collect();
        let (op, initializer) =
            keras::operation_of(&name, class.name, &config, &shapes).map_err(|error| refused(item, error))?;
        if matches!(op, Op::Dropout { .. } | Op::SpatialDropout2d { .. }) {
            self.drops.push(self.names.len());
        }
        self.last = self.builder.layer(&name, op, &inputs, initializer).map_err(|error| {
            let message = match error {
                GraphError::Shape { message, .. } => format!("`{name}` ({}) {message}", class.name),
                other => other.to_string(),
            };
            Mistake::new(SHAPE, item.class_range.clone(), message)
        })?;
        self.names.push(name);
        Ok(())
    }

    /// The name it has, or Keras' for its class with the first number that is free.
    fn name(&self, item: &Item, class: &Class) -> Result<String, Mistake> {
        let taken = |name: &str| self.builder.find(name).is_some();
        if let Some(name) = given_name(item)? {
            let range = argument(item, "name").map_or(item.range.clone(), |name| name.value_range.clone());
            return match taken(&name) {
                true => Err(Mistake::new(ARGUMENT, range, format!("two layers are called `{name}`"))),
                false => Ok(name),
            };
        }
        let stem = stem(class.name);
        let numbered = (1..).map(|number| format!("{stem}_{number}"));
        Ok(std::iter::once(stem.clone()).chain(numbered).find(|name| !taken(name)).unwrap_or(stem))
    }

    /// The layers it reads: those it names, else the one before it.
    fn inputs(&mut self, item: &Item) -> Result<Vec<LayerId>, Mistake> {
        let Some(given) = argument(item, "inputs").filter(|given| !given.value.is_null()) else {
            let before = self.names.last().cloned().unwrap_or_default();
            self.read.insert(before);
            return Ok(vec![self.last]);
        };
        let names = match &given.value {
            Value::Array(names) => names.as_slice(),
            one => std::slice::from_ref(one),
        };
        if names.is_empty() {
            return Err(Mistake::new(
                ARGUMENT,
                given.value_range.clone(),
                "a layer reads at least one other",
            ));
        }
        let mut inputs = Vec::new();
        for name in names {
            let found = name.as_str().and_then(|name| Some((name, self.builder.find(name)?)));
            let Some((name, id)) = found else {
                return Err(self.unknown_input(name, given));
            };
            self.read.insert(name.to_owned());
            inputs.push(id);
        }
        Ok(inputs)
    }

    fn unknown_input(&self, name: &Value, given: &Argument) -> Mistake {
        /// Names that a message lists.
        const SHOWN: usize = 30;
        let found = name.as_str().map_or_else(|| name.to_string(), str::to_owned);
        let message = format!("no layer before this one is called `{found}`");
        let near = suggest::nearest(&found, self.names.iter().map(String::as_str));
        let near = near.map(|name| format!("did you mean `{name}`? ")).unwrap_or_default();
        let from = self.names.len().saturating_sub(SHOWN);
        let (last, names) = (if from > 0 { "last " } else { "" }, self.names[from..].join(", "));
        Mistake::new(ARGUMENT, given.value_range.clone(), message)
            .help(format!("{near}the {last}layers before it are {names}"))
    }

    /// A layer that nothing reads would silently be left out.
    fn check_read(&self, items: &[Item]) -> Result<(), Mistake> {
        let layers = items.iter().zip(&self.names[1..]);
        let mut unread = layers.take(items.len() - 1).filter(|(_, name)| !self.read.contains(*name));
        match unread.next() {
            None => Ok(()),
            Some((item, name)) => {
                let message = format!("nothing reads the layer `{name}`, and it is not the last");
                Err(Mistake::new(NETWORK, item.class_range.clone(), message)
                    .help("name it in the `inputs` of another layer, or remove it"))
            }
        }
    }

    fn check_output(&self, last: &Item, arguments: &Arguments<'_>) -> Result<(), Mistake> {
        let (height, width, _) = arguments.input_shape;
        let wanted = [height, width, arguments.classes];
        let found = self.builder.shape(self.last);
        if found == wanted {
            return Ok(());
        }
        let message =
            format!("the last layer gives {found:?}, and the masks are {wanted:?}: height, width, classes");
        Err(Mistake::new(NETWORK, last.class_range.clone(), message).help(
            "end with a Conv2D of `{{ num_classes }}` filters, and bring its output back to the size of the input, as \
             UpSampling2D does",
        ))
    }

    fn check_dropout(&self, items: &[Item], arguments: &Arguments<'_>) -> Result<(), Mistake> {
        match (arguments.dropout, self.drops.first()) {
            (Some(_), None) => Err(Mistake::whole(
                NETWORK,
                "`training.dropout` is set, and the network has no Dropout layer",
            )
            .help("add `- Dropout: {rate: {{ dropout }}}`, or remove `dropout`")),
            (None, Some(position)) => {
                let range = items.get(position - 1).map_or(0..0, |item| item.class_range.clone());
                Err(Mistake::new(NETWORK, range, "the network has a Dropout layer, and `training.dropout` is not set")
                    .help("set `training.dropout` to the share of elements dropped; the template knows it as `dropout`"))
            }
            _ => Ok(()),
        }
    }
}

fn argument<'a>(item: &'a Item, name: &str) -> Option<&'a Argument> {
    item.arguments.iter().find(|argument| argument.name == name)
}

fn known_class(item: &Item) -> Result<&'static Class, Mistake> {
    if item.class == INPUT {
        return Err(Mistake::new(CLASS, item.class_range.clone(), "only the first layer can be the input")
            .help("a network has one input"));
    }
    Class::find(&item.class).ok_or_else(|| {
        let names: Vec<&str> = CLASSES.iter().map(|class| class.name).collect();
        Mistake::new(CLASS, item.class_range.clone(), format!("there is no layer class `{}`", item.class))
            .help(suggest::help(&item.class, "classes", &names))
    })
}

/// What it says its name is. Keras allows no slash in it.
fn given_name(item: &Item) -> Result<Option<String>, Mistake> {
    let Some(given) = argument(item, "name").filter(|given| !given.value.is_null()) else { return Ok(None) };
    match given.value.as_str() {
        Some(name) if !name.is_empty() && !name.contains(['/', '\0']) => Ok(Some(name.to_owned())),
        _ => {
            let message = format!("a layer cannot be called {}", given.value);
            Err(Mistake::new(ARGUMENT, given.value_range.clone(), message)
                .help("names are words without a `/`"))
        }
    }
}

/// The configuration of the layer as a Keras file has it.
fn config(item: &Item, class: &Class) -> Result<Map<String, Value>, Mistake> {
    let mut config = Map::new();
    for argument in &item.arguments {
        let name = argument.name.as_str();
        if COMMON.contains(&name) {
            continue;
        }
        if !class.arguments.contains(&name) {
            let legal: Vec<&str> = class.arguments.iter().chain(&COMMON).copied().collect();
            let message = format!("{} has no argument `{name}`", class.name);
            return Err(Mistake::new(ARGUMENT, argument.name_range.clone(), message)
                .help(suggest::help(name, "it takes", &legal)));
        }
        let value = match name.ends_with("_initializer") && !argument.value.is_null() {
            true => initializer(argument)?,
            false => argument.value.clone(),
        };
        config.insert(name.to_owned(), value);
    }
    class.add_defaults(&mut config);
    Ok(config)
}

/// An initialiser by either of Keras' names for it, as a file has it.
fn initializer(argument: &Argument) -> Result<Value, Mistake> {
    const NAMES: [(&str, &str); 2] = [("glorot_uniform", "GlorotUniform"), ("he_normal", "HeNormal")];
    let found = argument.value.as_str().unwrap_or_default();
    match NAMES.iter().find(|(name, class)| [*name, *class].contains(&found)) {
        Some((_, class)) => Ok(json!({ "class_name": class })),
        None => {
            let message = format!("there is no initialiser {}", argument.value);
            let help = suggest::help(found, "initialisers", &NAMES.map(|(name, _)| name));
            Err(Mistake::new(ARGUMENT, argument.value_range.clone(), message).help(help))
        }
    }
}

/// An argument that has no such value, or is not there.
fn refused(item: &Item, error: FormatError) -> Mistake {
    let class_range: Range<usize> = item.class_range.clone();
    match error {
        FormatError::Option { class, option, found, wanted, .. } => match argument(item, &option) {
            Some(given) => {
                let near = suggest::nearest(found.trim_matches('"'), wanted.split(", "));
                let near = near.map(|near| format!("did you mean `{near}`? ")).unwrap_or_default();
                let message = format!("{class} has no `{option}` {found}");
                Mistake::new(ARGUMENT, given.value_range.clone(), message)
                    .help(format!("{near}`{option}` is: {wanted}"))
            }
            None => Mistake::new(ARGUMENT, class_range, format!("{class} needs `{option}`"))
                .help(format!("`{option}` is: {wanted}")),
        },
        FormatError::Unsupported { class, message, .. } => {
            Mistake::new(ARGUMENT, class_range, format!("{class}: {message}"))
        }
        other => Mistake::new(ARGUMENT, class_range, other.to_string()),
    }
}
