use super::*;
use crate::store::{SourceDigest, digest_source};
use contract::{Source, SourceContent};
use proptest::prelude::*;
use std::os::unix::{fs::symlink, net::UnixListener};

type Tree = BTreeMap<String, Vec<u8>>;

fn take(folder: &Path) -> Result<SourceDigest, StoreError> {
    digest_source(&Source {
        kind: ArtifactKind::File,
        label: "raw".to_owned(),
        key: "stages.clean.inputs.raw".to_owned(),
        content: SourceContent::Folder(folder.to_owned()),
        findings: Vec::new(),
    })
}

fn refusal(folder: &Path) -> String {
    let error = take(folder).expect_err("this folder cannot stand");
    let cause = std::error::Error::source(&error).map(ToString::to_string).unwrap_or_default();
    format!("{error}: {cause}")
}

/// Writes a tree of files; `backwards` in the other order, so that the file system may list it otherwise.
fn grown(tree: &Tree, backwards: bool) -> TempDir {
    let root = tempfile::tempdir().unwrap();
    let mut files: Vec<_> = tree.iter().collect();
    if backwards {
        files.reverse();
    }
    for (path, bytes) in files {
        let path = root.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
    root
}

fn trees() -> impl Strategy<Value = Tree> {
    // Names of folders and of files never meet.
    let path = prop::string::string_regex("(d[ab]/){0,2}f[a-c\u{e4} ]").unwrap();
    prop::collection::btree_map(path, prop::collection::vec(0..3u8, 0..3), 0..5)
}

proptest! {
    #[test]
    fn folders_have_the_same_digest_when_they_hold_the_same_files_and_only_then(one in trees(), two in trees()) {
        let (here, there, other) = (grown(&one, false), grown(&one, true), grown(&two, false));
        let digest = |folder: &TempDir| take(folder.path()).unwrap().digest;
        prop_assert_eq!(digest(&here), digest(&there));
        prop_assert_eq!(digest(&here) == digest(&other), one == two);
    }

    #[test]
    fn every_change_of_a_folder_is_noticed(tree in trees(), pick: prop::sample::Index) {
        let root = grown(&tree, false);
        let taken = take(root.path()).unwrap();
        prop_assert_eq!(taken.changed(), None);
        let added = root.path().join("da/new");
        fs::create_dir_all(added.parent().unwrap()).unwrap();
        prop_assert_eq!(taken.changed(), None, "an empty folder is no file");
        fs::write(&added, "").unwrap();
        prop_assert_eq!(taken.changed(), Some(added));

        let taken = take(root.path()).unwrap();
        let paths: Vec<&String> = tree.keys().collect();
        if !paths.is_empty() {
            let path = root.path().join(paths[pick.index(paths.len())]);
            fs::write(&path, "edited").unwrap();
            prop_assert_eq!(taken.changed(), Some(path.clone()));
            let taken = take(root.path()).unwrap();
            fs::remove_file(&path).unwrap();
            prop_assert_eq!(taken.changed(), Some(path));
        }
    }
}

#[test]
fn an_empty_folder_is_a_source_and_one_that_is_not_there_is_none() {
    let root = tempfile::tempdir().unwrap();
    assert_eq!(take(root.path()).unwrap().changed(), None);
    let absent = root.path().join("absent");
    assert!(refusal(&absent).starts_with(&format!("raw: there is no file `{}`", absent.display())));
    fs::write(&absent, "").unwrap();
    assert!(refusal(&absent).contains("it is not a folder"));
}

#[test]
fn links_are_followed_and_those_that_lead_nowhere_or_in_a_circle_are_named() {
    let real = grown(&Tree::from([("fa".into(), vec![1]), ("da/fb".into(), vec![2])]), false);
    let linked = tempfile::tempdir().unwrap();
    symlink(real.path().join("fa"), linked.path().join("fa")).unwrap();
    symlink(real.path().join("da"), linked.path().join("da")).unwrap();
    assert_eq!(take(linked.path()).unwrap().digest, take(real.path()).unwrap().digest);

    let circle = real.path().join("da/around");
    symlink(real.path(), &circle).unwrap();
    let text = refusal(real.path());
    assert!(
        text.contains(&circle.display().to_string()) && text.contains("a folder that it lies in"),
        "{text}"
    );
    fs::remove_file(&circle).unwrap();
    symlink("nowhere", &circle).unwrap();
    assert!(refusal(real.path()).contains(&circle.display().to_string()));
}

#[test]
fn what_is_no_file_is_named() {
    let root = tempfile::tempdir().unwrap();
    let socket = root.path().join("socket");
    let _listener = UnixListener::bind(&socket).unwrap();
    let text = refusal(root.path());
    assert!(
        text.contains(&socket.display().to_string()) && text.contains("neither a file nor a folder"),
        "{text}"
    );
}
