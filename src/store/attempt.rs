//! The folders of stages that run now.
//!
//! A process has one folder in `attempts/`, held by a lock on the file `lease` inside, and in it a numbered folder for each
//! attempt. A folder whose lease can be locked by somebody else is dead and is removed when a store is opened. The gate keeps a
//! folder that is just being made, and has no locked lease yet, from looking dead: makers hold it shared, the sweep holds it
//! alone while it looks around.

use super::{Store, StoreError, failpoint};
use fs_err::{self as fs, File, OpenOptions};
use std::{
    fs::TryLockError,
    io,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

/// A fresh folder for one attempt of one stage. It is removed, with all in it, when this is dropped.
#[derive(Debug)]
pub struct Attempt {
    folder: PathBuf,
    out: PathBuf,
    _bench: Arc<Bench>,
}

impl Attempt {
    /// The empty folder that the stage writes its results into ([`contract::StageContext::out`]).
    #[must_use]
    pub fn out(&self) -> &Path {
        &self.out
    }

    /// The attempt's folder, for whatever else should die with the attempt.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }
}

impl Drop for Attempt {
    fn drop(&mut self) {
        if let Err(error) = remove(&self.folder) {
            tracing::warn!(%error, "an attempt's folder is left behind; the next run removes it");
        }
    }
}

/// The folder of all attempts of one process.
#[derive(Debug)]
struct Bench {
    folder: PathBuf,
    next: AtomicU64,
    _lease: File,
}

impl Drop for Bench {
    fn drop(&mut self) {
        // The lease goes last, with its folder: until then nobody else sweeps here.
        if let Err(error) = remove(&self.folder) {
            tracing::warn!(%error, "the folder of attempts is left behind; the next run removes it");
        }
    }
}

/// The bench of an open store, made for the first attempt and kept as long as the store is open.
#[derive(Debug, Clone, Default)]
pub(super) struct Benches(Arc<Mutex<Option<Arc<Bench>>>>);

impl Store {
    /// Makes a folder for an attempt.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub fn attempt(&self) -> Result<Attempt, StoreError> {
        let attempts = self.attempts();
        let failed = |error| StoreError::io("make an attempt's folder in", &attempts, error);
        let bench = self.bench().map_err(failed)?;
        let folder = bench.folder.join(bench.next.fetch_add(1, Ordering::Relaxed).to_string());
        let out = folder.join("out");
        // The other way round would look for each folder in vain first.
        fs::create_dir(&folder).ok();
        fs::create_dir_all(&out).map_err(failed)?;
        failpoint::hit("store::attempt_created");
        Ok(Attempt { folder, out, _bench: bench })
    }

    fn bench(&self) -> io::Result<Arc<Bench>> {
        let mut known = self.benches.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(bench) = &*known {
            return Ok(Arc::clone(bench));
        }
        let gate = self.gate()?;
        gate.file().lock_shared()?;
        let prefix =
            tempfile::Builder::new().prefix("attempt-").rand_bytes(10).tempdir_in(self.attempts())?;
        let folder = prefix.keep();
        failpoint::hit("store::attempt_before_lease");
        let lease = File::create(folder.join(LEASE))?;
        lease.file().lock()?;
        Ok(Arc::clone(known.insert(Arc::new(Bench { folder, next: AtomicU64::new(0), _lease: lease }))))
    }

    fn attempts(&self) -> PathBuf {
        self.root().join("attempts")
    }

    fn gate(&self) -> io::Result<File> {
        OpenOptions::new().create(true).truncate(false).write(true).open(self.attempts().join(GATE))
    }
}

const LEASE: &str = "lease";
const GATE: &str = "gate";

/// Removes the attempts of dead processes. What cannot be removed is left for another time: it only takes space.
pub(super) fn sweep(store: &Store) {
    match dead(store) {
        Ok(dead) => {
            for (folder, _lease) in dead {
                match remove(&folder) {
                    Ok(()) => tracing::debug!(folder = %folder.display(), "removed a dead attempt"),
                    Err(error) => tracing::warn!(%error, "cannot remove a dead attempt"),
                }
            }
        }
        Err(error) => tracing::warn!(%error, "cannot look for dead attempts"),
    }
}

/// The attempts that nobody holds, each with its lease, now held by us.
fn dead(store: &Store) -> io::Result<Vec<(PathBuf, Option<File>)>> {
    let gate = store.gate()?;
    match gate.file().try_lock() {
        Ok(()) => {}
        // Somebody makes an attempt or sweeps already.
        Err(TryLockError::WouldBlock) => return Ok(Vec::new()),
        Err(TryLockError::Error(error)) => return Err(error),
    }
    let mut dead = Vec::new();
    for entry in fs::read_dir(store.attempts())? {
        let entry = entry?;
        if !entry.file_type()?.is_dir() {
            continue;
        }
        match OpenOptions::new().write(true).open(entry.path().join(LEASE)) {
            Ok(lease) => match lease.file().try_lock() {
                Ok(()) => dead.push((entry.path(), Some(lease))),
                Err(TryLockError::WouldBlock) => {}
                Err(TryLockError::Error(error)) => return Err(error),
            },
            // Its maker died before it had a lease: a living one would hold the gate.
            Err(error) if error.kind() == io::ErrorKind::NotFound => dead.push((entry.path(), None)),
            Err(error) => return Err(error),
        }
    }
    Ok(dead)
}

/// Removes a folder that another process may be removing too.
fn remove(folder: &Path) -> io::Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        result => result,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attempts_in(root: &Path) -> Vec<PathBuf> {
        let entries = fs::read_dir(root.join("attempts")).unwrap();
        entries.map(|entry| entry.unwrap().path()).filter(|path| path.is_dir()).collect()
    }

    #[test]
    fn an_attempts_folder_is_empty_at_first_and_gone_when_it_is_dropped() {
        let root = tempfile::tempdir().unwrap();
        let store = Store::open(Some(root.path().to_owned())).unwrap();
        let attempt = store.attempt().unwrap();
        assert_eq!(fs::read_dir(attempt.out()).unwrap().count(), 0);
        fs::write(attempt.out().join("model.h5"), "x").unwrap();
        let folder = attempt.folder().to_owned();
        drop(attempt);
        assert!(!folder.exists());
    }

    #[test]
    fn opening_the_store_removes_attempts_of_the_dead_and_spares_the_living() {
        let root = tempfile::tempdir().unwrap();
        let store = Store::open(Some(root.path().to_owned())).unwrap();
        let alive = store.attempt().unwrap();
        for (dead, has_lease) in [("attempt-dead", true), ("attempt-stillborn", false)] {
            let folder = root.path().join("attempts").join(dead);
            fs::create_dir_all(folder.join("out")).unwrap();
            fs::write(folder.join("out/half"), "written").unwrap();
            if has_lease {
                fs::write(folder.join(LEASE), "").unwrap();
            }
        }
        assert_eq!(attempts_in(root.path()).len(), 3);
        Store::open(Some(root.path().to_owned())).unwrap();
        assert_eq!(attempts_in(root.path()), [alive.folder().parent().unwrap()]);
    }

    #[test]
    fn a_sweep_keeps_off_while_an_attempt_is_being_made() {
        let root = tempfile::tempdir().unwrap();
        let store = Store::open(Some(root.path().to_owned())).unwrap();
        let gate = store.gate().unwrap();
        gate.file().lock_shared().unwrap();
        let unborn = root.path().join("attempts/attempt-unborn");
        fs::create_dir(&unborn).unwrap();
        Store::open(Some(root.path().to_owned())).unwrap();
        assert!(unborn.exists());
        drop(gate);
        Store::open(Some(root.path().to_owned())).unwrap();
        assert!(!unborn.exists());
    }
}
