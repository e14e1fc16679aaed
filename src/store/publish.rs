//! Publishing: a finished attempt's files become objects, then the manifest makes them a result.

use super::{
    Attempt, Digest, FileRecord, FingerprintLock, KeyDocument, Manifest, OutputRecord, Store, StoreError,
    document, failpoint, manifest,
};
use contract::{ArtifactKind, EventKind, Outputs};
use fs_err as fs;
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

impl Store {
    /// Stores everything in the attempt's output folder and commits the manifest. Before the manifest has its name there
    /// is no result; after it, there is all of it.
    ///
    /// Each port in `kinds` must name a file in `outputs`, and the other way round. Of `events` those are kept that
    /// survive a hit.
    ///
    /// # Errors
    /// A lock of other work; something in the output folder that is not a regular file with a UTF-8 name; an output port
    /// without its file; a store that cannot be written.
    #[expect(clippy::too_many_arguments, reason = "each is a different thing that a result consists of")]
    pub fn publish(
        &self,
        lock: &FingerprintLock,
        key: KeyDocument,
        recipe: Digest,
        attempt: &Attempt,
        outputs: &Outputs,
        kinds: &BTreeMap<String, ArtifactKind>,
        events: Vec<EventKind>,
        seconds: f64,
    ) -> Result<Manifest, StoreError> {
        let fingerprint = key.fingerprint()?;
        if fingerprint != lock.fingerprint() {
            return Err(StoreError::WrongLock { key: fingerprint, lock: lock.fingerprint() });
        }
        self.use_now(&fingerprint)?;
        let found = files_below(attempt.out())?;
        check_ports(outputs, kinds, &found)?;

        let mut files = Vec::with_capacity(found.len());
        for (path, file) in found {
            let (digest, size) = self.add_object(&file, attempt)?;
            files.push(FileRecord { path, digest, size });
        }
        let manifest = Manifest {
            format: manifest::FORMAT,
            key,
            recipe,
            outputs: output_records(outputs, kinds, &files),
            files,
            events: events.into_iter().filter(EventKind::survives_a_hit).collect(),
            seconds,
            created: jiff::Timestamp::now().to_string(),
        };
        self.replace(
            &self.named("actions", &fingerprint, ".json"),
            document::seal(&manifest)?.as_bytes(),
            || failpoint::hit("store::manifest_before_rename"),
            || failpoint::hit("store::manifest_after_rename"),
        )?;
        Ok(manifest)
    }
}

/// All files below a folder by their relative paths.
fn files_below(root: &Path) -> Result<BTreeMap<String, PathBuf>, StoreError> {
    let mut found = BTreeMap::new();
    let mut folders = vec![(root.to_owned(), String::new())];
    while let Some((folder, prefix)) = folders.pop() {
        let failed = |error| StoreError::Io { action: "list", path: folder.clone(), source: error };
        for entry in fs::read_dir(&folder).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let path = entry.path();
            let Ok(name) = entry.file_name().into_string() else {
                return Err(StoreError::BadOutput { path, what: "has a name that is not UTF-8" });
            };
            let metadata = fs::symlink_metadata(&path).map_err(failed)?;
            if metadata.is_dir() {
                folders.push((path, format!("{prefix}{name}/")));
            } else if metadata.is_file() {
                found.insert(format!("{prefix}{name}"), path);
            } else if metadata.is_symlink() {
                return Err(StoreError::BadOutput { path, what: "is a symbolic link" });
            } else {
                return Err(StoreError::BadOutput { path, what: "is not a regular file" });
            }
        }
    }
    Ok(found)
}

fn check_ports(
    outputs: &Outputs,
    kinds: &BTreeMap<String, ArtifactKind>,
    found: &BTreeMap<String, PathBuf>,
) -> Result<(), StoreError> {
    let bad = |port: &str, what: String| Err(StoreError::BadPort { port: port.to_owned(), what });
    for (port, path) in &outputs.0 {
        if !kinds.contains_key(port) {
            return bad(port, "is not one of its ports".to_owned());
        }
        if !found.contains_key(path) {
            return bad(port, format!("names the file `{path}`, which it did not write"));
        }
    }
    match kinds.keys().find(|port| !outputs.0.contains_key(*port)) {
        Some(port) => bad(port, "was promised and names no file".to_owned()),
        None => Ok(()),
    }
}

fn output_records(
    outputs: &Outputs,
    kinds: &BTreeMap<String, ArtifactKind>,
    files: &[FileRecord],
) -> BTreeMap<String, OutputRecord> {
    let record = |(port, path): (&String, &String)| {
        let file = files.iter().find(|file| file.path == *path)?;
        let record = OutputRecord {
            kind: *kinds.get(port)?,
            path: path.clone(),
            digest: file.digest,
            size: file.size,
        };
        Some((port.clone(), record))
    };
    outputs.0.iter().filter_map(record).collect()
}
