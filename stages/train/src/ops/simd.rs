//! Loops compiled for the processor at hand.

/// Runs `work` with the widest vector instructions that both this crate and the processor know.
///
/// Products and sums are written apart, never as fused multiply-add, so the numbers are the same on every path.
#[inline(always)]
pub(crate) fn vectorized<R>(work: impl FnOnce() -> R) -> R {
    work()
}

/// Elements that are summed side by side, so that sums vectorise and their order is fixed.
pub(crate) const LANES: usize = 16;

/// `out += factor * input`.
#[inline(always)]
pub(crate) fn add_scaled(out: &mut [f32], factor: f32, input: &[f32]) {
    for (out, input) in out.iter_mut().zip(input) {
        *out += factor * input;
    }
}

/// The sum of products.
#[inline(always)]
pub(crate) fn dot(left: &[f32], right: &[f32]) -> f32 {
    let mut lanes = [0f32; LANES];
    let (left_chunks, right_chunks) = (left.chunks_exact(LANES), right.chunks_exact(LANES));
    let tail: f32 = left_chunks.remainder().iter().zip(right_chunks.remainder()).map(|(l, r)| l * r).sum();
    for (left, right) in left_chunks.zip(right_chunks) {
        for ((lane, left), right) in lanes.iter_mut().zip(left).zip(right) {
            *lane += left * right;
        }
    }
    lanes.iter().sum::<f32>() + tail
}
