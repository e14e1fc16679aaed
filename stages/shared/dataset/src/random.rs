//! Random pixels, for calibration when there are no images.

use crate::{DatasetError, Picture, Size};
use contract::{Random, SourceContent};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Images of uniform random pixels, of whatever size they are asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RandomImages {
    version: u32,
    seed: u64,
    count: usize,
}

impl RandomImages {
    /// Name of the generator in a [`SourceContent::Generated`].
    pub const GENERATOR: &'static str = "random_pixels";
    /// Grows when the same parameters give other images.
    const VERSION: u32 = 1;

    /// `count` images.
    #[must_use]
    pub fn new(seed: u64, count: usize) -> Self {
        Self { version: Self::VERSION, seed, count }
    }

    /// As the content of a source.
    #[must_use]
    pub fn content(&self) -> SourceContent {
        let parameters: [(&str, Value); 3] =
            [("version", self.version.into()), ("seed", self.seed.into()), ("count", self.count.into())];
        SourceContent::Generated {
            generator: Self::GENERATOR.to_owned(),
            parameters: parameters.map(|(name, value)| (name.to_owned(), value)).into_iter().collect(),
        }
    }

    pub(crate) fn parse(parameters: &Map<String, Value>) -> Result<Self, DatasetError> {
        let wrong =
            |message: String| DatasetError::Generator { generator: Self::GENERATOR.to_owned(), message };
        let images = Self::deserialize(parameters).map_err(|e| wrong(e.to_string()))?;
        match images.version {
            Self::VERSION => Ok(images),
            other => Err(wrong(format!(
                "version {other} is asked for, this program has version {}",
                Self::VERSION
            ))),
        }
    }

    pub(crate) fn count(&self) -> usize {
        self.count
    }

    pub(crate) fn picture(&self, index: usize, size: Size, channels: usize) -> Picture {
        let mut random = Random::new(self.seed, Self::GENERATOR, u64::from(self.version), index as u64);
        let pixels = (0..size.height * size.width * channels).map(|_| random.next_u32() as u8).collect();
        Picture { height: size.height, width: size.width, channels, pixels }
    }
}
