//! Finding the sweeps that are there.

use super::{
    RecordError, SweepRecord,
    found::{DEPTH, subfolders},
};
use std::{
    cmp::Reverse,
    path::{Path, PathBuf},
};

/// The sweeps below `folder`, or in it, newest first. A record that cannot be read is no sweep; its runs are found as runs.
///
/// # Errors
/// When a folder cannot be read.
pub fn sweeps(folder: &Path) -> Result<Vec<(PathBuf, SweepRecord)>, RecordError> {
    let mut found = Vec::new();
    collect(folder, DEPTH, &mut found)?;
    found.sort_by(|(_, a), (_, b)| {
        Reverse(&a.started).cmp(&Reverse(&b.started)).then_with(|| b.id.cmp(&a.id))
    });
    Ok(found)
}

fn collect(folder: &Path, depth: usize, found: &mut Vec<(PathBuf, SweepRecord)>) -> Result<(), RecordError> {
    if let Ok(Some(record)) = SweepRecord::read(folder) {
        found.push((folder.to_owned(), record));
        return Ok(());
    }
    if depth == 0 || folder.join(super::RECORD).exists() {
        return Ok(());
    }
    for below in subfolders(folder)? {
        collect(&below, depth - 1, found)?;
    }
    Ok(())
}
