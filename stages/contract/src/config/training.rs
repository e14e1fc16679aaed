//! `training`.

use super::Untyped;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// What is trained and how.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Training {
    /// A model of the zoo. Exactly one of this, `resume_training_from` and `general.model_path` is set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<ModelSpec>,
    /// Images in a training step.
    pub batch_size: usize,
    /// Passes over the training set.
    pub epochs: usize,
    /// The optimizer: a name, or a name with arguments.
    pub optimizer: Optimizer,
    /// Dropout rate before the classifier.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dropout: Option<f64>,
    /// Layers that do not train, in Python index and slice syntax: `(0:-1)`, `(8, 110:121, -1)`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub frozen_layers: Option<String>,
    /// Keras callbacks by name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub callbacks: Option<Untyped>,
    /// A `last_augmented_model.h5` to go on from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resume_training_from: Option<PathBuf>,
    /// Where a copy of the best model goes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trained_model_path: Option<PathBuf>,
    /// Weight of each class in the loss.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub loss_weights: Option<Vec<f64>>,
    /// Whether BatchNorm statistics are freed of their initial values, as services need on short trainings.
    #[serde(default = "yes")]
    pub batchnorm_debias: bool,
}

fn yes() -> bool {
    true
}

/// `training.model`: a network of the zoo.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelSpec {
    /// Backbone: `mobilenet`, `resnet50` or `custom`.
    pub name: String,
    /// Version of the backbone: `v2` for mobilenet, `v1` for resnet50.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Width multiplier of MobileNet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alpha: Option<f64>,
    /// Input size over feature map size: 16 or 8.
    #[serde(default = "sixteen")]
    pub output_stride: usize,
    /// The kind of atrous spatial pyramid pooling.
    #[serde(default)]
    pub aspp: Aspp,
    /// Height, width, channels.
    pub input_shape: (usize, usize, usize),
    /// Weights of the backbone by name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pretrained_weights: Option<PretrainedWeights>,
    /// A model file whose backbone weights are taken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pretrained_model_path: Option<PathBuf>,
    /// The YAML layer list of a custom model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<PathBuf>,
}

fn sixteen() -> usize {
    16
}

/// The kind of atrous spatial pyramid pooling.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Aspp {
    /// Full 3x3 atrous convolutions.
    #[default]
    V1,
    /// Depthwise 3x3, then 1x1.
    V2,
}

/// Weights of a backbone by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PretrainedWeights {
    /// The Keras file trained on ImageNet.
    Imagenet,
}

/// The optimizer: Keras names and arguments.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the names of keras.optimizers")]
pub enum Optimizer {
    Adam(Adam),
    SGD(Untyped),
    RMSprop(Untyped),
    AdamW(Untyped),
    Adagrad(Untyped),
    Adadelta(Untyped),
    Adamax(Untyped),
    Nadam(Untyped),
    Ftrl(Untyped),
    Lion(Untyped),
}

/// Adam (Kingma and Ba, arXiv 1412.6980) as Keras has it: the arguments of `keras.optimizers.Adam`. Those that are
/// `None` where they are absent have Keras' default then.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Adam {
    /// Step size.
    pub learning_rate: f64,
    /// Decay of the first moment.
    pub beta_1: f64,
    /// Decay of the second moment.
    pub beta_2: f64,
    /// Added to the root of the second moment.
    pub epsilon: f64,
    /// Whether the step divides by the largest second moment so far; false by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub amsgrad: Option<bool>,
    /// Share of each weight that a step takes away, times the learning rate; none by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub weight_decay: Option<f64>,
    /// Largest norm of each parameter's gradient; none by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub clipnorm: Option<f64>,
    /// Largest magnitude of each element of a gradient; none by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub clipvalue: Option<f64>,
    /// Largest norm of all gradients together; none by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub global_clipnorm: Option<f64>,
    /// Whether weights are averaged over the steps; false by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub use_ema: Option<bool>,
    /// Decay of that average; 0.99 by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ema_momentum: Option<f64>,
    /// Steps after which the average replaces the weights; none by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ema_overwrite_frequency: Option<usize>,
    /// Factor on the loss, taken out of the gradients again; none by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub loss_scale_factor: Option<f64>,
    /// Batches whose gradients make one step; none by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gradient_accumulation_steps: Option<usize>,
    /// The optimizer's name, which changes nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

impl Default for Adam {
    fn default() -> Self {
        Self {
            learning_rate: 0.001,
            beta_1: 0.9,
            beta_2: 0.999,
            epsilon: 1e-7,
            amsgrad: None,
            weight_decay: None,
            clipnorm: None,
            clipvalue: None,
            global_clipnorm: None,
            use_ema: None,
            ema_momentum: None,
            ema_overwrite_frequency: None,
            loss_scale_factor: None,
            gradient_accumulation_steps: None,
            name: None,
        }
    }
}
