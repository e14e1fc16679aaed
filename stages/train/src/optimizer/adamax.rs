//! Adamax.

use super::{Rule, Slot, Update, slots};
use crate::network::power;
use contract::config::Adamax;

/// Source: Kingma and Ba, arXiv 1412.6980, section 7.1, with epsilon as in `keras/src/optimizers/adamax.py`.
impl Rule for Adamax {
    fn slots(&self) -> Vec<Slot> {
        vec![("momentum", 0.0), ("norm", 0.0)]
    }

    fn step(&self, number: u64, learning_rate: f64) -> Update {
        let alpha = (learning_rate / (1.0 - power(self.beta_1, number))) as f32;
        let (take, keep) = ((1.0 - self.beta_1) as f32, self.beta_2 as f32);
        let epsilon = self.epsilon as f32;
        Box::new(move |values, gradient, memory| {
            let [momentum, norm] = slots(memory);
            let moments = momentum.iter_mut().zip(norm);
            for ((value, gradient), (momentum, norm)) in values.iter_mut().zip(gradient).zip(moments) {
                *momentum += (gradient - *momentum) * take;
                *norm = (keep * *norm).max(gradient.abs());
                *value -= alpha * *momentum / (*norm + epsilon);
            }
        })
    }
}
