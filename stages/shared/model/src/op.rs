//! Operations: what a layer computes.

use crate::{Activation, Conv2d, Conv2dTranspose, Dense, DepthwiseConv2d, Pool2d, SeparableConv2d};

/// What a layer computes. Names and meanings follow Keras.
#[derive(Debug, Clone, PartialEq)]
pub enum Op {
    /// The network's input.
    Input,
    /// Convolution. Weights: kernel `[h, w, in, out]`, then bias `[out]` if it has one.
    Conv2d(Conv2d),
    /// Depthwise convolution. Weights: kernel `[h, w, channels, multiplier]`, then bias if it has one.
    DepthwiseConv2d(DepthwiseConv2d),
    /// Depthwise and 1x1 convolution in one. Weights: depthwise kernel `[h, w, channels, multiplier]`, pointwise kernel
    /// `[1, 1, channels * multiplier, out]`, then bias `[out]` if it has one.
    SeparableConv2d(SeparableConv2d),
    /// Transposed convolution. Weights: kernel `[h, w, out, in]` (the other way round than a convolution's), then bias
    /// `[out]` if it has one.
    Conv2dTranspose(Conv2dTranspose),
    /// Matrix product over the last axis. Weights: kernel `[in, out]`, then bias `[out]` if it has one.
    Dense(Dense),
    /// Batch normalisation over the last axis. Weights: gamma if `scale`, beta if `center`, moving mean, moving variance,
    /// each `[channels]`.
    BatchNorm {
        /// Share of the old moving statistic that an update keeps.
        momentum: f32,
        /// Added to the variance.
        epsilon: f32,
        /// Whether it has a gamma; else that is 1.
        scale: bool,
        /// Whether it has a beta; else that is 0.
        center: bool,
    },
    /// Keras' `ReLU` layer without slope and threshold: clipped to `0..=max_value`.
    Relu {
        /// Upper bound; none for plain ReLU.
        max_value: Option<f32>,
    },
    /// Keras' `ReLU` layer with a slope or a threshold: `x` above the threshold, at most `max_value`, and
    /// `negative_slope * (x - threshold)` from there down. [`Op::Relu`] is the one that has neither.
    SlopedRelu {
        /// Upper bound; none for no bound.
        max_value: Option<f32>,
        /// Slope below the threshold.
        negative_slope: f32,
        /// Where values begin to pass; at least 0.
        threshold: f32,
    },
    /// Keras' `LeakyReLU` layer: `x`, and `slope * x` below 0.
    LeakyRelu {
        /// Slope below 0.
        slope: f32,
    },
    /// Keras' `PReLU` layer: `x`, and `alpha * x` below 0. Weights: alpha, of the input's shape with 1 for shared axes.
    Prelu {
        /// Axes along which there is one alpha, counted from 1 as Keras does, which counts the batch: 1 is the height.
        shared_axes: Vec<usize>,
    },
    /// Keras' `Activation` layer.
    Activation(Activation),
    /// Keras' `Softmax` layer, over the channels.
    Softmax,
    /// Sum of two inputs or more. Shapes are aligned at their ends; an axis of 1 element is repeated, as in numpy. The
    /// activation is fused by [a pass](crate); Keras has none.
    Add {
        /// Applied to the sum.
        activation: Activation,
    },
    /// Product of two inputs or more, whose shapes fit as those of [`Op::Add`].
    Multiply,
    /// Concatenation along the channels.
    Concat,
    /// Zero padding of height and width.
    ZeroPad2d {
        /// Rows before and after.
        height: (usize, usize),
        /// Columns before and after.
        width: (usize, usize),
    },
    /// The inner part of height and width.
    Crop2d {
        /// Rows left out before and after.
        height: (usize, usize),
        /// Columns left out before and after.
        width: (usize, usize),
    },
    /// The largest element of each window.
    MaxPool2d(Pool2d),
    /// The mean of each window's elements.
    AveragePool2d(Pool2d),
    /// Mean over height and width.
    GlobalAveragePool {
        /// Whether the output is `[1, 1, channels]` rather than `[channels]`.
        keep_dims: bool,
    },
    /// The same elements in another shape (without the batch).
    Reshape {
        /// The new shape.
        shape: Vec<usize>,
    },
    /// The same elements along one axis.
    Flatten,
    /// Resampling by whole factors with half-pixel centres: Keras' `UpSampling2D`.
    Upsample {
        /// Factors of height and width.
        factor: (usize, usize),
        /// Sampling.
        interpolation: Interpolation,
    },
    /// Resampling to any size with half-pixel centres, without antialiasing: Keras' `Resizing`.
    Resize {
        /// Height and width of the output.
        size: (usize, usize),
        /// Sampling.
        interpolation: Interpolation,
    },
    /// Dropout; the identity outside training.
    Dropout {
        /// Share of elements dropped.
        rate: f32,
    },
    /// Dropout of whole channels; the identity outside training.
    SpatialDropout2d {
        /// Share of channels dropped.
        rate: f32,
    },
    /// `x * scale + offset`.
    Rescale {
        /// Factor.
        scale: f32,
        /// Added after the factor.
        offset: f32,
    },
    /// To integers of the output's type and scale, from floats or other integers.
    Quantize,
    /// To floats.
    Dequantize,
}

impl Op {
    /// A usual BatchNorm, with gamma and beta.
    #[must_use]
    pub fn batch_norm(momentum: f32, epsilon: f32) -> Self {
        Self::BatchNorm { momentum, epsilon, scale: true, center: true }
    }

    /// Keras' class of such a layer, for files and messages. For the borders of an int8 network Keras has none.
    #[must_use]
    pub fn class(&self) -> &'static str {
        match self {
            Self::Input => "InputLayer",
            Self::Conv2d(_) => "Conv2D",
            Self::DepthwiseConv2d(_) => "DepthwiseConv2D",
            Self::SeparableConv2d(_) => "SeparableConv2D",
            Self::Conv2dTranspose(_) => "Conv2DTranspose",
            Self::Dense(_) => "Dense",
            Self::BatchNorm { .. } => "BatchNormalization",
            Self::Relu { .. } | Self::SlopedRelu { .. } => "ReLU",
            Self::LeakyRelu { .. } => "LeakyReLU",
            Self::Prelu { .. } => "PReLU",
            Self::Activation(_) => "Activation",
            Self::Softmax => "Softmax",
            Self::Add { .. } => "Add",
            Self::Multiply => "Multiply",
            Self::Concat => "Concatenate",
            Self::ZeroPad2d { .. } => "ZeroPadding2D",
            Self::Crop2d { .. } => "Cropping2D",
            Self::MaxPool2d(_) => "MaxPooling2D",
            Self::AveragePool2d(_) => "AveragePooling2D",
            Self::GlobalAveragePool { .. } => "GlobalAveragePooling2D",
            Self::Reshape { .. } => "Reshape",
            Self::Flatten => "Flatten",
            Self::Upsample { .. } => "UpSampling2D",
            Self::Resize { .. } => "Resizing",
            Self::Dropout { .. } => "Dropout",
            Self::SpatialDropout2d { .. } => "SpatialDropout2D",
            Self::Rescale { .. } => "Rescaling",
            Self::Quantize => "Quantize",
            Self::Dequantize => "Dequantize",
        }
    }
}

/// Sampling of a resized feature map.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Interpolation {
    /// The nearest element.
    Nearest,
    /// Linear in both axes.
    Bilinear,
}
