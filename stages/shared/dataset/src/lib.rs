//! Images and masks: from configuration keys to samples a network can read.
//!
//! [`sets`] turns the keys of `dataset` into a [`contract::Source`]: the list of files of a training, validation,
//! evaluation or calibration set, or the parameters of a generated one. [`check`] decodes such a list once, before
//! anything runs. [`Samples`] reads it: pictures and masks are decoded ([`Picture`], [`Mask`]), brought to the network's
//! size and range ([`Preprocessor`]), and given out as plain slices. [`augmentation`] changes those of training batches.
//!
//! Masks hold class indices; 255 is [`VOID`], a pixel that counts nowhere.

pub mod augmentation;
mod check;
mod classes;
mod colors;
mod error;
mod jpeg;
mod kernels;
mod mask;
mod numpy;
mod picture;
mod preprocessor;
mod random;
mod resize;
mod samples;
pub mod sets;
mod shapes;

pub use check::check;
pub use classes::Classes;
pub use error::DatasetError;
pub use mask::{Mask, VOID};
pub use picture::Picture;
pub use preprocessor::{Fitting, Preprocessor, Sampling, Size};
pub use random::RandomImages;
pub use samples::{Sample, Samples};
pub use sets::{
    calibration_set, evaluation_set, evaluation_set_name, test_set, training_set, validation_set,
};
pub use shapes::Shapes;
