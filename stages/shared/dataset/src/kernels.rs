//! The interpolations of `tf.image.resize` that weigh a span of elements: each axis is a table of spans.
//!
//! Source: TensorFlow 2, `resize_bicubic_op.cc`, `resize_area_op.cc`, `scale_and_translate_op.cc` and
//! `sampling_kernels.h`, with half-pixel centres and without antialias.

use crate::Size;
use std::f32::consts::PI;

/// The neighbouring elements of the input, from `start`, that one element of the output is a weighted sum of.
pub(crate) struct Span {
    start: usize,
    weights: Vec<f32>,
}

impl Span {
    /// The weighted sum along an axis of this length, whose last element stands for those past it.
    fn sum(&self, length: usize, value: impl Fn(usize) -> f32) -> f32 {
        (self.start..)
            .zip(&self.weights)
            .fold(0.0, |sum, (at, weight)| sum + value(at.min(length - 1)) * weight)
    }
}

/// One span for each element of an axis of length `to`, over an axis of length `from`.
pub(crate) type Axis = fn(from: usize, to: usize) -> Vec<Span>;

/// From `[from.height, from.width, channels]` to `[to.height, to.width, channels]`: rows first, then columns.
pub(crate) fn weigh(pixels: &[u8], from: Size, channels: usize, to: Size, axis: Axis) -> Vec<f32> {
    let (rows, columns) = (axis(from.height, to.height), axis(from.width, to.width));
    let width = from.width * channels;
    let mut out = Vec::with_capacity(to.height * to.width * channels);
    for row in &rows {
        let mut line = vec![0.0_f32; width];
        for (weight, source) in row.weights.iter().zip(pixels[row.start * width..].chunks_exact(width)) {
            for (sum, &pixel) in line.iter_mut().zip(source) {
                *sum += f32::from(pixel) * weight;
            }
        }
        for column in &columns {
            out.extend((0..channels).map(|channel| column.sum(from.width, |x| line[x * channels + channel])));
        }
    }
    out
}

/// Cubic convolution of Keys (1981), a = -0.5, whose weights TensorFlow rounds to 1024 positions between two elements.
pub(crate) fn bicubic(from: usize, to: usize) -> Vec<Span> {
    const STEPS: f32 = 1024.0;
    let scale = from as f32 / to as f32;
    let near = |x: f64| ((1.5 * x - 2.5) * x * x + 1.0) as f32;
    let far = |x: f64| (((-0.5 * x + 2.5) * x - 4.0) * x + 2.0) as f32;
    let span = |index: usize| {
        let position = (index as f32 + 0.5) * scale - 0.5;
        let floor = position.floor();
        let share = f64::from(((position - floor) * STEPS).round_ties_even() / STEPS);
        let weights = [far(share + 1.0), near(share), near(1.0 - share), far(2.0 - share)];
        let first = floor as isize - 1;
        let inside: Vec<(usize, f32)> = (first..)
            .zip(weights)
            .filter_map(|(at, weight)| Some((usize::try_from(at).ok().filter(|&at| at < from)?, weight)))
            .collect();
        Span {
            start: inside.first().map_or(0, |&(at, _)| at),
            weights: normalized(inside.into_iter().map(|(_, weight)| weight).collect()),
        }
    };
    (0..to).map(span).collect()
}

/// The mean of what an output element covers of the input. In TensorFlow's order, unlike the others: columns first, and
/// the sum divided once.
pub(crate) fn area(pixels: &[u8], from: Size, channels: usize, to: Size) -> Vec<f32> {
    let (rows, columns) = (covered(from.height, to.height), covered(from.width, to.width));
    let share = 1.0 / ((from.height as f32 / to.height as f32) * (from.width as f32 / to.width as f32));
    let mut out = Vec::with_capacity(to.height * to.width * channels);
    for row in &rows {
        for column in &columns {
            for channel in 0..channels {
                let line = |y: usize| {
                    column.sum(from.width, |x| f32::from(pixels[(y * from.width + x) * channels + channel]))
                };
                out.push(row.sum(from.height, line) * share);
            }
        }
    }
    out
}

/// How much of each element of the input an element of the output covers; rounding can push the last one past the end.
fn covered(from: usize, to: usize) -> Vec<Span> {
    let scale = from as f32 / to as f32;
    let span = |index: usize| {
        let (low, high) = (index as f32 * scale, (index + 1) as f32 * scale);
        let weight = |at: usize| match (at as f32, (at + 1) as f32) {
            (start, end) if start < low && end > high => scale,
            (start, end) if start < low => end - low,
            (start, end) if end > high => high - start,
            _ => 1.0,
        };
        let start = low.floor() as usize;
        Span { start, weights: (start..high.ceil() as usize).map(weight).collect() }
    };
    (0..to).map(span).collect()
}

/// Lanczos with three lobes.
pub(crate) fn lanczos3(from: usize, to: usize) -> Vec<Span> {
    spread(from, to, 3.0, |x| lanczos(x, 3.0))
}

/// Lanczos with five lobes.
pub(crate) fn lanczos5(from: usize, to: usize) -> Vec<Span> {
    spread(from, to, 5.0, |x| lanczos(x, 5.0))
}

/// Gaussian with a standard deviation of half an element, cut at three of them.
pub(crate) fn gaussian(from: usize, to: usize) -> Vec<Span> {
    const RADIUS: f32 = 1.5;
    const SIGMA: f32 = RADIUS / 3.0;
    spread(from, to, RADIUS, |x| if x >= RADIUS { 0.0 } else { (-x * x / (2.0 * SIGMA * SIGMA)).exp() })
}

/// The cubic of Mitchell and Netravali (1988), B = C = 1/3.
pub(crate) fn mitchellcubic(from: usize, to: usize) -> Vec<Span> {
    spread(from, to, 2.0, |x| match x {
        x if x >= 2.0 => 0.0,
        x if x >= 1.0 => ((-7.0 / 18.0 * x + 2.0) * x - 10.0 / 3.0) * x + 16.0 / 9.0,
        x => (7.0 / 6.0 * x - 2.0) * x * x + 8.0 / 9.0,
    })
}

fn lanczos(x: f32, radius: f32) -> f32 {
    match x {
        x if x > radius => 0.0,
        x if x <= 1e-3 => 1.0,
        x => radius * (PI * x).sin() * (PI * x / radius).sin() / (PI * PI * x * x),
    }
}

/// The elements whose centres are at most `radius` away, weighed by `kernel` of the distance.
fn spread(from: usize, to: usize, radius: f32, kernel: impl Fn(f32) -> f32) -> Vec<Span> {
    let step = 1.0 / (to as f32 / from as f32);
    let span = |index: usize| {
        let centre = (index as f32 + 0.5) * step;
        let start = ((centre - radius - 0.5).ceil().max(0.0) as usize).min(from - 1);
        let last = ((centre + radius - 0.5).floor().max(0.0) as usize).clamp(start, from - 1);
        let weights = (start..=last).map(|at| kernel((at as f32 + 0.5 - centre).abs())).collect();
        Span { start, weights: normalized(weights) }
    };
    (0..to).map(span).collect()
}

/// Weights whose sum is 1, though elements outside the input are missing.
fn normalized(mut weights: Vec<f32>) -> Vec<f32> {
    let sum = weights.iter().fold(0.0, |sum, weight| sum + weight);
    if sum.abs() >= 1000.0 * f32::MIN_POSITIVE {
        weights.iter_mut().for_each(|weight| *weight *= 1.0 / sum);
    }
    weights
}

#[cfg(test)]
mod tests {
    use crate::{
        Sampling,
        resize::{self, Case},
    };
    use serde::{Deserialize, de::IntoDeserializer};

    #[test]
    fn weighted_resizing_equals_tensorflow() {
        for case in Case::all(include_str!("../tests/golden/kernels.txt")) {
            let sampling = Sampling::deserialize(case.method.as_str().into_deserializer());
            let sampling = sampling.unwrap_or_else(|error: serde::de::value::Error| panic!("{error}"));
            let ours = resize::resize(sampling, &case.pixels, case.from, case.channels, case.to);
            assert_eq!(ours.len(), case.wanted.len());
            // Zero where sine and exponential round as TensorFlow's do; another platform's may differ in the last bit.
            let tolerance = if matches!(sampling, Sampling::Bicubic | Sampling::Area) { 0.0 } else { 1e-4 };
            for (ours, wanted) in ours.iter().zip(&case.wanted) {
                let close = (ours - wanted).abs() <= tolerance;
                assert!(close, "{sampling:?} {:?} to {:?}: {ours}, not {wanted}", case.from, case.to);
            }
        }
    }
}
