//! The values that layers take on the calibration images.

use crate::QuantizeError;
use contract::{StageContext, StageError};
use dataset::{Samples, Size};
use kernels::Interpreter;
use model::{
    Graph, LayerId, Tensor,
    passes::{Range, Ranges},
};
use rayon::prelude::*;
use std::sync::{Mutex, PoisonError};

/// Runs a float network on every image of a set and returns the smallest and largest value of each layer's output
/// (min-max calibration). `size` is that of the network's input.
///
/// Images are shared among the threads of the context; the result does not depend on how, because the union of ranges has
/// no order.
///
/// # Errors
/// [`StageError::Cancelled`], an image that cannot be read, or a layer that cannot be run.
pub fn calibrate(
    graph: &Graph,
    samples: &Samples,
    size: Size,
    context: &StageContext,
) -> Result<Ranges, StageError> {
    let threads = context.runtime.threads.max(1);
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .build()
        .map_err(|error| QuantizeError::Threads { threads, message: error.to_string() })?;
    let interpreter = Interpreter::new(graph).map_err(QuantizeError::from)?;
    let progress = Progress::start(context, samples.len());
    pool.install(|| {
        (0..samples.len())
            .into_par_iter()
            .map(|index| {
                context.check_cancel()?;
                let sample = samples.load(index).map_err(QuantizeError::from)?;
                let channels = sample.image.len() / (size.height * size.width).max(1);
                let image = Tensor::f32([1, size.height, size.width, channels], sample.image);
                let ranges = ranges_of(&interpreter, &image)?;
                progress.step();
                Ok(ranges)
            })
            .try_reduce(Ranges::new, |left, right| Ok(union(left, right)))
    })
}

/// The range of each layer's output on one image.
fn ranges_of(interpreter: &Interpreter, image: &Tensor) -> Result<Ranges, QuantizeError> {
    let mut ranges = Ranges::new();
    let mut observe = |id: LayerId, tensor: &Tensor| {
        if let Some(range) = tensor.as_f32().and_then(Range::of) {
            ranges.insert(id, range);
        }
    };
    interpreter.run_observed(image, &mut observe)?;
    Ok(ranges)
}

fn union(mut left: Ranges, right: Ranges) -> Ranges {
    for (id, range) in right {
        left.entry(id).and_modify(|known| *known = known.union(range)).or_insert(range);
    }
    left
}

/// Counts images and tells the engine, in order.
struct Progress<'a> {
    context: &'a StageContext,
    done: Mutex<u64>,
    total: u64,
}

impl<'a> Progress<'a> {
    fn start(context: &'a StageContext, images: usize) -> Self {
        let progress = Self { context, done: Mutex::new(0), total: images as u64 };
        progress.tell(0);
        progress
    }

    fn step(&self) {
        // The lock is held while telling, so that no smaller number follows a larger one.
        let mut done = self.done.lock().unwrap_or_else(PoisonError::into_inner);
        *done += 1;
        self.tell(*done);
    }

    fn tell(&self, done: u64) {
        self.context.progress("calibrating", done, self.total);
    }
}
