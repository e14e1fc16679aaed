//! Files of models: Keras' .h5 and .keras, TensorFlow Lite, networks described in YAML; and TensorBoard's event files.
//!
//! Each format of models has a folder of its own that translates between its files and [`model::Graph`]; a new format touches
//! nothing else. Weights are transposed at the border: a graph has one layout everywhere.

mod error;
pub mod keras;
pub mod layer_list;
mod read_model;
pub mod tensorboard;
pub mod tflite;

pub use error::FormatError;
pub use read_model::read_model;
