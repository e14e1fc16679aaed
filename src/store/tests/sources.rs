use super::*;
use crate::store::{InputKey, SourceDigest, digest_source};
use contract::{ImageEntry, Source, SourceContent};
use std::path::PathBuf;

pub(super) fn source(content: SourceContent) -> Source {
    let kind = match content {
        SourceContent::File(_) => ArtifactKind::FloatModel,
        _ => ArtifactKind::ImageSet,
    };
    let (label, key) = ("training set".to_owned(), "dataset.training_path".to_owned());
    Source { kind, label, key, content, findings: Vec::new() }
}

fn digest(content: SourceContent) -> SourceDigest {
    digest_source(&source(content)).unwrap()
}

/// Writes `ID.jpg` and `ID.png` for each id with bytes that tell them apart.
fn write_set(folder: &Path, ids: &[&str]) -> Vec<ImageEntry> {
    fs::create_dir_all(folder).unwrap();
    ids.iter()
        .map(|id| {
            let (image, mask) = (folder.join(format!("{id}.jpg")), folder.join(format!("{id}.png")));
            fs::write(&image, format!("image {id}")).unwrap();
            fs::write(&mask, format!("mask {id}")).unwrap();
            ImageEntry { id: (*id).to_owned(), image, mask: Some(mask) }
        })
        .collect()
}

#[test]
fn the_digest_of_a_set_does_not_depend_on_where_it_lies() {
    let root = tempfile::tempdir().unwrap();
    let here = write_set(&root.path().join("here"), &["a", "b", "c"]);
    let there = write_set(&root.path().join("there/deeper"), &["a", "b", "c"]);
    let (here, there) = (digest(SourceContent::Images(here)), digest(SourceContent::Images(there)));
    assert_eq!(here.digest, there.digest);
}

#[test]
fn content_order_ids_and_absence_all_change_the_digest_of_a_set() {
    let root = tempfile::tempdir().unwrap();
    let entries = write_set(root.path(), &["a", "b"]);
    let of = |entries: &[ImageEntry]| digest(SourceContent::Images(entries.to_vec())).digest;
    let mut digests = vec![of(&entries)];

    digests.push(of(&entries[..1]));
    digests.push(of(&[entries[1].clone(), entries[0].clone()]));
    let renamed = ImageEntry { id: "z".to_owned(), ..entries[0].clone() };
    digests.push(of(&[renamed, entries[1].clone()]));
    let without_masks: Vec<_> =
        entries.iter().map(|entry| ImageEntry { mask: None, ..entry.clone() }).collect();
    digests.push(of(&without_masks));
    let swapped =
        ImageEntry { image: entries[1].image.clone(), mask: entries[0].mask.clone(), ..entries[0].clone() };
    digests.push(of(&[swapped, entries[1].clone()]));
    fs::remove_file(root.path().join("a.png")).unwrap();
    digests.push(of(&entries));
    fs::write(root.path().join("a.png"), "").unwrap();
    digests.push(of(&entries));
    fs::remove_file(root.path().join("a.jpg")).unwrap();
    digests.push(of(&entries));

    let count = digests.len();
    digests.sort_unstable();
    digests.dedup();
    assert_eq!(digests.len(), count);
}

#[test]
fn a_file_counts_by_its_bytes_and_its_extension_not_by_its_name() {
    let root = tempfile::tempdir().unwrap();
    let of = |name: &str, bytes: &str| {
        let path = root.path().join(name);
        fs::write(&path, bytes).unwrap();
        digest(SourceContent::File(path)).digest
    };
    let base = of("model.h5", "weights");
    assert_eq!(of("other name.H5", "weights"), base);
    assert_ne!(of("model.keras", "weights"), base);
    assert_ne!(of("model.h5", "other weights"), base);
    // A model that a stage made and the same model named by a user are one input.
    let made = InputKey::file(ArtifactKind::FloatModel, "best_model.h5", Digest::of(b"weights")).unwrap();
    assert_eq!(made.digest, base);
}

#[test]
fn a_generated_set_counts_by_its_generator_and_parameters() {
    let of = |generator: &str, seed: u64| {
        let parameters = serde_json::Map::from_iter([("seed".to_owned(), seed.into())]);
        digest(SourceContent::Generated { generator: generator.to_owned(), parameters })
    };
    assert_eq!(of("shapes", 1), of("shapes", 1));
    assert_ne!(of("shapes", 1).digest, of("shapes", 2).digest);
    assert_ne!(of("shapes", 1).digest, of("blobs", 1).digest);
    assert_eq!(of("shapes", 1).changed(), None);
}

#[test]
fn an_input_that_changes_appears_or_goes_after_it_was_digested_is_told() {
    let root = tempfile::tempdir().unwrap();
    let entries = write_set(root.path(), &["a", "b"]);
    let absent = root.path().join("b.jpg");
    fs::remove_file(&absent).unwrap();
    let take = || digest(SourceContent::Images(entries.clone()));

    let taken = take();
    assert_eq!(taken.changed(), None);
    fs::write(&absent, "there now").unwrap();
    assert_eq!(taken.changed(), Some(absent.clone()));

    let taken = take();
    let touched = fs::File::options().write(true).open(&absent).unwrap();
    touched.set_modified(std::time::UNIX_EPOCH).unwrap();
    fs::copy(&absent, root.path().join("copy")).unwrap();
    assert_eq!(taken.changed(), None, "touched is not changed");
    fs::rename(root.path().join("copy"), &absent).unwrap();
    assert_eq!(taken.changed(), None, "replaced by the same is not changed");

    let taken = take();
    // The same size and, by rename, perhaps even the same times: the inode tells.
    let (mask, other) = (root.path().join("a.png"), root.path().join("other"));
    fs::write(&other, "mask B").unwrap();
    fs::rename(&other, &mask).unwrap();
    assert_eq!(taken.changed(), Some(mask.clone()));

    let taken = take();
    fs::remove_file(&mask).unwrap();
    assert_eq!(taken.changed(), Some(mask));
}

#[test]
fn a_single_file_that_is_absent_and_a_folder_in_place_of_an_image_are_errors_that_name_them() {
    let root = tempfile::tempdir().unwrap();
    let absent = root.path().join("none.h5");
    let error = digest_source(&source(SourceContent::File(absent.clone()))).unwrap_err();
    let place = "`dataset.training_path`";
    assert_eq!(error.to_string(), format!("training set: there is no file `{}` ({place})", absent.display()));

    let folder = root.path().join("a.jpg");
    fs::create_dir(&folder).unwrap();
    let entry = ImageEntry { id: "a".to_owned(), image: folder.clone(), mask: None };
    let error = digest_source(&source(SourceContent::Images(vec![entry]))).unwrap_err();
    assert_eq!(error.to_string(), format!("training set: cannot read `{}` ({place})", folder.display()));
}

#[test]
fn a_path_through_a_file_is_an_absent_image() {
    let root = tempfile::tempdir().unwrap();
    fs::write(root.path().join("file"), "").unwrap();
    let entry = |image: PathBuf| ImageEntry { id: "a".to_owned(), image, mask: None };
    let through = digest(SourceContent::Images(vec![entry(root.path().join("file/a.jpg"))]));
    let absent = digest(SourceContent::Images(vec![entry(root.path().join("a.jpg"))]));
    assert_eq!(through.digest, absent.digest);
}
