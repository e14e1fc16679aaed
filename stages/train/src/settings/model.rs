//! What is trained.

use super::ModelSettings;
use contract::{
    Config, Issue, IssueKind,
    config::{ModelSpec, Training},
};
use dataset::Preprocessor;

/// What is trained: exactly one key says so.
pub(super) fn model(config: &Config, training: &Training) -> Result<ModelSettings, Vec<Issue>> {
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
    let backbone = backbone(spec);
    let mut issues = Vec::new();
    match config.general.model_type.as_deref() {
        Some("deeplab_v3") => {}
        Some("custom") => issues.push(Issue::not_yet("general.model_type", "a custom model")),
        Some(other) => issues.push(
            Issue::invalid("general.model_type", format!("`{other}` is no model type"))
                .with_help("the model types are deeplab_v3 and custom"),
        ),
        // The type is needed by what is built; whether this backbone, once built, needs it, is no question yet.
        None if backbone.as_ref().is_some_and(|issue| issue.kind == IssueKind::NotYet) => {
            return Err(Vec::from_iter(backbone));
        }
        None => issues.push(
            Issue::missing("general.model_type", "a network of the zoo has a type")
                .with_help("write `model_type: deeplab_v3` under `general`"),
        ),
    }
    issues.extend(backbone);
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
pub(super) fn channels(model: &ModelSettings, preprocessing: &Preprocessor) -> Option<Issue> {
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
