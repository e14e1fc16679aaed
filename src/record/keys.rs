//! `.hydra/keys.json`: what the stages of a run depend on, written once when it starts, so that it can be explained later.
//!
//! Settings may hold what the environment keeps secret, so only the owner can read it.

use super::{RecordError, RunFolder, RunRecord};
use crate::store::{Digest, InputKey, Manifest, Store, Stored};
use contract::{ArtifactKind, Settings};
use fs_err as fs;
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, io::ErrorKind, path::Path};

/// The keys of a run's stages.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunKeys {
    /// Version of this format, [`RunKeys::FORMAT`].
    pub format: u32,
    /// The stages in the order of the plan.
    pub stages: Vec<StageKey>,
}

/// All that decides what a stage makes, as far as it is known, and what the store had of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StageKey {
    /// Its name in the plan.
    pub name: String,
    /// Its name in the registry.
    pub stage: String,
    /// Version of the stage.
    pub version: u32,
    /// Its settings.
    pub settings: Settings,
    /// The device class, for stages whose results depend on it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device: Option<String>,
    /// Its inputs by port.
    #[serde(default)]
    pub inputs: BTreeMap<String, InputOrigin>,
    /// Its fingerprint, where all inputs exist.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fingerprint: Option<Digest>,
    /// What the store had.
    pub found: Found,
}

/// An input and where it comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InputOrigin {
    /// What it is.
    pub kind: ArtifactKind,
    /// Digest of its content, as in a [`crate::store::KeyDocument`]; none before it exists.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<Digest>,
    /// Where it comes from; none where only a stored result tells of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Origin>,
}

/// Where an input comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// From outside.
    Source {
        /// What users call it.
        label: String,
        /// The configuration key that names it.
        key: String,
        /// The path of a single file or folder.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        path: Option<String>,
    },
    /// Another stage makes it.
    Stage {
        /// That stage's name in the plan.
        name: String,
        /// Which of its outputs.
        output: String,
    },
}

/// What the store had of a stage when the run started.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Found {
    /// Its result.
    Result,
    /// Nothing.
    Nothing,
    /// A result that could not be used, and why.
    Damaged(String),
    /// Its inputs did not exist, so there was nothing to look for.
    Unknown,
}

impl RunKeys {
    /// The version this program writes.
    pub const FORMAT: u32 = 1;

    /// Fills in what was not known when the run started: fingerprints from its record, and the content of what stages made
    /// from the results that the store has of them.
    pub fn complete(&mut self, record: &RunRecord, store: &Store) {
        let ended: BTreeMap<&str, Digest> = record
            .stages
            .iter()
            .filter_map(|stage| Some((stage.name.as_str(), stage.fingerprint?)))
            .collect();
        let mut results: BTreeMap<String, Option<Manifest>> = BTreeMap::new();
        for stage in &mut self.stages {
            stage.fingerprint = ended.get(stage.name.as_str()).copied().or(stage.fingerprint);
            let made = |fingerprint: Digest| store.lookup(&fingerprint).ok().and_then(Stored::manifest);
            for (port, input) in stage.inputs.iter_mut().filter(|(_, input)| input.digest.is_none()) {
                let Some(Origin::Stage { name, output }) = &input.from else { continue };
                let maker = results
                    .entry(name.clone())
                    .or_insert_with(|| ended.get(name.as_str()).copied().and_then(made));
                let made_by = maker.as_ref().and_then(|maker| {
                    let made = maker.outputs.get(output)?;
                    Some(InputKey::file(made.kind, &made.path, made.digest).ok()?.digest)
                });
                // The stage's own result tells of its inputs too, where what made them is gone.
                input.digest = made_by.or_else(|| {
                    let own = made(stage.fingerprint?)?;
                    own.key.inputs.get(port).map(|key| key.digest)
                });
            }
        }
    }

    /// The stage of a name.
    #[must_use]
    pub fn stage(&self, name: &str) -> Option<&StageKey> {
        self.stages.iter().find(|stage| stage.name == name)
    }
}

impl StageKey {
    /// What a stored result tells.
    #[must_use]
    pub fn of(manifest: &Manifest) -> Self {
        let key = &manifest.key;
        let input = |(port, input): (&String, &InputKey)| {
            (port.clone(), InputOrigin { kind: input.kind, digest: Some(input.digest), from: None })
        };
        Self {
            name: key.stage.clone(),
            stage: key.stage.clone(),
            version: key.version,
            settings: key.settings.clone(),
            device: key.device.clone(),
            inputs: key.inputs.iter().map(input).collect(),
            fingerprint: key.fingerprint().ok(),
            found: Found::Result,
        }
    }
}

impl RunFolder {
    /// Writes `.hydra/keys.json`, for its owner alone.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write_keys(&self, keys: &RunKeys) -> Result<(), RecordError> {
        let path = self.path().join(KEYS);
        let json = serde_json::to_vec(keys)
            .map_err(|error| RecordError::NotWritable { path: path.clone(), what: error.to_string() })?;
        self.replace_with(&path, &json, super::folder::OWNER_ONLY)
    }
}

/// Where [`RunFolder::write_keys`] writes, below the run folder.
const KEYS: &str = ".hydra/keys.json";

/// Reads `.hydra/keys.json` of the run in `folder`; none where there is no such file.
///
/// # Errors
/// When it is there and cannot be read, or was written by a newer program.
pub fn read_keys(folder: &Path) -> Result<Option<RunKeys>, RecordError> {
    let path = folder.join(KEYS);
    let text = match fs::read(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(RecordError::io("read", path, error)),
    };
    let keys: RunKeys = serde_json::from_slice(&text)
        .map_err(|error| RecordError::NotReadable { path: path.clone(), what: error.to_string() })?;
    match keys.format {
        RunKeys::FORMAT => Ok(Some(keys)),
        format => {
            let known = RunKeys::FORMAT;
            Err(RecordError::NotReadable {
                path,
                what: format!("it has format {format} and this program knows {known}"),
            })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn keys_read_back_and_are_their_owners_alone() {
        let root = tempfile::tempdir().unwrap();
        let run = RunFolder::create(root.path().join("run").to_str().unwrap()).unwrap();
        assert_eq!(read_keys(run.path()).unwrap(), None);
        let model = Origin::Stage { name: "train".to_owned(), output: "model".to_owned() };
        let input = InputOrigin { kind: ArtifactKind::FloatModel, digest: None, from: Some(model) };
        let stage = StageKey {
            name: "quantize-2".to_owned(),
            stage: "quantize".to_owned(),
            version: 3,
            settings: Settings::of(&serde_json::json!({"rate": 1e-3})),
            device: Some("a processor".to_owned()),
            inputs: BTreeMap::from([("model".to_owned(), input)]),
            fingerprint: Some(Digest::of(b"fingerprint")),
            found: Found::Damaged("an object is gone".to_owned()),
        };
        let keys = RunKeys { format: RunKeys::FORMAT, stages: vec![stage] };
        run.write_keys(&keys).unwrap();
        assert_eq!(read_keys(run.path()).unwrap(), Some(keys));
        let path = run.path().join(KEYS);
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);

        let text = fs::read_to_string(&path).unwrap();
        fs::write(&path, text.replace("\"format\":1", "\"format\":2")).unwrap();
        let error = read_keys(run.path()).unwrap_err().to_string();
        assert!(error.ends_with("it has format 2 and this program knows 1"), "{error}");
    }
}
