//! State of unfinished work: checkpoints that outlive an attempt.

use super::{Digest, FingerprintLock, Store, StoreError, failpoint};
use fs_err as fs;
use std::{io::ErrorKind, path::PathBuf};

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

    /// Removes the checkpoints of work that is published. The folder is moved away first: should the process die while
    /// deleting, no later attempt finds half of it.
    ///
    /// # Errors
    /// When it cannot be moved away.
    pub fn clear_partial(&self, lock: &FingerprintLock) -> Result<(), StoreError> {
        let path = self.named("partial", &lock.fingerprint(), "");
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
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checkpoints_stay_until_they_are_cleared() {
        let root = tempfile::tempdir().unwrap();
        let store = Store::open(Some(root.path().to_owned())).unwrap();
        let fingerprint = Digest::of(b"work");
        fs::write(store.partial(&fingerprint).unwrap().join("epoch-3"), "state").unwrap();
        let again = Store::open(Some(root.path().to_owned())).unwrap().partial(&fingerprint).unwrap();
        assert_eq!(fs::read_to_string(again.join("epoch-3")).unwrap(), "state");

        let lock = store.try_lock(&fingerprint).unwrap().unwrap();
        store.clear_partial(&lock).unwrap();
        assert!(!again.exists());
        store.clear_partial(&lock).unwrap();
        assert_eq!(fs::read_dir(store.partial(&fingerprint).unwrap()).unwrap().count(), 0);
    }
}
