//! Sets enumerated from keys, on files made for the purpose.

use super::*;
use contract::{IssueKind, Severity};
use std::path::PathBuf;

/// A folder with `images/`, `masks/` and id files; the images are empty files, since nothing is decoded here.
struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        let folder = Self(tempfile::tempdir().expect("a folder"));
        for name in ["images", "masks"] {
            fs_err::create_dir(folder.path(name)).expect("a folder");
        }
        folder.ids("train.txt", "a\nb\nc\nd\ne\nf\ng\nh\ni\nj\n")
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn ids(self, name: &str, text: &str) -> Self {
        fs_err::write(self.path(name), text).expect("written");
        self
    }

    /// A data set with a training set.
    fn dataset(&self) -> Dataset {
        Dataset {
            training_path: Some(self.path("images")),
            training_masks_path: Some(self.path("masks")),
            training_files_path: Some(self.path("train.txt")),
            ..Dataset::default()
        }
    }
}

fn config(dataset: Dataset) -> Config {
    Config { dataset: Some(dataset), ..Config::default() }
}

fn ids(source: &Source) -> String {
    match &source.content {
        SourceContent::Images(entries) => entries.iter().map(|entry| entry.id.as_str()).collect(),
        other => panic!("not a list: {other:?}"),
    }
}

fn codes(source: &Source) -> Vec<&str> {
    source.findings.iter().map(|finding| finding.code.as_str()).collect()
}

/// numpy.random.RandomState(123).permutation(10) is 4 0 7 5 8 3 1 6 9 2 (see tests/golden).
#[test]
fn without_a_validation_set_the_permuted_ids_are_split() {
    let folder = Folder::new();
    let mut dataset = folder.dataset();
    assert_eq!(ids(&training_set(&config(dataset.clone()), "train").expect("legal")), "eahfidbg");
    assert_eq!(ids(&validation_set(&config(dataset.clone()), "train").expect("legal")), "jc");
    dataset.validation_split = Some(0.5);
    assert_eq!(ids(&training_set(&config(dataset.clone()), "train").expect("legal")), "eahfi");
    assert_eq!(ids(&evaluation_set(&config(dataset), "evaluate").expect("legal").0), "dbgjc");
}

#[test]
fn a_split_outside_0_and_1_or_one_that_empties_a_set_is_refused() {
    let folder = Folder::new();
    for bad in [0.0, 1.0, -0.5, f64::NAN, 0.999] {
        let dataset = Dataset { validation_split: Some(bad), ..folder.dataset() };
        let issues = training_set(&config(dataset), "train").expect_err("refused");
        assert_eq!(
            (issues[0].key.as_str(), issues[0].kind),
            ("dataset.validation_split", IssueKind::Invalid)
        );
    }
}

#[test]
fn id_files_may_have_blank_lines_spaces_and_windows_line_ends() {
    let folder = Folder::new().ids("train.txt", "\u{feff}a\r\n\r\n  b \r\nc\n\nb");
    let dataset = Dataset { validation_files_path: Some(folder.path("train.txt")), ..folder.dataset() };
    let source = training_set(&config(dataset), "train").expect("legal");
    assert_eq!(ids(&source), "abcb");
    assert_eq!(codes(&source), ["data::repeated_ids"]);
}

#[test]
fn a_mask_is_no_image_where_both_share_a_folder() {
    let folder = Folder::new().ids("train.txt", "a\nb\nc\n");
    for name in ["a.jpg", "a.png", "b.png", "c.png", "c.bmp"] {
        fs_err::write(folder.path("images").join(name), b"").expect("written");
    }
    let images = |masks: &str| {
        let masks = Some(folder.path(masks));
        let dataset = Dataset {
            training_masks_path: masks.clone(),
            validation_files_path: Some(folder.path("train.txt")),
            quantization_path: Some(folder.path("images")),
            quantization_masks_path: masks,
            quantization_files_path: Some(folder.path("train.txt")),
            ..folder.dataset()
        };
        let config = config(dataset);
        let sources = [training_set(&config, "train"), calibration_set(&config, "quantize")];
        sources.map(|source| match source.expect("legal").content {
            SourceContent::Images(entries) => entries
                .iter()
                .map(|entry| entry.image.file_name().expect("a name").to_string_lossy().into_owned())
                .collect::<Vec<_>>(),
            other => panic!("not a list: {other:?}"),
        })
    };
    assert_eq!(images("masks/../images"), [["a.jpg", "b.jpg", "c.bmp"]; 2]);
    assert_eq!(images("masks"), [["a.jpg", "b.png", "c.png"]; 2]);
}

#[test]
fn an_id_on_both_sides_of_a_split_is_a_warning() {
    let folder = Folder::new().ids("train.txt", "a\na\n");
    let dataset = Dataset { validation_split: Some(0.5), ..folder.dataset() };
    let validation = validation_set(&config(dataset), "train").expect("legal");
    assert_eq!(codes(&validation), ["data::shared_ids"]);
}

#[test]
fn a_calibration_split_that_chooses_only_missing_images_is_told() {
    let folder = Folder::new();
    let dataset = Dataset {
        quantization_split: Some(0.2),
        validation_files_path: Some(folder.path("train.txt")),
        ..folder.dataset()
    };
    let config = config(dataset);
    assert!(calibration_set(&config, "quantize").is_ok(), "no image is there at all");
    // The split chooses e and a.
    fs_err::write(folder.path("images").join("b.jpg"), b"").expect("written");
    let issues = calibration_set(&config, "quantize").expect_err("e and a are missing");
    assert_eq!((issues[0].key.as_str(), issues[0].kind), ("dataset.quantization_split", IssueKind::Invalid));
    assert!(issues[0].message.contains("2 of 10") && issues[0].message.contains("e.jpg"), "{issues:?}");
}

#[test]
fn validation_ids_alone_are_looked_up_in_the_training_folders() {
    let folder = Folder::new().ids("val.txt", "x\na\n");
    let dataset = Dataset { validation_files_path: Some(folder.path("val.txt")), ..folder.dataset() };
    let config = config(dataset);
    assert_eq!(ids(&training_set(&config, "train").expect("legal")), "abcdefghij");
    let validation = validation_set(&config, "train").expect("legal");
    assert_eq!(ids(&validation), "xa");
    assert_eq!(codes(&validation), ["data::shared_ids"]);
    assert_eq!(validation.key, "dataset.validation_files_path");
    let SourceContent::Images(entries) = &validation.content else { panic!("not a list") };
    assert_eq!(entries[0].mask, Some(folder.path("masks").join("x.png")));
    assert_eq!(entries[0].image, folder.path("images").join("x.jpg"));
}

#[test]
fn an_incomplete_validation_set_is_ignored_with_a_warning_and_an_incomplete_training_set_is_an_error() {
    let folder = Folder::new();
    let dataset = Dataset {
        validation_path: Some(folder.path("images")),
        validation_files_path: Some(folder.path("train.txt")),
        ..folder.dataset()
    };
    let validation = validation_set(&config(dataset.clone()), "train").expect("legal");
    assert_eq!(ids(&validation), "jc");
    assert_eq!(codes(&validation), ["data::incomplete_set"]);
    assert!(validation.findings[0].message.contains("`dataset.validation_masks_path`"));
    let dataset = Dataset { training_masks_path: None, training_files_path: None, ..dataset };
    let issues = training_set(&config(dataset), "train").expect_err("incomplete");
    let keys: Vec<&str> = issues.iter().map(|issue| issue.key.as_str()).collect();
    assert_eq!(keys, ["dataset.training_masks_path", "dataset.training_files_path"]);
}

#[test]
fn an_evaluation_without_any_images_says_which_sets_would_do() {
    let issues = evaluation_set(&config(Dataset::default()), "evaluate").expect_err("no images");
    assert_eq!(issues.len(), 3);
    assert!(
        issues[0].message.contains("evaluate needs images with masks to judge the model by"),
        "{issues:?}"
    );
}

#[test]
fn what_is_not_there_is_named_with_its_key_and_full_path() {
    let folder = Folder::new();
    let dataset = Dataset {
        training_path: Some(folder.path("nowhere")),
        training_masks_path: Some(folder.path("train.txt")),
        training_files_path: Some(folder.path("none.txt")),
        ..Dataset::default()
    };
    let issues = training_set(&config(dataset), "train").expect_err("nothing is there");
    let found: Vec<(&str, IssueKind)> = issues.iter().map(|i| (i.key.as_str(), i.kind)).collect();
    let path = IssueKind::Path;
    assert_eq!(
        found,
        [
            ("dataset.training_path", path),
            ("dataset.training_masks_path", path),
            ("dataset.training_files_path", path)
        ]
    );
    assert!(
        issues[0].message.contains(&folder.path("nowhere").display().to_string()),
        "{}",
        issues[0].message
    );
    assert!(issues[1].message.ends_with("is a file, not a folder"), "{}", issues[1].message);
}

#[test]
fn a_test_set_is_evaluated_on_before_the_validation_set() {
    let folder = Folder::new().ids("test.txt", "t\nb\n");
    let mut dataset = Dataset {
        test_path: Some(folder.path("images")),
        test_masks_path: Some(folder.path("masks")),
        test_files_path: Some(folder.path("test.txt")),
        ..folder.dataset()
    };
    let (source, name) = evaluation_set(&config(dataset.clone()), "evaluate").expect("legal");
    assert_eq!((ids(&source).as_str(), name), ("tb", "test_set"));
    assert_eq!(codes(&source), ["data::shared_ids"]);
    dataset.test_masks_path = None;
    let config = config(dataset);
    let (source, name) = evaluation_set(&config, "evaluate").expect("legal");
    assert_eq!((ids(&source).as_str(), name), ("jc", "validation_set"));
    assert_eq!((codes(&source), evaluation_set_name(&config)), (vec!["data::incomplete_set"], name));
}

#[test]
fn calibration_takes_its_own_images_else_a_share_of_the_training_images_else_random_ones() {
    let folder = Folder::new().ids("calibration.txt", "q\nr\n");
    let own = Dataset {
        quantization_path: Some(folder.path("images")),
        quantization_files_path: Some(folder.path("calibration.txt")),
        ..folder.dataset()
    };
    let source = calibration_set(&config(own.clone()), "quantize").expect("legal");
    assert_eq!(ids(&source), "qr");
    let SourceContent::Images(entries) = &source.content else { panic!("not a list") };
    assert_eq!(entries[0].mask, None);

    let shared = Dataset {
        quantization_split: Some(0.35),
        validation_files_path: Some(folder.path("calibration.txt")),
        ..folder.dataset()
    };
    assert_eq!(ids(&calibration_set(&config(shared.clone()), "quantize").expect("legal")), "eah");
    let least = Dataset { quantization_split: Some(0.01), ..shared };
    assert_eq!(ids(&calibration_set(&config(least), "quantize").expect("legal")), "e");
    let trained_on = calibration_set(&config(folder.dataset()), "quantize").expect("legal");
    assert_eq!(ids(&trained_on), "eahfidbg", "ids that validate do not calibrate");

    for config in [config(Dataset::default()), Config::default()] {
        let random = calibration_set(&config, "quantize").expect("legal");
        assert!(
            matches!(&random.content, SourceContent::Generated { generator, .. } if generator == "random_pixels")
        );
        assert_eq!(random.findings[0].severity, Severity::Warning);
    }
}

#[test]
fn the_built_in_set_needs_no_files_and_takes_none() {
    let shapes = Dataset { name: Some("shapes".to_owned()), ..Dataset::default() };
    let training = training_set(&config(shapes.clone()), "train").expect("legal");
    assert_eq!((training.key.as_str(), training.label.as_str()), ("dataset.name", "training set"));
    let training = training.content;
    let (validation, name) = evaluation_set(&config(shapes.clone()), "evaluate").expect("legal");
    assert_eq!(name, "validation_set");
    assert_ne!(training, validation.content);
    assert_eq!(calibration_set(&config(shapes.clone()), "quantize").expect("legal").content, training);
    let fewer = Dataset { quantization_split: Some(0.3), ..shapes.clone() };
    let calibration = calibration_set(&config(fewer), "quantize").expect("legal").content;
    assert_eq!(calibration, Shapes::new(123).first(96).content());
    let mixed = Dataset { training_path: Some("images".into()), ..shapes };
    let issues = training_set(&config(mixed), "train").expect_err("a conflict");
    assert_eq!((issues[0].key.as_str(), issues[0].kind), ("dataset.training_path", IssueKind::Conflict));
}
