//! Activation functions, element by element, with their slopes.

use rayon::prelude::*;

/// An activation function of one element, as Keras defines it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Curve {
    /// `1 / (1 + exp(-x))`.
    Sigmoid,
    /// Hyperbolic tangent.
    Tanh,
    /// `x`, and `exp(x) - 1` below 0.
    Elu,
    /// `x * sigmoid(x)`.
    Silu,
    /// `min(max(x + 3, 0), 6) / 6`.
    HardSigmoid,
    /// `x * hard_sigmoid(x)`.
    HardSilu,
    /// `log(1 + exp(x))`.
    Softplus,
    /// `exp(x)`.
    Exponential,
    /// `x` above the threshold, at most `high`; `slope * (x - threshold)` from there down.
    Sloped {
        /// Upper bound; infinity for none.
        high: f32,
        /// Slope below the threshold.
        slope: f32,
        /// Where values begin to pass.
        threshold: f32,
    },
}

impl Curve {
    /// `x`, and `slope * x` below 0.
    pub(crate) fn leaky(slope: f32) -> Self {
        Self::Sloped { high: f32::INFINITY, slope, threshold: 0.0 }
    }

    fn value(self, x: f32) -> f32 {
        match self {
            Self::Sigmoid => sigmoid(x),
            Self::Tanh => x.tanh(),
            Self::Elu if x < 0.0 => x.exp_m1(),
            Self::Elu => x,
            Self::Silu => x * sigmoid(x),
            Self::HardSigmoid => hard_sigmoid(x),
            Self::HardSilu => x * hard_sigmoid(x),
            Self::Softplus => (if x < 0.0 { 0.0 } else { x }) + (-x.abs()).exp().ln_1p(),
            Self::Exponential => x.exp(),
            Self::Sloped { slope, threshold, .. } if x <= threshold => slope * (x - threshold),
            Self::Sloped { high, .. } if x > high => high,
            Self::Sloped { .. } => x,
        }
    }

    /// The derivative; where a curve has a kink, that of one side, as in TensorFlow.
    fn slope(self, x: f32) -> f32 {
        match self {
            Self::Sigmoid => sigmoid(x) * sigmoid(-x),
            Self::Tanh => 1.0 - x.tanh() * x.tanh(),
            Self::Elu if x < 0.0 => x.exp(),
            Self::Elu => 1.0,
            Self::Silu => sigmoid(x) * (1.0 + x * sigmoid(-x)),
            Self::HardSigmoid => hard_slope(x),
            Self::HardSilu => hard_sigmoid(x) + x * hard_slope(x),
            Self::Softplus => sigmoid(x),
            Self::Exponential => x.exp(),
            Self::Sloped { slope, threshold, .. } if x <= threshold => slope,
            Self::Sloped { high, .. } if x >= high => 0.0,
            Self::Sloped { .. } => 1.0,
        }
    }
}

fn sigmoid(x: f32) -> f32 {
    1.0 / (1.0 + (-x).exp())
}

/// Written without `clamp`, so that a NaN stays one.
fn hard_sigmoid(x: f32) -> f32 {
    let raised = if x < -3.0 { 0.0 } else { x + 3.0 };
    (if raised > 6.0 { 6.0 } else { raised }) / 6.0
}

fn hard_slope(x: f32) -> f32 {
    if x > -3.0 && x < 3.0 { 1.0 / 6.0 } else { 0.0 }
}

/// Elements handled at a time.
const CHUNK: usize = 1 << 12;

/// The curve's value at every element.
pub(crate) fn forward(input: &[f32], curve: Curve) -> Vec<f32> {
    let mut output = vec![0f32; input.len()];
    output.par_chunks_mut(CHUNK).zip(input.par_chunks(CHUNK)).for_each(|(output, input)| {
        for (output, input) in output.iter_mut().zip(input) {
            *output = curve.value(*input);
        }
    });
    output
}

/// Gradient of [`forward`] with respect to the input.
pub(crate) fn input_gradient(input: &[f32], gradient: &[f32], curve: Curve) -> Vec<f32> {
    let mut output = vec![0f32; input.len()];
    output.par_chunks_mut(CHUNK).zip(input.par_chunks(CHUNK).zip(gradient.par_chunks(CHUNK))).for_each(
        |(output, (input, gradient))| {
            for ((output, input), gradient) in output.iter_mut().zip(input).zip(gradient) {
                *output = curve.slope(*input) * gradient;
            }
        },
    );
    output
}

#[cfg(test)]
mod tests {
    use super::*;

    const CURVES: [Curve; 10] = [
        Curve::Sigmoid,
        Curve::Tanh,
        Curve::Elu,
        Curve::Silu,
        Curve::HardSigmoid,
        Curve::HardSilu,
        Curve::Softplus,
        Curve::Exponential,
        Curve::Sloped { high: f32::INFINITY, slope: 0.2, threshold: 0.0 },
        Curve::Sloped { high: 2.0, slope: 0.1, threshold: 0.75 },
    ];

    #[test]
    fn slopes_are_those_of_the_curves() {
        for curve in CURVES {
            for step in -49..50 {
                // Away from the kinks at whole numbers and at 0.75.
                let x = step as f32 * 0.1 + 0.03;
                let found = (curve.value(x + 1e-2) - curve.value(x - 1e-2)) / 2e-2;
                let expected = curve.slope(x);
                assert!(
                    (found - expected).abs() < 2e-3 * expected.abs().max(1.0),
                    "{curve:?} at {x}: {found}"
                );
            }
        }
    }

    #[test]
    fn what_is_not_a_number_stays_so_and_large_numbers_do_no_harm() {
        for curve in CURVES {
            assert!(curve.value(f32::NAN).is_nan(), "{curve:?}");
            for x in [-1e4, 1e4] {
                assert!(!curve.value(x).is_nan() && !curve.slope(x).is_nan(), "{curve:?} at {x}");
            }
        }
    }
}
