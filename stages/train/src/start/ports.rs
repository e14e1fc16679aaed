//! The ports of what a training starts from, and what the configuration names for them.

use contract::{
    Address, ArtifactKind, Config, Input, InputContent, Issue, IssueKind, Source, SourceContent,
    config::{ModelSpec, PretrainedWeights},
};
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

/// The model to train.
pub(crate) const MODEL: &str = "model";
/// A model, or its weights alone, whose backbone the network takes over.
pub(crate) const BACKBONE: &str = "backbone";
/// The layer list of a network of the user's own.
pub(crate) const LAYERS: &str = "layers";
/// The training to go on with.
pub(crate) const TRAINING: &str = "training";
/// The file with a training inside.
pub(crate) const LAST_AUGMENTED: &str = "last_augmented_model.h5";

/// Where pretrained weights are looked for first.
const WEIGHTS_DIR: &str = "PIPELINE_WEIGHTS_DIR";
/// A mirror of Keras' weights.
const WEIGHTS_URL: &str = "PIPELINE_WEIGHTS_URL";
/// Where Keras fetches its weights from.
const KERAS_WEIGHTS: &str = "https://storage.googleapis.com/tensorflow/keras-applications";

/// What the configuration names for one of these ports.
pub(crate) fn source(port: &str, config: &Config) -> Result<Option<Source>, Vec<Issue>> {
    let Some(training) = &config.training else { return Ok(None) };
    match port {
        MODEL => match (&config.general.model_path, training.nothing_to_train(&config.general)) {
            (_, Some(issue)) => Err(vec![issue]),
            (Some(_), None) => Source::model_file(config, "training").and_then(float).map(Some),
            (None, None) => Ok(None),
        },
        BACKBONE => training.model.as_ref().map_or(Ok(None), backbone),
        LAYERS => training.model.as_ref().filter(|model| model.is_custom()).map_or(Ok(None), layers),
        TRAINING => match &training.resume_training_from {
            Some(path) => training_file(path, &config.general.saved_models_dir).map(Some),
            None => Ok(None),
        },
        _ => Ok(None),
    }
}

/// The file at a port: its own name, and where to read it. None where nothing is bound, or what another stage is yet to
/// make.
pub(crate) fn file<'a>(inputs: &'a BTreeMap<String, Input>, port: &str) -> Option<(&'a str, &'a Path)> {
    match &inputs.get(port)?.content {
        InputContent::File { name, path } => Some((name, path)),
        InputContent::Source(_) => None,
    }
}

fn layers(model: &ModelSpec) -> Result<Option<Source>, Vec<Issue>> {
    const KEY: &str = "training.model.file";
    let Some(path) = &model.file else { return Ok(None) };
    if !path.is_file() {
        let resolved = std::path::absolute(path).unwrap_or_else(|_| path.clone());
        let what = if resolved.is_dir() { "is a folder, not a file" } else { "does not exist" };
        let message = format!("the layer list `{}` {what}", resolved.display());
        return Err(vec![Issue::new(IssueKind::Path, KEY, message)]);
    }
    Ok(Some(Source {
        kind: ArtifactKind::File,
        label: "layer list".to_owned(),
        key: KEY.to_owned(),
        content: SourceContent::File(path.clone()),
        findings: Vec::new(),
    }))
}

fn float(source: Source) -> Result<Source, Vec<Issue>> {
    if source.kind == ArtifactKind::FloatModel {
        return Ok(source);
    }
    let issue = Issue::invalid(source.key, "this model is quantized, and training moves floats");
    Err(vec![issue.with_help("name the float model (.h5) it was made of")])
}

fn backbone(model: &ModelSpec) -> Result<Option<Source>, Vec<Issue>> {
    match (&model.pretrained_model_path, model.pretrained_weights) {
        // That there cannot be both is told where values are looked at.
        (Some(path), _) => {
            Source::model_at(path, "training.model.pretrained_model_path").and_then(float).map(Some)
        }
        (None, Some(PretrainedWeights::Imagenet)) => imagenet(model, &weights_folders()).map(Some),
        (None, None) => Ok(None),
    }
}

/// The folders that pretrained weights are looked for in, in this order: the one that the environment names, and Keras'
/// own.
fn weights_folders() -> Vec<PathBuf> {
    let named = std::env::var_os(WEIGHTS_DIR).filter(|folder| !folder.is_empty()).map(PathBuf::from);
    let keras = std::env::home_dir().map(|home| home.join(".keras/models"));
    named.into_iter().chain(keras).collect()
}

/// The file of Keras with the weights of a backbone trained on ImageNet: in one of the folders, else to be fetched into the
/// first of them.
pub(crate) fn imagenet(model: &ModelSpec, folders: &[PathBuf]) -> Result<Source, Vec<Issue>> {
    const KEY: &str = "training.model.pretrained_weights";
    // A backbone that there is not, or has no weights, is told where values are looked at.
    let Some((family, name)) = imagenet_file(model) else { return Err(Vec::new()) };
    let found = folders.iter().map(|folder| folder.join(&name)).find(|path| path.is_file());
    let content = match found {
        Some(path) => SourceContent::File(path),
        None => SourceContent::Remote {
            address: weights_address(family, &name, KEY)?,
            place: Some(weights_place(folders, &name, KEY)?),
        },
    };
    Ok(Source {
        kind: ArtifactKind::FloatModel,
        label: "pretrained_weights".to_owned(),
        key: KEY.to_owned(),
        content,
        findings: Vec::new(),
    })
}

fn weights_address(family: &str, name: &str, key: &str) -> Result<Address, Vec<Issue>> {
    let named = std::env::var(WEIGHTS_URL).ok().filter(|url| !url.is_empty());
    let base = named.as_deref().unwrap_or(KERAS_WEIGHTS).trim_end_matches('/');
    Address::parse(&format!("{base}/{family}/{name}")).ok_or_else(|| {
        let issue = Issue::invalid(key, format!("the variable {WEIGHTS_URL} holds no http or https address"));
        vec![issue.with_help(format!("name a mirror of {KERAS_WEIGHTS}, or unset it"))]
    })
}

fn weights_place(folders: &[PathBuf], name: &str, key: &str) -> Result<PathBuf, Vec<Issue>> {
    folders.first().map(|folder| folder.join(name)).ok_or_else(|| {
        let issue = Issue::new(IssueKind::Path, key, format!("there is no folder for the file `{name}`"));
        vec![issue.with_help(format!("set {WEIGHTS_DIR} to a folder"))]
    })
}

/// The name of Keras' file, behind that of the family that it is one of.
fn imagenet_file(model: &ModelSpec) -> Option<(&'static str, String)> {
    if model.name == "resnet50" {
        return Some(("resnet", "resnet50_weights_tf_dim_ordering_tf_kernels_notop.h5".to_owned()));
    }
    // As Python prints the float: 1.0, not 1.
    let alpha = model.alpha.filter(|_| model.name == "mobilenet").map(|alpha| format!("{alpha:?}"))?;
    let (height, width, _) = model.input_shape;
    let size = if height == width && [96, 128, 160, 192].contains(&height) { height } else { 224 };
    let name = format!("mobilenet_v2_weights_tf_dim_ordering_tf_kernels_{alpha}_{size}_no_top.h5");
    Some(("mobilenet_v2", name))
}

/// The training that `resume_training_from` names: a file, or a run folder that has one.
fn training_file(path: &Path, saved_models: &str) -> Result<Source, Vec<Issue>> {
    const KEY: &str = "training.resume_training_from";
    const HELP: &str = "name the last_augmented_model.h5 of a run, or the run folder";
    if path.is_dir() {
        let places = [path.join(saved_models), path.join(contract::layout::SAVED_MODELS), path.to_owned()];
        let found = places.iter().map(|folder| folder.join(LAST_AUGMENTED)).find(|file| file.is_file());
        let Some(file) = found else {
            let resolved = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
            let message =
                format!("the folder `{}` has no {saved_models}/{LAST_AUGMENTED}", resolved.display());
            return Err(vec![Issue::new(IssueKind::Path, KEY, message).with_help(HELP)]);
        };
        return Source::model_at(&file, KEY);
    }
    let source = Source::model_at(path, KEY)?;
    let name = match &source.content {
        SourceContent::Remote { address, .. } => address.to_string(),
        _ => path.display().to_string(),
    };
    if name.to_ascii_lowercase().ends_with(".h5") {
        return Ok(source);
    }
    let message = format!("`{name}` holds no training to go on with");
    Err(vec![Issue::invalid(KEY, message).with_help(HELP)])
}
