//! Kernels of 32-bit floats.
//!
//! Inner loops run over channels and are written so that the compiler vectorises them for the target's baseline. Products
//! and sums are rounded separately (no fused multiply-add), so results are the same on every machine of an architecture.

mod activation;
mod broadcast;
mod conv;
mod dense;
mod depthwise;
mod elementwise;
mod gemm;
mod pool;
mod resize;
mod separable;
mod transpose;

pub(crate) use conv::Conv;
pub(crate) use dense::DenseProduct;
pub(crate) use depthwise::DepthwiseConv;
pub(crate) use elementwise::{Activate, BatchNorm, Join, LeakyRelu, Prelu, Relu, Rescale, SlopedRelu};
pub(crate) use pool::{GlobalAveragePool, Pool, Pooled};
pub(crate) use resize::ResizeBilinear;
pub(crate) use separable::SeparableConv;
pub(crate) use transpose::ConvTranspose;
