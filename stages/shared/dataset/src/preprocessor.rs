//! Preprocessing: from a decoded picture and mask to what a network reads.

use crate::{Mask, Picture, VOID, resize};
use contract::{
    Config, Issue,
    config::{AspectRatio, Interpolation, Rescaling},
};
use serde::{Deserialize, Serialize};

/// Height and width in pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Size {
    /// Rows.
    pub height: usize,
    /// Columns.
    pub width: usize,
}

/// How pictures and masks become network input and labels. Part of the settings of the stages that read images: two
/// configurations that mean the same are equal here.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Preprocessor {
    /// Factor on pixels 0..255.
    pub scale: f64,
    /// Added after the factor.
    pub offset: f64,
    /// Channels of the network input, 1 or 3.
    pub channels: usize,
    /// How the network's size is reached.
    pub fitting: Fitting,
    /// Whether void pixels count as background.
    pub void_as_background: bool,
}

/// How the network's size is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fitting {
    /// Stretched.
    Stretch(Sampling),
    /// Centre crop or zero pad without scaling (`tf.image.resize_with_crop_or_pad`).
    Place,
    /// Scaled to fit inside, then zero padded (`tf.image.resize_with_pad`).
    Letterbox(Sampling),
}

/// How picture elements are found between those of the input; masks always use the nearest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sampling {
    /// Linear in both axes.
    Bilinear,
    /// The nearest element.
    Nearest,
    /// Cubic convolution (Keys, a = -0.5).
    Bicubic,
    /// Mean over the covered area.
    Area,
    /// Lanczos with three lobes.
    Lanczos3,
    /// Lanczos with five lobes.
    Lanczos5,
    /// Gaussian with a standard deviation of half an element.
    Gaussian,
    /// Cubic of Mitchell and Netravali (B = C = 1/3).
    Mitchellcubic,
}

impl Preprocessor {
    /// The preprocessing that a configuration asks for; `stage` is who needs it, for messages.
    ///
    /// # Errors
    /// Keys that are missing, and a rescaling after which pixels cannot be told apart.
    pub fn from_config(config: &Config, stage: &str) -> Result<Self, Vec<Issue>> {
        let section = config.preprocessing(stage).map_err(|issue| vec![issue])?;
        let rescaling = section.rescaling.ok_or_else(|| {
            Issue::missing(
                "preprocessing.rescaling",
                format!("{stage} needs the range of the network's input"),
            )
            .with_help("`rescaling: {scale: 1/127.5, offset: -1}` maps pixels 0..255 to -1..1")
        });
        let fitting = match section.resizing.aspect_ratio {
            AspectRatio::Fit => sampling(section.resizing.interpolation).map(Fitting::Stretch),
            AspectRatio::Letterbox => sampling(section.resizing.interpolation).map(Fitting::Letterbox),
            AspectRatio::Crop | AspectRatio::Padding | AspectRatio::FullScreen => Ok(Fitting::Place),
        };
        let rescaling = rescaling.and_then(usable);
        let (rescaling, fitting) = match (rescaling, fitting) {
            (Ok(rescaling), Ok(fitting)) => (rescaling, fitting),
            (rescaling, fitting) => return Err(rescaling.err().into_iter().chain(fitting.err()).collect()),
        };
        Ok(Self {
            scale: rescaling.scale,
            offset: rescaling.offset,
            channels: section.color_mode.channels(),
            fitting,
            void_as_background: config.dataset.as_ref().is_some_and(|dataset| dataset.void_as_background),
        })
    }

    /// Network input `[size.height, size.width, channels]` of a picture, which must have as many channels.
    #[must_use]
    pub fn picture(&self, picture: &Picture, size: Size) -> Vec<f32> {
        let from = Size { height: picture.height, width: picture.width };
        let sample = |sampling, to| resize::resize(sampling, &picture.pixels, from, picture.channels, to);
        let mut values = match self.fitting {
            Fitting::Stretch(sampling) => sample(sampling, size),
            Fitting::Place => floats(&place(&picture.pixels, from, picture.channels, size, 0)),
            Fitting::Letterbox(sampling) => {
                let (inner, corner) = inside(from, size);
                paste(&sample(sampling, inner), inner, picture.channels, size, corner, 0.0)
            }
        };
        // Rounded once: the scale of an int8 input often puts pixels halfway between two integers, and an error of one
        // unit in the last place would decide which one they become.
        for value in &mut values {
            *value = self.rescaled(f64::from(*value));
        }
        values
    }

    /// Labels `[size.height, size.width]` of a mask: class indices, and [`VOID`] for pixels that count nowhere, the padded
    /// ones included.
    #[must_use]
    pub fn mask(&self, mask: &Mask, size: Size) -> Vec<u8> {
        let from = Size { height: mask.height, width: mask.width };
        let mut labels = match self.fitting {
            Fitting::Stretch(_) => resize::nearest(&mask.labels, from, 1, size),
            Fitting::Place => place(&mask.labels, from, 1, size, VOID),
            Fitting::Letterbox(_) => {
                let (inner, corner) = inside(from, size);
                paste(&resize::nearest(&mask.labels, from, 1, inner), inner, 1, size, corner, VOID)
            }
        };
        if self.void_as_background {
            for label in labels.iter_mut().filter(|label| **label == VOID) {
                *label = 0;
            }
        }
        labels
    }

    fn rescaled(&self, pixel: f64) -> f32 {
        (pixel * self.scale + self.offset) as f32
    }

    /// The range of the network's input: what pixels 0 and 255 become, the smaller first.
    #[must_use]
    pub fn range(&self) -> (f32, f32) {
        let (black, white) = (self.rescaled(0.0), self.rescaled(255.0));
        (black.min(white), black.max(white))
    }
}

/// A rescaling after which pixels can still be told apart.
fn usable(rescaling: Rescaling) -> Result<Rescaling, Issue> {
    let Rescaling { scale, offset } = rescaling;
    if !offset.is_finite() {
        let message = format!("an offset of {offset} makes every pixel {offset}");
        return Err(Issue::invalid("preprocessing.rescaling.offset", message));
    }
    if scale == 0.0 || !scale.is_finite() {
        let message = format!("a scale of {scale} makes all pixels the same");
        return Err(Issue::invalid("preprocessing.rescaling.scale", message)
            .with_help("`rescaling: {scale: 1/127.5, offset: -1}` maps pixels 0..255 to -1..1"));
    }
    Ok(rescaling)
}

fn sampling(interpolation: Option<Interpolation>) -> Result<Sampling, Issue> {
    let interpolation = interpolation.ok_or_else(|| {
        Issue::missing("preprocessing.resizing.interpolation", "an image that is scaled needs it")
            .with_help("bilinear is the usual choice")
    })?;
    Ok(match interpolation {
        Interpolation::Bilinear => Sampling::Bilinear,
        Interpolation::Nearest => Sampling::Nearest,
        Interpolation::Bicubic => Sampling::Bicubic,
        Interpolation::Area => Sampling::Area,
        Interpolation::Lanczos3 => Sampling::Lanczos3,
        Interpolation::Lanczos5 => Sampling::Lanczos5,
        Interpolation::Gaussian => Sampling::Gaussian,
        Interpolation::Mitchellcubic => Sampling::Mitchellcubic,
    })
}

fn floats(bytes: &[u8]) -> Vec<f32> {
    bytes.iter().map(|&byte| f32::from(byte)).collect()
}

/// Centre crop or pad, each side by itself.
fn place(pixels: &[u8], from: Size, channels: usize, to: Size, fill: u8) -> Vec<u8> {
    let (top, height) = (from.height.saturating_sub(to.height) / 2, from.height.min(to.height));
    let (left, width) = (from.width.saturating_sub(to.width) / 2, from.width.min(to.width));
    let cropped: Vec<u8> = (top..top + height)
        .flat_map(|row| {
            let start = (row * from.width + left) * channels;
            pixels[start..start + width * channels].iter().copied()
        })
        .collect();
    let corner = (to.height.saturating_sub(from.height) / 2, to.width.saturating_sub(from.width) / 2);
    paste(&cropped, Size { height, width }, channels, to, corner, fill)
}

/// The largest size of the same ratio inside `to`, and where its corner lies (the arithmetic of
/// `tf.image.resize_with_pad`; a side is never shorter than a pixel).
fn inside(from: Size, to: Size) -> (Size, (usize, usize)) {
    let ratio = (from.width as f64 / to.width as f64).max(from.height as f64 / to.height as f64);
    let (height, width) = (from.height as f64 / ratio, from.width as f64 / ratio);
    let side = |exact: f64, limit: usize| (exact.floor() as usize).clamp(1, limit);
    let corner = |exact: f64, limit: usize| ((limit as f64 - exact) / 2.0).floor().max(0.0) as usize;
    (
        Size { height: side(height, to.height), width: side(width, to.width) },
        (corner(height, to.height), corner(width, to.width)),
    )
}

/// `inner` with its corner at `(top, left)` of a picture filled with `fill`.
fn paste<T: Copy>(
    pixels: &[T],
    inner: Size,
    channels: usize,
    to: Size,
    (top, left): (usize, usize),
    fill: T,
) -> Vec<T> {
    let mut out = vec![fill; to.height * to.width * channels];
    for (row, line) in pixels.chunks_exact(inner.width * channels).enumerate() {
        let start = ((top + row) * to.width + left) * channels;
        out[start..start + line.len()].copy_from_slice(line);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resize::Case;
    use contract::config::{ColorMode, Preprocessing, Resizing};

    fn config(interpolation: Option<Interpolation>, aspect_ratio: AspectRatio) -> Config {
        Config {
            preprocessing: Some(Preprocessing {
                rescaling: Some(Rescaling { scale: 1.0 / 127.5, offset: -1.0 }),
                resizing: Resizing { interpolation, aspect_ratio },
                color_mode: ColorMode::Rgb,
            }),
            ..Config::default()
        }
    }

    fn unscaled(fitting: Fitting, channels: usize) -> Preprocessor {
        Preprocessor { scale: 1.0, offset: 0.0, channels, fitting, void_as_background: false }
    }

    #[test]
    fn cropping_padding_and_letterboxing_equal_tensorflow() {
        for case in Case::all(include_str!("../tests/golden/place.txt")) {
            let fitting = match case.method.as_str() {
                "place" => Fitting::Place,
                _ => Fitting::Letterbox(Sampling::Bilinear),
            };
            let picture = Picture {
                height: case.from.height,
                width: case.from.width,
                channels: case.channels,
                pixels: case.pixels,
            };
            let ours = unscaled(fitting, case.channels).picture(&picture, case.to);
            assert_eq!(ours, case.wanted, "{} {:?} to {:?}", case.method, case.from, case.to);
        }
    }

    #[test]
    fn the_padded_part_of_a_mask_is_void_or_background_as_asked() {
        let mask = Mask { height: 1, width: 1, labels: vec![2], from_colors: false };
        let size = Size { height: 1, width: 3 };
        let mut preprocessor = unscaled(Fitting::Place, 3);
        assert_eq!(preprocessor.mask(&mask, size), [VOID, 2, VOID]);
        preprocessor.void_as_background = true;
        assert_eq!(preprocessor.mask(&mask, size), [0, 2, 0]);
        preprocessor.fitting = Fitting::Stretch(Sampling::Bilinear);
        assert_eq!(preprocessor.mask(&Mask { labels: vec![VOID], ..mask }, size), [0, 0, 0]);
    }

    #[test]
    fn pixels_are_rescaled_to_the_range_of_the_network() {
        let preprocessor =
            Preprocessor::from_config(&config(Some(Interpolation::Bilinear), AspectRatio::Fit), "train")
                .expect("legal");
        let picture = Picture { height: 1, width: 1, channels: 3, pixels: vec![0, 255, 51] };
        assert_eq!(preprocessor.picture(&picture, Size { height: 1, width: 1 }), [-1.0, 1.0, -0.6]);
        assert_eq!(preprocessor.range(), (-1.0, 1.0));
    }

    #[test]
    fn a_rescaling_that_makes_all_pixels_the_same_is_refused() {
        for (scale, offset, key) in
            [(0.0, -1.0, "scale"), (f64::INFINITY, 0.0, "scale"), (1.0, f64::NAN, "offset")]
        {
            let mut config = config(Some(Interpolation::Bilinear), AspectRatio::Fit);
            config.preprocessing.as_mut().expect("a section").rescaling = Some(Rescaling { scale, offset });
            let issues = Preprocessor::from_config(&config, "train").expect_err("refused");
            assert_eq!(issues[0].key, format!("preprocessing.rescaling.{key}"));
            assert_eq!(issues[0].kind, contract::IssueKind::Invalid);
        }
    }

    #[test]
    fn configurations_that_mean_the_same_are_equal_and_the_rest_is_refused() {
        let of = |interpolation, aspect_ratio| {
            Preprocessor::from_config(&config(interpolation, aspect_ratio), "train")
        };
        assert_eq!(of(Some(Interpolation::Area), AspectRatio::Crop), of(None, AspectRatio::FullScreen));
        let missing = of(None, AspectRatio::Fit).expect_err("no interpolation");
        assert_eq!(missing[0].key, "preprocessing.resizing.interpolation");
        let bicubic = of(Some(Interpolation::Bicubic), AspectRatio::Letterbox).expect("legal");
        assert_eq!(bicubic.fitting, Fitting::Letterbox(Sampling::Bicubic));
        assert!(Preprocessor::from_config(&Config::default(), "train").is_err());
    }
}
