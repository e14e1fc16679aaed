//! The window of a convolution along one axis.

use model::Padding;

/// A window that slides along one axis.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Axis {
    pub(crate) input: usize,
    pub(crate) output: usize,
    pub(crate) kernel: usize,
    stride: usize,
    dilation: usize,
    /// Padding before the first element.
    before: usize,
}

impl Axis {
    pub(crate) fn new(
        input: usize,
        output: usize,
        kernel: usize,
        stride: usize,
        dilation: usize,
        padding: Padding,
    ) -> Self {
        let before = match padding {
            Padding::Valid => 0,
            Padding::Same => {
                let span = dilation.saturating_mul(kernel.saturating_sub(1)).saturating_add(1);
                let reach = output.saturating_sub(1).saturating_mul(stride).saturating_add(span);
                reach.saturating_sub(input) / 2
            }
        };
        Self { input, output, kernel, stride, dilation, before }
    }

    /// Whether output and input elements correspond one to one.
    pub(crate) fn is_pointwise(&self) -> bool {
        self.kernel == 1 && self.stride == 1 && self.before == 0 && self.input == self.output
    }

    /// The input element under `tap` of the window at `position`; none in the padding.
    pub(crate) fn under(&self, position: usize, tap: usize) -> Option<usize> {
        position
            .saturating_mul(self.stride)
            .saturating_add(tap.saturating_mul(self.dilation))
            .checked_sub(self.before)
            .filter(|&index| index < self.input)
    }
}

impl Axis {
    /// The other way round: the position whose window has its `tap` over the input element `index`; none when there is no
    /// such position.
    pub(crate) fn over(&self, index: usize, tap: usize) -> Option<usize> {
        let distance = (index + self.before).checked_sub(tap.saturating_mul(self.dilation))?;
        let position = distance / self.stride;
        (distance % self.stride == 0 && position < self.output).then_some(position)
    }
}

/// Both axes of a convolution, and its channels.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Window {
    pub(crate) rows: Axis,
    pub(crate) columns: Axis,
    /// Channels of the input.
    pub(crate) channels: usize,
}

impl Window {
    /// The window of a convolution between images of these shapes.
    pub(crate) fn new(
        input: [usize; 3],
        output: [usize; 3],
        kernel: (usize, usize),
        strides: (usize, usize),
        dilation: (usize, usize),
        padding: Padding,
    ) -> Self {
        Self {
            rows: Axis::new(input[0], output[0], kernel.0, strides.0, dilation.0, padding),
            columns: Axis::new(input[1], output[1], kernel.1, strides.1, dilation.1, padding),
            channels: input[2],
        }
    }

    pub(crate) fn is_pointwise(&self) -> bool {
        self.rows.is_pointwise() && self.columns.is_pointwise()
    }

    /// Elements under the window, its taps times the channels.
    pub(crate) fn len(&self) -> usize {
        self.rows.kernel * self.columns.kernel * self.channels
    }

    /// Elements of an input image.
    pub(crate) fn image(&self) -> usize {
        self.rows.input * self.columns.input * self.channels
    }

    /// Calls `visit(tap, input offset)` for the taps of the window at row `y` and column `x` that lie on the image, in
    /// order; offsets count elements from the image's first.
    pub(crate) fn taps(&self, y: usize, x: usize, mut visit: impl FnMut(usize, usize)) {
        for ky in 0..self.rows.kernel {
            let Some(row) = self.rows.under(y, ky) else { continue };
            for kx in 0..self.columns.kernel {
                if let Some(column) = self.columns.under(x, kx) {
                    visit(ky * self.columns.kernel + kx, (row * self.columns.input + column) * self.channels);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_odd_element_of_same_padding_is_at_the_end() {
        // 8 elements, window of 3, stride 2: 1 padded element, behind.
        let axis = Axis::new(8, 4, 3, 2, 1, Padding::Same);
        assert_eq!(axis.under(0, 0), Some(0));
        assert_eq!(axis.under(3, 1), Some(7));
        assert_eq!(axis.under(3, 2), None);
        // 9 elements: 1 before and 1 behind.
        let axis = Axis::new(9, 5, 3, 2, 1, Padding::Same);
        assert_eq!(axis.under(0, 0), None);
        assert_eq!(axis.under(4, 1), Some(8));
        assert_eq!(axis.under(4, 2), None);
    }

    #[test]
    fn over_finds_the_positions_that_under_comes_from() {
        for (stride, dilation, padding) in
            [(1, 1, Padding::Same), (2, 1, Padding::Valid), (1, 2, Padding::Same)]
        {
            let output = if padding == Padding::Same { 9 } else { 4 };
            let axis = Axis::new(9, output, 3, stride, dilation, padding);
            for tap in 0..3 {
                for index in 0..9 {
                    let found = (0..output).find(|&position| axis.under(position, tap) == Some(index));
                    assert_eq!(axis.over(index, tap), found, "element {index}, tap {tap}, stride {stride}");
                }
            }
        }
    }

    #[test]
    fn dilation_spreads_the_taps() {
        let axis = Axis::new(8, 8, 3, 1, 3, Padding::Same);
        assert_eq!((0..3).map(|tap| axis.under(4, tap)).collect::<Vec<_>>(), [Some(1), Some(4), Some(7)]);
        assert_eq!((0..3).map(|tap| axis.under(0, tap)).collect::<Vec<_>>(), [None, Some(0), Some(3)]);
    }
}
