//! Stages `estimate` and `measure`: what a model needs on a board, and how fast it runs on this machine.
//!
//! [`Estimate`] computes from the model file alone: multiply-accumulates, flash for the weights, RAM by a memory plan, and
//! whether a board has room for them. [`Measure`] runs that very file on this machine and takes the time; it is the one
//! stage whose result tells of the machine rather than of its inputs. [`Summary`] is no stage but a tool, `pipeline summary`:
//! what a model file holds.
//!
//! Parts: [`EstimateSettings`] and [`MeasureSettings`] are what the stages may read of the configuration, `network` reads a
//! model file as it is deployed, `cost` counts, `board` knows boards, `fit` compares the two, `report` writes the
//! estimate's files; `latency` takes times, `host` knows the processor; `summary` describes a file.

mod board;
mod cost;
mod error;
mod estimate;
mod fit;
mod host;
mod latency;
mod measure;
mod network;
mod ports;
mod report;
mod settings;
mod summary;

pub use board::{BOARDS, Board, Memory};
pub use error::BenchmarkError;
pub use estimate::Estimate;
pub use measure::Measure;
pub use settings::{EstimateSettings, MeasureSettings};
pub use summary::Summary;
