//! Errors of quantizing.

use contract::Problem;
use dataset::DatasetError;
use formats::FormatError;
use kernels::KernelError;
use model::GraphError;
use thiserror::Error;

/// Why a network cannot be quantized.
#[derive(Debug, Error)]
pub enum QuantizeError {
    /// The model file cannot be read, or the int8 one cannot be written.
    #[error(transparent)]
    Format(#[from] FormatError),
    /// A layer has no int8 form, or does not fit.
    #[error("the model cannot be quantized: {0}")]
    Graph(#[from] GraphError),
    /// The float network cannot be run.
    #[error("the model cannot be run: {0}")]
    Kernel(#[from] KernelError),
    /// A calibration image cannot be read.
    #[error(transparent)]
    Dataset(#[from] DatasetError),
    /// The network does not take one image.
    #[error("the model takes an input of shape {0:?} instead of height, width and channels")]
    InputShape(Vec<usize>),
    /// Images have another number of channels than the network takes.
    #[error("the model takes images of {model} channels, but `preprocessing.color_mode` gives {images}")]
    Channels {
        /// What the network takes.
        model: usize,
        /// What preprocessing gives.
        images: usize,
    },
    /// The network is int8 already.
    #[error("the model is quantized already")]
    Quantized,
    /// The worker threads cannot be started.
    #[error("{threads} worker threads cannot be started: {message}")]
    Threads {
        /// How many were wanted.
        threads: usize,
        /// What the system says.
        message: String,
    },
}

impl Problem for QuantizeError {
    fn code(&self) -> &'static str {
        match self {
            Self::Format(_) => "model::format",
            Self::Graph(_) => "quantize::graph",
            Self::Kernel(_) => "quantize::kernel",
            Self::Dataset(error) => error.code(),
            Self::InputShape(_) => "model::input_shape",
            Self::Channels { .. } => "model::channels",
            Self::Quantized => "model::quantized",
            Self::Threads { .. } => "quantize::threads",
        }
    }

    fn help(&self) -> Option<&'static str> {
        match self {
            Self::Dataset(error) => error.help(),
            Self::Channels { .. } => {
                Some("`grayscale` is one channel, `rgb` three: name the one the model was trained with")
            }
            Self::Quantized => Some("start from the float model (.h5, .keras) it was made of"),
            Self::InputShape(_) => Some("only networks that take an image of fixed size can be quantized"),
            Self::Format(_) | Self::Graph(_) | Self::Kernel(_) | Self::Threads { .. } => None,
        }
    }
}
