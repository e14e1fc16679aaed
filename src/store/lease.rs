//! Leases: what a run in progress has found or made is not cleared away, whoever clears.
//!
//! `leases/NAME` is locked by its process as long as that lives and has 32 bytes for each name in use: fingerprints of
//! results and digests of objects. A name is written there before its result is looked up or its object is made or relied
//! upon. `leases/gate` is held shared while a name is written, and alone while somebody reads all leases and removes what
//! none of them names. So a name is either seen by who clears, or written after the clearing: then what was removed is
//! already missing when it is looked for.

use super::{Digest, Store, StoreError};
use fs_err::{self as fs, File, OpenOptions};
use std::{
    collections::BTreeSet,
    fs::TryLockError,
    io::{self, Read, Write},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread,
    time::{Duration, Instant},
};

/// The folder of leases.
const FOLDER: &str = "leases";
const GATE: &str = "gate";

/// How long to wait for the gate at most. Others hold it for microseconds.
const PATIENCE: Duration = Duration::from_secs(10);

/// The lease of an open store, from its first use on.
#[derive(Debug, Clone, Default)]
pub(super) struct Leases(Arc<Mutex<Option<Lease>>>);

#[derive(Debug)]
struct Lease {
    path: PathBuf,
    file: File,
    gate: File,
    named: BTreeSet<Digest>,
}

impl Drop for Lease {
    fn drop(&mut self) {
        // A file that stays is nobody's lease any more and goes with the next clearing.
        if let Err(error) = fs::remove_file(&self.path) {
            tracing::debug!(%error, "a lease is left behind");
        }
    }
}

/// Proof that no process takes a name into use. Dropping it lets them go on.
#[derive(Debug)]
pub(super) struct Alone(#[expect(dead_code, reason = "it is held, not used")] File);

impl Store {
    /// From now on results that are looked up through this store, or a clone of it, are in use until the last is dropped.
    /// Runs do so; what only looks around does not.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub fn hold(&self) -> Result<(), StoreError> {
        self.with_lease(|_| Ok(()))
    }

    /// Takes a result into use if this store is held.
    pub(super) fn use_if_held(&self, fingerprint: &Digest) -> Result<(), StoreError> {
        match &mut *self.lease() {
            Some(lease) => lease.name(fingerprint).map_err(|error| self.cannot_lease(error)),
            None => Ok(()),
        }
    }

    /// Takes a result or an object into use that is about to be made.
    pub(super) fn use_now(&self, name: &Digest) -> Result<(), StoreError> {
        self.with_lease(|lease| lease.name(name))
    }

    fn with_lease(&self, with: impl FnOnce(&mut Lease) -> io::Result<()>) -> Result<(), StoreError> {
        let mut held = self.lease();
        let lease = match &mut *held {
            Some(lease) => Ok(lease),
            none => Lease::take(&self.leases_folder()).map(|lease| none.insert(lease)),
        };
        lease.and_then(with).map_err(|error| self.cannot_lease(error))
    }

    fn lease(&self) -> MutexGuard<'_, Option<Lease>> {
        self.leases.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn cannot_lease(&self, error: io::Error) -> StoreError {
        StoreError::io("say what is in use in", self.leases_folder(), error)
    }

    fn leases_folder(&self) -> PathBuf {
        self.root().join(FOLDER)
    }

    /// Waits until no process takes a name into use.
    ///
    /// # Errors
    /// When the gate cannot be had, or somebody holds it for longer than anybody should.
    pub(super) fn alone(&self) -> Result<Alone, StoreError> {
        let folder = self.leases_folder();
        let failed = |error| StoreError::io("wait for others in", &folder, error);
        let gate = gate(&folder).map_err(failed)?;
        let started = Instant::now();
        loop {
            match gate.file().try_lock() {
                Ok(()) => return Ok(Alone(gate)),
                Err(TryLockError::WouldBlock) if started.elapsed() < PATIENCE => {
                    thread::sleep(Duration::from_millis(1));
                }
                Err(TryLockError::WouldBlock) => return Err(failed(io::ErrorKind::TimedOut.into())),
                Err(TryLockError::Error(error)) => return Err(failed(error)),
            }
        }
    }

    /// What living processes have in use. Leases of the dead are removed.
    pub(super) fn names_in_use(&self, _alone: &Alone) -> Result<BTreeSet<Digest>, StoreError> {
        let folder = self.leases_folder();
        let failed = |error| StoreError::io("read what is in use in", &folder, error);
        let mut names = BTreeSet::new();
        for entry in fs::read_dir(&folder).map_err(failed)? {
            let path = entry.map_err(failed)?.path();
            if path.file_name().is_none_or(|name| name == GATE) {
                continue;
            }
            let mut file = match File::open(&path) {
                Ok(file) => file,
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => return Err(failed(error)),
            };
            match file.file().try_lock() {
                Ok(()) => drop(fs::remove_file(&path)),
                Err(TryLockError::WouldBlock) => {
                    // From the open file: its run may end, and remove it, at any moment.
                    let mut bytes = Vec::new();
                    file.read_to_end(&mut bytes).map_err(failed)?;
                    names.extend(bytes.as_chunks().0.iter().map(|name| Digest(*name)));
                }
                Err(TryLockError::Error(error)) => return Err(failed(error)),
            }
        }
        Ok(names)
    }
}

impl Lease {
    fn take(folder: &Path) -> io::Result<Self> {
        fs::create_dir_all(folder)?;
        let gate = gate(folder)?;
        // Until it is locked, it looks dead.
        gate.file().lock_shared()?;
        let file = tempfile::Builder::new().prefix("run-").rand_bytes(10).tempfile_in(folder)?;
        let (file, path) = file.keep().map_err(|error| error.error)?;
        let file = File::from_parts(file, &path);
        file.file().lock()?;
        gate.file().unlock()?;
        Ok(Self { path, file, gate, named: BTreeSet::new() })
    }

    fn name(&mut self, name: &Digest) -> io::Result<()> {
        if self.named.contains(name) {
            return Ok(());
        }
        self.gate.file().lock_shared()?;
        let written = self.file.write_all(&name.0);
        self.gate.file().unlock()?;
        written?;
        self.named.insert(*name);
        Ok(())
    }
}

fn gate(folder: &Path) -> io::Result<File> {
    fs::create_dir_all(folder)?;
    OpenOptions::new().create(true).truncate(false).write(true).open(folder.join(GATE))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(store: &Store) -> Vec<Digest> {
        let alone = store.alone().unwrap();
        store.names_in_use(&alone).unwrap().into_iter().collect()
    }

    #[test]
    fn names_are_in_use_from_when_they_are_named_until_the_store_is_dropped() {
        let root = tempfile::tempdir().unwrap();
        let open = || Store::open(Some(root.path().to_owned())).unwrap();
        let (one, two) = (open(), open());
        let name = Digest::of(b"work");
        two.use_if_held(&name).unwrap();
        assert_eq!(names(&one), []);
        two.hold().unwrap();
        two.clone().use_if_held(&name).unwrap();
        assert_eq!(names(&one), [name]);
        one.use_now(&Digest::of(b"other")).unwrap();
        assert_eq!(names(&one).len(), 2, "its own are in use too");
        drop(one);
        assert_eq!(names(&two), [name]);
        drop(two);
        assert_eq!(names(&open()), []);
        assert_eq!(fs::read_dir(root.path().join(FOLDER)).unwrap().count(), 1, "the gate");
    }

    #[test]
    fn the_lease_of_a_dead_process_is_none() {
        let root = tempfile::tempdir().unwrap();
        let store = Store::open(Some(root.path().to_owned())).unwrap();
        store.hold().unwrap();
        let dead = root.path().join(FOLDER).join("run-dead");
        fs::write(&dead, Digest::of(b"work").0).unwrap();
        assert_eq!(names(&store), []);
        assert!(!dead.exists());
    }
}
