use super::*;
use crate::store::Stored;
use proptest::prelude::*;

fn flip(path: &Path) {
    let mut bytes = fs::read(path).unwrap();
    bytes[0] ^= 1;
    overwrite(path, &bytes);
}

fn is_damaged(store: &Store, fingerprint: &Digest) -> bool {
    matches!(store.lookup(fingerprint).unwrap(), Stored::Damaged(_))
}

#[test]
fn a_corrupt_object_is_found_on_the_way_out_removed_and_made_again() {
    let (root, store) = store();
    let manifest = publish(&store, 1, &[("model.h5", b"weights")]).unwrap();
    let object = store.object_path(&manifest.files[0].digest);
    let dest = root.path().join("model.h5");
    fs::write(&dest, "what the user has").unwrap();
    flip(&object);

    let error = restore_all(&store, &manifest, root.path()).unwrap_err();
    assert!(error.is_damage());
    let text = format!(
        "the stored object {} is corrupt (`{}`); it has been removed",
        Digest::of(b"weights"),
        object.display()
    );
    assert_eq!(error.to_string(), text);
    assert_eq!(fs::read(&dest).unwrap(), b"what the user has", "a bad copy never gets the name");
    assert!(!object.exists());
    assert!(is_damaged(&store, &key(1).fingerprint().unwrap()));

    let again = publish(&store, 1, &[("model.h5", b"weights")]).unwrap();
    assert_eq!(restore_all(&store, &again, root.path()).unwrap()["model.h5"], b"weights");
}

#[test]
fn a_good_object_that_others_put_in_the_place_of_a_corrupt_one_stays() {
    use rustix::fs::{CWD, FileType, Mode, mknodat};
    let (root, store) = store();
    let manifest = publish(&store, 1, &[("model.h5", b"weights")]).unwrap();
    let digest = manifest.files[0].digest;
    let object = store.object_path(&digest);
    let good = root.path().join("good");
    for restores in [false, true] {
        // Reading a pipe lasts until its writer is done: a disk that is slow just when it must be.
        fs::rename(&object, &good).unwrap();
        mknodat(CWD, &object, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
        std::thread::scope(|scope| {
            let reader = scope.spawn(|| match restores {
                true => restore_all(&store, &manifest, root.path()).map(drop),
                false => store.verify(&digest),
            });
            let mut pipe = fs::OpenOptions::new().write(true).open(&object).unwrap();
            fs::rename(&good, &object).unwrap();
            std::io::Write::write_all(&mut pipe, b"garbled").unwrap();
            drop(pipe);
            reader.join().unwrap().unwrap();
        });
        assert_eq!(fs::read(&object).unwrap(), b"weights");
    }
}

#[test]
fn publishing_bytes_whose_object_is_corrupt_replaces_it_unasked() {
    let (root, store) = store();
    let manifest = publish(&store, 1, &[("model.h5", b"weights")]).unwrap();
    flip(&store.object_path(&manifest.files[0].digest));
    let again = publish(&store, 2, &[("other.h5", b"weights")]).unwrap();
    assert_eq!(restore_all(&store, &again, root.path()).unwrap()["other.h5"], b"weights");
}

#[test]
fn a_short_or_missing_object_is_a_miss() {
    let (_root, store) = store();
    let fingerprint = key(1).fingerprint().unwrap();
    let manifest = publish(&store, 1, &[("model.h5", b"weights")]).unwrap();
    let object = store.object_path(&manifest.files[0].digest);
    overwrite(&object, b"weigh");
    assert!(is_damaged(&store, &fingerprint));
    fs::remove_file(&object).unwrap();
    assert!(is_damaged(&store, &fingerprint));
    assert!(matches!(store.verify(&manifest.files[0].digest), Err(StoreError::Missing { .. })));
}

#[test]
fn a_manifest_that_is_garbled_cut_or_of_another_format_is_a_miss() {
    let (_root, store) = store();
    let fingerprint = key(1).fingerprint().unwrap();
    let manifest = publish(&store, 1, &[("model.h5", b"weights")]).unwrap();
    let path = store.named("actions", &fingerprint, ".json");
    let text = fs::read_to_string(&path).unwrap();
    let newer = Manifest { format: 99, ..manifest };
    let newer = crate::store::document::seal(&newer).unwrap();
    for bad in [text.replace("model.h5", "modem.h5"), text[..text.len() / 2].to_owned(), String::new(), newer]
    {
        fs::write(&path, bad).unwrap();
        assert!(is_damaged(&store, &fingerprint));
    }
    fs::write(&path, &text).unwrap();
    assert!(store.lookup(&fingerprint).unwrap().manifest().is_some());
}

#[test]
fn a_manifest_under_the_name_of_other_work_is_a_miss() {
    let (_root, store) = store();
    publish(&store, 1, &[("model.h5", b"weights")]).unwrap();
    let path = |seed| store.named("actions", &key(seed).fingerprint().unwrap(), ".json");
    fs::copy(path(1), path(2)).unwrap();
    assert!(is_damaged(&store, &key(2).fingerprint().unwrap()));
}

#[test]
fn what_cannot_be_read_at_all_is_damage_and_is_made_again() {
    let (root, store) = store();
    let fingerprint = key(1).fingerprint().unwrap();
    let manifest = publish(&store, 1, &[("model.h5", b"weights")]).unwrap();
    let object = store.object_path(&manifest.files[0].digest);
    // A folder in a file's place gives an error that is neither "not found" nor "permission denied", as a bad disk does.
    for path in [object, store.named("actions", &fingerprint, ".json")] {
        fs::remove_file(&path).unwrap();
        fs::create_dir_all(path.join("inside")).unwrap();
        assert!(is_damaged(&store, &fingerprint));
        let again = publish(&store, 1, &[("model.h5", b"weights")]).unwrap();
        assert_eq!(restore_all(&store, &again, root.path()).unwrap()["model.h5"], b"weights");
        assert!(store.lookup(&fingerprint).unwrap().manifest().is_some());
    }
    let object = store.object_path(&manifest.files[0].digest);
    fs::remove_file(&object).unwrap();
    fs::create_dir(&object).unwrap();
    assert!(matches!(store.verify(&manifest.files[0].digest), Err(StoreError::Corrupt { .. })));
    assert!(!object.exists());
}

/// What may happen to a store.
#[derive(Debug, Clone)]
enum Step {
    /// Work is published: which, and (by sharing) with which contents.
    Publish(u64),
    /// A bit of an object flips.
    Corrupt(usize),
    /// An object loses its end.
    Cut(usize),
    /// An object is deleted.
    Delete(usize),
    /// A result is looked up and copied out.
    Use(u64),
}

fn any_step() -> impl Strategy<Value = Step> {
    prop_oneof![
        (0..3u64).prop_map(Step::Publish),
        (0..4usize).prop_map(Step::Corrupt),
        (0..4usize).prop_map(Step::Cut),
        (0..4usize).prop_map(Step::Delete),
        (0..3u64).prop_map(Step::Use),
    ]
}

/// The files of work `seed`; the first is the same in all, so that results share an object.
fn files_of(seed: u64) -> [(&'static str, &'static [u8]); 2] {
    let own: [&[u8]; 3] = [b"own zero", b"own one", b"own two"];
    [("model.h5", b"shared"), ("logs/own", own[seed as usize])]
}

/// Uses a result: right bytes, damage that was told, or nothing. Anything else fails the test.
fn use_result(store: &Store, seed: u64, folder: &Path) -> Option<()> {
    let manifest = store.lookup(&key(seed).fingerprint().unwrap()).unwrap().manifest()?;
    match restore_all(store, &manifest, folder) {
        Ok(files) => {
            assert_eq!(files, files_of(seed).map(|(path, bytes)| (path.to_owned(), bytes.to_owned())).into());
            Some(())
        }
        Err(error) => {
            assert!(error.is_damage(), "{error}");
            None
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn whatever_happens_to_objects_a_result_is_right_or_absent(steps in proptest::collection::vec(any_step(), 1..24)) {
        let (root, store) = store();
        let contents: Vec<&[u8]> = (0..3).flat_map(files_of).map(|(_, bytes)| bytes).collect();
        let distinct: std::collections::BTreeSet<&[u8]> = contents.into_iter().collect();
        let objects: Vec<_> = distinct.iter().map(|bytes| store.object_path(&Digest::of(bytes))).collect();
        for step in steps {
            match step {
                Step::Publish(seed) => {
                    publish(&store, seed, &files_of(seed)).unwrap();
                    prop_assert!(use_result(&store, seed, root.path()).is_some(), "just published");
                }
                Step::Corrupt(object) if objects[object].exists() => {
                    if fs::metadata(&objects[object]).unwrap().len() > 0 {
                        flip(&objects[object]);
                    }
                }
                Step::Cut(object) if objects[object].exists() => {
                    let bytes = fs::read(&objects[object]).unwrap();
                    overwrite(&objects[object], &bytes[..bytes.len() / 2]);
                }
                Step::Delete(object) if objects[object].exists() => fs::remove_file(&objects[object]).unwrap(),
                Step::Corrupt(_) | Step::Cut(_) | Step::Delete(_) => {}
                Step::Use(seed) => {
                    if use_result(&store, seed, root.path()).is_none() {
                        publish(&store, seed, &files_of(seed)).unwrap();
                        prop_assert!(use_result(&store, seed, root.path()).is_some(), "made again");
                    }
                }
            }
        }
    }
}
