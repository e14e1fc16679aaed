//! Windows and image shapes of a graph's layers.

use crate::ops::{Transposed, Window};
use model::{Conv2d, Conv2dTranspose, DepthwiseConv2d, Padding, Pool2d};

/// Zeros before and after, of height and width.
pub(super) type Border = ((usize, usize), (usize, usize));

/// How a layer's window slides, as the graph has it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sliding {
    kernel: (usize, usize),
    strides: (usize, usize),
    dilation: (usize, usize),
    pub(super) padding: Padding,
}

impl From<&Conv2d> for Sliding {
    fn from(conv: &Conv2d) -> Self {
        let Conv2d { kernel, strides, dilation, padding, .. } = *conv;
        Self { kernel, strides, dilation, padding }
    }
}

impl From<&DepthwiseConv2d> for Sliding {
    fn from(conv: &DepthwiseConv2d) -> Self {
        let DepthwiseConv2d { kernel, strides, dilation, padding, .. } = *conv;
        Self { kernel, strides, dilation, padding }
    }
}

impl From<&Pool2d> for Sliding {
    fn from(pool: &Pool2d) -> Self {
        let Pool2d { window, strides, padding } = *pool;
        Self { kernel: window, strides, dilation: (1, 1), padding }
    }
}

impl Sliding {
    /// A window that visits every element of the last axis alone.
    pub(super) const POINTWISE: Self =
        Self { kernel: (1, 1), strides: (1, 1), dilation: (1, 1), padding: Padding::Valid };

    /// The window over an image.
    pub(super) fn over(&self, [height, width, _]: [usize; 3]) -> Window {
        match self.padding {
            Padding::Valid => self.with_border(((0, 0), (0, 0))),
            Padding::Same => self.with_border((
                same_padding(height, self.kernel.0, self.strides.0, self.dilation.0),
                same_padding(width, self.kernel.1, self.strides.1, self.dilation.1),
            )),
        }
    }

    /// The window with these zeros around the image.
    pub(super) fn with_border(&self, ((top, bottom), (left, right)): Border) -> Window {
        let Self { kernel, strides, dilation, .. } = *self;
        Window { kernel, strides, dilation, before: (top, left), after: (bottom, right) }
    }
}

/// Of a transposed convolution from an `input` to an `output` image.
pub(super) fn transposed(conv: &Conv2dTranspose, input: [usize; 3], output: [usize; 3]) -> Transposed {
    let axis = |input: usize, output: usize, kernel: usize, stride: usize, dilation: usize| {
        let reach = input.saturating_sub(1) * stride + (kernel - 1) * dilation + 1;
        let over = reach.saturating_sub(output);
        let before = if conv.padding == Padding::Same { over / 2 } else { 0 };
        (before, over - before)
    };
    let (top, bottom) = axis(input[0], output[0], conv.kernel.0, conv.strides.0, conv.dilation.0);
    let (left, right) = axis(input[1], output[1], conv.kernel.1, conv.strides.1, conv.dilation.1);
    let Conv2dTranspose { kernel, strides, dilation, .. } = *conv;
    let window = Window { kernel, strides, dilation, before: (top, left), after: (bottom, right) };
    Transposed { window, out: (output[0], output[1]) }
}

/// TensorFlow's `SAME` padding of one axis: before and after, the odd one after.
fn same_padding(input: usize, kernel: usize, stride: usize, dilation: usize) -> (usize, usize) {
    let reach = (kernel - 1) * dilation + 1;
    let needed = (input.div_ceil(stride).max(1) - 1) * stride + reach;
    let total = needed.saturating_sub(input);
    (total / 2, total - total / 2)
}

/// Height, width and channels of a shape of at most three axes; those that it lacks in front are 1, so that shapes
/// aligned at their ends stay so.
pub(super) fn image(shape: &[usize]) -> [usize; 3] {
    match *shape {
        [height, width, channels] => [height, width, channels],
        [width, channels] => [1, width, channels],
        _ => [1, 1, shape.iter().product()],
    }
}
