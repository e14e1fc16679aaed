//! The stage `quantize` through the contract, and against TensorFlow's own converter.

mod bench;
mod npz;
mod real;
mod reference;
mod stage;
