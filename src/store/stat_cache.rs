//! Digests of inputs by the stamps of their files, so that an unchanged file is not read again.
//!
//! A digest is remembered with device, inode, size and the times of the last change of content and of metadata in
//! nanoseconds. Whatever edits, replaces or restores a file changes one of them, with two exceptions: an edit in the same
//! tick of the file system's clock, for which a file that changed within the last two seconds is not remembered
//! ([`Clock`]); and a program that goes on writing through memory it mapped before.
//!
//! On disk each set of files has a shelf of its own, `inputs/NAME.stat`, so that a command reads only what concerns it:
//!
//! ```text
//! "pipeline stat cache 1\n"
//! entries sorted by device and inode, little endian, 84 bytes each:
//!     device u64, inode u64, size u64, modified i64 s + u32 ns, changed i64 s + u32 ns,
//!     day of its last use u32 (days since 1970), BLAKE3 of its bytes
//! BLAKE3 of all above
//! ```
//!
//! It is replaced by rename, and merged under a kernel lock with what another process has learned meanwhile. One that is
//! damaged is as good as none: it only saves time.

use super::{Digest, Store, StoreError, clock, clock::Clock, failpoint, os, os::Stamp};
use fs_err::{self as fs, OpenOptions};
use std::{
    collections::BTreeMap,
    io,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, MutexGuard, OnceLock, PoisonError, RwLock,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    time::{Duration, SystemTime, UNIX_EPOCH},
};

const MAGIC: &[u8] = b"pipeline stat cache 1\n";
const ENTRY: usize = 84;
const SEAL: usize = 32;

/// Days after which what was not used is forgotten.
pub(super) const KEPT_DAYS: u32 = 30;

/// Days for which a use need not be written down again.
pub(super) const USE_DAYS: u32 = 7;

/// Entries a shelf holds at most (88 MB); those used last stay.
const MOST: usize = 1 << 20;

/// What is known of files by their stamps. It serves one command: what it read once is not read again until it is dropped.
#[derive(Debug)]
pub struct StatCache {
    /// Where it is remembered; nothing is without.
    store: Option<Store>,
    settled: Duration,
    clock: OnceLock<Clock>,
    shelves: Mutex<BTreeMap<String, Arc<Shelf>>>,
}

impl StatCache {
    /// What is remembered in a store.
    #[must_use]
    pub fn of(store: &Store) -> Self {
        Self::settling(store, clock::SETTLED)
    }

    /// One that knows nothing and is forgotten.
    #[must_use]
    pub fn empty() -> Self {
        Self { store: None, settled: clock::SETTLED, clock: OnceLock::new(), shelves: Mutex::default() }
    }

    /// The same with another time for a file to settle, for tests that cannot wait.
    pub(super) fn settling(store: &Store, settled: Duration) -> Self {
        Self { store: Some(store.clone()), settled, clock: OnceLock::new(), shelves: Mutex::default() }
    }

    /// The digest of a file's bytes.
    ///
    /// # Errors
    /// When it cannot be read, or is there no more.
    pub fn digest(&self, path: &Path) -> io::Result<Digest> {
        let stamp = Stamp::of(path)?.ok_or(io::ErrorKind::NotFound)?;
        let shelf = self.shelf(None);
        if let Some((digest, _)) = shelf.recall(&stamp) {
            return Ok(digest);
        }
        let settled = self.clock().is_settled(&stamp);
        let (digest, _) = Digest::of_file(path)?;
        if Stamp::of(path)? == Some(stamp) {
            shelf.learn(stamp, digest, settled);
        }
        Ok(digest)
    }

    /// The clock that tells which files have settled.
    pub(super) fn clock(&self) -> Clock {
        *self.clock.get_or_init(|| Clock::of(self.store.as_ref(), self.settled))
    }

    /// What is remembered of the files below a folder; without one, of files that stand alone.
    pub(super) fn shelf(&self, folder: Option<&Path>) -> Arc<Shelf> {
        let name = folder.map_or_else(|| "files".to_owned(), name);
        let mut shelves = self.shelves();
        let load = || self.store.as_ref().map(|store| load(&path(store, &name))).unwrap_or_default();
        Arc::clone(shelves.entry(name.clone()).or_insert_with(|| Arc::new(Shelf::new(load()))))
    }

    /// Writes down what was learned. That it cannot be costs time later, and nothing else.
    pub fn save(&self) {
        let Some(store) = &self.store else { return };
        for (name, shelf) in &*self.shelves() {
            if shelf.news.swap(false, Ordering::Relaxed)
                && let Err(error) = merge(store, name, shelf)
            {
                tracing::warn!(%error, "digests of inputs are not remembered; they will be taken again");
            }
        }
    }

    fn shelves(&self) -> MutexGuard<'_, BTreeMap<String, Arc<Shelf>>> {
        self.shelves.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Store {
    /// Makes the folder of shelves where it is not there yet.
    pub(super) fn prepare_stat_cache(&self) -> Result<(), StoreError> {
        let folder = self.root().join(FOLDER);
        let failed = |error| StoreError::io("remember digests in", &folder, error);
        if folder.is_dir() {
            return Ok(());
        }
        fs::create_dir_all(&folder).map_err(failed)?;
        os::set_mode(&folder, 0o700).map_err(failed)
    }
}

/// Writes down what a shelf has learned, together with what others have meanwhile.
fn merge(store: &Store, name: &str, shelf: &Shelf) -> Result<(), StoreError> {
    store.prepare_stat_cache()?;
    let folder = store.root().join(FOLDER);
    let failed = |error| StoreError::io("remember digests in", &folder, error);
    let lock = OpenOptions::new().create(true).truncate(false).write(true).open(folder.join("lock"));
    let lock = lock.map_err(failed)?;
    // Who holds it writes one file.
    lock.file().lock().map_err(failed)?;

    let path = path(store, name);
    let mut all = load(&path);
    shelf.add_to(&mut all);
    store.replace(
        &path,
        &encode(&kept(all)),
        || failpoint::hit("cache::stat_before_rename"),
        || failpoint::hit("cache::stat_after_rename"),
    )
}

fn path(store: &Store, name: &str) -> PathBuf {
    store.root().join(FOLDER).join(format!("{name}.stat"))
}

/// The folder of the shelves.
pub(super) const FOLDER: &str = "inputs";

/// A folder's shelf has its path's digest as name; half of it, as there are not many.
fn name(folder: &Path) -> String {
    let absolute = std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned());
    Digest::of(absolute.as_os_str().as_encoded_bytes()).to_string().chars().take(32).collect()
}

/// Device and inode: a file has one entry, of its last known stamp.
type Identity = (u64, u64);

type Entries = BTreeMap<Identity, Entry>;

/// What is remembered of some files.
#[derive(Debug)]
pub(super) struct Shelf {
    entries: RwLock<Entries>,
    /// Whether there is something to write down.
    news: AtomicBool,
    today: u32,
}

#[derive(Debug)]
struct Entry {
    stamp: Stamp,
    digest: Digest,
    /// The day of its last use.
    used: AtomicU32,
    origin: Origin,
}

/// Where an entry comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Origin {
    /// It was remembered.
    Disk,
    /// It was read by this command, and had settled before.
    Settled,
    /// It was read by this command and could have changed since, under the same stamp: not to be remembered.
    Unsettled,
}

impl Shelf {
    fn new(entries: Entries) -> Self {
        Self { entries: RwLock::new(entries), news: AtomicBool::new(false), today: today() }
    }

    /// The digest of the file that has this stamp, and whether the file had settled when it was taken.
    pub(super) fn recall(&self, stamp: &Stamp) -> Option<(Digest, bool)> {
        let entries = self.entries.read().unwrap_or_else(PoisonError::into_inner);
        let entry = entries.get(&identity(stamp)).filter(|entry| entry.stamp.is_same_file_state(stamp))?;
        if entry.used.load(Ordering::Relaxed).saturating_add(USE_DAYS) <= self.today {
            entry.used.store(self.today, Ordering::Relaxed);
            self.news.store(true, Ordering::Relaxed);
        }
        Some((entry.digest, entry.origin != Origin::Unsettled))
    }

    /// Takes note of the digest of a file that had this stamp before and after it was read.
    pub(super) fn learn(&self, stamp: Stamp, digest: Digest, settled: bool) {
        let origin = if settled { Origin::Settled } else { Origin::Unsettled };
        let entry = Entry { stamp, digest, used: AtomicU32::new(self.today), origin };
        self.entries.write().unwrap_or_else(PoisonError::into_inner).insert(identity(&stamp), entry);
        if settled {
            self.news.store(true, Ordering::Relaxed);
        }
    }

    /// Adds what was learned and used here to what is on the disk now.
    fn add_to(&self, all: &mut Entries) {
        for (identity, entry) in &*self.entries.read().unwrap_or_else(PoisonError::into_inner) {
            match (entry.origin, all.get(identity)) {
                (Origin::Disk, Some(known)) if known.stamp == entry.stamp => {
                    known.used.fetch_max(entry.used.load(Ordering::Relaxed), Ordering::Relaxed);
                }
                (Origin::Settled, _) => {
                    let used = AtomicU32::new(entry.used.load(Ordering::Relaxed));
                    all.insert(*identity, Entry { used, ..*entry });
                }
                // Another process has newer ones, or has dropped it.
                (Origin::Disk | Origin::Unsettled, _) => {}
            }
        }
    }
}

fn identity(stamp: &Stamp) -> Identity {
    (stamp.device, stamp.inode)
}

/// Days since 1970.
pub(super) fn today() -> u32 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u32::try_from(since.as_secs() / 86_400).unwrap_or(u32::MAX)
}

/// The entries without those that nobody used for long, and of too many those used last.
fn kept(mut all: Entries) -> Entries {
    let today = today();
    let used = |entry: &Entry| entry.used.load(Ordering::Relaxed);
    all.retain(|_, entry| used(entry).saturating_add(KEPT_DAYS) >= today);
    if all.len() > MOST {
        let mut days: Vec<u32> = all.values().map(used).collect();
        days.sort_unstable_by(|a, b| b.cmp(a));
        let oldest = days.get(MOST).copied().unwrap_or(0);
        // All of the day on which the limit falls go: one is as good as another.
        all.retain(|_, entry| used(entry) > oldest);
    }
    all
}

/// What a shelf on the disk holds; nothing where there is none or it is damaged.
fn load(path: &Path) -> Entries {
    let bytes = match fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Entries::new(),
        Err(error) => {
            tracing::debug!(%error, "remembered digests of inputs cannot be read");
            return Entries::new();
        }
    };
    decode(&bytes).unwrap_or_else(|| {
        tracing::debug!(path = %path.display(), "remembered digests of inputs are damaged");
        Entries::new()
    })
}

fn encode(entries: &Entries) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(MAGIC.len() + entries.len() * ENTRY + SEAL);
    bytes.extend_from_slice(MAGIC);
    for Entry { stamp, digest, used, .. } in entries.values() {
        for number in [stamp.device, stamp.inode, stamp.size] {
            bytes.extend_from_slice(&number.to_le_bytes());
        }
        for (seconds, nanoseconds) in [stamp.modified, stamp.changed] {
            bytes.extend_from_slice(&seconds.to_le_bytes());
            bytes.extend_from_slice(&nanoseconds.to_le_bytes());
        }
        bytes.extend_from_slice(&used.load(Ordering::Relaxed).to_le_bytes());
        bytes.extend_from_slice(&digest.0);
    }
    let seal = Digest::of(&bytes);
    bytes.extend_from_slice(&seal.0);
    bytes
}

fn decode(bytes: &[u8]) -> Option<Entries> {
    let (sealed, seal) = bytes.split_at_checked(bytes.len().checked_sub(SEAL)?)?;
    if Digest::of(sealed).0 != seal {
        return None;
    }
    let entries = sealed.strip_prefix(MAGIC)?.chunks_exact(ENTRY);
    if !entries.remainder().is_empty() {
        return None;
    }
    entries.map(|entry| decode_entry(entry).map(|entry| (identity(&entry.stamp), entry))).collect()
}

fn decode_entry(mut bytes: &[u8]) -> Option<Entry> {
    let rest = &mut bytes;
    let stamp = Stamp {
        device: u64::from_le_bytes(take(rest)?),
        inode: u64::from_le_bytes(take(rest)?),
        size: u64::from_le_bytes(take(rest)?),
        mode: 0,
        modified: (i64::from_le_bytes(take(rest)?), u32::from_le_bytes(take(rest)?)),
        changed: (i64::from_le_bytes(take(rest)?), u32::from_le_bytes(take(rest)?)),
    };
    let used = AtomicU32::new(u32::from_le_bytes(take(rest)?));
    Some(Entry { stamp, digest: Digest(take(rest)?), used, origin: Origin::Disk })
}

fn take<const N: usize>(bytes: &mut &[u8]) -> Option<[u8; N]> {
    let (taken, rest) = bytes.split_first_chunk::<N>()?;
    *bytes = rest;
    Some(*taken)
}
