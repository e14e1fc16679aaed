//! Weights of int8 convolutions: checked, and their scales turned into multipliers.

use super::clamp::Clamp;
use super::multiplier::Multiplier;
use crate::KernelError;
use crate::kernel::Site;
use model::{Activation, Data};

/// How sums of products become stored outputs, for each output channel.
pub(crate) struct Requantize {
    bias: Vec<i32>,
    multipliers: Vec<Multiplier>,
    zero_point: i32,
    clamp: Clamp,
}

impl Requantize {
    /// From the scales of input, kernel and output, for `channels` output channels.
    pub(crate) fn new(site: &Site<'_>, channels: usize, activation: Activation) -> Result<Self, KernelError> {
        let (input_scale, _) = site.quant(site.input()?)?;
        let (output_scale, zero_point) = site.quant(site.output())?;
        let kernel = site.layer.weights.first().and_then(|kernel| kernel.quant.as_ref());
        let Some(kernel) = kernel else {
            return Err(site.error("its int8 kernel has no scales"));
        };
        if kernel.zero_points.iter().any(|&zero_point| zero_point != 0) {
            return Err(site.error("its kernel has zero points other than 0"));
        }
        let scales = &kernel.scales;
        if scales.len() != 1 && scales.len() != channels {
            return Err(site.error(format!("its kernel has {} scales for {channels} channels", scales.len())));
        }
        if let Some(scale) = scales.iter().find(|scale| !(scale.is_finite() && **scale >= 0.0)) {
            return Err(site.error(format!("its kernel has the scale {scale}")));
        }
        let multipliers = (0..channels)
            .map(|channel| {
                let scale = scales.get(channel).unwrap_or(&scales[0]);
                Multiplier::new(f64::from(input_scale) * f64::from(*scale) / f64::from(output_scale))
            })
            .collect();
        let clamp = Clamp::new(site, activation, output_scale, zero_point)?;
        Ok(Self { bias: bias(site, channels)?, multipliers, zero_point, clamp })
    }

    /// The stored output of a sum of products.
    pub(crate) fn apply(&self, channel: usize, sum: i32) -> i8 {
        let sum = sum.wrapping_add(self.bias[channel]);
        self.clamp.apply(self.multipliers[channel].apply(sum).saturating_add(self.zero_point))
    }
}

fn bias(site: &Site<'_>, channels: usize) -> Result<Vec<i32>, KernelError> {
    match site.layer.weights.get(1).map(|bias| &bias.data) {
        None => Ok(vec![0; channels]),
        Some(Data::I32(bias)) if bias.len() == channels => Ok(bias.clone()),
        Some(other) => Err(site.error(format!(
            "the bias of an int8 layer is {channels} int32, not {} of {:?}",
            other.len(),
            other.data_type()
        ))),
    }
}

/// The kernel's elements.
pub(crate) fn kernel<'a>(site: &Site<'a>) -> Result<&'a [i8], KernelError> {
    match site.layer.weights.first().map(|kernel| &kernel.data) {
        Some(Data::I8(values)) => Ok(values),
        _ => Err(site.error("an int8 layer needs an int8 kernel")),
    }
}
