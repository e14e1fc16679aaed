//! Nadam.

use super::{Rule, Slot, Update, slots};
use crate::network::power;
use contract::config::Nadam;

/// Source: Dozat, "Incorporating Nesterov momentum into Adam" (2016), with the decay 0.96 of its momentum and without bias
/// in the second moment, as `keras/src/optimizers/nadam.py` has it.
impl Rule for Nadam {
    fn slots(&self) -> Vec<Slot> {
        vec![("momentum", 0.0), ("velocity", 0.0)]
    }

    fn step(&self, number: u64, learning_rate: f64) -> Update {
        let now = momentum(self.beta_1, power(DECAY, number));
        let next = momentum(self.beta_1, power(DECAY, number + 1));
        let product = product(self.beta_1, number);
        // Shares of the moment and of the gradient in a step.
        let moment = (next / (1.0 - product * next)) as f32;
        let fresh = ((1.0 - now) / (1.0 - product)) as f32;
        let (rate, epsilon) = (learning_rate as f32, self.epsilon as f32);
        let (take_first, take_second) = ((1.0 - self.beta_1) as f32, (1.0 - self.beta_2) as f32);
        let correction = (1.0 - power(self.beta_2, number)) as f32;
        Box::new(move |values, gradient, memory| {
            let [first, second] = slots(memory);
            let moments = first.iter_mut().zip(second);
            for ((value, gradient), (first, second)) in values.iter_mut().zip(gradient).zip(moments) {
                *first += (gradient - *first) * take_first;
                *second += (gradient * gradient - *second) * take_second;
                let step = moment * *first + fresh * gradient;
                *value -= step * rate / ((*second / correction).sqrt() + epsilon);
            }
        })
    }
}

const DECAY: f64 = 0.96;

/// A product of momenta below this changes no difference to 1.
const NOTHING: f64 = 1e-17;

/// The momentum of a step, given the power of [`DECAY`] for its number.
fn momentum(beta: f64, decayed: f64) -> f64 {
    beta * (1.0 - 0.5 * decayed)
}

/// The product of the momenta of the first `steps` steps.
fn product(beta: f64, steps: u64) -> f64 {
    let (mut product, mut decayed) = (1.0, 1.0);
    for _ in 0..steps {
        decayed *= DECAY;
        product *= momentum(beta, decayed);
        if product < NOTHING {
            return 0.0;
        }
    }
    product
}
