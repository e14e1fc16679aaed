//! Adagrad.

use super::{Rule, Slot, Update, slots};
use contract::config::Adagrad;

/// Source: Duchi, Hazan and Singer, JMLR 12 (2011), in the form of `keras/src/optimizers/adagrad.py`: epsilon is under the
/// root.
impl Rule for Adagrad {
    fn slots(&self) -> Vec<Slot> {
        vec![("accumulator", self.initial_accumulator_value as f32)]
    }

    fn step(&self, _: u64, learning_rate: f64) -> Update {
        let (rate, epsilon) = (learning_rate as f32, self.epsilon as f32);
        Box::new(move |values, gradient, memory| {
            let [sums] = slots(memory);
            for ((value, gradient), sum) in values.iter_mut().zip(gradient).zip(sums) {
                *sum += gradient * gradient;
                *value -= rate * gradient / (*sum + epsilon).sqrt();
            }
        })
    }
}
