//! Sets read from files.

use contract::{Config, Finding, ImageEntry, Problem, Severity, SourceContent, config::Dataset};
use dataset::{Classes, Fitting, Preprocessor, Samples, Sampling, Size, VOID, check};
use image::{GrayImage, Luma, Rgb, RgbImage};
use std::path::{Path, PathBuf};

const SIZE: Size = Size { height: 4, width: 6 };

fn classes(count: usize) -> Classes {
    let class_names = Some((0..count).map(|index| format!("class {index}")).collect());
    Classes::from_config(&Dataset { class_names, ..Dataset::default() }).expect("classes")
}

fn preprocessor() -> Preprocessor {
    Preprocessor {
        scale: 1.0,
        offset: 0.0,
        channels: 3,
        fitting: Fitting::Stretch(Sampling::Bilinear),
        void_as_background: false,
    }
}

/// Writes an image and a mask of `label`, both 8x12.
fn entry(folder: &Path, id: &str, label: u8) -> ImageEntry {
    let (image, mask) = (folder.join(format!("{id}.png")), folder.join(format!("{id}_mask.png")));
    RgbImage::from_pixel(12, 8, Rgb([10, 20, 30])).save(&image).expect("saved");
    GrayImage::from_pixel(12, 8, Luma([label])).save(&mask).expect("saved");
    ImageEntry { id: id.to_owned(), image, mask: Some(mask) }
}

fn codes(findings: &[Finding]) -> Vec<(&str, Severity)> {
    findings.iter().map(|finding| (finding.code.as_str(), finding.severity)).collect()
}

#[test]
fn samples_have_the_size_and_range_of_the_network() {
    let folder = tempfile::tempdir().expect("a folder");
    let content = SourceContent::Images(vec![entry(folder.path(), "a", 1), entry(folder.path(), "b", VOID)]);
    let samples = Samples::open(&content, &preprocessor(), SIZE, &classes(2)).expect("opens");
    assert_eq!(samples.len(), 2);
    let sample = samples.load(0).expect("loads");
    assert_eq!(sample.id, "a");
    assert_eq!(sample.image.len(), 4 * 6 * 3);
    assert_eq!(sample.image[..3], [10.0, 20.0, 30.0]);
    assert_eq!(sample.mask, Some(vec![1; 24]));
    assert_eq!(samples.load(1).expect("loads").mask, Some(vec![VOID; 24]));
    assert!(samples.load(2).is_err());
}

#[test]
fn missing_files_are_skipped_and_counted_and_nothing_left_is_an_error() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut entries: Vec<ImageEntry> = ["a", "b", "c"].map(|id| entry(folder.path(), id, 0)).into();
    fs_err::remove_file(&entries[0].image).expect("removed");
    entries[2].mask = Some(PathBuf::from("nowhere.png"));
    let content = SourceContent::Images(entries.clone());
    let samples = Samples::open(&content, &preprocessor(), SIZE, &classes(2)).expect("opens");
    assert_eq!((samples.len(), samples.id(0)), (1, "b".to_owned()));
    let findings = check("training set", &content, &classes(2), 2, false);
    assert_eq!(codes(&findings)[0], ("data::missing_files", Severity::Warning));
    assert_eq!(
        findings[0].message,
        "training set: 2 of 3 images are skipped because a file is missing, the first is `a`"
    );
    entries.remove(1);
    let empty = SourceContent::Images(entries);
    let error = Samples::open(&empty, &preprocessor(), SIZE, &classes(2)).expect_err("empty");
    assert_eq!(error.code(), "data::empty_set");
    assert!(error.to_string().contains("a.png"), "{error}");
    assert_eq!(
        codes(&check("test set", &empty, &classes(2), 1, false)),
        [("data::empty_set", Severity::Error)]
    );
}

#[test]
fn checking_finds_every_sort_of_mistake_and_lists_ten_of_a_sort_or_all() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut entries: Vec<ImageEntry> =
        (0..13).map(|index| entry(folder.path(), &format!("value{index}"), 9)).collect();
    let broken = entry(folder.path(), "broken", 0);
    fs_err::write(&broken.image, b"no image").expect("written");
    let small = entry(folder.path(), "small", 0);
    GrayImage::new(3, 5).save(small.mask.as_ref().expect("a mask")).expect("saved");
    let colours = entry(folder.path(), "colours", 0);
    RgbImage::from_pixel(12, 8, Rgb([1, 2, 3])).save(colours.mask.as_ref().expect("a mask")).expect("saved");
    entries.extend([broken, small, colours, entry(folder.path(), "void", VOID)]);
    let content = SourceContent::Images(entries);
    let findings = check("training set", &content, &classes(2), 2, false);
    assert!(findings.iter().all(|finding| finding.severity == Severity::Error));
    let count = |code| findings.iter().filter(|finding| finding.code == code).count();
    assert_eq!(
        ["data::mask_value", "data::unreadable_image", "data::size_mismatch", "data::rgb_mask"].map(count),
        [10, 1, 1, 1]
    );
    let values: Vec<&str> = findings
        .iter()
        .filter(|finding| finding.code == "data::mask_value")
        .map(|finding| finding.message.as_str())
        .collect();
    assert!(values[0].contains("value0_mask.png: the mask has the value 9 in 96 pixels"), "{}", values[0]);
    assert!(values[9].contains("(and 3 more like this; `dataset.check_image_files: true`"), "{}", values[9]);
    let all = check("training set", &content, &classes(2), 2, true);
    let values = all.iter().filter(|finding| finding.code == "data::mask_value");
    assert_eq!(values.clone().count(), 13);
    assert!(values.clone().all(|finding| !finding.message.contains("more like this")));
    let size = findings.iter().find(|finding| finding.code == "data::size_mismatch").expect("found");
    assert!(size.message.contains("8x12") && size.message.contains("5x3"), "{}", size.message);
}

#[test]
fn masks_in_voc_colours_are_converted_with_one_note_and_absent_classes_are_told() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut entries: Vec<ImageEntry> = ["a", "b"].map(|id| entry(folder.path(), id, 0)).into();
    for entry in &mut entries {
        let mask = entry.mask.as_ref().expect("a mask");
        RgbImage::from_pixel(12, 8, Rgb([128, 0, 0])).save(mask).expect("saved");
    }
    let content = SourceContent::Images(entries);
    let findings = check("training set", &content, &classes(3), 2, false);
    assert_eq!(
        codes(&findings),
        [("data::rgb_mask", Severity::Note), ("data::class_absent", Severity::Note)]
    );
    assert!(findings[1].message.ends_with("no mask shows class 0, class 2"), "{}", findings[1].message);
    let samples = Samples::open(&content, &preprocessor(), SIZE, &classes(3)).expect("opens");
    assert_eq!(samples.load(0).expect("loads").mask, Some(vec![1; 24]));
}

#[test]
fn generated_sets_load_like_any_other() {
    let shapes = Config {
        dataset: Some(Dataset { name: Some("shapes".to_owned()), ..Dataset::default() }),
        ..Config::default()
    };
    let content = dataset::validation_set(&shapes, "train").expect("legal").content;
    let four = Classes::from_config(shapes.dataset.as_ref().expect("a section")).expect("classes");
    assert_eq!(check("validation set", &content, &four, 2, false), []);
    let samples = Samples::open(&content, &preprocessor(), SIZE, &four).expect("opens");
    assert_eq!(samples.len(), 64);
    assert_eq!(samples.load(63).expect("loads"), samples.load(63).expect("loads"));
    let random = dataset::calibration_set(&Config::default(), "quantize").expect("legal").content;
    let samples = Samples::open(&random, &preprocessor(), SIZE, &four).expect("opens");
    let sample = samples.load(9).expect("loads");
    assert_eq!((sample.image.len(), sample.mask), (4 * 6 * 3, None));
}

/// CamVid, as packaged for tests beside the repository.
#[test]
fn the_whole_of_camvid_is_clean() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../../shared/data/camvid");
    if !root.exists() {
        let required = std::env::var_os("PIPELINE_REQUIRE_PEERS").is_some_and(|value| value == "1");
        assert!(!required, "PIPELINE_REQUIRE_PEERS=1, and {} is not there", root.display());
        println!("skipped: the whole of CamVid (no ../shared)");
        return;
    }
    let list = |name: &str| Some(root.join("ImageSets/Segmentation").join(name));
    let config = Config {
        dataset: Some(Dataset {
            class_names: Some(classes(11).names().to_vec()),
            training_path: Some(root.join("JPEGImages")),
            training_masks_path: Some(root.join("SegmentationClass")),
            training_files_path: list("train.txt"),
            validation_files_path: list("val.txt"),
            ..Dataset::default()
        }),
        ..Config::default()
    };
    let training = dataset::training_set(&config, "train").expect("legal");
    let (validation, _) = dataset::evaluation_set(&config, "evaluate").expect("legal");
    let start = std::time::Instant::now();
    for (source, images) in [(&training, 367), (&validation, 101)] {
        assert!(source.findings.is_empty(), "{:?}", source.findings);
        assert!(matches!(&source.content, SourceContent::Images(entries) if entries.len() == images));
        assert_eq!(check(&source.label, &source.content, &classes(11), 2, false), []);
    }
    println!("468 pairs checked in {:?}", start.elapsed());
    let too_few = check(&validation.label, &validation.content, &classes(10), 2, false);
    assert!(too_few.iter().all(|finding| finding.code == "data::mask_value"), "{too_few:?}");
    assert!(too_few.iter().any(|finding| finding.message.contains("the value 10 in")), "{too_few:?}");
}
