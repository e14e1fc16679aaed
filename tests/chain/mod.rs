//! The real chain through the real binary: trained with burn, quantized, evaluated in integers, on a set small enough
//! for a test. What must hold of any chain is checked here on the stages that matter.
#![cfg(all(feature = "train", feature = "quantize", feature = "evaluate"))]

mod bad_input;
#[cfg(feature = "benchmark")]
mod benchmark;
mod cache;
mod determinism;
#[cfg(all(feature = "benchmark", feature = "download"))]
mod download;
mod kill;
mod steps;
#[cfg(feature = "benchmark")]
mod summary;
#[cfg(feature = "benchmark")]
mod user_files;
mod workspace;
