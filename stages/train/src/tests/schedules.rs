//! Learning rates by epoch; `tests/golden/make_schedules.py` computed them in plain Python.

use super::support::{Run, golden, settings};
use crate::{TrainSettings, callbacks::Callbacks};
use contract::{
    EventKind,
    config::{Callback, InOrder},
};
use serde::Deserialize;

#[derive(Deserialize)]
struct Case {
    callback: Callback,
    before: f64,
    rates: Vec<f64>,
}

fn cases() -> Vec<Case> {
    serde_json::from_str(&fs_err::read_to_string(golden("schedules.json")).expect("a file")).expect("cases")
}

fn rates(callback: &Callback, before: f64, epochs: usize) -> Vec<f64> {
    let callbacks = Callbacks::new(&InOrder(vec![callback.clone()])).expect("a schedule");
    let mut rate = before;
    let rate_of = |epoch| {
        rate = callbacks.rate(epoch, rate).expect("a rate");
        rate
    };
    (0..epochs).map(rate_of).collect()
}

#[test]
fn every_schedule_gives_the_rates_of_its_formula_at_every_epoch() {
    let cases = cases();
    let mut names: Vec<&str> = cases.iter().map(|case| case.callback.name()).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), 10, "{names:?}");
    for Case { callback, before, rates: expected } in cases {
        let found = rates(&callback, before, expected.len());
        for (epoch, (found, expected)) in found.iter().zip(&expected).enumerate() {
            let error = (found - expected).abs();
            assert!(
                error <= 1e-12 * expected.abs() + 1e-18,
                "{callback:?} gives {found} at epoch {epoch}, where {expected} is expected"
            );
        }
    }
}

#[test]
fn lambdas_give_what_cpython_gives_to_the_last_bit() {
    let lambdas = cases();
    let lambdas: Vec<&Case> =
        lambdas.iter().filter(|case| matches!(case.callback, Callback::LearningRateScheduler(_))).collect();
    assert_eq!(lambdas.len(), 3);
    for case in &lambdas[..2] {
        assert_eq!(rates(&case.callback, case.before, case.rates.len()), case.rates);
    }
    let seed = &lambdas[0].rates;
    assert_eq!((seed[0], seed[19], seed[20]), (1e-5, 0.0005 * 19.0 + 0.00001, 0.01));
}

/// What a training says of each epoch, and its table.
fn told(callback: serde_json::Value) -> (Vec<f64>, Vec<String>) {
    let callback: Callback = serde_json::from_value(callback).expect("a callback");
    let settings = TrainSettings { callbacks: InOrder(vec![callback]), epochs: 3, ..settings() };
    let story = Run::new().go_with(&settings);
    assert!(story.result.is_ok(), "{:?}", story.result);
    let rates = story.lasting.iter().filter_map(|event| match event {
        EventKind::Metric { name, step: Some(_), value } if name == "lr" => Some(*value),
        _ => None,
    });
    let notes = story.lasting.iter().filter_map(|event| match event {
        EventKind::Note { message, .. } if message.contains("learning rate") => Some(message.clone()),
        _ => None,
    });
    let table = String::from_utf8(story.files["logs/metrics/train_metrics.csv"].clone()).expect("text");
    let mut lines = table.lines().map(|line| line.split(',').collect::<Vec<_>>());
    let lr = lines.next().and_then(|header| header.iter().position(|name| *name == "lr")).expect("a column");
    let column = lines.map(|line| line[lr].parse::<f64>().expect("a number"));
    let rates: Vec<f64> = rates.collect();
    assert_eq!(rates, column.collect::<Vec<f64>>());
    (rates, notes.collect())
}

#[test]
fn a_training_tells_the_rate_of_each_epoch_and_verbose_says_where_it_comes_from() {
    let values = serde_json::json!({"boundaries": [1, 2], "values": [0.01, 0.002, 0.0005]});
    let (rates, notes) = told(serde_json::json!({"LRPiecewiseConstantDecay": values}));
    assert_eq!(rates, [0.01, 0.002, 0.0005]);
    assert_eq!(notes, [""; 0]);
    let lambda = serde_json::json!({"schedule": "lambda epoch, lr: lr / 2", "verbose": 1});
    let (rates, notes) = told(serde_json::json!({"LearningRateScheduler": lambda}));
    assert_eq!(rates, [0.0005, 0.00025, 0.000125]);
    assert_eq!(
        notes,
        [
            "epoch 1/3: LearningRateScheduler sets the learning rate to 0.0005",
            "epoch 2/3: LearningRateScheduler sets the learning rate to 0.00025",
            "epoch 3/3: LearningRateScheduler sets the learning rate to 0.000125",
        ]
    );
}
