//! Layers with kernels, and windows that slide.

use crate::Activation;

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

/// A depthwise convolution without bias and activation, then a 1x1 convolution, as one layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SeparableConv2d {
    /// Output channels.
    pub filters: usize,
    /// Channels between the two per input channel.
    pub multiplier: usize,
    /// Height and width of the depthwise kernel.
    pub kernel: (usize, usize),
    /// Steps down and right of the depthwise kernel.
    pub strides: (usize, usize),
    /// Distance between its taps.
    pub dilation: (usize, usize),
    /// What happens at the border.
    pub padding: Padding,
    /// Whether a bias is added in the end.
    pub bias: bool,
    /// Applied to the result.
    pub activation: Activation,
}

impl SeparableConv2d {
    /// Its first half.
    #[must_use]
    pub fn depthwise(&self) -> DepthwiseConv2d {
        DepthwiseConv2d {
            multiplier: self.multiplier,
            kernel: self.kernel,
            strides: self.strides,
            dilation: self.dilation,
            padding: self.padding,
            bias: false,
            activation: Activation::Linear,
        }
    }

    /// Its second half.
    #[must_use]
    pub fn pointwise(&self) -> Conv2d {
        Conv2d {
            filters: self.filters,
            kernel: (1, 1),
            strides: (1, 1),
            dilation: (1, 1),
            padding: Padding::Valid,
            bias: self.bias,
            activation: self.activation,
        }
    }
}

/// A transposed convolution: each input pixel adds its kernel to the output, at `position * stride`.
///
/// The output element `o` of an axis gets the input element `i` by the tap `k` where
/// `i * stride + k * dilation == o + before`; `before` is 0 for [`Padding::Valid`], else half of what the windows of a
/// SAME convolution from the output to the input reach over the output's border, rounded down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Conv2dTranspose {
    /// Output channels.
    pub filters: usize,
    /// Height and width of the kernel.
    pub kernel: (usize, usize),
    /// Steps down and right on the output, one for each input pixel.
    pub strides: (usize, usize),
    /// Distance between taps.
    pub dilation: (usize, usize),
    /// What happens at the border: Same gives `input * stride` elements unless `output_padding` says otherwise.
    pub padding: Padding,
    /// Rows and columns added at the end of the smallest output; none for Keras' default.
    pub output_padding: Option<(usize, usize)>,
    /// Whether it adds a bias.
    pub bias: bool,
    /// Applied to the result.
    pub activation: Activation,
}

/// A matrix product over the last axis: the same at every pixel of a feature map.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dense {
    /// Elements of the output's last axis.
    pub units: usize,
    /// Whether it adds a bias.
    pub bias: bool,
    /// Applied to the result.
    pub activation: Activation,
}

/// Pooling over a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pool2d {
    /// Height and width of the window.
    pub window: (usize, usize),
    /// Steps down and right.
    pub strides: (usize, usize),
    /// What happens at the border. Elements outside the input count neither for a maximum nor for a mean.
    pub padding: Padding,
}

/// What happens at the border of a convolution.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Padding {
    /// Zeros so that the output has `ceil(input / stride)` elements, the odd one at the end.
    Same,
    /// None.
    Valid,
}
