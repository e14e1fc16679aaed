<<<<<<< HEAD
//! Model files: Keras' .h5 and .keras, and TensorFlow Lite.
=======
//! Model files: Keras HDF5, TensorFlow Lite, and networks described in YAML.
>>>>>>> d929498 (formats: a network as a YAML list of layers)
//!
//! Each format has a folder of its own that translates between its files and [`model::Graph`]; a new format touches
//! nothing else. Weights are transposed at the border: a graph has one layout everywhere.

mod error;
pub mod keras;
pub mod layer_list;
mod read_model;
pub mod tflite;

pub use error::FormatError;
pub use read_model::read_model;
