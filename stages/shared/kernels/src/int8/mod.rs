//! Kernels of 8-bit integers, bit-exact with LiteRT's reference kernels (`OpResolverType.BUILTIN_REF`).
//!
//! Source: the LiteRT 8-bit quantization specification; roundings as measured on LiteRT 2.3. Sums are of 32 bits and wrap,
//! which no network with sensible sizes reaches.

mod add;
mod border;
mod clamp;
mod conv;
mod depthwise;
mod dot;
mod mean;
mod multiplier;
mod relu;
mod resize;
mod weights;

pub(crate) use add::Add;
pub(crate) use border::{dequantize, quantize};
pub(crate) use conv::Conv;
pub(crate) use depthwise::DepthwiseConv;
pub(crate) use mean::Mean;
pub(crate) use relu::Relu;
pub(crate) use resize::ResizeBilinear;
