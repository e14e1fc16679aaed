//! Pooling over windows, plane by plane. Elements outside the input count neither for a maximum nor for a mean.

use super::{conv::Shape4, window::Window};
use rayon::prelude::*;

/// What a window's elements become.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pooling {
    /// The largest; of equal ones the first, row by row, gets the gradient.
    Max,
    /// The mean.
    Average,
}

/// A pooling: what is taken of which windows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Pool {
    /// What is taken.
    pub(crate) pooling: Pooling,
    /// The windows; each has an element inside the input.
    pub(crate) window: Window,
}

/// `[batch, channels, output height, output width]`.
pub(crate) fn forward(input: &[f32], shape: Shape4, pool: Pool, out: (usize, usize)) -> Vec<f32> {
    let [batch, channels, height, width] = shape;
    let pixels = out.0 * out.1;
    let mut output = vec![0f32; batch * channels * pixels];
    let planes = output.par_chunks_mut(pixels).zip(input.par_chunks(height * width)).with_min_len(4);
    match pool.pooling {
        Pooling::Max => planes.for_each(|(target, plane)| {
            for (target, index) in target.iter_mut().zip(largest(plane, (height, width), pool.window, out)) {
                *target = plane[index];
            }
        }),
        Pooling::Average => {
            let counts = counts((height, width), pool.window, out);
            planes.for_each(|(target, plane)| {
                pool.window.for_each_tap((height, width), out, |at, input| target[at] += plane[input]);
                target.iter_mut().zip(&counts).for_each(|(target, count)| *target /= count);
            });
        }
    }
    output
}

/// Gradient of [`forward`] with respect to the input, whose shape is `shape`.
pub(crate) fn input_gradient(
    input: &[f32],
    shape: Shape4,
    gradient: &[f32],
    pool: Pool,
    out: (usize, usize),
) -> Vec<f32> {
    let [_, _, height, width] = shape;
    let mut target = vec![0f32; input.len()];
    let planes = target
        .par_chunks_mut(height * width)
        .zip(input.par_chunks(height * width).zip(gradient.par_chunks(out.0 * out.1)))
        .with_min_len(4);
    match pool.pooling {
        Pooling::Max => planes.for_each(|(target, (plane, gradient))| {
            for (gradient, index) in gradient.iter().zip(largest(plane, (height, width), pool.window, out)) {
                target[index] += gradient;
            }
        }),
        Pooling::Average => {
            let counts = counts((height, width), pool.window, out);
            planes.for_each(|(target, (_, gradient))| {
                pool.window.for_each_tap((height, width), out, |at, input| {
                    target[input] += gradient[at] / counts[at];
                });
            });
        }
    }
    target
}

/// Where in the plane each window's largest element is; a NaN is larger than all numbers, so that it is not lost.
fn largest(plane: &[f32], size: (usize, usize), window: Window, out: (usize, usize)) -> Vec<usize> {
    let mut best = vec![usize::MAX; out.0 * out.1];
    window.for_each_tap(size, out, |at, input| {
        let found = best[at];
        if found == usize::MAX || plane[input] > plane[found] || plane[input].is_nan() {
            best[at] = input;
        }
    });
    best
}

/// How many elements of each window lie inside the input.
fn counts(size: (usize, usize), window: Window, out: (usize, usize)) -> Vec<f32> {
    let mut counts = vec![0f32; out.0 * out.1];
    window.for_each_tap(size, out, |at, _| counts[at] += 1.0);
    counts
}
