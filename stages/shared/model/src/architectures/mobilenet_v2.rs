//! MobileNetV2 (Sandler et al., arXiv 1801.04381) as Keras builds it.

use super::stack::Stack;
use crate::{
    Activation, Conv2d, DepthwiseConv2d, GraphBuilder, GraphError, Initializer, LayerId, Op, Padding,
};

/// Share of the old moving statistics that an update keeps, in every BatchNorm of Keras' MobileNetV2.
const MOMENTUM: f32 = 0.999;
/// Added to the variance, in every BatchNorm of Keras' MobileNetV2.
const EPSILON: f32 = 1e-3;
/// Channels widen by this factor inside a block.
const EXPANSION: usize = 6;

/// Output channels before scaling by alpha, and stride, of blocks 0 to 16.
const BLOCKS: [(u32, usize); 17] = [
    (16, 1),
    (24, 2),
    (24, 1),
    (32, 2),
    (32, 1),
    (32, 1),
    (64, 2),
    (64, 1),
    (64, 1),
    (64, 1),
    (96, 1),
    (96, 1),
    (96, 1),
    (160, 2),
    (160, 1),
    (160, 1),
    (320, 1),
];

/// The backbone `keras.applications.MobileNetV2(alpha, include_top=False)`, cut after `block_<k>_expand_relu`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MobilenetV2 {
    /// Factor of the channel counts, which are then rounded to multiples of 8.
    pub alpha: f64,
    /// The block `k`, 1 to 16, whose expansion ends the backbone.
    pub cut: usize,
}

impl MobilenetV2 {
    /// Adds the layers after `input` `[height, width, channels]` and gives the last one.
    ///
    /// # Errors
    /// An alpha that is not above 0 and at most 16, a cut that no block has, or an input that is not an image.
    pub fn add_to(&self, builder: &mut GraphBuilder, input: LayerId) -> Result<LayerId, GraphError> {
        if !(self.alpha > 0.0 && self.alpha <= 16.0) {
            return Err(GraphError::Architecture(format!(
                "alpha is {}; it scales the channels and must be above 0 and at most 16",
                self.alpha
            )));
        }
        if !(1..BLOCKS.len()).contains(&self.cut) {
            return Err(GraphError::Architecture(format!(
                "MobileNetV2 has no block {} that expands; choose 1 to {}",
                self.cut,
                BLOCKS.len() - 1
            )));
        }
        let mut blocks = Blocks(Stack { builder, last: input });
        let stem = rounded(32.0 * self.alpha);
        let conv = Conv2d { kernel: (3, 3), strides: (2, 2), ..pointwise(stem) };
        blocks.add("Conv1", Op::Conv2d(conv))?;
        blocks.norm("bn_Conv1")?;
        blocks.relu6("Conv1_relu")?;
        for (index, (filters, stride)) in BLOCKS.into_iter().take(self.cut).enumerate() {
            // Keras truncates before it rounds.
            let filters = rounded((f64::from(filters) * self.alpha).trunc());
            blocks.block(index, filters, stride)?;
        }
        blocks.expand(&format!("block_{}_", self.cut))?;
        Ok(blocks.0.last)
    }
}

/// Inverted residual blocks put one upon another.
struct Blocks<'a>(Stack<'a>);

impl Blocks<'_> {
    /// An inverted residual block: widen, filter each channel, narrow, and add the input where shapes allow.
    fn block(&mut self, index: usize, filters: usize, stride: usize) -> Result<(), GraphError> {
        let input = self.0.last;
        let prefix = if index == 0 { "expanded_conv_".to_owned() } else { format!("block_{index}_") };
        if index > 0 {
            self.expand(&prefix)?;
        }
        let mut padding = Padding::Same;
        if stride == 2 {
            self.pad_for_stride(&format!("{prefix}pad"))?;
            padding = Padding::Valid;
        }
        let depthwise = DepthwiseConv2d {
            multiplier: 1,
            kernel: (3, 3),
            strides: (stride, stride),
            dilation: (1, 1),
            padding,
            bias: false,
            activation: Activation::Linear,
        };
        self.add(&format!("{prefix}depthwise"), Op::DepthwiseConv2d(depthwise))?;
        self.norm(&format!("{prefix}depthwise_BN"))?;
        self.relu6(&format!("{prefix}depthwise_relu"))?;
        self.add(&format!("{prefix}project"), Op::Conv2d(pointwise(filters)))?;
        self.norm(&format!("{prefix}project_BN"))?;
        if stride == 1 && self.0.channels(input) == filters {
            self.0.sum(&format!("{prefix}add"), [input, self.0.last])?;
        }
        Ok(())
    }

    fn expand(&mut self, prefix: &str) -> Result<(), GraphError> {
        let wide = EXPANSION * self.0.channels(self.0.last);
        self.add(&format!("{prefix}expand"), Op::Conv2d(pointwise(wide)))?;
        self.norm(&format!("{prefix}expand_BN"))?;
        self.relu6(&format!("{prefix}expand_relu"))
    }

    /// Keras' `correct_pad`: as much as `same` padding with stride 2 needs in PyTorch's manner, so one row more at the
    /// end of an even axis, one at both ends of an odd one.
    fn pad_for_stride(&mut self, name: &str) -> Result<(), GraphError> {
        let shape = self.0.builder.shape(self.0.last);
        let before = |axis: usize| shape.get(axis).map_or(0, |size| size % 2);
        let pad = Op::ZeroPad2d { height: (before(0), 1), width: (before(1), 1) };
        self.add(name, pad)
    }

    fn norm(&mut self, name: &str) -> Result<(), GraphError> {
        self.add(name, Op::batch_norm(MOMENTUM, EPSILON))
    }

    fn relu6(&mut self, name: &str) -> Result<(), GraphError> {
        self.add(name, Op::Relu { max_value: Some(6.0) })
    }

    fn add(&mut self, name: &str, op: Op) -> Result<(), GraphError> {
        self.0.add(name, op, Initializer::GlorotUniform)
    }
}

/// A 1x1 convolution without bias.
fn pointwise(filters: usize) -> Conv2d {
    Conv2d {
        filters,
        kernel: (1, 1),
        strides: (1, 1),
        dilation: (1, 1),
        padding: Padding::Same,
        bias: false,
        activation: Activation::Linear,
    }
}

/// Keras' `_make_divisible(v, 8)`: the nearest multiple of 8, at least 8, and not below nine tenths of `v`.
fn rounded(channels: f64) -> usize {
    let nearest = ((channels + 4.0) as usize / 8 * 8).max(8);
    if (nearest as f64) < 0.9 * channels { nearest + 8 } else { nearest }
}
