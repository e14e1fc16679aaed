//! Depthwise convolution.

use super::weights::{Requantize, kernel};
use crate::KernelError;
use crate::kernel::{Element, Kernel, Mismatch, Site, operand};
use crate::rows::for_rows;
use crate::window::Window;
use model::{Data, DepthwiseConv2d};

/// Depthwise convolution with a scale for each output channel, or one for all.
pub(crate) struct DepthwiseConv {
    window: Window,
    multiplier: usize,
    /// Of each tap, the weights of its channels times the multiplier.
    kernel: Vec<i16>,
    requantize: Requantize,
    zero_point: i16,
}

impl DepthwiseConv {
    pub(crate) fn new(site: &Site<'_>, conv: &DepthwiseConv2d) -> Result<Self, KernelError> {
        let input = site.image(site.input()?)?;
        let output = site.image(site.output())?;
        let window = Window::new(input, output, conv.kernel, conv.strides, conv.dilation, conv.padding);
        let (_, zero_point) = site.quant(site.input()?)?;
        Ok(Self {
            window,
            multiplier: conv.multiplier,
            kernel: kernel(site)?.iter().map(|&weight| i16::from(weight)).collect(),
            requantize: Requantize::new(site, output[2], conv.activation)?,
            zero_point: zero_point as i16,
        })
    }
}

impl Kernel for DepthwiseConv {
    fn run(&self, inputs: &[&Data], batch: usize) -> Result<Data, Mismatch> {
        let input = operand::<i8>(inputs)?;
        let Window { rows, columns, channels } = self.window;
        let filters = channels * self.multiplier;
        let mut output = vec![0i8; batch * rows.output * columns.output * filters];
        let row_len = columns.output * filters;
        for_rows(&mut output, row_len, row_len * rows.kernel * columns.kernel, |first, chunk| {
            let mut sums = vec![0i32; filters];
            for (row, output) in chunk.chunks_exact_mut(row_len).enumerate() {
                let (image, y) = ((first + row) / rows.output, (first + row) % rows.output);
                let image = &input[image * self.window.image()..][..self.window.image()];
                for (x, output) in output.chunks_exact_mut(filters).enumerate() {
                    sums.fill(0);
                    self.window.taps(y, x, |tap, offset| {
                        let weights = &self.kernel[tap * filters..][..filters];
                        self.accumulate(&mut sums, &image[offset..offset + channels], weights);
                    });
                    for (channel, (output, &sum)) in output.iter_mut().zip(&sums).enumerate() {
                        *output = self.requantize.apply(channel, sum);
                    }
                }
            }
        });
        Ok(i8::data(output))
    }
}

impl DepthwiseConv {
    fn accumulate(&self, sums: &mut [i32], values: &[i8], weights: &[i16]) {
        let product = |value: i8, weight: i16| {
            i32::from(i16::from(value) - self.zero_point).wrapping_mul(i32::from(weight))
        };
        if self.multiplier == 1 {
            for ((sum, &value), &weight) in sums.iter_mut().zip(values).zip(weights) {
                *sum = sum.wrapping_add(product(value, weight));
            }
            return;
        }
        let groups = sums.chunks_exact_mut(self.multiplier).zip(weights.chunks_exact(self.multiplier));
        for ((sums, weights), &value) in groups.zip(values) {
            for (sum, &weight) in sums.iter_mut().zip(weights) {
                *sum = sum.wrapping_add(product(value, weight));
            }
        }
    }
}
