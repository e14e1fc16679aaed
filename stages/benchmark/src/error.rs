//! Errors of both stages.

use contract::Problem;
use formats::FormatError;
use kernels::KernelError;
use model::GraphError;
use thiserror::Error;

/// Why a model cannot be estimated or measured.
#[derive(Debug, Error)]
pub enum BenchmarkError {
    /// The model file cannot be read.
    #[error(transparent)]
    Format(#[from] FormatError),
    /// The layers do not fit together.
    #[error("the model `{name}` cannot be deployed: {source}")]
    Graph {
        /// The model file's own name.
        name: String,
        /// What does not fit.
        source: GraphError,
    },
    /// The model cannot be run here.
    #[error("the model `{name}` cannot be run: {source}")]
    Kernel {
        /// The model file's own name.
        name: String,
        /// What the interpreter says.
        source: KernelError,
    },
    /// Results cannot be written.
    #[error(transparent)]
    Io(#[from] std::io::Error),
    /// The worker threads cannot be started.
    #[error("{threads} worker threads cannot be started: {source}")]
    Threads {
        /// How many were asked for.
        threads: usize,
        /// Why not.
        source: rayon::ThreadPoolBuildError,
    },
    /// The user wants the stage to stop.
    #[error("cancelled")]
    Cancelled,
}

impl Problem for BenchmarkError {
    fn code(&self) -> &'static str {
        match self {
            Self::Format(_) => "model::format",
            Self::Graph { .. } => "model::graph",
            Self::Kernel { .. } => "model::kernel",
            Self::Io(_) => "io",
            Self::Threads { .. } => "measure::threads",
            Self::Cancelled => "cancelled",
        }
    }

    fn help(&self) -> Option<&'static str> {
        match self {
            Self::Threads { .. } => Some("lower `general.num_threads_tflite`"),
            _ => None,
        }
    }

    fn is_cancellation(&self) -> bool {
        matches!(self, Self::Cancelled)
    }
}
