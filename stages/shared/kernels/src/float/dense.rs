//! Matrix product over the last axis.

use super::activation::activate;
use super::conv::{bias, weights};
use super::gemm::Panels;
use crate::KernelError;
use crate::kernel::{Element, Kernel, Mismatch, Site, operand};
use crate::rows::for_rows;
use model::{Activation, Data, Dense};

/// Matrix product over the last axis.
pub(crate) struct DenseProduct {
    features: usize,
    units: usize,
    kernel: Panels,
    bias: Vec<f32>,
    activation: Activation,
}

impl DenseProduct {
    pub(crate) fn new(site: &Site<'_>, dense: &Dense) -> Result<Self, KernelError> {
        let features = site.input()?.shape.last().copied().unwrap_or(1);
        Ok(Self {
            features,
            units: dense.units,
            kernel: Panels::new(weights(site, 0)?, features, dense.units),
            bias: bias(site, dense.units)?,
            activation: dense.activation,
        })
    }
}

impl Kernel for DenseProduct {
    fn run(&self, inputs: &[&Data], _: usize) -> Result<Data, Mismatch> {
        let input = operand::<f32>(inputs)?;
        let mut output = vec![0.0f32; input.len() / self.features * self.units];
        for_rows(&mut output, self.units, self.units * self.features, |first, chunk| {
            let rows = chunk.len() / self.units;
            let input = &input[first * self.features..][..rows * self.features];
            self.kernel.multiply(input, &self.bias, chunk);
            activate(chunk, self.units, self.activation);
        });
        Ok(f32::data(output))
    }
}
