//! From the store into the run folder.

use super::*;
use crate::store::{Digest, FileRecord, KeyDocument, Manifest, Store};
use contract::{ArtifactKind, Outputs, Settings};
use fs_err as fs;
use std::collections::BTreeMap;

fn key() -> KeyDocument {
    KeyDocument {
        stage: "train".to_owned(),
        version: 1,
        settings: Settings::of(&()),
        inputs: BTreeMap::new(),
        device: None,
    }
}

fn publish(store: &Store) -> Manifest {
    let attempt = store.attempt().unwrap();
    for (folder, file) in [("saved_models", "best_model.h5"), ("_stage", "curves.svg")] {
        fs::create_dir(attempt.out().join(folder)).unwrap();
        fs::write(attempt.out().join(folder).join(file), file).unwrap();
    }
    let fingerprint = key().fingerprint().unwrap();
    let lock = store.try_lock(&fingerprint).unwrap().unwrap();
    let outputs = Outputs::default().with("model", "saved_models/best_model.h5");
    let kinds = BTreeMap::from([("model".to_owned(), ArtifactKind::FloatModel)]);
    store.publish(&lock, key(), fingerprint, &attempt, &outputs, &kinds, Vec::new(), 0.5).unwrap()
}

struct World {
    _root: tempfile::TempDir,
    store: Store,
    run: RunFolder,
}

fn world() -> World {
    let root = tempfile::tempdir().unwrap();
    let store = Store::open(Some(root.path().join("store"))).unwrap();
    let run = RunFolder::create(root.path().join("run").to_str().unwrap()).unwrap();
    World { _root: root, store, run }
}

fn place<'a>(folder: &'a RunFolder, layout: &'a Layout) -> Place<'a> {
    Place { folder, layout, node: "train", several: false }
}

#[test]
fn a_result_lies_in_the_run_folder_under_the_users_names() {
    let World { store, run, .. } = &world();
    let manifest = publish(store);
    let layout = Layout::new("models", "logs", "int8").unwrap();
    // What a stage left there while it ran is replaced.
    fs::create_dir(run.path().join("models")).unwrap();
    fs::write(run.path().join("models/best_model.h5"), "an earlier epoch").unwrap();

    let published = materialise(store, &manifest, &place(run, &layout), None).unwrap();
    let paths: Vec<&str> = published.iter().map(|file| file.path.as_str()).collect();
    assert_eq!(paths, ["models/best_model.h5", "train/curves.svg"]);
    for file in &published {
        let expected = (file.digest, file.bytes);
        assert_eq!(Digest::of_file(&run.path().join(&file.path)).unwrap(), expected);
    }
}

#[test]
fn files_that_would_overwrite_each_other_are_refused_before_any_is_copied() {
    let World { store, run, .. } = &world();
    let mut manifest = publish(store);
    let other = FileRecord { path: "curves.svg".to_owned(), ..manifest.files[0].clone() };
    manifest.files.push(other);
    let error = materialise(store, &manifest, &place(run, &Layout::default()), None).unwrap_err();
    assert_eq!(
        error.to_string(),
        "two files of `train`, `_stage/curves.svg` and `curves.svg`, would both become `train/curves.svg` in the run \
         folder"
    );
    assert_eq!(fs::read_dir(run.path()).unwrap().count(), 0);
}

#[test]
fn what_fails_in_the_run_folder_is_not_blamed_on_the_store_and_a_corrupt_object_is() {
    let World { store, run, .. } = &world();
    let manifest = publish(store);
    fs::write(run.path().join("saved_models"), "a file where a folder belongs").unwrap();
    let error = materialise(store, &manifest, &place(run, &Layout::default()), None).unwrap_err();
    assert!(matches!(error, RecordError::Io { .. }), "{error}");
    fs::remove_file(run.path().join("saved_models")).unwrap();

    let object = store.object_path(&manifest.outputs["model"].digest);
    fs::remove_file(&object).unwrap();
    let error = materialise(store, &manifest, &place(run, &Layout::default()), None).unwrap_err();
    assert!(matches!(&error, RecordError::Store(damage) if damage.is_damage()), "{error}");
}

#[test]
fn what_has_just_been_made_is_moved_and_what_is_not_there_any_more_is_copied() {
    let World { store, run, .. } = &world();
    let manifest = publish(store);
    let made = tempfile::tempdir_in(run.path().parent().unwrap()).unwrap();
    fs::create_dir(made.path().join("_stage")).unwrap();
    fs::write(made.path().join("_stage/curves.svg"), "curves.svg").unwrap();
    let layout = Layout::default();
    materialise(store, &manifest, &place(run, &layout), Some(made.path())).unwrap();
    assert!(!made.path().join("_stage/curves.svg").exists());
    for (file, text) in [("train/curves.svg", "curves.svg"), ("saved_models/best_model.h5", "best_model.h5")]
    {
        assert_eq!(fs::read_to_string(run.path().join(file)).unwrap(), text);
    }
}

#[test]
fn a_file_with_another_name_somewhere_is_copied_and_a_moved_one_has_the_permissions_of_a_copy() {
    use std::os::unix::fs::{MetadataExt, PermissionsExt};
    let World { store, run, .. } = &world();
    let manifest = publish(store);
    let made = tempfile::tempdir_in(run.path().parent().unwrap()).unwrap();
    for (folder, file) in [("saved_models", "best_model.h5"), ("_stage", "curves.svg")] {
        fs::create_dir(made.path().join(folder)).unwrap();
        fs::write(made.path().join(folder).join(file), file).unwrap();
        let mode = std::fs::Permissions::from_mode(0o400);
        fs::set_permissions(made.path().join(folder).join(file), mode).unwrap();
    }
    fs::hard_link(made.path().join("_stage/curves.svg"), made.path().join("elsewhere.svg")).unwrap();
    materialise(store, &manifest, &place(run, &Layout::default()), Some(made.path())).unwrap();
    for file in ["train/curves.svg", "saved_models/best_model.h5"] {
        let found = fs::metadata(run.path().join(file)).unwrap();
        assert_eq!((found.nlink(), found.mode() & 0o777), (1, 0o644), "{file}");
    }
}
