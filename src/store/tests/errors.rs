use super::*;
use miette::Diagnostic;
use std::io::{self, ErrorKind};

fn code_and_help(error: &StoreError) -> (String, String) {
    let text =
        |part: Option<Box<dyn std::fmt::Display + '_>>| part.map(|p| p.to_string()).unwrap_or_default();
    (text(error.code()), text(error.help()))
}

#[test]
fn a_read_only_and_a_full_disk_are_told_with_path_and_remedy() {
    let error = |kind: ErrorKind| StoreError::io("write the object", "/store/objects/ab/cd", kind.into());
    for kind in [ErrorKind::PermissionDenied, ErrorKind::ReadOnlyFilesystem] {
        let error = error(kind);
        assert_eq!(
            error.to_string(),
            "cannot write the object `/store/objects/ab/cd`: it is read-only or belongs to somebody else"
        );
        let (code, help) = code_and_help(&error);
        assert_eq!(code, "store::read_only");
        assert!(help.contains("PIPELINE_CACHE_DIR"), "{help}");
    }
    for kind in [ErrorKind::StorageFull, ErrorKind::QuotaExceeded] {
        let error = error(kind);
        assert_eq!(error.to_string(), "cannot write the object `/store/objects/ab/cd`: the disk is full");
        let (code, help) = code_and_help(&error);
        assert_eq!(code, "store::full");
        assert!(help.contains("free some space"), "{help}");
    }
    assert_eq!(code_and_help(&error(ErrorKind::Other)).0, "store::io");
}

#[test]
fn a_store_in_a_folder_without_write_permission_is_refused() {
    if rustix::process::geteuid().is_root() {
        println!("skipped: a folder without write permission (root may write anywhere)");
        return;
    }
    let root = tempfile::tempdir().unwrap();
    crate::store::os::set_mode(root.path(), 0o555).unwrap();
    let error = Store::open(Some(root.path().join("store"))).unwrap_err();
    crate::store::os::set_mode(root.path(), 0o755).unwrap();
    assert!(matches!(error, StoreError::ReadOnly { .. }), "{error}");
}

#[test]
fn a_store_below_a_file_is_refused_with_its_path() {
    let root = tempfile::tempdir().unwrap();
    let file = root.path().join("file");
    fs::write(&file, "").unwrap();
    let error = Store::open(Some(file.join("store"))).unwrap_err();
    let expected = format!("cannot make the store's folder `{}`", file.join("store/objects").display());
    assert_eq!(error.to_string(), expected);
}

#[test]
fn a_store_of_another_format_is_refused_and_left_alone() {
    let (_root, store) = store();
    fs::write(store.root().join("format"), "2\n").unwrap();
    let error = Store::open(Some(store.root().to_owned())).unwrap_err();
    let expected =
        format!("the store `{}` has format `2`, this program reads format `1`", store.root().display());
    assert_eq!(error.to_string(), expected);
}

#[test]
fn a_disk_that_is_full_while_an_object_is_copied_out_is_told_as_such() {
    // /dev/full says so to every write, as a full disk does.
    let Ok(mut full) = fs::OpenOptions::new().write(true).open("/dev/full") else {
        println!("skipped: a full disk (no /dev/full)");
        return;
    };
    let error = crate::store::digest::copy(&mut io::Cursor::new(b"weights"), &mut full).unwrap_err();
    assert!(matches!(StoreError::io("write", "/run/model.h5", error), StoreError::Full { .. }));
}

#[test]
fn a_store_says_that_it_is_a_cache() {
    let (_root, store) = store();
    let tag = fs::read_to_string(store.root().join("CACHEDIR.TAG")).unwrap();
    assert!(tag.starts_with("Signature: 8a477f597d28d172789f06886806bc55\n"));
}
