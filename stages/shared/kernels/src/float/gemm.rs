//! Matrix product: rows of pixels times a packed matrix of weights.

/// Columns computed together: two vectors of the x86-64 baseline.
pub(crate) const COLUMNS: usize = 8;
/// Rows computed together; with two accumulators each they fill the baseline's 16 registers.
const ROWS: usize = 6;

/// A matrix of weights in panels of [`COLUMNS`] columns, each row by row, the last padded with zeros.
pub(crate) struct Panels {
    values: Vec<[f32; COLUMNS]>,
    rows: usize,
    columns: usize,
}

impl Panels {
    /// From `rows x columns` weights, row major.
    pub(crate) fn new(weights: &[f32], rows: usize, columns: usize) -> Self {
        let mut values = Vec::with_capacity(rows * columns.div_ceil(COLUMNS));
        for start in (0..columns).step_by(COLUMNS) {
            let width = COLUMNS.min(columns - start);
            for row in 0..rows {
                let mut packed = [0.0; COLUMNS];
                packed[..width].copy_from_slice(&weights[row * columns + start..][..width]);
                values.push(packed);
            }
        }
        Self { values, rows, columns }
    }

    /// Number of rows: the length of a pixel's row.
    pub(crate) fn rows(&self) -> usize {
        self.rows
    }

    /// `output[i] = input[i] * self + bias` for rows `input[i]`. Each element is the bias added to the products summed in
    /// the order of the rows, however many rows are given at once.
    pub(crate) fn multiply(&self, input: &[f32], bias: &[f32], output: &mut [f32]) {
        let panels = self.values.chunks_exact(self.rows).zip(bias.chunks(COLUMNS));
        for (panel, (weights, bias)) in panels.enumerate() {
            let start = panel * COLUMNS;
            let input_tiles = input.chunks(ROWS * self.rows);
            for (input, output) in input_tiles.zip(output.chunks_mut(ROWS * self.columns)) {
                match input.len() / self.rows {
                    6 => self.tile::<6>(input, weights, bias, start, output),
                    5 => self.tile::<5>(input, weights, bias, start, output),
                    4 => self.tile::<4>(input, weights, bias, start, output),
                    3 => self.tile::<3>(input, weights, bias, start, output),
                    2 => self.tile::<2>(input, weights, bias, start, output),
                    _ => self.tile::<1>(input, weights, bias, start, output),
                }
            }
        }
    }

    #[inline]
    fn tile<const R: usize>(
        &self,
        input: &[f32],
        weights: &[[f32; COLUMNS]],
        bias: &[f32],
        start: usize,
        output: &mut [f32],
    ) {
        let sums =
            products::<R>(std::array::from_fn(|row| &input[row * self.rows..][..weights.len()]), weights);
        for (sums, output) in sums.iter().zip(output.chunks_exact_mut(self.columns)) {
            let output = &mut output[start..start + bias.len()];
            for ((output, sum), bias) in output.iter_mut().zip(sums).zip(bias) {
                *output = sum + bias;
            }
        }
    }
}

/// Sums of products of `R` rows with one panel.
#[inline(never)]
fn products<const R: usize>(rows: [&[f32]; R], panel: &[[f32; COLUMNS]]) -> [[f32; COLUMNS]; R] {
    let mut sums = [[0.0; COLUMNS]; R];
    for (k, weights) in panel.iter().enumerate() {
        for (sums, row) in sums.iter_mut().zip(&rows) {
            let value = row[k];
            for (sum, weight) in sums.iter_mut().zip(weights) {
                *sum += value * weight;
            }
        }
    }
    sums
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn products_equal_the_plain_ones_bit_for_bit_for_any_number_of_rows_and_columns() {
        let (depth, bias) = (7, [0.5f32; 19]);
        let values = |len: usize, seed: u32| -> Vec<f32> {
            (0..len)
                .map(|i| {
                    ((i as u32).wrapping_mul(2_654_435_761).wrapping_add(seed) >> 20) as f32 / 700.0 - 2.0
                })
                .collect()
        };
        for columns in [1, 8, 19] {
            let weights = values(depth * columns, 1);
            let panels = Panels::new(&weights, depth, columns);
            for rows in 1..=14 {
                let input = values(rows * depth, 2);
                let mut output = vec![0.0; rows * columns];
                panels.multiply(&input, &bias[..columns], &mut output);
                for (i, &result) in output.iter().enumerate() {
                    let (row, column) = (i / columns, i % columns);
                    let sum = (0..depth)
                        .fold(0.0, |sum, k| sum + input[row * depth + k] * weights[k * columns + column]);
                    assert_eq!(result, sum + 0.5, "element {row}, {column} of {rows} x {columns}");
                }
            }
        }
    }
}
