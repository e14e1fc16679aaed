//! Depthwise and 1x1 convolution in one.

use super::{Conv, DepthwiseConv, conv::weights};
use crate::KernelError;
use crate::kernel::{Kernel, Mismatch, Site};
use model::{Data, SeparableConv2d};

/// Depthwise and 1x1 convolution in one.
pub(crate) struct SeparableConv {
    depthwise: DepthwiseConv,
    pointwise: Conv,
}

impl SeparableConv {
    pub(crate) fn new(site: &Site<'_>, conv: &SeparableConv2d) -> Result<Self, KernelError> {
        let input = site.image(site.input()?)?;
        let output = site.image(site.output())?;
        let between = [output[0], output[1], input[2] * conv.multiplier];
        let bias = if conv.bias { weights(site, 2)?.to_vec() } else { vec![0.0; conv.filters] };
        let zeros = vec![0.0; between[2]];
        Ok(Self {
            depthwise: DepthwiseConv::of(input, between, &conv.depthwise(), weights(site, 0)?, zeros),
            pointwise: Conv::of(between, output, &conv.pointwise(), weights(site, 1)?, bias),
        })
    }
}

impl Kernel for SeparableConv {
    fn run(&self, inputs: &[&Data], batch: usize) -> Result<Data, Mismatch> {
        let between = self.depthwise.run(inputs, batch)?;
        self.pointwise.run(&[&between], batch)
    }
}
