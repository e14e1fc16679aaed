//! Sources: what comes into a plan from outside.

use crate::{ArtifactKind, Config, Finding, Issue, IssueKind};
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
    /// `.tflite` is a quantized one. Nothing is opened here.
    ///
    /// # Errors
    /// No path, no such file, a format or a place (a URL) that cannot be read yet.
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

    /// The model file `path` that `key` names. Users call it by the last part of the key.
    ///
    /// # Errors
    /// No such file, a format or a place (a URL) that cannot be read yet.
    pub fn model_at(path: &Path, key: &str) -> Result<Self, Vec<Issue>> {
        let text = path.to_string_lossy();
        if text.starts_with("http://") || text.starts_with("https://") {
            return Err(vec![
                Issue::not_yet(key, "a model behind a URL").with_help("download it and name the file"),
            ]);
        }
        let extension =
            path.extension().map(|e| e.to_string_lossy().to_ascii_lowercase()).unwrap_or_default();
        let kind = match extension.as_str() {
            "h5" | "keras" => ArtifactKind::FloatModel,
            "tflite" => ArtifactKind::QuantizedModel,
            "onnx" => {
                return Err(vec![
                    Issue::not_yet(key, "reading .onnx models")
                        .with_help("save the model as .h5 or .keras, or convert it to .tflite"),
                ]);
            }
            _ => {
                return Err(vec![
                    Issue::invalid(key, format!("`{text}` is not a model file this program knows"))
                        .with_help("models are .h5, .keras or .tflite files"),
                ]);
            }
        };
        if !path.is_file() {
            let resolved = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
            let what = if resolved.is_dir() { "is a folder, not a file" } else { "does not exist" };
            let message = format!("the model file `{}` {what}", resolved.display());
            return Err(vec![Issue::new(IssueKind::Path, key, message)]);
        }
        let label = key.rsplit('.').next().unwrap_or(key).to_owned();
        let content = SourceContent::File(path.to_owned());
        Ok(Self { kind, label, key: key.to_owned(), content, findings: Vec::new() })
    }
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
            (Some("https://example.org/model.h5"), IssueKind::NotYet),
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
}
