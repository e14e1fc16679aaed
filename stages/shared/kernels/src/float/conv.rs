//! Convolution as a matrix product.

use super::activation::activate;
use super::gemm::Panels;
use crate::KernelError;
use crate::kernel::{Element, Kernel, Mismatch, Site, operand};
use crate::rows::for_rows;
use crate::window::Window;
use model::{Activation, Conv2d, Data};

/// Pixels whose windows are laid out at once.
const PIXELS: usize = 24;

/// Convolution.
pub(crate) struct Conv {
    window: Window,
    filters: usize,
    kernel: Panels,
    bias: Vec<f32>,
    activation: Activation,
}

impl Conv {
    pub(crate) fn new(site: &Site<'_>, conv: &Conv2d) -> Result<Self, KernelError> {
        let input = site.image(site.input()?)?;
        let output = site.image(site.output())?;
        Ok(Self::of(input, output, conv, weights(site, 0)?, bias(site, conv.filters)?))
    }

    /// Between images of these shapes, with these weights.
    pub(crate) fn of(
        input: [usize; 3],
        output: [usize; 3],
        conv: &Conv2d,
        kernel: &[f32],
        bias: Vec<f32>,
    ) -> Self {
        let window = Window::new(input, output, conv.kernel, conv.strides, conv.dilation, conv.padding);
        let kernel = Panels::new(kernel, window.len(), conv.filters);
        Self { window, filters: conv.filters, kernel, bias, activation: conv.activation }
    }

    /// Lays out the windows of one row of outputs from column `start` on as rows of a matrix.
    fn patches(&self, image: &[f32], y: usize, start: usize, patches: &mut [f32]) {
        let channels = self.window.channels;
        patches.fill(0.0);
        for (x, patch) in patches.chunks_exact_mut(self.kernel.rows()).enumerate() {
            self.window.taps(y, start + x, |tap, offset| {
                patch[tap * channels..][..channels].copy_from_slice(&image[offset..][..channels]);
            });
        }
    }
}

impl Kernel for Conv {
    fn run(&self, inputs: &[&Data], batch: usize) -> Result<Data, Mismatch> {
        let input = operand::<f32>(inputs)?;
        let Window { rows, columns, .. } = self.window;
        let mut output = vec![0.0f32; batch * rows.output * columns.output * self.filters];
        let row_len = columns.output * self.filters;
        let depth = self.kernel.rows();
        for_rows(&mut output, row_len, row_len * depth, |first, chunk| {
            if self.window.is_pointwise() {
                let pixels = chunk.len() / self.filters;
                let input = &input[first * columns.input * depth..][..pixels * depth];
                let blocks = input.chunks(2 * PIXELS * depth);
                for (input, output) in blocks.zip(chunk.chunks_mut(2 * PIXELS * self.filters)) {
                    self.kernel.multiply(input, &self.bias, output);
                }
            } else {
                let mut patches = vec![0.0; PIXELS.min(columns.output) * depth];
                for (row, output) in chunk.chunks_exact_mut(row_len).enumerate() {
                    let (image, y) = ((first + row) / rows.output, (first + row) % rows.output);
                    let image = &input[image * self.window.image()..][..self.window.image()];
                    for (block, output) in output.chunks_mut(PIXELS * self.filters).enumerate() {
                        let patches = &mut patches[..output.len() / self.filters * depth];
                        self.patches(image, y, block * PIXELS, patches);
                        self.kernel.multiply(patches, &self.bias, output);
                    }
                }
            }
            activate(chunk, self.filters, self.activation);
        });
        Ok(f32::data(output))
    }
}

/// The float weights at a position.
pub(crate) fn weights<'a>(site: &Site<'a>, position: usize) -> Result<&'a [f32], KernelError> {
    site.layer
        .weights
        .get(position)
        .and_then(|weights| weights.as_f32())
        .ok_or_else(|| site.error(format!("a float layer needs float weights (number {position})")))
}

/// The bias after the kernel; zeros when there is none.
pub(crate) fn bias(site: &Site<'_>, filters: usize) -> Result<Vec<f32>, KernelError> {
    match site.layer.weights.len() {
        0 | 1 => Ok(vec![0.0; filters]),
        _ => Ok(weights(site, 1)?.to_vec()),
    }
}
