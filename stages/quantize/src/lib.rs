//! Stage `quantize`: from a float network to an int8 one, after training.
//!
//! [`Quantize`] reads a `.h5` or `.keras`, folds what deployment does not need ([`model::passes::for_deployment`]), runs the float
//! network on the calibration images to see which values each layer takes ([`calibrate`]), makes everything int8
//! ([`model::passes::quantize()`]), and writes `quantized_models/quantized_model.tflite`. The bytes depend on
//! [`QuantizeSettings`], the network and the images alone.

mod calibrate;
mod error;
mod network;
mod settings;
mod stage;

pub use calibrate::calibrate;
pub use error::QuantizeError;
pub use settings::QuantizeSettings;
pub use stage::Quantize;
