//! TensorFlow Lite files (`.tflite`): FlatBuffers of the published schema, version 3, identifier `TFL3`.
//!
//! [`read`] takes the form that the converter gives with a fixed batch of 1: convolutions with dilation factors, biases
//! and fused activations, `QUANTIZE`/`DEQUANTIZE` at the borders. [`write()`] writes that form and nothing else, the same
//! bytes for the same graph.
//!
//! A layer has the name of the tensor it gives; the batch axis (always 1 in the file) is not part of a layer's shape;
//! weights are transposed at this border, from `[out, h, w, in]` and `[1, h, w, channels]` to the graph's layouts.
//!
//! Parts: `table` finds values in untrusted bytes, `schema` names slots and codes, `read` and `write` translate.

mod read;
mod schema;
mod table;
mod weights;
mod write;

pub use read::read;
pub use write::write;

/// What errors call this format.
const FORMAT: &str = "TensorFlow Lite";
