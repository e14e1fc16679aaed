//! Completions: what a finished run left, so that the same command again need not look at each of its results.
//!
//! `runs/KEY.json`, where the key is of everything that decides what a run leaves: the configuration as it was written, the
//! changes to it, the environment variables that these name, the working directory, and the recipe of each stage.

use super::{Digest, Store, StoreError, document, failpoint, os::Stamp, usage};
use crate::several::all;
use fs_err as fs;
use serde::{Deserialize, Serialize};
use std::{
    io::{self, ErrorKind},
    path::{Path, PathBuf},
};

/// Version of the completion's format.
const FORMAT: u32 = 1;

/// What a finished run left.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Completion {
    format: u32,
    /// The run folder, absolute.
    folder: PathBuf,
    /// The fingerprints of its stages.
    results: Vec<Digest>,
    files: Vec<Left>,
}

/// A file in the run folder, or a copy of one elsewhere, and what its object is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Left {
    /// Its path below the run folder, or an absolute one.
    path: String,
    digest: Digest,
    bytes: u64,
    /// What the file looked like when the run had ended.
    stamp: Stamp,
}

impl Completion {
    /// What lies in `folder` now: the results of `fingerprints`, and `files` by path, digest and size.
    ///
    /// # Errors
    /// When a file is gone already or cannot be looked at.
    pub fn of(
        folder: &Path,
        fingerprints: impl IntoIterator<Item = Digest>,
        files: impl IntoIterator<Item = (String, Digest, u64)>,
    ) -> io::Result<Self> {
        let folder = std::path::absolute(folder)?;
        let left = |(path, digest, bytes): (String, Digest, u64)| {
            let stamp = Stamp::of(&folder.join(&path))?.ok_or(ErrorKind::NotFound)?;
            Ok(Left { path, digest, bytes, stamp })
        };
        let files: io::Result<Vec<Left>> = files.into_iter().map(left).collect();
        Ok(Self { format: FORMAT, files: files?, results: fingerprints.into_iter().collect(), folder })
    }

    /// The run folder, absolute.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// How many results it has.
    #[must_use]
    pub fn results(&self) -> usize {
        self.results.len()
    }
}

impl Store {
    /// What a finished run of this key left, if all of it is still there: its files as they were, and in the store its
    /// results with every object in its size.
    #[must_use]
    pub fn completion(&self, key: &Digest) -> Option<Completion> {
        let path = self.named(FOLDER, key, ".json");
        let text = fs::read(&path).ok()?;
        let completion: Completion = document::unseal(&text).ok()?;
        if completion.format != FORMAT || !self.has_all_of(&completion) {
            return None;
        }
        // Its results are used without being looked up.
        if usage::note(&path) {
            for fingerprint in &completion.results {
                usage::note(&self.named("actions", fingerprint, ".json"));
            }
        }
        Some(completion)
    }

    fn has_all_of(&self, completion: &Completion) -> bool {
        let has_result = |fingerprint: &Digest| self.named("actions", fingerprint, ".json").is_file();
        let has_file = |file: &Left| {
            let place = completion.folder.join(&file.path);
            Stamp::of(&place).is_ok_and(|found| found == Some(file.stamp))
                && self.has_object(&file.digest, file.bytes)
        };
        completion.folder.is_dir()
            && all(&completion.results, ALONE, has_result)
            && all(&completion.files, ALONE, has_file)
    }

    /// Remembers what a finished run left.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub fn save_completion(&self, key: &Digest, completion: &Completion) -> Result<(), StoreError> {
        self.replace(
            &self.named(FOLDER, key, ".json"),
            document::seal(completion)?.as_bytes(),
            || failpoint::hit("store::completion_before_rename"),
            || (),
        )
    }
}

/// The folder of completions.
pub(super) const FOLDER: &str = "runs";

/// Files that one thread has looked at before others have started.
pub(super) const ALONE: usize = 200;

#[cfg(test)]
mod tests {
    use super::*;

    /// A store, a run folder with one file, and what its run left.
    fn finished() -> (tempfile::TempDir, Store, Digest, PathBuf) {
        let root = tempfile::tempdir().unwrap();
        let store = Store::open(Some(root.path().join("store"))).unwrap();
        let (key, fingerprint, object) = (Digest::of(b"key"), Digest::of(b"work"), Digest::of(b"weights"));
        let file = root.path().join("run/model.h5");
        for (path, text) in [
            (&file, "weights"),
            (&store.object_path(&object), "weights"),
            (&store.named("actions", &fingerprint, ".json"), "{}"),
        ] {
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        let files = [("model.h5".to_owned(), object, 7)];
        let completion = Completion::of(&root.path().join("run"), [fingerprint], files).unwrap();
        store.save_completion(&key, &completion).unwrap();
        assert_eq!(store.completion(&key), Some(completion));
        (root, store, key, file)
    }

    #[test]
    fn a_completion_is_known_by_its_key_alone() {
        let (_root, store, _, _) = finished();
        assert_eq!(store.completion(&Digest::of(b"other")), None);
    }

    #[test]
    fn a_file_that_was_edited_or_is_gone_ends_it() {
        let (_root, store, key, file) = finished();
        let edited = fs::File::options().write(true).open(&file).unwrap();
        edited.file().set_modified(std::time::UNIX_EPOCH).unwrap();
        assert_eq!(store.completion(&key), None);
        fs::remove_file(&file).unwrap();
        assert_eq!(store.completion(&key), None);
    }

    #[test]
    fn a_result_or_an_object_that_is_gone_or_short_ends_it() {
        let (_root, store, key, _) = finished();
        let object = store.object_path(&Digest::of(b"weights"));
        fs::write(&object, "weigh").unwrap();
        assert_eq!(store.completion(&key), None);
        fs::write(&object, "weights").unwrap();
        assert!(store.completion(&key).is_some());
        fs::remove_file(store.named("actions", &Digest::of(b"work"), ".json")).unwrap();
        assert_eq!(store.completion(&key), None);
    }

    #[test]
    fn a_garbled_completion_is_none() {
        let (_root, store, key, _) = finished();
        let path = store.named(FOLDER, &key, ".json");
        fs::write(&path, fs::read_to_string(&path).unwrap().replace("model", "nodel")).unwrap();
        assert_eq!(store.completion(&key), None);
    }
}
