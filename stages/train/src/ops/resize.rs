//! Resampling with half-pixel centres and without antialiasing, as Keras' `UpSampling2D` and `Resizing`.

use super::{conv::Shape4, simd::add_scaled};
use model::Interpolation;
use rayon::prelude::*;

/// The size of the output, and the sampling.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Resize {
    /// Height and width of the output.
    pub(crate) size: (usize, usize),
    /// Sampling.
    pub(crate) interpolation: Interpolation,
}

/// Where an output element lies between two input elements: `low + share * (high - low)`.
#[derive(Debug, Clone, Copy)]
struct Between {
    low: usize,
    high: usize,
    share: f32,
}

impl Resize {
    fn axis(self, input: usize, output: usize) -> Vec<Between> {
        // TensorFlow's arithmetic: which of two elements is nearest may hang on the last digit.
        let scale = input as f32 / output as f32;
        (0..output)
            .map(|index| match self.interpolation {
                Interpolation::Nearest => {
                    let nearest = (((index as f32 + 0.5) * scale) as usize).min(input - 1);
                    Between { low: nearest, high: nearest, share: 0.0 }
                }
                Interpolation::Bilinear => {
                    let centre = (index as f32 + 0.5) * input as f32 / output as f32 - 0.5;
                    let floor = centre.floor();
                    let low = floor.max(0.0) as usize;
                    let high = ((floor + 1.0).max(0.0) as usize).min(input - 1);
                    Between { low: low.min(input - 1), high, share: centre - floor }
                }
            })
            .collect()
    }
}

/// `[batch, channels, output height, output width]`.
pub(crate) fn forward(input: &[f32], shape: Shape4, resize: Resize) -> Vec<f32> {
    let [_, _, height, width] = shape;
    let (rows, columns) = (resize.axis(height, resize.size.0), resize.axis(width, resize.size.1));
    let mut output = vec![0f32; input.len() / (height * width) * resize.size.0 * resize.size.1];
    output.par_chunks_mut(rows.len() * columns.len()).zip(input.par_chunks(height * width)).for_each(
        |(output, input)| {
            let mut blended = vec![0f32; width];
            for (target, row) in output.chunks_exact_mut(columns.len()).zip(&rows) {
                let (low, high) = (&input[row.low * width..][..width], &input[row.high * width..][..width]);
                for ((blended, low), high) in blended.iter_mut().zip(low).zip(high) {
                    *blended = low + row.share * (high - low);
                }
                for (target, column) in target.iter_mut().zip(&columns) {
                    let (low, high) = (blended[column.low], blended[column.high]);
                    *target = low + column.share * (high - low);
                }
            }
        },
    );
    output
}

/// Gradient with respect to the input: the transpose of [`forward`]. `shape` is the input's.
pub(crate) fn input_gradient(gradient: &[f32], shape: Shape4, resize: Resize) -> Vec<f32> {
    let [_, _, height, width] = shape;
    let (rows, columns) = (resize.axis(height, resize.size.0), resize.axis(width, resize.size.1));
    let mut input = vec![0f32; gradient.len() / (resize.size.0 * resize.size.1) * height * width];
    input.par_chunks_mut(height * width).zip(gradient.par_chunks(rows.len() * columns.len())).for_each(
        |(input, gradient)| {
            let mut gathered = vec![0f32; width];
            for (gradient, row) in gradient.chunks_exact(columns.len()).zip(&rows) {
                gathered.fill(0.0);
                for (gradient, column) in gradient.iter().zip(&columns) {
                    gathered[column.low] += (1.0 - column.share) * gradient;
                    gathered[column.high] += column.share * gradient;
                }
                add_scaled(&mut input[row.low * width..][..width], 1.0 - row.share, &gathered);
                add_scaled(&mut input[row.high * width..][..width], row.share, &gathered);
            }
        },
    );
    input
}
