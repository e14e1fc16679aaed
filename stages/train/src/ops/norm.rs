//! Batch normalisation over batch, height and width, with the clipping activation that follows it in one pass.
//!
//! Source: Ioffe and Szegedy, arXiv 1502.03167; epsilon inside the root and biased variance as in Keras.

use super::{
    conv::Shape4,
    simd::{LANES, vectorized},
};
use rayon::prelude::*;

/// Bounds of the activation after a normalisation or on its own.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Bounds {
    /// Smaller values become this one.
    pub(crate) low: f32,
    /// Larger values become this one.
    pub(crate) high: f32,
}

impl Bounds {
    /// No activation.
    pub(crate) const NONE: Self = Self { low: f32::NEG_INFINITY, high: f32::INFINITY };

    /// `max(x, 0)`, and at most `high` where given.
    pub(crate) fn relu(high: Option<f32>) -> Self {
        Self { low: 0.0, high: high.unwrap_or(f32::INFINITY) }
    }

    #[inline(always)]
    fn clip(self, value: f32) -> f32 {
        // Not `clamp`: a NaN must stay a NaN, so that the training notices it.
        let raised = if value < self.low { self.low } else { value };
        if raised > self.high { self.high } else { raised }
    }

    /// `gradient` where `value` lies between the bounds, else 0. Written without a branch, so that loops vectorise.
    #[inline(always)]
    fn pass(self, value: f32, gradient: f32) -> f32 {
        if (value > self.low) & (value < self.high) { gradient } else { 0.0 }
    }
}

/// How a normalisation is done, apart from its weights.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct NormOptions {
    /// Added to the variance.
    pub(crate) epsilon: f32,
    /// The activation behind it.
    pub(crate) bounds: Bounds,
}

/// Mean and biased variance of every channel.
pub(crate) fn moments(input: &[f32], shape: Shape4) -> (Vec<f32>, Vec<f32>) {
    let [batch, channels, height, width] = shape;
    let (pixels, count) = (height * width, (batch * height * width) as f32);
    (0..channels)
        .into_par_iter()
        .with_min_len(4)
        .map(|channel| {
            let plane = |sample: usize| &input[(sample * channels + channel) * pixels..][..pixels];
            // Deviations from the first pixel first: a large common offset would swallow the digits of small values.
            let pivot = input[channel * pixels];
            let offset = (0..batch).map(|sample| deviations(plane(sample), pivot).0).sum::<f32>() / count;
            let mean = pivot + offset;
            let variance = (0..batch).map(|sample| deviations(plane(sample), mean).1).sum::<f32>() / count;
            (mean, variance)
        })
        .unzip()
}

/// `clip(input * scale[channel] + shift[channel])`.
pub(crate) fn scale_shift(
    input: &[f32],
    pixels: usize,
    scale: &[f32],
    shift: &[f32],
    bounds: Bounds,
) -> Vec<f32> {
    let channels = scale.len();
    let mut output = vec![0f32; input.len()];
    output.par_chunks_mut(pixels).with_min_len(8).zip(input.par_chunks(pixels)).enumerate().for_each(
        |(index, (output, input))| {
            let (scale, shift) = (scale[index % channels], shift[index % channels]);
            vectorized(|| {
                for (output, input) in output.iter_mut().zip(input) {
                    *output = bounds.clip(input * scale + shift);
                }
            });
        },
    );
    output
}

/// Gradient of [`scale_shift`] with respect to its input.
pub(crate) fn scale_shift_gradient(
    input: &[f32],
    gradient: &[f32],
    pixels: usize,
    scale: &[f32],
    shift: &[f32],
    bounds: Bounds,
) -> Vec<f32> {
    let channels = scale.len();
    let mut output = vec![0f32; input.len()];
    output
        .par_chunks_mut(pixels)
        .with_min_len(8)
        .zip(input.par_chunks(pixels).zip(gradient.par_chunks(pixels)))
        .enumerate()
        .for_each(|(index, (output, (input, gradient)))| {
            let (scale, shift) = (scale[index % channels], shift[index % channels]);
            vectorized(|| {
                for ((output, input), gradient) in output.iter_mut().zip(input).zip(gradient) {
                    *output = scale * bounds.pass(input * scale + shift, *gradient);
                }
            });
        });
    output
}

/// Scale and shift that normalise: `gamma / sqrt(variance + epsilon)` and `beta - mean * scale`.
pub(crate) fn affine(
    gamma: &[f32],
    beta: &[f32],
    mean: &[f32],
    variance: &[f32],
    epsilon: f32,
) -> (Vec<f32>, Vec<f32>) {
    let scale: Vec<f32> =
        gamma.iter().zip(variance).map(|(gamma, variance)| gamma / (variance + epsilon).sqrt()).collect();
    let shift = beta.iter().zip(mean).zip(&scale).map(|((beta, mean), scale)| beta - mean * scale).collect();
    (scale, shift)
}

/// Gradients of input, gamma and beta.
pub(crate) struct NormGradients {
    /// Like the input.
    pub(crate) input: Vec<f32>,
    /// `[channels]`.
    pub(crate) gamma: Vec<f32>,
    /// `[channels]`.
    pub(crate) beta: Vec<f32>,
}

/// What [`backward`] needs of the forward pass besides the input.
pub(crate) struct Normed<'a> {
    /// `[channels]`.
    pub(crate) gamma: &'a [f32],
    /// `[channels]`.
    pub(crate) beta: &'a [f32],
    /// Batch mean, `[channels]`.
    pub(crate) mean: &'a [f32],
    /// Biased batch variance, `[channels]`.
    pub(crate) variance: &'a [f32],
    /// Epsilon and activation.
    pub(crate) options: NormOptions,
}

/// The gradients, batch mean and variance taken as functions of the input.
pub(crate) fn backward(input: &[f32], shape: Shape4, gradient: &[f32], normed: &Normed<'_>) -> NormGradients {
    let [batch, channels, height, width] = shape;
    let (pixels, count) = (height * width, (batch * height * width) as f32);
    let NormOptions { epsilon, bounds } = normed.options;
    let (scale, shift) = affine(normed.gamma, normed.beta, normed.mean, normed.variance, epsilon);
    // Per channel: the sums of the gradient and of gradient times deviation from the mean.
    let sums: Vec<(f32, f32)> = (0..channels)
        .into_par_iter()
        .with_min_len(4)
        .map(|channel| {
            let (scale, shift, mean) = (scale[channel], shift[channel], normed.mean[channel]);
            (0..batch).fold((0.0, 0.0), |total, sample| {
                let at = (sample * channels + channel) * pixels;
                let (input, gradient) = (&input[at..][..pixels], &gradient[at..][..pixels]);
                let part = gradient_sums(input, gradient, scale, shift, mean, bounds);
                (total.0 + part.0, total.1 + part.1)
            })
        })
        .collect();
    let inverse: Vec<f32> =
        normed.variance.iter().map(|variance| 1.0 / (variance + epsilon).sqrt()).collect();
    let mut output = vec![0f32; input.len()];
    output
        .par_chunks_mut(pixels)
        .with_min_len(8)
        .zip(input.par_chunks(pixels).zip(gradient.par_chunks(pixels)))
        .enumerate()
        .for_each(|(index, (output, (input, gradient)))| {
            let channel = index % channels;
            let (scale, shift, mean) = (scale[channel], shift[channel], normed.mean[channel]);
            let constant = sums[channel].0 / count;
            let slope = sums[channel].1 * inverse[channel] * inverse[channel] / count;
            vectorized(|| {
                for ((output, input), gradient) in output.iter_mut().zip(input).zip(gradient) {
                    let passed = bounds.pass(input * scale + shift, *gradient);
                    *output = scale * (passed - constant - (input - mean) * slope);
                }
            });
        });
    NormGradients {
        input: output,
        gamma: sums.iter().zip(&inverse).map(|(sums, inverse)| sums.1 * inverse).collect(),
        beta: sums.iter().map(|sums| sums.0).collect(),
    }
}

/// `clip(input)`.
pub(crate) fn clip(input: &[f32], bounds: Bounds) -> Vec<f32> {
    let mut output = vec![0f32; input.len()];
    output.par_chunks_mut(CHUNK).zip(input.par_chunks(CHUNK)).for_each(|(output, input)| {
        vectorized(|| {
            for (output, input) in output.iter_mut().zip(input) {
                *output = bounds.clip(*input);
            }
        });
    });
    output
}

/// Gradient of [`clip`]: zero at and beyond the bounds.
pub(crate) fn clip_gradient(input: &[f32], gradient: &[f32], bounds: Bounds) -> Vec<f32> {
    let mut output = vec![0f32; input.len()];
    output.par_chunks_mut(CHUNK).zip(input.par_chunks(CHUNK).zip(gradient.par_chunks(CHUNK))).for_each(
        |(output, (input, gradient))| {
            vectorized(|| {
                for ((output, input), gradient) in output.iter_mut().zip(input).zip(gradient) {
                    *output = bounds.pass(*input, *gradient);
                }
            });
        },
    );
    output
}

const CHUNK: usize = 1 << 14;

/// Sums of `x - centre` and of its square.
fn deviations(values: &[f32], centre: f32) -> (f32, f32) {
    vectorized(|| {
        let (mut first, mut second) = ([0f32; LANES], [0f32; LANES]);
        let (chunks, tail) = values.as_chunks::<LANES>();
        for chunk in chunks {
            for lane in 0..LANES {
                let deviation = chunk[lane] - centre;
                first[lane] += deviation;
                second[lane] += deviation * deviation;
            }
        }
        let (mut sum, mut squares) = (first.iter().sum::<f32>(), second.iter().sum::<f32>());
        for value in tail {
            let deviation = value - centre;
            sum += deviation;
            squares += deviation * deviation;
        }
        (sum, squares)
    })
}

/// Sums of the gradient that passes the activation, and of it times the input's deviation from the mean.
fn gradient_sums(
    input: &[f32],
    gradient: &[f32],
    scale: f32,
    shift: f32,
    mean: f32,
    bounds: Bounds,
) -> (f32, f32) {
    vectorized(|| {
        let (mut first, mut second) = ([0f32; LANES], [0f32; LANES]);
        let ((inputs, input_tail), (gradients, gradient_tail)) =
            (input.as_chunks::<LANES>(), gradient.as_chunks::<LANES>());
        for (input, gradient) in inputs.iter().zip(gradients) {
            for lane in 0..LANES {
                let passed = bounds.pass(input[lane] * scale + shift, gradient[lane]);
                first[lane] += passed;
                second[lane] += passed * (input[lane] - mean);
            }
        }
        let (mut sum, mut products) = (first.iter().sum::<f32>(), second.iter().sum::<f32>());
        for (input, gradient) in input_tail.iter().zip(gradient_tail) {
            let passed = bounds.pass(input * scale + shift, *gradient);
            sum += passed;
            products += passed * (input - mean);
        }
        (sum, products)
    })
}
