//! How a convolution's window slides: strides, dilation and padding.

/// A sliding window over height and width, in that order in each pair.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Window {
    /// Taps.
    pub(crate) kernel: (usize, usize),
    /// Steps between outputs.
    pub(crate) strides: (usize, usize),
    /// Distance between taps.
    pub(crate) dilation: (usize, usize),
    /// Zeros above and to the left.
    pub(crate) before: (usize, usize),
    /// Zeros below and to the right.
    pub(crate) after: (usize, usize),
}

impl Window {
    /// Whether it is a 1x1 window that visits every pixel, so that a convolution is a plain matrix product.
    pub(crate) fn is_pointwise(&self) -> bool {
        self.kernel == (1, 1) && self.strides == (1, 1) && self.before == (0, 0) && self.after == (0, 0)
    }

    /// Height and width of the output for an input of this height and width; none where the window does not fit.
    pub(crate) fn output(&self, (height, width): (usize, usize)) -> Option<(usize, usize)> {
        let side = |input: usize, kernel: usize, stride: usize, dilation: usize, padding: usize| {
            let reach = (kernel - 1) * dilation + 1;
            Some((input + padding).checked_sub(reach)? / stride + 1)
        };
        Some((
            side(height, self.kernel.0, self.strides.0, self.dilation.0, self.before.0 + self.after.0)?,
            side(width, self.kernel.1, self.strides.1, self.dilation.1, self.before.1 + self.after.1)?,
        ))
    }

    /// The rows of the output for which tap `tap` reads inside an input of `height` rows, and the input row that the
    /// first of them reads.
    pub(crate) fn rows(&self, tap: usize, height: usize, out: usize) -> Span {
        Span::new(tap * self.dilation.0, self.before.0, self.strides.0, height, out)
    }

    /// As [`Window::rows`], for columns.
    pub(crate) fn columns(&self, tap: usize, width: usize, out: usize) -> Span {
        Span::new(tap * self.dilation.1, self.before.1, self.strides.1, width, out)
    }

    /// Calls `run(tap, output offset, input offset, length)` for every run of output pixels of a row that a tap reads inside
    /// the input; within a run the input advances by the column stride. Taps come row by row.
    #[inline(always)]
    pub(crate) fn for_each_run(
        &self,
        (height, width): (usize, usize),
        out: (usize, usize),
        mut run: impl FnMut(usize, usize, usize, usize),
    ) {
        for tap in 0..self.kernel.0 * self.kernel.1 {
            let rows = self.rows(tap / self.kernel.1, height, out.0);
            let cols = self.columns(tap % self.kernel.1, width, out.1);
            if cols.len() == 0 {
                continue;
            }
            for index in 0..rows.len() {
                let input_row = rows.input + index * self.strides.0;
                run(
                    tap,
                    (rows.start + index) * out.1 + cols.start,
                    input_row * width + cols.input,
                    cols.len(),
                );
            }
        }
    }

    /// Calls `visit(output offset, input offset)` for every element of every window that lies inside the input; of each
    /// window row by row.
    #[inline(always)]
    pub(crate) fn for_each_tap(
        &self,
        size: (usize, usize),
        out: (usize, usize),
        mut visit: impl FnMut(usize, usize),
    ) {
        self.for_each_run(size, out, |_, output, input, length| {
            for index in 0..length {
                visit(output + index, input + index * self.strides.1);
            }
        });
    }
}

/// Outputs along one axis for which a tap reads inside the input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Span {
    /// The first output.
    pub(crate) start: usize,
    /// One past the last output.
    pub(crate) end: usize,
    /// What the first output reads; each further output reads `stride` later.
    pub(crate) input: usize,
}

impl Span {
    fn new(offset: usize, before: usize, stride: usize, input: usize, output: usize) -> Self {
        let start = before.saturating_sub(offset).div_ceil(stride);
        let end = (input + before).saturating_sub(offset).div_ceil(stride).min(output);
        let start = start.min(end);
        Self { start, end, input: (start * stride + offset).saturating_sub(before) }
    }

    /// How many outputs there are.
    pub(crate) fn len(&self) -> usize {
        self.end - self.start
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_hold_exactly_the_outputs_whose_tap_is_inside() {
        for stride in 1..4 {
            for before in 0..4 {
                for offset in 0..7 {
                    for output in 1..9 {
                        let span = Span::new(offset, before, stride, 5, output);
                        let inside: Vec<usize> = (0..output)
                            .filter(|o| (before..5 + before).contains(&(o * stride + offset)))
                            .collect();
                        assert_eq!((span.start..span.end).collect::<Vec<_>>(), inside);
                        if let Some(first) = inside.first() {
                            assert_eq!(span.input, first * stride + offset - before);
                        }
                    }
                }
            }
        }
    }
}
