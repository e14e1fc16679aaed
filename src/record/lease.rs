//! Whether the engine of a run is alive.
//!
//! An engine holds a kernel lock on `events.jsonl` of its run folder from before the first `run.json` to after the last
//! one. The kernel drops it with the engine, however that ends, so a run that says `running` and is not locked was
//! killed. No process number is compared, which could be another's by now.

use super::{RecordError, RunFolder};
use fs_err::{File, OpenOptions};
use std::{fs::TryLockError, io::ErrorKind, path::Path};

/// Proof for others that this run's engine lives. Dropping it ends that.
#[derive(Debug)]
pub struct Lease {
    _file: File,
}

/// What can be said of a run's engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Life {
    /// It is alive.
    Alive,
    /// It is gone.
    Gone,
    /// The file system has no locks, or does not let this user look.
    Unknown,
}

/// How often a lease is tried for that somebody only looks at.
const TRIES: usize = 1000;

impl RunFolder {
    /// Holds the run folder until the lease is dropped.
    ///
    /// # Errors
    /// When `events.jsonl` cannot be made or its file system has no locks.
    pub fn lease(&self) -> Result<Lease, RecordError> {
        let path = self.path().join(super::EVENTS);
        let failed = |error| RecordError::io("lock", &path, error);
        let file = OpenOptions::new().create(true).append(true).open(&path).map_err(failed)?;
        // Waits only for those who look whether it is locked, and they do not stay.
        file.file().lock().map_err(failed)?;
        Ok(Lease { _file: file })
    }

    /// Holds the run folder until the lease is dropped; none where an engine does that already.
    ///
    /// # Errors
    /// As for [`RunFolder::lease`].
    pub fn try_lease(&self) -> Result<Option<Lease>, RecordError> {
        let path = self.path().join(super::EVENTS);
        let failed = |error| RecordError::io("lock", &path, error);
        let file = OpenOptions::new().create(true).append(true).open(&path).map_err(failed)?;
        for _ in 0..TRIES {
            match file.file().try_lock() {
                Ok(()) => return Ok(Some(Lease { _file: file })),
                Err(TryLockError::Error(error)) => return Err(failed(error)),
                // Somebody may look whether it is locked, and does not stay.
                Err(TryLockError::WouldBlock) if life(self.path()) == Life::Gone => std::thread::yield_now(),
                Err(TryLockError::WouldBlock) => break,
            }
        }
        Ok(None)
    }
}

/// Looks whether the engine of the run in `folder` is alive.
#[must_use]
pub fn life(folder: &Path) -> Life {
    let file = match File::open(folder.join(super::EVENTS)) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Life::Gone,
        Err(_) => return Life::Unknown,
    };
    // Shared, so that two who look at the same time do not take each other for an engine.
    match file.file().try_lock_shared() {
        Ok(()) => Life::Gone,
        Err(TryLockError::WouldBlock) => Life::Alive,
        Err(TryLockError::Error(_)) => Life::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_engine_is_alive_as_long_as_it_holds_its_lease() {
        let root = tempfile::tempdir().unwrap();
        let run = RunFolder::create(root.path().join("run").to_str().unwrap()).unwrap();
        assert_eq!(life(run.path()), Life::Gone, "nothing there yet");
        let lease = run.lease().unwrap();
        assert_eq!(life(run.path()), Life::Alive);
        assert!(run.try_lease().unwrap().is_none(), "one engine at a time");
        assert_eq!(life(run.path()), Life::Alive, "looking does not end it");
        drop(lease);
        assert_eq!(life(run.path()), Life::Gone);
        assert!(run.try_lease().unwrap().is_some());
    }
}
