//! What was read of a file from outside, and whether that is still true.

use super::{Digest, clock::Clock, os::Stamp};
use std::{io, path::Path, sync::OnceLock};

/// A file, or that there is none, as it was when its digest was taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Reading {
    /// Digest of its bytes; none of a file that is absent.
    pub(super) digest: Option<Digest>,
    stamp: Option<Stamp>,
    /// Filled once the file could not change any more without getting another stamp.
    settled: OnceLock<()>,
}

impl Reading {
    /// There is no file.
    pub(super) fn absent() -> Self {
        Self { digest: None, stamp: None, settled: OnceLock::from(()) }
    }

    /// A file that had this stamp before and after its bytes were read. If it had not settled by then, the stamp alone
    /// does not tell whether it has changed.
    pub(super) fn of(digest: Digest, stamp: Stamp, settled: bool) -> Self {
        let cell = OnceLock::new();
        if settled {
            cell.get_or_init(|| ());
        }
        Self { digest: Some(digest), stamp: Some(stamp), settled: cell }
    }

    /// Whether the stamp alone does not tell yet.
    pub(super) fn is_unsettled(&self) -> bool {
        self.settled.get().is_none()
    }

    /// The stamp, nothing of an absent file; where it tells whether the file has changed since.
    pub(super) fn settled_stamp(&self) -> Option<Option<Stamp>> {
        (!self.is_unsettled()).then_some(self.stamp)
    }

    /// Whether the path still leads to that content. Where the stamp does not tell, or is another (the file was touched, or
    /// replaced by a copy), the bytes decide.
    pub(super) fn still_holds(&self, path: &Path, clock: Option<&Clock>) -> bool {
        match Stamp::of(path) {
            Ok(now) if now == self.stamp && !self.is_unsettled() => true,
            Ok(Some(now)) if now.is_file() => {
                let settled = self.stamp == Some(now) && clock.is_some_and(|clock| clock.is_settled(&now));
                let holds = self.reads_the_same(path).unwrap_or(false);
                if holds && settled {
                    self.settled.get_or_init(|| ());
                }
                holds
            }
            _ => false,
        }
    }

    fn reads_the_same(&self, path: &Path) -> io::Result<bool> {
        let (found, _) = Digest::of_file(path)?;
        Ok(Some(found) == self.digest)
    }
}
