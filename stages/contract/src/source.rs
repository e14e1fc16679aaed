//! Sources: what comes into a plan from outside.

use crate::{Address, ArtifactKind, Config, Finding, Issue, IssueKind};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::path::{Path, PathBuf};

/// Something a stage reads that no stage of the plan makes.
///
/// The stage's crate enumerates it, the engine digests it: content counts, where it lies does not.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Source {
    /// What it is for the port it binds to.
    pub kind: ArtifactKind,
    /// What users call it, in messages and views: `training set`, `model_path`.
    pub label: String,
    /// The configuration key that names it, for error messages: `dataset.training_files_path`.
    pub key: String,
    /// The files, or how they are made.
    pub content: SourceContent,
    /// What was noticed while enumerating it, shown once per run and never part of a key.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub findings: Vec<Finding>,
}

/// The content of a [`Source`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SourceContent {
    /// One file. Its digest is that of its bytes together with its extension.
    File(PathBuf),
    /// All regular files below a folder. The digest covers their paths relative to it and their bytes.
    Folder(PathBuf),
    /// Images in the order the stage sees them. The digest covers ids, order, bytes, and which files are absent.
    Images(Vec<ImageEntry>),
    /// One file that is elsewhere. The engine fetches it before anything else looks at it, and it is a
    /// [`SourceContent::File`] from then on.
    Remote {
        /// Where it is.
        address: Address,
        /// Where it is to be put. Without one the engine keeps a copy and asks the server each time whether it is still the
        /// newest.
        place: Option<PathBuf>,
    },
    /// Made by the program itself from parameters; the digest is that of the parameters.
    Generated {
        /// Which generator: `shapes`.
        generator: String,
        /// Everything its output depends on, its version and seed included.
        parameters: Map<String, Value>,
    },
}

/// One image of a set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImageEntry {
    /// Name without extension, as listed in the id file.
    pub id: String,
    /// The picture. It may be absent: readers skip it and the digest says so.
    pub image: PathBuf,
    /// The label mask, for stages that need one. It may be absent too.
    pub mask: Option<PathBuf>,
}

impl Source {
    /// The model file that `general.model_path` names, for `stage`: `.h5` and `.keras` are float models,
    /// `.tflite` is a quantized one. Nothing is opened or fetched here.
    ///
    /// # Errors
    /// No path, no such file, a format that cannot be read yet, an address that is none.
    pub fn model_file(config: &Config, stage: &str) -> Result<Self, Vec<Issue>> {
        const KEY: &str = "general.model_path";
        let Some(path) = &config.general.model_path else {
            return Err(vec![
                Issue::missing(KEY, format!("{stage} needs a model to start from"))
                    .with_help("name a .h5, .keras or .tflite file, or let a stage before it make the model"),
            ]);
        };
        Self::model_at(path, KEY)
    }

    /// The model file `path` that `key` names, which may be an http or https address. Users call it by the last part of
    /// the key.
    ///
    /// # Errors
    /// No such file, a format that cannot be read yet, an address that is none.
    pub fn model_at(path: &Path, key: &str) -> Result<Self, Vec<Issue>> {
        let content = match path.to_str().filter(|text| Address::is_meant(text)) {
            Some(text) => SourceContent::Remote { address: address(text, key)?, place: None },
            None => SourceContent::File(path.to_owned()),
        };
        let kind = match &content {
            SourceContent::Remote { address, .. } => {
                model_kind(address.file_name().unwrap_or_default(), key)?
            }
            _ => model_kind(&path.to_string_lossy(), key)?,
        };
        if matches!(content, SourceContent::File(_)) && !path.is_file() {
            let resolved = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
            let what = if resolved.is_dir() { "is a folder, not a file" } else { "does not exist" };
            let message = format!("the model file `{}` {what}", resolved.display());
            return Err(vec![Issue::new(IssueKind::Path, key, message)]);
        }
        let label = key.rsplit('.').next().unwrap_or(key).to_owned();
        Ok(Self { kind, label, key: key.to_owned(), content, findings: Vec::new() })
    }
}

fn address(text: &str, key: &str) -> Result<Address, Vec<Issue>> {
    Address::parse(text).filter(|address| address.file_name().is_some()).ok_or_else(|| {
        let issue = Issue::invalid(key, "this is no address of a file");
        vec![issue.with_help("an address has a host and a path: https://example.org/models/model.h5")]
    })
}

/// What a model file is by its name.
fn model_kind(name: &str, key: &str) -> Result<ArtifactKind, Vec<Issue>> {
    let extension = Path::new(name).extension().map(|e| e.to_string_lossy().to_ascii_lowercase());
    let issue = match extension.as_deref().unwrap_or_default() {
        "h5" | "keras" => return Ok(ArtifactKind::FloatModel),
        "tflite" => return Ok(ArtifactKind::QuantizedModel),
        "onnx" => Issue::not_yet(key, "reading .onnx models")
            .with_help("save the model as .h5 or .keras, or convert it to .tflite"),
        _ => Issue::invalid(key, format!("`{name}` is not a model file this program knows"))
            .with_help("models are .h5, .keras or .tflite files"),
    };
    Err(vec![issue])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn model_file(path: Option<&str>) -> Result<Source, Vec<Issue>> {
        let mut config = Config::default();
        config.general.model_path = path.map(PathBuf::from);
        Source::model_file(&config, "quantize")
    }

    fn only_issue(path: Option<&str>) -> Issue {
        let mut issues = model_file(path).expect_err("this path cannot stand");
        assert_eq!(issues.len(), 1);
        issues.remove(0)
    }

    #[test]
    fn a_model_file_that_is_not_there_is_named_by_its_absolute_path() {
        let issue = only_issue(Some("no/such/model.h5"));
        assert_eq!(issue.kind, IssueKind::Path);
        let resolved = std::path::absolute("no/such/model.h5").expect("a working directory");
        assert!(issue.message.contains(&resolved.display().to_string()), "{}", issue.message);
    }

    #[test]
    fn each_kind_of_model_path_that_cannot_stand_has_its_own_sort_of_issue() {
        let kinds = [
            (None, IssueKind::Missing),
            (Some("https:///model.h5"), IssueKind::Invalid),
            (Some("https://example.org/model.h5/"), IssueKind::Invalid),
            (Some("https://example.org/model.onnx"), IssueKind::NotYet),
            (Some("model.onnx"), IssueKind::NotYet),
            (Some("model.KERAS"), IssueKind::Path),
            (Some("model.pt"), IssueKind::Invalid),
            (Some("model"), IssueKind::Invalid),
        ];
        for (path, kind) in kinds {
            let issue = only_issue(path);
            assert_eq!((issue.kind, issue.key.as_str()), (kind, "general.model_path"), "{path:?}");
        }
    }

    #[test]
    fn a_model_behind_an_address_is_of_the_kind_that_its_name_says_and_nothing_is_fetched() {
        let source =
            model_file(Some("https://me:pass@example.org/raw/model.TFLITE?raw=true")).expect("a source");
        assert_eq!(source.kind, ArtifactKind::QuantizedModel);
        let SourceContent::Remote { address, place: None } = source.content else {
            panic!("{:?}", source.content)
        };
        assert_eq!(address.to_string(), "https://example.org/raw/model.TFLITE");
    }
}
