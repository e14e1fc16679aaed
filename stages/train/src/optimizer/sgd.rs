//! Gradient descent.

use super::{Rule, Slot, Update, slots};
use contract::config::Sgd;

/// Source: `keras/src/optimizers/sgd.py`; with `nesterov` Sutskever and others, ICML 2013.
impl Rule for Sgd {
    fn slots(&self) -> Vec<Slot> {
        if self.momentum == 0.0 { Vec::new() } else { vec![("momentum", 0.0)] }
    }

    fn step(&self, _: u64, learning_rate: f64) -> Update {
        let (rate, keep, nesterov) = (learning_rate as f32, self.momentum as f32, self.nesterov);
        if self.momentum == 0.0 {
            return Box::new(move |values, gradient, _| {
                values.iter_mut().zip(gradient).for_each(|(value, gradient)| *value -= gradient * rate);
            });
        }
        Box::new(move |values, gradient, memory| {
            let [momentum] = slots(memory);
            for ((value, gradient), momentum) in values.iter_mut().zip(gradient).zip(momentum) {
                *momentum = *momentum * keep - gradient * rate;
                *value += if nesterov { *momentum * keep - gradient * rate } else { *momentum };
            }
        })
    }
}
