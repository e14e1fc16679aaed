//! Adam and AdamW.

use super::{Rule, Slot, Update, slots};
use crate::network::power;
use contract::config::{Adam, AdamW};

/// Source: Kingma and Ba, arXiv 1412.6980, in the form before section 2.1, which puts the bias correction into the step
/// size and epsilon beside the uncorrected root, as `keras/src/optimizers/adam.py` does; with `amsgrad` Reddi, Kale and
/// Kumar, ICLR 2018.
impl Rule for Adam {
    fn slots(&self) -> Vec<Slot> {
        let mut slots = vec![("momentum", 0.0), ("velocity", 0.0)];
        slots.extend(self.amsgrad.then_some(("velocity_hat", 0.0)));
        slots
    }

    fn step(&self, number: u64, learning_rate: f64) -> Update {
        let correction = (1.0 - power(self.beta_2, number)).sqrt() / (1.0 - power(self.beta_1, number));
        let alpha = (learning_rate * correction) as f32;
        let (keep_first, keep_second) = ((1.0 - self.beta_1) as f32, (1.0 - self.beta_2) as f32);
        let epsilon = self.epsilon as f32;
        if self.amsgrad {
            return Box::new(move |values, gradient, memory| {
                let [first, second, largest] = slots(memory);
                let moments = first.iter_mut().zip(second).zip(largest);
                for ((value, gradient), ((first, second), largest)) in
                    values.iter_mut().zip(gradient).zip(moments)
                {
                    *first += (gradient - *first) * keep_first;
                    *second += (gradient * gradient - *second) * keep_second;
                    *largest = largest.max(*second);
                    *value -= alpha * *first / (largest.sqrt() + epsilon);
                }
            });
        }
        Box::new(move |values, gradient, memory| {
            let [first, second] = slots(memory);
            let moments = first.iter_mut().zip(second);
            for ((value, gradient), (first, second)) in values.iter_mut().zip(gradient).zip(moments) {
                *first += (gradient - *first) * keep_first;
                *second += (gradient * gradient - *second) * keep_second;
                *value -= alpha * *first / (second.sqrt() + epsilon);
            }
        })
    }
}

/// Adam; its weight decay is every optimizer's. Source: Loshchilov and Hutter, arXiv 1711.05101.
impl Rule for AdamW {
    fn slots(&self) -> Vec<Slot> {
        adam(self).slots()
    }

    fn step(&self, number: u64, learning_rate: f64) -> Update {
        adam(self).step(number, learning_rate)
    }
}

fn adam(w: &AdamW) -> Adam {
    let AdamW { beta_1, beta_2, epsilon, amsgrad, .. } = *w;
    Adam { beta_1, beta_2, epsilon, amsgrad, ..Adam::default() }
}
