//! The operations on burn's tensors, on any device that has them.

use super::{Bounds, Curve, NetworkOps, NormOptions, Pool, Resize, Transposed, Window};
use burn::backend::Dispatch;
use burn::tensor::Tensor;

/// Convolution. `kernel` is flat, in the graph's layout `[height, width, in, out]`.
pub(crate) fn conv(input: Tensor<4>, kernel: Tensor<1>, bias: Tensor<1>, window: Window) -> Tensor<4> {
    Tensor::from_dispatch(Dispatch::conv(
        input.into_dispatch(),
        kernel.into_dispatch(),
        bias.into_dispatch(),
        window,
    ))
}

/// Depthwise convolution. `kernel` is flat, in the graph's layout `[height, width, channels, multiplier]`.
pub(crate) fn depthwise(input: Tensor<4>, kernel: Tensor<1>, bias: Tensor<1>, window: Window) -> Tensor<4> {
    Tensor::from_dispatch(Dispatch::depthwise(
        input.into_dispatch(),
        kernel.into_dispatch(),
        bias.into_dispatch(),
        window,
    ))
}

/// Transposed convolution. `kernel` is flat, in the graph's layout `[height, width, out, in]`.
pub(crate) fn conv_transpose(
    input: Tensor<4>,
    kernel: Tensor<1>,
    bias: Tensor<1>,
    transposed: Transposed,
) -> Tensor<4> {
    Tensor::from_dispatch(Dispatch::conv_transpose(
        input.into_dispatch(),
        kernel.into_dispatch(),
        bias.into_dispatch(),
        transposed,
    ))
}

/// Normalisation by the batch's own statistics, then clipping. Also gives batch mean and biased variance.
pub(crate) fn norm(
    input: Tensor<4>,
    gamma: Tensor<1>,
    beta: Tensor<1>,
    options: NormOptions,
) -> (Tensor<4>, Tensor<1>, Tensor<1>) {
    let normalized =
        Dispatch::norm(input.into_dispatch(), gamma.into_dispatch(), beta.into_dispatch(), options);
    (
        Tensor::from_dispatch(normalized.output),
        Tensor::from_dispatch(normalized.mean),
        Tensor::from_dispatch(normalized.variance),
    )
}

/// Normalisation by given statistics, then clipping. Gamma, beta, mean and variance get no gradient: in training,
/// only frozen layers are normalised so.
pub(crate) fn norm_with(
    input: Tensor<4>,
    [gamma, beta, mean, variance]: [Tensor<1>; 4],
    options: NormOptions,
) -> Tensor<4> {
    Tensor::from_dispatch(Dispatch::norm_with(
        input.into_dispatch(),
        gamma.into_dispatch(),
        beta.into_dispatch(),
        mean.into_dispatch(),
        variance.into_dispatch(),
        options,
    ))
}

/// Clipping: ReLU and ReLU6.
pub(crate) fn clip(input: Tensor<4>, bounds: Bounds) -> Tensor<4> {
    Tensor::from_dispatch(Dispatch::clip(input.into_dispatch(), bounds))
}

/// An activation function of single elements.
pub(crate) fn curve(input: Tensor<4>, curve: Curve) -> Tensor<4> {
    Tensor::from_dispatch(Dispatch::curve(input.into_dispatch(), curve))
}

/// Pooling.
pub(crate) fn pool(input: Tensor<4>, pool: Pool) -> Tensor<4> {
    Tensor::from_dispatch(Dispatch::pool(input.into_dispatch(), pool))
}

/// Resampling.
pub(crate) fn resize(input: Tensor<4>, resize: Resize) -> Tensor<4> {
    Tensor::from_dispatch(Dispatch::resize(input.into_dispatch(), resize))
}

/// A scalar whose derivative with respect to `output` is `gradient`, so that a backward pass can start from a loss
/// computed elsewhere. Its own value is 0.
pub(crate) fn seed_gradient(output: Tensor<4>, gradient: Tensor<4>) -> Tensor<1> {
    Tensor::from_dispatch(Dispatch::seed_gradient(output.into_dispatch(), gradient.into_dispatch()))
}
