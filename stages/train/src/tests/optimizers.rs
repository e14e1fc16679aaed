//! Optimizers against Keras' own; `tests/golden/make_optimizers.py` made the numbers (tensorflow 2.21, keras 3.15).

use super::support::{assert_close, golden};
use crate::{OptimizerSettings, optimizer::Optimizer};
use contract::config::{Adam, Ftrl, Lion, RmsProp, Sgd};
use serde::Deserialize;

#[derive(Deserialize)]
struct Numbers {
    sizes: Vec<usize>,
    values: Vec<f32>,
    gradients: Vec<Vec<f32>>,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    optimizer: OptimizerSettings,
    after: Vec<Vec<f32>>,
    r#final: Vec<f32>,
}

fn numbers() -> Numbers {
    let text = fs_err::read_to_string(golden("optimizers.json")).expect("a file");
    serde_json::from_str(&text).expect("numbers")
}

fn split(values: &[f32], sizes: &[usize]) -> Vec<Vec<f32>> {
    let mut rest = values;
    let part = |size: &usize| {
        let (part, left) = rest.split_at(*size);
        rest = left;
        part.to_vec()
    };
    sizes.iter().map(part).collect()
}

#[test]
fn twenty_steps_of_every_optimizer_are_those_of_keras() {
    let Numbers { sizes, values, gradients, cases } = numbers();
    let mut names: Vec<&str> = cases.iter().map(|case| case.optimizer.name()).collect();
    names.dedup();
    assert_eq!(names.len(), 11, "all ten, SGD twice: {names:?}");
    for Case { optimizer: settings, after, r#final } in cases {
        let optimizer = Optimizer::new(&settings, vec![true; sizes.len()]);
        let mut parameters = split(&values, &sizes);
        let mut memory = optimizer.memory(&parameters);
        for (batch, (gradients, expected)) in gradients.iter().zip(&after).enumerate() {
            let rate = optimizer.learning_rate() / if batch < 10 { 1.0 } else { 2.0 };
            let scaled: Vec<f32> = gradients.iter().map(|value| value * optimizer.loss_scale()).collect();
            optimizer.step(&mut memory, rate, &mut parameters, split(&scaled, &sizes));
            let found = parameters.concat();
            let worst = found.iter().zip(expected).map(|(f, e)| (f - e).abs()).fold(0.0, f32::max);
            assert!(worst <= 1e-6, "{settings:?} differs by {worst} after batch {batch}: {found:?}");
        }
        optimizer.finish(&memory, &mut parameters);
        assert_close(&parameters.concat(), &r#final, 1e-6);
        let moved = values.iter().zip(&r#final).map(|(from, to)| (from - to).abs()).fold(0.0, f32::max);
        assert!(moved > 1e-3, "{settings:?} must move something, it moved {moved}");
    }
}

#[test]
fn a_frozen_parameter_stays_and_takes_no_memory_and_no_part_in_the_norm() {
    let settings = OptimizerSettings::Adam(Adam {
        weight_decay: Some(0.1),
        global_clipnorm: Some(0.5),
        use_ema: Some(true),
        gradient_accumulation_steps: Some(2),
        ..Adam::default()
    });
    let frozen = Optimizer::new(&settings, vec![false, true]);
    let alone = Optimizer::new(&settings, vec![true]);
    let mut both = vec![vec![1.0, 2.0], vec![3.0, 4.0]];
    let mut one = vec![vec![3.0, 4.0]];
    let (mut memory, mut memory_alone) = (frozen.memory(&both), alone.memory(&one));
    for _ in 0..4 {
        frozen.step(&mut memory, 0.01, &mut both, vec![vec![100.0, -7.0], vec![0.4, -2.0]]);
        alone.step(&mut memory_alone, 0.01, &mut one, vec![vec![0.4, -2.0]]);
    }
    frozen.finish(&memory, &mut both);
    alone.finish(&memory_alone, &mut one);
    assert_eq!((&both[0][..], &both[1]), (&[1.0, 2.0][..], &one[0]));
    assert!(memory.slots[0].is_empty() && memory.slots[1].len() == 4, "{memory:?}");
}

#[test]
fn where_keras_divides_nothing_by_nothing_weights_stay() {
    let start = vec![vec![0.5f32, -0.25]];
    let after = |settings: &OptimizerSettings, rate: f64, gradient: [f32; 2]| {
        let optimizer = Optimizer::new(settings, vec![true]);
        let mut parameters = start.clone();
        let mut memory = optimizer.memory(&parameters);
        for _ in 0..3 {
            optimizer.step(&mut memory, rate, &mut parameters, vec![gradient.to_vec()]);
        }
        parameters
    };
    let ftrl = |initial_accumulator_value| {
        OptimizerSettings::Ftrl(Ftrl { initial_accumulator_value, ..Ftrl::default() })
    };
    assert_eq!(after(&ftrl(0.0), 0.1, [0.0; 2]), start);
    assert_eq!(after(&ftrl(0.1), 0.0, [1.0; 2]), start);
    assert_eq!(after(&OptimizerSettings::Lion(Lion::default()), 0.1, [0.0; 2]), start);
    // The same large gradient again and again has no variance, and rounding leaves less than none.
    let centered = RmsProp { centered: true, ..RmsProp::default() };
    let found = after(&OptimizerSettings::RmsProp(centered), 1e-6, [3e3, 7e3]);
    assert!(found[0].iter().all(|value| value.is_finite()), "{found:?}");
}

#[test]
fn a_parameter_without_a_gradient_stays() {
    let settings = OptimizerSettings::Sgd(Sgd { weight_decay: Some(0.5), ..Sgd::default() });
    let optimizer = Optimizer::new(&settings, vec![true, true]);
    let mut parameters = vec![vec![1.0], vec![1.0]];
    let mut memory = optimizer.memory(&parameters);
    optimizer.step(&mut memory, 0.1, &mut parameters, vec![vec![], vec![0.0]]);
    assert_eq!(parameters, [[1.0], [0.95]]);
}
