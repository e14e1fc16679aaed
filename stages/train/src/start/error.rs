//! Why a training cannot start from what it was given.

use contract::Problem;
use thiserror::Error;

/// Why a training cannot start from what it was given. `model` is what users call it: `the model own.h5`, `the network`.
#[derive(Debug, Error)]
pub enum StartError {
    /// An input that is not an image.
    #[error("{model} takes {shape:?}, not an image [height, width, channels]")]
    InputShape {
        /// The model.
        model: String,
        /// What it takes.
        shape: Vec<usize>,
    },
    /// Another number of channels than preprocessing makes.
    #[error("{model} reads {channels}-channel images, and `preprocessing.color_mode` makes them of {images}")]
    Channels {
        /// The model.
        model: String,
        /// Channels of its input.
        channels: usize,
        /// Channels of the images.
        images: usize,
    },
    /// An output of another size than the masks.
    #[error(
        "{model} gives {output:?} for an image of {height}x{width}, where a mask has {height}x{width} pixels"
    )]
    OutputShape {
        /// The model.
        model: String,
        /// Shape of its output.
        output: Vec<usize>,
        /// Height of its input.
        height: usize,
        /// Width of its input.
        width: usize,
    },
    /// Another number of classes than the data set has.
    #[error("{model} tells {found} classes apart, and the data set has {classes}")]
    Classes {
        /// The model.
        model: String,
        /// Channels of its output.
        found: usize,
        /// Classes of the data set.
        classes: usize,
    },
    /// Probabilities that are worked on further: the loss cannot be computed from what was before the softmax.
    #[error("{model} computes a softmax in the layer `{layer}`, which is not its last one")]
    EarlySoftmax {
        /// The model.
        model: String,
        /// The layer with the softmax.
        layer: String,
    },
    /// Each class by itself, which the loss does not look at.
    #[error("{model} ends in a sigmoid (layer `{layer}`), which tells of each class by itself")]
    Sigmoid {
        /// The model.
        model: String,
        /// The layer with the sigmoid.
        layer: String,
    },
    /// A model that rescales pixels itself would get rescaled ones.
    #[error(
        "{model} rescales its input itself (layer `{layer}`), and `preprocessing.rescaling` makes it {low} to {high} before"
    )]
    RescaledTwice {
        /// The model.
        model: String,
        /// The layer that rescales.
        layer: String,
        /// What pixel 0 becomes.
        low: f32,
        /// What pixel 255 becomes.
        high: f32,
    },
    /// A rate for dropout layers that are not there.
    #[error("`training.dropout` is {rate}, and {model} has no dropout layer")]
    NoDropout {
        /// The model.
        model: String,
        /// The rate.
        rate: f64,
    },
    /// A loaded model with a dropout layer, and no rate for it.
    #[error("{model} has the dropout layer `{layer}`, and `training.dropout` is not set")]
    DropoutUnset {
        /// The model.
        model: String,
        /// The first dropout layer.
        layer: String,
    },
    /// A backbone that lacks a layer.
    #[error("the backbone cannot be taken from {file}: it has no layer `{layer}`")]
    NoLayer {
        /// The file with the weights.
        file: String,
        /// The first layer that is missing.
        layer: String,
    },
    /// A backbone with a layer of another shape.
    #[error(
        "the backbone cannot be taken from {file}: the {weight} of layer `{layer}` is {found:?} there and {wanted:?} here"
    )]
    OtherShape {
        /// The file with the weights.
        file: String,
        /// The first layer that differs.
        layer: String,
        /// The weight that does.
        weight: String,
        /// Its shape in the file.
        found: Vec<usize>,
        /// Its shape in the network that is trained.
        wanted: Vec<usize>,
    },
    /// A backbone without one of a layer's weights.
    #[error("the backbone cannot be taken from {file}: its layer `{layer}` has no {weight}")]
    NoWeight {
        /// The file with the weights.
        file: String,
        /// The first layer that differs.
        layer: String,
        /// The weight that is missing.
        weight: &'static str,
    },
    /// A model file without a training inside.
    #[error("`{name}` holds no training to go on with")]
    NoTraining {
        /// The file.
        name: String,
    },
    /// A training that cannot be read.
    #[error("the training in `{name}` cannot be read: {message}")]
    Training {
        /// The file.
        name: String,
        /// What is wrong with it.
        message: String,
    },
    /// Fewer epochs in all than the training has behind it.
    #[error("`training.epochs` is {epochs}, and the training in `{name}` has {done} epochs behind it")]
    Epochs {
        /// The file.
        name: String,
        /// Epochs in all.
        epochs: usize,
        /// Epochs that are over.
        done: usize,
    },
    /// Inputs that settings leave no room for.
    #[error("something is bound to the input `{port}`, and `{key}` says what to start from already")]
    Superfluous {
        /// The port.
        port: &'static str,
        /// The key.
        key: &'static str,
    },
}

impl Problem for StartError {
    fn code(&self) -> &'static str {
        match self {
            Self::InputShape { .. } => "model::input_shape",
            Self::Channels { .. } => "model::channels",
            Self::OutputShape { .. } => "model::output_shape",
            Self::Classes { .. } => "model::classes",
            Self::EarlySoftmax { .. } | Self::Sigmoid { .. } => "train::probabilities",
            Self::RescaledTwice { .. } => "model::rescaled_twice",
            Self::NoDropout { .. } | Self::DropoutUnset { .. } => "train::dropout",
            Self::NoLayer { .. } | Self::OtherShape { .. } | Self::NoWeight { .. } => "train::backbone",
            Self::NoTraining { .. } => "train::no_training",
            Self::Training { .. } => "train::training",
            Self::Epochs { .. } => "train::epochs",
            Self::Superfluous { .. } => "train::inputs",
        }
    }

    fn help(&self) -> Option<&'static str> {
        Some(match self {
            Self::InputShape { .. } => {
                "a segmentation network takes images: save the model with such an input"
            }
            Self::Channels { .. } => "set `color_mode: rgb` for 3 channels, `grayscale` for 1",
            Self::OutputShape { .. } => {
                "end the model with an upsampling to the size of its input, so that it gives [height, width, classes]"
            }
            Self::Classes { .. } => {
                "`dataset.class_names` must be the list that the model was made for; for other classes take only its \
                 backbone: `pretrained_model_path` under `training.model`"
            }
            Self::EarlySoftmax { .. } => {
                "the loss is that of a softmax: make it the model's last layer, or leave it out and end with logits"
            }
            Self::Sigmoid { .. } => {
                "a pixel has one class, so the loss is that of a softmax: end with a softmax, or with logits"
            }
            Self::RescaledTwice { .. } => {
                "name the model without preprocessing layers (best_model.h5), or set `rescaling: {scale: 1, offset: 0}`"
            }
            Self::NoDropout { .. } => "remove `dropout`, or put a dropout layer into the model",
            Self::DropoutUnset { .. } => "write `dropout: RATE` under `training`; 0 drops nothing",
            Self::NoLayer { .. } | Self::OtherShape { .. } | Self::NoWeight { .. } => {
                "weights go from one backbone to another of the same kind: the same name, version and alpha, and at least \
                 as deep (an output_stride of 16 is deeper than one of 8)"
            }
            Self::NoTraining { .. } => {
                "name the last_augmented_model.h5 of the run, which lies beside best_model.h5, or the run folder; to train a \
                 model anew, name it in `general.model_path`"
            }
            Self::Training { .. } => {
                "copy the file again; where it is damaged, its weights may still be read: name it in `general.model_path`"
            }
            Self::Epochs { .. } => {
                "`epochs` counts those that are over too: write how many there are to be in all"
            }
            Self::Superfluous { .. } => {
                "remove the input from the entry, or the key from what it is configured by"
            }
        })
    }
}
