//! Finding the sweeps that are there.

use super::{RecordError, SweepRecord};
use fs_err as fs;
use std::{
    cmp::Reverse,
    path::{Path, PathBuf},
};

/// How deep below a folder sweeps are looked for, as runs are.
const DEPTH: usize = 3;

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
    let failed = |error| RecordError::io("read the folder", folder, error);
    for entry in fs::read_dir(folder).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let hidden = entry.file_name().to_string_lossy().starts_with('.');
        if !hidden && entry.file_type().map_err(failed)?.is_dir() {
            collect(&entry.path(), depth - 1, found)?;
        }
    }
    Ok(())
}
