//! `random_brightness`.

use super::Augmented;
use contract::{Random, config::Brightness};

/// Brightens by a number drawn from the range.
pub(super) fn apply(brightness: &Brightness, sample: &mut Augmented<'_>, random: &mut Random) {
    shift(sample, random.uniform_in(brightness.factor.low, brightness.factor.high) as f32);
}

/// Adds to each pixel and cuts off what leaves the range.
pub(super) fn shift(sample: &mut Augmented<'_>, delta: f32) {
    let (low, high) = sample.range;
    for value in sample.image.iter_mut() {
        *value = (*value + delta).clamp(low, high);
    }
}
