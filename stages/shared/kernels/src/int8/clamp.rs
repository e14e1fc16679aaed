//! Fused activations as bounds of the stored integers.

use crate::KernelError;
use crate::kernel::Site;
use model::Activation;

/// Bounds of an int8 output.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Clamp {
    low: i32,
    high: i32,
}

impl Clamp {
    /// The bounds that an activation puts on integers of this scale and zero point.
    pub(crate) fn new(
        site: &Site<'_>,
        activation: Activation,
        scale: f32,
        zero_point: i32,
    ) -> Result<Self, KernelError> {
        match activation {
            Activation::Linear => Ok(Self { low: -128, high: 127 }),
            Activation::Relu => Ok(Self::of(None, scale, zero_point)),
            Activation::Relu6 => Ok(Self::of(Some(6.0), scale, zero_point)),
            other => {
                Err(site.error(format!("the activation {} cannot be fused to an int8 layer", other.name())))
            }
        }
    }

    /// The bounds of a ReLU with an upper bound.
    pub(crate) fn of(max_value: Option<f32>, scale: f32, zero_point: i32) -> Self {
        let stored = |real: f32| ((real / scale).round() as i32).saturating_add(zero_point);
        let low = stored(0.0).max(-128);
        let high = max_value.map_or(127, |max| stored(max).min(127));
        Self { low, high }
    }

    pub(crate) fn apply(self, value: i32) -> i8 {
        // Not `clamp`, which panics when bounds cross: then the upper one wins, as in the reference.
        value.max(self.low).min(self.high) as i8
    }
}
