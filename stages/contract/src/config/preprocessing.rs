//! `preprocessing`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How images become network input.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Preprocessing {
    /// From pixels 0..255 to the network's range.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rescaling: Option<Rescaling>,
    /// To the network's input size.
    pub resizing: Resizing,
    /// Colour channels.
    pub color_mode: ColorMode,
}

/// `x * scale + offset` on pixels 0..255.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Rescaling {
    /// Factor.
    pub scale: f64,
    /// Added after the factor.
    pub offset: f64,
}

/// How an image gets the network's input size.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Resizing {
    /// Sampling of image pixels; masks always use nearest. Needed with `fit`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interpolation: Option<Interpolation>,
    /// What happens to the sides' ratio.
    pub aspect_ratio: AspectRatio,
}

/// Sampling of image pixels, with the semantics of tf.image.resize (half-pixel centres, no antialias).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "the names of tf.image.ResizeMethod")]
pub enum Interpolation {
    Bilinear,
    Nearest,
    Bicubic,
    Area,
    Lanczos3,
    Lanczos5,
    Gaussian,
    Mitchellcubic,
}

/// What happens to the ratio of the sides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AspectRatio {
    /// Stretched to the size.
    Fit,
    /// Centre crop or zero pad without scaling.
    Crop,
    /// The same as `crop`.
    Padding,
    /// The same as `crop`.
    FullScreen,
    /// Scaled to fit inside, then padded.
    Letterbox,
}

/// Colour channels of the network input.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ColorMode {
    /// One channel.
    Grayscale,
    /// Three channels.
    Rgb,
    /// Read as three channels.
    Rgba,
}

impl ColorMode {
    /// Channels of the network input.
    #[must_use]
    pub fn channels(self) -> usize {
        match self {
            Self::Grayscale => 1,
            Self::Rgb | Self::Rgba => 3,
        }
    }
}
