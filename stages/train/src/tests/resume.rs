//! Trainings that are interrupted.

use super::support::{Run, Story, run_in, tiny_settings};
use crate::{FAIL_POINTS, OptimizerSettings, TrainSettings};
use contract::{EventKind, Random, StageError, config::Callbacks};
use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};

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
            let status = child_process(&run, &format!("{name}:1")).status().expect("a process");
            assert!(!status.success(), "{name} was not visited");
        }
        assert!(run.go(2, None) == expected, "it differs when killed at {name}");
    }
}

/// Optimizers with all that they can remember, and callbacks likewise.
fn all_that_remember() -> Vec<TrainSettings> {
    let optimizers = serde_json::json!([
        {"SGD": {"momentum": 0.9, "nesterov": true, "weight_decay": 0.01, "clipnorm": 1.0}},
        {"RMSprop": {"momentum": 0.5, "centered": true}},
        {"Adam": {"amsgrad": true, "use_ema": true, "ema_momentum": 0.7, "ema_overwrite_frequency": 2}},
        {"Adam": {"gradient_accumulation_steps": 2, "global_clipnorm": 0.5, "use_ema": true}},
        {"AdamW": {"loss_scale_factor": 64.0}},
        {"Adagrad": {}},
        {"Adadelta": {"learning_rate": 1.0}},
        {"Adamax": {}},
        {"Nadam": {}},
        {"Ftrl": {"l1_regularization_strength": 0.001, "beta": 0.1}},
        {"Lion": {}}
    ]);
    let callbacks = serde_json::json!([
        [
            {"ReduceLROnPlateau": {"patience": 0, "min_delta": 9.0, "factor": 0.5, "verbose": 1}},
            {"EarlyStopping": {"patience": 2, "min_delta": 9.0, "restore_best_weights": true, "verbose": 1}},
            {"TerminateOnNaN": {}}
        ],
        [
            {"LearningRateScheduler": {"schedule": "lambda epoch, lr: lr * 0.7 + 0.001 * epoch", "verbose": 1}},
            {"EarlyStopping": {"monitor": "val_miou", "patience": 1, "start_from_epoch": 1}}
        ],
        [{"ReduceLROnPlateau": {"patience": 1, "min_delta": 9.0, "cooldown": 1}}]
    ]);
    let optimizers: Vec<OptimizerSettings> = serde_json::from_value(optimizers).expect("optimizers");
    let callbacks: Vec<Callbacks> = serde_json::from_value(callbacks).expect("callbacks");
    let together = optimizers.into_iter().enumerate().map(|(index, optimizer)| TrainSettings {
        optimizer,
        callbacks: callbacks[index % callbacks.len()].clone(),
        ..tiny_settings()
    });
    together.collect()
}

/// A training that is stopped after each of its batches, and goes on each time on another number of threads.
#[test]
fn every_optimizer_and_callback_goes_on_as_if_it_had_not_been_stopped_after_each_batch() {
    for settings in all_that_remember() {
        let expected = Run::new().tiny(&settings, 2, None);
        assert!(expected.result.is_ok(), "{:?}", expected.result);
        let run = Run::new();
        let mut stops = 0;
        let story = loop {
            let story = run.tiny(&settings, [1, 2, 4][stops % 3], Some(1));
            match story.result {
                Err(StageError::Cancelled) if stops < 20 => stops += 1,
                _ => break story,
            }
        };
        assert!(stops >= 4, "{stops} stops");
        let files = |story: &Story| story.files.keys().cloned().collect::<Vec<_>>();
        assert_eq!(files(&story), files(&expected));
        assert_eq!(story.lasting, expected.lasting, "{:?}", settings.optimizer);
        assert!(story == expected, "{:?} with {:?}", settings.optimizer, settings.callbacks);
    }
}

#[test]
fn a_state_of_another_optimizer_is_none_to_go_on_from() {
    let all = all_that_remember();
    let run = Run::new();
    run.tiny(&all[0], 2, Some(2));
    let story = run.tiny(&all[1], 2, None);
    let EventKind::Warning { message, .. } = &story.lasting[0] else { panic!("{:?}", story.lasting[0]) };
    assert!(message.contains("another training"), "{message}");
    assert!(story.files == Run::new().tiny(&all[1], 2, None).files);
}

/// What a kill leaves is found at any batch, in any epoch; `after_step` is passed once a batch.
#[test]
fn a_training_that_is_killed_after_any_batch_ends_as_if_it_had_not_been() {
    let expected = undisturbed();
    for (first, second) in [(2, 1), (3, 2), (4, 3), (5, 3), (6, 2)] {
        let run = Run::new();
        for passage in [first, second] {
            let status =
                child_process(&run, &format!("train::after_step:{passage}")).output().expect("a process");
            assert!(!status.status.success(), "no step {passage} was left");
        }
        assert!(run.go(4, None) == expected, "it differs when killed after batches {first} and {second}");
    }
}

/// `kill -9` at moments that nothing in the program knows of.
#[cfg(unix)]
#[test]
fn a_training_that_is_killed_at_random_moments_ends_as_if_it_had_not_been() {
    let expected = undisturbed();
    let mut random = Random::new(17, "kills", 0, 0);
    let (run, mut killed) = (Run::new(), 0);
    for _ in 0..40 {
        let mut child = child_process(&run, "").spawn().expect("a process");
        std::thread::sleep(Duration::from_millis(20 + u64::from(random.below(600))));
        child.kill().expect("a child to kill");
        // By a signal, so it was still at work.
        killed += usize::from(child.wait().expect("an end").code().is_none());
        if killed == 6 {
            break;
        }
    }
    assert!(killed > 0, "it always ended before it was killed");
    assert!(run.go(1, None) == expected);
}

fn child_process(run: &Run, fail_point: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().expect("this program"));
    command
        .args(["--exact", "tests::resume::child", "--ignored"])
        .env("PIPELINE_TEST_FOLDER", run.folder.path())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    match fail_point {
        "" => command.env_remove("PIPELINE_FAILPOINT"),
        point => command.env("PIPELINE_FAILPOINT", point),
    };
    command
}

fn checkpoints(folder: &Path) -> Vec<PathBuf> {
    let entries = fs_err::read_dir(folder.join("partial")).expect("a folder");
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.expect("an entry").path()).collect();
    paths.retain(|path| path.extension().is_none());
    paths.sort();
    paths
}
