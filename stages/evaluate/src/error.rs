//! Errors of the stage.

use contract::Problem;
use dataset::DatasetError;
use formats::FormatError;
use kernels::KernelError;
use model::DataType;
use thiserror::Error;

/// Why a model cannot be measured.
#[derive(Debug, Error)]
pub enum EvaluateError {
    /// The model file cannot be read.
    #[error(transparent)]
    Format(#[from] FormatError),
    /// The model cannot be run.
    #[error("the model `{name}` cannot be run: {source}")]
    Kernel {
        /// The model file's own name.
        name: String,
        /// What the interpreter says.
        source: KernelError,
    },
    /// The images cannot be read.
    #[error(transparent)]
    Dataset(#[from] DatasetError),
    /// The input is no image.
    #[error("the model `{name}` takes {shape:?}, not an image of height, width and channels")]
    InputShape {
        /// The model file's own name.
        name: String,
        /// Its input shape without the batch.
        shape: Vec<usize>,
    },
    /// The input has other channels than the images.
    #[error(
        "the model `{name}` takes images of {model} channels, but `preprocessing.color_mode` gives {images}"
    )]
    Channels {
        /// The model file's own name.
        name: String,
        /// Channels of its input.
        model: usize,
        /// Channels of the images.
        images: usize,
    },
    /// Integers without a scale at the input, or of a kind that images cannot have.
    #[error("the model `{name}` takes {found:?} values {}", if *scaled { "" } else { "without a scale" })]
    InputType {
        /// The model file's own name.
        name: String,
        /// Element type of its input.
        found: DataType,
        /// Whether it has a scale.
        scaled: bool,
    },
    /// The output is no class map of the input's size.
    #[error(
        "the model `{name}` takes images of {input:?} (height x width) but gives {output:?}; it must give a score for \
         each pixel and class"
    )]
    OutputShape {
        /// The model file's own name.
        name: String,
        /// Height and width of its input.
        input: (usize, usize),
        /// Its output shape without the batch.
        output: Vec<usize>,
    },
    /// The output has other classes than the data set.
    #[error("the model `{name}` tells {model} classes apart, but the data set has {dataset}: {names}")]
    Classes {
        /// The model file's own name.
        name: String,
        /// Channels of its output.
        model: usize,
        /// Classes of the data set.
        dataset: usize,
        /// Their names.
        names: String,
    },
    /// The two models take images of other sizes.
    #[error(
        "the model takes images of {model:?} (height x width), the float model it is compared with {reference:?}"
    )]
    ReferenceSize {
        /// Height and width of the model's input.
        model: (usize, usize),
        /// Height and width of the reference's input.
        reference: (usize, usize),
    },
    /// A score that is not a number.
    #[error("the model `{name}` gives scores that are not numbers for the image {image}")]
    NotANumber {
        /// The model file's own name.
        name: String,
        /// The image's id.
        image: String,
    },
    /// An image to measure on without a mask.
    #[error("the image {image} has no mask to measure against")]
    NoMask {
        /// The image's id.
        image: String,
    },
    /// A set of nothing but void pixels.
    #[error("no pixel of the {images} images has a class, so there is nothing to measure")]
    NothingLabelled {
        /// Images in the set.
        images: usize,
    },
    /// Results cannot be written.
    #[error(transparent)]
    Io(#[from] std::io::Error),
    /// The worker threads cannot be started.
    #[error("the worker threads cannot be started: {0}")]
    Threads(#[from] rayon::ThreadPoolBuildError),
    /// The user wants the stage to stop.
    #[error("cancelled")]
    Cancelled,
}

impl Problem for EvaluateError {
    fn code(&self) -> &'static str {
        match self {
            Self::Format(_) => "model::format",
            Self::Kernel { .. } => "model::kernel",
            Self::Dataset(error) => error.code(),
            Self::InputShape { .. } => "model::input_shape",
            Self::Channels { .. } => "model::channels",
            Self::InputType { .. } => "model::input_type",
            Self::OutputShape { .. } => "model::output_shape",
            Self::Classes { .. } => "model::classes",
            Self::ReferenceSize { .. } => "evaluate::reference_size",
            Self::NotANumber { .. } => "evaluate::not_a_number",
            Self::NoMask { .. } => "evaluate::no_mask",
            Self::NothingLabelled { .. } => "evaluate::nothing_labelled",
            Self::Io(_) => "io",
            Self::Threads(_) => "evaluate::threads",
            Self::Cancelled => "cancelled",
        }
    }

    fn help(&self) -> Option<&'static str> {
        Some(match self {
            Self::Dataset(error) => return error.help(),
            Self::Channels { .. } => "set `color_mode: rgb` for 3 channels, `grayscale` for 1",
            Self::Classes { .. } => "`dataset.class_names` must be the list that the model was trained with",
            Self::NotANumber { .. } => "the training diverged: lower the learning rate and train again",
            Self::NothingLabelled { .. } => {
                "the masks hold nothing but 255, void; check how they were written"
            }
            _ => return None,
        })
    }

    fn is_cancellation(&self) -> bool {
        matches!(self, Self::Cancelled)
    }
}
