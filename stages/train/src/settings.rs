//! What training may read of the configuration.

use contract::{
    Config, Issue, IssueKind,
    config::{Adam, Aspp, ModelSpec, Optimizer, Training},
};
use dataset::{Classes, Preprocessor, Size};
use model::{AsppVersion, DeeplabV3, Graph, GraphError};
use serde::{Deserialize, Serialize};

const STAGE: &str = "training";

/// What training may read of the configuration, and so all of it that its result depends on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrainSettings {
    /// The network.
    pub model: ModelSettings,
    /// The classes in the order of the mask values.
    pub classes: Classes,
    /// From files to network input and labels.
    pub preprocessing: Preprocessor,
    /// Images in a step.
    pub batch_size: usize,
    /// Passes over the training set.
    pub epochs: usize,
    /// The optimizer.
    pub optimizer: OptimizerSettings,
    /// Share of elements dropped before the classifier.
    pub dropout: f64,
    /// Weight of each class in the loss.
    pub loss_weights: Vec<f64>,
    /// Whether BatchNorm statistics are freed of their initial values wherever they are used.
    pub batchnorm_debias: bool,
    /// Seed of initial weights, shuffling and dropout.
    pub seed: u64,
}

/// A network of the zoo.
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
}

/// An optimizer that is built.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub enum OptimizerSettings {
    /// Adam.
    Adam(Adam),
}

impl ModelSettings {
    /// Height, width, channels.
    #[must_use]
    pub fn input_shape(&self) -> (usize, usize, usize) {
        let Self::DeeplabV3MobilenetV2 { input_shape, .. } = self;
        *input_shape
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
        let model = collect(model(config, training), &mut issues);
        issues.extend(unbuilt_keys(training));
        issues.extend(callbacks(training));
        issues.extend(numbers(training));
        let optimizer = collect(optimizer(training), &mut issues);
        let preprocessing = collect(Preprocessor::from_config(config, STAGE), &mut issues);
        let classes = config.dataset(STAGE).and_then(Classes::from_config).map_err(|issue| vec![issue]);
        let classes = collect(classes, &mut issues);
        let weights = classes.as_ref().map(|classes| loss_weights(training, classes.len()));
        let loss_weights = weights.and_then(|weights| collect(weights, &mut issues));
        let Some(seed) = config.general.global_seed else {
            issues.push(Issue::missing("general.global_seed", "training draws its weights from a seed"));
            return Err(issues);
        };
        match (model, classes, preprocessing, optimizer, loss_weights) {
            (Some(model), Some(classes), Some(preprocessing), Some(optimizer), Some(loss_weights)) => {
                issues.extend(channels(&model, &preprocessing));
                let settings = Self {
                    model,
                    classes,
                    preprocessing,
                    batch_size: training.batch_size,
                    epochs: training.epochs,
                    optimizer,
                    dropout: training.dropout.unwrap_or(0.0),
                    loss_weights,
                    batchnorm_debias: training.batchnorm_debias,
                    seed,
                };
                if issues.is_empty() {
                    issues.extend(settings.graph().err().map(unbuildable));
                }
                if issues.is_empty() { Ok(settings) } else { Err(issues) }
            }
            _ => Err(issues),
        }
    }

    /// The network's graph, weights not drawn yet.
    ///
    /// # Errors
    /// Arguments that no such network has.
    pub fn graph(&self) -> Result<Graph, GraphError> {
        let ModelSettings::DeeplabV3MobilenetV2 { input_shape, alpha, output_stride, aspp } = &self.model;
        let aspp = match aspp {
            Aspp::V1 => AsppVersion::V1,
            Aspp::V2 => AsppVersion::V2,
        };
        DeeplabV3 {
            input: *input_shape,
            classes: self.classes.len(),
            alpha: *alpha,
            output_stride: *output_stride,
            aspp,
            dropout: self.dropout,
        }
        .build()
    }

    /// Height and width of the network's input.
    #[must_use]
    pub fn size(&self) -> Size {
        let (height, width, _) = self.model.input_shape();
        Size { height, width }
    }
}

fn collect<T>(result: Result<T, Vec<Issue>>, issues: &mut Vec<Issue>) -> Option<T> {
    result.map_err(|more| issues.extend(more)).ok()
}

/// Sections that would change the training and are not built yet.
fn unbuilt_sections(config: &Config) -> Vec<Issue> {
    let present = |section: &Option<contract::config::Untyped>| {
        section.as_ref().is_some_and(|section| !section.is_empty())
    };
    let mut issues = Vec::new();
    if present(&config.data_augmentation) {
        issues.push(Issue::not_yet("data_augmentation", "data augmentation"));
    }
    if present(&config.custom_data_augmentation) {
        issues.push(Issue::not_yet("custom_data_augmentation", "a user's own augmentation"));
    }
    issues
}

/// What is trained: exactly one key says so.
fn model(config: &Config, training: &Training) -> Result<ModelSettings, Vec<Issue>> {
    let path = &config.general.model_path;
    let given: Vec<&str> = [
        ("training.model", training.model.is_some()),
        ("training.resume_training_from", training.resume_training_from.is_some()),
        ("general.model_path", path.is_some()),
    ]
    .into_iter()
    .filter_map(|(key, given)| given.then_some(key))
    .collect();
    match (given.as_slice(), &training.model) {
        (["training.model"], Some(spec)) => zoo_model(config, training, spec),
        ([], _) => {
            Err(vec![Issue::missing("training.model", "training needs to know what to train").with_help(
                "describe a network under `training.model`; training a model file is not available yet",
            )])
        }
        ([key], _) => Err(vec![Issue::not_yet(*key, "training that starts from a model file")]),
        ([first, .., last], _) => Err(vec![
            Issue::new(
                IssueKind::Conflict,
                *last,
                format!("`{first}` and `{last}` both say what is trained; exactly one of them can"),
            )
            .with_help("remove all but one"),
        ]),
    }
}

fn zoo_model(config: &Config, training: &Training, spec: &ModelSpec) -> Result<ModelSettings, Vec<Issue>> {
    let mut issues = Vec::new();
    match config.general.model_type.as_deref() {
        Some("deeplab_v3") => {}
        Some("custom") => issues.push(Issue::not_yet("general.model_type", "a custom model")),
        Some(other) => issues.push(
            Issue::invalid("general.model_type", format!("`{other}` is no model type"))
                .with_help("the model types are deeplab_v3 and custom"),
        ),
        None => issues.push(
            Issue::missing("general.model_type", "a network of the zoo has a type")
                .with_help("write `model_type: deeplab_v3` under `general`"),
        ),
    }
    issues.extend(backbone(spec));
    if spec.pretrained_weights.is_some() {
        issues.push(Issue::not_yet("training.model.pretrained_weights", "starting from ImageNet weights"));
    }
    if spec.pretrained_model_path.is_some() {
        let key = "training.model.pretrained_model_path";
        issues.push(Issue::not_yet(key, "starting from the backbone of another model"));
    }
    if spec.file.is_some() && spec.name == "mobilenet" {
        let message = "`file` describes a custom model, and the backbone is mobilenet";
        issues.push(Issue::new(IssueKind::Conflict, "training.model.file", message).with_help("remove it"));
    }
    issues.extend(input_shape(spec));
    let dropout = training.dropout.unwrap_or(0.0);
    if !(0.0..1.0).contains(&dropout) {
        let message = format!("a dropout of {dropout} is no share: it is at least 0 and below 1");
        issues.push(Issue::invalid("training.dropout", message));
    }
    let Some(alpha) = spec.alpha else {
        if spec.name == "mobilenet" {
            issues.push(
                Issue::missing("training.model.alpha", "MobileNetV2 has a width multiplier")
                    .with_help("usual values are 0.35, 0.5, 0.75 and 1.0"),
            );
        }
        return Err(issues);
    };
    if !(alpha > 0.0 && alpha.is_finite()) {
        let message = format!("{alpha} is no width multiplier: it is larger than 0");
        issues.push(Issue::invalid("training.model.alpha", message));
    }
    if !issues.is_empty() {
        return Err(issues);
    }
    Ok(ModelSettings::DeeplabV3MobilenetV2 {
        input_shape: spec.input_shape,
        alpha,
        output_stride: spec.output_stride,
        aspp: spec.aspp,
    })
}

fn backbone(spec: &ModelSpec) -> Option<Issue> {
    let supported =
        "the backbones are `name: mobilenet` with `version: v2` and `name: resnet50` with `version: v1`";
    match (spec.name.as_str(), spec.version.as_deref()) {
        ("mobilenet", Some("v2")) => None,
        ("mobilenet", None) => Some(
            Issue::missing("training.model.version", "a backbone has a version")
                .with_help("write `version: v2` under `training.model`"),
        ),
        ("mobilenet", Some(version)) => Some(
            Issue::invalid(
                "training.model.version",
                format!("there is no mobilenet of version `{version}` here"),
            )
            .with_help(supported),
        ),
        ("resnet50", Some("v1") | None) => {
            Some(Issue::not_yet("training.model.name", "the backbone resnet50"))
        }
        ("resnet50", Some(version)) => Some(
            Issue::invalid(
                "training.model.version",
                format!("there is no resnet50 of version `{version}` here"),
            )
            .with_help(supported),
        ),
        ("custom", _) => Some(Issue::not_yet("training.model.name", "a custom model")),
        (other, _) => Some(
            Issue::invalid("training.model.name", format!("`{other}` is no backbone")).with_help(supported),
        ),
    }
}

fn input_shape(spec: &ModelSpec) -> Vec<Issue> {
    let (height, width, channels) = spec.input_shape;
    let stride = spec.output_stride;
    let mut issues = Vec::new();
    if stride != 8 && stride != 16 {
        let message = format!("{stride} is no output stride: it is 16 or 8");
        issues.push(Issue::invalid("training.model.output_stride", message));
        return issues;
    }
    for (side, length) in [("height", height), ("width", width)] {
        if length == 0 || length % stride != 0 {
            let below = (length / stride).max(1) * stride;
            issues.push(
                Issue::invalid(
                    "training.model.input_shape",
                    format!("the {side} {length} is not a multiple of the output stride {stride}"),
                )
                .with_help(format!("use {below} or {}", below + stride)),
            );
        }
    }
    if channels != 1 && channels != 3 {
        let message = format!("a network input of {channels} channels: images have 1 or 3");
        issues.push(Issue::invalid("training.model.input_shape", message));
    }
    issues
}

/// The network reads as many channels as preprocessing makes.
fn channels(model: &ModelSettings, preprocessing: &Preprocessor) -> Option<Issue> {
    let (_, _, channels) = model.input_shape();
    (channels != preprocessing.channels).then(|| {
        Issue::new(
            IssueKind::Conflict,
            "training.model.input_shape",
            format!(
                "the network reads {channels} channels, but `preprocessing.color_mode` makes {}",
                preprocessing.channels
            ),
        )
        .with_help("rgb and rgba make 3 channels, grayscale makes 1")
    })
}

/// Keys of `training` that are legal and not built yet.
fn unbuilt_keys(training: &Training) -> Vec<Issue> {
    let mut issues = Vec::new();
    if training.frozen_layers.is_some() {
        issues.push(Issue::not_yet("training.frozen_layers", "freezing layers"));
    }
    if training.trained_model_path.is_some() {
        issues.push(Issue::not_yet("training.trained_model_path", "a second copy of the trained model"));
    }
    issues
}

/// Callbacks that are legal; none is built yet.
const CALLBACKS: &[&str] = &[
    "ReduceLROnPlateau",
    "EarlyStopping",
    "LearningRateScheduler",
    "TerminateOnNaN",
    "LRLinearDecay",
    "LRExponentialDecay",
    "LRStepDecay",
    "LRCosineDecay",
    "LRWarmupCosineDecay",
    "LRCosineDecayRestarts",
    "LRPolynomialDecay",
    "LRPolynomialDecayRestarts",
    "LRPiecewiseConstantDecay",
];
/// Callbacks that are always there.
const BUILT_IN: &[&str] = &["CSVLogger", "ModelCheckpoint", "TensorBoard"];

fn callbacks(training: &Training) -> Vec<Issue> {
    let names = training.callbacks.iter().flat_map(|callbacks| callbacks.keys());
    names
        .map(|name| {
            let key = format!("training.callbacks.{name}");
            if CALLBACKS.contains(&name.as_str()) {
                Issue::not_yet(key, format!("the callback {name}"))
            } else if BUILT_IN.contains(&name.as_str()) {
                Issue::invalid(key, format!("{name} is built in and always on")).with_help("remove it")
            } else {
                Issue::invalid(key, format!("`{name}` is no callback"))
                    .with_help(format!("the callbacks are {}", CALLBACKS.join(", ")))
            }
        })
        .collect()
}

fn numbers(training: &Training) -> Vec<Issue> {
    [("training.batch_size", training.batch_size), ("training.epochs", training.epochs)]
        .into_iter()
        .filter(|(_, value)| *value == 0)
        .map(|(key, value)| Issue::invalid(key, format!("{value} is too small: it is at least 1")))
        .collect()
}

fn optimizer(training: &Training) -> Result<OptimizerSettings, Vec<Issue>> {
    let name = match &training.optimizer {
        Optimizer::Adam(adam) => {
            let issues = adam_issues(adam);
            return if issues.is_empty() { Ok(OptimizerSettings::Adam(*adam)) } else { Err(issues) };
        }
        Optimizer::SGD(_) => "SGD",
        Optimizer::RMSprop(_) => "RMSprop",
        Optimizer::AdamW(_) => "AdamW",
        Optimizer::Adagrad(_) => "Adagrad",
        Optimizer::Adadelta(_) => "Adadelta",
        Optimizer::Adamax(_) => "Adamax",
        Optimizer::Nadam(_) => "Nadam",
        Optimizer::Ftrl(_) => "Ftrl",
        Optimizer::Lion(_) => "Lion",
    };
    Err(vec![
        Issue::not_yet("training.optimizer", format!("the optimizer {name}")).with_help("Adam is available"),
    ])
}

fn adam_issues(adam: &Adam) -> Vec<Issue> {
    let positive = |value: f64| value > 0.0 && value.is_finite();
    let share = |value: f64| (0.0..1.0).contains(&value);
    [
        ("learning_rate", adam.learning_rate, positive(adam.learning_rate), "larger than 0"),
        ("beta_1", adam.beta_1, share(adam.beta_1), "at least 0 and below 1"),
        ("beta_2", adam.beta_2, share(adam.beta_2), "at least 0 and below 1"),
        ("epsilon", adam.epsilon, positive(adam.epsilon), "larger than 0"),
    ]
    .into_iter()
    .filter(|(_, _, legal, _)| !legal)
    .map(|(name, value, _, range)| {
        Issue::invalid(format!("training.optimizer.Adam.{name}"), format!("{name} is {value}; it is {range}"))
    })
    .collect()
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
    if let Some(weight) = weights.iter().find(|weight| !(**weight >= 0.0 && weight.is_finite())) {
        return Err(vec![Issue::invalid(key, format!("the weight {weight} is not a number of at least 0"))]);
    }
    if weights.iter().all(|weight| *weight == 0.0) {
        return Err(vec![Issue::invalid(key, "all weights are 0, so nothing would be learned")]);
    }
    Ok(weights.clone())
}

fn unbuildable(error: GraphError) -> Issue {
    Issue::invalid("training.model", error.to_string())
}
