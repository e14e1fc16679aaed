//! What training may read of the configuration.

mod callbacks;
mod model;
mod optimizer;

use crate::network::FrozenLayers;
use ::model::{AsppVersion, Backbone, DeeplabV3, Graph, GraphError};
use contract::{
    Config, Issue, Problem,
    config::{self, Aspp, Callbacks, Training},
    value::slices::LayerSlices,
};
use dataset::{Classes, Preprocessor, augmentation::Augmentation};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

const STAGE: &str = "training";

/// What training may read of the configuration, and so all of it that its result depends on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrainSettings {
    /// The network.
    pub model: ModelSettings,
    /// Number of classes; their names change nothing.
    pub classes: usize,
    /// From files to network input and labels.
    pub preprocessing: Preprocessor,
    /// Functions that change training samples, in the order in which they apply; those that never do are left out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub augmentation: Vec<Augmentation>,
    /// Images in a step.
    pub batch_size: usize,
    /// Passes over the training set.
    pub epochs: usize,
    /// The optimizer.
    pub optimizer: OptimizerSettings,
    /// The callbacks, sorted by name.
    #[serde(default, skip_serializing_if = "no_callbacks")]
    pub callbacks: Callbacks,
    /// Share of elements that dropout layers drop; none where the file says nothing of it.
    pub dropout: Option<f64>,
    /// Layers that stay as they are, in Python's index and slice syntax.
    pub frozen_layers: Option<String>,
    /// Weight of each class in the loss.
    pub loss_weights: Vec<f64>,
    /// Whether BatchNorm statistics are freed of their initial values wherever they are used.
    pub batchnorm_debias: bool,
    /// Seed of initial weights, shuffling, augmentation and dropout.
    pub seed: u64,
}

/// What is trained. What a file holds of it comes in through a port, for its content counts and not its path.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum ModelSettings {
    /// DeepLabV3 on MobileNetV2.
    DeeplabV3MobilenetV2 {
        /// Height, width, channels.
        input_shape: (usize, usize, usize),
        /// Width multiplier.
        alpha: f64,
        /// Input size over feature map size.
        output_stride: usize,
        /// The kind of atrous spatial pyramid pooling.
        aspp: Aspp,
    },
    /// DeepLabV3 on ResNet50.
    DeeplabV3Resnet50 {
        /// Height, width, channels.
        input_shape: (usize, usize, usize),
        /// Input size over feature map size.
        output_stride: usize,
        /// The kind of atrous spatial pyramid pooling.
        aspp: Aspp,
    },
    /// A network of the user's own: the layer list at the port `layers`, or else the one that is here.
    Custom {
        /// Height, width, channels.
        input_shape: (usize, usize, usize),
        /// Variables of the list's template.
        arguments: Map<String, Value>,
        /// The list; none where a file has it.
        layers: Option<String>,
    },
    /// The model at the port `model`.
    File,
    /// The training at the port `training`.
    Training,
}

/// An optimizer, without arguments that change nothing.
pub type OptimizerSettings = config::Optimizer;

impl ModelSettings {
    /// Height, width, channels; none where a file has them.
    #[must_use]
    pub fn input_shape(&self) -> Option<(usize, usize, usize)> {
        match self {
            Self::DeeplabV3MobilenetV2 { input_shape, .. }
            | Self::DeeplabV3Resnet50 { input_shape, .. }
            | Self::Custom { input_shape, .. } => Some(*input_shape),
            Self::File | Self::Training => None,
        }
    }

    /// The last layer of the backbone, whose layers other models share; none where it is not known.
    #[must_use]
    pub fn backbone_end(&self) -> Option<&'static str> {
        match self {
            Self::DeeplabV3MobilenetV2 { output_stride: 8, .. } => Some("block_6_expand_relu"),
            Self::DeeplabV3MobilenetV2 { .. } => Some("block_13_expand_relu"),
            Self::DeeplabV3Resnet50 { output_stride: 8, .. } => Some("conv3_block4_out"),
            Self::DeeplabV3Resnet50 { .. } => Some("conv4_block6_out"),
            Self::Custom { .. } | Self::File | Self::Training => None,
        }
    }
}

impl TrainSettings {
    /// Projects a configuration.
    ///
    /// # Errors
    /// All mistakes in the keys that training reads, and legal keys that are not built yet.
    pub fn from_config(config: &Config) -> Result<Self, Vec<Issue>> {
        let mut issues = unbuilt_sections(config);
        let Some(training) = &config.training else {
            issues.insert(
                0,
                Issue::missing("training", "training needs model, batch size, epochs and optimizer"),
            );
            return Err(issues);
        };
        issues.extend(rules(config, training));
        let model = collect(model::model(training), &mut issues);
        let optimizer = collect(optimizer::optimizer(training), &mut issues);
        let preprocessing = collect(Preprocessor::from_config(config, STAGE), &mut issues);
        let classes = config.dataset(STAGE).and_then(Classes::from_config).map_err(|issue| vec![issue]);
        let classes = collect(classes, &mut issues).map(|classes| classes.len());
        let weights = classes.map(|classes| loss_weights(training, classes));
        let loss_weights = weights.and_then(|weights| collect(weights, &mut issues));
        let Some(seed) = config.general.global_seed else {
            issues.push(Issue::missing("general.global_seed", "training draws its weights from a seed"));
            return Err(issues);
        };
        let sizes = training.batch_size.zip(training.epochs);
        match (model, classes, preprocessing, optimizer, loss_weights, sizes) {
            (
                Some(model),
                Some(classes),
                Some(preprocessing),
                Some(optimizer),
                Some(loss_weights),
                Some((batch_size, epochs)),
            ) => {
                issues.extend(model::channels(&model, &preprocessing));
                let settings = Self {
                    model,
                    classes,
                    preprocessing,
                    augmentation: augmentation(config),
                    batch_size,
                    epochs,
                    optimizer,
                    callbacks: callbacks::callbacks(training),
                    dropout: training.dropout,
                    frozen_layers: frozen_layers(training),
                    loss_weights,
                    batchnorm_debias: training.batchnorm_debias,
                    seed,
                };
                if issues.is_empty() {
                    issues.extend(settings.misfit());
                }
                let learning_rate = settings.optimizer.shared().learning_rate;
                issues.extend(callbacks::rates(&settings.callbacks, learning_rate, settings.epochs));
                if issues.is_empty() { Ok(settings) } else { Err(issues) }
            }
            _ => Err(issues),
        }
    }

    /// The network's graph, weights not drawn yet; none where a file has it.
    ///
    /// # Errors
    /// Arguments that no such network has.
    pub fn graph(&self) -> Result<Option<Graph>, GraphError> {
        let (backbone, input_shape, output_stride, aspp) = match &self.model {
            ModelSettings::DeeplabV3MobilenetV2 { input_shape, alpha, output_stride, aspp } => {
                (Backbone::MobilenetV2 { alpha: *alpha }, input_shape, output_stride, aspp)
            }
            ModelSettings::DeeplabV3Resnet50 { input_shape, output_stride, aspp } => {
                (Backbone::Resnet50, input_shape, output_stride, aspp)
            }
            ModelSettings::Custom { .. } | ModelSettings::File | ModelSettings::Training => return Ok(None),
        };
        let aspp = match aspp {
            Aspp::V1 => AsppVersion::V1,
            Aspp::V2 => AsppVersion::V2,
        };
        let network = DeeplabV3 {
            backbone,
            input: *input_shape,
            classes: self.classes,
            output_stride: *output_stride,
            aspp,
            dropout: self.dropout.unwrap_or(0.0),
        };
        network.build().map(Some)
    }

    /// What is found wrong once the graph is known.
    fn misfit(&self) -> Option<Issue> {
        let graph = match self.graph() {
            Ok(graph) => graph?,
            Err(error) => return Some(Issue::invalid("training.model", error.to_string())),
        };
        let error = FrozenLayers::resolve(self.frozen_layers.as_deref(), &graph).err()?;
        let issue = Issue::invalid("training.frozen_layers", error.to_string());
        Some(match error.help() {
            Some(help) => issue.with_help(help),
            None => issue,
        })
    }

    /// The classes by number, for readers of masks.
    #[must_use]
    pub fn numbered_classes(&self) -> Classes {
        Classes::numbered(self.classes)
    }
}

fn no_callbacks(callbacks: &Callbacks) -> bool {
    callbacks.0.is_empty()
}

fn collect<T>(result: Result<T, Vec<Issue>>, issues: &mut Vec<Issue>) -> Option<T> {
    result.map_err(|more| issues.extend(more)).ok()
}

/// Sections that would change the training and are not built yet.
fn unbuilt_sections(config: &Config) -> Vec<Issue> {
    let functions = config.data_augmentation.iter().flatten();
    let mut issues: Vec<Issue> = functions
        .filter(|function| Augmentation::new(function).is_none())
        .map(|function| Issue::not_yet(function.key(), format!("the augmentation {}", function.name())))
        .collect();
    if config.custom_data_augmentation.is_some() {
        issues.push(Issue::not_yet("custom_data_augmentation", "a user's own augmentation"));
    }
    issues
}

/// The functions of `data_augmentation` that have an effect. Those that are not built yet are errors elsewhere.
fn augmentation(config: &Config) -> Vec<Augmentation> {
    let functions = config.data_augmentation.iter().flatten().filter_map(Augmentation::new);
    functions.filter(Augmentation::has_effect).collect()
}

/// Values that no training has, whatever is built.
fn rules(config: &Config, training: &Training) -> Vec<Issue> {
    let mut issues = training.issues(&config.general);
    let colors = config.preprocessing.as_ref().map(|preprocessing| preprocessing.color_mode);
    let zoo = training.model.as_ref().filter(|model| !model.is_custom());
    let stride = zoo.map(|model| model.output_stride);
    issues.extend(config.data_augmentation.iter().flat_map(|functions| functions.issues(colors, stride)));
    issues
}

/// The slices as they are always written; none where they name no layer or cannot be read, which is told before.
fn frozen_layers(training: &Training) -> Option<String> {
    let slices = LayerSlices::parse(training.frozen_layers.as_ref()?).ok()?;
    (slices != LayerSlices::default()).then(|| slices.to_string())
}

/// The weights given, or those of the original: 1, but 0.5 for the background of the 21 Pascal VOC classes.
fn loss_weights(training: &Training, classes: usize) -> Result<Vec<f64>, Vec<Issue>> {
    let key = "training.loss_weights";
    let Some(weights) = &training.loss_weights else {
        let mut weights = vec![1.0; classes];
        if classes == 21 {
            weights[0] = 0.5;
        }
        return Ok(weights);
    };
    if weights.len() != classes {
        let message = format!("{} weights for {classes} classes", weights.len());
        return Err(vec![
            Issue::invalid(key, message).with_help("give one weight a class, background first"),
        ]);
    }
    Ok(weights.clone())
}
