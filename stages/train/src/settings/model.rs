//! What is trained.

use super::ModelSettings;
use contract::{
    Config, Issue, IssueKind,
    config::{ModelSpec, Training},
};
use dataset::Preprocessor;

/// What is trained, as far as it is built; what the file says of it was looked at before.
pub(super) fn model(config: &Config, training: &Training) -> Result<ModelSettings, Vec<Issue>> {
    let mut issues = Vec::new();
    let files = [
        ("training.resume_training_from", training.resume_training_from.is_some()),
        ("general.model_path", config.general.model_path.is_some()),
    ];
    for (key, _) in files.into_iter().filter(|(_, given)| *given && training.model.is_none()) {
        issues.push(Issue::not_yet(key, "training that starts from a model file"));
    }
    let settings = training.model.as_ref().and_then(|spec| zoo_model(spec, &mut issues));
    settings.filter(|_| issues.is_empty()).ok_or(issues)
}

fn zoo_model(spec: &ModelSpec, issues: &mut Vec<Issue>) -> Option<ModelSettings> {
    if spec.is_custom() {
        issues.push(Issue::not_yet("training.model.name", "a custom model"));
    }
    if spec.pretrained_weights.is_some() {
        issues.push(Issue::not_yet("training.model.pretrained_weights", "starting from ImageNet weights"));
    }
    if spec.pretrained_model_path.is_some() {
        let key = "training.model.pretrained_model_path";
        issues.push(Issue::not_yet(key, "starting from the backbone of another model"));
    }
    let &ModelSpec { input_shape, output_stride, aspp, .. } = spec;
    if spec.name == "resnet50" {
        return Some(ModelSettings::DeeplabV3Resnet50 { input_shape, output_stride, aspp });
    }
    Some(ModelSettings::DeeplabV3MobilenetV2 { input_shape, alpha: spec.alpha?, output_stride, aspp })
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
