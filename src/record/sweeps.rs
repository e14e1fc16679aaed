//! Finding the sweeps that are there.

use super::{
    RecordError, SweepRecord,
    found::{DEPTH, subfolders},
};
use std::{
    cmp::Reverse,
    path::{Path, PathBuf},
};

/// The sweeps below `folder`, or in it, newest first. One whose record cannot be read is none of them, see
/// [`lost_sweeps`]; its runs are found as runs.
///
/// # Errors
/// When a folder cannot be read.
pub fn sweeps(folder: &Path) -> Result<Vec<(PathBuf, SweepRecord)>, RecordError> {
    let mut found = Vec::new();
    collect(folder, DEPTH, &mut |folder, record| {
        found.extend(record.ok().map(|record| (folder.to_owned(), record)))
    })?;
    found.sort_by(|(_, a), (_, b)| {
        Reverse(&a.started).cmp(&Reverse(&b.started)).then_with(|| b.id.cmp(&a.id))
    });
    Ok(found)
}

/// The sweeps below `folder`, or in it, whose records cannot be read, each with the reason.
///
/// # Errors
/// When a folder cannot be read.
pub fn lost_sweeps(folder: &Path) -> Result<Vec<(PathBuf, RecordError)>, RecordError> {
    let mut found = Vec::new();
    collect(folder, DEPTH, &mut |folder, record| {
        found.extend(record.err().map(|error| (folder.to_owned(), error)))
    })?;
    Ok(found)
}

fn collect(
    folder: &Path,
    depth: usize,
    found: &mut impl FnMut(&Path, Result<SweepRecord, RecordError>),
) -> Result<(), RecordError> {
    match SweepRecord::read(folder).transpose() {
        Some(Ok(record)) => {
            found(folder, Ok(record));
            return Ok(());
        }
        Some(Err(error)) => found(folder, Err(error)),
        None => {}
    }
    if depth == 0 || folder.join(super::RECORD).exists() {
        return Ok(());
    }
    for below in subfolders(folder)? {
        collect(&below, depth - 1, found)?;
    }
    Ok(())
}
