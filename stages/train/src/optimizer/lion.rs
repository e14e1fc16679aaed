//! Lion.

use super::{Rule, Slot, Update, slots};
use contract::config::Lion;

/// Source: Chen and others, arXiv 2302.06675, as `keras/src/optimizers/lion.py` has it.
impl Rule for Lion {
    fn slots(&self) -> Vec<Slot> {
        vec![("momentum", 0.0)]
    }

    fn step(&self, _: u64, learning_rate: f64) -> Update {
        let rate = learning_rate as f32;
        let (now, later) = (self.beta_1 as f32, self.beta_2 as f32);
        Box::new(move |values, gradient, memory| {
            let [momentum] = slots(memory);
            for ((value, gradient), momentum) in values.iter_mut().zip(gradient).zip(momentum) {
                let direction = *momentum * now + gradient * (1.0 - now);
                // `signum` has a sign for zero too.
                let sign = if direction == 0.0 { 0.0 } else { direction.signum() };
                *value -= rate * sign;
                *momentum = *momentum * later + gradient * (1.0 - later);
            }
        })
    }
}
