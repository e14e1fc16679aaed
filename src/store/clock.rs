//! The clock by which a file system stamps its files.

use super::{
    Store,
    os::{self, Stamp},
};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tempfile::NamedTempFile;

/// File systems stamp a file with the time of the last tick of a clock, two seconds long at worst (FAT). While the tick
/// lasts, another edit of the same size leaves the very same stamp.
pub(super) const SETTLED: Duration = Duration::from_secs(2);

/// Tells whether a file has been left alone for so long that its next edit must give it another stamp.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Clock {
    /// The file system whose clock was looked at.
    device: u64,
    /// How far that clock is ahead of the system's, in nanoseconds. A server's may be hours off.
    ahead: i128,
    settled: Duration,
}

impl Clock {
    /// Looks at the clock of the store's file system, by a file written there now. Of other file systems it is only known
    /// that most go by the system's.
    pub(super) fn of(store: Option<&Store>, settled: Duration) -> Self {
        let written = |store: &Store| {
            NamedTempFile::new_in(store.root().join("tmp")).and_then(|file| os::stamp(file.as_file()))
        };
        match store.map(written) {
            // The system's clock is read after the file was made: an error makes files look younger, which is safe.
            Some(Ok(stamp)) => Self { device: stamp.device, ahead: stamp.latest() - system(), settled },
            None => Self { device: 0, ahead: 0, settled },
            Some(Err(error)) => {
                tracing::debug!(%error, "the clock of the store's file system cannot be read");
                Self { device: 0, ahead: 0, settled }
            }
        }
    }

    /// Whether a file with this stamp, were it edited from now on, would have another stamp.
    pub(super) fn is_settled(&self, stamp: &Stamp) -> bool {
        let now = system() + if stamp.device == self.device { self.ahead } else { 0 };
        now - stamp.latest() >= self.settled.as_nanos() as i128
    }
}

/// Nanoseconds since 1970.
fn system() -> i128 {
    match SystemTime::now().duration_since(UNIX_EPOCH) {
        Ok(since) => since.as_nanos() as i128,
        Err(before) => -(before.duration().as_nanos() as i128),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use fs_err as fs;

    #[test]
    fn a_file_has_settled_when_the_tick_of_its_last_change_is_over_by_the_clock_of_its_own_file_system() {
        let root = tempfile::tempdir().unwrap();
        let store = Store::open(Some(root.path().to_owned())).unwrap();
        let path = root.path().join("file");
        fs::write(&path, "written just now").unwrap();
        let stamp = Stamp::of(&path).unwrap().unwrap();
        let clock = |settled| Clock::of(Some(&store), Duration::from_millis(settled));
        assert!(!clock(60_000).is_settled(&stamp));
        std::thread::sleep(Duration::from_millis(30));
        assert!(clock(20).is_settled(&stamp));

        let hour = Duration::from_secs(3600).as_nanos() as i128;
        let behind = Clock { ahead: -hour, ..clock(20) };
        assert!(!behind.is_settled(&stamp), "an hour ago by its clock");
        let foreign = Clock { device: !stamp.device, ..behind };
        assert!(foreign.is_settled(&stamp), "another file system's clock says nothing of this file");
    }

    #[test]
    fn a_file_of_the_future_never_settles() {
        let root = tempfile::tempdir().unwrap();
        let store = Store::open(Some(root.path().to_owned())).unwrap();
        let path = root.path().join("file");
        fs::write(&path, "").unwrap();
        let future = SystemTime::now() + Duration::from_secs(86_400);
        fs::File::options().write(true).open(&path).unwrap().set_modified(future).unwrap();
        let stamp = Stamp::of(&path).unwrap().unwrap();
        assert!(!Clock::of(Some(&store), Duration::ZERO).is_settled(&stamp));
    }
}
