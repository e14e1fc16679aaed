use super::*;
use crate::store::Stored;
use std::os::unix::fs::MetadataExt;

const FILES: [(&str, &[u8]); 3] =
    [("saved_models/best_model.h5", b"weights"), ("logs/metrics.csv", b"1,2"), ("_stage/empty", b"")];

#[test]
fn what_was_published_is_found_again_whole() {
    let (root, store) = store();
    let fingerprint = key(1).fingerprint().unwrap();
    assert_eq!(store.lookup(&fingerprint).unwrap(), Stored::Nothing);
    let published = publish(&store, 1, &FILES).unwrap();

    let reopened = Store::open(Some(store.root().to_owned())).unwrap();
    let found = reopened.lookup(&fingerprint).unwrap().manifest().unwrap();
    assert_eq!(found, published);
    assert_eq!(found.key, key(1));
    let paths: Vec<&str> = found.files.iter().map(|file| file.path.as_str()).collect();
    assert_eq!(paths, ["_stage/empty", "logs/metrics.csv", "saved_models/best_model.h5"]);
    let model = &found.outputs["model"];
    assert_eq!((model.digest, model.size), (Digest::of(b"weights"), 7));
    assert_eq!(reopened.lookup(&key(2).fingerprint().unwrap()).unwrap(), Stored::Nothing);

    let files = restore_all(&reopened, &found, root.path()).unwrap();
    assert_eq!(files, FILES.map(|(path, bytes)| (path.to_owned(), bytes.to_owned())).into());
}

#[test]
fn a_restored_file_is_the_users_own_and_the_object_is_read_only() {
    let (root, store) = store();
    let manifest = publish(&store, 1, &FILES).unwrap();
    let model = &manifest.outputs["model"];
    let (object, dest) = (store.object_path(&model.digest), root.path().join("run/model.h5"));
    store.restore(&model.digest, model.size, &dest).unwrap();
    let (stored, own) = (fs::metadata(&object).unwrap(), fs::metadata(&dest).unwrap());
    assert_eq!((stored.mode() & 0o777, own.mode() & 0o777), (0o444, 0o644));
    assert_ne!(stored.ino(), own.ino());

    fs::write(&dest, "edited by the user").unwrap();
    store.verify(&model.digest).unwrap();
    store.restore(&model.digest, model.size, &dest).unwrap();
    assert_eq!(fs::read(&dest).unwrap(), b"weights");
    assert_eq!(fs::read_dir(root.path().join("run")).unwrap().count(), 1, "nothing lies beside it");
}

#[test]
fn checkpoints_stay_until_their_work_is_published_and_they_are_cleared() {
    let (root, store) = store();
    let fingerprint = key(1).fingerprint().unwrap();
    assert!(!store.has_partial(&fingerprint));
    fs::write(store.partial(&fingerprint).unwrap().join("epoch-3"), "state").unwrap();
    let again = Store::open(Some(root.path().join("store"))).unwrap().partial(&fingerprint).unwrap();
    assert_eq!(fs::read_to_string(again.join("epoch-3")).unwrap(), "state");

    let manifest = publish(&store, 1, &FILES).unwrap();
    let lock = lock(&store, &fingerprint);
    fs::remove_file(store.object_path(&manifest.files[0].digest)).unwrap();
    assert!(store.clear_partial(&lock, &manifest).is_err(), "the result is not on the disk");
    assert!(store.has_partial(&fingerprint));
    drop(lock);

    let manifest = publish(&store, 1, &FILES).unwrap();
    let lock = super::lock(&store, &fingerprint);
    store.clear_partial(&lock, &manifest).unwrap();
    assert!(!store.has_partial(&fingerprint));
    store.clear_partial(&lock, &manifest).unwrap();
    assert_eq!(fs::read_dir(store.partial(&fingerprint).unwrap()).unwrap().count(), 0);
}

#[test]
fn only_events_that_a_hit_tells_again_are_kept_and_a_number_that_is_not_finite_survives() {
    let (_root, store) = store();
    let attempt = attempt_with(&store, &[("model.h5", b"m")]);
    let fingerprint = key(1).fingerprint().unwrap();
    let kinds = BTreeMap::from([("model".to_owned(), ArtifactKind::FloatModel)]);
    let outputs = Outputs::default().with("model", "model.h5");
    let nan = EventKind::Metric { name: "iou".to_owned(), step: None, value: f64::NAN };
    let warning = EventKind::warning("3 images are missing");
    let events = vec![EventKind::StageFinished { seconds: 1.0 }, nan, warning.clone()];
    let lock = lock(&store, &fingerprint);
    store.publish(&lock, key(1), fingerprint, &attempt, &outputs, &kinds, events, 0.0).unwrap();

    let events = store.lookup(&fingerprint).unwrap().manifest().unwrap().events;
    assert!(matches!(&events[0], EventKind::Metric { value, .. } if value.is_nan()), "{events:?}");
    assert_eq!(events[1..], [warning]);
}

#[test]
fn two_threads_that_publish_the_same_work_both_leave_one_whole_result() {
    let (root, store) = store();
    let fingerprint = key(1).fingerprint().unwrap();
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                for _ in 0..20 {
                    publish(&store, 1, &FILES).unwrap();
                    let manifest = store.lookup(&fingerprint).unwrap().manifest().expect("published");
                    let folder = tempfile::tempdir_in(root.path()).unwrap();
                    let files = restore_all(&store, &manifest, folder.path()).unwrap();
                    assert_eq!(files["saved_models/best_model.h5"], b"weights");
                }
            });
        }
    });
    let place = store.root().to_owned();
    drop(store);
    let left = fs::read_dir(place.join("attempts")).unwrap();
    assert_eq!(left.filter(|entry| entry.as_ref().unwrap().path().is_dir()).count(), 0);
    assert_eq!(fs::read_dir(place.join("tmp")).unwrap().count(), 0);
}

#[test]
fn a_lock_of_other_work_does_not_publish() {
    let (_root, store) = store();
    let attempt = attempt_with(&store, &[("model.h5", b"m")]);
    let other = lock(&store, &key(2).fingerprint().unwrap());
    let outputs = Outputs::default().with("model", "model.h5");
    let kinds = BTreeMap::from([("model".to_owned(), ArtifactKind::FloatModel)]);
    let error = store
        .publish(&other, key(1), Digest::of(b""), &attempt, &outputs, &kinds, Vec::new(), 0.0)
        .unwrap_err();
    assert!(matches!(error, StoreError::WrongLock { .. }), "{error}");
    assert_eq!(store.lookup(&key(1).fingerprint().unwrap()).unwrap(), Stored::Nothing);
}

/// What publishing these outputs from that folder says.
fn refusal(attempt: &Attempt, store: &Store, outputs: &Outputs) -> String {
    let kinds = BTreeMap::from([("model".to_owned(), ArtifactKind::FloatModel)]);
    let fingerprint = key(1).fingerprint().unwrap();
    let lock = lock(store, &fingerprint);
    let error =
        store.publish(&lock, key(1), fingerprint, attempt, outputs, &kinds, Vec::new(), 0.0).unwrap_err();
    assert_eq!(store.lookup(&fingerprint).unwrap(), Stored::Nothing);
    error.to_string()
}

#[test]
fn ports_and_files_must_agree() {
    let (_root, store) = store();
    let attempt = attempt_with(&store, &[("model.h5", b"m")]);
    let refused = |outputs: &Outputs| refusal(&attempt, &store, outputs);
    assert_eq!(
        refused(&Outputs::default().with("model", "modell.h5")),
        "the output `model` of the stage names the file `modell.h5`, which it did not write"
    );
    assert_eq!(
        refused(&Outputs::default()),
        "the output `model` of the stage was promised and names no file"
    );
    assert_eq!(
        refused(&Outputs::default().with("model", "model.h5").with("extra", "model.h5")),
        "the output `extra` of the stage is not one of its ports"
    );
}

#[test]
fn what_is_not_a_regular_file_is_refused() {
    let (_root, store) = store();
    let outputs = Outputs::default().with("model", "model.h5");
    let attempt = attempt_with(&store, &[("model.h5", b"m")]);
    let link = attempt.out().join("link");
    std::os::unix::fs::symlink("/etc/hostname", &link).unwrap();
    let expected = format!("the stage's output `{}` is a symbolic link", link.display());
    assert_eq!(refusal(&attempt, &store, &outputs), expected);

    let attempt = attempt_with(&store, &[("model.h5", b"m")]);
    let name = std::os::unix::ffi::OsStringExt::from_vec(vec![b'a', 0xff]);
    let name: std::ffi::OsString = name;
    fs::write(attempt.out().join(name), "x").unwrap();
    assert!(refusal(&attempt, &store, &outputs).ends_with("has a name that is not UTF-8"));

    let attempt = attempt_with(&store, &[("model.h5", b"m")]);
    let _socket = std::os::unix::net::UnixListener::bind(attempt.out().join("socket")).unwrap();
    assert!(refusal(&attempt, &store, &outputs).ends_with("is not a regular file"));
}
