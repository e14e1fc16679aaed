//! Passes: small rules that turn a graph into another one that computes the same, and the one that makes it int8.
//!
//! | pass | rule |
//! |---|---|
//! | [`drop_identity()`] | Dropout and linear activations go |
//! | [`plain_layers()`] | layers that are others in another form, as separable convolutions -> those others |
//! | [`squeeze_pool()`] | global pooling + Reshape `[1, 1, C]` -> pooling that keeps its axes |
//! | [`fold_batch_norm()`] | convolution + BatchNorm -> convolution; elsewhere BatchNorm -> 1x1 depthwise convolution |
//! | [`fold_rescaling()`] | Rescale -> 1x1 depthwise convolution |
//! | [`fuse_padding()`] | ZeroPad2d + VALID convolution -> SAME convolution, where that is the same |
//! | [`fuse_activation()`] | convolution or Add + ReLU or ReLU6 -> fused |
//! | [`with_rescaling()`] | adds a Rescale layer behind the input |
//! | [`without_rescaling()`] | takes it away again |
//! | [`quantize()`] | float -> int8, given the range of every layer's output |
//!
//! [`for_deployment()`] is the order in which they are applied before quantization. A pass takes any valid graph and leaves
//! alone what its rule does not match. Float passes change outputs by rounding only.

mod affine;
mod drop_identity;
#[cfg(test)]
mod evaluator;
mod fold_batch_norm;
mod fold_rescaling;
mod fuse_activation;
mod fuse_padding;
mod patch;
mod plain_layers;
mod quantize;
mod range;
mod scale;
mod squeeze_pool;
mod with_rescaling;
mod without_rescaling;

pub use drop_identity::drop_identity;
pub use fold_batch_norm::fold_batch_norm;
pub use fold_rescaling::fold_rescaling;
pub use fuse_activation::fuse_activation;
pub use fuse_padding::fuse_padding;
pub use plain_layers::plain_layers;
pub use quantize::{Border, QuantizeOptions, WeightScales, quantize};
pub use range::{Range, Ranges};
pub use scale::{activation_quant, weight_scale};
pub use squeeze_pool::squeeze_pool;
pub use with_rescaling::with_rescaling;
pub use without_rescaling::without_rescaling;

use crate::{Graph, GraphError};

/// The graph as it is deployed: no layer that only training needs, layers in their plain form, BatchNorm folded, padding and
/// activations fused.
///
/// # Errors
/// A layer's weights or inputs do not fit its operation.
pub fn for_deployment(graph: &Graph) -> Result<Graph, GraphError> {
    let graph = drop_identity(graph)?;
    let graph = plain_layers(&graph)?;
    let graph = squeeze_pool(&graph)?;
    let graph = fold_batch_norm(&graph)?;
    let graph = fold_rescaling(&graph)?;
    let graph = fuse_padding(&graph)?;
    fuse_activation(&graph)
}
