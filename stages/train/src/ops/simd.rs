//! Loops compiled for the processor at hand.

/// Runs `work` with the widest vector instructions that both this crate and the processor know.
///
/// Products and sums are written apart, never as fused multiply-add, so the numbers are the same on every path.
#[inline(always)]
pub(crate) fn vectorized<R>(work: impl FnOnce() -> R) -> R {
    #[cfg(target_arch = "x86_64")]
    if let Some(avx2) = pulp::x86::V3::try_new() {
        return avx2.vectorize(work);
    }
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
    let ((lefts, left_tail), (rights, right_tail)) = (left.as_chunks::<LANES>(), right.as_chunks::<LANES>());
    for (left, right) in lefts.iter().zip(rights) {
        for lane in 0..LANES {
            lanes[lane] += left[lane] * right[lane];
        }
    }
    let tail: f32 = left_tail.iter().zip(right_tail).map(|(left, right)| left * right).sum();
    lanes.iter().sum::<f32>() + tail
}
