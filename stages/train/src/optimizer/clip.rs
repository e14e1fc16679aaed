//! Gradients that are too large.

use contract::config::SharedArguments;
use rayon::prelude::*;

/// How gradients are clipped.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Clip {
    None,
    /// To a norm, each parameter's gradient for itself.
    Norm(f32),
    /// To a norm of all gradients together.
    GlobalNorm(f32),
    /// Each element to a magnitude.
    Value(f32),
}

impl Clip {
    pub(super) fn new(shared: &SharedArguments) -> Self {
        // At most one is given.
        match (shared.clipnorm, shared.global_clipnorm, shared.clipvalue) {
            (Some(norm), _, _) => Self::Norm(norm as f32),
            (_, Some(norm), _) => Self::GlobalNorm(norm as f32),
            (_, _, Some(value)) => Self::Value(value as f32),
            _ => Self::None,
        }
    }

    pub(super) fn apply(self, gradients: &mut [Vec<f32>]) {
        match self {
            Self::None => {}
            Self::Norm(limit) => gradients.par_iter_mut().for_each(|gradient| {
                let norm = squares(gradient).sqrt() as f32;
                gradient.iter_mut().for_each(|gradient| *gradient = *gradient * limit / norm.max(limit));
            }),
            Self::GlobalNorm(limit) => {
                // Each parameter's sum by itself, then in their order: the same on any number of threads.
                let sums: Vec<f64> = gradients.par_iter().map(|gradient| squares(gradient)).collect();
                let norm = sums.iter().sum::<f64>().sqrt() as f32;
                let scale = limit * (1.0 / norm).min(1.0 / limit);
                gradients.par_iter_mut().flatten().for_each(|gradient| *gradient *= scale);
            }
            Self::Value(limit) => {
                gradients.par_iter_mut().flatten().for_each(|gradient| {
                    *gradient = gradient.clamp(-limit, limit);
                });
            }
        }
    }
}

fn squares(gradient: &[f32]) -> f64 {
    gradient.iter().map(|gradient| f64::from(*gradient).powi(2)).sum()
}
