//! A result's files, copied into the run folder.

use super::{Layout, Published, RecordError, RunFolder};
use crate::store::{Manifest, Store, StoreError};
use std::{collections::BTreeMap, path::Path};

/// Copies the files of a result to their places in the run folder, replacing what is there, and says what is there now.
/// All places are known to be good before the first file is copied.
///
/// # Errors
/// Two files with one place; a file that cannot be written; [`RecordError::Store`] when an object turns out to be corrupt
/// or missing ([`crate::store::StoreError::is_damage`]), in which case the work must be done again.
pub fn materialise(
    store: &Store,
    manifest: &Manifest,
    run: &RunFolder,
    layout: &Layout,
    node: &str,
    several: bool,
) -> Result<Vec<Published>, RecordError> {
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
        let dest = run.path().join(&place);
        store.restore(&file.digest, file.size, &dest).map_err(|error| blame_the_run_folder(error, &dest))?;
        published.push(Published { path: place, digest: file.digest, bytes: file.size });
    }
    Ok(published)
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
