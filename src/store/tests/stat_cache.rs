use super::{sources::source, *};
use crate::store::{SourceDigest, StatCache, digest_source};
use contract::{ImageEntry, SourceContent};
use proptest::prelude::*;
use std::{path::PathBuf, thread, time::Duration};

/// Longer than a tick of this machine's file systems, so that tests need not wait for two seconds.
const SETTLED: Duration = Duration::from_millis(25);

/// What a command that starts now has of the store.
fn cache(store: &Store) -> StatCache {
    StatCache::settling(store, SETTLED)
}

fn settle() {
    thread::sleep(SETTLED + Duration::from_millis(10));
}

/// Digests a source as one command does.
fn take(store: &Store, content: &SourceContent) -> SourceDigest {
    let cache = cache(store);
    let taken = cache.source(&source(content.clone())).unwrap();
    cache.save();
    taken
}

fn uncached(content: &SourceContent) -> Digest {
    digest_source(&source(content.clone())).unwrap().digest
}

/// The entries of all shelves, by how many bytes they take.
fn remembered(store: &Store) -> usize {
    let Ok(shelves) = fs::read_dir(store.root().join("inputs")) else { return 0 };
    let paths = shelves.map(|shelf| shelf.unwrap().path());
    let sizes = paths.filter(|path| path.extension().is_some()).map(|path| fs::read(path).unwrap().len());
    sizes.map(|size| (size - 22 - 32) / 84).sum()
}

/// The bytes of the one shelf there is.
fn shelf(store: &Store) -> PathBuf {
    let entries = fs::read_dir(store.root().join("inputs")).unwrap().map(|entry| entry.unwrap().path());
    entries.into_iter().find(|path| path.extension().is_some()).expect("a shelf")
}

fn modified(path: &Path) -> std::time::SystemTime {
    fs::metadata(path).unwrap().modified().unwrap()
}

fn set_modified(path: &Path, to: std::time::SystemTime) {
    fs::File::options().write(true).open(path).unwrap().set_modified(to).unwrap();
}

/// Makes the cache believe something else of what it remembers, so that a test sees whether it was asked.
fn poison(store: &Store) {
    let path = shelf(store);
    let mut bytes = fs::read(&path).unwrap();
    let body = bytes.len() - 32;
    for entry in bytes[22..body].chunks_exact_mut(84) {
        entry[52..].fill(7);
    }
    let seal = Digest::of(&bytes[..body]);
    bytes[body..].copy_from_slice(&seal.0);
    fs::write(path, bytes).unwrap();
}

#[test]
fn a_file_that_has_settled_is_read_once_and_its_digest_is_believed_from_then_on() {
    let (root, store) = store();
    let path = root.path().join("model.h5");
    fs::write(&path, "weights").unwrap();
    let content = SourceContent::File(path.clone());
    settle();
    assert_eq!(take(&store, &content).digest, uncached(&content));
    assert_eq!(remembered(&store), 1);
    assert_eq!(take(&store, &content).digest, uncached(&content));
    poison(&store);
    assert_ne!(take(&store, &content).digest, uncached(&content), "it was read although it is known");
    // A touched file is read again, and is the same input.
    set_modified(&path, std::time::UNIX_EPOCH);
    assert_eq!(take(&store, &content).digest, uncached(&content));
}

#[test]
fn an_edit_of_the_same_size_within_a_tick_of_the_clock_is_seen() {
    let (root, store) = store();
    let path = root.path().join("model.h5");
    let content = SourceContent::File(path.clone());
    for round in 0..200u32 {
        fs::write(&path, format!("{round:08}")).unwrap();
        let before = fs::metadata(&path).unwrap();
        let (first, expected) = (take(&store, &content), uncached(&content));
        assert_eq!(first.digest, expected);
        fs::write(&path, format!("{:08}", round + 1_000_000)).unwrap();
        set_modified(&path, before.modified().unwrap());
        assert_eq!(first.changed(), Some(path.clone()), "a stage that ran meanwhile publishes nothing");
        assert_eq!(take(&store, &content).digest, uncached(&content));
        assert_ne!(uncached(&content), expected);
    }
    assert_eq!(remembered(&store), 0, "a file that has just changed is not remembered");
}

#[test]
fn a_copy_over_the_file_that_keeps_size_and_times_is_seen() {
    let (root, store) = store();
    let [path, other, third] = ["model.h5", "other.h5", "third.h5"].map(|name| root.path().join(name));
    fs::write(&path, "weights").unwrap();
    fs::write(&other, "WEIGHTS").unwrap();
    let content = SourceContent::File(path.clone());
    settle();
    let before = take(&store, &content).digest;
    assert_eq!(remembered(&store), 1);
    // As `cp -p` does: the same inode, and the times of the source, which are those of the file.
    let time = modified(&path);
    fs::copy(&other, &path).unwrap();
    set_modified(&path, time);
    let copied = take(&store, &content).digest;
    assert_ne!(copied, before);
    assert_eq!(copied, uncached(&content));
    // And as `mv` does.
    settle();
    take(&store, &content);
    fs::write(&third, "wEiGhTs").unwrap();
    set_modified(&third, time);
    settle();
    fs::rename(&third, &path).unwrap();
    assert_ne!(take(&store, &content).digest, copied);
    assert_eq!(take(&store, &content).digest, uncached(&content));
}

#[test]
fn a_file_that_was_fresh_when_it_was_read_is_compared_by_its_bytes_until_it_has_settled() {
    let (root, store) = store();
    let path = root.path().join("model.h5");
    let content = SourceContent::File(path.clone());
    fs::write(&path, "weights").unwrap();
    let taken = take(&store, &content);
    assert_eq!(taken.changed(), None);
    settle();
    assert_eq!(taken.changed(), None);
    fs::write(&path, "WEIGHTS").unwrap();
    assert_eq!(taken.changed(), Some(path));
}

#[test]
fn a_damaged_shelf_is_as_good_as_none() {
    let (root, store) = store();
    let path = root.path().join("model.h5");
    fs::write(&path, "weights").unwrap();
    let content = SourceContent::File(path);
    settle();
    take(&store, &content);
    let shelf = shelf(&store);
    let good = fs::read(&shelf).unwrap();
    let mut flipped = good.clone();
    flipped[60] ^= 1;
    let longer = [good.as_slice(), b"x"].concat();
    for bad in [b"".as_slice(), b"x", &good[..good.len() - 1], &flipped, &longer] {
        fs::write(&shelf, bad).unwrap();
        assert_eq!(take(&store, &content).digest, uncached(&content));
        assert_eq!(fs::read(&shelf).unwrap(), good, "it is written anew");
    }
    fs::remove_file(&shelf).unwrap();
    fs::create_dir(&shelf).unwrap();
    assert_eq!(take(&store, &content).digest, uncached(&content));
}

#[test]
fn commands_that_learn_at_once_do_not_forget_what_the_other_learned() {
    let (root, store) = store();
    let entries: Vec<ImageEntry> = (0..64)
        .map(|number| {
            let image = root.path().join(format!("set/{number}.jpg"));
            fs::create_dir_all(image.parent().unwrap()).unwrap();
            fs::write(&image, number.to_string()).unwrap();
            ImageEntry { id: number.to_string(), image, mask: None }
        })
        .collect();
    settle();
    thread::scope(|scope| {
        for part in entries.chunks(16) {
            let store = &store;
            scope.spawn(move || {
                take(store, &SourceContent::Images(part.to_vec()));
            });
        }
    });
    assert_eq!(remembered(&store), 64);
    let all = SourceContent::Images(entries);
    assert_eq!(take(&store, &all).digest, uncached(&all));
}

#[test]
fn a_set_has_one_shelf_wherever_its_files_lie_below_its_folder() {
    let (root, store) = store();
    let write = |path: &str| {
        let path = root.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, path.to_string_lossy().as_bytes()).unwrap();
        path
    };
    let entry = |id: &str| {
        let (image, mask) =
            (write(&format!("set/images/{id}.jpg")), Some(write(&format!("set/masks/{id}.png"))));
        ImageEntry { id: id.to_owned(), image, mask }
    };
    let (one, two) = (vec![entry("a"), entry("b")], vec![entry("c")]);
    settle();
    take(&store, &SourceContent::Images(one));
    take(&store, &SourceContent::Images(two));
    take(&store, &SourceContent::Folder(root.path().join("set")));
    assert_eq!(remembered(&store), 6);
    let shelves = fs::read_dir(store.root().join("inputs")).unwrap().count();
    assert_eq!(shelves, 2, "one shelf and the lock");
}

/// What may happen to a data set between two commands.
#[derive(Debug, Clone)]
enum Edit {
    /// Other bytes of the same length, the old time of change.
    InPlace(usize, u8),
    /// The same by rename.
    Replace(usize, u8),
    /// Only the times.
    Touch(usize),
    /// Another length.
    Grow(usize),
    Remove(usize),
    /// Two files swap their places.
    Swap(usize, usize),
    /// Time passes.
    Settle,
}

fn any_edit() -> impl Strategy<Value = Edit> {
    let file = 0..4usize;
    prop_oneof![
        (file.clone(), 0..4u8).prop_map(|(file, byte)| Edit::InPlace(file, byte)),
        (file.clone(), 0..4u8).prop_map(|(file, byte)| Edit::Replace(file, byte)),
        file.clone().prop_map(Edit::Touch),
        file.clone().prop_map(Edit::Grow),
        file.clone().prop_map(Edit::Remove),
        (file.clone(), file).prop_map(|(one, two)| Edit::Swap(one, two)),
        Just(Edit::Settle),
        Just(Edit::Settle),
    ]
}

fn apply(edit: &Edit, files: &[PathBuf], spare: &Path) {
    let old = |path: &Path| fs::read(path).unwrap_or_else(|_| vec![0; 3]);
    let time = |path: &Path| fs::metadata(path).and_then(|m| m.modified()).unwrap_or(std::time::UNIX_EPOCH);
    match *edit {
        Edit::InPlace(file, byte) => {
            let (length, time) = (old(&files[file]).len(), time(&files[file]));
            fs::write(&files[file], vec![byte; length]).unwrap();
            set_modified(&files[file], time);
        }
        Edit::Replace(file, byte) => {
            fs::write(spare, vec![byte; old(&files[file]).len()]).unwrap();
            set_modified(spare, time(&files[file]));
            fs::rename(spare, &files[file]).unwrap();
        }
        Edit::Touch(file) if files[file].exists() => set_modified(&files[file], std::time::UNIX_EPOCH),
        Edit::Grow(file) => {
            let bytes = [old(&files[file]), vec![1]].concat();
            fs::write(&files[file], bytes).unwrap();
        }
        Edit::Remove(file) => drop(fs::remove_file(&files[file])),
        Edit::Swap(one, two) if files[one].exists() && files[two].exists() && one != two => {
            fs::rename(&files[one], spare).unwrap();
            fs::rename(&files[two], &files[one]).unwrap();
            fs::rename(spare, &files[two]).unwrap();
        }
        Edit::Settle => settle(),
        Edit::Touch(_) | Edit::Swap(..) => {}
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn through_the_cache_a_set_has_the_digest_that_it_has_without(edits in prop::collection::vec(any_edit(), 1..16)) {
        let (root, store) = store();
        let folder = root.path().join("set");
        fs::create_dir(&folder).unwrap();
        let files: Vec<PathBuf> = (0..4).map(|number| folder.join(number.to_string())).collect();
        for file in &files {
            fs::write(file, [0; 3]).unwrap();
        }
        let entry = |path: &PathBuf| ImageEntry { id: "x".to_owned(), image: path.clone(), mask: None };
        let images = SourceContent::Images(files.iter().map(entry).collect());
        let set = SourceContent::Folder(folder);
        let mut last: Option<(Digest, SourceDigest)> = None;
        for edit in edits {
            apply(&edit, &files, &root.path().join("spare"));
            let expected = uncached(&images);
            if let Some((digest, taken)) = &last {
                prop_assert_eq!(taken.changed().is_some(), *digest != expected, "{:?}", edit);
            }
            let taken = take(&store, &images);
            prop_assert_eq!(taken.digest, expected, "{:?}", edit);
            prop_assert_eq!(take(&store, &set).digest, uncached(&set), "{:?}", edit);
            last = Some((expected, taken));
        }
    }
}
