//! State of unfinished work: checkpoints that outlive an attempt.

use super::{Digest, FingerprintLock, Manifest, Store, StoreError, failpoint, os};
use fs_err as fs;
use std::{
    collections::BTreeSet,
    io::ErrorKind,
    path::{Path, PathBuf},
};

impl Store {
    /// The folder for the checkpoints of a fingerprint, made when it is not there. Only who holds the lock of that
    /// fingerprint may write there.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn partial(&self, fingerprint: &Digest) -> Result<PathBuf, StoreError> {
        let path = self.named("partial", fingerprint, "");
        fs::create_dir_all(&path).map_err(|e| StoreError::io("make the folder of checkpoints", &path, e))?;
        Ok(path)
    }

    /// Whether there is a folder for the checkpoints of a fingerprint.
    #[must_use]
    pub fn has_partial(&self, fingerprint: &Digest) -> bool {
        self.named("partial", fingerprint, "").exists()
    }

    /// Removes the folder for the checkpoints of work that ended without a result and left none.
    pub fn tidy_partial(&self, lock: &FingerprintLock) {
        // Fails where there are some, which is the point.
        fs::remove_dir(self.named("partial", &lock.fingerprint(), "")).ok();
    }

    /// Removes the checkpoints of work that is published as `manifest`, which is brought to the disk before: a power cut
    /// must not take both. The folder is moved away first: should the process die while deleting, no later attempt finds
    /// half of it.
    ///
    /// # Errors
    /// When the result cannot be brought to the disk, or the folder cannot be moved away.
    pub fn clear_partial(&self, lock: &FingerprintLock, manifest: &Manifest) -> Result<(), StoreError> {
        let path = self.named("partial", &lock.fingerprint(), "");
        match fs::remove_dir(&path) {
            Ok(()) => return Ok(()),
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
            // There are checkpoints in it.
            Err(_) => self.sync(&lock.fingerprint(), manifest)?,
        }
        let grave = self.attempt()?;
        failpoint::hit("store::partial_before_rename");
        match fs::rename(&path, grave.folder().join("partial")) {
            Ok(()) => {}
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(StoreError::io("clear the checkpoints", &path, error)),
        }
        failpoint::hit("store::partial_after_rename");
        Ok(())
    }

    /// Brings a result to the disk: contents first, then the names that lead to them.
    fn sync(&self, fingerprint: &Digest, manifest: &Manifest) -> Result<(), StoreError> {
        let objects: BTreeSet<PathBuf> =
            manifest.files.iter().map(|file| self.object_path(&file.digest)).collect();
        let folders: BTreeSet<PathBuf> =
            objects.iter().filter_map(|path| path.parent()).map(Path::to_owned).collect();
        let own = [self.root().join("objects"), self.named("actions", fingerprint, ".json")];
        let all = objects.into_iter().chain(folders).chain(own).chain([self.root().join("actions")]);
        for path in all {
            os::sync(&path).map_err(|error| StoreError::io("bring to the disk", &path, error))?;
        }
        Ok(())
    }
}
