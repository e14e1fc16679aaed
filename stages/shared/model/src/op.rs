//! Operations: what a layer computes.

/// What a layer computes. Names and meanings follow Keras.
#[derive(Debug, Clone, PartialEq)]
pub enum Op {
    /// The network's input.
    Input,
    /// Convolution. Weights: kernel `[h, w, in, out]`, then bias `[out]` if it has one.
    Conv2d(Conv2d),
    /// Depthwise convolution. Weights: kernel `[h, w, channels, multiplier]`, then bias if it has one.
    DepthwiseConv2d(DepthwiseConv2d),
    /// Batch normalisation. Weights: gamma, beta, moving mean, moving variance, each `[channels]`.
    BatchNorm {
        /// Share of the old moving statistic that an update keeps.
        momentum: f32,
        /// Added to the variance.
        epsilon: f32,
    },
    /// Keras' `ReLU` layer: clipped to `0..=max_value`.
    Relu {
        /// Upper bound; none for plain ReLU.
        max_value: Option<f32>,
    },
    /// Keras' `Activation` layer.
    Activation(Activation),
    /// Sum of two inputs. The activation is fused by [a pass](crate); Keras has none.
    Add {
        /// Applied to the sum.
        activation: Activation,
    },
    /// Concatenation along the channels.
    Concat,
    /// Zero padding of height and width.
    ZeroPad2d {
        /// Rows before and after.
        height: (usize, usize),
        /// Columns before and after.
        width: (usize, usize),
    },
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
    /// Resampling by whole factors with half-pixel centres: Keras' `UpSampling2D`.
    Upsample {
        /// Factors of height and width.
        factor: (usize, usize),
        /// Sampling.
        interpolation: Interpolation,
    },
    /// Dropout; the identity outside training.
    Dropout {
        /// Share of elements dropped.
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
    /// Keras' class of such a layer, for files and messages. For the borders of an int8 network Keras has none.
    #[must_use]
    pub fn class(&self) -> &'static str {
        match self {
            Self::Input => "InputLayer",
            Self::Conv2d(_) => "Conv2D",
            Self::DepthwiseConv2d(_) => "DepthwiseConv2D",
            Self::BatchNorm { .. } => "BatchNormalization",
            Self::Relu { .. } => "ReLU",
            Self::Activation(_) => "Activation",
            Self::Add { .. } => "Add",
            Self::Concat => "Concatenate",
            Self::ZeroPad2d { .. } => "ZeroPadding2D",
            Self::GlobalAveragePool { .. } => "GlobalAveragePooling2D",
            Self::Reshape { .. } => "Reshape",
            Self::Upsample { .. } => "UpSampling2D",
            Self::Dropout { .. } => "Dropout",
            Self::Rescale { .. } => "Rescaling",
            Self::Quantize => "Quantize",
            Self::Dequantize => "Dequantize",
        }
    }
}

/// A convolution.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Conv2d {
    /// Output channels.
    pub filters: usize,
    /// Height and width of the kernel.
    pub kernel: (usize, usize),
    /// Steps down and right.
    pub strides: (usize, usize),
    /// Distance between taps.
    pub dilation: (usize, usize),
    /// What happens at the border.
    pub padding: Padding,
    /// Whether it adds a bias.
    pub bias: bool,
    /// Applied to the result.
    pub activation: Activation,
}

/// A depthwise convolution.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DepthwiseConv2d {
    /// Output channels per input channel.
    pub multiplier: usize,
    /// Height and width of the kernel.
    pub kernel: (usize, usize),
    /// Steps down and right.
    pub strides: (usize, usize),
    /// Distance between taps.
    pub dilation: (usize, usize),
    /// What happens at the border.
    pub padding: Padding,
    /// Whether it adds a bias.
    pub bias: bool,
    /// Applied to the result.
    pub activation: Activation,
}

/// What happens at the border of a convolution.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Padding {
    /// Zeros so that the output has `ceil(input / stride)` elements, the odd one at the end.
    Same,
    /// None.
    Valid,
}

/// An activation function.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Activation {
    /// The identity.
    #[default]
    Linear,
    /// `max(x, 0)`.
    Relu,
    /// `min(max(x, 0), 6)`.
    Relu6,
    /// Softmax over the channels.
    Softmax,
}

/// Sampling of a resized feature map.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Interpolation {
    /// The nearest element.
    Nearest,
    /// Linear in both axes.
    Bilinear,
}
