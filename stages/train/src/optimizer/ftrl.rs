//! Follow the regularized leader.

use super::{Rule, Slot, Update, slots};
use contract::config::Ftrl;

/// Source: McMahan and others, "Ad click prediction", KDD 2013, algorithm 1, with the shrinkage of
/// `keras/src/optimizers/ftrl.py`.
///
/// Where Keras divides by zero, weights stay: at a learning rate of 0, and as long as an accumulator that began at 0 has
/// seen no gradient.
impl Rule for Ftrl {
    fn slots(&self) -> Vec<Slot> {
        vec![("accumulator", self.initial_accumulator_value as f32), ("linear", 0.0)]
    }

    fn step(&self, _: u64, learning_rate: f64) -> Update {
        if learning_rate == 0.0 {
            return Box::new(|_, _, _| {});
        }
        let rate = learning_rate as f32;
        let exponent = -self.learning_rate_power as f32;
        // The usual power is a root, which is faster and the same on every machine.
        let raised = move |sum: f32| if exponent == 0.5 { sum.sqrt() } else { sum.powf(exponent) };
        let l1 = self.l1_regularization_strength as f32;
        let l2 = (2.0 * (self.l2_regularization_strength + self.beta / (2.0 * learning_rate))) as f32;
        let shrinkage = (2.0 * self.l2_shrinkage_regularization_strength) as f32;
        Box::new(move |values, gradient, memory| {
            let [sums, linear] = slots(memory);
            let memory = sums.iter_mut().zip(linear);
            for ((value, gradient), (sum, linear)) in values.iter_mut().zip(gradient).zip(memory) {
                let grown = *sum + gradient * gradient;
                let (before, after) = (raised(*sum), raised(grown));
                *linear += gradient + shrinkage * *value - (after - before) / rate * *value;
                *sum = grown;
                let quadratic = after / rate + l2;
                if quadratic != 0.0 {
                    *value = (linear.clamp(-l1, l1) - *linear) / quadratic;
                }
            }
        })
    }
}
