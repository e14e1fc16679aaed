//! Resampling by whole factors with half-pixel centres, as Keras' `UpSampling2D`.

use super::{conv::Shape4, simd::add_scaled};
use model::Interpolation;
use rayon::prelude::*;

/// Factors of height and width, and the sampling.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Resize {
    /// Factors of height and width.
    pub(crate) factor: (usize, usize),
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
    fn axis(self, input: usize, factor: usize) -> Vec<Between> {
        (0..input * factor)
            .map(|index| match self.interpolation {
                Interpolation::Nearest => Between { low: index / factor, high: index / factor, share: 0.0 },
                Interpolation::Bilinear => {
                    let centre = (index as f32 + 0.5) / factor as f32 - 0.5;
                    let floor = centre.floor();
                    let low = floor.max(0.0) as usize;
                    let high = ((floor + 1.0).max(0.0) as usize).min(input - 1);
                    Between { low: low.min(input - 1), high, share: centre - floor }
                }
            })
            .collect()
    }
}

/// `[batch, channels, height * factor, width * factor]`.
pub(crate) fn forward(input: &[f32], shape: Shape4, resize: Resize) -> Vec<f32> {
    let [_, _, height, width] = shape;
    let (rows, columns) = (resize.axis(height, resize.factor.0), resize.axis(width, resize.factor.1));
    let mut output = vec![0f32; input.len() * resize.factor.0 * resize.factor.1];
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
    let (rows, columns) = (resize.axis(height, resize.factor.0), resize.axis(width, resize.factor.1));
    let mut input = vec![0f32; gradient.len() / (resize.factor.0 * resize.factor.1)];
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
