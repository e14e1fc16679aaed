//! What is trained.

use super::ModelSettings;
use contract::{
    Issue, IssueKind,
    config::{ModelSpec, Training},
};
use dataset::Preprocessor;
use serde_json::json;

/// What is trained, as far as it is built; what the file says of it was looked at before.
pub(super) fn model(training: &Training) -> Result<ModelSettings, Vec<Issue>> {
    match &training.model {
        Some(spec) if spec.is_custom() => Ok(custom(spec)),
        // What is missing was told where values are looked at.
        Some(spec) => zoo_model(spec).ok_or_else(Vec::new),
        None if training.resume_training_from.is_some() => Ok(ModelSettings::Training),
        // Named by `general.model_path`, or made by another stage: that there is one is told where the port is bound.
        None => Ok(ModelSettings::File),
    }
}

fn zoo_model(spec: &ModelSpec) -> Option<ModelSettings> {
    let &ModelSpec { input_shape, output_stride, aspp, .. } = spec;
    if spec.name == "resnet50" {
        return Some(ModelSettings::DeeplabV3Resnet50 { input_shape, output_stride, aspp });
    }
    Some(ModelSettings::DeeplabV3MobilenetV2 { input_shape, alpha: spec.alpha?, output_stride, aspp })
}

/// The network that users begin with who describe their own.
const EXAMPLE: &str = include_str!("../../../../pipelines/models/custom.yaml");

/// A network of the user's own. All keys of `training.model` are arguments of its template, also those that mean something
/// for the zoo.
fn custom(spec: &ModelSpec) -> ModelSettings {
    let ModelSpec { input_shape, output_stride, aspp, alpha, version, arguments, file, .. } = spec;
    let mut arguments = arguments.clone();
    arguments.insert("output_stride".to_owned(), json!(output_stride));
    arguments.insert("aspp".to_owned(), json!(aspp));
    arguments.extend(alpha.map(|alpha| ("alpha".to_owned(), json!(alpha))));
    arguments.extend(version.iter().map(|version| ("version".to_owned(), json!(version))));
    let layers = file.is_none().then(|| EXAMPLE.to_owned());
    ModelSettings::Custom { input_shape: *input_shape, arguments, layers }
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
