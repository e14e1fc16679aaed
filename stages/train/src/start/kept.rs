//! A training inside a model file: what `last_augmented_model.h5` carries for who goes on with it.
//!
//! A dataset of bytes that Keras does not look at: the line `pipeline training 1`, the length of [`Original`] as JSON (u64,
//! little endian), its BLAKE3 digest (32 bytes), the JSON, and the bytes of [`State::encode`].

use super::StartError;
use crate::{OptimizerSettings, TrainError, TrainSettings, state::State};
use contract::Finding;
use formats::keras;
use model::{Graph, passes};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::path::Path;

/// Name of the dataset.
const DATASET: &str = "pipeline_training";
const MAGIC: &[u8] = b"pipeline training 1\n";
const HEADER: usize = MAGIC.len() + 8 + 32;

/// Settings that a training keeps for as long as it goes on, whatever a configuration says later, and how far it has come.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Original {
    pub(crate) dropout: Option<f64>,
    pub(crate) frozen_layers: Option<String>,
    pub(crate) optimizer: OptimizerSettings,
    pub(crate) seed: u64,
    /// Epochs that are over.
    pub(crate) epochs: usize,
}

/// A training that was read.
#[derive(Debug, Clone)]
pub(crate) struct Kept {
    pub(crate) original: Original,
    /// The state, which only the network that it belongs to can read.
    state: Vec<u8>,
    name: String,
}

impl Original {
    /// What a training with these settings keeps.
    pub(crate) fn of(settings: &TrainSettings) -> Self {
        let TrainSettings { dropout, frozen_layers, optimizer, seed, .. } = settings.clone();
        Self { dropout, frozen_layers, optimizer, seed, epochs: 0 }
    }

    /// The settings of a training that goes on: those that are kept, and what the configuration says of the rest.
    pub(crate) fn win_over(&self, settings: &TrainSettings) -> TrainSettings {
        let Self { dropout, frozen_layers, optimizer, seed, epochs: _ } = self.clone();
        TrainSettings { dropout, frozen_layers, optimizer, seed, ..settings.clone() }
    }

    /// What the configuration says in vain.
    pub(crate) fn ignored(&self, settings: &TrainSettings) -> Vec<Finding> {
        let mut found = Vec::new();
        let mut compare = |key: &str, said: String, kept: String| {
            if said != kept {
                let message = format!(
                    "`{key}` is {said} and is ignored: the training that goes on began with {kept} and keeps it"
                );
                found.push(Finding::warning("train::ignored", message));
            }
        };
        if let Some(rate) = settings.dropout {
            compare("training.dropout", rate.to_string(), said(self.dropout.as_ref()));
        }
        compare(
            "training.frozen_layers",
            said(settings.frozen_layers.as_ref()),
            said(self.frozen_layers.as_ref()),
        );
        compare("training.optimizer", written(&settings.optimizer), written(&self.optimizer));
        compare("general.global_seed", settings.seed.to_string(), self.seed.to_string());
        found
    }
}

/// A model file with a training inside.
///
/// # Errors
/// A network that cannot be written.
pub(crate) fn write(
    model: &Graph,
    (scale, offset): (f32, f32),
    original: &Original,
    state: &State,
) -> Result<Vec<u8>, TrainError> {
    let original = Original { epochs: state.history.len(), ..original.clone() };
    let json = serde_json::to_vec(&original)?;
    let mut bytes = MAGIC.to_vec();
    bytes.extend((json.len() as u64).to_le_bytes());
    bytes.extend(blake3::hash(&json).as_bytes());
    bytes.extend(json);
    bytes.extend(state.encode());
    let graph = passes::with_rescaling(model, scale, offset)?;
    Ok(keras::h5_bytes_with(&graph, &[(DATASET, &bytes)])?)
}

/// The network, without the rescaling layer, and the training in the model file at `path`, which users call `name`.
///
/// # Errors
/// A file that is no model, one without a training, and a damaged training.
pub(crate) fn read(path: &Path, name: &str) -> Result<(Graph, Kept), TrainError> {
    let bytes = fs_err::read(path)?;
    let named = |error: formats::FormatError| error.in_file(Path::new(name));
    let Some(training) = keras::attachment(bytes.clone(), DATASET).map_err(named)? else {
        return Err(StartError::NoTraining { name: name.to_owned() }.into());
    };
    let graph = keras::read_bytes(bytes).map_err(named)?;
    let damaged = |what: &str| StartError::Training { name: name.to_owned(), message: what.to_owned() };
    let graph = passes::without_rescaling(&graph)
        .ok_or_else(|| damaged("its model does not begin with the rescaling layer"))?;
    let (original, state) = parse(&training).map_err(damaged)?;
    Ok((graph, Kept { original, state, name: name.to_owned() }))
}

fn parse(bytes: &[u8]) -> Result<(Original, Vec<u8>), &'static str> {
    let Some((header, rest)) = bytes.split_at_checked(HEADER).filter(|_| bytes.starts_with(MAGIC)) else {
        return Err("it was not written by this version");
    };
    let (length, digest) = header[MAGIC.len()..].split_at(8);
    let length = length.try_into().ok().and_then(|length| usize::try_from(u64::from_le_bytes(length)).ok());
    let (json, state) = length.and_then(|length| rest.split_at_checked(length)).ok_or("it is cut short")?;
    if digest != blake3::hash(json).as_bytes() {
        return Err("it is damaged: its digest is wrong");
    }
    let original = serde_json::from_slice(json).map_err(|_| "it was not written by this version")?;
    Ok((original, state.to_vec()))
}

impl Kept {
    /// That the training has more epochs behind it than there are to be.
    pub(crate) fn too_few_epochs(&self, epochs: usize) -> Option<StartError> {
        let done = self.original.epochs;
        (epochs < done).then(|| StartError::Epochs { name: self.name.clone(), epochs, done })
    }

    /// The state, for a training that starts from `fresh`.
    ///
    /// # Errors
    /// A damaged state, or one of another network.
    pub(crate) fn state(&self, fresh: &State) -> Result<State, StartError> {
        State::decode(&self.state, fresh)
            .map_err(|error| StartError::Training { name: self.name.clone(), message: error.to_string() })
    }
}

/// A value that may not be there.
fn said<T: ToString>(value: Option<&T>) -> String {
    value.map_or_else(|| "none".to_owned(), T::to_string)
}

/// An optimizer as a configuration has it, without arguments that are not set: `Adam {learning_rate: 0.001, ...}`.
fn written(optimizer: &OptimizerSettings) -> String {
    let Ok(Value::Object(json)) = serde_json::to_value(optimizer) else { return String::new() };
    let one = |(name, arguments): (String, Value)| {
        let arguments = arguments.as_object().cloned().unwrap_or_default();
        let set = arguments.iter().filter(|(_, value)| !value.is_null());
        let set: Vec<String> = set.map(|(argument, value)| format!("{argument}: {value}")).collect();
        format!("{name} {{{}}}", set.join(", "))
    };
    json.into_iter().map(one).collect()
}
