//! Any interleaving of publishing, kills, clearing, damage and use, against a model of what may be found: the old state or the
//! new one, whole; or damage, where something was damaged; and never a loss that nothing explains.

use super::*;
use crate::store::{
    Bounds, Stored,
    failpoint::{FAIL_POINTS, VARIABLE},
};
use proptest::prelude::*;
use std::{
    collections::BTreeSet,
    process::{Command, Stdio},
};

/// Tells a victim what to do: its root, then `publish WORK VERSION` or `clear BYTES`.
const ROOT: &str = "PIPELINE_TEST_MODEL_ROOT";
const TASK: &str = "PIPELINE_TEST_MODEL_TASK";

const WORKS: u64 = 3;

/// The files of a piece of work; the first is the same in all, so that results share an object.
fn files_of(work: u64) -> [(&'static str, &'static [u8]); 2] {
    let own: [&[u8]; WORKS as usize] = [b"own zero", b"own one", b"own two"];
    [("model.h5", &[7; 3000]), ("logs/own", own[work as usize])]
}

/// What happens.
#[derive(Debug, Clone)]
enum Step {
    /// Work is published. A later result of the same work is told from an earlier one by its version.
    Publish(u64),
    /// A process dies at a fail point while it publishes.
    PublishKilled(u64, &'static str, u64),
    /// The store is cleared down to so many bytes.
    Clear(u64),
    /// A process dies at a fail point while it clears.
    ClearKilled(u64, &'static str, u64),
    /// The store is cleared while a run uses this work.
    ClearWhileUsed(u64),
    /// A bit of an object flips.
    Flip(usize),
    /// An object loses its end.
    Cut(usize),
    /// An object is deleted.
    Delete(usize),
    /// A manifest is overwritten with something else.
    Garble(u64),
    /// A manifest is deleted.
    Forget(u64),
    /// A result is looked up, copied out, and made again if that does not work.
    Use(u64),
}

fn any_step() -> impl Strategy<Value = Step> {
    let points = |prefixes: &'static [&'static str]| {
        let named = move |name: &&'static str| prefixes.iter().any(|prefix| name.starts_with(prefix));
        proptest::sample::select(FAIL_POINTS.iter().copied().filter(named).collect::<Vec<_>>())
    };
    let publishing = points(&["store::attempt", "store::object", "store::manifest", "store::partial"]);
    let clearing = points(&["cache::evict", "cache::sweep"]);
    prop_oneof![
        4 => (0..WORKS).prop_map(Step::Publish),
        3 => (0..WORKS, publishing, 1..3u64).prop_map(|(work, point, count)| Step::PublishKilled(work, point, count)),
        2 => (0..10_000u64).prop_map(Step::Clear),
        2 => (0..10_000u64, clearing, 1..3u64).prop_map(|(bytes, point, count)| Step::ClearKilled(bytes, point, count)),
        2 => (0..WORKS).prop_map(Step::ClearWhileUsed),
        1 => (0..4usize).prop_map(Step::Flip),
        1 => (0..4usize).prop_map(Step::Cut),
        1 => (0..4usize).prop_map(Step::Delete),
        1 => (0..WORKS).prop_map(Step::Garble),
        1 => (0..WORKS).prop_map(Step::Forget),
        4 => (0..WORKS).prop_map(Step::Use),
    ]
}

/// What may be found.
struct Model {
    root: TempDir,
    /// Of each work the versions that may be there; 0 is none.
    versions: Vec<BTreeSet<u64>>,
    /// Objects that may be damaged.
    damaged: BTreeSet<Digest>,
    /// Works whose manifest may be garbled.
    garbled: BTreeSet<u64>,
    published: u64,
}

impl Model {
    fn new() -> Self {
        Self {
            root: tempfile::tempdir().unwrap(),
            versions: (0..WORKS).map(|_| BTreeSet::from([0])).collect(),
            damaged: BTreeSet::new(),
            garbled: BTreeSet::new(),
            published: 0,
        }
    }

    /// The store as a new process finds it. What a store has in use ends when it is dropped.
    fn open(&self) -> Store {
        Store::open(Some(self.root.path().join("store"))).unwrap()
    }

    fn take(&mut self, step: &Step) {
        match *step {
            Step::Publish(work) => {
                self.published += 1;
                publish_version(&self.open(), work, self.published);
                self.is_published(work);
            }
            Step::PublishKilled(work, point, count) => {
                self.published += 1;
                if self.dies_at(&format!("publish {work} {}", self.published), point, count) {
                    self.versions[work as usize].insert(self.published);
                } else {
                    self.is_published(work);
                }
            }
            Step::Clear(bytes) => {
                clear(&self.open(), bytes);
                self.may_be_cleared(None);
            }
            Step::ClearKilled(bytes, point, count) => {
                self.dies_at(&format!("clear {bytes}"), point, count);
                self.may_be_cleared(None);
            }
            Step::ClearWhileUsed(work) => {
                let run = self.open();
                run.hold().unwrap();
                let found = run.lookup(&fingerprint(work)).unwrap().manifest();
                clear(&self.open(), 0);
                self.may_be_cleared(found.is_some().then_some(work));
                if let Some(manifest) = found {
                    self.comes_out(&run, work, &manifest);
                }
            }
            Step::Flip(at) => self.damage(at, |path| {
                let mut bytes = fs::read(path).unwrap();
                if let Some(byte) = bytes.first_mut() {
                    *byte ^= 1;
                }
                overwrite(path, &bytes);
            }),
            Step::Cut(at) => self.damage(at, |path| {
                let bytes = fs::read(path).unwrap();
                overwrite(path, &bytes[..bytes.len() / 2]);
            }),
            Step::Delete(at) => self.damage(at, |path| fs::remove_file(path).unwrap()),
            Step::Garble(work) => {
                let path = self.open().named("actions", &fingerprint(work), ".json");
                if path.exists() {
                    fs::write(path, "{\"half\": ").unwrap();
                    self.garbled.insert(work);
                }
            }
            Step::Forget(work) => {
                let path = self.open().named("actions", &fingerprint(work), ".json");
                if path.exists() {
                    fs::remove_file(path).unwrap();
                }
                self.versions[work as usize] = BTreeSet::from([0]);
                self.garbled.remove(&work);
            }
            Step::Use(work) => {
                if !self.is_used(work) {
                    self.take(&Step::Publish(work));
                    assert!(self.is_used(work), "just published");
                }
            }
        }
    }

    /// The last version is there, with all its objects.
    fn is_published(&mut self, work: u64) {
        self.versions[work as usize] = BTreeSet::from([self.published]);
        self.garbled.remove(&work);
        for object in objects_of(work) {
            self.damaged.remove(&object);
        }
    }

    fn may_be_cleared(&mut self, but: Option<u64>) {
        for work in (0..WORKS).filter(|work| Some(*work) != but) {
            self.versions[work as usize].insert(0);
        }
    }

    fn damage(&mut self, at: usize, with: impl FnOnce(&Path)) {
        let objects: BTreeSet<Digest> = (0..WORKS).flat_map(objects_of).collect();
        let object = objects.into_iter().nth(at).unwrap();
        let path = self.open().object_path(&object);
        if path.exists() {
            with(&path);
            self.damaged.insert(object);
        }
    }

    /// Looks a result up and copies it out. Whether that worked; what is found must be something that may be.
    fn is_used(&mut self, work: u64) -> bool {
        let store = self.open();
        let versions = self.versions[work as usize].clone();
        let may_be_damaged = self.garbled.contains(&work)
            || objects_of(work).iter().any(|object| self.damaged.contains(object));
        match store.lookup(&fingerprint(work)).unwrap() {
            Stored::Nothing => {
                assert!(versions.contains(&0), "work {work} is lost; it had the versions {versions:?}");
                self.versions[work as usize] = BTreeSet::from([0]);
                false
            }
            Stored::Damaged(what) => {
                assert!(may_be_damaged, "work {work} is damaged by nothing: {what}");
                false
            }
            Stored::Result(manifest) => {
                let version = manifest.seconds as u64;
                assert!(
                    versions.contains(&version),
                    "version {version} of work {work} is none of {versions:?}"
                );
                assert_eq!(manifest.files.len(), files_of(work).len());
                self.versions[work as usize] = BTreeSet::from([version]);
                self.garbled.remove(&work);
                self.comes_out(&store, work, &manifest)
            }
        }
    }

    /// Copies a result out: the right bytes, or damage that was done.
    fn comes_out(&self, store: &Store, work: u64, manifest: &Manifest) -> bool {
        match restore_all(store, manifest, &self.root.path().join("run")) {
            Ok(files) => {
                let expected = files_of(work).map(|(path, bytes)| (path.to_owned(), bytes.to_owned()));
                assert_eq!(files, expected.into());
                true
            }
            Err(error) => {
                assert!(error.is_damage(), "{error}");
                assert!(objects_of(work).iter().any(|object| self.damaged.contains(object)), "{error}");
                false
            }
        }
    }

    /// Does the task in a process that dies at the Nth passage of a fail point. Whether it came there.
    fn dies_at(&self, task: &str, point: &str, count: u64) -> bool {
        let status = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "store::tests::model::victim", "--ignored", "--quiet"])
            .env(ROOT, self.root.path())
            .env(TASK, task)
            .env(VARIABLE, format!("{point}:{count}"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .unwrap();
        let killed = std::os::unix::process::ExitStatusExt::signal(&status).is_some();
        assert!(killed || status.success(), "{task} with {point}:{count} ended with {status}");
        killed
    }
}

fn fingerprint(work: u64) -> Digest {
    key(work).fingerprint().unwrap()
}

fn objects_of(work: u64) -> BTreeSet<Digest> {
    files_of(work).iter().map(|(_, bytes)| Digest::of(bytes)).collect()
}

fn publish_version(store: &Store, work: u64, version: u64) {
    // A result that takes the place of checkpoints is synced to the disk first, which takes its time: some do.
    if version.is_multiple_of(4) {
        fs::write(store.partial(&fingerprint(work)).unwrap().join("checkpoint"), "half").unwrap();
    }
    let manifest = publish_after(store, work, &files_of(work), version as f64).unwrap();
    store.clear_partial(&lock(store, &fingerprint(work)), &manifest).unwrap();
}

fn clear(store: &Store, bytes: u64) {
    store.clear(Bounds { bytes: Some(bytes), days: None }, false).unwrap();
}

#[test]
#[ignore = "the victim of the test below, which runs it in a process of its own"]
fn victim() {
    let root = std::env::var(ROOT).expect("set by the test below");
    let task = std::env::var(TASK).expect("set by the test below");
    let store = Store::open(Some(Path::new(&root).join("store"))).unwrap();
    let number = |text: &str| text.parse::<u64>().unwrap();
    match task.split(' ').collect::<Vec<_>>()[..] {
        ["publish", work, version] => publish_version(&store, number(work), number(version)),
        ["clear", bytes] => clear(&store, number(bytes)),
        _ => panic!("{task}"),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn whatever_happens_what_is_found_is_the_old_state_or_the_new_one(
        steps in proptest::collection::vec(any_step(), 1..20),
    ) {
        let mut model = Model::new();
        for step in steps {
            model.take(&step);
        }
        for work in 0..WORKS {
            model.take(&Step::Use(work));
        }
        let store = model.open();
        for entry in fs::read_dir(store.root().join("attempts")).unwrap() {
            prop_assert!(!entry.unwrap().path().is_dir(), "an attempt of the dead is left");
        }
    }
}
