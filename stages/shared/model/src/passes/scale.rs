//! Scales and zero points: the arithmetic of the LiteRT 8-bit quantization specification, with the rounding of TFLite's
//! converter (MLIR's `getNudgedScaleAndZeroPoint`), so that equal ranges give equal parameters.

use super::Range;
use crate::Quant;

/// int8 as activations use it.
const LOWEST: f64 = -128.0;
const HIGHEST: f64 = 127.0;
/// int8 as weights use it: symmetric, without -128.
const WEIGHT_HIGHEST: f64 = 127.0;
/// The largest weight that a scale is made for; the converter's bound for kernels that are (almost) zero.
const SMALLEST_WEIGHT_BOUND: f64 = 1.0e-6 / 2.0 * 255.0;
/// Bound of a stored bias: half of what an int32 holds, so that sums of products still fit beside it.
const BIAS_BOUND: f64 = (1_u32 << 30) as f64;

/// Scale and zero point of int8 activations that take the values of `range`, which is widened to hold 0.
#[must_use]
pub fn activation_quant(range: Range) -> Quant {
    let (min, max) = (f64::from(range.min).min(0.0), f64::from(range.max).max(0.0));
    let scale = (max - min) / (HIGHEST - LOWEST);
    // Also where a scale would underflow as the f32 it is stored as.
    if (scale as f32) < f32::MIN_POSITIVE {
        return Quant::per_tensor(1.0, LOWEST as i32);
    }
    // The zero point follows from the end that gives it with the smaller error.
    let from_min_error = LOWEST.abs() + (min / scale).abs();
    let from_max_error = HIGHEST.abs() + (max / scale).abs();
    let zero_point =
        if from_min_error < from_max_error { LOWEST - min / scale } else { HIGHEST - max / scale };
    Quant::per_tensor(scale as f32, zero_point.round().clamp(LOWEST, HIGHEST) as i32)
}

/// Scale of symmetric int8 weights that reach up to `bound` in size, whose channel adds a bias of up to `bias` to inputs
/// of scale `input`. It is larger than `bound / 127` where the bias, stored as int32 with scale `input * scale`, would
/// not fit otherwise.
#[must_use]
pub fn weight_scale(bound: f32, bias: f32, input: f32) -> f32 {
    let for_weights = f64::from(bound.abs()).max(SMALLEST_WEIGHT_BOUND) / WEIGHT_HIGHEST;
    let for_bias = f64::from(bias.abs()) / BIAS_BOUND / f64::from(input);
    for_weights.max(for_bias) as f32
}

/// A weight as stored.
pub(super) fn quantize_weight(weight: f32, scale: f32) -> i8 {
    (f64::from(weight) / f64::from(scale)).round().clamp(-WEIGHT_HIGHEST, WEIGHT_HIGHEST) as i8
}

/// A bias as stored, with scale `input * weight`. The cast saturates; [`weight_scale`] keeps biases far from that.
pub(super) fn quantize_bias(bias: f32, input: f32, weight: f32) -> i32 {
    (f64::from(bias) / (f64::from(input) * f64::from(weight))).round() as i32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn activation(min: f32, max: f32) -> (f32, i32) {
        let quant = activation_quant(Range { min, max });
        (quant.scales[0], quant.zero_points[0])
    }

    /// Ranges observed on the 64 images of calib_128.npz, parameters as TensorFlow 2.21's converter wrote them into
    /// deeplab_128_int8_b1_i8in_i8out.tflite.
    #[test]
    fn activation_parameters_are_those_of_the_reference_converter() {
        let cases = [
            ((-1.0, 1.0), (0.007_843_138, -1)),
            ((0.0, 6.0), (0.023_529_412, -128)),
            ((-9.823_29, 12.332_95), (0.086_887_2, -15)),
            ((-8.859_76, 9.534_27), (0.072_133_46, -5)),
            ((-7.870_66, 6.885_38), (0.057_866_83, 8)),
            ((-17.280_84, 17.572_73), (0.136_680_69, -2)),
            ((0.0, 1.430_98), (0.005_611_689, -128)),
            ((-11.797_61, 10.725_98), (0.088_327_8, 6)),
        ];
        for ((min, max), (scale, zero_point)) in cases {
            let found = activation(min, max);
            assert!((found.0 / scale - 1.0).abs() < 1e-6, "{min}..{max}: scale {} for {scale}", found.0);
            assert_eq!(found.1, zero_point, "{min}..{max}");
        }
    }

    #[test]
    fn a_range_that_lacks_zero_is_widened_and_an_empty_one_stands_for_zeros() {
        assert_eq!(activation(2.0, 5.1), activation(0.0, 5.1));
        assert_eq!(activation(-5.1, -2.0), activation(-5.1, 0.0));
        assert_eq!(activation(-5.1, -2.0).1, 127);
        assert_eq!(activation(0.0, 0.0), (1.0, -128));
        assert_eq!(activation(0.0, f32::from_bits(1)), (1.0, -128));
    }

    #[test]
    fn weights_use_the_full_symmetric_range_and_never_minus_128() {
        let scale = weight_scale(0.5, 0.0, 1.0);
        assert_eq!(
            [0.5, -0.5, 0.0, 10.0, -10.0].map(|w| quantize_weight(w, scale)),
            [127, -127, 0, 127, -127]
        );
    }

    #[test]
    fn the_bias_of_a_channel_without_weights_fits_its_integer() {
        for (bias, input) in [(8.0, 0.02), (1e6, 1e-4), (-3e7, 1e-9)] {
            let scale = weight_scale(0.0, bias, input);
            let stored = f64::from(quantize_bias(bias, input, scale));
            assert!(stored.abs() <= BIAS_BOUND + 64.0, "{bias} became {stored}");
            let back = stored * f64::from(input) * f64::from(scale);
            assert!((back / f64::from(bias) - 1.0).abs() < 1e-3, "{bias} came back as {back}");
        }
    }
}
