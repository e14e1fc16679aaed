//! Differentiable operations of segmentation networks on burn's CPU backend.
//!
//! burn-flex's own backward passes of clipping, depthwise convolution, batch normalisation and resampling are several
//! times slower than they need be, so these operations come as a backend extension: plain loops over slices here
//! ([`conv`], [`depthwise`], [`norm`], [`pool`], [`resize`], [`curve`]) and matrix products by burn ([`flex`]), and their
//! derivatives are registered with burn's autodiff ([`autodiff`]). Activations are `[batch, channels, height, width]`; parameters are flat, in the graph's own
//! layout, so nothing is transposed on the way in or out.
//!
//! Every loop is split by the shape of the data, never by the number of threads, so results do not depend on it.

mod autodiff;
mod conv;
mod curve;
mod depthwise;
mod flex;
mod norm;
mod pool;
mod resize;
mod simd;
mod tensors;
mod window;

pub(crate) use curve::Curve;
pub(crate) use norm::{Bounds, NormOptions};
pub(crate) use pool::{Pool, Pooling};
pub(crate) use resize::Resize;
pub(crate) use tensors::{
    clip, conv, conv_transpose, curve, depthwise, norm, norm_with, pool, resize, seed_gradient,
};
pub(crate) use window::Window;

use burn::backend::{Backend, ExtensionType, backend_extension, tensor::FloatTensor};

/// A transposed convolution's geometry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Transposed {
    /// The window of the convolution from the output to the input.
    pub(crate) window: Window,
    /// Height and width of the output.
    pub(crate) out: (usize, usize),
}

/// Result of a normalisation: the output and the batch statistics.
#[derive(Debug, ExtensionType)]
pub(crate) struct Normalized<B: Backend> {
    /// Like the input.
    pub output: FloatTensor<B>,
    /// Batch mean, `[channels]`.
    pub mean: FloatTensor<B>,
    /// Biased batch variance, `[channels]`.
    pub variance: FloatTensor<B>,
}

/// Gradients of a normalisation.
#[derive(Debug, ExtensionType)]
pub(crate) struct NormalizedGradients<B: Backend> {
    /// Like the input.
    pub input: FloatTensor<B>,
    /// `[channels]`.
    pub gamma: FloatTensor<B>,
    /// `[channels]`.
    pub beta: FloatTensor<B>,
}

/// The operations, each with its gradients.
#[backend_extension(Flex, Autodiff)]
pub(crate) trait NetworkOps: Backend {
    fn conv(
        input: FloatTensor<Self>,
        kernel: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        window: Window,
    ) -> FloatTensor<Self>;
    fn conv_input_gradient(
        input: FloatTensor<Self>,
        kernel: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        window: Window,
    ) -> FloatTensor<Self>;
    fn conv_kernel_gradient(
        input: FloatTensor<Self>,
        kernel: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        window: Window,
    ) -> FloatTensor<Self>;
    fn bias_gradient(gradient: FloatTensor<Self>) -> FloatTensor<Self>;
    fn depthwise(
        input: FloatTensor<Self>,
        kernel: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        window: Window,
    ) -> FloatTensor<Self>;
    fn depthwise_input_gradient(
        input: FloatTensor<Self>,
        kernel: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        window: Window,
    ) -> FloatTensor<Self>;
    fn depthwise_kernel_gradient(
        input: FloatTensor<Self>,
        kernel: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        window: Window,
    ) -> FloatTensor<Self>;
    fn conv_transpose(
        input: FloatTensor<Self>,
        kernel: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        transposed: Transposed,
    ) -> FloatTensor<Self>;
    fn conv_transpose_input_gradient(
        input: FloatTensor<Self>,
        kernel: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        transposed: Transposed,
    ) -> FloatTensor<Self>;
    fn conv_transpose_kernel_gradient(
        input: FloatTensor<Self>,
        kernel: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        transposed: Transposed,
    ) -> FloatTensor<Self>;
    fn norm(
        input: FloatTensor<Self>,
        gamma: FloatTensor<Self>,
        beta: FloatTensor<Self>,
        options: NormOptions,
    ) -> Normalized<Self>;
    fn norm_gradient(
        input: FloatTensor<Self>,
        gamma: FloatTensor<Self>,
        beta: FloatTensor<Self>,
        mean: FloatTensor<Self>,
        variance: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        options: NormOptions,
    ) -> NormalizedGradients<Self>;
    fn norm_with(
        input: FloatTensor<Self>,
        gamma: FloatTensor<Self>,
        beta: FloatTensor<Self>,
        mean: FloatTensor<Self>,
        variance: FloatTensor<Self>,
        options: NormOptions,
    ) -> FloatTensor<Self>;
    fn norm_with_gradient(
        input: FloatTensor<Self>,
        gamma: FloatTensor<Self>,
        beta: FloatTensor<Self>,
        mean: FloatTensor<Self>,
        variance: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        options: NormOptions,
    ) -> FloatTensor<Self>;
    fn clip(input: FloatTensor<Self>, bounds: Bounds) -> FloatTensor<Self>;
    fn clip_gradient(
        input: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        bounds: Bounds,
    ) -> FloatTensor<Self>;
    fn resize(input: FloatTensor<Self>, resize: Resize) -> FloatTensor<Self>;
    fn resize_gradient(
        input: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        resize: Resize,
    ) -> FloatTensor<Self>;
    fn curve(input: FloatTensor<Self>, curve: Curve) -> FloatTensor<Self>;
    fn curve_gradient(
        input: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        curve: Curve,
    ) -> FloatTensor<Self>;
    fn pool(input: FloatTensor<Self>, pool: Pool) -> FloatTensor<Self>;
    fn pool_gradient(input: FloatTensor<Self>, gradient: FloatTensor<Self>, pool: Pool) -> FloatTensor<Self>;
    fn seed_gradient(output: FloatTensor<Self>, gradient: FloatTensor<Self>) -> FloatTensor<Self>;
}
