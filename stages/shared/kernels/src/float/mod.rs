//! Kernels of 32-bit floats.
//!
//! Inner loops run over channels and are written so that the compiler vectorises them for the target's baseline. Products
//! and sums are rounded separately (no fused multiply-add), so results are the same on every machine of an architecture.

mod activation;
mod conv;
mod depthwise;
mod elementwise;
mod gemm;
mod pool;
mod resize;

pub(crate) use conv::Conv;
pub(crate) use depthwise::DepthwiseConv;
pub(crate) use elementwise::{Activate, Add, BatchNorm, Relu, Rescale};
pub(crate) use pool::GlobalAveragePool;
pub(crate) use resize::ResizeBilinear;
