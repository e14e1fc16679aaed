//! Callbacks against Keras' own; `tests/golden/make_callbacks.py` made the traces (keras 3.15).

use super::support::{golden, small_graph, trainer};
use crate::{
    callbacks::Callbacks,
    state::{EpochFigures, State},
};
use contract::config::{Callback, InOrder, Monitor};
use serde::Deserialize;

#[derive(Deserialize)]
struct Case {
    callback: Callback,
    before: f64,
    /// The monitored metric of each epoch; none where it is no number.
    metrics: Vec<Option<f64>>,
    /// Learning rate after each epoch that was run, and whether the training ends with it.
    epochs: Vec<(f64, bool)>,
    restored: Option<usize>,
}

fn figures(monitor: Monitor, value: f64, lr: f64) -> EpochFigures {
    let mut figures =
        EpochFigures { loss: 0.125, accuracy: 0.5, val_loss: 0.25, val_accuracy: 0.5, val_miou: 0.5, lr };
    *match monitor {
        Monitor::Loss => &mut figures.loss,
        Monitor::Accuracy => &mut figures.accuracy,
        Monitor::ValLoss => &mut figures.val_loss,
        Monitor::ValAccuracy => &mut figures.val_accuracy,
        Monitor::ValMiou => &mut figures.val_miou,
        Monitor::Lr | Monitor::LearningRate => &mut figures.lr,
    } = value;
    figures
}

fn fresh() -> State {
    let graph = small_graph(0.0);
    let trainer = trainer(&graph);
    State::new(trainer.network.read(&graph).expect("weights"), &trainer.optimizer)
}

/// Weights of an epoch, so that it can be told whose they are.
fn mark(state: &mut State, epoch: usize) {
    state.weights.parameters[0][0] = epoch as f32;
}

#[test]
fn early_stopping_and_plateaus_are_those_of_keras_epoch_by_epoch() {
    let text = fs_err::read_to_string(golden("callbacks.json")).expect("a file");
    let cases: Vec<Case> = serde_json::from_str(&text).expect("cases");
    assert_eq!(cases.len(), 30);
    for case in cases {
        let monitor = match &case.callback {
            Callback::ReduceLROnPlateau(plateau) => plateau.monitor,
            Callback::EarlyStopping(stopping) => stopping.monitor,
            other => panic!("{} has no trace", other.name()),
        };
        let callbacks = Callbacks::new(&InOrder(vec![case.callback.clone()])).expect("callbacks");
        let mut state = fresh();
        state.learning_rate = case.before;
        for (epoch, (rate, stops)) in case.epochs.iter().enumerate() {
            mark(&mut state, epoch);
            let value = case.metrics[epoch].unwrap_or(f64::NAN);
            state.finish_epoch(figures(monitor, value, state.learning_rate));
            callbacks.end_epoch(&mut state);
            let place = format!("{:?} at epoch {epoch}", case.callback);
            assert_eq!(state.stopped, *stops, "{place}");
            // Keras keeps it in single precision.
            assert!((state.learning_rate / rate - 1.0).abs() < 1e-6, "{place}: {}", state.learning_rate);
        }
        let last = case.epochs.len() - 1;
        let mut ended = state.weights.clone();
        callbacks.end(&state, &mut ended);
        assert_eq!(ended.parameters[0][0], case.restored.unwrap_or(last) as f32, "{:?}", case.callback);
    }
}

#[test]
fn without_a_mode_accuracy_and_miou_get_better_upwards_and_the_rest_downwards() {
    for (monitor, upwards) in [
        ("loss", false),
        ("accuracy", true),
        ("val_loss", false),
        ("val_accuracy", true),
        ("val_miou", true),
        ("lr", false),
        ("learning_rate", false),
    ] {
        let stopping = serde_json::json!({"EarlyStopping": {"monitor": monitor, "patience": 1}});
        let callback: Callback = serde_json::from_value(stopping).expect("a callback");
        let Callback::EarlyStopping(settings) = &callback else { panic!("{callback:?}") };
        let monitor = settings.monitor;
        let callbacks = Callbacks::new(&InOrder(vec![callback])).expect("callbacks");
        let mut state = fresh();
        for value in [0.3, 0.4] {
            state.finish_epoch(figures(monitor, value, 0.001));
            callbacks.end_epoch(&mut state);
        }
        assert_eq!(state.stopped, !upwards, "{monitor:?}");
    }
}

#[test]
fn a_metric_that_is_unknown_is_refused_with_those_that_are_known() {
    let callback = serde_json::json!({"EarlyStopping": {"monitor": "val_iou"}});
    let error = serde_json::from_value::<Callback>(callback).expect_err("refused").to_string();
    assert!(error.contains("val_iou") && error.contains("val_miou"), "{error}");
}

#[test]
fn a_validation_loss_that_is_no_number_is_never_the_best() {
    let mut state = fresh();
    let mut best = |epoch: usize, val_loss: f64| {
        mark(&mut state, epoch);
        state.finish_epoch(figures(Monitor::ValLoss, val_loss, 0.001));
        let best = state.best.as_ref().expect("a best epoch");
        (best.epoch, best.weights.parameters[0][0])
    };
    // A training always has a best model, so the first epoch is it until there is one with a number.
    assert_eq!(best(0, f64::NAN), (0, 0.0));
    assert_eq!(best(1, 3.0), (1, 1.0));
    assert_eq!(best(2, f64::NAN), (1, 1.0));
    assert_eq!(best(3, f64::INFINITY), (1, 1.0));
    assert_eq!(best(4, 2.0), (4, 4.0));
}
