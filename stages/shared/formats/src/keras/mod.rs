//! Keras' legacy HDF5 model files (`.h5`), of Keras 3 and Keras 2.
//!
//! On disk: the root's attribute `model_config` is the network as JSON; the group `model_weights` has one group a layer,
//! whose attribute `weight_names` lists the paths of its weights below it. [`read_h5`] is a parser (`file`, `network`,
//! `options`) followed by a translation to graph operations (`decode`); [`write_h5`] is the way back (`encode`). Kernels
//! lie in the file as in a [`model::Graph`]: `[height, width, in, out]`, depthwise `[height, width, channels, multiplier]`.
//!
//! What only training in Keras itself uses is not read: optimizer state, losses, regularizers, constraints, and initialisers
//! other than `GlorotUniform` and `HeNormal`.

mod decode;
mod encode;
mod file;
mod network;
mod options;
mod read;
mod write;

pub use read::{read_bytes, read_h5};
pub use write::{h5_bytes, write_h5};
