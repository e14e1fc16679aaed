//! Sharing the rows of an output among threads.

use rayon::prelude::*;

/// Multiply-adds (or their like) that are worth a task of their own.
const TASK: usize = 1 << 19;

/// Fills `output`, rows of `row` elements that cost `work` each: `fill` gets the number of its first row and the rows.
/// Each row is filled by one call, whatever the number of threads.
pub(crate) fn for_rows<T: Send>(
    output: &mut [T],
    row: usize,
    work: usize,
    fill: impl Fn(usize, &mut [T]) + Send + Sync,
) {
    let rows = (TASK / work.max(1)).max(1);
    if output.len() <= rows.saturating_mul(row) {
        return fill(0, output);
    }
    output.par_chunks_mut(rows * row).enumerate().for_each(|(task, chunk)| fill(task * rows, chunk));
}
