//! Keras' model files, of Keras 3 and Keras 2: the legacy HDF5 file (`.h5`) and the zip archive (`.keras`).
//!
//! On disk, HDF5: the root's attribute `model_config` is the network as JSON; the group `model_weights` has one group a
//! layer, whose attribute `weight_names` lists the paths of its weights below it. The archive: `config.json` is the network,
//! `model.weights.h5` has a group a layer, named by its class (`layers/conv2d_1`), with numbered weights in `vars`, and
//! `metadata.json` tells the version.
//!
//! [`read_bytes`] opens the file (`file`, with `legacy` or `archive`), makes one list of the layers of the model and of
//! models inside it (`calls`, `models`, `network`), and translates each to an operation (`decode`, `options`). [`write_h5`] and
//! [`write_keras`] are the way back (`encode`). Kernels lie in the files as in a [`model::Graph`].
//!
//! A model that is a layer of another one is taken apart: its layers become layers of the graph, under their own names, or
//! behind the model's name where another layer has the same.
//!
//! What only training in Keras itself uses is not read: optimizer state, losses, regularizers, constraints, and initialisers
//! other than `GlorotUniform` and `HeNormal`.

mod archive;
mod calls;
mod decode;
mod encode;
mod file;
mod hdf5;
mod legacy;
mod models;
mod names;
mod network;
mod options;
mod read;
mod weights;
mod write;
mod write_archive;

pub(crate) use decode::operation_of;
pub use read::{attachment, read_bytes, read_h5};
pub use weights::{NamedShape, WeightsFile};
pub use write::{h5_bytes, h5_bytes_with, write_h5};
pub use write_archive::{keras_bytes, write_keras};
