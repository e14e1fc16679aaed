//! Trainings whose numbers are none any more.

use super::support::{Run, Story, batch, small_graph, tiny_settings, trainer};
use crate::{OptimizerSettings, TrainSettings, state::State, trainer::Diverged};
use contract::{
    EventKind, StageError,
    config::{Adam, Callback, InOrder},
};
use serde_json::{Value, json};

fn with(callbacks: Value) -> TrainSettings {
    let callbacks: Vec<Callback> = serde_json::from_value(callbacks).expect("callbacks");
    TrainSettings { callbacks: InOrder(callbacks), ..tiny_settings() }
}

/// Fine in the first two epochs, beyond all numbers in the third.
fn diverging(more: &[Value]) -> TrainSettings {
    let rates = json!({"LRPiecewiseConstantDecay": {"boundaries": [2], "values": [0.001, 1e38]}});
    with(Value::Array([&[rates], more].concat()))
}

fn code(story: &Story) -> String {
    let Err(StageError::Failed { code, message, .. }) = &story.result else { panic!("{:?}", story.result) };
    format!("{code}: {message}")
}

fn lines(story: &Story) -> usize {
    String::from_utf8_lossy(&story.files["logs/metrics/train_metrics.csv"]).lines().count() - 1
}

#[test]
fn without_the_callback_it_is_an_error_and_the_last_good_checkpoint_is_kept() {
    let run = Run::new();
    let first = run.tiny(&diverging(&[]), 2, None);
    let error = code(&first);
    assert!(error.starts_with("train::nan_loss") && error.contains("of epoch 3"), "{error}");
    assert!(first.files.is_empty(), "{:?}", first.files.keys());
    // It goes on from the second epoch's end, and so comes to the same step.
    let again = run.tiny(&diverging(&[]), 1, None);
    assert_eq!(again, first);
    let of_epoch = |event: &&EventKind| matches!(event, EventKind::Metric { name, step: Some(_), .. } if name == "val_loss");
    assert_eq!(again.lasting.iter().filter(of_epoch).count(), 2, "{:?}", again.lasting);
}

#[test]
fn with_the_callback_the_models_of_the_epochs_before_are_the_result() {
    let nan = json!({"TerminateOnNaN": {}});
    let story = Run::new().tiny(&diverging(&[nan]), 2, None);
    assert_eq!(story.result, Ok(contract::Outputs::default()));
    assert_eq!(lines(&story), 2);
    let warned = story.lasting.iter().any(|event| {
        matches!(event, EventKind::Warning { message, transient: false }
            if message.contains("of epoch 3") && message.contains("the models of epoch 2"))
    });
    assert!(warned, "{:?}", story.lasting);
    let two = TrainSettings { epochs: 2, ..diverging(&[]) };
    let two = Run::new().tiny(&two, 2, None);
    for name in ["last_model.h5", "best_model.h5", "best_augmented_model.h5"] {
        let name = format!("saved_models/{name}");
        assert!(story.files[&name] == two.files[&name], "{name}");
    }
}

#[test]
fn a_weight_beyond_all_numbers_is_found_at_the_step_that_makes_it() {
    let graph = small_graph(0.0);
    let trainer = trainer(&graph);
    let mut state = State::new(trainer.network.read(&graph).expect("weights"), &trainer.optimizer);
    state.learning_rate = f64::MAX;
    let diverged = trainer.step(&mut state, &batch(2, (8, 6, 2), 3)).expect_err("no step");
    assert_eq!(diverged, Diverged("a weight is not finite".to_owned()));
}

#[test]
fn with_the_callback_and_no_epoch_before_it_is_an_error() {
    let optimizer = OptimizerSettings::Adam(Adam { learning_rate: 1e38, ..Adam::default() });
    let settings = TrainSettings { optimizer, ..with(json!([{"TerminateOnNaN": {}}])) };
    let error = code(&Run::new().tiny(&settings, 2, None));
    assert!(error.starts_with("train::nan_loss") && error.contains("of epoch 1"), "{error}");
}

#[test]
fn early_stopping_ends_a_training_and_restores_its_best_epoch() {
    // Nothing is better by 9, so the first epoch stays the best.
    let stopping = |restore: bool| {
        let arguments = json!({
            "patience": 1, "min_delta": 9.0, "restore_best_weights": restore, "verbose": 1
        });
        Run::new().tiny(&with(json!([{"EarlyStopping": arguments}])), 2, None)
    };
    let [restored, plain] = [true, false].map(stopping);
    let epochs = |epochs| Run::new().tiny(&TrainSettings { epochs, ..tiny_settings() }, 2, None);
    let [one, two] = [1, 2].map(epochs);
    let last = "saved_models/last_model.h5";
    assert!(restored.files[last] == one.files[last] && plain.files[last] == two.files[last]);
    assert!(one.files[last] != two.files[last]);
    assert_eq!((lines(&restored), lines(&plain)), (2, 2));
    // The best model is by its validation loss, whatever is restored.
    let best = "saved_models/best_model.h5";
    assert!(restored.files[best] == two.files[best]);
    let notes: Vec<&str> = restored
        .lasting
        .iter()
        .filter_map(|event| match event {
            EventKind::Note { message, .. } if message.starts_with("EarlyStopping") => Some(message.as_str()),
            _ => None,
        })
        .collect();
    assert_eq!(
        notes,
        ["EarlyStopping ends the training after epoch 2", "EarlyStopping restores the weights of epoch 1"]
    );
}

#[test]
fn the_averages_of_weights_are_the_last_model_and_the_best_is_what_was_validated() {
    let averaged = |use_ema| {
        let optimizer = OptimizerSettings::Adam(Adam { use_ema, learning_rate: 0.01, ..Adam::default() });
        Run::new().tiny(&TrainSettings { optimizer, ..tiny_settings() }, 2, None)
    };
    let [averaged, plain] = [Some(true), None].map(averaged);
    assert_eq!(averaged.lasting, plain.lasting, "the average changes nothing on the way");
    let [last, best] = ["saved_models/last_model.h5", "saved_models/best_model.h5"];
    assert!(averaged.files[best] == plain.files[best] && averaged.files[last] != plain.files[last]);
}

#[test]
fn a_plateau_lowers_the_rate_of_the_epochs_after_it() {
    let arguments = json!({"patience": 1, "min_delta": 9.0, "factor": 0.5, "verbose": 1});
    let story = Run::new().tiny(&with(json!([{"ReduceLROnPlateau": arguments}])), 2, None);
    let rates: Vec<f64> = story
        .lasting
        .iter()
        .filter_map(|event| match event {
            EventKind::Metric { name, value, .. } if name == "lr" => Some(*value),
            _ => None,
        })
        .collect();
    assert_eq!(rates, [0.001, 0.001, 0.0005]);
    let notes = story.lasting.iter().filter_map(|event| match event {
        EventKind::Note { message, .. } if message.contains("lowers") => Some(message.as_str()),
        _ => None,
    });
    let wanted = [
        "epoch 2/3: ReduceLROnPlateau lowers the learning rate to 0.0005",
        "epoch 3/3: ReduceLROnPlateau lowers the learning rate to 0.00025",
    ];
    assert_eq!(notes.collect::<Vec<_>>(), wanted);
}
