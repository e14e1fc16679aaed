//! Activation functions on slices.

use model::Activation;

/// Applies an activation to pixels of `channels` elements.
pub(crate) fn activate(values: &mut [f32], channels: usize, activation: Activation) {
    match activation {
        Activation::Linear => {}
        Activation::Relu => values.iter_mut().for_each(|value| *value = relu(*value)),
        Activation::Relu6 => values.iter_mut().for_each(|value| *value = at_most(relu(*value), 6.0)),
        Activation::Softmax => values.chunks_exact_mut(channels.max(1)).for_each(softmax),
    }
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
