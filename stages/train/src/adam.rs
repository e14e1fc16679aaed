//! The optimizer Adam as Keras has it.

use crate::network::power;
use contract::config::Adam;
use rayon::prelude::*;

/// Adam's memory: the moments of every parameter's gradient.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Moments {
    /// Moving mean of the gradient.
    pub(crate) first: Vec<Vec<f32>>,
    /// Moving mean of its square.
    pub(crate) second: Vec<Vec<f32>>,
    /// Steps made.
    pub(crate) steps: u64,
}

impl Moments {
    /// The memory before the first step.
    pub(crate) fn new(parameters: &[Vec<f32>]) -> Self {
        let zeros: Vec<Vec<f32>> = parameters.iter().map(|values| vec![0.0; values.len()]).collect();
        Self { first: zeros.clone(), second: zeros, steps: 0 }
    }

    /// One step. A parameter with an empty gradient stays: it is frozen, or the loss does not depend on it.
    ///
    /// Source: Kingma and Ba, arXiv 1412.6980, in the form before section 2.1, which puts the bias correction into the
    /// step size and epsilon beside the uncorrected root, as `keras/src/optimizers/adam.py` does.
    pub(crate) fn step(
        &mut self,
        adam: &Adam,
        learning_rate: f64,
        parameters: &mut [Vec<f32>],
        gradients: &[Vec<f32>],
    ) {
        self.steps += 1;
        let correction =
            (1.0 - power(adam.beta_2, self.steps)).sqrt() / (1.0 - power(adam.beta_1, self.steps));
        let alpha = (learning_rate * correction) as f32;
        let (keep_first, keep_second) = ((1.0 - adam.beta_1) as f32, (1.0 - adam.beta_2) as f32);
        let epsilon = adam.epsilon as f32;
        let moments = self.first.par_iter_mut().zip(&mut self.second);
        parameters.par_iter_mut().zip(gradients).zip(moments).for_each(
            |((values, gradient), (first, second))| {
                for (index, (value, gradient)) in values.iter_mut().zip(gradient).enumerate() {
                    first[index] += (gradient - first[index]) * keep_first;
                    second[index] += (gradient * gradient - second[index]) * keep_second;
                    *value -= alpha * first[index] / (second[index].sqrt() + epsilon);
                }
            },
        );
    }
}
