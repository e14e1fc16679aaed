//! Adadelta.

use super::{Rule, Slot, Update, slots};
use contract::config::Adadelta;

/// Source: Zeiler, arXiv 1212.5701, with a learning rate, as `keras/src/optimizers/adadelta.py` has it.
impl Rule for Adadelta {
    fn slots(&self) -> Vec<Slot> {
        vec![("accumulated_grad", 0.0), ("accumulated_delta_var", 0.0)]
    }

    fn step(&self, _: u64, learning_rate: f64) -> Update {
        let (rate, epsilon) = (learning_rate as f32, self.epsilon as f32);
        let (keep, take) = (self.rho as f32, (1.0 - self.rho) as f32);
        let root = move |mean: f32| (mean + epsilon).sqrt();
        Box::new(move |values, gradient, memory| {
            let [gradients, steps] = slots(memory);
            let means = gradients.iter_mut().zip(steps);
            for ((value, gradient), (gradients, steps)) in values.iter_mut().zip(gradient).zip(means) {
                *gradients = keep * *gradients + take * (gradient * gradient);
                let step = -(root(*steps) * gradient / root(*gradients));
                *steps = keep * *steps + take * (step * step);
                *value += rate * step;
            }
        })
    }
}
