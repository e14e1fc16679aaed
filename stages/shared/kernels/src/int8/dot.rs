//! Products of rows and columns of small integers.

/// Elements are padded with zeros to a multiple of this, so that sums vectorise without a remainder.
pub(crate) const LANES: usize = 8;

/// How many columns are summed at once.
pub(crate) const COLUMNS: usize = 4;

/// A matrix of weights, columns one after the other, each padded with zeros to a multiple of [`LANES`].
pub(crate) struct Columns {
    values: Vec<i16>,
    len: usize,
}

impl Columns {
    /// From `rows x columns` weights, row major.
    pub(crate) fn new(weights: &[i8], rows: usize, columns: usize) -> Self {
        let len = rows.next_multiple_of(LANES);
        let mut values = vec![0; len * columns];
        for (row, weights) in weights.chunks_exact(columns).enumerate() {
            for (column, &weight) in weights.iter().enumerate() {
                values[column * len + row] = i16::from(weight);
            }
        }
        Self { values, len }
    }

    /// Padded number of rows.
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Calls `give(column, sum)` with the product of `row` and each column.
    pub(crate) fn multiply(&self, row: &[i16], mut give: impl FnMut(usize, i32)) {
        let mut groups = self.values.chunks_exact(COLUMNS * self.len);
        let mut column = 0;
        for group in &mut groups {
            for sum in dot_columns(row, group) {
                give(column, sum);
                column += 1;
            }
        }
        for values in groups.remainder().chunks_exact(self.len) {
            give(column, dot(row, values));
            column += 1;
        }
    }
}

/// Products of a row with [`COLUMNS`] columns that lie one after the other.
fn dot_columns(row: &[i16], columns: &[i16]) -> [i32; COLUMNS] {
    let len = row.len();
    let (a, rest) = columns.split_at(len);
    let (b, rest) = rest.split_at(len);
    let (c, d) = rest.split_at(len);
    [dot(row, a), dot(row, b), dot(row, c), dot(row, d)]
}

fn dot(a: &[i16], b: &[i16]) -> i32 {
    a.iter().zip(b).fold(0, |sum: i32, (&a, &b)| sum.wrapping_add(i32::from(a).wrapping_mul(i32::from(b))))
}
