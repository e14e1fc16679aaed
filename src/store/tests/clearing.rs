use super::*;
use crate::store::{Bounds, Checked, Part, Stored, usage::touch};
use proptest::prelude::*;
use std::time::{Duration, SystemTime};

const DAY: Duration = Duration::from_secs(86_400);

/// Lets a result, or all else that lies at a path, look as if it had not been used for so many days.
fn age(path: &Path, days: u32) {
    let then = SystemTime::now() - DAY * days;
    fs::File::open(path).unwrap().set_modified(then).unwrap();
}

fn action(store: &Store, seed: u64) -> std::path::PathBuf {
    store.named("actions", &key(seed).fingerprint().unwrap(), ".json")
}

/// A result of which `own` bytes are its own, used so many days ago.
fn stored(store: &Store, seed: u64, own: usize, days: u32) -> Manifest {
    let bytes = vec![seed as u8; own];
    let manifest = publish(store, seed, &[("model.h5", &bytes), ("logs/shared", b"shared")]).unwrap();
    for file in &manifest.files {
        age(&store.object_path(&file.digest), days);
    }
    age(&action(store, seed), days);
    manifest
}

/// The same store, opened by another process.
fn elsewhere(store: &Store) -> Store {
    Store::open(Some(store.root().to_owned())).unwrap()
}

fn left(store: &Store) -> Vec<u64> {
    let has = |seed: &u64| store.lookup(&key(*seed).fingerprint().unwrap()).unwrap().manifest().is_some();
    (0..6).filter(has).collect()
}

fn keeping(bytes: u64) -> Bounds {
    Bounds { bytes: Some(bytes), days: None }
}

/// A store whose process has ended, so that nothing in it is in use.
fn ended(results: &[(u64, usize, u32)]) -> (TempDir, Store) {
    let (root, store) = store();
    for &(seed, own, days) in results {
        stored(&store, seed, own, days);
    }
    drop(store);
    let store = Store::open(Some(root.path().join("store"))).unwrap();
    (root, store)
}

#[test]
fn results_used_longest_ago_go_first_with_the_objects_that_only_they_need() {
    let (root, store) = ended(&[(0, 100_000, 3), (1, 100_000, 5), (2, 100_000, 1)]);
    let before = store.usage().unwrap();
    let told = store.clear(keeping(250_000), true).unwrap();
    assert_eq!(store.usage().unwrap(), before, "a dry run removes nothing");
    let cleared = store.clear(keeping(250_000), false).unwrap();
    assert_eq!(told, cleared, "and tells the truth");
    assert_eq!(left(&store), [0, 2]);
    assert_eq!(cleared.results.len(), 1);
    let gone = &cleared.results[0];
    assert_eq!((gone.stage.as_deref(), gone.idle_seconds / 86_400), (Some("train"), 5));
    assert_eq!((cleared.parts[&Part::Objects].count, cleared.parts[&Part::Results].count), (1, 1));
    let bytes = |store: &Store| store.usage().unwrap().values().map(|amount| amount.bytes).sum::<u64>();
    assert_eq!(cleared.bytes_before - cleared.bytes_after, gone.bytes);
    assert_eq!(cleared.bytes_after, bytes(&store));
    for seed in [0, 2] {
        let manifest = store.lookup(&key(seed).fingerprint().unwrap()).unwrap().manifest().unwrap();
        assert_eq!(restore_all(&store, &manifest, root.path()).unwrap()["logs/shared"], b"shared");
    }
    let cleared = store.clear(keeping(0), false).unwrap();
    assert_eq!((left(&store), cleared.results.len()), (Vec::<u64>::new(), 2));
    assert_eq!(store.usage().unwrap()[&Part::Objects].count, 0);
}

#[test]
fn a_hit_is_a_use_and_results_older_than_the_days_go() {
    let (_root, store) = ended(&[(0, 10, 9), (1, 10, 9), (2, 10, 2)]);
    store.lookup(&key(0).fingerprint().unwrap()).unwrap();
    let cleared = store.clear(Bounds { bytes: None, days: Some(7) }, false).unwrap();
    assert_eq!((left(&store), cleared.results.len()), (vec![0, 2], 1));
}

#[test]
fn what_a_run_in_progress_has_found_or_made_stays_until_the_run_ends() {
    let (root, store) = ended(&[(0, 10, 9), (1, 10, 9), (2, 10, 9)]);
    let run = elsewhere(&store);
    run.hold().unwrap();
    let found = run.lookup(&key(1).fingerprint().unwrap()).unwrap().manifest().unwrap();
    let made = stored(&run, 3, 10, 9);
    let cleared = store.clear(keeping(0), false).unwrap();
    assert_eq!((left(&store), cleared.in_use, cleared.results.len()), (vec![1, 3], 2, 2));
    for manifest in [&found, &made] {
        restore_all(&run, manifest, root.path()).unwrap();
    }
    drop(run);
    store.clear(keeping(0), false).unwrap();
    assert_eq!(left(&store), Vec::<u64>::new());
}

#[test]
fn an_object_that_is_being_published_stays_although_no_result_needs_it_yet() {
    let (_root, store) = ended(&[(0, 10, 9)]);
    let shared = store.object_path(&Digest::of(b"shared"));
    let run = elsewhere(&store);
    let attempt = attempt_with(&run, &[("logs/shared", b"shared"), ("model.h5", b"new")]);
    // As far as publishing has come when its process is stopped for a week before the manifest is written.
    for file in ["logs/shared", "model.h5"] {
        let (digest, _) = run.add_object(&attempt.out().join(file), &attempt).unwrap();
        age(&run.object_path(&digest), 7);
    }
    store.clear(keeping(0), false).unwrap();
    assert!(shared.exists() && store.object_path(&Digest::of(b"new")).exists());
    drop((attempt, run));
    store.clear(keeping(0), false).unwrap();
    assert!(!shared.exists());
}

#[test]
fn checkpoints_stay_for_two_weeks_and_as_long_as_somebody_works_on_them() {
    let (_root, store) = store();
    let partial = |seed: u64, days: u32| {
        let folder = store.partial(&key(seed).fingerprint().unwrap()).unwrap();
        fs::write(folder.join("epoch-3"), "state").unwrap();
        age(&folder.join("epoch-3"), days);
        age(&folder, days);
        folder
    };
    let (young, old, busy) = (partial(0, 13), partial(1, 15), partial(2, 15));
    let lock = lock(&store, &key(2).fingerprint().unwrap());
    let cleared = store.clear(keeping(0), false).unwrap();
    assert_eq!((young.exists(), old.exists(), busy.exists()), (true, false, true));
    assert_eq!(cleared.parts[&Part::Partials].bytes, 5);
    drop(lock);
    store.clear(Bounds::default(), false).unwrap();
    assert!(!busy.exists());
}

#[test]
fn sidelines_that_nobody_used_for_a_month_go_and_locks_of_nothing() {
    let (_root, store) = ended(&[(0, 10, 40)]);
    let (old, young) = (Digest::of(b"old"), Digest::of(b"young"));
    store.save_verdict(&old, &[]).unwrap();
    store.save_verdict(&young, &[]).unwrap();
    age(&store.named("verdicts", &old, ".json"), 31);
    for (name, days) in [(&old, 2), (&young, 0)] {
        drop(lock(&store, name));
        age(&store.named("locks", name, ".lock"), days);
    }
    let result = key(0).fingerprint().unwrap();
    age(&store.named("locks", &result, ".lock"), 40);
    store.clear(Bounds::default(), false).unwrap();
    assert_eq!((store.verdict(&old), store.verdict(&young)), (None, Some(vec![])));
    let has_lock = |name: &Digest| store.named("locks", name, ".lock").exists();
    assert_eq!([&old, &young, &result].map(has_lock), [false, true, true]);
    assert!(store.try_lock(&old).unwrap().is_some(), "it is made again");
}

/// A copy of something that is elsewhere, used so many days ago.
fn copied(store: &Store, name: &str, days: u32) -> (Digest, std::path::PathBuf) {
    let digest = Digest::of(name.as_bytes());
    let copy = store.root().join("downloads").join(name).join(digest.to_string());
    fs::create_dir_all(&copy).unwrap();
    for file in ["about.json", "model.h5"] {
        fs::write(copy.join(file), "1234").unwrap();
        age(&copy.join(file), days);
    }
    age(&copy, days);
    (digest, copy)
}

#[test]
fn copies_of_what_is_elsewhere_go_after_a_month_or_when_the_store_is_too_large() {
    let (_root, store) = ended(&[]);
    let [(_, old), (_, young), (in_use, busy)] =
        [("aa", 31), ("bb", 29), ("cc", 31)].map(|(name, days)| copied(&store, name, days));
    let downloads = store.usage().unwrap()[&Part::Downloads];
    assert_eq!((downloads.count, downloads.bytes), (3, 24));
    // One of its files was used.
    age(&young.join("about.json"), 40);
    let other = elsewhere(&store);
    other.use_now(&in_use).unwrap();
    store.clear(Bounds::default(), true).unwrap();
    assert!(old.exists(), "a dry run removes nothing");
    let cleared = store.clear(Bounds::default(), false).unwrap();
    assert_eq!((cleared.parts[&Part::Downloads].count, cleared.parts[&Part::Downloads].bytes), (1, 8));
    assert_eq!([&old, &young, &busy].map(|copy| copy.exists()), [false, true, true]);
    assert!(!store.root().join("downloads/aa").exists(), "nothing is left of it");

    store.clear(keeping(0), false).unwrap();
    assert_eq!([&young, &busy].map(|copy| copy.exists()), [false, true]);
    drop(other);
    store.clear(keeping(0), false).unwrap();
    assert!(!busy.exists());
}

#[test]
fn a_lock_whose_file_goes_away_while_others_want_it_is_held_by_one_at_a_time() {
    let (_root, store) = store();
    let fingerprint = key(0).fingerprint().unwrap();
    let inside = std::sync::atomic::AtomicU32::new(0);
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                for _ in 0..300 {
                    let held = lock(&store, &fingerprint);
                    assert_eq!(inside.fetch_add(1, std::sync::atomic::Ordering::SeqCst), 0);
                    std::thread::yield_now();
                    inside.fetch_sub(1, std::sync::atomic::Ordering::SeqCst);
                    drop(held);
                }
            });
        }
        scope.spawn(|| {
            for _ in 0..300 {
                store.retire_lock(&fingerprint).unwrap();
            }
        });
    });
}

#[test]
fn one_process_clears_at_a_time() {
    let (_root, store) = ended(&[(0, 10, 9)]);
    let clearing = fs::File::create(store.root().join("gc")).unwrap();
    clearing.file().lock().unwrap();
    assert!(matches!(store.clear(keeping(0), false), Err(StoreError::Clearing)));
    drop(clearing);
    assert_eq!(store.clear(keeping(0), false).unwrap().results.len(), 1);
}

fn check(store: &Store) -> Checked {
    store.check(&|_| ()).unwrap()
}

#[test]
fn a_check_names_and_removes_what_is_corrupt_and_finds_nothing_the_second_time() {
    let (_root, store) = ended(&[(0, 10, 1), (1, 20, 1), (2, 30, 1), (3, 40, 1)]);
    assert!(check(&store).is_sound());
    assert_eq!((check(&store).objects, check(&store).results), (5, 4));
    let path = |seed: u64, own: usize| store.object_path(&Digest::of(&vec![seed as u8; own]));
    overwrite(&path(1, 20), &[7; 20]);
    overwrite(&path(2, 30), &[2; 29]);
    fs::remove_file(path(0, 10)).unwrap();
    let garbled = fs::read_to_string(action(&store, 3)).unwrap().replace("model.h5", "modem.h5");
    fs::write(action(&store, 3), garbled).unwrap();
    let found = check(&store);
    let objects: Vec<_> = found.bad_objects.iter().map(|bad| bad.files.join(", ")).collect();
    assert_eq!(objects, ["train: model.h5", "train: model.h5"]);
    let mut problems: Vec<_> = found.bad_results.iter().map(|bad| bad.problem.as_str()).collect();
    problems.sort_unstable();
    assert_eq!(
        problems,
        [
            "`model.h5` is corrupt",
            "`model.h5` is corrupt",
            "`model.h5` is missing or has another size",
            "its checksum is wrong",
        ]
    );
    assert!(check(&store).is_sound());
    let lookup = |seed| store.lookup(&key(seed).fingerprint().unwrap()).unwrap();
    assert!((0..4).all(|seed| lookup(seed) == Stored::Nothing));
    publish(&store, 1, &[("model.h5", &[1; 20])]).unwrap();
    assert!(check(&store).is_sound());
}

#[test]
fn a_result_of_a_newer_program_stays_whole_until_it_is_beyond_the_bounds_like_any_other() {
    let (_root, store) = ended(&[(0, 1000, 5), (1, 1000, 3)]);
    let objects = || store.usage().unwrap()[&Part::Objects].count;
    let newer = |from: &str, to: &str| {
        let text = fs::read_to_string(action(&store, 0)).unwrap();
        let mut sealed: serde_json::Value = serde_json::from_str(&text).unwrap();
        let document = sealed["document"].take().to_string();
        assert!(document.contains(from), "{document}");
        let document: serde_json::Value = serde_json::from_str(&document.replace(from, to)).unwrap();
        let text = crate::store::document::seal(&document).unwrap();
        fs::write(action(&store, 0), text).unwrap();
        age(&action(&store, 0), 5);
    };
    // An event of a sort that this program does not know, a field of the key, a format.
    for (from, to) in [
        ("val_loss", "newer"),
        ("\"metric\"", "\"hologram\""),
        ("\"stage\":\"train\"", "\"stage\":\"learn\""),
        ("\"format\":1", "\"format\":2"),
    ] {
        newer(from, to);
        assert!(store.clear(Bounds::default(), false).unwrap().results.is_empty());
        assert!(check(&store).is_sound());
        assert_eq!(objects(), 3, "{to}");
    }
    let cleared = store.clear(Bounds { bytes: None, days: Some(4) }, false).unwrap();
    assert_eq!((cleared.results[0].stage.as_deref(), cleared.results[0].damage.as_deref()), (None, None));
    assert_eq!((left(&store), objects()), (vec![1], 2));
    fs::write(action(&store, 1), "{").unwrap();
    let cleared = store.clear(Bounds::default(), false).unwrap();
    assert!(cleared.results[0].damage.is_some());
}

#[test]
fn a_check_leaves_the_manifest_of_a_result_that_a_run_uses() {
    let (_root, store) = ended(&[(0, 10, 1)]);
    let run = elsewhere(&store);
    run.hold().unwrap();
    run.lookup(&key(0).fingerprint().unwrap()).unwrap();
    overwrite(&store.object_path(&Digest::of(&[0; 10])), &[7; 10]);
    let found = check(&store);
    assert!(found.bad_results[0].in_use);
    assert!(matches!(run.lookup(&key(0).fingerprint().unwrap()).unwrap(), Stored::Damaged(_)));
}

/// What may happen to a store.
#[derive(Debug, Clone)]
enum Step {
    /// A run publishes.
    Publish(usize, u64),
    /// A run finds a result and copies it out, or makes it.
    Use(usize, u64),
    /// A run finds a result and copies it out only later.
    Find(usize, u64),
    /// A run ends, and another begins.
    Restart(usize),
    /// Somebody clears, down to so many bytes.
    Clear(u64),
    /// Somebody checks.
    Check,
    /// A bit of an object flips.
    Corrupt(u64),
    /// Nothing happens for days.
    Pass,
}

fn any_step() -> impl Strategy<Value = Step> {
    let (run, seed) = (0..2usize, 0..4u64);
    prop_oneof![
        (run.clone(), seed.clone()).prop_map(|(run, seed)| Step::Publish(run, seed)),
        (run.clone(), seed.clone()).prop_map(|(run, seed)| Step::Use(run, seed)),
        (run.clone(), seed.clone()).prop_map(|(run, seed)| Step::Find(run, seed)),
        run.prop_map(Step::Restart),
        prop_oneof![Just(0), Just(3000), Just(6000)].prop_map(Step::Clear),
        Just(Step::Check),
        seed.prop_map(Step::Corrupt),
        Just(Step::Pass),
    ]
}

fn own(seed: u64) -> Vec<u8> {
    vec![seed as u8; 1000]
}

fn make(run: &Store, seed: u64) -> Manifest {
    publish(run, seed, &[("model.h5", &own(seed)), ("logs/shared", b"shared")]).unwrap()
}

/// Copies a result out: right bytes or, where it was corrupt, damage.
fn is_whole(run: &Store, manifest: &Manifest, seed: u64) -> Result<(), StoreError> {
    let folder = tempfile::tempdir().unwrap();
    let files = restore_all(run, manifest, folder.path())?;
    assert_eq!(files["model.h5"], own(seed));
    assert_eq!(files["logs/shared"], b"shared");
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn whatever_is_cleared_checked_and_corrupted_a_run_keeps_what_it_has_and_results_are_whole_or_absent(
        steps in prop::collection::vec(any_step(), 1..32),
    ) {
        let (_root, store) = store();
        let open = || {
            let run = elsewhere(&store);
            run.hold().unwrap();
            run
        };
        let mut runs = [open(), open()];
        let mut found: [BTreeMap<u64, Manifest>; 2] = Default::default();
        let mut corrupt = std::collections::BTreeSet::new();
        for step in steps {
            match step {
                Step::Publish(run, seed) => {
                    found[run].insert(seed, make(&runs[run], seed));
                    corrupt.remove(&seed);
                }
                Step::Find(run, seed) => {
                    if let Some(manifest) = runs[run].lookup(&key(seed).fingerprint().unwrap()).unwrap().manifest() {
                        found[run].insert(seed, manifest);
                    }
                }
                Step::Use(run, seed) => {
                    let stored = runs[run].lookup(&key(seed).fingerprint().unwrap()).unwrap().manifest();
                    let whole = stored.is_some_and(|manifest| match is_whole(&runs[run], &manifest, seed) {
                        Ok(()) => true,
                        Err(error) => { assert!(error.is_damage(), "{error}"); false }
                    });
                    let manifest = if whole { None } else { Some(make(&runs[run], seed)) };
                    if let Some(manifest) = manifest {
                        is_whole(&runs[run], &manifest, seed).unwrap();
                        corrupt.remove(&seed);
                        found[run].insert(seed, manifest);
                    }
                }
                Step::Restart(run) => {
                    found[run].clear();
                    runs[run] = open();
                }
                Step::Clear(bytes) => drop(store.clear(keeping(bytes), false).unwrap()),
                Step::Check => {
                    check(&store);
                    prop_assert!(check(&store).bad_objects.is_empty());
                }
                Step::Corrupt(seed) => {
                    let path = store.object_path(&Digest::of(&own(seed)));
                    if path.exists() {
                        overwrite(&path, &[9; 1000]);
                        corrupt.insert(seed);
                    }
                }
                Step::Pass => {
                    for part in ["actions", "objects"] {
                        let mut folders = vec![store.root().join(part)];
                        while let Some(folder) = folders.pop() {
                            for entry in fs::read_dir(folder).unwrap() {
                                let path = entry.unwrap().path();
                                if path.is_dir() { folders.push(path) } else { age(&path, 3) }
                            }
                        }
                    }
                }
            }
            // What a run has found or made, and nobody corrupted, it has until it ends.
            for (run, found) in runs.iter().zip(&found) {
                for (seed, manifest) in found.iter().filter(|(seed, _)| !corrupt.contains(seed)) {
                    prop_assert!(is_whole(run, manifest, *seed).is_ok(), "result {} of a run", seed);
                }
            }
        }
    }
}

#[test]
fn publishing_using_clearing_and_checking_at_once_never_take_a_result_from_a_run() {
    let (_root, store) = store();
    let done = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..2u64)
            .map(|worker| {
                let root = store.root().to_owned();
                scope.spawn(move || {
                    for round in 0..60u64 {
                        let run = Store::open(Some(root.clone())).unwrap();
                        run.hold().unwrap();
                        let seed = (round * 7 + worker) % 4;
                        let stored = run.lookup(&key(seed).fingerprint().unwrap()).unwrap().manifest();
                        let manifest = stored.unwrap_or_else(|| make(&run, seed));
                        is_whole(&run, &manifest, seed).unwrap();
                        // So that there is something to clear for others.
                        touch(&action(&run, seed)).unwrap();
                    }
                })
            })
            .collect();
        scope.spawn(|| {
            while !done.load(std::sync::atomic::Ordering::Relaxed) {
                store.clear(keeping(0), false).unwrap();
                assert!(check(&store).bad_objects.is_empty());
            }
        });
        let ended: Vec<_> = workers.into_iter().map(std::thread::ScopedJoinHandle::join).collect();
        done.store(true, std::sync::atomic::Ordering::Relaxed);
        assert!(ended.into_iter().all(|ended| ended.is_ok()));
    });
}
