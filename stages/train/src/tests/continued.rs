//! Trainings that go on from `last_augmented_model.h5`.

use super::{
    start::{preflight, told},
    support::{Run, Story, file_at, run_from, settings},
};
use crate::{ModelSettings, OptimizerSettings, TrainSettings};
use contract::{
    EventKind, Input, StageError,
    config::{Adam, Callback, EarlyStopping, InOrder, LrPiecewiseConstantDecay, TerminateOnNan},
};
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

const LAST: &str = "saved_models/last_augmented_model.h5";

/// A training of so many epochs in all.
fn of_epochs(epochs: usize) -> TrainSettings {
    TrainSettings { epochs, ..settings() }
}

/// One that goes on.
fn going_on(epochs: usize) -> TrainSettings {
    TrainSettings { model: ModelSettings::Training, ..of_epochs(epochs) }
}

/// The file of a training that was interrupted after some epochs, in a folder of its own.
struct Interrupted {
    folder: tempfile::TempDir,
    path: PathBuf,
}

impl Interrupted {
    /// Stopped in the epoch after these, as the run folder has it then. An epoch is three steps and two batches of
    /// validation.
    fn after(epochs: u64) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let story = run_from(BTreeMap::new(), &of_epochs(3), folder.path(), 2, Some(5 * epochs + 2));
        assert_eq!(story.result, Err(StageError::Cancelled));
        let path = folder.path().join("live").join(LAST);
        Self { folder, path }
    }

    fn file(&self) -> BTreeMap<String, Input> {
        file_at("training", &self.path)
    }

    /// Goes on in another folder, where nothing of the interrupted training is left.
    fn go_on(&self, settings: &TrainSettings, threads: usize) -> Story {
        let elsewhere = self.folder.path().join(format!("threads-{threads}"));
        run_from(self.file(), settings, &elsewhere, threads, None)
    }
}

fn undisturbed(epochs: usize) -> Story {
    let story = Run::new().go_with(&of_epochs(epochs));
    assert!(story.result.is_ok(), "{:?}", story.result);
    story
}

#[test]
fn a_training_that_goes_on_after_any_epoch_on_any_number_of_threads_ends_as_if_it_had_not_stopped() {
    let expected = undisturbed(3);
    for epochs in [1, 2] {
        let interrupted = Interrupted::after(epochs);
        assert_eq!(told(&preflight(&going_on(3), interrupted.file())), "");
        for threads in [1, 2, 4] {
            let story = interrupted.go_on(&going_on(3), threads);
            assert!(story == expected, "it differs after {epochs} epochs on {threads} threads");
        }
    }
}

#[test]
fn a_finished_training_goes_on_to_more_epochs_and_one_without_more_ends_as_it_is() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("last_augmented_model.h5");
    let two = undisturbed(2);
    fs_err::write(&path, &two.files[LAST]).expect("a file");
    let run =
        |epochs| run_from(file_at("training", &path), &going_on(epochs), &folder.path().join("run"), 2, None);
    assert!(run(3) == undisturbed(3), "three epochs");
    fs_err::remove_dir_all(folder.path().join("run")).expect("a folder");
    assert!(run(2) == two, "no more epochs");
}

#[test]
fn what_a_training_began_with_wins_with_a_warning() {
    let interrupted = Interrupted::after(1);
    let adam = Adam { learning_rate: 0.5, ..Adam::default() };
    let changed = TrainSettings {
        dropout: Some(0.75),
        optimizer: OptimizerSettings::Adam(adam),
        seed: 7,
        ..going_on(3)
    };
    insta::assert_snapshot!("ignored", told(&preflight(&changed, interrupted.file())));
    assert!(interrupted.go_on(&changed, 2) == undisturbed(3), "it is not the original training");
    // What the file says nothing of is nothing that is ignored.
    let unsaid = TrainSettings { dropout: None, ..going_on(3) };
    assert_eq!(told(&preflight(&unsaid, interrupted.file())), "");
    assert!(interrupted.go_on(&unsaid, 4) == undisturbed(3), "it is not the original training");
}

#[test]
fn the_batch_size_may_change() {
    let interrupted = Interrupted::after(1);
    let changed = TrainSettings { batch_size: 2, ..going_on(3) };
    assert_eq!(told(&preflight(&changed, interrupted.file())), "");
    let story = interrupted.go_on(&changed, 2);
    assert!(story.result.is_ok(), "{:?}", story.result);
    let (expected, losses) = (undisturbed(3), |story: &Story| {
        let loss = |event: &EventKind| match event {
            EventKind::Metric { name, step: Some(_), value } if name == "loss" => Some(*value),
            _ => None,
        };
        story.lasting.iter().filter_map(loss).collect::<Vec<f64>>()
    });
    assert_eq!(losses(&story)[0], losses(&expected)[0], "the first epoch is the old one");
    assert_ne!(losses(&story)[1], losses(&expected)[1], "the second has other batches");
}

fn early_stopping(patience: u32) -> contract::config::Callbacks {
    let callbacks = serde_json::json!({"EarlyStopping": {
        "monitor": "val_loss", "mode": "max", "patience": patience, "restore_best_weights": true
    }});
    serde_json::from_value(callbacks).expect("callbacks")
}

/// A loss that must rise for ever soon does not, so the first training ends early, with the weights of another epoch than
/// its last. What it goes on from is its last epoch all the same.
#[test]
fn a_training_that_early_stopping_ended_goes_on_with_more_patience_or_without_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("last_augmented_model.h5");
    let with = |callbacks, settings| TrainSettings { callbacks, ..settings };
    let stopped = Run::new().go_with(&with(early_stopping(1), of_epochs(4)));
    let epochs = |story: &Story| {
        let table = String::from_utf8(story.files["logs/metrics/train_metrics.csv"].clone());
        table.expect("text").lines().count() - 1
    };
    let done = epochs(&stopped);
    assert!((2..4).contains(&done), "it ended after {done} epochs");
    fs_err::write(&path, &stopped.files[LAST]).expect("a file");
    let run = |name: &str, settings: &TrainSettings| {
        run_from(file_at("training", &path), settings, &folder.path().join(name), 2, None)
    };
    let same = with(early_stopping(1), going_on(4));
    insta::assert_snapshot!(
        "stays_stopped",
        told(&preflight(&same, file_at("training", &path)))
            .replace(&format!("after epoch {done}"), "after epoch N")
    );
    assert!(run("same", &same) == stopped, "it stays where it ended");
    let patient = with(early_stopping(9), going_on(4));
    assert_eq!(told(&preflight(&patient, file_at("training", &path))), "");
    assert_eq!(epochs(&run("patient", &patient)), 4);
    let without = run("without", &going_on(4));
    let undisturbed = undisturbed(4);
    assert_eq!(without.lasting, undisturbed.lasting, "without the callback");
    for file in ["saved_models/best_model.h5", "saved_models/last_model.h5"] {
        assert!(without.files[file] == undisturbed.files[file], "{file} differs");
    }
}

/// What is told before the run, and the same of the run itself.
fn refused(name: &str, file: &Path, settings: &TrainSettings) {
    let at = file_at("training", file);
    let findings = preflight(settings, at.clone());
    insta::assert_snapshot!(name, told(&findings));
    let folder = tempfile::tempdir().expect("a folder");
    let story = run_from(at, settings, folder.path(), 2, None);
    let Err(StageError::Failed { code, .. }) = story.result else { panic!("{name}: {:?}", story.result) };
    assert_eq!(code, findings[0].code, "{name}");
}

#[test]
fn what_is_no_training_or_too_long_a_one_is_refused_before_the_run() {
    let folder = tempfile::tempdir().expect("a folder");
    let two = undisturbed(2);
    let file = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        fs_err::write(&path, bytes).expect("a file");
        path
    };
    refused("fewer_epochs", &file("last_augmented_model.h5", &two.files[LAST]), &going_on(1));
    for name in ["best_model.h5", "best_augmented_model.h5", "last_model.h5"] {
        let path = file(name, &two.files[&format!("saved_models/{name}")]);
        refused(&format!("no_training_in_{}", name.trim_end_matches(".h5")), &path, &going_on(3));
    }
    let classes = TrainSettings { classes: 3, loss_weights: vec![1.0; 3], ..going_on(3) };
    refused("other_classes", &file("last_augmented_model.h5", &two.files[LAST]), &classes);
}

#[test]
fn a_damaged_training_is_refused_before_the_run() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("last_augmented_model.h5");
    let whole = undisturbed(2).files[LAST].clone();
    let find =
        |text: &[u8]| whole.windows(text.len()).position(|window| window == text).expect("it is there");
    let training = find(b"pipeline training 1\n");
    let json = find(b"{\"dropout\"");
    let state = find(b"pipeline training state 2\n");
    for (name, at) in
        [("damaged_head", training), ("damaged_settings", json + 12), ("damaged_state", state + 5000)]
    {
        let mut bytes = whole.clone();
        bytes[at] ^= 1;
        fs_err::write(&path, bytes).expect("a file");
        refused(name, &path, &going_on(3));
    }
}

/// Keras opens the file, and its model takes pixels.
#[test]
fn keras_opens_the_model_with_the_training_inside() {
    let Some(python) = std::env::var_os("PIPELINE_PEERS_PYTHON") else {
        let required = std::env::var("PIPELINE_REQUIRE_PEERS").is_ok_and(|value| value == "1");
        assert!(!required, "PIPELINE_PEERS_PYTHON is not set");
        println!("skipped: it needs PIPELINE_PEERS_PYTHON, a Python with tensorflow");
        return;
    };
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("last_augmented_model.h5");
    let files = undisturbed(2).files;
    fs_err::write(&path, &files[LAST]).expect("a file");
    let plain = folder.path().join("last_model.h5");
    fs_err::write(&plain, &files["saved_models/last_model.h5"]).expect("a file");
    let script = "
import sys, numpy, keras
whole, plain = (keras.models.load_model(path) for path in sys.argv[1:])
pixels = numpy.random.default_rng(1).integers(0, 256, (2, 32, 32, 3)).astype('float32')
found, wanted = whole.predict(pixels, verbose=0), plain.predict(pixels / 127.5 - 1, verbose=0)
assert numpy.abs(found - wanted).max() < 1e-4, numpy.abs(found - wanted).max()
assert whole.layers[1].__class__.__name__ == 'Rescaling', whole.layers[1]
";
    let output = std::process::Command::new(python)
        .args(["-c", script])
        .args([&path, &plain])
        .env("TF_CPP_MIN_LOG_LEVEL", "3")
        .output()
        .expect("python starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn a_callback_that_is_gone_has_no_say_in_a_training_that_goes_on() {
    let folder = tempfile::tempdir().expect("a folder");
    let stopping =
        EarlyStopping { patience: 9, min_delta: 9.0, restore_best_weights: true, ..EarlyStopping::default() };
    let both =
        vec![Callback::EarlyStopping(stopping.clone()), Callback::TerminateOnNaN(TerminateOnNan::default())];
    let began = Run::new().go_with(&TrainSettings { callbacks: InOrder(both), ..of_epochs(2) });
    let path = folder.path().join("last_augmented_model.h5");
    fs_err::write(&path, &began.files[LAST]).expect("a file");
    let rates = LrPiecewiseConstantDecay { boundaries: vec![2], values: vec![0.001, 1e38], verbose: 0 };
    let plain = EarlyStopping { restore_best_weights: false, ..stopping };
    let callbacks = vec![Callback::LRPiecewiseConstantDecay(rates), Callback::EarlyStopping(plain.clone())];
    let diverging = TrainSettings { callbacks: InOrder(callbacks), ..going_on(3) };
    let go_on = |settings: &TrainSettings, name: &str| {
        run_from(file_at("training", &path), settings, &folder.path().join(name), 2, None)
    };
    let Err(StageError::Failed { code, .. }) = go_on(&diverging, "diverging").result else {
        panic!("nothing ends a training that diverges")
    };
    assert_eq!(code, "train::nan_loss");
    // The weights that the third epoch ends with are not those of the first.
    let with = TrainSettings { callbacks: InOrder(vec![Callback::EarlyStopping(plain)]), ..going_on(3) };
    let last = "saved_models/last_model.h5";
    let [with, without] = [go_on(&with, "with"), go_on(&going_on(3), "without")];
    assert!(with.files[last] == without.files[last]);
}
