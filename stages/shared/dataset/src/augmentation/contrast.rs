//! `random_contrast`.

use super::Augmented;
use contract::{Random, config::Contrast};

/// Changes the contrast by a factor drawn from the range.
pub(super) fn apply(contrast: &Contrast, sample: &mut Augmented<'_>, random: &mut Random) {
    scale(sample, random.uniform_in(contrast.factor.low, contrast.factor.high) as f32);
}

/// Multiplies the distance of each pixel from its channel's mean, as `tf.image.adjust_contrast` does, and cuts off what
/// leaves the range.
pub(super) fn scale(sample: &mut Augmented<'_>, factor: f32) {
    let (height, width) = sample.size;
    let (low, high) = sample.range;
    for plane in sample.image.chunks_exact_mut(height * width) {
        let sum: f64 = plane.iter().map(|value| f64::from(*value)).sum();
        let mean = (sum / plane.len() as f64) as f32;
        for value in plane {
            *value = ((*value - mean) * factor + mean).clamp(low, high);
        }
    }
}
