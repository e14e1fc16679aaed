//! Augmentation: training samples changed at random, after rescaling.
//!
//! A function of the configuration is a variant of [`Augmentation`] and a file here. All its draws come from the stream
//! of its own name, the epoch and the sample, so that neither other functions, nor threads, nor an interruption change
//! them.

mod brightness;
mod contrast;
mod flip;

use contract::{
    Random,
    config::{self, Brightness, Contrast, Flip},
};
use serde::{Deserialize, Serialize};

/// A function that changes training samples at random. Part of the settings of training, where ranges are pairs and
/// defaults are filled in.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Augmentation {
    /// Multiplies the distance of each channel from its mean.
    RandomContrast(Contrast),
    /// Adds to all pixels, in rescaled units.
    RandomBrightness(Brightness),
    /// Mirrors image and mask.
    RandomFlip(Flip),
}

/// A sample in a training batch.
#[derive(Debug)]
pub struct Augmented<'a> {
    /// `[channels, height, width]`.
    pub image: &'a mut [f32],
    /// `[height, width]`.
    pub mask: &'a mut [u8],
    /// Height and width, neither 0.
    pub size: (usize, usize),
    /// Lowest and highest value of a pixel: what leaves it is cut off.
    pub range: (f32, f32),
}

/// When and what is augmented: all that draws depend on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    /// The training's seed.
    pub seed: u64,
    /// Epoch, from 0.
    pub epoch: usize,
    /// Position of the sample in its set.
    pub sample: usize,
}

impl Augmentation {
    /// The function as it is applied; none for one that is not built yet.
    #[must_use]
    pub fn new(function: &config::Augmentation) -> Option<Self> {
        match function {
            config::Augmentation::RandomContrast(contrast) => Some(Self::RandomContrast(contrast.clone())),
            config::Augmentation::RandomBrightness(brightness) => {
                Some(Self::RandomBrightness(brightness.clone()))
            }
            config::Augmentation::RandomFlip(flip) => Some(Self::RandomFlip(flip.clone())),
            _ => None,
        }
    }

    /// Whether it ever changes a sample.
    #[must_use]
    pub fn has_effect(&self) -> bool {
        self.change_rate() > 0.0
    }

    /// Changes the sample with the function's probability.
    pub fn apply(&self, sample: &mut Augmented<'_>, moment: Moment) {
        let purpose = format!("augmentation/{}", self.name());
        let mut random = Random::new(moment.seed, &purpose, moment.epoch as u64, moment.sample as u64);
        if random.uniform() >= self.change_rate() {
            return;
        }
        match self {
            Self::RandomContrast(contrast) => contrast::apply(contrast, sample, &mut random),
            Self::RandomBrightness(brightness) => brightness::apply(brightness, sample, &mut random),
            Self::RandomFlip(flip) => flip::apply(flip, sample, &mut random),
        }
    }

    fn name(&self) -> &'static str {
        match self {
            Self::RandomContrast(_) => "random_contrast",
            Self::RandomBrightness(_) => "random_brightness",
            Self::RandomFlip(_) => "random_flip",
        }
    }

    fn change_rate(&self) -> f64 {
        match self {
            Self::RandomContrast(contrast) => contrast.change_rate,
            Self::RandomBrightness(brightness) => brightness.change_rate,
            Self::RandomFlip(flip) => flip.change_rate,
        }
    }
}

#[cfg(test)]
mod tests;
