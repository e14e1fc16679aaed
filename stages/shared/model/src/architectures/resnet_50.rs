//! ResNet50 (He et al., arXiv 1512.03385) as Keras builds it.

use super::stack::Stack;
use crate::{Activation, Conv2d, GraphBuilder, GraphError, Initializer, LayerId, Op, Padding, Pool2d};

/// Share of the old moving statistics that an update keeps: Keras' default.
const MOMENTUM: f32 = 0.99;
/// Added to the variance, in every BatchNorm of Keras' ResNet50.
const EPSILON: f32 = 1.001e-5;
/// A block's output is so many times wider than its middle.
const EXPANSION: usize = 4;

/// Channels in the middle of a block, blocks, and stride of the first, of stages 2 to 5.
const STAGES: [(usize, usize, usize); 4] = [(64, 3, 1), (128, 4, 2), (256, 6, 2), (512, 3, 2)];

/// The backbone `keras.applications.ResNet50(include_top=False)`, the first version, cut after a stage: its last layer is
/// `conv<stages>_block<n>_out`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Resnet50 {
    /// The stage that ends the backbone, as Keras counts: 2 to 5. Each halves the features but the second.
    pub stages: usize,
}

impl Resnet50 {
    /// Adds the layers after `input` `[height, width, channels]` and gives the last one.
    ///
    /// # Errors
    /// A stage that there is not, or an input that is not an image.
    pub fn add_to(&self, builder: &mut GraphBuilder, input: LayerId) -> Result<LayerId, GraphError> {
        if !(2..2 + STAGES.len()).contains(&self.stages) {
            return Err(GraphError::Architecture(format!(
                "ResNet50 has no stage {}; choose 2 to {}",
                self.stages,
                1 + STAGES.len()
            )));
        }
        let mut blocks = Blocks(Stack { builder, last: input });
        blocks.pad("conv1_pad", 3)?;
        blocks.conv("conv1_conv", (64, 7), 2)?;
        blocks.norm("conv1_bn")?;
        blocks.relu("conv1_relu")?;
        blocks.pad("pool1_pad", 1)?;
        blocks.pool("pool1_pool")?;
        for (index, (filters, count, stride)) in STAGES.into_iter().take(self.stages - 1).enumerate() {
            for block in 1..=count {
                let name = format!("conv{}_block{block}", index + 2);
                blocks.block(&name, filters, (block == 1).then_some(stride))?;
            }
        }
        Ok(blocks.0.last)
    }
}

/// Bottleneck blocks put one upon another.
struct Blocks<'a>(Stack<'a>);

impl Blocks<'_> {
    /// A bottleneck block: narrow, filter, widen, and add the input. The first block of a stage has another shape than its
    /// input, which a 1x1 convolution of the same stride then gives the shortcut too.
    fn block(&mut self, name: &str, filters: usize, stride: Option<usize>) -> Result<(), GraphError> {
        let input = self.0.last;
        if let Some(stride) = stride {
            self.conv(&format!("{name}_0_conv"), (EXPANSION * filters, 1), stride)?;
            self.norm(&format!("{name}_0_bn"))?;
        }
        let shortcut = self.0.last;
        self.0.last = input;
        self.conv(&format!("{name}_1_conv"), (filters, 1), stride.unwrap_or(1))?;
        self.norm(&format!("{name}_1_bn"))?;
        self.relu(&format!("{name}_1_relu"))?;
        self.conv_same(&format!("{name}_2_conv"), filters)?;
        self.norm(&format!("{name}_2_bn"))?;
        self.relu(&format!("{name}_2_relu"))?;
        self.conv(&format!("{name}_3_conv"), (EXPANSION * filters, 1), 1)?;
        self.norm(&format!("{name}_3_bn"))?;
        self.0.sum(&format!("{name}_add"), [shortcut, self.0.last])?;
        self.relu(&format!("{name}_out"))
    }

    fn pad(&mut self, name: &str, border: usize) -> Result<(), GraphError> {
        self.add(name, Op::ZeroPad2d { height: (border, border), width: (border, border) })
    }

    fn pool(&mut self, name: &str) -> Result<(), GraphError> {
        self.add(name, Op::MaxPool2d(Pool2d { window: (3, 3), strides: (2, 2), padding: Padding::Valid }))
    }

    /// A square convolution without padding.
    fn conv(&mut self, name: &str, (filters, side): (usize, usize), stride: usize) -> Result<(), GraphError> {
        self.add(name, Op::Conv2d(convolution(filters, side, stride, Padding::Valid)))
    }

    /// A 3x3 convolution that keeps the size.
    fn conv_same(&mut self, name: &str, filters: usize) -> Result<(), GraphError> {
        self.add(name, Op::Conv2d(convolution(filters, 3, 1, Padding::Same)))
    }

    fn norm(&mut self, name: &str) -> Result<(), GraphError> {
        self.add(name, Op::batch_norm(MOMENTUM, EPSILON))
    }

    fn relu(&mut self, name: &str) -> Result<(), GraphError> {
        self.add(name, Op::Activation(Activation::Relu))
    }

    fn add(&mut self, name: &str, op: Op) -> Result<(), GraphError> {
        self.0.add(name, op, Initializer::GlorotUniform)
    }
}

/// A square convolution with bias.
fn convolution(filters: usize, side: usize, stride: usize, padding: Padding) -> Conv2d {
    Conv2d {
        filters,
        kernel: (side, side),
        strides: (stride, stride),
        dilation: (1, 1),
        padding,
        bias: true,
        activation: Activation::Linear,
    }
}
