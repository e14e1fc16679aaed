//! Where a stage's files go in the run folder.

use super::RecordError;
use contract::layout::{LOGS, QUANTIZED_MODELS, SAVED_MODELS, STAGE};
use std::path::{Component, Path};

/// The user's names for the folders of models and logs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    saved_models: String,
    logs: String,
    quantized_models: String,
}

/// What the run folder keeps for itself.
const RESERVED: [&str; 4] = [".hydra", "run.json", "events.jsonl", "stm32ai_main.log"];

impl Layout {
    /// The layout by `general.saved_models_dir`, `general.logs_dir` and `quantization.export_dir`. A name may have
    /// several parts (`models/best`).
    ///
    /// # Errors
    /// [`RecordError::BadFolder`] for a name that is empty, absolute, leads out of the run folder with `..`, or is taken
    /// by the run folder's own files.
    pub fn new(saved_models_dir: &str, logs_dir: &str, export_dir: &str) -> Result<Self, RecordError> {
        Ok(Self {
            saved_models: folder("general.saved_models_dir", saved_models_dir)?,
            logs: folder("general.logs_dir", logs_dir)?,
            quantized_models: folder("quantization.export_dir", export_dir)?,
        })
    }

    /// The place below the run folder of a stage's file: `_stage/x` goes to `NODE/x`, the folders of models and logs get
    /// the user's names. Where the plan has several nodes of the stage, everything goes below `NODE/`.
    ///
    /// # Errors
    /// [`RecordError::BadArtifact`] for a path that leads out of the stage's folder.
    pub fn place(&self, node: &str, several: bool, path: &str) -> Result<String, RecordError> {
        let bad = || RecordError::BadArtifact { node: node.to_owned(), path: path.to_owned() };
        let parts = parts(path).filter(|parts| !parts.is_empty()).ok_or_else(bad)?;
        let (root, rest) = match parts.split_first() {
            Some((root, rest)) if !rest.is_empty() => (*root, rest.join("/")),
            // A file beside the top folders: it goes with the rest of the node's own files.
            _ => (STAGE, parts.join("/")),
        };
        let folder = match root {
            STAGE => return Ok(format!("{node}/{rest}")),
            SAVED_MODELS => &self.saved_models,
            LOGS => &self.logs,
            QUANTIZED_MODELS => &self.quantized_models,
            _ => return Ok(format!("{node}/{}", parts.join("/"))),
        };
        Ok(if several { format!("{node}/{folder}/{rest}") } else { format!("{folder}/{rest}") })
    }

    /// The places below the run folder of the top folders of a stage's output, for who shows a stage's files while it
    /// runs.
    #[must_use]
    pub fn roots(&self, node: &str, several: bool) -> [(&'static str, String); 4] {
        let place = |folder: &str| if several { format!("{node}/{folder}") } else { folder.to_owned() };
        [
            (SAVED_MODELS, place(&self.saved_models)),
            (LOGS, place(&self.logs)),
            (QUANTIZED_MODELS, place(&self.quantized_models)),
            (STAGE, node.to_owned()),
        ]
    }
}

impl Default for Layout {
    fn default() -> Self {
        Self {
            saved_models: SAVED_MODELS.to_owned(),
            logs: LOGS.to_owned(),
            quantized_models: QUANTIZED_MODELS.to_owned(),
        }
    }
}

/// A folder's name from the configuration, in its plain form.
fn folder(key: &'static str, value: &str) -> Result<String, RecordError> {
    let bad = |problem| RecordError::BadFolder {
        key,
        value: value.to_owned(),
        problem,
        help: "name a folder inside the run folder, such as `saved_models`",
    };
    if Path::new(value).is_absolute() {
        return Err(bad("is an absolute path"));
    }
    let parts = parts(value).ok_or_else(|| bad("leads out of the run folder"))?;
    match parts.first() {
        None => Err(bad("names no folder")),
        Some(first) if RESERVED.contains(first) => Err(bad("is a name that the run folder keeps for itself")),
        Some(_) => Ok(parts.join("/")),
    }
}

/// The parts of a relative path that stays where it is; nothing for any other.
fn parts(path: &str) -> Option<Vec<&str>> {
    Path::new(path)
        .components()
        .filter(|part| *part != Component::CurDir)
        .map(|part| match part {
            Component::Normal(name) => name.to_str(),
            _ => None,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn models_and_logs_get_the_users_names_and_the_rest_the_nodes() {
        let layout = Layout::new("models/best", "./my_logs/", "int8").unwrap();
        let place = |path: &str| layout.place("train", false, path).unwrap();
        assert_eq!(place("saved_models/best_model.h5"), "models/best/best_model.h5");
        assert_eq!(place("logs/metrics/train_metrics.csv"), "my_logs/metrics/train_metrics.csv");
        assert_eq!(place("quantized_models/quantized_model.tflite"), "int8/quantized_model.tflite");
        assert_eq!(place("_stage/curves.svg"), "train/curves.svg");
        assert_eq!(place("notes.txt"), "train/notes.txt");
        assert_eq!(place("own/notes.txt"), "train/own/notes.txt");
    }

    #[test]
    fn all_files_of_one_of_several_nodes_lie_below_its_name() {
        let layout = Layout::default();
        let place = |path: &str| layout.place("evaluate-2", true, path).unwrap();
        assert_eq!(place("_stage/metrics.json"), "evaluate-2/metrics.json");
        assert_eq!(place("logs/evaluate.log"), "evaluate-2/logs/evaluate.log");
    }

    #[test]
    fn the_live_roots_are_where_the_files_will_be() {
        for several in [false, true] {
            let layout = Layout::new("m", "l/x", "q").unwrap();
            for (root, place) in layout.roots("train-1", several) {
                let file = layout.place("train-1", several, &format!("{root}/file")).unwrap();
                assert_eq!(file, format!("{place}/file"));
            }
        }
    }

    #[test]
    fn a_folder_outside_of_the_run_folder_is_refused_with_its_key() {
        for (value, problem) in [
            ("/tmp/models", "is an absolute path"),
            ("../models", "leads out of the run folder"),
            ("a/../../b", "leads out of the run folder"),
            ("", "names no folder"),
            (".", "names no folder"),
            (".hydra/models", "is a name that the run folder keeps for itself"),
            ("run.json", "is a name that the run folder keeps for itself"),
        ] {
            let error = Layout::new(value, "logs", "quantized_models").unwrap_err();
            assert_eq!(error.to_string(), format!("`general.saved_models_dir: {value}` {problem}"));
        }
        assert!(Layout::new("a", "/b", "c").unwrap_err().to_string().contains("general.logs_dir"));
        assert!(Layout::new("a", "b", "..").unwrap_err().to_string().contains("quantization.export_dir"));
    }

    #[test]
    fn a_path_of_a_stage_that_leads_out_has_no_place() {
        for path in ["../x", "/etc/passwd", "logs/../../x", ""] {
            assert!(Layout::default().place("train", false, path).is_err(), "{path}");
        }
    }
}
