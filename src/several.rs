//! The same asked of several things, by several threads where these are many.
//!
//! `least` is how many a thread takes at least; what one thread can do needs no other.

use rayon::prelude::*;
use std::{convert::Infallible, sync::OnceLock};

/// Whether something holds of all.
pub(crate) fn all<T: Sync>(things: &[T], least: usize, holds: impl Fn(&T) -> bool + Sync) -> bool {
    all_below(things.len(), least, &|index| holds(&things[index]))
}

/// All answers, in order.
pub(crate) fn answers<T: Sync, A: Send + Sync>(
    things: &[T],
    least: usize,
    ask: impl Fn(&T) -> A + Sync,
) -> Vec<A> {
    let Ok(answers) = try_answers(things, least, |thing| Ok::<A, Infallible>(ask(thing)));
    answers
}

/// All answers, in order.
///
/// # Errors
/// One of those met. Not all things are asked then.
pub(crate) fn try_answers<T: Sync, A: Send + Sync, E: Send + Sync>(
    things: &[T],
    least: usize,
    ask: impl Fn(&T) -> Result<A, E> + Sync,
) -> Result<Vec<A>, E> {
    let answers: Vec<OnceLock<Result<A, E>>> = things.iter().map(|_| OnceLock::new()).collect();
    all_below(things.len(), least, &|index| answers[index].get_or_init(|| ask(&things[index])).is_ok());
    answers.into_iter().filter_map(OnceLock::into_inner).collect()
}

/// Not generic, so that what divides the work among threads is compiled once.
fn all_below(end: usize, least: usize, holds: &(dyn Fn(usize) -> bool + Sync)) -> bool {
    if end < 2 * least {
        (0..end).all(holds)
    } else {
        (0..end).into_par_iter().with_min_len(least).all(holds)
    }
}
