//! Resampling exactly as `tf.image.resize` does: half-pixel centres, no antialias, float32 arithmetic in its order.
//!
//! Source: TensorFlow 2, `resize_bilinear_op.cc`, `resize_nearest_neighbor_op.cc`, `image_resizer_state.h`.

use crate::{Sampling, Size, kernels};

/// From `[from.height, from.width, channels]` to `[to.height, to.width, channels]`. The cubics and
/// Lanczos can leave the range of the input.
pub(crate) fn resize(sampling: Sampling, pixels: &[u8], from: Size, channels: usize, to: Size) -> Vec<f32> {
    let weigh = |axis| kernels::weigh(pixels, from, channels, to, axis);
    match sampling {
        Sampling::Bilinear => bilinear(pixels, from, channels, to),
        Sampling::Nearest => nearest(pixels, from, channels, to).into_iter().map(f32::from).collect(),
        Sampling::Bicubic => weigh(kernels::bicubic),
        Sampling::Area => kernels::area(pixels, from, channels, to),
        Sampling::Lanczos3 => weigh(kernels::lanczos3),
        Sampling::Lanczos5 => weigh(kernels::lanczos5),
        Sampling::Gaussian => weigh(kernels::gaussian),
        Sampling::Mitchellcubic => weigh(kernels::mitchellcubic),
    }
}

/// Bilinear, from `[from.height, from.width, channels]` to `[to.height, to.width, channels]`.
fn bilinear(pixels: &[u8], from: Size, channels: usize, to: Size) -> Vec<f32> {
    let rows = Tap::all(from.height, to.height);
    let columns = Tap::all(from.width, to.width);
    let at = |row: usize, column: usize, channel: usize| {
        f32::from(pixels[(row * from.width + column) * channels + channel])
    };
    let mut out = Vec::with_capacity(to.height * to.width * channels);
    for row in &rows {
        for column in &columns {
            for channel in 0..channels {
                let top = lerp(
                    at(row.lower, column.lower, channel),
                    at(row.lower, column.upper, channel),
                    column.share,
                );
                let bottom = lerp(
                    at(row.upper, column.lower, channel),
                    at(row.upper, column.upper, channel),
                    column.share,
                );
                out.push(lerp(top, bottom, row.share));
            }
        }
    }
    out
}

/// Nearest neighbour, from `[from.height, from.width, channels]` to `[to.height, to.width, channels]`.
pub(crate) fn nearest(pixels: &[u8], from: Size, channels: usize, to: Size) -> Vec<u8> {
    let rows = nearest_indices(from.height, to.height);
    let columns = nearest_indices(from.width, to.width);
    let mut out = Vec::with_capacity(to.height * to.width * channels);
    for row in &rows {
        for column in &columns {
            let start = (row * from.width + column) * channels;
            out.extend_from_slice(&pixels[start..start + channels]);
        }
    }
    out
}

/// Where one element of the output lies between two of the input.
struct Tap {
    lower: usize,
    upper: usize,
    share: f32,
}

impl Tap {
    fn all(from: usize, to: usize) -> Vec<Self> {
        let scale = from as f32 / to as f32;
        (0..to)
            .map(|index| {
                let position = (index as f32 + 0.5) * scale - 0.5;
                let floor = position.floor();
                Self {
                    lower: floor.max(0.0) as usize,
                    upper: (position.ceil().max(0.0) as usize).min(from - 1),
                    share: position - floor,
                }
            })
            .collect()
    }
}

fn nearest_indices(from: usize, to: usize) -> Vec<usize> {
    let scale = from as f32 / to as f32;
    (0..to).map(|index| (((index as f32 + 0.5) * scale).floor() as usize).min(from - 1)).collect()
}

fn lerp(from: f32, to: f32, share: f32) -> f32 {
    from + (to - from) * share
}

#[cfg(test)]
pub(crate) use tests::Case;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resizing_equals_tensorflow_bit_for_bit() {
        for case in Case::all(include_str!("../tests/golden/resize.txt")) {
            let ours = match case.method.as_str() {
                "bilinear" => bilinear(&case.pixels, case.from, case.channels, case.to),
                _ => nearest(&case.pixels, case.from, case.channels, case.to)
                    .into_iter()
                    .map(f32::from)
                    .collect(),
            };
            assert_eq!(ours, case.wanted, "{} {:?} to {:?}", case.method, case.from, case.to);
        }
    }

    pub(crate) struct Case {
        pub(crate) method: String,
        pub(crate) from: Size,
        pub(crate) channels: usize,
        pub(crate) to: Size,
        pub(crate) pixels: Vec<u8>,
        pub(crate) wanted: Vec<f32>,
    }

    impl Case {
        pub(crate) fn all(text: &str) -> Vec<Self> {
            text.lines().map(Self::parse).collect()
        }

        fn parse(line: &str) -> Self {
            let parts: Vec<&str> = line.split('|').collect();
            let (method, sizes) = parts[0].trim().split_once(' ').expect("a method");
            let sizes: Vec<usize> = sizes.split(' ').map(|n| n.parse().expect("a number")).collect();
            Self {
                method: method.to_owned(),
                from: Size { height: sizes[0], width: sizes[1] },
                channels: sizes[2],
                to: Size { height: sizes[3], width: sizes[4] },
                pixels: parts[1].split_whitespace().map(|n| n.parse().expect("a pixel")).collect(),
                wanted: parts[2]
                    .split_whitespace()
                    .map(|n| f32::from_bits(u32::from_str_radix(n, 16).expect("bits")))
                    .collect(),
            }
        }
    }
}
