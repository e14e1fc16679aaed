//! Trainings that are interrupted.

use super::support::{Run, Story, run_in};
use crate::FAIL_POINTS;
use contract::{EventKind, StageError};
use std::path::{Path, PathBuf};

fn undisturbed() -> Story {
    let story = Run::new().go(2, None);
    let names: Vec<&str> = story.files.keys().map(String::as_str).collect();
    assert_eq!(
        names,
        [
            "logs/metrics/accuracy.svg",
            "logs/metrics/learning_rate.svg",
            "logs/metrics/loss.svg",
            "logs/metrics/train_metrics.csv",
            "logs/train/events.out.tfevents.0.pipeline.v2",
            "logs/validation/events.out.tfevents.0.pipeline.v2",
            "saved_models/best_augmented_model.h5",
            "saved_models/best_model.h5",
            "saved_models/last_augmented_model.h5",
            "saved_models/last_model.h5",
        ]
    );
    story
}

/// An epoch is three steps and two batches of validation, so these stop inside both epochs and inside validation.
#[test]
fn a_training_that_is_cancelled_anywhere_ends_as_if_it_had_not_been() {
    let expected = undisturbed();
    for cancel_after in [1, 2, 4, 5, 6, 9] {
        let run = Run::new();
        let cancelled = run.go(1, Some(cancel_after));
        assert_eq!(cancelled.result, Err(StageError::Cancelled));
        assert!(cancelled.files.is_empty(), "a cancelled training has no result");
        assert!(run.go(4, None) == expected, "it differs when cancelled after {cancel_after} steps");
    }
}

#[test]
fn a_training_that_is_cancelled_again_and_again_ends_as_if_it_had_not_been() {
    let run = Run::new();
    for _ in 0..4 {
        assert_eq!(run.go(2, Some(2)).result, Err(StageError::Cancelled));
    }
    assert!(run.go(2, None) == undisturbed());
}

#[test]
fn a_damaged_checkpoint_is_told_and_the_one_before_it_serves() {
    let expected = undisturbed();
    for damage in [|bytes: &mut Vec<u8>| bytes[5000] ^= 1, |bytes: &mut Vec<u8>| bytes.truncate(5000)] {
        let run = Run::new();
        run.go(2, Some(7));
        let newest = checkpoints(run.folder.path()).pop().expect("a checkpoint");
        let mut bytes = fs_err::read(&newest).expect("a checkpoint");
        damage(&mut bytes);
        fs_err::write(&newest, bytes).expect("a file");
        let mut story = run.go(2, None);
        let warning = story.lasting.remove(0);
        let EventKind::Warning { message, transient: true } = warning else {
            panic!("no warning but {warning:?}")
        };
        assert!(message.contains(&*newest.to_string_lossy()), "{message}");
        assert!(message.contains("goes on from an older one"), "{message}");
        assert!(story == expected);
    }
}

#[test]
fn a_training_without_a_checkpoint_that_can_be_read_starts_anew_and_says_so() {
    let expected = undisturbed();
    let run = Run::new();
    run.go(2, Some(1));
    let [only] = &checkpoints(run.folder.path())[..] else { panic!("one checkpoint was expected") };
    fs_err::write(only, "no checkpoint").expect("a file");
    let mut story = run.go(2, None);
    let warning = story.lasting.remove(0);
    let EventKind::Warning { message, .. } = warning else { panic!("no warning but {warning:?}") };
    assert!(message.contains("training starts anew"), "{message}");
    assert!(story == expected);
}

#[test]
fn only_the_last_two_checkpoints_are_kept() {
    let run = Run::new();
    run.go(2, None);
    run.go(2, Some(1));
    assert_eq!(checkpoints(run.folder.path()).len(), 2);
}

/// The stage in a process of its own, for [`a_training_that_is_killed_at_any_fail_point_ends_as_if_it_had_not_been`].
#[test]
#[ignore = "run by another test"]
fn child() {
    if let Some(folder) = std::env::var_os("PIPELINE_TEST_FOLDER") {
        run_in(Path::new(&folder), 2, None);
    }
}

#[test]
fn a_training_that_is_killed_at_any_fail_point_ends_as_if_it_had_not_been() {
    let expected = undisturbed();
    for name in FAIL_POINTS {
        let run = Run::new();
        // Killed at the first visit, and going on from there at the next one.
        for _ in 0..2 {
            let status = std::process::Command::new(std::env::current_exe().expect("this program"))
                .args(["--exact", "tests::resume::child", "--ignored"])
                .env("PIPELINE_TEST_FOLDER", run.folder.path())
                .env("PIPELINE_FAILPOINT", format!("{name}:1"))
                .output()
                .expect("a process")
                .status;
            assert!(!status.success(), "{name} was not visited");
        }
        assert!(run.go(2, None) == expected, "it differs when killed at {name}");
    }
}

fn checkpoints(folder: &Path) -> Vec<PathBuf> {
    let entries = fs_err::read_dir(folder.join("partial")).expect("a folder");
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.expect("an entry").path()).collect();
    paths.retain(|path| path.extension().is_none());
    paths.sort();
    paths
}
