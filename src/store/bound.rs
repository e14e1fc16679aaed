//! The bound that a store keeps by itself.
//!
//! `size.json` says how much the store holds: what was counted last, and what runs have stored since. So a run need not
//! count to know whether it is time to clear. Counts that are lost, because two runs ended at once or one was killed, are
//! made good by the next count, a day later at most.

use super::{Bounds, Cleared, Store, StoreError, failpoint};
use contract::config::Bytes;
use fs_err as fs;
use serde::{
    Deserialize, Serialize,
    de::{IntoDeserializer, value::Error as ValueError},
};
use std::{
    sync::atomic::Ordering,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

/// A count is believed so long.
const COUNTED: Duration = Duration::from_secs(24 * 60 * 60);

/// A clearing that could not get below the bound, because of what is in use, is not tried again sooner, unless the store
/// grows by a tenth of the bound.
const CLEARED: Duration = Duration::from_secs(60 * 60);

/// How much a store may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bound {
    /// So many bytes.
    Bytes(u64),
    /// As much as the disk takes.
    Off,
}

impl Default for Bound {
    /// 20 GB.
    fn default() -> Self {
        Self::Bytes(20_000_000_000)
    }
}

impl Bound {
    /// A size with its unit, or `off`.
    ///
    /// # Errors
    /// What it should be.
    pub fn parse(text: &str) -> Result<Self, String> {
        match text.trim() {
            "off" => Ok(Self::Off),
            "0" => Ok(Self::Bytes(0)),
            "" => Err(LEGAL.to_owned()),
            size => Bytes::deserialize(size.into_deserializer())
                .map(|Bytes(bytes)| Self::Bytes(bytes))
                .map_err(|_: ValueError| LEGAL.to_owned()),
        }
    }

    /// What `PIPELINE_CACHE_SIZE` says, else 20 GB.
    ///
    /// # Errors
    /// [`StoreError::BadBound`].
    pub fn from_environment() -> Result<Self, StoreError> {
        match std::env::var_os(VARIABLE).filter(|value| !value.is_empty()) {
            None => Ok(Self::default()),
            Some(value) => {
                let value = value.to_string_lossy();
                Self::parse(&value).map_err(|legal| StoreError::BadBound { value: value.into_owned(), legal })
            }
        }
    }

    /// Bytes; none without a bound.
    #[must_use]
    pub fn bytes(self) -> Option<u64> {
        match self {
            Self::Bytes(bytes) => Some(bytes),
            Self::Off => None,
        }
    }
}

const LEGAL: &str = "write a size such as 20GB, 500 MB or 2 GiB, 0, or off";

/// The environment's word on it.
const VARIABLE: &str = "PIPELINE_CACHE_SIZE";

/// What is known of the store's size.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Size {
    bytes: u64,
    /// When it was counted, in seconds since 1970.
    counted: u64,
    /// When it was last cleared for being too large.
    cleared: u64,
    /// What that clearing left.
    #[serde(default)]
    left: u64,
}

impl Size {
    /// Whether clearing it would be in vain: it was just tried, and what was left was too much.
    fn is_stuck(&self, most: u64, now: u64) -> bool {
        self.left > most
            && now.abs_diff(self.cleared) < CLEARED.as_secs()
            && self.bytes <= self.left.saturating_add(most / 10)
    }
}

impl Store {
    /// Clears the store if it is larger than the bound, as far as is known without looking at all of it. What it did, if
    /// anything was removed, or if for the first time it could not get below the bound. It stops between two steps when it
    /// is asked to; the next run goes on.
    ///
    /// # Errors
    /// When the store cannot be read or written.
    pub fn keep_within(
        &self,
        bound: Bound,
        stopped: &dyn Fn() -> bool,
    ) -> Result<Option<Cleared>, StoreError> {
        let Some(most) = bound.bytes() else { return Ok(None) };
        let added = self.added.swap(0, Ordering::Relaxed);
        let now = seconds();
        let mut size = self.known_size().unwrap_or_else(|| Size { counted: self.made(), ..Size::default() });
        let is_over = |since: u64, span: Duration| now.abs_diff(since) >= span.as_secs();
        if added == 0 && !is_over(size.counted, COUNTED) && size.bytes <= most {
            return Ok(None);
        }
        size.bytes = size.bytes.saturating_add(added);
        if is_over(size.counted, COUNTED) {
            size =
                Size { bytes: self.usage()?.values().map(|amount| amount.bytes).sum(), counted: now, ..size };
        }
        let mut cleared = None;
        if size.bytes > most && !size.is_stuck(most, now) {
            match self.clear_until(Bounds { bytes: Some(most), days: None }, false, stopped) {
                Ok(done) if done.stopped => {
                    size.bytes =
                        size.bytes.saturating_sub(done.bytes_before.saturating_sub(done.bytes_after));
                    cleared = Some(done).filter(|done| !done.parts.is_empty());
                }
                Ok(done) => {
                    let is_news = size.left <= most && done.bytes_after > most;
                    size =
                        Size { bytes: done.bytes_after, counted: now, cleared: now, left: done.bytes_after };
                    cleared = Some(done).filter(|done| is_news || !done.parts.is_empty());
                }
                // Then it is done by others.
                Err(StoreError::Clearing) => {}
                Err(error) => return Err(error),
            }
        }
        self.save_size(size)?;
        Ok(cleared)
    }

    /// Takes note of an object that was added.
    pub(super) fn count_added(&self, bytes: u64) {
        self.added.fetch_add(bytes, Ordering::Relaxed);
    }

    fn known_size(&self) -> Option<Size> {
        serde_json::from_slice(&fs::read(self.root().join(FILE)).ok()?).ok()
    }

    /// When the store was made, empty, in seconds since 1970.
    fn made(&self) -> u64 {
        let made = fs::metadata(self.root().join("format")).and_then(|metadata| metadata.modified());
        made.map_or(0, |made| made.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs())
    }

    fn save_size(&self, size: Size) -> Result<(), StoreError> {
        let not_json = |error: serde_json::Error| StoreError::NotCanonical { what: error.to_string() };
        let text = serde_json::to_vec(&size).map_err(not_json)?;
        self.replace(&self.root().join(FILE), &text, || failpoint::hit("cache::size_before_rename"), || ())
    }
}

const FILE: &str = "size.json";

fn seconds() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Digest;

    fn store() -> (tempfile::TempDir, Store) {
        let root = tempfile::tempdir().unwrap();
        let store = Store::open(Some(root.path().to_owned())).unwrap();
        (root, store)
    }

    #[test]
    fn a_bound_is_a_size_with_its_unit_nothing_or_off() {
        let bytes = |text| Bound::parse(text).map(Bound::bytes);
        assert_eq!(bytes("50GB"), Ok(Some(50_000_000_000)));
        assert_eq!(bytes(" 2 GiB"), Ok(Some(2 << 30)));
        assert_eq!((bytes("0"), bytes("off")), (Ok(Some(0)), Ok(None)));
        for text in ["", "20 apples", "-1", "OFF"] {
            assert!(bytes(text).is_err(), "{text}");
        }
    }

    #[test]
    fn what_was_stored_is_counted_once_a_day_and_added_up_in_between() {
        let (_root, store) = store();
        let object = store.root().join("objects/ab/cd");
        fs::create_dir_all(object.parent().unwrap()).unwrap();
        fs::write(&object, [0; 500]).unwrap();
        store.count_added(20);
        assert_eq!(store.keep_within(Bound::Bytes(1000), &|| false).unwrap(), None);
        assert_eq!(store.known_size().map(|size| size.bytes), Some(20), "it was made empty");
        store.save_size(Size { counted: 0, ..store.known_size().unwrap() }).unwrap();
        store.keep_within(Bound::Bytes(1000), &|| false).unwrap();
        assert_eq!(store.known_size().map(|size| size.bytes), Some(500));
        store.count_added(30);
        store.keep_within(Bound::Bytes(1000), &|| false).unwrap();
        assert_eq!(store.known_size().map(|size| size.bytes), Some(530));
    }

    /// A run that stores `bytes`, of which no result needs any when it ends.
    fn run(store: &Store, name: &str, bytes: usize) -> Option<Cleared> {
        let object = store.object_path(&Digest::of(name.as_bytes()));
        fs::create_dir_all(object.parent().unwrap()).unwrap();
        fs::write(&object, vec![0; bytes]).unwrap();
        let past = SystemTime::now() - Duration::from_secs(60);
        fs::File::open(&object).unwrap().set_modified(past).unwrap();
        store.count_added(bytes as u64);
        store.keep_within(Bound::Bytes(5000), &|| false).unwrap()
    }

    fn held(store: &Store) -> u64 {
        store.usage().unwrap().values().map(|amount| amount.bytes).sum()
    }

    #[test]
    fn a_store_is_within_its_bound_after_each_of_many_runs() {
        let (_root, store) = store();
        let mut times = 0;
        for name in 0..12 {
            times += usize::from(run(&store, &name.to_string(), 2000).is_some());
            assert!(held(&store) <= 5000, "{} after run {name}", held(&store));
        }
        assert_eq!(times, 4, "each third run clears, however short ago the last did");
    }

    #[test]
    fn a_store_that_cannot_be_cleared_below_its_bound_says_so_once_and_is_tried_again_when_it_has_grown() {
        let (_root, store) = store();
        let partial = store.partial(&Digest::of(b"work")).unwrap().join("epoch-3");
        fs::write(partial, [0; 6000]).unwrap();
        store.count_added(6000);
        let told = store.keep_within(Bound::Bytes(5000), &|| false).unwrap().unwrap();
        assert_eq!((told.parts.len(), told.bytes_after), (0, 6000));
        assert_eq!(store.keep_within(Bound::Bytes(5000), &|| false).unwrap(), None);
        assert_eq!((run(&store, "little", 500), held(&store)), (None, 6500), "it is not worth the walk");
        let cleared = run(&store, "much", 1000).unwrap();
        assert_eq!((cleared.bytes_before, cleared.bytes_after), (7500, 6000));
        run(&store, "last", 400);
        let size = store.known_size().unwrap();
        store.save_size(Size { cleared: size.cleared - CLEARED.as_secs(), ..size }).unwrap();
        assert!(store.keep_within(Bound::Bytes(5000), &|| false).unwrap().is_some(), "an hour later");
        assert_eq!(store.keep_within(Bound::Off, &|| false).unwrap(), None);
    }

    #[test]
    fn clearing_that_is_stopped_goes_on_at_the_end_of_the_next_run() {
        let (_root, store) = store();
        run(&store, "first", 4000);
        for name in 0..200 {
            let object = store.object_path(&Digest::of(&[name]));
            fs::create_dir_all(object.parent().unwrap()).unwrap();
            fs::write(&object, [0; 100]).unwrap();
            let past = SystemTime::now() - Duration::from_secs(60);
            fs::File::open(&object).unwrap().set_modified(past).unwrap();
            store.count_added(100);
        }
        let before = held(&store);
        assert_eq!(store.keep_within(Bound::Bytes(5000), &|| true).unwrap(), None);
        assert_eq!(held(&store), before);
        // Ctrl-C when the first step is done.
        let stopped = || held(&store) < before;
        let cleared = store.keep_within(Bound::Bytes(5000), &stopped).unwrap().unwrap();
        assert!(cleared.stopped && cleared.bytes_after == held(&store) && held(&store) > 5000);
        store.keep_within(Bound::Bytes(5000), &|| false).unwrap();
        assert_eq!(held(&store), 0);
    }
}
