//! Checking: every object is read and compared with its name, every manifest with its checksum.
//!
//! What is corrupt is removed, so that it is made again; a result that lacks an object goes too, since it is none any more.

use super::{
    Digest, Store, StoreError,
    gc::digest_of,
    os,
    usage::{Entry, Part, StoredResult},
};
use crate::several;
use fs_err as fs;
use serde::Serialize;
use std::collections::BTreeMap;

/// How far a check has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Checking {
    /// Objects that were read.
    pub objects: u64,
    /// Bytes of these.
    pub bytes: u64,
}

/// An object that was corrupt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BadObject {
    /// The digest it should have.
    pub digest: Digest,
    /// What is wrong with it.
    pub problem: String,
    /// What it was: `train: saved_models/best_model.h5`, for each result that has it.
    pub files: Vec<String>,
}

/// A result that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BadResult {
    /// Name of the stage that made it, if that can be read.
    pub stage: Option<String>,
    /// Its fingerprint.
    pub fingerprint: Digest,
    /// What is wrong with it.
    pub problem: String,
    /// Whether it was left where it is, because a run uses it.
    pub in_use: bool,
}

/// What a check found.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Checked {
    /// Objects that were read.
    pub objects: u64,
    /// Bytes of these.
    pub bytes: u64,
    /// Results that were looked at.
    pub results: u64,
    /// Corrupt objects, which are removed.
    pub bad_objects: Vec<BadObject>,
    /// Results that cannot be used: their manifest is garbled, or an object is corrupt or missing. Removed unless in use.
    pub bad_results: Vec<BadResult>,
}

impl Checked {
    /// Whether all was sound.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        self.bad_objects.is_empty() && self.bad_results.is_empty()
    }
}

impl Store {
    /// Reads everything that is stored, on all cores. `tell` hears of progress from several threads.
    ///
    /// # Errors
    /// When this process may not read the store, or cannot remove what is corrupt.
    pub fn check(&self, tell: &(dyn Fn(Checking) + Sync)) -> Result<Checked, StoreError> {
        let entries = self.entries(Part::Objects)?;
        let judged = several::try_answers(&entries, 1, |entry| self.judge(entry, tell))?;
        // Results are read after objects: one that was published meanwhile has objects that were not listed.
        let results = self.results()?;
        let mut checked = Checked { results: results.len() as u64, ..Checked::default() };
        let mut bad = BTreeMap::new();
        for Judged { bytes, digest, problem } in judged.into_iter().flatten() {
            checked.objects += 1;
            checked.bytes += bytes;
            if let Some(problem) = problem {
                bad.insert(digest, problem);
            }
        }
        checked.bad_results = self.unusable(&results, &bad)?;
        checked.bad_objects = bad
            .into_iter()
            .map(|(digest, problem)| BadObject { files: files(&results, &digest), digest, problem })
            .collect();
        Ok(checked)
    }

    /// Reads an object and removes it if it is corrupt. Nothing for one that has gone away meanwhile, and for what is none.
    fn judge(&self, entry: &Entry, tell: &(dyn Fn(Checking) + Sync)) -> Result<Option<Judged>, StoreError> {
        let Some(digest) = digest_of(entry) else { return Ok(None) };
        let problem = match self.inspect(&digest) {
            Err(StoreError::Missing { .. }) => return Ok(None),
            inspected => inspected?,
        };
        tell(Checking { objects: 1, bytes: entry.bytes });
        Ok(Some(Judged { bytes: entry.bytes, digest, problem }))
    }

    /// The results that cannot be used, which are removed unless a run uses them.
    fn unusable(
        &self,
        results: &[StoredResult],
        bad: &BTreeMap<Digest, String>,
    ) -> Result<Vec<BadResult>, StoreError> {
        let mut unusable = Vec::new();
        for result in results {
            let Some(problem) = self.problem(result, bad) else { continue };
            let alone = self.alone()?;
            let in_use = self.names_in_use(&alone)?.contains(&result.fingerprint);
            let is_same = fs::symlink_metadata(&result.entry.path)
                .and_then(|metadata| metadata.modified())
                .is_ok_and(|modified| modified == result.entry.used);
            if !in_use && is_same {
                let path = &result.entry.path;
                os::remove(path).map_err(|error| StoreError::io("remove", path, error))?;
            }
            let stage = result.manifest.as_ref().ok().map(|manifest| manifest.key.stage.clone());
            unusable.push(BadResult { stage, fingerprint: result.fingerprint, problem, in_use });
        }
        Ok(unusable)
    }

    /// Why a result cannot be used.
    fn problem(&self, result: &StoredResult, bad: &BTreeMap<Digest, String>) -> Option<String> {
        let manifest = match &result.manifest {
            Ok(manifest) => manifest,
            // Results of another version of this program are its own business.
            Err(_) => return result.damage().map(str::to_owned),
        };
        manifest.files.iter().find_map(|file| {
            if bad.contains_key(&file.digest) {
                Some(format!("`{}` is corrupt", file.path))
            } else if !self.has_object(&file.digest, file.size) {
                Some(format!("`{}` is missing or has another size", file.path))
            } else {
                None
            }
        })
    }
}

/// An object that was read.
struct Judged {
    bytes: u64,
    digest: Digest,
    problem: Option<String>,
}

/// What the object is in each result that has it.
fn files(results: &[StoredResult], digest: &Digest) -> Vec<String> {
    let manifests = results.iter().filter_map(|result| result.manifest.as_ref().ok());
    let files =
        manifests.flat_map(|manifest| manifest.files.iter().map(move |file| (&manifest.key.stage, file)));
    files
        .filter(|(_, file)| file.digest == *digest)
        .map(|(stage, file)| format!("{stage}: {}", file.path))
        .collect()
}
