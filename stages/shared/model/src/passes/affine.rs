//! A factor and an offset for each channel.

use super::patch::{channels, named_weight, shape};
use crate::{Activation, DepthwiseConv2d, GraphError, Layer, Op, Padding, Tensor};

/// `x * scale[c] + offset[c]`, in double precision until it becomes weights.
pub(super) struct Affine {
    pub(super) scale: Vec<f64>,
    pub(super) offset: Vec<f64>,
}

impl Affine {
    /// What a BatchNorm layer computes outside training: `gamma * (x - mean) / sqrt(variance + epsilon) + beta`.
    pub(super) fn of_batch_norm(layer: &Layer, epsilon: f32) -> Result<Self, GraphError> {
        let wanted = [channels(layer)?];
        let (ones, zeros) = (vec![1.0; wanted[0]], vec![0.0; wanted[0]]);
        let learned = |name: &str, otherwise| match layer.weight(name) {
            Some(_) => named_weight(layer, name, &wanted),
            None => Ok(otherwise),
        };
        let (gamma, beta) = (learned("gamma", &ones[..])?, learned("beta", &zeros[..])?);
        let mean = named_weight(layer, "moving_mean", &wanted)?;
        let variance = named_weight(layer, "moving_variance", &wanted)?;
        let scale: Vec<f64> = gamma
            .iter()
            .zip(variance)
            .map(|(&gamma, &variance)| f64::from(gamma) / (f64::from(variance) + f64::from(epsilon)).sqrt())
            .collect();
        let offset: Vec<f64> = beta
            .iter()
            .zip(mean)
            .zip(&scale)
            .map(|((&beta, &mean), &scale)| f64::from(beta) - f64::from(mean) * scale)
            .collect();
        if let Some(channel) = scale.iter().chain(&offset).position(|value| !value.is_finite()) {
            let message =
                format!("has a factor or offset that is not finite in channel {}", channel % scale.len());
            return Err(shape(layer, message));
        }
        Ok(Self { scale, offset })
    }

    /// The same values for all of `channels`.
    pub(super) fn uniform(channels: usize, scale: f32, offset: f32) -> Self {
        Self { scale: vec![f64::from(scale); channels], offset: vec![f64::from(offset); channels] }
    }

    /// Makes `layer` a 1x1 depthwise convolution that computes this: the one operation that every format and runtime
    /// quantizes with a scale for each channel.
    pub(super) fn become_depthwise(&self, layer: &mut Layer) {
        let channels = self.scale.len();
        layer.op = Op::DepthwiseConv2d(DepthwiseConv2d {
            multiplier: 1,
            kernel: (1, 1),
            strides: (1, 1),
            dilation: (1, 1),
            padding: Padding::Valid,
            bias: true,
            activation: Activation::Linear,
        });
        layer.weights = vec![
            Tensor::f32([1, 1, channels, 1], self.scale.iter().map(|&value| value as f32).collect()),
            Tensor::f32([channels], self.offset.iter().map(|&value| value as f32).collect()),
        ];
    }
}
