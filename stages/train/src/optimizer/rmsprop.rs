//! RMSprop.

use super::{Rule, Slot, Update};
use contract::config::RmsProp;

/// Source: Hinton, "Neural networks for machine learning", lecture 6 (2012), in the form of
/// `keras/src/optimizers/rmsprop.py`: epsilon is under the root.
impl Rule for RmsProp {
    fn slots(&self) -> Vec<Slot> {
        let mut slots = vec![("velocity", 0.0)];
        slots.extend((self.momentum > 0.0).then_some(("momentum", 0.0)));
        slots.extend(self.centered.then_some(("average_gradient", 0.0)));
        slots
    }

    fn step(&self, _: u64, learning_rate: f64) -> Update {
        let (rate, keep, momentum) = (learning_rate as f32, self.rho as f32, self.momentum as f32);
        let (take, epsilon, centered) = ((1.0 - self.rho) as f32, self.epsilon as f32, self.centered);
        let center = if momentum > 0.0 { 2 } else { 1 };
        Box::new(move |values, gradient, memory| {
            for (index, (value, gradient)) in values.iter_mut().zip(gradient).enumerate() {
                let velocity = &mut memory[0][index];
                *velocity = keep * *velocity + take * (gradient * gradient);
                let mut variance = *velocity;
                if centered {
                    let average = &mut memory[center][index];
                    *average = keep * *average + take * gradient;
                    // Rounding may leave less than nothing, of which there is no root.
                    variance = (variance - *average * *average).max(0.0);
                }
                let increment = rate * gradient / (variance + epsilon).sqrt();
                if momentum > 0.0 {
                    let moved = &mut memory[1][index];
                    *moved = momentum * *moved + increment;
                    *value -= *moved;
                } else {
                    *value -= increment;
                }
            }
        })
    }
}
