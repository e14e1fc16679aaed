//! Convolution as a matrix product over unfolded windows.
//!
//! Shapes: input `[batch, channels, height, width]`; kernel in the graph's own layout `[height, width, in, out]`, which
//! read row by row is the matrix `[taps, out]` with `taps = height * width * in`; unfolded input
//! `[batch, taps, output pixels]`.

use super::window::Window;
use rayon::prelude::*;

/// Shape of a batch of feature maps: batch, channels, height, width.
pub(crate) type Shape4 = [usize; 4];

/// Every window of `input` as a column: `[batch, taps, output pixels]`.
pub(crate) fn unfold(input: &[f32], shape: Shape4, window: Window, out: (usize, usize)) -> Vec<f32> {
    let [batch, channels, height, width] = shape;
    let taps = window.kernel.0 * window.kernel.1 * channels;
    let pixels = out.0 * out.1;
    let mut columns = vec![0f32; batch * taps * pixels];
    columns.par_chunks_mut(pixels).enumerate().for_each(|(row, column)| {
        let (sample, tap) = (row / taps, row % taps);
        let (position, channel) = (tap / channels, tap % channels);
        let plane = &input[(sample * channels + channel) * height * width..][..height * width];
        let rows = window.rows(position / window.kernel.1, height, out.0);
        let cols = window.columns(position % window.kernel.1, width, out.1);
        for index in 0..rows.len() {
            let target = &mut column[(rows.start + index) * out.1..][cols.start..cols.end];
            let source = &plane[(rows.input + index * window.strides.0) * width..][..width];
            for (target, source) in
                target.iter_mut().zip(source.iter().skip(cols.input).step_by(window.strides.1))
            {
                *target = *source;
            }
        }
    });
    columns
}

/// The transpose of [`unfold`]: adds every column back to the pixels it was read from.
pub(crate) fn fold(columns: &[f32], shape: Shape4, window: Window, out: (usize, usize)) -> Vec<f32> {
    let [batch, channels, height, width] = shape;
    let pixels = out.0 * out.1;
    let positions = window.kernel.0 * window.kernel.1;
    let mut input = vec![0f32; batch * channels * height * width];
    input.par_chunks_mut(height * width).enumerate().for_each(|(index, plane)| {
        let (sample, channel) = (index / channels, index % channels);
        for position in 0..positions {
            let column =
                &columns[((sample * positions + position) * channels + channel) * pixels..][..pixels];
            let rows = window.rows(position / window.kernel.1, height, out.0);
            let cols = window.columns(position % window.kernel.1, width, out.1);
            for index in 0..rows.len() {
                let source = &column[(rows.start + index) * out.1..][cols.start..cols.end];
                let target = &mut plane[(rows.input + index * window.strides.0) * width..][..width];
                for (target, source) in
                    target.iter_mut().skip(cols.input).step_by(window.strides.1).zip(source)
                {
                    *target += source;
                }
            }
        }
    });
    input
}

/// Adds `bias[channel]` to every pixel.
pub(crate) fn add_bias(output: &mut [f32], bias: &[f32], pixels: usize) {
    output.par_chunks_mut(pixels).enumerate().for_each(|(index, plane)| {
        let bias = bias[index % bias.len()];
        plane.iter_mut().for_each(|value| *value += bias);
    });
}

/// Sum of `gradient` over batch and pixels: `[channels]`.
pub(crate) fn bias_gradient(gradient: &[f32], channels: usize, pixels: usize) -> Vec<f32> {
    let batch = gradient.len() / (channels * pixels);
    (0..channels)
        .into_par_iter()
        .with_min_len(8)
        .map(|channel| {
            (0..batch)
                .map(|sample| {
                    gradient[(sample * channels + channel) * pixels..][..pixels].iter().sum::<f32>()
                })
                .sum()
        })
        .collect()
}

/// Sum over the first axis of `[batch, elements]`.
pub(crate) fn sum_batch(parts: &[f32], elements: usize) -> Vec<f32> {
    let mut total = parts[..elements].to_vec();
    total.par_chunks_mut(4096).enumerate().for_each(|(chunk, total)| {
        for part in parts.chunks_exact(elements).skip(1) {
            for (total, part) in total.iter_mut().zip(&part[chunk * 4096..]) {
                *total += part;
            }
        }
    });
    total
}
