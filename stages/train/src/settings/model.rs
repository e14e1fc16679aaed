//! What is trained.

use super::ModelSettings;
use contract::{
    Issue, IssueKind,
    config::{ModelSpec, Training},
};
use dataset::Preprocessor;

/// What is trained, as far as it is built; what the file says of it was looked at before.
pub(super) fn model(training: &Training) -> Result<ModelSettings, Vec<Issue>> {
    match &training.model {
        Some(spec) => {
            let mut issues = Vec::new();
            let settings = zoo_model(spec, &mut issues);
            settings.filter(|_| issues.is_empty()).ok_or(issues)
        }
        None if training.resume_training_from.is_some() => Ok(ModelSettings::Training),
        // Named by `general.model_path`, or made by another stage: that there is one is told where the port is bound.
        None => Ok(ModelSettings::File),
    }
}

fn zoo_model(spec: &ModelSpec, issues: &mut Vec<Issue>) -> Option<ModelSettings> {
    if spec.is_custom() {
        issues.push(Issue::not_yet("training.model.name", "a custom model"));
    }
    let &ModelSpec { input_shape, output_stride, aspp, .. } = spec;
    if spec.name == "resnet50" {
        return Some(ModelSettings::DeeplabV3Resnet50 { input_shape, output_stride, aspp });
    }
    Some(ModelSettings::DeeplabV3MobilenetV2 { input_shape, alpha: spec.alpha?, output_stride, aspp })
}

/// The network reads as many channels as preprocessing makes. A model file is looked at before the run.
pub(super) fn channels(model: &ModelSettings, preprocessing: &Preprocessor) -> Option<Issue> {
    let (_, _, channels) = model.input_shape()?;
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
