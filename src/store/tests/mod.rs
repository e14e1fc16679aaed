//! The store as a whole: publish, look up, restore, damage.

mod clearing;
mod damage;
mod errors;
mod folders;
mod keys;
mod kills;
mod model;
mod publishing;
mod sources;
mod stat_cache;

use super::{Attempt, Digest, FingerprintLock, KeyDocument, Manifest, Store, StoreError};
use contract::{ArtifactKind, EventKind, Outputs, Settings};
use fs_err as fs;
use std::{collections::BTreeMap, path::Path};
use tempfile::TempDir;

/// A store in a folder of its own.
fn store() -> (TempDir, Store) {
    let root = tempfile::tempdir().unwrap();
    let store = Store::open(Some(root.path().join("store"))).unwrap();
    (root, store)
}

/// The key of a stage `train` whose only setting is `seed`.
fn key(seed: u64) -> KeyDocument {
    KeyDocument {
        stage: "train".to_owned(),
        version: 1,
        settings: Settings::of(&serde_json::json!({ "seed": seed })),
        inputs: BTreeMap::new(),
        device: None,
    }
}

/// An attempt that has written these files.
fn attempt_with(store: &Store, files: &[(&str, &[u8])]) -> Attempt {
    let attempt = store.attempt().unwrap();
    for (path, bytes) in files {
        let path = attempt.out().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
    attempt
}

/// The lock, waited for.
fn lock(store: &Store, fingerprint: &Digest) -> FingerprintLock {
    loop {
        if let Some(lock) = store.try_lock(fingerprint).unwrap() {
            return lock;
        }
        std::thread::yield_now();
    }
}

/// Publishes the files as the result of `key(seed)`, the first of them at the port `model`.
fn publish(store: &Store, seed: u64, files: &[(&str, &[u8])]) -> Result<Manifest, StoreError> {
    publish_after(store, seed, files, 1.5)
}

/// The same as a result that took so many seconds.
fn publish_after(
    store: &Store,
    seed: u64,
    files: &[(&str, &[u8])],
    seconds: f64,
) -> Result<Manifest, StoreError> {
    let attempt = attempt_with(store, files);
    let outputs = Outputs::default().with("model", files[0].0);
    let kinds = BTreeMap::from([("model".to_owned(), ArtifactKind::FloatModel)]);
    let events = vec![EventKind::Metric { name: "val_loss".to_owned(), step: Some(1), value: 0.1 + 0.2 }];
    let fingerprint = key(seed).fingerprint().unwrap();
    let lock = lock(store, &fingerprint);
    store.publish(&lock, key(seed), Digest::of(b"recipe"), &attempt, &outputs, &kinds, events, seconds)
}

/// Restores all files of a result into `folder` and reads them.
fn restore_all(
    store: &Store,
    manifest: &Manifest,
    folder: &Path,
) -> Result<BTreeMap<String, Vec<u8>>, StoreError> {
    let mut files = BTreeMap::new();
    for file in &manifest.files {
        let dest = folder.join(&file.path);
        store.restore(&file.digest, file.size, &dest)?;
        files.insert(file.path.clone(), fs::read(dest).unwrap());
    }
    Ok(files)
}

/// Makes an object writable for a test that damages it.
fn overwrite(path: &Path, bytes: &[u8]) {
    super::os::set_mode(path, 0o644).unwrap();
    fs::write(path, bytes).unwrap();
}
