//! Shape inference: what an operation makes of its inputs' shapes, and which weights it needs.

use crate::{Conv2d, DepthwiseConv2d, Op, Padding};

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
            Self::BatchNorm { .. } => {
                let shape = single(inputs)?;
                if shape.is_empty() {
                    return Err("a scalar has no channels to normalise".into());
                }
                shape.to_vec()
            }
            Self::Relu { .. }
            | Self::Activation(_)
            | Self::Dropout { .. }
            | Self::Rescale { .. }
            | Self::Quantize
            | Self::Dequantize => single(inputs)?.to_vec(),
            Self::Add { .. } => sum(inputs)?,
            Self::Concat => concatenation(inputs)?,
            Self::ZeroPad2d { height, width } => {
                let [h, w, channels] = image(single(inputs)?)?;
                vec![plus(h, height.0, height.1)?, plus(w, width.0, width.1)?, channels]
            }
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
    /// A kernel's shape is `[height, width, in, out]`, or `[height, width, channels, multiplier]` when depthwise. Operations
    /// without weights, and a scalar input, give none.
    #[must_use]
    pub fn weight_shapes(&self, input: &[usize]) -> Vec<(&'static str, Vec<usize>)> {
        let Some(&channels) = input.last() else {
            return Vec::new();
        };
        match self {
            Self::Conv2d(conv) => {
                let kernel = ("kernel", vec![conv.kernel.0, conv.kernel.1, channels, conv.filters]);
                let bias = conv.bias.then(|| ("bias", vec![conv.filters]));
                std::iter::once(kernel).chain(bias).collect()
            }
            Self::DepthwiseConv2d(conv) => {
                let kernel = ("kernel", vec![conv.kernel.0, conv.kernel.1, channels, conv.multiplier]);
                let bias = conv.bias.then(|| ("bias", vec![channels.saturating_mul(conv.multiplier)]));
                std::iter::once(kernel).chain(bias).collect()
            }
            Self::BatchNorm { .. } => ["gamma", "beta", "moving_mean", "moving_variance"]
                .map(|name| (name, vec![channels]))
                .to_vec(),
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

fn sum(inputs: &[&[usize]]) -> Result<Vec<usize>, String> {
    match inputs {
        [a, b] if a == b => Ok(a.to_vec()),
        [a, b] => Err(format!("cannot add {a:?} and {b:?}: the shapes differ")),
        _ => Err(format!("adds two inputs, not {}", inputs.len())),
    }
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
