//! Differentiable operations of segmentation networks on burn's CPU backend.
//!
//! burn-flex's own backward passes of clipping, depthwise convolution, batch normalisation and resampling are several
//! times slower than they need be, so these operations come as a backend extension: plain loops over slices here
//! ([`conv`], [`depthwise`], [`norm`], [`resize`]), matrix products by burn, and their derivatives registered with burn's
//! autodiff ([`autodiff`]). Activations are `[batch, channels, height, width]`; parameters are flat, in the graph's own
//! layout, so nothing is transposed on the way in or out.
//!
//! Every loop is split by the shape of the data, never by the number of threads, so results do not depend on it.

mod autodiff;
mod conv;
mod depthwise;
mod norm;
mod resize;
mod simd;
mod tensors;
mod window;

pub(crate) use norm::{Bounds, NormOptions};
pub(crate) use resize::Resize;
pub(crate) use tensors::{clip, conv, depthwise, norm, norm_with, resize, seed_gradient};
pub(crate) use window::Window;

use burn::backend::{
    Backend, ExtensionType, Flex, TensorMetadata, backend_extension,
    flex::{FlexTensor, Layout},
    ops::FloatTensorOps,
    tensor::FloatTensor,
};
use burn::tensor::{Bytes, DType, Shape};
use conv::Shape4;

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
        gradient: FloatTensor<Self>,
        window: Window,
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
    fn seed_gradient(output: FloatTensor<Self>, gradient: FloatTensor<Self>) -> FloatTensor<Self>;
}

impl NetworkOps for Flex {
    fn conv(input: FlexTensor, kernel: FlexTensor, bias: FlexTensor, window: Window) -> FlexTensor {
        let shape = shape4(&input);
        let [batch, channels, height, width] = shape;
        let out = output_size(window, (height, width));
        let kernel = kernel_matrix(kernel, window, channels);
        let filters = kernel.shape()[2];
        let columns = columns(input, shape, window, out);
        let product = Flex::float_matmul(Flex::float_swap_dims(kernel, 1, 2), columns);
        let mut output = Flex::float_reshape(product, Shape::from(vec![batch, filters, out.0, out.1]));
        let bias = bias.to_contiguous();
        if !slice(&bias).is_empty() && slice(&bias).len() == filters {
            conv::add_bias(output.storage_mut(), slice(&bias), out.0 * out.1);
        }
        output
    }

    fn conv_input_gradient(
        input: FlexTensor,
        kernel: FlexTensor,
        gradient: FlexTensor,
        window: Window,
    ) -> FlexTensor {
        let shape = shape4(&input);
        let kernel = kernel_matrix(kernel, window, shape[1]);
        let [batch, filters, height, width] = shape4(&gradient);
        let gradient = Flex::float_reshape(gradient, Shape::from(vec![batch, filters, height * width]));
        let columns = Flex::float_matmul(kernel, gradient);
        if window.is_pointwise() {
            return Flex::float_reshape(columns, Shape::from(shape.to_vec()));
        }
        let columns = columns.to_contiguous();
        tensor(conv::fold(slice(&columns), shape, window, (height, width)), &shape)
    }

    fn conv_kernel_gradient(
        input: FlexTensor,
        kernel: FlexTensor,
        gradient: FlexTensor,
        window: Window,
    ) -> FlexTensor {
        let shape = shape4(&input);
        let [batch, filters, height, width] = shape4(&gradient);
        let columns = columns(input, shape, window, (height, width));
        let gradient = Flex::float_reshape(gradient, Shape::from(vec![batch, filters, height * width]));
        // One product a sample, then their sum: the parts, and so the order of the sum, follow the batch alone.
        let parts = Flex::float_matmul(columns, Flex::float_swap_dims(gradient, 1, 2)).to_contiguous();
        let elements = kernel.shape()[0];
        tensor(conv::sum_batch(slice(&parts), elements), &[elements])
    }

    fn bias_gradient(gradient: FlexTensor) -> FlexTensor {
        let [_, channels, height, width] = shape4(&gradient);
        let gradient = gradient.to_contiguous();
        tensor(conv::bias_gradient(slice(&gradient), channels, height * width), &[channels])
    }

    fn depthwise(input: FlexTensor, kernel: FlexTensor, bias: FlexTensor, window: Window) -> FlexTensor {
        let shape = shape4(&input);
        let out = output_size(window, (shape[2], shape[3]));
        let (input, kernel, bias) = (input.to_contiguous(), kernel.to_contiguous(), bias.to_contiguous());
        let mut output = depthwise::forward(slice(&input), shape, slice(&kernel), window, out);
        let outputs = kernel.shape()[0] / (window.kernel.0 * window.kernel.1);
        if slice(&bias).len() == outputs {
            conv::add_bias(&mut output, slice(&bias), out.0 * out.1);
        }
        tensor(output, &[shape[0], outputs, out.0, out.1])
    }

    fn depthwise_input_gradient(
        input: FlexTensor,
        kernel: FlexTensor,
        gradient: FlexTensor,
        window: Window,
    ) -> FlexTensor {
        let shape = shape4(&input);
        let [_, _, height, width] = shape4(&gradient);
        let (kernel, gradient) = (kernel.to_contiguous(), gradient.to_contiguous());
        let input =
            depthwise::input_gradient(slice(&gradient), shape, slice(&kernel), window, (height, width));
        tensor(input, &shape)
    }

    fn depthwise_kernel_gradient(input: FlexTensor, gradient: FlexTensor, window: Window) -> FlexTensor {
        let shape = shape4(&input);
        let [_, outputs, height, width] = shape4(&gradient);
        let (input, gradient) = (input.to_contiguous(), gradient.to_contiguous());
        let kernel = depthwise::kernel_gradient(
            slice(&input),
            shape,
            slice(&gradient),
            outputs,
            window,
            (height, width),
        );
        let elements = kernel.len();
        tensor(kernel, &[elements])
    }

    fn norm(
        input: FlexTensor,
        gamma: FlexTensor,
        beta: FlexTensor,
        options: NormOptions,
    ) -> Normalized<Self> {
        let shape = shape4(&input);
        let (input, gamma, beta) = (input.to_contiguous(), gamma.to_contiguous(), beta.to_contiguous());
        let (mean, variance) = norm::moments(slice(&input), shape);
        let (scale, shift) = norm::affine(slice(&gamma), slice(&beta), &mean, &variance, options.epsilon);
        let output = norm::scale_shift(slice(&input), shape[2] * shape[3], &scale, &shift, options.bounds);
        Normalized {
            output: tensor(output, &shape),
            mean: tensor(mean, &[shape[1]]),
            variance: tensor(variance, &[shape[1]]),
        }
    }

    fn norm_gradient(
        input: FlexTensor,
        gamma: FlexTensor,
        beta: FlexTensor,
        mean: FlexTensor,
        variance: FlexTensor,
        gradient: FlexTensor,
        options: NormOptions,
    ) -> NormalizedGradients<Self> {
        let shape = shape4(&input);
        let (input, gradient) = (input.to_contiguous(), gradient.to_contiguous());
        let (gamma, beta) = (gamma.to_contiguous(), beta.to_contiguous());
        let normed = norm::Normed {
            gamma: slice(&gamma),
            beta: slice(&beta),
            mean: slice(&mean),
            variance: slice(&variance),
            options,
        };
        let gradients = norm::backward(slice(&input), shape, slice(&gradient), &normed);
        NormalizedGradients {
            input: tensor(gradients.input, &shape),
            gamma: tensor(gradients.gamma, &[shape[1]]),
            beta: tensor(gradients.beta, &[shape[1]]),
        }
    }

    fn norm_with(
        input: FlexTensor,
        gamma: FlexTensor,
        beta: FlexTensor,
        mean: FlexTensor,
        variance: FlexTensor,
        options: NormOptions,
    ) -> FlexTensor {
        let shape = shape4(&input);
        let input = input.to_contiguous();
        let [gamma, beta] = [gamma, beta].map(|tensor| tensor.to_contiguous());
        let [mean, variance] = [mean, variance].map(|tensor| tensor.to_contiguous());
        let (scale, shift) =
            norm::affine(slice(&gamma), slice(&beta), slice(&mean), slice(&variance), options.epsilon);
        tensor(norm::scale_shift(slice(&input), shape[2] * shape[3], &scale, &shift, options.bounds), &shape)
    }

    fn norm_with_gradient(
        input: FlexTensor,
        gamma: FlexTensor,
        beta: FlexTensor,
        mean: FlexTensor,
        variance: FlexTensor,
        gradient: FlexTensor,
        options: NormOptions,
    ) -> FlexTensor {
        let shape = shape4(&input);
        let (input, gradient) = (input.to_contiguous(), gradient.to_contiguous());
        let [gamma, beta] = [gamma, beta].map(|tensor| tensor.to_contiguous());
        let [mean, variance] = [mean, variance].map(|tensor| tensor.to_contiguous());
        let (scale, shift) =
            norm::affine(slice(&gamma), slice(&beta), slice(&mean), slice(&variance), options.epsilon);
        let pixels = shape[2] * shape[3];
        let gradient = norm::scale_shift_gradient(
            slice(&input),
            slice(&gradient),
            pixels,
            &scale,
            &shift,
            options.bounds,
        );
        tensor(gradient, &shape)
    }

    fn clip(input: FlexTensor, bounds: Bounds) -> FlexTensor {
        let shape = shape4(&input);
        let input = input.to_contiguous();
        tensor(norm::clip(slice(&input), bounds), &shape)
    }

    fn clip_gradient(input: FlexTensor, gradient: FlexTensor, bounds: Bounds) -> FlexTensor {
        let shape = shape4(&input);
        let (input, gradient) = (input.to_contiguous(), gradient.to_contiguous());
        tensor(norm::clip_gradient(slice(&input), slice(&gradient), bounds), &shape)
    }

    fn resize(input: FlexTensor, resize: Resize) -> FlexTensor {
        let shape = shape4(&input);
        let input = input.to_contiguous();
        let [batch, channels, height, width] = shape;
        tensor(
            resize::forward(slice(&input), shape, resize),
            &[batch, channels, height * resize.factor.0, width * resize.factor.1],
        )
    }

    fn resize_gradient(input: FlexTensor, gradient: FlexTensor, resize: Resize) -> FlexTensor {
        let shape = shape4(&input);
        let gradient = gradient.to_contiguous();
        tensor(resize::input_gradient(slice(&gradient), shape, resize), &shape)
    }

    fn seed_gradient(_output: FlexTensor, _gradient: FlexTensor) -> FlexTensor {
        tensor(vec![0.0], &[1])
    }
}

fn shape4(tensor: &FlexTensor) -> Shape4 {
    let shape = tensor.shape();
    [shape[0], shape[1], shape[2], shape[3]]
}

/// The elements of a contiguous tensor.
fn slice(tensor: &FlexTensor) -> &[f32] {
    tensor.as_slice().expect("a contiguous tensor of f32")
}

fn tensor(values: Vec<f32>, shape: &[usize]) -> FlexTensor {
    FlexTensor::new(Bytes::from_elems(values), Layout::contiguous(Shape::from(shape.to_vec())), DType::F32)
}

/// The output's size; networks are built only from windows that fit.
fn output_size(window: Window, input: (usize, usize)) -> (usize, usize) {
    window.output(input).expect("a window that fits its input")
}

/// The kernel as the matrix `[1, taps, filters]`.
fn kernel_matrix(kernel: FlexTensor, window: Window, channels: usize) -> FlexTensor {
    let taps = window.kernel.0 * window.kernel.1 * channels;
    let filters = kernel.shape()[0] / taps;
    Flex::float_reshape(kernel, Shape::from(vec![1, taps, filters]))
}

/// The input's windows as `[batch, taps, output pixels]`.
fn columns(input: FlexTensor, shape: Shape4, window: Window, out: (usize, usize)) -> FlexTensor {
    let [batch, channels, ..] = shape;
    let taps = window.kernel.0 * window.kernel.1 * channels;
    let columns = Shape::from(vec![batch, taps, out.0 * out.1]);
    if window.is_pointwise() {
        return Flex::float_reshape(input, columns);
    }
    let input = input.to_contiguous();
    tensor(conv::unfold(slice(&input), shape, window, out), &[batch, taps, out.0 * out.1])
}
