//! Activation functions on slices.

use model::Activation;

/// Applies an activation to pixels of `channels` elements.
pub(crate) fn activate(values: &mut [f32], channels: usize, activation: Activation) {
    let each = |values: &mut [f32], function: fn(f32) -> f32| {
        values.iter_mut().for_each(|value| *value = function(*value));
    };
    match activation {
        Activation::Linear => {}
        Activation::Relu => each(values, relu),
        Activation::Relu6 => each(values, |value| at_most(relu(value), 6.0)),
        Activation::Softmax => values.chunks_exact_mut(channels.max(1)).for_each(softmax),
        Activation::Sigmoid => each(values, sigmoid),
        Activation::Tanh => each(values, f32::tanh),
        Activation::Elu => each(values, |value| if value < 0.0 { value.exp_m1() } else { value }),
        Activation::Silu => each(values, |value| value * sigmoid(value)),
        Activation::Gelu => each(values, gelu),
        Activation::HardSigmoid => each(values, hard_sigmoid),
        Activation::HardSilu => each(values, |value| value * hard_sigmoid(value)),
        Activation::Softplus => each(values, |value| relu(value) + (-value.abs()).exp().ln_1p()),
        Activation::LeakyRelu => each(values, |value| leaky(value, Activation::LEAKY_SLOPE)),
        Activation::Exponential => each(values, f32::exp),
    }
}

/// The value, times `slope` below 0.
pub(crate) fn leaky(value: f32, slope: f32) -> f32 {
    if value < 0.0 { value * slope } else { value }
}

fn sigmoid(value: f32) -> f32 {
    1.0 / (1.0 + (-value).exp())
}

fn hard_sigmoid(value: f32) -> f32 {
    at_most(relu(value + 3.0), 6.0) / 6.0
}

fn gelu(value: f32) -> f32 {
    let x = f64::from(value);
    (0.5 * x * (1.0 + erf(x / std::f64::consts::SQRT_2))) as f32
}

/// The error function by its series, and by the continued fraction of its complement where that converges fast, both to
/// better than 1e-12. Source: Abramowitz and Stegun, Handbook of Mathematical Functions, 7.1.6 and 7.1.14.
fn erf(x: f64) -> f64 {
    let size = x.abs();
    let value = if size < 3.0 {
        let mut term = size;
        let mut sum = size;
        let mut n = 0.0;
        while term > 1e-17 * sum {
            n += 1.0;
            term *= 2.0 * size * size / (2.0 * n + 1.0);
            sum += term;
        }
        2.0 / std::f64::consts::PI.sqrt() * (-size * size).exp() * sum
    } else {
        // From the innermost of the fraction's levels outwards.
        let fraction = (1..=40).rev().fold(size, |below, level| size + f64::from(level) / 2.0 / below);
        1.0 - (-size * size).exp() / std::f64::consts::PI.sqrt() / fraction
    };
    value.copysign(x)
}

/// `max(value, 0)`; not a number stays so.
pub(crate) fn relu(value: f32) -> f32 {
    if value < 0.0 { 0.0 } else { value }
}

/// `min(value, bound)`; not a number stays so.
pub(crate) fn at_most(value: f32, bound: f32) -> f32 {
    if value > bound { bound } else { value }
}

/// Softmax over the elements, the largest subtracted first so that nothing overflows.
fn softmax(values: &mut [f32]) {
    let largest = values.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let mut sum = 0.0;
    for value in values.iter_mut() {
        *value = (*value - largest).exp();
        sum += *value;
    }
    values.iter_mut().for_each(|value| *value /= sum);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Values of Python's `math.erf`.
    #[test]
    fn the_error_function_is_that_of_the_tables() {
        let known = [
            (0.0, 0.0),
            (0.1, 0.112_462_916_018_284_9),
            (-0.5, -0.520_499_877_813_046_5),
            (1.5, 0.966_105_146_475_310_8),
            (2.999, 0.999_977_769_831_400_2),
            (3.001, 0.999_978_048_339_082_2),
            (-5.0, -0.999_999_999_998_462_5),
        ];
        for (x, wanted) in known {
            assert!((erf(x) - wanted).abs() < 1e-12, "erf({x}) is {}", erf(x));
        }
        assert!(erf(f64::NAN).is_nan() && erf(f64::INFINITY) == 1.0);
    }
}
