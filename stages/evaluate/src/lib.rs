//! Stage `evaluate`: measures a model on labelled images.
//!
//! [`Evaluate`] reads the very model file it is given, float or int8, runs it image by image, and compares its class maps
//! with the masks. Given a float model besides an int8 one, it measures both and how often they agree.
//!
//! Parts: [`EvaluateSettings`] is what the stage may read of the configuration, `network` turns a model file into class
//! maps, `measure` runs a set, `report` writes `metrics.json`, tables and figures, and sends the metrics.

mod error;
mod measure;
mod network;
mod report;
mod settings;
mod stage;

pub use error::EvaluateError;
pub use settings::EvaluateSettings;
pub use stage::Evaluate;
