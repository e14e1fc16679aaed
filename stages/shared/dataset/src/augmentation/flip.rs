//! `random_flip`.

use super::Augmented;
use contract::{
    Random,
    config::{Flip, FlipMode},
};

/// Along which axes a sample is mirrored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Mirror {
    /// Left becomes right.
    pub(super) horizontal: bool,
    /// Top becomes bottom.
    pub(super) vertical: bool,
}

/// Mirrors image and mask alike.
pub(super) fn apply(flip: &Flip, sample: &mut Augmented<'_>, random: &mut Random) {
    mirror(sample, draw(flip.mode, random));
}

/// With both axes allowed, one of the three ways to mirror, with equal chance.
fn draw(mode: FlipMode, random: &mut Random) -> Mirror {
    let (horizontal, vertical) = match mode {
        FlipMode::Horizontal => (true, false),
        FlipMode::Vertical => (false, true),
        FlipMode::HorizontalAndVertical => match random.below(3) {
            0 => (true, false),
            1 => (false, true),
            _ => (true, true),
        },
    };
    Mirror { horizontal, vertical }
}

pub(super) fn mirror(sample: &mut Augmented<'_>, axes: Mirror) {
    let (height, width) = sample.size;
    for plane in sample.image.chunks_exact_mut(height * width) {
        mirror_plane(plane, width, axes);
    }
    mirror_plane(sample.mask, width, axes);
}

fn mirror_plane<T>(plane: &mut [T], width: usize, axes: Mirror) {
    match (axes.horizontal, axes.vertical) {
        // Mirrored both ways, the first pixel is the last.
        (true, true) => plane.reverse(),
        (true, false) => plane.chunks_exact_mut(width).for_each(<[T]>::reverse),
        (false, true) => {
            let mut rows = plane.chunks_exact_mut(width);
            while let (Some(upper), Some(lower)) = (rows.next(), rows.next_back()) {
                upper.swap_with_slice(lower);
            }
        }
        (false, false) => {}
    }
}
