//! The operations on burn's CPU backend: loops over slices, and matrix products by burn.

use super::{
    Bounds, Curve, NetworkOps, NormOptions, Normalized, NormalizedGradients, Pool, Resize, Transposed,
    Window,
    conv::{self, Shape4},
    curve, depthwise, norm, pool, resize,
};
use burn::backend::{
    Flex, TensorMetadata,
    flex::{FlexTensor, Layout},
    ops::FloatTensorOps,
};
use burn::tensor::{Bytes, DType, Shape};

impl NetworkOps for Flex {
    fn conv(input: FlexTensor, kernel: FlexTensor, bias: FlexTensor, window: Window) -> FlexTensor {
        let shape = shape4(&input);
        let [batch, channels, height, width] = shape;
        let out = output_size(window, (height, width));
        let kernel = kernel_matrix(kernel, window, channels);
        let filters = kernel.shape()[2];
        let columns = columns(input, shape, window, out);
        let product = Flex::float_matmul(Flex::float_swap_dims(kernel, 1, 2), columns);
        with_bias(Flex::float_reshape(product, Shape::from(vec![batch, filters, out.0, out.1])), &bias)
    }

    fn conv_input_gradient(
        input: FlexTensor,
        kernel: FlexTensor,
        gradient: FlexTensor,
        window: Window,
    ) -> FlexTensor {
        spread(gradient, kernel, shape4(&input), window)
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
        let (input, kernel) = (input.to_contiguous(), kernel.to_contiguous());
        let output = depthwise::forward(slice(&input), shape, slice(&kernel), window, out);
        let outputs = kernel.shape()[0] / (window.kernel.0 * window.kernel.1);
        with_bias(tensor(output, &[shape[0], outputs, out.0, out.1]), &bias)
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

    fn depthwise_kernel_gradient(
        input: FlexTensor,
        _kernel: FlexTensor,
        gradient: FlexTensor,
        window: Window,
    ) -> FlexTensor {
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

    // A transposed convolution is the gradient of the convolution that would make its input of its output, and its own
    // gradients are that convolution's output and the gradient of that convolution's kernel.
    fn conv_transpose(
        input: FlexTensor,
        kernel: FlexTensor,
        bias: FlexTensor,
        transposed: Transposed,
    ) -> FlexTensor {
        let [batch, channels, ..] = shape4(&input);
        let Transposed { window, out } = transposed;
        let filters = kernel.shape()[0] / (window.kernel.0 * window.kernel.1 * channels);
        with_bias(spread(input, kernel, [batch, filters, out.0, out.1], window), &bias)
    }

    fn conv_transpose_input_gradient(
        _input: FlexTensor,
        kernel: FlexTensor,
        gradient: FlexTensor,
        transposed: Transposed,
    ) -> FlexTensor {
        Self::conv(gradient, kernel, tensor(vec![], &[0]), transposed.window)
    }

    fn conv_transpose_kernel_gradient(
        input: FlexTensor,
        kernel: FlexTensor,
        gradient: FlexTensor,
        transposed: Transposed,
    ) -> FlexTensor {
        Self::conv_kernel_gradient(gradient, kernel, input, transposed.window)
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
        let output = resize::forward(slice(&input), shape, resize);
        tensor(output, &[shape[0], shape[1], resize.size.0, resize.size.1])
    }

    fn resize_gradient(input: FlexTensor, gradient: FlexTensor, resize: Resize) -> FlexTensor {
        let shape = shape4(&input);
        let gradient = gradient.to_contiguous();
        tensor(resize::input_gradient(slice(&gradient), shape, resize), &shape)
    }

    fn curve(input: FlexTensor, curve: Curve) -> FlexTensor {
        let shape = shape4(&input);
        let input = input.to_contiguous();
        tensor(curve::forward(slice(&input), curve), &shape)
    }

    fn curve_gradient(input: FlexTensor, gradient: FlexTensor, curve: Curve) -> FlexTensor {
        let shape = shape4(&input);
        let (input, gradient) = (input.to_contiguous(), gradient.to_contiguous());
        tensor(curve::input_gradient(slice(&input), slice(&gradient), curve), &shape)
    }

    fn pool(input: FlexTensor, pool: Pool) -> FlexTensor {
        let shape = shape4(&input);
        let out = output_size(pool.window, (shape[2], shape[3]));
        let input = input.to_contiguous();
        tensor(pool::forward(slice(&input), shape, pool, out), &[shape[0], shape[1], out.0, out.1])
    }

    fn pool_gradient(input: FlexTensor, gradient: FlexTensor, pool: Pool) -> FlexTensor {
        let (shape, [_, _, height, width]) = (shape4(&input), shape4(&gradient));
        let (input, gradient) = (input.to_contiguous(), gradient.to_contiguous());
        tensor(pool::input_gradient(slice(&input), shape, slice(&gradient), pool, (height, width)), &shape)
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

/// Adds `bias[channel]` to every pixel; a bias without elements is none.
fn with_bias(mut output: FlexTensor, bias: &FlexTensor) -> FlexTensor {
    let [_, channels, height, width] = shape4(&output);
    let bias = bias.to_contiguous();
    if slice(&bias).len() == channels {
        conv::add_bias(output.storage_mut(), slice(&bias), height * width);
    }
    output
}

/// The transpose of a convolution: adds `kernel`, times each pixel of `gradient`, to the pixels that its window reads. The
/// result has the shape `shape`.
fn spread(gradient: FlexTensor, kernel: FlexTensor, shape: Shape4, window: Window) -> FlexTensor {
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
