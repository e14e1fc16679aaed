//! Clearing: results that nobody used for long go, and with them the objects that no other result needs.
//!
//! What it never removes: a result or an object that a run in progress has found or made (see the leases), an object that
//! is just being stored, checkpoints younger than two weeks or of work that runs now. It knows nothing of run folders: the
//! files of finished runs there are copies.
//!
//! That an object goes only when nothing needs it is seen in this order. First the time is taken by the clock of the
//! store's file system, then all leases are read, then all manifests. An object that is published meanwhile is named in a
//! lease before it is made or relied upon, and touched or written then. Either that happened after the time that was taken,
//! and it is too young to go; or before, and then its manifest was there when manifests were read, or its run's lease when
//! leases were. Removal itself happens in small steps, in which nobody can take a name into use.

use super::{
    Digest, Store, StoreError, failpoint,
    lease::Alone,
    os,
    usage::{Amount, Entry, Part, StoredResult},
};
use fs_err::{self as fs, File, OpenOptions};
use serde::Serialize;
use std::{
    collections::{BTreeMap, BTreeSet},
    fs::TryLockError,
    io,
    time::{Duration, SystemTime},
};
use tempfile::NamedTempFile;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Checkpoints are hours of work, so they stay so long whatever the bounds are.
const PARTIALS_STAY: Duration = Duration::from_secs(14 * 24 * 60 * 60);

/// What costs little to be made again and is not used for so long goes.
const SIDELINES_STAY: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// Files that are removed while others wait.
const STEP: usize = 64;

/// What is to stay.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Bounds {
    /// Bytes of the whole store at most; the results used longest ago go first.
    pub bytes: Option<u64>,
    /// Results used within so many days; older ones go.
    pub days: Option<u32>,
}

/// A result that was cleared away, or would be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ClearedResult {
    /// Name of the stage that made it; none where that could not be read any more.
    pub stage: Option<String>,
    /// Its fingerprint.
    pub fingerprint: Digest,
    /// Bytes that went with it: its manifest, and the objects that only it needed.
    pub bytes: u64,
    /// Seconds since it was used last.
    pub idle_seconds: u64,
    /// Why it cannot be used, if that is why it went.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub damage: Option<String>,
}

/// What a clearing did, or would do.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Cleared {
    /// Results, the one that was used longest ago first.
    pub results: Vec<ClearedResult>,
    /// Everything that was removed, manifests among it, by sort.
    pub parts: BTreeMap<Part, Amount>,
    /// Results beyond the bounds that stay because runs use them.
    pub in_use: u64,
    /// Bytes of the store before.
    pub bytes_before: u64,
    /// Bytes of the store after.
    pub bytes_after: u64,
    /// Whether it was stopped before its end. Where it had not begun, it does not know the bytes.
    #[serde(skip)]
    pub stopped: bool,
}

impl Cleared {
    fn remove(&mut self, part: Part, entry: &Entry) {
        self.parts.entry(part).or_default().add(entry);
        self.bytes_after = self.bytes_after.saturating_sub(entry.bytes);
    }
}

impl Store {
    /// Clears the store until it is within the bounds, as far as what is in use allows. With `dry_run` it only says what it
    /// would do.
    ///
    /// # Errors
    /// [`StoreError::Clearing`] while another process clears; a store that cannot be read or written.
    pub fn clear(&self, bounds: Bounds, dry_run: bool) -> Result<Cleared, StoreError> {
        self.clear_until(bounds, dry_run, &|| false)
    }

    /// The same, but it stops between two steps when it is asked to.
    ///
    /// # Errors
    /// Those of [`Store::clear`].
    pub(super) fn clear_until(
        &self,
        bounds: Bounds,
        dry_run: bool,
        stopped: &dyn Fn() -> bool,
    ) -> Result<Cleared, StoreError> {
        let _only = self.only()?;
        let begun = self.time()?;
        let named = self.names_in_use(&self.alone()?)?;
        let objects = self.objects()?;
        if stopped() {
            return Ok(Cleared { stopped: true, ..Cleared::default() });
        }
        let results = self.results()?;
        Clearing { store: self, bounds, dry_run, stopped, begun, named, objects, results }.run()
    }

    /// The only one who clears.
    fn only(&self) -> Result<File, StoreError> {
        let path = self.root().join("gc");
        let failed = |error| StoreError::io("lock", &path, error);
        let file = OpenOptions::new().create(true).truncate(false).write(true).open(&path).map_err(failed)?;
        match file.file().try_lock() {
            Ok(()) => Ok(file),
            Err(TryLockError::WouldBlock) => Err(StoreError::Clearing),
            Err(TryLockError::Error(error)) => Err(failed(error)),
        }
    }

    /// The time by the clock that stamps objects.
    fn time(&self) -> Result<SystemTime, StoreError> {
        let folder = self.root().join("tmp");
        let written = NamedTempFile::new_in(&folder).and_then(|file| file.as_file().metadata()?.modified());
        written.map_err(|error| StoreError::io("write to", folder, error))
    }

    fn objects(&self) -> Result<BTreeMap<Digest, Entry>, StoreError> {
        let named = |entry: Entry| Some((digest_of(&entry)?, entry));
        Ok(self.entries(Part::Objects)?.into_iter().filter_map(named).collect())
    }
}

/// The digest that an object is stored under; none of a file that is not an object.
pub(super) fn digest_of(entry: &Entry) -> Option<Digest> {
    let folder = entry.path.parent()?.file_name()?.to_str()?;
    format!("{folder}{}", entry.path.file_name()?.to_str()?).parse().ok()
}

/// A clearing at work.
struct Clearing<'a> {
    store: &'a Store,
    bounds: Bounds,
    dry_run: bool,
    /// Whether to go no further.
    stopped: &'a dyn Fn() -> bool,
    /// When it began, by the store's own clock.
    begun: SystemTime,
    /// What was in use then.
    named: BTreeSet<Digest>,
    objects: BTreeMap<Digest, Entry>,
    results: Vec<StoredResult>,
}

impl Clearing<'_> {
    fn run(mut self) -> Result<Cleared, StoreError> {
        let mut cleared = Cleared::default();
        for part in Part::ALL.into_iter().filter(|part| !matches!(part, Part::Objects | Part::Results)) {
            cleared.bytes_before += self.store.entries(part)?.iter().map(|entry| entry.bytes).sum::<u64>();
        }
        cleared.bytes_before += self.objects.values().map(|entry| entry.bytes).sum::<u64>();
        cleared.bytes_before += self.results.iter().map(|result| result.entry.bytes).sum::<u64>();
        cleared.bytes_after = cleared.bytes_before;
        self.sidelines(&mut cleared)?;
        self.downloads(&mut cleared)?;
        self.partials(&mut cleared)?;
        // Those that are damaged first, then those used longest ago.
        self.results.sort_by_key(|result| (result.damage().is_none(), result.entry.used, result.fingerprint));
        let chosen = self.choose(&mut cleared);
        let gone = self.evict(&chosen, &mut cleared)?;
        self.sweep(&gone, &mut cleared)?;
        self.locks(&mut cleared)?;
        Ok(cleared)
    }

    /// How many results need each object.
    fn needed(&self) -> BTreeMap<Digest, usize> {
        let mut needed = BTreeMap::new();
        for result in &self.results {
            for digest in &result.needs {
                *needed.entry(*digest).or_default() += 1;
            }
        }
        needed
    }

    fn bytes_of(&self, object: &Digest) -> u64 {
        let removable = |entry: &&Entry| entry.used < self.begun && !self.named.contains(object);
        self.objects.get(object).filter(removable).map_or(0, |entry| entry.bytes)
    }

    /// Which results go, and how much each gives back.
    fn choose(&self, cleared: &mut Cleared) -> Vec<(usize, u64)> {
        let mut needed = self.needed();
        let unneeded: u64 = self
            .objects
            .keys()
            .filter(|object| !needed.contains_key(object))
            .map(|object| self.bytes_of(object))
            .sum();
        let mut stays = cleared.bytes_after.saturating_sub(unneeded);
        let mut chosen = Vec::new();
        for (index, result) in self.results.iter().enumerate() {
            let idle = self.idle(&result.entry);
            let beyond = self.bounds.days.is_some_and(|days| idle >= DAY * days)
                || self.bounds.bytes.is_some_and(|most| stays > most);
            if result.damage().is_none() && !beyond {
                continue;
            }
            if self.named.contains(&result.fingerprint) {
                cleared.in_use += 1;
                continue;
            }
            let mut bytes = result.entry.bytes;
            for object in &result.needs {
                let left = needed.get_mut(object).map(|count| {
                    *count -= 1;
                    *count
                });
                if left == Some(0) {
                    bytes += self.bytes_of(object);
                }
            }
            stays = stays.saturating_sub(bytes);
            chosen.push((index, bytes));
        }
        chosen
    }

    /// Removes the manifests of chosen results, but for those that were taken into use meanwhile. Which are gone.
    fn evict(&self, chosen: &[(usize, u64)], cleared: &mut Cleared) -> Result<BTreeSet<usize>, StoreError> {
        let mut gone = BTreeSet::new();
        for step in chosen.chunks(STEP) {
            if self.stops(cleared) {
                break;
            }
            let alone = self.alone()?;
            let named = self.names(alone.as_ref())?;
            for (index, bytes) in step {
                let Some(result) = self.results.get(*index) else { continue };
                if named.contains(&result.fingerprint) {
                    cleared.in_use += 1;
                } else if self.remove(
                    &result.entry,
                    || failpoint::hit("cache::evict_before"),
                    || failpoint::hit("cache::evict_after"),
                )? {
                    gone.insert(*index);
                    cleared.remove(Part::Results, &result.entry);
                    cleared.results.push(ClearedResult {
                        stage: result.manifest.as_ref().ok().map(|manifest| manifest.key.stage.clone()),
                        fingerprint: result.fingerprint,
                        bytes: *bytes,
                        idle_seconds: self.idle(&result.entry).as_secs(),
                        damage: result.damage().map(str::to_owned),
                    });
                }
            }
        }
        Ok(gone)
    }

    /// Removes the objects that no result needs which is still there.
    fn sweep(&self, gone: &BTreeSet<usize>, cleared: &mut Cleared) -> Result<(), StoreError> {
        let stays = |(index, _): &(usize, &StoredResult)| !gone.contains(index);
        let needed: BTreeSet<Digest> = self
            .results
            .iter()
            .enumerate()
            .filter(stays)
            .flat_map(|(_, result)| result.needs.iter().copied())
            .collect();
        let unneeded = |(digest, entry): &(&Digest, &Entry)| {
            !needed.contains(digest) && !self.named.contains(digest) && entry.used < self.begun
        };
        let unneeded: Vec<(&Digest, &Entry)> = self.objects.iter().filter(unneeded).collect();
        for step in unneeded.chunks(STEP) {
            if self.stops(cleared) {
                break;
            }
            let alone = self.alone()?;
            let named = self.names(alone.as_ref())?;
            for (digest, entry) in step {
                let (before, after) =
                    (|| failpoint::hit("cache::sweep_before"), || failpoint::hit("cache::sweep_after"));
                if !named.contains(digest) && self.remove(entry, before, after)? {
                    cleared.remove(Part::Objects, entry);
                }
            }
        }
        Ok(())
    }

    /// Whether it was asked to go no further, which is noted.
    fn stops(&self, cleared: &mut Cleared) -> bool {
        cleared.stopped = cleared.stopped || (self.stopped)();
        cleared.stopped
    }

    /// Nobody else takes names into use until this is dropped; who only looks does not keep others waiting.
    fn alone(&self) -> Result<Option<Alone>, StoreError> {
        if self.dry_run { Ok(None) } else { self.store.alone().map(Some) }
    }

    fn names(&self, alone: Option<&Alone>) -> Result<BTreeSet<Digest>, StoreError> {
        alone.map_or_else(|| Ok(self.named.clone()), |alone| self.store.names_in_use(alone))
    }

    /// Removes a file unless it was touched or replaced since it was listed.
    fn remove(&self, entry: &Entry, before: fn(), after: fn()) -> Result<bool, StoreError> {
        if self.dry_run {
            return Ok(true);
        }
        match fs::symlink_metadata(&entry.path).and_then(|metadata| metadata.modified()) {
            Ok(used) if used == entry.used => {}
            Ok(_) => return Ok(false),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
            Err(error) => return Err(StoreError::io("look at", &entry.path, error)),
        }
        before();
        os::remove(&entry.path).map_err(|error| StoreError::io("remove", &entry.path, error))?;
        after();
        Ok(true)
    }

    /// Removes what is made again for nothing and was not used for long.
    fn sidelines(&self, cleared: &mut Cleared) -> Result<(), StoreError> {
        for part in [Part::Verdicts, Part::Listings, Part::Completions, Part::StatCache] {
            for entry in self.store.entries(part)? {
                if self.stops(cleared) {
                    return Ok(());
                }
                if self.idle(&entry) >= SIDELINES_STAY && self.remove(&entry, || (), || ())? {
                    cleared.remove(part, &entry);
                }
            }
        }
        Ok(())
    }

    /// Removes copies of what addresses name: those that no command asked for for long, and while the store is beyond its
    /// bounds any that no command uses now. They come back over the network, while a result may be hours of work.
    fn downloads(&self, cleared: &mut Cleared) -> Result<(), StoreError> {
        let mut copies = self.store.entries(Part::Downloads)?;
        copies.sort_by_key(|entry| entry.used);
        for entry in copies {
            let idle = self.idle(&entry);
            let beyond = idle >= SIDELINES_STAY
                || self.bounds.days.is_some_and(|days| idle >= DAY * days)
                || self.bounds.bytes.is_some_and(|most| cleared.bytes_after > most);
            let Some(digest) = entry.name().filter(|_| beyond) else { continue };
            if self.stops(cleared) {
                break;
            }
            let alone = self.alone()?;
            let is_used = self.names(alone.as_ref())?.contains(&digest)
                || Entry::of_folder(&entry.path).is_none_or(|now| now.used != entry.used);
            if is_used {
                continue;
            }
            if !self.dry_run {
                os::remove(&entry.path).map_err(|error| StoreError::io("remove", &entry.path, error))?;
                // The last of its address takes the folder with it.
                entry.path.parent().map(fs::remove_dir);
            }
            cleared.remove(Part::Downloads, &entry);
        }
        Ok(())
    }

    /// Removes checkpoints that are old, and of which nobody goes on.
    fn partials(&self, cleared: &mut Cleared) -> Result<(), StoreError> {
        for entry in self.store.entries(Part::Partials)? {
            let Some(fingerprint) = entry.name().filter(|_| self.idle(&entry) >= PARTIALS_STAY) else {
                continue;
            };
            if self.stops(cleared) {
                break;
            }
            let Some(lock) = self.store.try_lock(&fingerprint)? else { continue };
            if self.dry_run || self.bury(&entry)? {
                cleared.remove(Part::Partials, &entry);
            }
            drop(lock);
        }
        Ok(())
    }

    /// Removes checkpoints whose lock is held, unless somebody went on with them before. They are moved away first: half of
    /// them must not be found.
    fn bury(&self, entry: &Entry) -> Result<bool, StoreError> {
        if Entry::of_folder(&entry.path).is_none_or(|now| now.used != entry.used) {
            return Ok(false);
        }
        let grave = self.store.attempt()?;
        failpoint::hit("cache::partial_before");
        match fs::rename(&entry.path, grave.folder().join("partial")) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(StoreError::io("clear the checkpoints", &entry.path, error));
            }
            _ => {}
        }
        failpoint::hit("cache::partial_after");
        Ok(true)
    }

    /// Removes locks of work that the store has nothing of.
    fn locks(&self, cleared: &mut Cleared) -> Result<(), StoreError> {
        for entry in self.store.entries(Part::Locks)? {
            let Some(fingerprint) = entry.name().filter(|_| self.idle(&entry) >= DAY) else { continue };
            if self.stops(cleared) {
                break;
            }
            let has = |folder, extension| self.store.named(folder, &fingerprint, extension).exists();
            if has("actions", ".json") || has("partial", "") {
                continue;
            }
            if self.dry_run || self.store.retire_lock(&fingerprint)? {
                cleared.remove(Part::Locks, &entry);
            }
        }
        Ok(())
    }

    /// How long something has not been used.
    fn idle(&self, entry: &Entry) -> Duration {
        self.begun.duration_since(entry.used).unwrap_or_default()
    }
}
