//! Moving statistics of normalisations: Keras' own, freed of their initial values, loaded, frozen.
//!
//! `tests/golden/make_norms.py` made the numbers (tensorflow 2.21, keras 3.15).

use super::support::{golden, noise};
use crate::{batches::Batch, network::FrozenLayers, state::State, trainer::Trainer};
use contract::config::{Adam, Optimizer};
use model::Graph;
use serde::Deserialize;
use std::collections::BTreeSet;

#[derive(Deserialize)]
struct Moving {
    mean: Vec<f32>,
    variance: Vec<f32>,
}

/// The small network of the script, statistics 0 and 1, and a trainer that leaves its parameters alone, so that a batch
/// has the same statistics at every step.
fn small() -> (Graph, Trainer) {
    let graph = formats::keras::read_h5(&golden("norms.h5")).expect("a model");
    let still = Adam { learning_rate: 0.0, ..Adam::default() };
    let trainer = Trainer::new(&graph, vec![1.0; 3], &Optimizer::Adam(still), 0).expect("a trainer");
    (graph, trainer)
}

fn batch(step: u64) -> Batch {
    let images = super::support::channels_first(&noise(step, 2 * 6 * 6 * 2), [2, 2, 6, 6]);
    Batch { images, shape: [2, 2, 6, 6], masks: vec![1; 2 * 6 * 6], samples: vec![0, 1] }
}

fn assert_relative(found: &[f32], expected: &[f32], tolerance: f32) {
    assert_eq!(found.len(), expected.len());
    for (found, expected) in found.iter().zip(expected) {
        assert!((found - expected).abs() <= tolerance * expected.abs(), "{found} for {expected}");
    }
}

#[test]
fn raw_statistics_after_50_batches_are_those_of_keras() {
    let (graph, trainer) = small();
    let mut state = State::new(trainer.network.read(&graph).expect("weights"), &trainer.optimizer);
    for step in 0..50 {
        trainer.step(&mut state, &batch(step)).expect("a finite step");
    }
    let text = fs_err::read_to_string(golden("norms.json")).expect("a file");
    let expected: Vec<Moving> = serde_json::from_str(&text).expect("numbers");
    let found = trainer.network.statistics(&state.weights, false);
    assert_eq!(found.len(), expected.len());
    for ((mean, variance), expected) in found.iter().zip(&expected) {
        assert_relative(mean, &expected.mean, 1e-5);
        assert_relative(variance, &expected.variance, 1e-5);
    }
}

#[test]
fn constant_batch_statistics_are_recovered_after_1_23_and_1000_steps() {
    let (graph, trainer) = small();
    let mut state = State::new(trainer.network.read(&graph).expect("weights"), &trainer.optimizer);
    let slopes = trainer.slopes(&state.weights, 0, &batch(7));
    let constant = slopes.expect("a finite loss").1.moments;
    for step in 1..=1000 {
        trainer.step(&mut state, &batch(7)).expect("a finite step");
        if [1, 23, 1000].contains(&step) {
            let found = trainer.network.statistics(&state.weights, true);
            for ((mean, variance), (batch_mean, batch_variance)) in found.iter().zip(&constant) {
                assert_relative(mean, batch_mean, f32::EPSILON);
                assert_relative(variance, batch_variance, f32::EPSILON);
            }
        }
    }
}

/// The network with statistics of a trained one: some batches of its own, as Keras would save them.
fn trained(graph: &Graph, trainer: &Trainer) -> Graph {
    let mut state = State::new(trainer.network.read(graph).expect("weights"), &trainer.optimizer);
    (0..20).for_each(|step| drop(trainer.step(&mut state, &batch(step))));
    let mut graph = graph.clone();
    let statistics = trainer.network.statistics(&state.weights, true);
    trainer.network.write(&mut graph, &state.weights.parameters, &statistics);
    graph
}

fn of_layer(graph: &Graph, layer: &str, weight: usize) -> Vec<f64> {
    let id = graph.find(layer).expect("the layer");
    let values = graph.layer(id).weights[weight].as_f32().expect("floats");
    values.iter().map(|value| f64::from(*value)).collect()
}

/// Of two normalisations one is loaded, frozen or fresh, the other something else.
#[test]
fn loaded_statistics_move_as_in_keras_frozen_ones_stay_and_only_fresh_ones_are_debiased() {
    let (graph, mut trainer) = small();
    let trained = trained(&graph, &trainer);
    let position = |name: &str| graph.find(name).expect("the layer").0;
    // `slow` is loaded and trains, `quick` starts afresh.
    let mut mixed = trained.clone();
    mixed.layers[position("quick")] = graph.layers[position("quick")].clone();
    trainer.network.load_statistics(&BTreeSet::from([position("slow")]));
    let mut state = State::new(trainer.network.read(&mixed).expect("weights"), &trainer.optimizer);
    assert_eq!(state.weights.statistics.iter().map(|norm| norm.fresh).collect::<Vec<_>>(), [false, true]);
    let slopes = trainer.slopes(&state.weights, 0, &batch(30));
    let moments = slopes.expect("a finite loss").1.moments;
    trainer.step(&mut state, &batch(30)).expect("a finite step");
    let found = trainer.network.statistics(&state.weights, true);
    for (weight, found, batch) in [(2, &found[0].0, &moments[0].0), (3, &found[0].1, &moments[0].1)] {
        let expected: Vec<f32> = of_layer(&mixed, "slow", weight)
            .iter()
            .zip(batch)
            .map(|(old, new)| (old * 0.999 + f64::from(*new) * (1.0 - 0.999)) as f32)
            .collect();
        assert_relative(found, &expected, f32::EPSILON);
    }
    assert_relative(&found[1].0, &moments[1].0, f32::EPSILON);
    assert_relative(&found[1].1, &moments[1].1, f32::EPSILON);
    // Then `slow` is frozen and `quick` loaded: the one stays to the bit, the other is not debiased.
    let slow = FrozenLayers::resolve(Some(&position("slow").to_string()), &graph).expect("layers");
    trainer.freeze(&slow);
    trainer.network.load_statistics(&BTreeSet::from([position("quick")]));
    let mut state = State::new(trainer.network.read(&trained).expect("weights"), &trainer.optimizer);
    let before = trainer.network.statistics(&state.weights, true);
    (0..5).for_each(|step| drop(trainer.step(&mut state, &batch(step))));
    let after = trainer.network.statistics(&state.weights, true);
    assert_eq!((&after[0], state.weights.statistics[0].updates), (&before[0], 0));
    assert_ne!(after[1], before[1]);
    assert_eq!(after, trainer.network.statistics(&state.weights, false));
}

#[test]
fn a_normalisation_frozen_from_the_start_keeps_0_and_1_and_is_used_with_them() {
    let (graph, mut trainer) = small();
    let slow = graph.find("slow").expect("the layer").0;
    trainer.freeze(&FrozenLayers::resolve(Some(&slow.to_string()), &graph).expect("layers"));
    let mut state = State::new(trainer.network.read(&graph).expect("weights"), &trainer.optimizer);
    let free = State::new(small().1.network.read(&graph).expect("weights"), &trainer.optimizer);
    let loss = |trainer: &Trainer, state: &State| {
        trainer.slopes(&state.weights, 0, &batch(3)).expect("a finite loss").0.loss
    };
    assert_ne!(loss(&trainer, &state), loss(&small().1, &free));
    trainer.step(&mut state, &batch(3)).expect("a finite step");
    let statistics = trainer.network.statistics(&state.weights, true);
    assert_eq!(statistics[0], (vec![0.0; 4], vec![1.0; 4]));
    assert_ne!(statistics[1].0, vec![0.0; 4]);
}
