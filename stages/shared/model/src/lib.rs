//! The graph: the one representation of a network.
//!
//! A [`Graph`] is a list of [`Layer`]s with Keras names in Keras order, NHWC shapes and Keras padding. The burn module
//! that trains is built by walking it, interpreters run it, importers and exporters translate it. A float graph and its
//! int8 counterpart are the same type: quantization adds [`Quant`] to tensors and changes element types.
//!
//! Weights have one layout everywhere: convolution kernels `[height, width, in, out]`, depthwise kernels
//! `[height, width, channels, multiplier]`, transposed ones `[height, width, out, in]`, those of Dense `[in, out]`. Formats
//! with other layouts transpose at their border.
//!
//! A [`GraphBuilder`] makes graphs, [`DeeplabV3`] is the architecture made with it, [`initialize`] draws its weights.

mod activation;
mod architectures;
mod builder;
mod check;
mod convolution;
mod graph;
mod initialize;
mod macs;
mod memory;
mod op;
mod order;
pub mod passes;
mod shape;
mod tensor;

pub use activation::Activation;
pub use architectures::{AsppVersion, Backbone, DeeplabV3, MobilenetV2, Resnet50};
pub use builder::GraphBuilder;
pub use convolution::{Conv2d, Conv2dTranspose, Dense, DepthwiseConv2d, Padding, Pool2d, SeparableConv2d};
pub use graph::{Graph, GraphError, Initializer, Layer, LayerId};
pub use initialize::initialize;
pub use memory::{MemoryPlan, PlacedBlock, PlacedTensor, Sharing};
pub use op::{Interpolation, Op};
pub use tensor::{Data, DataType, Quant, Tensor, TensorType};
