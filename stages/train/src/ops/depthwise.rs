//! Depthwise convolution, plane by plane.
//!
//! Shapes: input `[batch, channels, height, width]`; kernel in the graph's own layout
//! `[height, width, channels, multiplier]`; output channel `channel * multiplier + m` reads input channel `channel`.

use super::{
    conv::Shape4,
    simd::{add_scaled, dot, vectorized},
    window::Window,
};
use rayon::prelude::*;

/// `[batch, channels * multiplier, output height, output width]`.
pub(crate) fn forward(
    input: &[f32],
    shape: Shape4,
    kernel: &[f32],
    window: Window,
    out: (usize, usize),
) -> Vec<f32> {
    let [batch, channels, height, width] = shape;
    let outputs = kernel.len() / (window.kernel.0 * window.kernel.1);
    let multiplier = outputs / channels;
    let mut output = vec![0f32; batch * outputs * out.0 * out.1];
    output.par_chunks_mut(out.0 * out.1).with_min_len(8).enumerate().for_each(|(index, target)| {
        let (sample, channel) = (index / outputs, index % outputs);
        let plane = &input[(sample * channels + channel / multiplier) * height * width..][..height * width];
        vectorized(|| {
            window.for_each_run((height, width), out, |tap, target_at, source_at, length| {
                let weight = kernel[tap * outputs + channel];
                let (target, source) = (&mut target[target_at..][..length], &plane[source_at..]);
                if window.strides.1 == 1 {
                    add_scaled(target, weight, source);
                } else {
                    for (target, source) in target.iter_mut().zip(source.iter().step_by(window.strides.1)) {
                        *target += weight * source;
                    }
                }
            });
        });
    });
    output
}

/// Gradient with respect to the input.
pub(crate) fn input_gradient(
    gradient: &[f32],
    shape: Shape4,
    kernel: &[f32],
    window: Window,
    out: (usize, usize),
) -> Vec<f32> {
    let [batch, channels, height, width] = shape;
    let outputs = kernel.len() / (window.kernel.0 * window.kernel.1);
    let multiplier = outputs / channels;
    let pixels = out.0 * out.1;
    let mut input = vec![0f32; batch * channels * height * width];
    input.par_chunks_mut(height * width).with_min_len(8).enumerate().for_each(|(index, plane)| {
        let (sample, channel) = (index / channels, index % channels);
        for output in channel * multiplier..(channel + 1) * multiplier {
            let gradient = &gradient[(sample * outputs + output) * pixels..][..pixels];
            vectorized(|| {
                window.for_each_run((height, width), out, |tap, gradient_at, plane_at, length| {
                    let weight = kernel[tap * outputs + output];
                    let (gradient, plane) = (&gradient[gradient_at..][..length], &mut plane[plane_at..]);
                    if window.strides.1 == 1 {
                        add_scaled(plane, weight, gradient);
                    } else {
                        for (plane, gradient) in plane.iter_mut().step_by(window.strides.1).zip(gradient) {
                            *plane += weight * gradient;
                        }
                    }
                });
            });
        }
    });
    input
}

/// Gradient with respect to the kernel, in the kernel's layout.
pub(crate) fn kernel_gradient(
    input: &[f32],
    shape: Shape4,
    gradient: &[f32],
    outputs: usize,
    window: Window,
    out: (usize, usize),
) -> Vec<f32> {
    let [batch, channels, height, width] = shape;
    let multiplier = outputs / channels;
    let (taps, pixels) = (window.kernel.0 * window.kernel.1, out.0 * out.1);
    let per_output: Vec<Vec<f32>> = (0..outputs)
        .into_par_iter()
        .with_min_len(4)
        .map(|output| {
            let mut sums = vec![0f32; taps];
            for sample in 0..batch {
                let plane = &input[(sample * channels + output / multiplier) * height * width..];
                let gradient = &gradient[(sample * outputs + output) * pixels..][..pixels];
                vectorized(|| {
                    window.for_each_run((height, width), out, |tap, gradient_at, plane_at, length| {
                        let (gradient, plane) = (&gradient[gradient_at..][..length], &plane[plane_at..]);
                        sums[tap] += if window.strides.1 == 1 {
                            dot(gradient, &plane[..length])
                        } else {
                            strided_dot(gradient, plane, window.strides.1)
                        };
                    });
                });
            }
            sums
        })
        .collect();
    let mut kernel = vec![0f32; taps * outputs];
    for (output, sums) in per_output.iter().enumerate() {
        for (tap, sum) in sums.iter().enumerate() {
            kernel[tap * outputs + output] = *sum;
        }
    }
    kernel
}

#[inline(always)]
fn strided_dot(gradient: &[f32], plane: &[f32], stride: usize) -> f32 {
    let mut lanes = [0f32; 4];
    for (index, (gradient, plane)) in gradient.iter().zip(plane.iter().step_by(stride)).enumerate() {
        lanes[index & 3] += gradient * plane;
    }
    lanes.iter().sum()
}
