//! Operands whose axes of one element are repeated.

/// How an operand lies under an output of another shape; shapes are aligned at their ends.
pub(crate) struct Spread {
    /// The output's axes but the last.
    outer: Vec<usize>,
    /// How far an operand's element is from the next along each of these axes; 0 where it is repeated.
    steps: Vec<usize>,
    /// Elements of the output's last axis.
    inner: usize,
    /// Whether one element stands for the whole last axis.
    repeats_inner: bool,
    /// Elements of an operand's image.
    pub(crate) size: usize,
    same: bool,
}

impl Spread {
    /// An operand of shape `from` under an output of shape `to`, which it fits.
    pub(crate) fn new(from: &[usize], to: &[usize]) -> Self {
        let missing = to.len().saturating_sub(from.len());
        let axis = |axis: usize| axis.checked_sub(missing).map_or(1, |axis| from[axis]);
        let mut steps = vec![0; to.len()];
        let mut step = 1;
        for index in (0..to.len()).rev() {
            steps[index] = if axis(index) == 1 { 0 } else { step };
            step *= axis(index);
        }
        let (inner, outer) = to.split_last().map_or((1, &[][..]), |(last, outer)| (*last, outer));
        let repeats_inner = steps.pop().is_none_or(|step| step == 0) && inner > 1;
        Self {
            outer: outer.to_vec(),
            steps,
            inner,
            repeats_inner,
            size: from.iter().product(),
            same: from == to,
        }
    }

    /// Calls `combine(output element, operand element)` for all elements of images.
    pub(crate) fn apply(&self, output: &mut [f32], operand: &[f32], combine: impl Fn(&mut f32, f32)) {
        if self.same {
            return output.iter_mut().zip(operand).for_each(|(output, &value)| combine(output, value));
        }
        let rows: usize = self.outer.iter().product();
        let images = output.chunks_exact_mut(rows * self.inner).zip(operand.chunks_exact(self.size));
        for (output, operand) in images {
            for (row, output) in output.chunks_exact_mut(self.inner).enumerate() {
                let operand = &operand[self.offset(row)..];
                if self.repeats_inner {
                    output.iter_mut().for_each(|output| combine(output, operand[0]));
                } else {
                    output.iter_mut().zip(operand).for_each(|(output, &value)| combine(output, value));
                }
            }
        }
    }

    /// Where the operand's elements for a row of the output's last axis begin.
    fn offset(&self, mut row: usize) -> usize {
        let mut offset = 0;
        for (size, step) in self.outer.iter().zip(&self.steps).rev() {
            offset += row % size * step;
            row /= size;
        }
        offset
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sum(from: &[usize], to: &[usize], operand: &[f32]) -> Vec<f32> {
        let mut output = vec![0.0; 2 * to.iter().product::<usize>()];
        let operand = [operand, &operand.iter().map(|value| value + 100.0).collect::<Vec<f32>>()].concat();
        Spread::new(from, to).apply(&mut output, &operand, |output, value| *output += value);
        output
    }

    #[test]
    fn axes_of_one_element_are_repeated_in_each_image() {
        assert_eq!(
            sum(&[1, 1, 2], &[1, 2, 2], &[1.0, 2.0]),
            [1.0, 2.0, 1.0, 2.0, 101.0, 102.0, 101.0, 102.0]
        );
        assert_eq!(
            sum(&[2, 1, 1], &[2, 1, 2], &[1.0, 2.0]),
            [1.0, 1.0, 2.0, 2.0, 101.0, 101.0, 102.0, 102.0]
        );
        assert_eq!(sum(&[2], &[1, 2, 2], &[1.0, 2.0]), [1.0, 2.0, 1.0, 2.0, 101.0, 102.0, 101.0, 102.0]);
        assert_eq!(
            sum(&[1, 2, 1], &[2, 2, 1], &[1.0, 2.0]),
            [1.0, 2.0, 1.0, 2.0, 101.0, 102.0, 101.0, 102.0]
        );
    }
}
