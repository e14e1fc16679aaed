//! A result's files, put into the run folder.

use super::{Layout, Published, RecordError, RunFolder};
use crate::store::{Manifest, OutputRecord, Store, StoreError, failpoint};
use fs_err as fs;
use std::{
    collections::BTreeMap,
    fs::Permissions,
    os::unix::fs::{MetadataExt, PermissionsExt},
    path::Path,
};

/// A place for the files of one node of a plan.
#[derive(Debug, Clone, Copy)]
pub struct Place<'a> {
    /// The run folder.
    pub folder: &'a RunFolder,
    /// Names in there.
    pub layout: &'a Layout,
    /// What the node is called in this run.
    pub node: &'a str,
    /// Whether the run has several nodes of this stage.
    pub several: bool,
}

/// Puts the files of a result at their places in the run folder, replacing what is there, and says what is there now. All
/// places are known to be good before the first file is put there. `made` is the folder in which they have just been made,
/// if they have: what the store has a copy of need not be copied back.
///
/// # Errors
/// Two files with one place; a file that cannot be written; [`RecordError::Store`] when an object turns out to be corrupt
/// or missing ([`crate::store::StoreError::is_damage`]), in which case the work must be done again.
pub fn materialise(
    store: &Store,
    manifest: &Manifest,
    place: &Place<'_>,
    made: Option<&Path>,
) -> Result<Vec<Published>, RecordError> {
    let Place { folder, layout, node, several } = *place;
    let mut places = BTreeMap::new();
    for file in &manifest.files {
        let place = layout.place(node, several, &file.path)?;
        if let Some(other) = places.insert(place.clone(), file) {
            return Err(RecordError::Clash {
                node: node.to_owned(),
                first: other.path.clone(),
                second: file.path.clone(),
                place,
            });
        }
    }
    let mut published = Vec::with_capacity(places.len());
    for (place, file) in places {
        let dest = folder.path().join(&place);
        if !made.is_some_and(|made| moved(&made.join(&file.path), &dest, folder)) {
            store
                .restore(&file.digest, file.size, &dest)
                .map_err(|error| blame_the_run_folder(error, &dest))?;
        }
        published.push(Published { path: place, digest: file.digest, bytes: file.size });
    }
    Ok(published)
}

/// Copies an output to a place outside of the run folder, replacing what is there, and says what is there now, by its
/// absolute path.
///
/// # Errors
/// A file that cannot be written; [`RecordError::Store`] as [`materialise`].
pub fn copy_out(store: &Store, output: &OutputRecord, path: &Path) -> Result<Published, RecordError> {
    let dest =
        std::path::absolute(path).map_err(|error| RecordError::io("find the place of", path, error))?;
    store.restore(&output.digest, output.size, &dest).map_err(|error| blame_the_run_folder(error, &dest))?;
    Ok(Published { path: dest.to_string_lossy().into_owned(), digest: output.digest, bytes: output.size })
}

/// Moves a file, and gives it the permissions of a copy. That is impossible from one file system to another, and not done
/// with a file that has another name somewhere: an edit of one would be an edit of both.
fn moved(from: &Path, to: &Path, run: &RunFolder) -> bool {
    let made = || to.parent().is_some_and(|folder| fs::create_dir_all(folder).is_ok());
    let rename = || fs::rename(from, to).is_ok();
    let alone = fs::symlink_metadata(from).is_ok_and(|file| file.nlink() == 1);
    let moved = alone && permit(from, run) && (rename() || (made() && rename()));
    if moved {
        failpoint::hit("record::moved");
    }
    moved
}

/// Read and written by its owner, read by others, but for what the user's mask takes away, as the run folder shows.
fn permit(file: &Path, run: &RunFolder) -> bool {
    let Ok(folder) = fs::metadata(run.path()) else { return false };
    fs::set_permissions(file, Permissions::from_mode(folder.mode() & 0o644)).is_ok()
}

/// What failed at the destination is about the run folder, and so is the remedy.
fn blame_the_run_folder(error: StoreError, dest: &Path) -> RecordError {
    match error {
        StoreError::ReadOnly { action, path, source }
        | StoreError::Full { action, path, source }
        | StoreError::Io { action, path, source }
            if path == dest =>
        {
            RecordError::io(action, path, source)
        }
        other => RecordError::Store(other),
    }
}
