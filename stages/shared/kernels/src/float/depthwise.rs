//! Depthwise convolution.

use super::activation::activate;
use super::conv::{bias, weights};
use crate::KernelError;
use crate::kernel::{Element, Kernel, Mismatch, Site, operand};
use crate::rows::for_rows;
use crate::window::Window;
use model::{Activation, Data, DepthwiseConv2d};

/// Channels whose sums are kept in registers.
const CHANNELS: usize = 16;

/// Depthwise convolution.
pub(crate) struct DepthwiseConv {
    window: Window,
    multiplier: usize,
    /// Of each tap, the weights of its channels times the multiplier.
    kernel: Vec<f32>,
    bias: Vec<f32>,
    activation: Activation,
}

impl DepthwiseConv {
    pub(crate) fn new(site: &Site<'_>, conv: &DepthwiseConv2d) -> Result<Self, KernelError> {
        let input = site.image(site.input()?)?;
        let output = site.image(site.output())?;
        Ok(Self::of(input, output, conv, weights(site, 0)?, bias(site, output[2])?))
    }

    /// Between images of these shapes, with these weights.
    pub(crate) fn of(
        input: [usize; 3],
        output: [usize; 3],
        conv: &DepthwiseConv2d,
        kernel: &[f32],
        bias: Vec<f32>,
    ) -> Self {
        Self {
            window: Window::new(input, output, conv.kernel, conv.strides, conv.dilation, conv.padding),
            multiplier: conv.multiplier,
            kernel: kernel.to_vec(),
            bias,
            activation: conv.activation,
        }
    }
}

impl Kernel for DepthwiseConv {
    fn run(&self, inputs: &[&Data], batch: usize) -> Result<Data, Mismatch> {
        let input = operand::<f32>(inputs)?;
        let Window { rows, columns, channels } = self.window;
        let filters = channels * self.multiplier;
        let mut output = vec![0.0f32; batch * rows.output * columns.output * filters];
        let row_len = columns.output * filters;
        let taps = rows.kernel * columns.kernel;
        for_rows(&mut output, row_len, row_len * taps, |first, chunk| {
            // Offsets of the window's taps on the image: into the image and into the kernel.
            let mut offsets = Vec::with_capacity(taps);
            for (row, output) in chunk.chunks_exact_mut(row_len).enumerate() {
                let (image, y) = ((first + row) / rows.output, (first + row) % rows.output);
                let image = &input[image * self.window.image()..][..self.window.image()];
                for (x, output) in output.chunks_exact_mut(filters).enumerate() {
                    offsets.clear();
                    self.window.taps(y, x, |tap, offset| offsets.push((offset, tap * filters)));
                    if self.multiplier == 1 {
                        self.pixel(image, &offsets, output);
                    } else {
                        self.multiplied_pixel(image, &offsets, output);
                    }
                }
            }
            activate(chunk, filters, self.activation);
        });
        Ok(f32::data(output))
    }
}

impl DepthwiseConv {
    /// The sums of one pixel, a block of channels after the other.
    fn pixel(&self, image: &[f32], offsets: &[(usize, usize)], output: &mut [f32]) {
        let (blocks, rest) = output.as_chunks_mut::<CHANNELS>();
        for (block, output) in blocks.iter_mut().enumerate() {
            let start = block * CHANNELS;
            let mut sums = [0.0f32; CHANNELS];
            for &(value, weight) in offsets {
                let values = &image[value + start..][..CHANNELS];
                let weights = &self.kernel[weight + start..][..CHANNELS];
                for ((sum, value), weight) in sums.iter_mut().zip(values).zip(weights) {
                    *sum += value * weight;
                }
            }
            for ((output, sum), bias) in output.iter_mut().zip(sums).zip(&self.bias[start..]) {
                *output = sum + bias;
            }
        }
        let start = blocks.len() * CHANNELS;
        for (channel, output) in rest.iter_mut().enumerate() {
            let channel = start + channel;
            let sum = offsets.iter().fold(0.0, |sum, &(value, weight)| {
                sum + image[value + channel] * self.kernel[weight + channel]
            });
            *output = sum + self.bias[channel];
        }
    }

    /// The sums of one pixel with several outputs for each channel.
    fn multiplied_pixel(&self, image: &[f32], offsets: &[(usize, usize)], output: &mut [f32]) {
        for (filter, output) in output.iter_mut().enumerate() {
            let channel = filter / self.multiplier;
            let sum = offsets.iter().fold(0.0, |sum, &(value, weight)| {
                sum + image[value + channel] * self.kernel[weight + filter]
            });
            *output = sum + self.bias[filter];
        }
    }
}
