//! Errors of training.

use crate::StartError;
use contract::{Problem, value::slices::SlicesError};
use std::path::PathBuf;
use thiserror::Error;

/// Why a training cannot go on.
#[derive(Debug, Error)]
pub enum TrainError {
    /// A layer that cannot be trained.
    #[error("layer `{layer}` cannot be trained: {message}")]
    Layer {
        /// Its name.
        layer: String,
        /// Why.
        message: String,
    },
    /// The network's output does not fit the classes.
    #[error("the network's output has shape {found:?}, the data set needs [{height}, {width}, {classes}]")]
    Output {
        /// Shape of the output without the batch.
        found: Vec<usize>,
        /// Height of a mask.
        height: usize,
        /// Width of a mask.
        width: usize,
        /// Number of classes.
        classes: usize,
    },
    /// `training.frozen_layers` does not fit the network.
    #[error("frozen_layers: {0}")]
    FrozenLayers(#[from] SlicesError),
    /// `training.frozen_layers` names every layer that has weights.
    #[error(
        "frozen_layers {slices} leaves only layers without weights of the {layers} there are, so nothing would be \
         trained; the last layer with weights is {last}, `{name}`"
    )]
    NothingTrained {
        /// What the file says.
        slices: String,
        /// How many layers the network has.
        layers: usize,
        /// Position of the last layer with weights.
        last: usize,
        /// Its name.
        name: String,
    },
    /// The loss, a gradient or a weight is not a number any more.
    #[error("{what} at step {step} of epoch {epoch}: the training has diverged")]
    NanLoss {
        /// What is no number: `the loss is NaN`.
        what: String,
        /// Step within the epoch, from 1.
        step: usize,
        /// Epoch, from 1.
        epoch: usize,
    },
    /// A schedule that gives no learning rate.
    #[error("the schedule of LearningRateScheduler cannot be used: {message}")]
    Schedule {
        /// Why.
        message: String,
    },
    /// The engine bound no set to a port.
    #[error("no set is bound to the input `{port}`")]
    Unbound {
        /// The port.
        port: String,
    },
    /// A sample without a mask, or with a mask value that is no class.
    #[error("image `{id}` of the {set}: {message}")]
    Sample {
        /// Its id.
        id: String,
        /// `training set` or `validation set`.
        set: &'static str,
        /// What is wrong.
        message: String,
    },
    /// A checkpoint that cannot be used.
    #[error("{}: {message}", path.display())]
    Checkpoint {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        message: String,
    },
    /// The worker threads could not be started.
    #[error("cannot start {threads} worker threads: {message}")]
    Threads {
        /// How many.
        threads: usize,
        /// What the system said.
        message: String,
    },
    /// The stage's settings were not written by this version.
    #[error("the settings of the stage cannot be read: {0}")]
    Settings(#[from] serde_json::Error),
    /// What it starts from cannot be used.
    #[error(transparent)]
    Start(#[from] StartError),
    /// The layer list of a custom network is none.
    #[error(transparent)]
    Layers(#[from] formats::layer_list::LayerListError),
    /// An image or mask cannot be used.
    #[error(transparent)]
    Dataset(#[from] dataset::DatasetError),
    /// The network cannot be built.
    #[error(transparent)]
    Graph(#[from] model::GraphError),
    /// A model cannot be written.
    #[error(transparent)]
    Format(#[from] formats::FormatError),
    /// A file cannot be read or written.
    #[error(transparent)]
    Io(#[from] std::io::Error),
    /// The user asked to stop.
    #[error("cancelled")]
    Cancelled,
}

impl Problem for TrainError {
    fn code(&self) -> &'static str {
        match self {
            Self::Layer { .. } => "train::layer",
            Self::Output { .. } => "train::output",
            Self::FrozenLayers(_) | Self::NothingTrained { .. } => "train::frozen_layers",
            Self::NanLoss { .. } => "train::nan_loss",
            Self::Schedule { .. } => "train::schedule",
            Self::Unbound { .. } => "stage::unbound_port",
            Self::Sample { .. } => "data::sample",
            Self::Checkpoint { .. } => "train::checkpoint",
            Self::Threads { .. } => "train::threads",
            Self::Settings(_) => "train::settings",
            Self::Start(error) => error.code(),
            Self::Layers(error) => error.code,
            Self::Dataset(error) => error.code(),
            Self::Graph(_) => "model::graph",
            Self::Format(_) => "train::format",
            Self::Io(_) => "io",
            Self::Cancelled => "cancelled",
        }
    }

    fn help(&self) -> Option<&'static str> {
        match self {
            Self::NanLoss { .. } => Some(
                "lower the learning rate, or look for images with extreme values after rescaling: as it is, another run \
                 fails at the same step; models of the epochs before, if any, are in the run folder's saved_models",
            ),
            Self::Schedule { .. } => {
                Some("change the lambda so that it gives a rate from 0 for every epoch; epochs count from 0")
            }
            Self::FrozenLayers(error) => Some(error.help()),
            Self::NothingTrained { .. } => Some(
                "leave a layer with weights out; layers count from 0, which is the input, negative indices from the end",
            ),
            Self::Sample { .. } => {
                Some("run preflight again: a file has changed since the masks were checked")
            }
            Self::Settings(_) => Some("run the same binary that wrote them"),
            Self::Start(error) => error.help(),
            Self::Dataset(error) => error.help(),
            _ => None,
        }
    }

    fn advice(&self) -> Option<String> {
        match self {
            Self::Layers(error) => error.help.clone(),
            other => other.help().map(str::to_owned),
        }
    }

    fn is_cancellation(&self) -> bool {
        matches!(self, Self::Cancelled)
    }
}
