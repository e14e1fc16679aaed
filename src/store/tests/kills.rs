//! Processes that die at each fail point, and at any other moment. The victim is this test program once more, asked to
//! run one ignored test.

use super::*;
use crate::{
    record::{self, Layout, Place, RunFolder, RunRecord},
    store::{
        Bound, Bounds, Completion, Glance, StatCache, digest_source,
        failpoint::{FAIL_POINTS, VARIABLE},
    },
};
use contract::SourceContent;
use std::{
    path::PathBuf,
    process::{Child, Command, ExitStatus, Stdio},
    time::Duration,
};

const ROOT: &str = "PIPELINE_TEST_VICTIM_ROOT";
const HOLDS: &str = "PIPELINE_TEST_VICTIM_HOLDS_A_LOCK";

/// The files of the victim's work `seed`.
fn files_of(seed: u64) -> Vec<(&'static str, Vec<u8>)> {
    vec![("model.h5", vec![seed as u8; 100_000]), ("logs/shared", b"the same in all".to_vec())]
}

fn do_all(store: &Store, folder: &Path) {
    let run = RunFolder::create(folder.join("run").to_str().unwrap()).unwrap();
    for seed in 0..3 {
        let fingerprint = key(seed).fingerprint().unwrap();
        run.save(&RunRecord::start(run.id(), "training", "a.yaml")).unwrap();
        store.save_verdict(&fingerprint, &[]).unwrap();
        fs::write(store.partial(&fingerprint).unwrap().join("checkpoint"), "half").unwrap();
        let files = files_of(seed);
        let files: Vec<(&str, &[u8])> = files.iter().map(|(path, bytes)| (*path, bytes.as_slice())).collect();
        let manifest = publish(store, seed, &files).unwrap();
        store.clear_partial(&lock(store, &fingerprint), &manifest).unwrap();
        restore_all(store, &manifest, run.path()).unwrap();
        leave(store, &run, &manifest, &files);
        let input = folder.join(format!("input {seed}"));
        fs::write(&input, fs::read(run.path().join("model.h5")).unwrap()).unwrap();
        let input = super::sources::source(SourceContent::File(input));
        let cache = StatCache::settling(store, Duration::ZERO);
        let read = cache.source(&input).unwrap();
        assert_eq!(read.digest, digest_source(&input).unwrap().digest);
        cache.save();
        let glance = Glance::of(fingerprint, [], [&read], []).unwrap();
        store.save_glance(&fingerprint, &glance).unwrap();
        assert_eq!(store.glance(&fingerprint), Some(fingerprint));
        care(store, seed);
    }
}

/// Moves files that have just been made into the run folder, and remembers what the run left there.
fn leave(store: &Store, run: &RunFolder, manifest: &Manifest, files: &[(&str, &[u8])]) {
    let made = tempfile::tempdir_in(run.path()).unwrap();
    for (path, bytes) in files {
        let file = made.path().join(path);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, bytes).unwrap();
    }
    let place = Place { folder: run, layout: &Layout::default(), node: "train", several: false };
    let published = record::materialise(store, manifest, &place, Some(made.path())).unwrap();
    let fingerprint = manifest.key.fingerprint().unwrap();
    let published = published.into_iter().map(|file| (file.path, file.digest, file.bytes));
    let completion = Completion::of(run.path(), [fingerprint], published).unwrap();
    store.save_completion(&fingerprint, &completion).unwrap();
    assert_eq!(store.completion(&fingerprint), Some(completion));
}

/// Leaves what is to be cleared away, and clears it.
fn care(store: &Store, seed: u64) {
    let passed = Store::open(Some(store.root().to_owned())).unwrap();
    let old = |path: &Path| fs::File::open(path).unwrap().set_modified(std::time::UNIX_EPOCH).unwrap();
    let [unused, corrupt, unfinished] = [100, 200, 300].map(|more| key(more + seed).fingerprint().unwrap());
    for (more, bytes) in [(100, b"unused"), (200, b"damage")] {
        let bytes = [bytes.as_slice(), &[seed as u8]].concat();
        let manifest = publish(&passed, more + seed, &[("model.h5", &bytes)]).unwrap();
        old(&store.object_path(&manifest.files[0].digest));
        if more == 200 {
            overwrite(&store.object_path(&manifest.files[0].digest), b"?");
        }
    }
    drop(passed);
    old(&store.named("actions", &unused, ".json"));
    let partial = store.partial(&unfinished).unwrap();
    fs::write(partial.join("checkpoint"), "half").unwrap();
    old(&partial.join("checkpoint"));
    old(&partial);
    drop(lock(store, &unfinished));
    old(&store.named("locks", &unfinished, ".lock"));

    store.check(&|_| ()).unwrap();
    store.clear(Bounds { bytes: None, days: Some(2) }, false).unwrap();
    store.count_added(1);
    store.keep_within(Bound::default(), &|| false).unwrap();
    assert!(!store.named("actions", &corrupt, ".json").exists());
    assert!(!store.named("actions", &unused, ".json").exists());
}

#[test]
#[ignore = "the victim of the tests below, which run it in a process of its own"]
fn victim() {
    let root = PathBuf::from(std::env::var_os(ROOT).expect("set by the tests below"));
    let store = Store::open(Some(root.join("store"))).unwrap();
    if std::env::var_os(HOLDS).is_some() {
        let _held = lock(&store, &key(0).fingerprint().unwrap());
        let _attempt = attempt_with(&store, &[("half", b"written")]);
        fs::write(root.join("holds"), "").unwrap();
        std::thread::sleep(Duration::from_secs(600));
    }
    do_all(&store, &root);
    fs::write(root.join("finished"), "").unwrap();
}

fn start(root: &Path, variables: &[(&str, &str)]) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "store::tests::kills::victim", "--ignored", "--quiet"])
        .env(ROOT, root)
        .env_remove(VARIABLE)
        .envs(variables.iter().copied())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// After a death: what is published is right, the rest can be made, and nothing of the dead is left.
fn check_survivors(root: &Path) {
    let store = Store::open(Some(root.join("store"))).unwrap();
    for seed in 0..3 {
        if let Some(manifest) = store.lookup(&key(seed).fingerprint().unwrap()).unwrap().manifest() {
            let files = restore_all(&store, &manifest, root).unwrap();
            let expected = files_of(seed).into_iter().map(|(path, bytes)| (path.to_owned(), bytes));
            assert!(files == expected.collect(), "wrong bytes");
        }
        // Checkpoints are whole or gone.
        let checkpoints: Vec<_> =
            fs::read_dir(store.partial(&key(seed).fingerprint().unwrap()).unwrap()).unwrap().collect();
        assert!(checkpoints.len() <= 1);
    }
    for entry in fs::read_dir(store.root().join("attempts")).unwrap() {
        assert!(!entry.unwrap().path().is_dir(), "an attempt of the dead is left");
    }
    do_all(&store, root);
}

fn was_killed(status: ExitStatus) -> bool {
    std::os::unix::process::ExitStatusExt::signal(&status).is_some()
}

#[test]
fn a_process_that_dies_at_any_fail_point_leaves_results_that_are_right_or_absent() {
    let points = FAIL_POINTS.iter().filter(|name| !name.starts_with("engine::"));
    for name in points {
        for count in [1, 2] {
            // One folder is made a run.
            if *name == "record::folder_created" && count == 2 {
                continue;
            }
            let root = tempfile::tempdir().unwrap();
            let status = start(root.path(), &[(VARIABLE, &format!("{name}:{count}"))]).wait().unwrap();
            assert!(was_killed(status), "{name}:{count} was not reached: {status}");
            check_survivors(root.path());
        }
    }
}

#[test]
fn a_process_that_is_killed_at_any_moment_leaves_results_that_are_right_or_absent() {
    let mut random = contract::Random::new(7, "kill", 0, 0);
    let root = tempfile::tempdir().unwrap();
    for _ in 0..12 {
        let mut child = start(root.path(), &[]);
        std::thread::sleep(Duration::from_micros(u64::from(random.below(30_000))));
        child.kill().unwrap();
        child.wait().unwrap();
        check_survivors(root.path());
    }
}

#[test]
fn a_lock_held_by_another_process_is_seen_and_dies_with_it() {
    let root = tempfile::tempdir().unwrap();
    let mut child = start(root.path(), &[(HOLDS, "1")]);
    while !root.path().join("holds").exists() {
        assert_eq!(child.try_wait().unwrap(), None, "the other process ended");
        std::thread::sleep(Duration::from_millis(5));
    }
    let store = Store::open(Some(root.path().join("store"))).unwrap();
    let fingerprint = key(0).fingerprint().unwrap();
    let attempts = || {
        let entries = fs::read_dir(store.root().join("attempts")).unwrap();
        entries.filter(|entry| entry.as_ref().unwrap().path().is_dir()).count()
    };
    assert!(store.try_lock(&fingerprint).unwrap().is_none());
    assert_eq!(attempts(), 1, "the attempt of a living process is not swept");
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(store.try_lock(&fingerprint).unwrap().is_some());
    Store::open(Some(store.root().to_owned())).unwrap();
    assert_eq!(attempts(), 0);
}
