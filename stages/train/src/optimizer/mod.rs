//! The optimizers of Keras 3.
//!
//! [`Optimizer::step`] goes the way of `keras/src/optimizers/base_optimizer.py`: gradients are taken back from the scaled
//! loss, gathered over batches, clipped; weights decay; the optimizer's own rule moves them; their average follows. Where
//! Keras computes factors of a step in single precision (`1 - beta_2^t` loses five digits there), these are computed in
//! double precision.

mod adadelta;
mod adagrad;
mod adam;
mod adamax;
mod clip;
mod ftrl;
mod lion;
mod memory;
mod nadam;
mod rmsprop;
mod sgd;

pub(crate) use memory::Memory;

use clip::Clip;
use contract::config;
use rayon::prelude::*;

/// An optimizer for some parameters.
#[derive(Debug, Clone)]
pub(crate) struct Optimizer {
    settings: config::Optimizer,
    shared: config::SharedArguments,
    /// Which parameters move; the others have no memory and stay as they are.
    pub(crate) trainable: Vec<bool>,
}

/// A number that a rule keeps for each element of a parameter: its name, and its value before the first step.
type Slot = (&'static str, f32);

/// Moves the elements of one parameter by their gradients; its slots are in the order of [`Rule::slots`].
type Update = Box<dyn Fn(&mut [f32], &[f32], &mut [Vec<f32>]) + Sync>;

/// How an optimizer moves weights, all else aside.
trait Rule {
    /// What it keeps.
    fn slots(&self) -> Vec<Slot>;

    /// The update of its step `number`, from 1, at a learning rate.
    fn step(&self, number: u64, learning_rate: f64) -> Update;
}

fn rule(optimizer: &config::Optimizer) -> &dyn Rule {
    match optimizer {
        config::Optimizer::Adam(rule) => rule,
        config::Optimizer::AdamW(rule) => rule,
        config::Optimizer::Sgd(rule) => rule,
        config::Optimizer::RmsProp(rule) => rule,
        config::Optimizer::Adagrad(rule) => rule,
        config::Optimizer::Adadelta(rule) => rule,
        config::Optimizer::Adamax(rule) => rule,
        config::Optimizer::Nadam(rule) => rule,
        config::Optimizer::Ftrl(rule) => rule,
        config::Optimizer::Lion(rule) => rule,
    }
}

/// The slots of a rule, of which the memory has as many as it asked for.
fn slots<const N: usize>(slots: &mut [Vec<f32>]) -> &mut [Vec<f32>; N] {
    slots.first_chunk_mut().expect("a memory has the slots of its rule")
}

/// The average of a parameter over the steps.
const AVERAGE: Slot = ("average", 0.0);
/// The sum of gradients since the last step.
const ACCUMULATED: Slot = ("gradient_accumulator", 0.0);

impl Optimizer {
    /// An optimizer of as many parameters as there are truth values, which say whether each moves.
    pub(crate) fn new(settings: &config::Optimizer, trainable: Vec<bool>) -> Self {
        Self { settings: settings.clone(), shared: settings.shared(), trainable }
    }

    /// The learning rate before any callback.
    pub(crate) fn learning_rate(&self) -> f64 {
        self.shared.learning_rate
    }

    /// What the loss is multiplied with before gradients are taken. In single precision this only moves exponents, where
    /// it is a power of two.
    pub(crate) fn loss_scale(&self) -> f32 {
        self.shared.loss_scale_factor.unwrap_or(1.0) as f32
    }

    /// The memory before the first step.
    pub(crate) fn memory(&self, parameters: &[Vec<f32>]) -> Memory {
        Memory::new(&self.slots(), parameters, &self.trainable)
    }

    /// Numbers that it keeps for each number that it moves.
    pub(crate) fn slot_count(settings: &config::Optimizer) -> usize {
        Self::new(settings, Vec::new()).slots().len()
    }

    fn slots(&self) -> Vec<Slot> {
        let mut slots = rule(&self.settings).slots();
        slots.extend(self.shared.use_ema.then_some(AVERAGE));
        slots.extend(self.accumulates().map(|_| ACCUMULATED));
        slots
    }

    /// Batches to a step, where they are several.
    fn accumulates(&self) -> Option<u64> {
        self.shared.gradient_accumulation_steps.map(u64::from)
    }

    /// Takes the gradients of a batch of the scaled loss, and makes a step, or gathers them for one. A parameter with an
    /// empty gradient stays as it is: the loss does not depend on it, or it does not move.
    pub(crate) fn step(
        &self,
        memory: &mut Memory,
        learning_rate: f64,
        parameters: &mut [Vec<f32>],
        mut gradients: Vec<Vec<f32>>,
    ) {
        for (gradient, trainable) in gradients.iter_mut().zip(&self.trainable) {
            if !trainable {
                gradient.clear();
            }
        }
        if let Some(scale) = self.shared.loss_scale_factor {
            let scale = scale as f32;
            gradients.par_iter_mut().flatten().for_each(|gradient| *gradient /= scale);
        }
        let batches = self.accumulates().unwrap_or(1);
        let steps = memory.batches / batches;
        let complete = (memory.batches + 1).is_multiple_of(batches);
        if batches > 1 {
            let slot = memory.names.iter().position(|name| name == ACCUMULATED.0);
            memory.accumulate(slot, &mut gradients, complete.then_some(batches as f32));
        }
        if complete {
            Clip::new(&self.shared).apply(&mut gradients);
            self.update(memory, steps + 1, learning_rate, parameters, &gradients);
        }
        if self.shared.use_ema {
            self.average(memory, steps, parameters);
        }
        memory.batches += 1;
    }

    /// Decay, then the rule.
    fn update(
        &self,
        memory: &mut Memory,
        number: u64,
        learning_rate: f64,
        parameters: &mut [Vec<f32>],
        gradients: &[Vec<f32>],
    ) {
        let update = rule(&self.settings).step(number, learning_rate);
        let decay = self.shared.weight_decay.map(|decay| (decay as f32, learning_rate as f32));
        let inputs = parameters.par_iter_mut().zip(gradients).zip(&mut memory.slots);
        inputs.filter(|((_, gradient), _)| !gradient.is_empty()).for_each(|((values, gradient), slots)| {
            if let Some((decay, rate)) = decay {
                values.iter_mut().for_each(|value| *value -= *value * decay * rate);
            }
            update(values, gradient, slots);
        });
    }

    /// The averages follow the weights, and replace them where they are to. As in Keras they begin as the weights after
    /// the first step, and follow with every batch, whether it made a step or not.
    fn average(&self, memory: &mut Memory, steps: u64, parameters: &mut [Vec<f32>]) {
        let Some(slot) = memory.names.iter().position(|name| name == AVERAGE.0) else { return };
        let keep = if steps == 0 { 0.0 } else { self.shared.ema_momentum as f32 };
        let frequency = self.shared.ema_overwrite_frequency.map(u64::from);
        let overwrite = frequency.is_some_and(|frequency| (steps + 1).is_multiple_of(frequency));
        let inputs = parameters.par_iter_mut().zip(&mut memory.slots);
        inputs.filter(|(_, slots)| !slots.is_empty()).for_each(|(values, slots)| {
            for (average, value) in slots[slot].iter_mut().zip(values) {
                *average = keep * *average + (1.0 - keep) * *value;
                if overwrite {
                    *value = *average;
                }
            }
        });
    }

    /// Gives the parameters their final values: their averages, where there are any. Until then the averages are seen by
    /// nobody, as in Keras' `fit` without its callback SwapEMAWeights: validation, and so the best model, is of the weights
    /// themselves. Statistics of normalisations are not averaged.
    pub(crate) fn finish(&self, memory: &Memory, parameters: &mut [Vec<f32>]) {
        let Some(slot) = memory.names.iter().position(|name| name == AVERAGE.0) else { return };
        for (values, slots) in parameters.iter_mut().zip(&memory.slots) {
            if let (Some(average), true) = (slots.get(slot), memory.batches > 0) {
                values.clone_from(average);
            }
        }
    }
}
