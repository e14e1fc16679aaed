//! Stage train: fits a segmentation network.
//!
//! [`TrainSettings`] is what it reads of the configuration, [`start`] what it reads of model files. The network's graph
//! becomes a burn module ([`network`], on the operations of [`ops`]); [`trainer`] makes one step of it: forward, [`loss`],
//! backward, [`optimizer`]. [`fit`] is the loop over epochs and [`batches`], with [`callbacks`] between epochs; its whole
//! [`state`] goes into a [`checkpoint`] after every epoch, and [`outputs`] turns it into models, tables and curves.
//!
//! Results depend on settings and images alone: every random draw is keyed by what it is for, every sum is split by
//! shapes, and an interrupted training goes on as if nothing had happened.

mod batches;
mod callbacks;
mod checkpoint;
mod codec;
mod demand;
mod error;
mod failpoint;
mod fit;
mod loss;
mod network;
mod ops;
mod optimizer;
mod outputs;
mod settings;
mod stage;
mod start;
mod state;
mod trainer;

pub use error::TrainError;
pub use failpoint::FAIL_POINTS;
pub use settings::{ModelSettings, OptimizerSettings, TrainSettings};
pub use stage::Train;
pub use start::StartError;

#[cfg(test)]
mod tests;
