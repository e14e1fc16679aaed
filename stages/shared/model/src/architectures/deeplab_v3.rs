//! DeepLabV3 (Chen et al., arXiv 1706.05587) on MobileNetV2 and ResNet50.

use super::{MobilenetV2, Resnet50, stack::Stack};
use crate::{
    Activation, Conv2d, DepthwiseConv2d, Graph, GraphBuilder, GraphError, Initializer, Interpolation,
    LayerId, Op, Padding,
};

/// Channels of every branch of the ASPP, and of its projection.
const FILTERS: usize = 256;
/// Share of the old moving statistics that an update keeps in ASPP and head: Keras' default.
const MOMENTUM: f32 = 0.99;
/// Added to the variance in ASPP and head: Keras' default.
const EPSILON: f32 = 1e-3;

/// DeepLabV3 for semantic segmentation: a backbone, atrous spatial pyramid pooling (ASPP), a 1x1 classifier and bilinear
/// upsampling. The output is logits `[height, width, classes]`.
#[derive(Debug, Clone, PartialEq)]
pub struct DeeplabV3 {
    /// What makes the features.
    pub backbone: Backbone,
    /// Height, width and channels of the image; the sides are multiples of the output stride.
    pub input: (usize, usize, usize),
    /// Number of classes, the background included.
    pub classes: usize,
    /// How many image pixels one element of the ASPP's feature map stands for along an axis: 8 or 16.
    pub output_stride: usize,
    /// Which ASPP.
    pub aspp: AsppVersion,
    /// Share of elements dropped before the classifier, in `0.0..1.0`.
    pub dropout: f64,
}

/// The network below the ASPP, cut where its features are as coarse as the output stride says.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Backbone {
    /// [`MobilenetV2`], cut at `block_13_expand_relu` or `block_6_expand_relu`.
    MobilenetV2 {
        /// Factor of the channel counts.
        alpha: f64,
    },
    /// [`Resnet50`], cut at `conv4_block6_out` or `conv3_block4_out`.
    Resnet50,
}

/// How the atrous branches of the ASPP are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AsppVersion {
    /// Full 3x3 convolutions.
    V1,
    /// 3x3 depthwise convolutions, each followed by a 1x1 convolution.
    V2,
}

impl DeeplabV3 {
    /// The graph, with Keras' names in Keras' order. Weights are 0, scales (gamma, moving variance) 1; see
    /// [`initialize`](crate::initialize).
    ///
    /// # Errors
    /// [`GraphError::Architecture`] for arguments that no such network has.
    pub fn build(&self) -> Result<Graph, GraphError> {
        self.check()?;
        let (height, width, channels) = self.input;
        let mut builder = GraphBuilder::new(self.name());
        let image = builder.input("image", &[height, width, channels])?;
        let features = self.features(&mut builder, image)?;
        let pyramid = self.pyramid(&mut builder, features)?;
        let head = Branch(Stack { builder: &mut builder, last: pyramid });
        let logits = self.head(head)?;
        builder.finish(logits)
    }

    fn features(&self, builder: &mut GraphBuilder, image: LayerId) -> Result<LayerId, GraphError> {
        let coarse = self.output_stride == 16;
        match self.backbone {
            Backbone::MobilenetV2 { alpha } => {
                MobilenetV2 { alpha, cut: if coarse { 13 } else { 6 } }.add_to(builder, image)
            }
            Backbone::Resnet50 => Resnet50 { stages: if coarse { 4 } else { 3 } }.add_to(builder, image),
        }
    }

    fn check(&self) -> Result<(), GraphError> {
        let (height, width, channels) = self.input;
        let stride = self.output_stride;
        if stride != 8 && stride != 16 {
            return Err(GraphError::Architecture(format!(
                "output_stride is {stride}; DeepLabV3 is built for 8 or 16"
            )));
        }
        for (side, name) in [(height, "height"), (width, "width")] {
            if side == 0 || side % stride != 0 {
                let below = side / stride * stride;
                let near =
                    if below == 0 { format!("{stride}") } else { format!("{below} or {}", below + stride) };
                return Err(GraphError::Architecture(format!(
                    "the input's {name} is {side}, not a multiple of the output stride {stride}; use {near}"
                )));
            }
        }
        if channels == 0 {
            return Err(GraphError::Architecture("the input has no channels; use 3 for RGB".into()));
        }
        if self.classes == 0 {
            return Err(GraphError::Architecture("a network for 0 classes has no output".into()));
        }
        if !(0.0..1.0).contains(&self.dropout) {
            return Err(GraphError::Architecture(format!(
                "dropout is {}; it is the share of elements dropped, at least 0 and below 1",
                self.dropout
            )));
        }
        Ok(())
    }

    fn name(&self) -> String {
        let (height, width, _) = self.input;
        let size = if height == width { format!("{height}") } else { format!("{height}x{width}") };
        match self.backbone {
            Backbone::MobilenetV2 { alpha } => {
                format!("deeplabv3_mnv2_{:03}_{size}", (alpha * 100.0).round())
            }
            Backbone::Resnet50 => format!("deeplabv3_resnet50_{size}"),
        }
    }

    /// Atrous spatial pyramid pooling: what is seen at five scales, side by side, projected to one width.
    fn pyramid(&self, builder: &mut GraphBuilder, features: LayerId) -> Result<LayerId, GraphError> {
        let rows = builder.shape(features).first().copied().unwrap_or(0);
        // A feature map of fewer than 5 rows has atrous branches without gaps.
        let dilation = |index: usize| (index * (rows / 5)).max(1);
        let mut branches = vec![{
            let mut branch = Branch(Stack { builder, last: features });
            branch.conv("aspp_1x1", (1, 1), 1)?;
            branch.0.last
        }];
        for index in 1..=3 {
            let mut branch = Branch(Stack { builder, last: features });
            match self.aspp {
                AsppVersion::V1 => branch.conv(&format!("aspp_conv{index}"), (3, 3), dilation(index))?,
                AsppVersion::V2 => {
                    branch.depthwise(&format!("aspp_dw{index}"), dilation(index))?;
                    branch.conv(&format!("aspp_pw{index}"), (1, 1), 1)?;
                }
            }
            branches.push(branch.0.last);
        }
        branches.push(Branch(Stack { builder, last: features }).pooled()?);
        let last = builder.layer("aspp_concat", Op::Concat, &branches, Initializer::default())?;
        let mut projection = Branch(Stack { builder, last });
        projection.conv("aspp_proj", (1, 1), 1)?;
        Ok(projection.0.last)
    }

    fn head(&self, mut head: Branch<'_>) -> Result<LayerId, GraphError> {
        head.0.add("dropout", Op::Dropout { rate: self.dropout as f32 }, Initializer::default())?;
        let classifier = Conv2d {
            filters: self.classes,
            kernel: (1, 1),
            strides: (1, 1),
            dilation: (1, 1),
            padding: Padding::Valid,
            bias: true,
            activation: Activation::Linear,
        };
        head.0.add("logits", Op::Conv2d(classifier), Initializer::HeNormal)?;
        let stride = self.output_stride;
        let up = Op::Upsample { factor: (stride, stride), interpolation: Interpolation::Bilinear };
        head.0.add(&format!("up{stride}"), up, Initializer::default())?;
        Ok(head.0.last)
    }
}

/// A chain of layers, each convolution followed by BatchNorm and ReLU.
struct Branch<'a>(Stack<'a>);

impl Branch<'_> {
    fn conv(&mut self, name: &str, kernel: (usize, usize), dilation: usize) -> Result<(), GraphError> {
        let conv = Conv2d {
            filters: FILTERS,
            kernel,
            strides: (1, 1),
            dilation: (dilation, dilation),
            padding: Padding::Same,
            bias: true,
            activation: Activation::Linear,
        };
        // Layers are named after the branch: `aspp_gap_conv` is followed by `aspp_gap_bn`.
        let stem = name.strip_suffix("_conv").unwrap_or(name);
        self.0.add(name, Op::Conv2d(conv), Initializer::HeNormal)?;
        self.norm_and_relu(stem)
    }

    fn depthwise(&mut self, name: &str, dilation: usize) -> Result<(), GraphError> {
        let conv = DepthwiseConv2d {
            multiplier: 1,
            kernel: (3, 3),
            strides: (1, 1),
            dilation: (dilation, dilation),
            padding: Padding::Same,
            bias: true,
            activation: Activation::Linear,
        };
        self.0.add(name, Op::DepthwiseConv2d(conv), Initializer::GlorotUniform)?;
        self.norm_and_relu(name)
    }

    /// The branch that sees the whole image: its mean, seen everywhere.
    fn pooled(mut self) -> Result<LayerId, GraphError> {
        let (rows, columns, channels) = match self.0.builder.shape(self.0.last) {
            [rows, columns, channels] => (*rows, *columns, *channels),
            other => {
                return Err(GraphError::shape("aspp_gap", format!("takes an image, not {other:?}")));
            }
        };
        self.0.add("aspp_gap", Op::GlobalAveragePool { keep_dims: false }, Initializer::default())?;
        self.0.add("aspp_reshape", Op::Reshape { shape: vec![1, 1, channels] }, Initializer::default())?;
        self.conv("aspp_gap_conv", (1, 1), 1)?;
        let up = Op::Upsample { factor: (rows, columns), interpolation: Interpolation::Bilinear };
        self.0.add("aspp_gap_up", up, Initializer::default())?;
        Ok(self.0.last)
    }

    fn norm_and_relu(&mut self, stem: &str) -> Result<(), GraphError> {
        let norm = Op::batch_norm(MOMENTUM, EPSILON);
        self.0.add(&format!("{stem}_bn"), norm, Initializer::default())?;
        self.0.add(&format!("{stem}_relu"), Op::Activation(Activation::Relu), Initializer::default())
    }
}
