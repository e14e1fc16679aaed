//! Transposed convolution.

use super::activation::activate;
use super::conv::{bias, weights};
use crate::KernelError;
use crate::kernel::{Element, Kernel, Mismatch, Site, operand};
use crate::rows::for_rows;
use crate::window::Window;
use model::{Activation, Conv2dTranspose, Data};

/// Transposed convolution, output pixel by output pixel.
pub(crate) struct ConvTranspose {
    /// The window of the convolution from the output to the input.
    window: Window,
    filters: usize,
    /// `[tap, in, out]`, so that the inner loop runs over the filters.
    kernel: Vec<f32>,
    bias: Vec<f32>,
    activation: Activation,
}

impl ConvTranspose {
    pub(crate) fn new(site: &Site<'_>, conv: &Conv2dTranspose) -> Result<Self, KernelError> {
        let [height, width, channels] = site.image(site.input()?)?;
        let [to_height, to_width, filters] = site.image(site.output())?;
        let (output, input) = ([to_height, to_width, channels], [height, width, channels]);
        let window = Window::new(output, input, conv.kernel, conv.strides, conv.dilation, conv.padding);
        let stored = weights(site, 0)?;
        let mut kernel = vec![0.0; stored.len()];
        for (stored, kernel) in
            stored.chunks_exact(filters * channels).zip(kernel.chunks_exact_mut(filters * channels))
        {
            for (filter, row) in stored.chunks_exact(channels).enumerate() {
                for (channel, weight) in row.iter().enumerate() {
                    kernel[channel * filters + filter] = *weight;
                }
            }
        }
        Ok(Self { window, filters, kernel, bias: bias(site, filters)?, activation: conv.activation })
    }

    /// Adds to one pixel what the input pixels under it give.
    fn pixel(&self, image: &[f32], y: usize, x: usize, output: &mut [f32]) {
        let Window { rows, columns, channels } = self.window;
        for ky in 0..rows.kernel {
            let Some(row) = rows.over(y, ky) else { continue };
            for kx in 0..columns.kernel {
                let Some(column) = columns.over(x, kx) else { continue };
                let values = &image[(row * columns.output + column) * channels..][..channels];
                let tap = (ky * columns.kernel + kx) * channels * self.filters;
                let kernel = self.kernel[tap..].chunks_exact(self.filters);
                for (value, weights) in values.iter().zip(kernel) {
                    for (output, weight) in output.iter_mut().zip(weights) {
                        *output += value * weight;
                    }
                }
            }
        }
    }
}

impl Kernel for ConvTranspose {
    fn run(&self, inputs: &[&Data], batch: usize) -> Result<Data, Mismatch> {
        let input = operand::<f32>(inputs)?;
        let Window { rows, columns, channels } = self.window;
        let row_len = columns.input * self.filters;
        let image_len = rows.output * columns.output * channels;
        let mut output = vec![0.0f32; batch * rows.input * row_len];
        let work = row_len * channels * rows.kernel * columns.kernel;
        for_rows(&mut output, row_len, work, |first, chunk| {
            for (row, output) in chunk.chunks_exact_mut(row_len).enumerate() {
                let (image, y) = ((first + row) / rows.input, (first + row) % rows.input);
                let image = &input[image * image_len..][..image_len];
                for (x, output) in output.chunks_exact_mut(self.filters).enumerate() {
                    self.pixel(image, y, x, output);
                    output.iter_mut().zip(&self.bias).for_each(|(output, bias)| *output += bias);
                }
            }
            activate(chunk, self.filters, self.activation);
        });
        Ok(f32::data(output))
    }
}
