//! `sweep.json`: what a sweep tries, and what came of each variant.
//!
//! It lies in the sweep's folder, beside one complete run folder for each variant (`0/run.json`, `1/run.json` ...), and is
//! replaced as a whole, so that a reader sees the old one or the new one.

use super::{Outcome, RecordError, RunFolder};
use fs_err as fs;
use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::{
    io::ErrorKind,
    path::{Path, PathBuf},
};

/// The sweep's record in its folder.
pub(super) const SWEEP: &str = "sweep.json";

/// The record of a sweep.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SweepRecord {
    /// Version of this format, [`SweepRecord::FORMAT`].
    pub format: u32,
    /// The sweep folder's name.
    pub id: String,
    /// The configuration file, as it was named.
    pub file: String,
    /// The mode word.
    pub operation_mode: String,
    /// The working directory it was started in, absolute: what relative paths of the configuration are relative to.
    #[serde(default)]
    pub directory: PathBuf,
    /// When it started, RFC 3339, UTC.
    pub started: String,
    /// When it ended; null while it runs, or when it was killed.
    pub finished: Option<String>,
    /// How it ended: failed where one variant did.
    pub outcome: Outcome,
    /// The swept keys, in the order in which they were given.
    pub keys: Vec<String>,
    /// The variants, in order; all of them from the start.
    pub variants: Vec<VariantRecord>,
}

/// A variant of a sweep.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct VariantRecord {
    /// Its run folder, below the sweep's.
    pub folder: String,
    /// All changes to the configuration that make it, as the command line of `pipeline run` takes them.
    pub overrides: Vec<String>,
    /// The value of each swept key; a value that is no plain number, word or truth value is the text that was written.
    pub values: IndexMap<String, Value>,
    /// How it ended; `running` while it has not.
    pub outcome: Outcome,
    /// What it failed of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<VariantError>,
}

/// Why a variant failed: its first failure.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VariantError {
    /// The stage, as the variant's own run calls it.
    pub stage: String,
    /// Stable code.
    pub code: String,
    /// What happened.
    pub message: String,
}

impl SweepRecord {
    /// The version this program writes.
    pub const FORMAT: u32 = 1;

    /// The record of the sweep in `folder`; none where there is no `sweep.json`.
    ///
    /// # Errors
    /// That it cannot be read, or is no record.
    pub fn read(folder: &Path) -> Result<Option<Self>, RecordError> {
        let path = folder.join(SWEEP);
        let text = match fs::read(&path) {
            Ok(text) => text,
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
                return Ok(None);
            }
            Err(error) => return Err(RecordError::io("read", path, error)),
        };
        #[derive(Deserialize)]
        struct Version {
            format: u32,
        }
        let known = Self::FORMAT;
        let read = match serde_json::from_slice(&text) {
            Ok(Version { format }) if format > known => {
                Err(format!("it has format {format} and this program knows {known}"))
            }
            _ => {
                serde_json::from_slice(&text).map_err(|error| format!("it is no record of a sweep: {error}"))
            }
        };
        read.map(Some).map_err(|what| RecordError::NotReadable { path, what })
    }

    /// The variant whose run folder has this name.
    #[must_use]
    pub fn variant(&self, folder: &str) -> Option<&VariantRecord> {
        self.variants.iter().find(|variant| variant.folder == folder)
    }

    /// How many variants ended so.
    #[must_use]
    pub fn count(&self, outcome: Outcome) -> usize {
        self.variants.iter().filter(|variant| variant.outcome == outcome).count()
    }
}

impl RunFolder {
    /// Replaces `sweep.json`.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn save_sweep(&self, record: &SweepRecord) -> Result<(), RecordError> {
        let path = self.path().join(SWEEP);
        let mut json = serde_json::to_string_pretty(record)
            .map_err(|error| RecordError::NotWritable { path: path.clone(), what: error.to_string() })?;
        json.push('\n');
        self.replace(&path, json.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record() -> SweepRecord {
        let variant = |number: u32, outcome| VariantRecord {
            folder: number.to_string(),
            overrides: vec![format!("training.epochs={number}")],
            values: IndexMap::from([("training.epochs".to_owned(), Value::from(number))]),
            outcome,
            error: None,
        };
        SweepRecord {
            format: SweepRecord::FORMAT,
            id: "sweep".to_owned(),
            file: "a.yaml".to_owned(),
            operation_mode: "chain_tqe".to_owned(),
            directory: "/somewhere".into(),
            started: "2026-11-22T21:00:00Z".to_owned(),
            finished: None,
            outcome: Outcome::Running,
            keys: vec!["training.epochs".to_owned()],
            variants: vec![variant(1, Outcome::Done), variant(2, Outcome::Running)],
        }
    }

    #[test]
    fn a_record_reads_back_and_a_folder_without_one_is_no_sweep() {
        let root = tempfile::tempdir().unwrap();
        let folder = RunFolder::create(root.path().join("sweep").to_str().unwrap()).unwrap();
        assert_eq!(SweepRecord::read(folder.path()).unwrap(), None);
        let mut record = record();
        record.variants[0].error = Some(VariantError {
            stage: "quantize".to_owned(),
            code: "a::b".to_owned(),
            message: "it broke".to_owned(),
        });
        folder.save_sweep(&record).unwrap();
        assert_eq!(SweepRecord::read(folder.path()).unwrap(), Some(record.clone()));
        assert_eq!((record.count(Outcome::Done), record.count(Outcome::Failed)), (1, 0));
        let text = fs::read_to_string(folder.path().join("sweep.json")).unwrap();
        assert!(text.contains("\"finished\": null"), "{text}");
    }

    #[test]
    fn a_record_of_a_newer_program_and_one_that_is_broken_say_so() {
        let root = tempfile::tempdir().unwrap();
        let message = |text: &str| {
            fs::write(root.path().join(SWEEP), text).unwrap();
            SweepRecord::read(root.path()).unwrap_err().to_string()
        };
        assert!(message("{\"format\": 7}").ends_with("it has format 7 and this program knows 1"));
        assert!(message("{\"format\": 1").contains("it is no record of a sweep: EOF"));
    }
}
