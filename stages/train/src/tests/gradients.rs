//! Gradients against finite differences.

use super::support::{batch, small_graph, trainer};
use crate::state::State;

/// The loss along a line through the parameters, from its slope at 0 by autodiff and by differences.
#[test]
fn every_parameter_moves_the_loss_as_its_gradient_says() {
    let graph = small_graph(0.3);
    let trainer = trainer(&graph);
    let state = State::new(trainer.network.read(&graph).expect("weights"), &trainer.optimizer);
    let batch = batch(4, (8, 6, 2), 3);
    let (_, slopes) = trainer.slopes(&state.weights, 0, &batch).expect("gradients");
    for (index, gradient) in slopes.gradients.iter().enumerate() {
        let slope = gradient.iter().map(|g| f64::from(*g).powi(2)).sum::<f64>();
        // A bias in front of a normalisation moves nothing; rounding is all that is left of its gradient.
        if slope.sqrt() < 1e-6 {
            continue;
        }
        let step = 2e-3 / slope.sqrt();
        let loss_at = |factor: f64| {
            let mut moved = state.clone();
            for (value, gradient) in moved.weights.parameters[index].iter_mut().zip(gradient) {
                *value += (factor * step * f64::from(*gradient)) as f32;
            }
            trainer.step(&mut moved, &batch).expect("a step").loss
        };
        let found = (loss_at(1.0) - loss_at(-1.0)) / (2.0 * step);
        assert!(
            (found / slope - 1.0).abs() < 0.02,
            "parameter {index}: slope {found} where {slope} is expected"
        );
    }
}

#[test]
fn dropout_drops_its_share_and_other_steps_drop_others() {
    let graph = small_graph(0.5);
    let trainer = trainer(&graph);
    let state = State::new(trainer.network.read(&graph).expect("weights"), &trainer.optimizer);
    let batch = batch(2, (8, 6, 2), 3);
    let loss_at = |steps: u64| {
        let mut state = state.clone();
        state.memory.batches = steps;
        trainer.step(&mut state, &batch).expect("a step").loss
    };
    assert_eq!(loss_at(3), loss_at(3));
    assert_ne!(loss_at(3), loss_at(4));
}
