//! The program through its binaries.

#[cfg(all(feature = "train", feature = "quantize", feature = "evaluate"))]
mod chain;
mod engine;
mod soak;
