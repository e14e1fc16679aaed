//! Names that are legal where the configuration's types do not say so yet.

use super::{
    error::{Code, ConfigError},
    node::Node,
    path::KeyPath,
    suggest,
};

/// Keras' callbacks and the learning-rate schedulers.
const CALLBACKS: &[&str] = &[
    "ReduceLROnPlateau",
    "EarlyStopping",
    "LearningRateScheduler",
    "TerminateOnNaN",
    "LRLinearDecay",
    "LRExponentialDecay",
    "LRStepDecay",
    "LRCosineDecay",
    "LRWarmupCosineDecay",
    "LRCosineDecayRestarts",
    "LRPolynomialDecay",
    "LRPolynomialDecayRestarts",
    "LRPiecewiseConstantDecay",
];

/// Callbacks that are always on and cannot be named.
const BUILT_IN_CALLBACKS: &[&str] = &["CSVLogger", "ModelCheckpoint", "TensorBoard"];

/// Mistakes in the names of `training.callbacks`.
pub(super) fn check_callbacks(root: &Node) -> Vec<ConfigError> {
    let path = KeyPath::default().key("training").key("callbacks");
    let Some(callbacks) = root.get(&path).and_then(Node::entries) else { return Vec::new() };
    callbacks
        .iter()
        .filter(|callback| !CALLBACKS.contains(&callback.key.as_str()))
        .map(|callback| {
            let name = &callback.key;
            let key = path.key(name);
            if BUILT_IN_CALLBACKS.contains(&name.as_str()) {
                ConfigError::new(Code::Conflict, format!("the callback `{name}` is built in and always on"))
                    .at(callback.place.as_ref(), "remove it")
                    .key(&key)
            } else {
                ConfigError::new(Code::UnknownKey, format!("there is no callback `{name}`"))
                    .at(callback.place.as_ref(), "not a callback")
                    .help(suggest::help(name, "callbacks", CALLBACKS))
                    .key(&key)
            }
        })
        .collect()
}
