//! Results by the stage that made them.

use super::{Manifest, Store, document};
use fs_err as fs;
use std::{cmp::Reverse, time::SystemTime};

/// How many of the newest results are looked at: opening all of a large store takes seconds.
const LOOKED_AT: usize = 2000;

impl Store {
    /// The newest results, newest first. What cannot be read is left out.
    pub fn latest(&self) -> impl Iterator<Item = Manifest> {
        let entries = fs::read_dir(self.root().join("actions")).into_iter().flatten().flatten();
        let mut found: Vec<(SystemTime, _)> = entries
            .filter_map(|entry| Some((entry.metadata().ok()?.modified().ok()?, entry.path())))
            .filter(|(_, path)| path.extension().is_some_and(|extension| extension == "json"))
            .collect();
        found.sort_by(|a, b| Reverse(&a.0).cmp(&Reverse(&b.0)).then_with(|| a.1.cmp(&b.1)));
        let read = |path| document::unseal(&fs::read(path).ok()?).ok();
        found.into_iter().take(LOOKED_AT).filter_map(move |(_, path)| read(path))
    }
}
