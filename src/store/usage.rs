//! What the store holds: how much, how old, and when it was used last.
//!
//! A result was used when its manifest was last touched: when it was published, and by a hit if the last touch is an hour
//! ago or more. A data set's listing, a verdict and the like are made again for nothing and only have an age.

use super::{
    Digest, Manifest, Store, StoreError, completion,
    document::{self, Illegible},
    downloads, os, stat_cache,
};
use crate::several;
use fs_err as fs;
use rustix::fs::{AtFlags, CWD, Timespec, Timestamps, UTIME_NOW};
use serde::Serialize;
use std::{
    collections::{BTreeMap, BTreeSet},
    fs::Metadata,
    io::{self, ErrorKind},
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

/// A hit touches a result whose last touch is older.
const NOTED: Duration = Duration::from_secs(60 * 60);

/// A part of the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// File contents.
    Objects,
    /// What stages made, by fingerprint.
    Results,
    /// Checkpoints of unfinished work.
    #[serde(rename = "checkpoints")]
    Partials,
    /// Preflights that found no error.
    Verdicts,
    /// Copies of what addresses name.
    Downloads,
    /// What data sets consist of.
    Listings,
    /// What finished runs left.
    #[serde(rename = "finished_runs")]
    Completions,
    /// Digests of inputs by the stamps of their files.
    StatCache,
    /// Locks of results.
    Locks,
}

impl Part {
    /// All of them, the largest first as a rule.
    pub const ALL: [Self; 9] = [
        Self::Objects,
        Self::Results,
        Self::Partials,
        Self::Downloads,
        Self::Verdicts,
        Self::Listings,
        Self::Completions,
        Self::StatCache,
        Self::Locks,
    ];

    /// In words; for programs they are joined by `_`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Objects => "objects",
            Self::Results => "results",
            Self::Partials => "checkpoints",
            Self::Downloads => "downloads",
            Self::Verdicts => "verdicts",
            Self::Listings => "listings",
            Self::Completions => "finished runs",
            Self::StatCache => "stat cache",
            Self::Locks => "locks",
        }
    }

    pub(super) fn folder(self) -> &'static str {
        match self {
            Self::Objects => "objects",
            Self::Results => "actions",
            Self::Partials => "partial",
            Self::Downloads => downloads::FOLDER,
            Self::Verdicts => "verdicts",
            Self::Listings => "sources",
            Self::Completions => completion::FOLDER,
            Self::StatCache => stat_cache::FOLDER,
            Self::Locks => "locks",
        }
    }
}

/// How much a part of the store holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Amount {
    /// How many.
    pub count: u64,
    /// Bytes of their files.
    pub bytes: u64,
    /// When the one that was used longest ago was used, or made where uses are not noted.
    #[serde(serialize_with = "as_time")]
    pub oldest: Option<SystemTime>,
    /// The same of the one that was used last.
    #[serde(serialize_with = "as_time")]
    pub newest: Option<SystemTime>,
}

fn as_time<S: serde::Serializer>(time: &Option<SystemTime>, serializer: S) -> Result<S::Ok, S::Error> {
    let time = time.and_then(|time| jiff::Timestamp::try_from(time).ok());
    time.map(|time| time.to_string()).serialize(serializer)
}

impl Amount {
    pub(super) fn add(&mut self, entry: &Entry) {
        self.count += 1;
        self.bytes += entry.bytes;
        self.oldest = self.oldest.map_or(Some(entry.used), |oldest| Some(oldest.min(entry.used)));
        self.newest = self.newest.max(Some(entry.used));
    }
}

/// Something in the store, or in the case of checkpoints a folder of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) path: PathBuf,
    pub(super) bytes: u64,
    /// When it was used last, as far as that is noted.
    pub(super) used: SystemTime,
}

impl Entry {
    fn of(path: PathBuf, metadata: &Metadata) -> Self {
        let used = metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH);
        Self { path, bytes: metadata.len(), used }
    }

    /// A folder with all in it, as old as the youngest in it; none where there is nothing.
    pub(super) fn of_folder(path: &Path) -> Option<Self> {
        let metadata = fs::symlink_metadata(path).ok()?;
        Some(folder(path.to_owned(), &metadata))
    }

    /// The name by which it is addressed; none of a file that is not the store's own.
    pub(super) fn name(&self) -> Option<Digest> {
        self.path.file_stem()?.to_str()?.parse().ok()
    }
}

/// A stored result, and the objects that it needs.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct StoredResult {
    pub(super) entry: Entry,
    pub(super) fingerprint: Digest,
    /// What it holds, or why that cannot be read.
    pub(super) manifest: Result<Manifest, Illegible>,
    /// The objects it needs, as far as can be told; of a result that another version of this program made perhaps more.
    pub(super) needs: BTreeSet<Digest>,
}

impl StoredResult {
    fn of(entry: Entry, fingerprint: Digest, text: Result<Vec<u8>, io::Error>) -> Self {
        let text = text.map_err(|error| Illegible::Damaged(error.to_string()));
        let manifest = text.as_ref().map_err(Clone::clone).and_then(|text| {
            let manifest: Manifest = document::unseal(text)?;
            match manifest.misfit(&fingerprint) {
                None => Ok(manifest),
                Some(why) => Err(Illegible::Foreign(why)),
            }
        });
        let needs = match (&manifest, &text) {
            (Ok(manifest), _) => manifest.files.iter().map(|file| file.digest).collect(),
            (Err(Illegible::Foreign(_)), Ok(text)) => document::digests(text),
            _ => BTreeSet::new(),
        };
        Self { entry, fingerprint, manifest, needs }
    }

    /// Why it is not what was written, if it is not.
    pub(super) fn damage(&self) -> Option<&str> {
        match &self.manifest {
            Err(Illegible::Damaged(why)) => Some(why),
            _ => None,
        }
    }
}

impl Store {
    /// How much each part of the store holds.
    ///
    /// # Errors
    /// When a folder cannot be read.
    pub fn usage(&self) -> Result<BTreeMap<Part, Amount>, StoreError> {
        let mut usage = BTreeMap::new();
        for part in Part::ALL {
            let mut amount = Amount::default();
            self.entries(part)?.iter().for_each(|entry| amount.add(entry));
            usage.insert(part, amount);
        }
        Ok(usage)
    }

    /// All entries of a part.
    pub(super) fn entries(&self, part: Part) -> Result<Vec<Entry>, StoreError> {
        let root = self.root().join(part.folder());
        let failed = |error| StoreError::io("list", &root, error);
        match part {
            Part::Objects => {
                let objects = listed_in_folders(&root).map_err(failed)?.into_iter();
                Ok(objects.map(|(path, metadata)| Entry::of(path, &metadata)).collect())
            }
            Part::Downloads => {
                let copies = listed_in_folders(&root).map_err(failed)?.into_iter();
                Ok(copies.map(|(path, metadata)| folder(path, &metadata)).collect())
            }
            Part::Partials => {
                let folders = listed(&root).map_err(failed)?.into_iter();
                Ok(folders.map(|(path, metadata)| folder(path, &metadata)).collect())
            }
            _ => {
                let files = listed(&root).map_err(failed)?.into_iter();
                let files = files.filter(|(path, _)| path.extension().is_some());
                Ok(files.map(|(path, metadata)| Entry::of(path, &metadata)).collect())
            }
        }
    }

    /// All results with what they hold.
    ///
    /// # Errors
    /// When this process may not read them or has no means left to.
    pub(super) fn results(&self) -> Result<Vec<StoredResult>, StoreError> {
        let entries = self.entries(Part::Results)?;
        let read = |entry: &Entry| {
            let Some(fingerprint) = entry.name() else { return Ok(None) };
            match fs::read(&entry.path) {
                // Somebody has just removed it.
                Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
                Err(error) if os::is_denied(&error) => {
                    Err(StoreError::io("read the manifest", &entry.path, error))
                }
                text => Ok(Some(StoredResult::of(entry.clone(), fingerprint, text))),
            }
        };
        Ok(several::try_answers(&entries, 1, read)?.into_iter().flatten().collect())
    }
}

/// Notes that a file was used, unless a use within the last hour is noted. Whether it was noted now; a use that cannot be
/// noted is a use all the same.
pub(super) fn note(path: &Path) -> bool {
    let used = fs::metadata(path).and_then(|metadata| metadata.modified());
    if !used.is_ok_and(|used| used.elapsed().is_ok_and(|since| since >= NOTED)) {
        return false;
    }
    match touch(path) {
        Ok(()) => true,
        Err(error) => {
            tracing::debug!(%error, path = %path.display(), "a use is not noted");
            false
        }
    }
}

/// The entries of a folder; none where it is not there yet. What goes away meanwhile is left out.
fn listed(folder: &Path) -> io::Result<Vec<(PathBuf, Metadata)>> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut found = Vec::new();
    for entry in entries {
        let path = entry?.path();
        match fs::symlink_metadata(&path) {
            Ok(metadata) => found.push((path, metadata)),
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    Ok(found)
}

/// The entries of the folders in a folder.
fn listed_in_folders(root: &Path) -> io::Result<Vec<(PathBuf, Metadata)>> {
    let folders = listed(root)?.into_iter().filter(|(_, metadata)| metadata.is_dir());
    let lists = folders.map(|(folder, _)| listed(&folder)).collect::<io::Result<Vec<_>>>()?;
    Ok(lists.into_iter().flatten().collect())
}

/// A folder with all in it, as old as the youngest in it.
fn folder(path: PathBuf, metadata: &Metadata) -> Entry {
    let mut whole = Entry { bytes: 0, ..Entry::of(path.clone(), metadata) };
    let mut folders = vec![path];
    while let Some(folder) = folders.pop() {
        for (path, metadata) in listed(&folder).unwrap_or_default() {
            if metadata.is_dir() {
                folders.push(path);
            } else {
                let entry = Entry::of(path, &metadata);
                whole.bytes += entry.bytes;
                whole.used = whole.used.max(entry.used);
            }
        }
    }
    whole
}

/// Sets a file's times to now.
pub(super) fn touch(path: &Path) -> io::Result<()> {
    let now = Timespec { tv_sec: 0, tv_nsec: UTIME_NOW };
    let times = Timestamps { last_access: now, last_modification: now };
    Ok(rustix::fs::utimensat(CWD, path, &times, AtFlags::empty())?)
}
