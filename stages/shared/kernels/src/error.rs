//! Errors of preparing and running a network.

use model::GraphError;
use thiserror::Error;

/// Why a network cannot be run.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum KernelError {
    /// The layers do not form a network.
    #[error(transparent)]
    Graph(#[from] GraphError),
    /// A layer's types or scales do not fit what it computes.
    #[error("layer `{layer}`: {message}")]
    Layer {
        /// Its name.
        layer: String,
        /// What does not fit.
        message: String,
    },
    /// The tensor to run is not of the network's input type.
    #[error("the network takes {expected} after the batch; it was given {found}")]
    Input {
        /// The type of the network's input.
        expected: String,
        /// What it was given.
        found: String,
    },
}
