//! Pooling, over windows and over the whole image.

use crate::KernelError;
use crate::kernel::{Element, Kernel, Mismatch, Site, operand};
use crate::rows::for_rows;
use crate::window::Window;
use model::{Data, Pool2d};

/// Mean over height and width.
pub(crate) struct GlobalAveragePool {
    pixels: usize,
    channels: usize,
}

impl GlobalAveragePool {
    pub(crate) fn new(site: &Site<'_>) -> Result<Self, KernelError> {
        let [height, width, channels] = site.image(site.input()?)?;
        Ok(Self { pixels: height * width, channels })
    }
}

impl Kernel for GlobalAveragePool {
    fn run(&self, inputs: &[&Data], batch: usize) -> Result<Data, Mismatch> {
        let input = operand::<f32>(inputs)?;
        let mut output = vec![0.0f32; batch * self.channels];
        let images = input.chunks_exact(self.pixels * self.channels);
        for (sums, image) in output.chunks_exact_mut(self.channels).zip(images) {
            for pixel in image.chunks_exact(self.channels) {
                for (sum, value) in sums.iter_mut().zip(pixel) {
                    *sum += value;
                }
            }
            sums.iter_mut().for_each(|sum| *sum /= self.pixels as f32);
        }
        Ok(f32::data(output))
    }
}

/// What a window's elements become.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pooled {
    /// The largest.
    Max,
    /// Their mean; what lies outside the image does not count.
    Mean,
}

/// Pooling over a window.
pub(crate) struct Pool {
    window: Window,
    pooled: Pooled,
}

impl Pool {
    pub(crate) fn new(site: &Site<'_>, pool: &Pool2d, pooled: Pooled) -> Result<Self, KernelError> {
        let (input, output) = (site.image(site.input()?)?, site.image(site.output())?);
        let window = Window::new(input, output, pool.window, pool.strides, (1, 1), pool.padding);
        Ok(Self { window, pooled })
    }

    fn pixel(&self, image: &[f32], y: usize, x: usize, output: &mut [f32]) {
        let mut count = 0;
        self.window.taps(y, x, |_, offset| {
            let values = &image[offset..][..output.len()];
            match (self.pooled, count) {
                (_, 0) => output.copy_from_slice(values),
                (Pooled::Max, _) => {
                    output.iter_mut().zip(values).for_each(|(most, value)| *most = most.max(*value));
                }
                (Pooled::Mean, _) => output.iter_mut().zip(values).for_each(|(sum, value)| *sum += value),
            }
            count += 1;
        });
        if self.pooled == Pooled::Mean {
            output.iter_mut().for_each(|sum| *sum /= count as f32);
        }
    }
}

impl Kernel for Pool {
    fn run(&self, inputs: &[&Data], batch: usize) -> Result<Data, Mismatch> {
        let input = operand::<f32>(inputs)?;
        let Window { rows, columns, channels } = self.window;
        let row_len = columns.output * channels;
        let mut output = vec![0.0f32; batch * rows.output * row_len];
        for_rows(&mut output, row_len, row_len * rows.kernel * columns.kernel, |first, chunk| {
            for (row, output) in chunk.chunks_exact_mut(row_len).enumerate() {
                let (image, y) = ((first + row) / rows.output, (first + row) % rows.output);
                let image = &input[image * self.window.image()..][..self.window.image()];
                for (x, output) in output.chunks_exact_mut(channels).enumerate() {
                    self.pixel(image, y, x, output);
                }
            }
        });
        Ok(f32::data(output))
    }
}
