//! Steps against Keras' own; `tests/golden/make_step.py` made the numbers (tensorflow 2.21, keras 3.15).

use super::support::{assert_close, channels_first, golden};
use crate::{OptimizerSettings, batches::Batch, state::State, trainer::Trainer};
use contract::config::Adam;
use serde::Deserialize;

#[derive(Deserialize)]
struct Numbers {
    losses: Vec<f64>,
    weights: Vec<f32>,
}

fn numbers() -> Numbers {
    serde_json::from_str(&fs_err::read_to_string(golden("numbers.json")).expect("a file")).expect("numbers")
}

#[test]
fn three_steps_are_those_of_keras() {
    let numbers = numbers();
    let graph = formats::keras::read_h5(&golden("before.h5")).expect("a model");
    let adam = Adam { learning_rate: 0.01, ..Adam::default() };
    let trainer =
        Trainer::new(&graph, numbers.weights, &OptimizerSettings::Adam(adam), 0).expect("a trainer");
    let mut state = State::new(trainer.network.read(&graph).expect("weights"), &trainer.optimizer);
    let bytes = fs_err::read(golden("batches.bin")).expect("a file");
    for (bytes, expected) in bytes.chunks(2 * 64 * (2 * 4 + 1)).zip(numbers.losses) {
        let (images, masks) = bytes.split_at(2 * 64 * 2 * 4);
        let images: Vec<f32> = images.as_chunks::<4>().0.iter().map(|b| f32::from_le_bytes(*b)).collect();
        let shape = [2, 2, 8, 8];
        let batch = Batch {
            images: channels_first(&images, shape),
            shape,
            masks: masks.to_vec(),
            samples: vec![0, 1],
        };
        let found = trainer.step(&mut state, &batch).expect("a step").loss;
        assert!((found - expected).abs() < 2e-5, "loss {found}, Keras has {expected}");
    }
    let after = formats::keras::read_h5(&golden("after.h5")).expect("a model");
    let expected = trainer.network.read(&after).expect("weights");
    let distance = |from: &[Vec<f32>]| -> f32 {
        let pairs = from.iter().flatten().zip(expected.parameters.iter().flatten());
        pairs.map(|(from, to)| (from - to).abs()).fold(0.0, f32::max)
    };
    let before = distance(&trainer.network.read(&graph).expect("weights").parameters);
    assert!(before > 0.02, "the steps must move something, they moved {before}");
    for (found, expected) in state.weights.parameters.iter().zip(&expected.parameters) {
        assert_close(found, expected, 2e-4);
    }
    for (found, expected) in state.weights.statistics.iter().zip(&expected.statistics) {
        let narrowed = |values: &[f64]| values.iter().map(|value| *value as f32).collect::<Vec<f32>>();
        assert_close(&found.raw().0, &narrowed(&expected.mean), 2e-5);
        assert_close(&found.raw().1, &narrowed(&expected.variance), 2e-5);
    }
}
