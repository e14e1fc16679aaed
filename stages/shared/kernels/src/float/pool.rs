//! Global average pooling.

use crate::KernelError;
use crate::kernel::{Element, Kernel, Mismatch, Site, operand};
use model::Data;

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
