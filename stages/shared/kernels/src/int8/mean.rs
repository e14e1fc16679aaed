//! Mean over height and width.

use super::multiplier::Multiplier;
use crate::KernelError;
use crate::kernel::{Element, Kernel, Mismatch, Site, operand};
use model::Data;

/// Mean over height and width.
pub(crate) struct Mean {
    pixels: usize,
    channels: usize,
    multiplier: Multiplier,
    input_zero: i32,
    output_zero: i32,
}

impl Mean {
    pub(crate) fn new(site: &Site<'_>) -> Result<Self, KernelError> {
        let [height, width, channels] = site.image(site.input()?)?;
        let (input_scale, input_zero) = site.quant(site.input()?)?;
        let (output_scale, output_zero) = site.quant(site.output())?;
        let pixels = height * width;
        let multiplier = Multiplier::new(f64::from(input_scale) / f64::from(output_scale)).divided_by(pixels);
        Ok(Self { pixels, channels, multiplier, input_zero, output_zero })
    }
}

impl Kernel for Mean {
    fn run(&self, inputs: &[&Data], batch: usize) -> Result<Data, Mismatch> {
        let input = operand::<i8>(inputs)?;
        let mut output = Vec::with_capacity(batch * self.channels);
        let zeros = self.input_zero.wrapping_mul(self.pixels as i32);
        for image in input.chunks_exact(self.pixels * self.channels) {
            let mut sums = vec![0i32; self.channels];
            for pixel in image.chunks_exact(self.channels) {
                for (sum, &value) in sums.iter_mut().zip(pixel) {
                    *sum = sum.wrapping_add(i32::from(value));
                }
            }
            output.extend(sums.into_iter().map(|sum| {
                let mean = self.multiplier.apply(sum.wrapping_sub(zeros)).saturating_add(self.output_zero);
                mean.clamp(-128, 127) as i8
            }));
        }
        Ok(i8::data(output))
    }
}
