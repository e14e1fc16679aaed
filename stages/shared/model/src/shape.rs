//! Shape inference: what an operation makes of its inputs' shapes, and which weights it needs.

use crate::{Conv2d, Conv2dTranspose, DepthwiseConv2d, Op, Padding, Pool2d};

/// Elements one tensor may have: indices stay within 31 bits, as TensorFlow Lite asks.
const MOST_ELEMENTS: usize = i32::MAX as usize;

impl Op {
    /// Shape of the output, without the batch, from the shapes of the inputs.
    ///
    /// # Errors
    /// One sentence without the layer's name: what does not fit. [`Op::Input`] is always an error, because its shape is
    /// given rather than inferred.
    pub fn output_shape(&self, inputs: &[&[usize]]) -> Result<Vec<usize>, String> {
        let shape = match self {
            Self::Input => return Err("an input's shape is given, not inferred".into()),
            Self::Conv2d(conv) => conv.output_shape(single(inputs)?)?,
            Self::DepthwiseConv2d(conv) => conv.output_shape(single(inputs)?)?,
            Self::SeparableConv2d(conv) => {
                let between = conv.depthwise().output_shape(single(inputs)?)?;
                conv.pointwise().output_shape(&between)?
            }
            Self::Conv2dTranspose(conv) => conv.output_shape(single(inputs)?)?,
            Self::Dense(dense) => {
                let (&features, outer) = channels(single(inputs)?)?;
                elements(&[features, dense.units])?;
                outer.iter().copied().chain([dense.units]).collect()
            }
            Self::BatchNorm { .. } | Self::Softmax => {
                let shape = single(inputs)?;
                channels(shape)?;
                shape.to_vec()
            }
            Self::Prelu { shared_axes } => {
                let shape = single(inputs)?;
                if let Some(axis) = shared_axes.iter().find(|axis| !(1..=shape.len()).contains(axis)) {
                    return Err(format!(
                        "shares axis {axis} of {shape:?}, whose axes are 1 to {}",
                        shape.len()
                    ));
                }
                shape.to_vec()
            }
            Self::Relu { .. }
            | Self::SlopedRelu { .. }
            | Self::LeakyRelu { .. }
            | Self::Activation(_)
            | Self::Dropout { .. }
            | Self::Rescale { .. }
            | Self::Quantize
            | Self::Dequantize => single(inputs)?.to_vec(),
            Self::SpatialDropout2d { .. } => image(single(inputs)?)?.to_vec(),
            Self::Add { .. } => common(inputs, "add")?,
            Self::Multiply => common(inputs, "multiply")?,
            Self::Concat => concatenation(inputs)?,
            Self::ZeroPad2d { height, width } => {
                let [h, w, channels] = image(single(inputs)?)?;
                vec![plus(h, height.0, height.1)?, plus(w, width.0, width.1)?, channels]
            }
            Self::Crop2d { height, width } => {
                let [h, w, channels] = image(single(inputs)?)?;
                vec![minus(h, *height)?, minus(w, *width)?, channels]
            }
            Self::MaxPool2d(pool) | Self::AveragePool2d(pool) => pool.output_shape(single(inputs)?)?,
            Self::GlobalAveragePool { keep_dims } => {
                let [_, _, channels] = image(single(inputs)?)?;
                if *keep_dims { vec![1, 1, channels] } else { vec![channels] }
            }
            Self::Reshape { shape } => {
                let input = single(inputs)?;
                if elements(shape)? != elements(input)? {
                    return Err(format!("cannot reshape {input:?} to {shape:?}: other number of elements"));
                }
                shape.clone()
            }
            Self::Flatten => vec![elements(single(inputs)?)?],
            Self::Resize { size, .. } => {
                let [_, _, channels] = image(single(inputs)?)?;
                vec![size.0, size.1, channels]
            }
            Self::Upsample { factor, .. } => {
                let [h, w, channels] = image(single(inputs)?)?;
                vec![times(h, factor.0)?, times(w, factor.1)?, channels]
            }
        };
        if elements(&shape)? == 0 {
            return Err(format!("its output {shape:?} has no elements"));
        }
        Ok(shape)
    }

    /// Names and shapes of the weights in Keras order, from the shape of the (first) input.
    ///
    /// Their layouts are those that [`Op`] tells. Operations without weights, and a scalar input, give none.
    #[must_use]
    pub fn weight_shapes(&self, input: &[usize]) -> Vec<(&'static str, Vec<usize>)> {
        let Some(&channels) = input.last() else {
            return Vec::new();
        };
        let with_bias = |kernels: Vec<(&'static str, Vec<usize>)>, bias: bool, filters: usize| {
            kernels.into_iter().chain(bias.then(|| ("bias", vec![filters]))).collect()
        };
        match self {
            Self::Conv2d(conv) => {
                let kernel = vec![conv.kernel.0, conv.kernel.1, channels, conv.filters];
                with_bias(vec![("kernel", kernel)], conv.bias, conv.filters)
            }
            Self::DepthwiseConv2d(conv) => {
                let kernel = vec![conv.kernel.0, conv.kernel.1, channels, conv.multiplier];
                with_bias(vec![("kernel", kernel)], conv.bias, channels.saturating_mul(conv.multiplier))
            }
            Self::SeparableConv2d(conv) => {
                let depthwise = vec![conv.kernel.0, conv.kernel.1, channels, conv.multiplier];
                let pointwise = vec![1, 1, channels.saturating_mul(conv.multiplier), conv.filters];
                let kernels = vec![("depthwise_kernel", depthwise), ("pointwise_kernel", pointwise)];
                with_bias(kernels, conv.bias, conv.filters)
            }
            Self::Conv2dTranspose(conv) => {
                let kernel = vec![conv.kernel.0, conv.kernel.1, conv.filters, channels];
                with_bias(vec![("kernel", kernel)], conv.bias, conv.filters)
            }
            Self::Dense(dense) => {
                with_bias(vec![("kernel", vec![channels, dense.units])], dense.bias, dense.units)
            }
            Self::BatchNorm { scale, center, .. } => {
                let learned = [scale.then_some("gamma"), center.then_some("beta")];
                let names = learned.into_iter().flatten().chain(["moving_mean", "moving_variance"]);
                names.map(|name| (name, vec![channels])).collect()
            }
            Self::Prelu { shared_axes } => {
                let size =
                    |(axis, &size): (usize, &usize)| if shared_axes.contains(&(axis + 1)) { 1 } else { size };
                vec![("alpha", input.iter().enumerate().map(size).collect())]
            }
            _ => Vec::new(),
        }
    }
}

impl Conv2d {
    fn output_shape(&self, input: &[usize]) -> Result<Vec<usize>, String> {
        let [h, w, channels] = image(input)?;
        elements(&[self.kernel.0, self.kernel.1, channels, self.filters])?;
        let h = window(h, self.kernel.0, self.strides.0, self.dilation.0, self.padding)?;
        let w = window(w, self.kernel.1, self.strides.1, self.dilation.1, self.padding)?;
        Ok(vec![h, w, self.filters])
    }
}

impl DepthwiseConv2d {
    fn output_shape(&self, input: &[usize]) -> Result<Vec<usize>, String> {
        let [h, w, channels] = image(input)?;
        elements(&[self.kernel.0, self.kernel.1, channels, self.multiplier])?;
        let h = window(h, self.kernel.0, self.strides.0, self.dilation.0, self.padding)?;
        let w = window(w, self.kernel.1, self.strides.1, self.dilation.1, self.padding)?;
        Ok(vec![h, w, times(channels, self.multiplier)?])
    }
}

impl Conv2dTranspose {
    fn output_shape(&self, input: &[usize]) -> Result<Vec<usize>, String> {
        let [h, w, channels] = image(input)?;
        elements(&[self.kernel.0, self.kernel.1, self.filters, channels])?;
        let extra = |axis: fn(&(usize, usize)) -> usize| self.output_padding.as_ref().map(axis);
        let h = self.stretched(h, self.kernel.0, self.strides.0, self.dilation.0, extra(|both| both.0))?;
        let w = self.stretched(w, self.kernel.1, self.strides.1, self.dilation.1, extra(|both| both.1))?;
        Ok(vec![h, w, self.filters])
    }

    /// Keras' rule (`_get_output_shape_given_tf_padding` in `keras/src/backend/common/backend_utils.py`).
    fn stretched(
        &self,
        size: usize,
        kernel: usize,
        stride: usize,
        dilation: usize,
        extra: Option<usize>,
    ) -> Result<usize, String> {
        if kernel == 0 || stride == 0 || dilation == 0 {
            return Err("kernel size, stride and dilation must be at least 1".into());
        }
        if stride > 1 && dilation > 1 {
            return Err("a stride and a dilation above 1 exclude each other".into());
        }
        if extra.is_some_and(|extra| extra >= stride) {
            return Err(format!("its output padding must be smaller than its stride, {stride}"));
        }
        let span = plus(times(kernel - 1, dilation)?, 1, 0)?;
        let steps = times(size.saturating_sub(1), stride)?;
        match (self.padding, extra) {
            (Padding::Same, None) => times(size, stride),
            (Padding::Same, Some(extra)) => plus(steps, span % 2, extra),
            (Padding::Valid, None) => plus(steps, span.max(stride), 0),
            (Padding::Valid, Some(extra)) => plus(steps, span, extra),
        }
    }
}

impl Pool2d {
    fn output_shape(&self, input: &[usize]) -> Result<Vec<usize>, String> {
        let [h, w, channels] = image(input)?;
        let h = window(h, self.window.0, self.strides.0, 1, self.padding)?;
        let w = window(w, self.window.1, self.strides.1, 1, self.padding)?;
        Ok(vec![h, w, channels])
    }
}

/// Output size of a window that slides over one axis.
fn window(
    size: usize,
    kernel: usize,
    stride: usize,
    dilation: usize,
    padding: Padding,
) -> Result<usize, String> {
    if kernel == 0 || stride == 0 || dilation == 0 {
        return Err("kernel size, stride and dilation must be at least 1".into());
    }
    match padding {
        Padding::Same => Ok(size.div_ceil(stride)),
        Padding::Valid => {
            let span = plus(times(kernel - 1, dilation)?, 1, 0)?;
            match size.checked_sub(span) {
                Some(rest) => Ok(rest / stride + 1),
                None => Err(format!("a window of {span} does not fit into {size} without padding")),
            }
        }
    }
}

/// The shape that all inputs have when axes of one element are repeated; shapes are aligned at their ends.
fn common(inputs: &[&[usize]], verb: &str) -> Result<Vec<usize>, String> {
    let [first, others @ ..] = inputs else {
        return Err(format!("cannot {verb} nothing"));
    };
    if others.is_empty() {
        return Err(format!("cannot {verb} one input: there must be two or more"));
    }
    let mut shape = first.to_vec();
    for other in others {
        let axes = shape.len().max(other.len());
        let size = |of: &[usize], axis: usize| (axis + of.len()).checked_sub(axes).map_or(1, |axis| of[axis]);
        let sizes = |axis| match (size(&shape, axis), size(other, axis)) {
            (a, b) if a == b || b == 1 => Some(a),
            (1, b) => Some(b),
            _ => None,
        };
        shape = (0..axes)
            .map(sizes)
            .collect::<Option<_>>()
            .ok_or_else(|| format!("cannot {verb} {shape:?} and {other:?}: the shapes differ"))?;
    }
    Ok(shape)
}

fn concatenation(inputs: &[&[usize]]) -> Result<Vec<usize>, String> {
    let Some((first, others)) = inputs.split_first() else {
        return Err("concatenates nothing".into());
    };
    let Some((mut channels, outer)) = first.split_last().map(|(last, outer)| (*last, outer)) else {
        return Err("cannot concatenate scalars".into());
    };
    for other in others {
        match other.split_last() {
            Some((more, same)) if same == outer => channels = plus(channels, *more, 0)?,
            _ => return Err(format!("cannot concatenate {first:?} and {other:?} along the channels")),
        }
    }
    Ok(outer.iter().copied().chain([channels]).collect())
}

fn single<'a>(inputs: &[&'a [usize]]) -> Result<&'a [usize], String> {
    match inputs {
        [one] => Ok(one),
        _ => Err(format!("takes one input, not {}", inputs.len())),
    }
}

/// The last axis and those before it.
fn channels(shape: &[usize]) -> Result<(&usize, &[usize]), String> {
    shape.split_last().ok_or_else(|| "takes an input with channels, not a scalar".into())
}

fn image(shape: &[usize]) -> Result<[usize; 3], String> {
    <[usize; 3]>::try_from(shape)
        .map_err(|_| format!("takes an input [height, width, channels], not {shape:?}"))
}

/// Number of elements of a shape; sizes that no machine here could hold are an error.
pub(crate) fn elements(shape: &[usize]) -> Result<usize, String> {
    shape
        .iter()
        .try_fold(1usize, |product, size| product.checked_mul(*size))
        .filter(|product| *product <= MOST_ELEMENTS)
        .ok_or_else(|| format!("{shape:?} has more than {MOST_ELEMENTS} elements"))
}

fn times(a: usize, b: usize) -> Result<usize, String> {
    a.checked_mul(b).ok_or_else(|| format!("{a} times {b} is too large"))
}

fn minus(size: usize, ends: (usize, usize)) -> Result<usize, String> {
    let rest = ends.0.checked_add(ends.1).and_then(|ends| size.checked_sub(ends)).filter(|rest| *rest > 0);
    rest.ok_or_else(|| format!("cannot leave {} and {} of {size} out: nothing is left", ends.0, ends.1))
}

fn plus(a: usize, b: usize, c: usize) -> Result<usize, String> {
    a.checked_add(b)
        .and_then(|sum| sum.checked_add(c))
        .ok_or_else(|| format!("{a} and {b} and {c} sum to too much"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Activation, Interpolation};

    fn conv(kernel: usize, stride: usize, dilation: usize, padding: Padding) -> Op {
        Op::Conv2d(Conv2d {
            filters: 4,
            kernel: (kernel, kernel),
            strides: (stride, stride),
            dilation: (dilation, dilation),
            padding,
            bias: true,
            activation: Activation::Linear,
        })
    }

    #[test]
    fn same_padding_rounds_up_and_valid_padding_counts_whole_windows() {
        let shape = |op: Op| op.output_shape(&[&[9, 8, 3]]);
        assert_eq!(shape(conv(3, 2, 1, Padding::Same)), Ok(vec![5, 4, 4]));
        assert_eq!(shape(conv(3, 2, 1, Padding::Valid)), Ok(vec![4, 3, 4]));
        assert_eq!(shape(conv(3, 1, 3, Padding::Valid)), Ok(vec![3, 2, 4]));
        assert_eq!(
            shape(conv(3, 1, 4, Padding::Valid)),
            Err("a window of 9 does not fit into 8 without padding".into())
        );
        assert!(shape(conv(3, 0, 1, Padding::Same)).is_err());
    }

    #[test]
    fn sizes_that_overflow_are_errors_and_not_wrapped() {
        let huge = Op::Upsample { factor: (usize::MAX, 2), interpolation: Interpolation::Nearest };
        assert!(huge.output_shape(&[&[2, 2, 1]]).is_err());
        let long = Op::Upsample { factor: (1 << 20, 1 << 20), interpolation: Interpolation::Nearest };
        assert!(long.output_shape(&[&[2, 2, 1]]).is_err());
        let pad = Op::ZeroPad2d { height: (usize::MAX, 1), width: (0, 0) };
        assert!(pad.output_shape(&[&[2, 2, 1]]).is_err());
    }

    fn transpose(kernel: usize, stride: usize, padding: Padding, extra: Option<usize>) -> Op {
        Op::Conv2dTranspose(Conv2dTranspose {
            filters: 2,
            kernel: (kernel, kernel),
            strides: (stride, stride),
            dilation: (1, 1),
            padding,
            output_padding: extra.map(|both| (both, both)),
            bias: false,
            activation: Activation::Linear,
        })
    }

    #[test]
    fn transposed_convolutions_stretch_as_in_keras() {
        let size = |op: Op| op.output_shape(&[&[5, 5, 3]]).map(|shape| shape[0]);
        assert_eq!(size(transpose(3, 2, Padding::Same, None)), Ok(10));
        assert_eq!(size(transpose(3, 2, Padding::Valid, None)), Ok(11));
        assert_eq!(size(transpose(2, 3, Padding::Valid, None)), Ok(15));
        assert_eq!(size(transpose(3, 2, Padding::Same, Some(0))), Ok(9));
        assert_eq!(size(transpose(4, 2, Padding::Same, Some(1))), Ok(9));
        assert_eq!(size(transpose(3, 2, Padding::Valid, Some(1))), Ok(12));
        assert!(size(transpose(3, 2, Padding::Same, Some(2))).is_err());
    }

    #[test]
    fn an_axis_of_one_element_is_repeated_in_sums_and_products() {
        let shape = |inputs: &[&[usize]]| Op::Multiply.output_shape(inputs);
        assert_eq!(shape(&[&[4, 5, 3], &[1, 1, 3]]), Ok(vec![4, 5, 3]));
        assert_eq!(shape(&[&[3], &[4, 5, 3], &[4, 5, 1]]), Ok(vec![4, 5, 3]));
        assert_eq!(shape(&[&[4, 1, 3], &[1, 5, 1]]), Ok(vec![4, 5, 3]));
        assert!(shape(&[&[4, 5, 3], &[2, 1, 3]]).is_err());
        assert_eq!(shape(&[&[4, 5, 3]]), Err("cannot multiply one input: there must be two or more".into()));
    }

    #[test]
    fn each_operation_has_the_weights_that_its_arguments_say() {
        let names =
            |op: Op| op.weight_shapes(&[4, 5, 3]).into_iter().map(|(name, _)| name).collect::<Vec<_>>();
        let norm = |scale, center| Op::BatchNorm { momentum: 0.9, epsilon: 1e-3, scale, center };
        assert_eq!(names(norm(true, true)), ["gamma", "beta", "moving_mean", "moving_variance"]);
        assert_eq!(names(norm(false, true)), ["beta", "moving_mean", "moving_variance"]);
        assert_eq!(names(norm(false, false)), ["moving_mean", "moving_variance"]);
        let alpha = |shared_axes: &[usize]| {
            Op::Prelu { shared_axes: shared_axes.to_vec() }.weight_shapes(&[4, 5, 3])[0].1.clone()
        };
        assert_eq!((alpha(&[]), alpha(&[1, 2])), (vec![4, 5, 3], vec![1, 1, 3]));
        assert!(Op::Prelu { shared_axes: vec![4] }.output_shape(&[&[4, 5, 3]]).is_err());
        assert!(Op::Crop2d { height: (2, 2), width: (0, 0) }.output_shape(&[&[4, 5, 3]]).is_err());
    }

    #[test]
    fn inputs_that_do_not_fit_are_told_with_their_shapes() {
        let add = Op::Add { activation: Activation::Linear };
        assert_eq!(
            add.output_shape(&[&[1, 2, 3], &[1, 2, 4]]),
            Err("cannot add [1, 2, 3] and [1, 2, 4]: the shapes differ".into())
        );
        assert_eq!(Op::Concat.output_shape(&[&[1, 2, 3], &[1, 2, 4]]), Ok(vec![1, 2, 7]));
        assert!(Op::Concat.output_shape(&[&[1, 2, 3], &[2, 2, 4]]).is_err());
        assert!(Op::Reshape { shape: vec![1, 1, 5] }.output_shape(&[&[6]]).is_err());
        assert!(conv(1, 1, 1, Padding::Same).output_shape(&[&[6]]).is_err());
    }
}
