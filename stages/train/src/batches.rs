//! Batches: samples in a fixed or shuffled order, with the next one loading while the network works on the last.

use crate::TrainError;
use contract::{Random, StageContext};
use dataset::{
    Samples, VOID,
    augmentation::{Augmentation, Augmented, Moment},
};
use rayon::prelude::*;

/// A set to train or validate on.
pub(crate) struct Set {
    name: &'static str,
    samples: Samples,
    shape: [usize; 3],
    classes: usize,
    /// All samples, where there is room.
    kept: Option<Vec<Ready>>,
}

/// A sample as the network reads it.
#[derive(Debug, Clone)]
struct Ready {
    /// `[channels, height, width]`.
    image: Vec<f32>,
    mask: Vec<u8>,
}

/// Samples side by side.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Batch {
    /// `[batch, channels, height, width]`.
    pub(crate) images: Vec<f32>,
    /// Batch, channels, height, width.
    pub(crate) shape: [usize; 4],
    /// `[batch, height, width]`.
    pub(crate) masks: Vec<u8>,
    /// Positions of the samples in the set.
    pub(crate) samples: Vec<usize>,
}

/// Prepared samples up to this size in bytes, training and validation each, stay in memory where there is room.
const KEEP: u64 = 1 << 30;

impl Set {
    /// Takes a set for a network with input `[height, width, channels]`. It stays in memory if it fits into `room` bytes,
    /// and is loaded batch by batch otherwise.
    ///
    /// # Errors
    /// A file that cannot be read or a mask that does not fit the classes; cancellation.
    pub(crate) fn open(
        name: &'static str,
        samples: Samples,
        shape: (usize, usize, usize),
        classes: usize,
        room: u64,
        context: &StageContext,
    ) -> Result<Self, TrainError> {
        let (height, width, channels) = shape;
        let mut set = Self { name, samples, shape: [channels, height, width], classes, kept: None };
        if kept_bytes(set.len(), shape) <= room.min(KEEP) {
            set.kept = Some(set.load_all(context)?);
        }
        Ok(set)
    }

    /// Bytes that it keeps in memory.
    pub(crate) fn kept(&self) -> u64 {
        let [channels, height, width] = self.shape;
        if self.kept.is_some() { kept_bytes(self.len(), (height, width, channels)) } else { 0 }
    }

    /// Number of samples.
    pub(crate) fn len(&self) -> usize {
        self.samples.len()
    }

    /// Number of batches, the last of which may be smaller.
    pub(crate) fn batches(&self, size: usize) -> usize {
        self.len().div_ceil(size)
    }

    fn load_all(&self, context: &StageContext) -> Result<Vec<Ready>, TrainError> {
        // In pieces, so that progress is told in order and a cancellation is seen.
        let mut ready = Vec::with_capacity(self.len());
        for start in (0..self.len()).step_by(32) {
            if context.cancel.is_cancelled() {
                return Err(TrainError::Cancelled);
            }
            let end = (start + 32).min(self.len());
            let piece: Result<Vec<Ready>, TrainError> =
                (start..end).into_par_iter().map(|index| self.load(index)).collect();
            ready.extend(piece?);
            context.progress(format!("loading the {}", self.name), end as u64, self.len() as u64);
        }
        Ok(ready)
    }

    fn load(&self, index: usize) -> Result<Ready, TrainError> {
        let sample = self.samples.load(index)?;
        let problem = |message: String| TrainError::Sample { id: sample.id.clone(), set: self.name, message };
        let [channels, height, width] = self.shape;
        let mask = sample.mask.clone().ok_or_else(|| problem("it has no mask".to_owned()))?;
        if sample.image.len() != channels * height * width || mask.len() != height * width {
            return Err(problem(format!("it does not have {height}x{width} pixels of {channels} channels")));
        }
        if let Some(label) = mask.iter().find(|label| **label != VOID && usize::from(**label) >= self.classes)
        {
            return Err(problem(format!(
                "its mask has the value {label}, but there are {} classes",
                self.classes
            )));
        }
        let mut image = vec![0f32; sample.image.len()];
        for (channel, plane) in image.chunks_exact_mut(height * width).enumerate() {
            let pixels = sample.image.iter().skip(channel).step_by(channels);
            plane.iter_mut().zip(pixels).for_each(|(target, pixel)| *target = *pixel);
        }
        Ok(Ready { image, mask })
    }

    /// The samples at these positions.
    ///
    /// # Errors
    /// As [`Set::open`].
    pub(crate) fn batch(&self, samples: &[usize]) -> Result<Batch, TrainError> {
        let loaded: Vec<Ready>;
        let ready: Vec<&Ready> = match &self.kept {
            Some(kept) => samples.iter().map(|sample| &kept[*sample]).collect(),
            None => {
                loaded =
                    samples.par_iter().map(|sample| self.load(*sample)).collect::<Result<_, TrainError>>()?;
                loaded.iter().collect()
            }
        };
        let [channels, height, width] = self.shape;
        let images: Vec<&[f32]> = ready.iter().map(|ready| ready.image.as_slice()).collect();
        let masks: Vec<&[u8]> = ready.iter().map(|ready| ready.mask.as_slice()).collect();
        Ok(Batch {
            images: images.concat(),
            shape: [samples.len(), channels, height, width],
            masks: masks.concat(),
            samples: samples.to_vec(),
        })
    }
}

impl Batch {
    /// Changes each sample by the functions in their order. What becomes of a sample depends on the seed, the epoch and
    /// its position in the set, not on the batch; `range` is that of the network's input.
    pub(crate) fn augment(&mut self, functions: &[Augmentation], range: (f32, f32), seed: u64, epoch: usize) {
        if functions.is_empty() {
            return;
        }
        let [_, channels, height, width] = self.shape;
        let images = self.images.par_chunks_exact_mut(channels * height * width);
        let masks = self.masks.par_chunks_exact_mut(height * width);
        images.zip(masks).zip(&self.samples).for_each(|((image, mask), sample)| {
            let mut augmented = Augmented { image, mask, size: (height, width), range };
            for function in functions {
                function.apply(&mut augmented, Moment { seed, epoch, sample: *sample });
            }
        });
    }
}

/// Memory that a set of `images` takes when it is kept, bytes.
fn kept_bytes(images: usize, (height, width, channels): (usize, usize, usize)) -> u64 {
    let pixels = (images as u64).saturating_mul(height as u64).saturating_mul(width as u64);
    pixels.saturating_mul((4 * channels as u64).saturating_add(1))
}

/// The order in which an epoch visits `samples` samples.
pub(crate) fn shuffled(samples: usize, seed: u64, epoch: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..samples).collect();
    Random::new(seed, "shuffle", epoch as u64, 0).shuffle(&mut order);
    order
}
