//! The numbers of a network: what training moves.

use super::{Network, NormSlot};
use crate::TrainError;
use model::{Data, Graph};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// All numbers that training moves, flat, in the graph's layout and order.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Weights {
    /// Kernels, biases, gammas, betas in the order of the layers.
    pub(crate) parameters: Vec<Vec<f32>>,
    /// Moving statistics of each normalisation.
    pub(crate) statistics: Vec<Statistics>,
}

/// Moving statistics of one normalisation, as Keras moves them: `raw = raw * momentum + batch * (1 - momentum)`, from 0
/// and 1. In double precision, because [`Statistics::debiased`] divides by what may be a thousandth.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Statistics {
    /// Raw moving mean.
    pub(crate) mean: Vec<f64>,
    /// Raw moving variance.
    pub(crate) variance: Vec<f64>,
    /// How often they were updated.
    pub(crate) updates: u64,
    /// Whether they started at 0 and 1 and move from there. Loaded ones, and those of a layer that was frozen when the
    /// training began, did not, so there is nothing to free them of.
    pub(crate) fresh: bool,
}

impl Weights {
    /// Whether all of them are finite.
    pub(crate) fn are_finite(&self) -> bool {
        self.parameters.par_iter().all(|values| values.iter().all(|value| value.is_finite()))
            && self
                .statistics
                .iter()
                .all(|norm| norm.mean.iter().chain(&norm.variance).all(|v| v.is_finite()))
    }
}

impl Statistics {
    /// One update with the statistics of a batch.
    pub(crate) fn update(&mut self, momentum: f64, mean: &[f32], variance: &[f32]) {
        let moved =
            |raw: &mut f64, batch: &f32| *raw = *raw * momentum + f64::from(*batch) * (1.0 - momentum);
        self.mean.iter_mut().zip(mean).for_each(|(raw, batch)| moved(raw, batch));
        self.variance.iter_mut().zip(variance).for_each(|(raw, batch)| moved(raw, batch));
        self.updates += 1;
    }

    /// Mean and variance freed of their initial values 0 and 1, whose share after `t` updates is `momentum^t`; the raw
    /// ones before the first update, and where they did not start there.
    pub(crate) fn debiased(&self, momentum: f64) -> (Vec<f32>, Vec<f32>) {
        if !self.fresh {
            return self.raw();
        }
        let initial = power(momentum, self.updates);
        let share = 1.0 - initial;
        if share <= 0.0 {
            return self.raw();
        }
        (
            self.mean.iter().map(|raw| (raw / share) as f32).collect(),
            self.variance.iter().map(|raw| ((raw - initial) / share).max(0.0) as f32).collect(),
        )
    }

    /// Mean and variance as Keras would save them.
    pub(crate) fn raw(&self) -> (Vec<f32>, Vec<f32>) {
        let narrowed = |values: &[f64]| values.iter().map(|value| *value as f32).collect();
        (narrowed(&self.mean), narrowed(&self.variance))
    }
}

/// `base^exponent` by repeated squaring: the same digits on every machine.
pub(crate) fn power(base: f64, mut exponent: u64) -> f64 {
    let (mut result, mut square) = (1.0, base);
    while exponent > 0 {
        if exponent & 1 == 1 {
            result *= square;
        }
        square *= square;
        exponent >>= 1;
    }
    result
}

impl Network {
    /// Takes the statistics of these layers, by position in the graph, for those of a trained network.
    pub(crate) fn load_statistics(&mut self, layers: &BTreeSet<usize>) {
        for norm in &mut self.norms {
            norm.loaded = layers.contains(&norm.layer);
        }
    }

    /// The numbers of the graph this network was built from.
    ///
    /// # Errors
    /// Weights that are not floats.
    pub(crate) fn read(&self, graph: &Graph) -> Result<Weights, TrainError> {
        let floats = |layer: usize, weight: usize| -> Result<&[f32], TrainError> {
            let layer = &graph.layers[layer];
            layer.weights.get(weight).and_then(model::Tensor::as_f32).ok_or_else(|| TrainError::Layer {
                layer: layer.name.clone(),
                message: "its weights are not floats".to_owned(),
            })
        };
        let widened = |values: &[f32]| values.iter().map(|value| f64::from(*value)).collect();
        Ok(Weights {
            parameters: self
                .parameters
                .iter()
                .map(|slot| Ok(floats(slot.layer, slot.weight)?.to_vec()))
                .collect::<Result<_, TrainError>>()?,
            statistics: self
                .norms
                .iter()
                .map(|norm| {
                    Ok(Statistics {
                        mean: widened(floats(norm.layer, norm.mean)?),
                        variance: widened(floats(norm.layer, norm.mean + 1)?),
                        updates: 0,
                        fresh: !norm.loaded && !norm.frozen,
                    })
                })
                .collect::<Result<_, TrainError>>()?,
        })
    }

    /// Puts parameters and the moving statistics `(mean, variance)` into the graph this network was built from.
    pub(crate) fn write(
        &self,
        graph: &mut Graph,
        parameters: &[Vec<f32>],
        statistics: &[(Vec<f32>, Vec<f32>)],
    ) {
        for (slot, values) in self.parameters.iter().zip(parameters) {
            graph.layers[slot.layer].weights[slot.weight].data = Data::F32(values.clone());
        }
        for (norm, (mean, variance)) in self.norms.iter().zip(statistics) {
            graph.layers[norm.layer].weights[norm.mean].data = Data::F32(mean.clone());
            graph.layers[norm.layer].weights[norm.mean + 1].data = Data::F32(variance.clone());
        }
    }

    /// Moves the statistics by the `(mean, variance)` of a batch; frozen ones stay.
    pub(crate) fn move_statistics(&self, statistics: &mut [Statistics], batch: &[(Vec<f32>, Vec<f32>)]) {
        for ((statistics, (mean, variance)), norm) in statistics.iter_mut().zip(batch).zip(&self.norms) {
            if !norm.frozen {
                statistics.update(norm.momentum, mean, variance);
            }
        }
    }

    /// The statistics that frozen normalisations use in training; empty for the others.
    pub(crate) fn frozen_statistics(&self, weights: &Weights) -> Vec<(Vec<f32>, Vec<f32>)> {
        let frozen =
            |(norm, raw): (&NormSlot, &Statistics)| if norm.frozen { raw.raw() } else { Default::default() };
        self.norms.iter().zip(&weights.statistics).map(frozen).collect()
    }

    /// The statistics to use outside training.
    pub(crate) fn statistics(&self, weights: &Weights, debias: bool) -> Vec<(Vec<f32>, Vec<f32>)> {
        self.norms
            .par_iter()
            .zip(&weights.statistics)
            .map(|(norm, raw)| if debias { raw.debiased(norm.momentum) } else { raw.raw() })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debiasing_recovers_constant_statistics_after_one_and_after_many_updates() {
        let momentum = f64::from(0.999f32);
        for updates in [1, 23, 5000] {
            let mut statistics =
                Statistics { mean: vec![0.0; 2], variance: vec![1.0; 2], updates: 0, fresh: true };
            for _ in 0..updates {
                statistics.update(momentum, &[-3.25, 1e-3], &[0.017, 250.0]);
            }
            let (mean, variance) = statistics.debiased(momentum);
            for (found, expected) in mean.iter().chain(&variance).zip([-3.25f32, 1e-3, 0.017, 250.0]) {
                assert!(
                    (found - expected).abs() <= expected.abs() * f32::EPSILON,
                    "{found} for {expected} after {updates} updates"
                );
            }
        }
    }

    #[test]
    fn statistics_without_an_update_stay_as_they_are() {
        let statistics = Statistics { mean: vec![0.5], variance: vec![2.0], updates: 0, fresh: true };
        assert_eq!(statistics.debiased(0.99), (vec![0.5], vec![2.0]));
    }
}
