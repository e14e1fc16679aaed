//! Kernels that treat each element, or each channel, by itself.

use super::activation::{activate, at_most, leaky, relu};
use super::broadcast::Spread;
use super::conv::weights;
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

/// Keras' `ReLU` layer with a slope or a threshold.
pub(crate) struct SlopedRelu {
    pub(crate) max_value: Option<f32>,
    pub(crate) negative_slope: f32,
    pub(crate) threshold: f32,
}

impl Kernel for SlopedRelu {
    fn run(&self, inputs: &[&Data], _: usize) -> Result<Data, Mismatch> {
        let bound = self.max_value.unwrap_or(f32::INFINITY);
        let value = |&value: &f32| {
            if value > self.threshold {
                at_most(value, bound)
            } else {
                self.negative_slope * (value - self.threshold)
            }
        };
        Ok(f32::data(operand::<f32>(inputs)?.iter().map(value).collect()))
    }
}

/// Keras' `LeakyReLU` layer.
pub(crate) struct LeakyRelu {
    pub(crate) slope: f32,
}

impl Kernel for LeakyRelu {
    fn run(&self, inputs: &[&Data], _: usize) -> Result<Data, Mismatch> {
        let values = operand::<f32>(inputs)?.iter();
        Ok(f32::data(values.map(|&value| leaky(value, self.slope)).collect()))
    }
}

/// Keras' `PReLU` layer.
pub(crate) struct Prelu {
    alpha: Vec<f32>,
    spread: Spread,
    /// Elements of an image.
    image: usize,
}

impl Prelu {
    pub(crate) fn new(site: &Site<'_>) -> Result<Self, KernelError> {
        let shape = site.layer.weights.first().map_or(&[][..], |alpha| &alpha.shape);
        Ok(Self {
            alpha: weights(site, 0)?.to_vec(),
            spread: Spread::new(shape, &site.output().shape),
            image: site.output().len(),
        })
    }
}

impl Kernel for Prelu {
    fn run(&self, inputs: &[&Data], _: usize) -> Result<Data, Mismatch> {
        let mut values = operand::<f32>(inputs)?.to_vec();
        for image in values.chunks_exact_mut(self.image) {
            self.spread.apply(image, &self.alpha, |value, alpha| *value = leaky(*value, alpha));
        }
        Ok(f32::data(values))
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

/// Sum or product of tensors whose axes of one element are repeated.
pub(crate) struct Join {
    channels: usize,
    /// Elements of an output image.
    image: usize,
    operands: Vec<Spread>,
    product: bool,
    activation: Activation,
}

impl Join {
    pub(crate) fn sum(site: &Site<'_>, activation: Activation) -> Self {
        let output = &site.output().shape;
        let operands = site.inputs.iter().map(|input| Spread::new(&input.shape, output)).collect();
        Self { channels: channels(site), image: site.output().len(), operands, product: false, activation }
    }

    pub(crate) fn product(site: &Site<'_>) -> Self {
        Self { product: true, ..Self::sum(site, Activation::Linear) }
    }
}

impl Kernel for Join {
    fn run(&self, inputs: &[&Data], batch: usize) -> Result<Data, Mismatch> {
        let mut joined = vec![if self.product { 1.0f32 } else { 0.0 }; batch * self.image];
        for (index, (input, operand)) in inputs.iter().zip(&self.operands).enumerate() {
            let values = f32::slice(input)?;
            match (index, self.product) {
                // The first is copied, so that -0 stays what it is.
                (0, _) => operand.apply(&mut joined, values, |joined, value| *joined = value),
                (_, false) => operand.apply(&mut joined, values, |joined, value| *joined += value),
                (_, true) => operand.apply(&mut joined, values, |joined, value| *joined *= value),
            }
        }
        activate(&mut joined, self.channels, self.activation);
        Ok(f32::data(joined))
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
