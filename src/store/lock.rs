//! One lock per piece of work, over threads and processes.
//!
//! It is a kernel lock on a file, which the kernel drops when its holder dies, however it dies: no lock is ever stale.
//! A file goes only when the store has nothing else of that work, by who holds its lock; whoever has opened it before and
//! locks it after sees that it has no name any more, and takes the one that has.

use super::{Digest, Holder, Store, StoreError, failpoint, os};
use fs_err::{File, OpenOptions};
use std::{fs::TryLockError, os::unix::fs::MetadataExt};

/// Proof that nobody else works on a fingerprint. Dropping it releases the lock.
#[derive(Debug)]
pub struct FingerprintLock {
    fingerprint: Digest,
    file: File,
}

impl FingerprintLock {
    /// What it locks.
    #[must_use]
    pub fn fingerprint(&self) -> Digest {
        self.fingerprint
    }

    /// Says for what it is held, to those who wait.
    pub fn sign(&self, holder: &Holder) {
        holder.write(self.file.file());
    }
}

impl Store {
    /// Takes the lock of a fingerprint; nothing when another thread or process holds it. Never waits, so that the caller
    /// can do other work or be cancelled in between.
    ///
    /// # Errors
    /// When the lock file cannot be made or locked.
    pub fn try_lock(&self, fingerprint: &Digest) -> Result<Option<FingerprintLock>, StoreError> {
        let path = self.named("locks", fingerprint, ".lock");
        let failed = |error| StoreError::io("lock", &path, error);
        loop {
            let file =
                OpenOptions::new().create(true).truncate(false).write(true).open(&path).map_err(failed)?;
            match file.file().try_lock() {
                Ok(()) if file.metadata().map_err(failed)?.nlink() == 0 => {}
                Ok(()) => return Ok(Some(FingerprintLock { fingerprint: *fingerprint, file })),
                Err(TryLockError::WouldBlock) => return Ok(None),
                Err(TryLockError::Error(error)) => return Err(failed(error)),
            }
        }
    }

    /// Removes the lock file of work that the store has nothing else of, unless somebody holds it. Whether it is gone.
    pub(super) fn retire_lock(&self, fingerprint: &Digest) -> Result<bool, StoreError> {
        let Some(_lock) = self.try_lock(fingerprint)? else { return Ok(false) };
        let path = self.named("locks", fingerprint, ".lock");
        failpoint::hit("cache::lock_before");
        os::remove(&path).map_err(|error| StoreError::io("remove", &path, error))?;
        failpoint::hit("cache::lock_after");
        Ok(true)
    }

    /// For what the lock of a fingerprint, which somebody holds, is held, as far as is known.
    #[must_use]
    pub fn holder(&self, fingerprint: &Digest) -> Option<Holder> {
        Holder::read(&self.named("locks", fingerprint, ".lock"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fingerprint_is_locked_once_until_the_lock_is_dropped_and_others_are_free() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(Some(folder.path().to_owned())).unwrap();
        let (one, two) = (Digest::of(b"one"), Digest::of(b"two"));
        let held = store.try_lock(&one).unwrap().unwrap();
        assert_eq!(held.fingerprint(), one);
        let elsewhere = Store::open(Some(folder.path().to_owned())).unwrap();
        assert!(elsewhere.try_lock(&one).unwrap().is_none());
        assert!(elsewhere.try_lock(&two).unwrap().is_some());
        drop(held);
        assert!(elsewhere.try_lock(&one).unwrap().is_some());
    }
}
