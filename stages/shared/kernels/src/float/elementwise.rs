//! Kernels that treat each element, or each channel, by itself.

use super::activation::{activate, at_most, relu};
use crate::KernelError;
use crate::kernel::{Element, Kernel, Mismatch, Site, operand};
use model::{Activation, Data};

/// Elements of the last axis.
fn channels(site: &Site<'_>) -> usize {
    site.output().shape.last().copied().unwrap_or(1)
}

/// Batch normalisation with its moving statistics.
pub(crate) struct BatchNorm {
    scales: Vec<f32>,
    offsets: Vec<f32>,
}

impl BatchNorm {
    pub(crate) fn new(site: &Site<'_>, epsilon: f32) -> Result<Self, KernelError> {
        let channels = channels(site);
        let named = |name: &str| site.layer.weight(name).and_then(|weight| weight.as_f32());
        let gamma = named("gamma").map_or_else(|| vec![1.0; channels], <[f32]>::to_vec);
        let beta = named("beta").map_or_else(|| vec![0.0; channels], <[f32]>::to_vec);
        let (Some(mean), Some(variance)) = (named("moving_mean"), named("moving_variance")) else {
            return Err(site.error("a float layer needs float weights: its moving mean and variance"));
        };
        let scales: Vec<f32> =
            gamma.iter().zip(variance).map(|(gamma, variance)| gamma / (variance + epsilon).sqrt()).collect();
        let offsets =
            beta.iter().zip(mean).zip(&scales).map(|((beta, mean), scale)| beta - mean * scale).collect();
        Ok(Self { scales, offsets })
    }
}

impl Kernel for BatchNorm {
    fn run(&self, inputs: &[&Data], _: usize) -> Result<Data, Mismatch> {
        let mut values = operand::<f32>(inputs)?.to_vec();
        for pixel in values.chunks_exact_mut(self.scales.len()) {
            for ((value, scale), offset) in pixel.iter_mut().zip(&self.scales).zip(&self.offsets) {
                *value = *value * scale + offset;
            }
        }
        Ok(f32::data(values))
    }
}

/// Keras' `ReLU` layer.
pub(crate) struct Relu {
    pub(crate) max_value: Option<f32>,
}

impl Kernel for Relu {
    fn run(&self, inputs: &[&Data], _: usize) -> Result<Data, Mismatch> {
        let values = operand::<f32>(inputs)?.iter();
        Ok(f32::data(match self.max_value {
            Some(bound) => values.map(|&value| at_most(relu(value), bound)).collect(),
            None => values.map(|&value| relu(value)).collect(),
        }))
    }
}

/// An activation as a layer of its own.
pub(crate) struct Activate {
    channels: usize,
    activation: Activation,
}

impl Activate {
    pub(crate) fn new(site: &Site<'_>, activation: Activation) -> Self {
        Self { channels: channels(site), activation }
    }
}

impl Kernel for Activate {
    fn run(&self, inputs: &[&Data], _: usize) -> Result<Data, Mismatch> {
        let mut values = operand::<f32>(inputs)?.to_vec();
        activate(&mut values, self.channels, self.activation);
        Ok(f32::data(values))
    }
}

/// Sum of two tensors.
pub(crate) struct Add {
    channels: usize,
    activation: Activation,
}

impl Add {
    pub(crate) fn new(site: &Site<'_>, activation: Activation) -> Self {
        Self { channels: channels(site), activation }
    }
}

impl Kernel for Add {
    fn run(&self, inputs: &[&Data], _: usize) -> Result<Data, Mismatch> {
        let [a, b] = inputs[..] else { return Err(Mismatch) };
        let mut sums: Vec<f32> = f32::slice(a)?.iter().zip(f32::slice(b)?).map(|(a, b)| a + b).collect();
        activate(&mut sums, self.channels, self.activation);
        Ok(f32::data(sums))
    }
}

/// `x * scale + offset`.
pub(crate) struct Rescale {
    pub(crate) scale: f32,
    pub(crate) offset: f32,
}

impl Kernel for Rescale {
    fn run(&self, inputs: &[&Data], _: usize) -> Result<Data, Mismatch> {
        let values = operand::<f32>(inputs)?.iter();
        Ok(f32::data(values.map(|value| value * self.scale + self.offset).collect()))
    }
}
