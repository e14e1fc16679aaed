//! `data_augmentation` and `custom_data_augmentation`.

use super::{
    AroundOne, ColorMode, Exactly, FromZero, InOrder, Interpolation, Named, PairOnly, Range, Symmetric,
    Untyped,
    rules::{ANY, Bounds, FROM_ONE, NOT_NEGATIVE, POSITIVE, Rules, SHARE},
};
use crate::{Issue, IssueKind};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

const SECTION: &str = "data_augmentation";

/// The `data_augmentation` section: functions in the order in which they apply, each once. They change training batches
/// only, after rescaling.
pub type DataAugmentation = InOrder<Augmentation>;

/// A function that changes images at random.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Augmentation {
    /// Multiplies the distance of each channel from its mean.
    RandomContrast(Contrast),
    /// Adds to all pixels, in rescaled units.
    RandomBrightness(Brightness),
    /// Raises pixels in [0, 1] to a power.
    RandomGamma(Gamma),
    /// Turns hues.
    RandomHue(Delta),
    /// Adds to saturations.
    RandomSaturation(Delta),
    /// Adds to values, the V of HSV.
    RandomValue(Delta),
    /// Changes hue, saturation and value.
    RandomHsv(Hsv),
    /// Shows HSV in place of RGB.
    RandomRgbToHsv(Chance),
    /// Takes the colours out.
    RandomRgbToGrayscale(Chance),
    /// Makes negatives.
    RandomInvert(Chance),
    /// Inverts pixels above a threshold that is drawn in 0..255.
    RandomSolarize(Chance),
    /// Spreads the histogram evenly.
    RandomEqualize(Chance),
    /// Stretches the histogram to the whole range of pixels.
    RandomAutocontrast(Autocontrast),
    /// Sharpens.
    RandomSharpness(Sharpness),
    /// Keeps the upper bits of each channel.
    RandomPosterize(Posterize),
    /// Blurs with a mean filter.
    RandomBlur(Blur),
    /// Adds Gaussian noise.
    RandomGaussianNoise(GaussianNoise),
    /// Compresses as JPEG, and back.
    RandomJpegQuality(JpegQuality),
    /// Cuts a rectangle out and scales it to the size of the image; mask too.
    RandomCrop(Crop),
    /// Mirrors; mask too.
    RandomFlip(Flip),
    /// Moves; mask too.
    RandomTranslation(Translation),
    /// Zooms; mask too.
    RandomZoom(Zoom),
    /// Turns; mask too.
    RandomRotation(Turn),
    /// Shears along one of both axes; mask too.
    RandomShear(Turn),
    /// Shears along x; mask too.
    RandomShearX(Turn),
    /// Shears along y; mask too.
    RandomShearY(Turn),
    /// Changes the size of the network's input now and then.
    RandomPeriodicResizing(PeriodicResizing),
}

impl Named for Augmentation {
    fn from_json(thing: Value) -> serde_json::Result<Self> {
        serde_json::from_value(thing)
    }
}

/// Arguments of `random_contrast`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Contrast {
    /// Factors; a number v stands for (1-v, 1+v).
    pub factor: Range<AroundOne>,
    /// Probability that an image is changed.
    #[serde(default = "always")]
    pub change_rate: f64,
}

/// Arguments of `random_brightness`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Brightness {
    /// What is added, in rescaled units; a number v stands for (-v, v).
    pub factor: Range<Symmetric>,
    /// Probability that an image is changed.
    #[serde(default = "always")]
    pub change_rate: f64,
}

/// Arguments of `random_gamma`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Gamma {
    /// Exponents, larger than 0.
    pub gamma: Range<PairOnly>,
    /// Probability that an image is changed.
    #[serde(default = "always")]
    pub change_rate: f64,
}

/// Arguments of `random_hue`, `random_saturation` and `random_value`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Delta {
    /// What is added, of channels in [0, 1]; a number v stands for (-v, v).
    pub delta: Range<Symmetric>,
    /// Probability that an image is changed.
    #[serde(default = "always")]
    pub change_rate: f64,
}

/// Arguments of `random_hsv`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Hsv {
    /// What is added to hues, also called `delta_hue`; a number v stands for (-v, v).
    #[serde(alias = "delta_hue")]
    pub hue_delta: Range<Symmetric>,
    /// What is added to saturations, also called `delta_saturation`; a number v stands for (-v, v).
    #[serde(alias = "delta_saturation")]
    pub saturation_delta: Range<Symmetric>,
    /// What is added to values, also called `delta_value`; a number v stands for (-v, v).
    #[serde(alias = "delta_value")]
    pub value_delta: Range<Symmetric>,
    /// Probability that an image is changed.
    #[serde(default = "always")]
    pub change_rate: f64,
}

/// The argument of functions that have no other.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Chance {
    /// Probability that an image is changed.
    #[serde(default = "quarter")]
    pub change_rate: f64,
}

/// Arguments of `random_autocontrast`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Autocontrast {
    /// Percent of the pixels that become black, and as many white.
    #[serde(default = "ten")]
    pub cutoff: u32,
    /// Probability that an image is changed.
    #[serde(default = "quarter")]
    pub change_rate: f64,
}

/// Arguments of `random_sharpness`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Sharpness {
    /// How much; a number v stands for (0, v).
    pub factor: Range<FromZero>,
    /// Probability that an image is changed.
    #[serde(default = "always")]
    pub change_rate: f64,
}

/// Arguments of `random_posterize`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Posterize {
    /// Bits that are kept of each channel, 1 to 8; the upper bound is drawn too.
    pub bits: Range<PairOnly, u32>,
    /// Probability that an image is changed.
    #[serde(default = "always")]
    pub change_rate: f64,
}

/// Arguments of `random_blur`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Blur {
    /// Side of the filter in pixels; a number v stands for itself.
    pub filter_size: Range<Exactly, u32>,
    /// What lies beyond the border.
    #[serde(default)]
    pub padding: Padding,
    /// The pixel beyond the border with the padding `constant`, in [0, 1].
    #[serde(default)]
    pub constant_values: f64,
    /// Probability that an image is changed.
    #[serde(default = "always")]
    pub change_rate: f64,
}

/// What lies beyond the border of a filtered image, in any letter case.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Padding {
    /// The image mirrored at its outermost pixels.
    #[default]
    Reflect,
    /// One value.
    Constant,
    /// The image mirrored at its border.
    Symmetric,
}

/// Arguments of `random_gaussian_noise`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GaussianNoise {
    /// Standard deviations, of pixels in [0, 1].
    pub stddev: Range<PairOnly>,
    /// What shares a standard deviation.
    #[serde(default)]
    pub mode: NoiseMode,
    /// Probability that an image is changed.
    #[serde(default = "always")]
    pub change_rate: f64,
}

/// What shares a standard deviation.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum NoiseMode {
    /// Each image has its own.
    #[default]
    Image,
    /// One for the whole batch.
    Batch,
}

/// Arguments of `random_jpeg_quality`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct JpegQuality {
    /// Qualities, 0 to 100; a number v stands for itself.
    pub jpeg_quality: Range<Exactly, u32>,
    /// Probability that an image is changed.
    #[serde(default = "always")]
    pub change_rate: f64,
}

/// Arguments of `random_crop`. All are shares of the image's size.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Crop {
    /// Where the middle of the cut is, from the left.
    #[serde(default = "middle_half")]
    pub crop_center_x: Range<PairOnly>,
    /// Where the middle of the cut is, from the top.
    #[serde(default = "middle_half")]
    pub crop_center_y: Range<PairOnly>,
    /// Width of the cut; a number v stands for itself.
    #[serde(default = "most")]
    pub crop_width: Range<Exactly>,
    /// Height of the cut; a number v stands for itself.
    #[serde(default = "most")]
    pub crop_height: Range<Exactly>,
    /// Sampling of image pixels; masks use nearest.
    #[serde(default)]
    pub interpolation: Resampling,
    /// Probability that an image is changed.
    #[serde(default = "nine_tenths")]
    pub change_rate: f64,
}

/// Arguments of `random_flip`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Flip {
    /// Along which axes.
    pub mode: FlipMode,
    /// Probability that an image is changed.
    #[serde(default = "half")]
    pub change_rate: f64,
}

/// Along which axes images are mirrored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum FlipMode {
    /// Left becomes right.
    Horizontal,
    /// Top becomes bottom.
    Vertical,
    /// One of horizontal, vertical and both, with equal chance.
    HorizontalAndVertical,
}

/// Arguments of `random_translation`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Translation {
    /// Shares of the width to move by; a number v stands for (-v, v).
    pub width_factor: Range<Symmetric>,
    /// Shares of the height to move by; a number v stands for (-v, v).
    pub height_factor: Range<Symmetric>,
    /// What comes in from outside; in masks, void with `constant`.
    #[serde(default)]
    pub fill_mode: FillMode,
    /// Sampling of image pixels; masks use nearest.
    #[serde(default)]
    pub interpolation: Resampling,
    /// The pixel outside with the fill mode `constant`, in rescaled units.
    #[serde(default)]
    pub fill_value: f64,
    /// Probability that an image is changed.
    #[serde(default = "always")]
    pub change_rate: f64,
}

/// Arguments of `random_zoom`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Zoom {
    /// How much narrower the picture becomes; negative zooms in; a number v stands for (-v, v).
    pub width_factor: Range<Symmetric>,
    /// How much lower the picture becomes; without it the height follows the width.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub height_factor: Option<Range<Symmetric>>,
    /// What comes in from outside; in masks, void with `constant`.
    #[serde(default)]
    pub fill_mode: FillMode,
    /// Sampling of image pixels; masks use nearest.
    #[serde(default)]
    pub interpolation: Resampling,
    /// The pixel outside with the fill mode `constant`, in rescaled units.
    #[serde(default)]
    pub fill_value: f64,
    /// Probability that an image is changed.
    #[serde(default = "always")]
    pub change_rate: f64,
}

/// Arguments of `random_rotation`, `random_shear`, `random_shear_x` and `random_shear_y`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Turn {
    /// Shares of a full turn for a rotation, radians for a shear; a number v stands for (-v, v).
    pub factor: Range<Symmetric>,
    /// What comes in from outside; in masks, void with `constant`.
    #[serde(default)]
    pub fill_mode: FillMode,
    /// Sampling of image pixels; masks use nearest.
    #[serde(default)]
    pub interpolation: Resampling,
    /// The pixel outside with the fill mode `constant`, in rescaled units.
    #[serde(default)]
    pub fill_value: f64,
    /// Probability that an image is changed.
    #[serde(default = "always")]
    pub change_rate: f64,
}

/// What comes in from outside of an image.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum FillMode {
    /// The image mirrored.
    #[default]
    Reflect,
    /// The image again.
    Wrap,
    /// `fill_value`; void in masks.
    Constant,
    /// The nearest pixel of the border.
    Nearest,
}

/// Sampling of pixels where an image is moved.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Resampling {
    /// Between the four pixels around.
    #[default]
    Bilinear,
    /// The nearest pixel.
    Nearest,
}

/// Arguments of `random_periodic_resizing`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PeriodicResizing {
    /// Batches with one size.
    pub period: u32,
    /// Sizes to draw from: width and height in pixels, multiples of the output stride.
    pub image_sizes: Vec<(u32, u32)>,
    /// Sampling of image pixels; masks use nearest.
    #[serde(default = "bilinear")]
    pub interpolation: Interpolation,
}

/// The `custom_data_augmentation` section: a user's own augmentation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CustomDataAugmentation {
    /// Its name.
    pub function_name: String,
    /// Its arguments, whatever they are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub config: Option<Untyped>,
}

fn always() -> f64 {
    1.0
}

fn nine_tenths() -> f64 {
    0.9
}

fn half() -> f64 {
    0.5
}

fn quarter() -> f64 {
    0.25
}

fn ten() -> u32 {
    10
}

fn middle_half() -> Range<PairOnly> {
    Range::new(0.25, 0.75)
}

fn most() -> Range<Exactly> {
    Range::new(0.6, 0.9)
}

fn bilinear() -> Interpolation {
    Interpolation::Bilinear
}

impl DataAugmentation {
    /// What is wrong with the arguments, for images of `colors`; `stride` is the output stride of a network of the zoo.
    #[must_use]
    pub fn issues(&self, colors: Option<ColorMode>, stride: Option<usize>) -> Vec<Issue> {
        self.iter().flat_map(|function| function.issues(colors, stride)).collect()
    }
}

impl Augmentation {
    /// Its name in the file.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::RandomContrast(_) => "random_contrast",
            Self::RandomBrightness(_) => "random_brightness",
            Self::RandomGamma(_) => "random_gamma",
            Self::RandomHue(_) => "random_hue",
            Self::RandomSaturation(_) => "random_saturation",
            Self::RandomValue(_) => "random_value",
            Self::RandomHsv(_) => "random_hsv",
            Self::RandomRgbToHsv(_) => "random_rgb_to_hsv",
            Self::RandomRgbToGrayscale(_) => "random_rgb_to_grayscale",
            Self::RandomInvert(_) => "random_invert",
            Self::RandomSolarize(_) => "random_solarize",
            Self::RandomEqualize(_) => "random_equalize",
            Self::RandomAutocontrast(_) => "random_autocontrast",
            Self::RandomSharpness(_) => "random_sharpness",
            Self::RandomPosterize(_) => "random_posterize",
            Self::RandomBlur(_) => "random_blur",
            Self::RandomGaussianNoise(_) => "random_gaussian_noise",
            Self::RandomJpegQuality(_) => "random_jpeg_quality",
            Self::RandomCrop(_) => "random_crop",
            Self::RandomFlip(_) => "random_flip",
            Self::RandomTranslation(_) => "random_translation",
            Self::RandomZoom(_) => "random_zoom",
            Self::RandomRotation(_) => "random_rotation",
            Self::RandomShear(_) => "random_shear",
            Self::RandomShearX(_) => "random_shear_x",
            Self::RandomShearY(_) => "random_shear_y",
            Self::RandomPeriodicResizing(_) => "random_periodic_resizing",
        }
    }

    /// Its key.
    #[must_use]
    pub fn key(&self) -> String {
        format!("{SECTION}.{}", self.name())
    }

    fn issues(&self, colors: Option<ColorMode>, stride: Option<usize>) -> Vec<Issue> {
        const BITS: Bounds = Bounds::new(|v| (1.0..=8.0).contains(&v), "at least 1 and at most 8");
        const QUALITY: Bounds = Bounds::new(|v| (0.0..=100.0).contains(&v), "at least 0 and at most 100");
        const CUTOFF: Bounds = Bounds::new(|v| v < 50.0, "below 50, since as much is cut at the other end");
        const PART: Bounds = Bounds::new(|v| v > 0.0 && v <= 1.0, "larger than 0 and at most 1");
        let mut rules = Rules::under(self.key());
        let change_rate = match self {
            Self::RandomContrast(Contrast { factor, change_rate }) => {
                factor.check("factor", NOT_NEGATIVE, &mut rules);
                change_rate
            }
            Self::RandomBrightness(Brightness { factor, change_rate }) => {
                factor.check("factor", ANY, &mut rules);
                change_rate
            }
            Self::RandomGamma(Gamma { gamma, change_rate }) => {
                gamma.check("gamma", POSITIVE, &mut rules);
                change_rate
            }
            Self::RandomHue(Delta { delta, change_rate })
            | Self::RandomSaturation(Delta { delta, change_rate })
            | Self::RandomValue(Delta { delta, change_rate }) => {
                delta.check("delta", ANY, &mut rules);
                change_rate
            }
            Self::RandomHsv(Hsv { hue_delta, saturation_delta, value_delta, change_rate }) => {
                hue_delta.check("hue_delta", ANY, &mut rules);
                saturation_delta.check("saturation_delta", ANY, &mut rules);
                value_delta.check("value_delta", ANY, &mut rules);
                change_rate
            }
            Self::RandomRgbToHsv(Chance { change_rate })
            | Self::RandomRgbToGrayscale(Chance { change_rate })
            | Self::RandomInvert(Chance { change_rate })
            | Self::RandomSolarize(Chance { change_rate })
            | Self::RandomEqualize(Chance { change_rate }) => change_rate,
            Self::RandomAutocontrast(Autocontrast { cutoff, change_rate }) => {
                rules.number("cutoff", *cutoff, CUTOFF);
                change_rate
            }
            Self::RandomSharpness(Sharpness { factor, change_rate }) => {
                factor.check("factor", NOT_NEGATIVE, &mut rules);
                change_rate
            }
            Self::RandomPosterize(Posterize { bits, change_rate }) => {
                bits.check("bits", BITS, &mut rules);
                change_rate
            }
            Self::RandomBlur(Blur { filter_size, change_rate, .. }) => {
                filter_size.check("filter_size", FROM_ONE, &mut rules);
                change_rate
            }
            Self::RandomGaussianNoise(GaussianNoise { stddev, change_rate, .. }) => {
                stddev.check("stddev", NOT_NEGATIVE, &mut rules);
                change_rate
            }
            Self::RandomJpegQuality(JpegQuality { jpeg_quality, change_rate }) => {
                jpeg_quality.check("jpeg_quality", QUALITY, &mut rules);
                change_rate
            }
            Self::RandomCrop(crop) => {
                crop.crop_center_x.check("crop_center_x", SHARE, &mut rules);
                crop.crop_center_y.check("crop_center_y", SHARE, &mut rules);
                crop.crop_width.check("crop_width", PART, &mut rules);
                crop.crop_height.check("crop_height", PART, &mut rules);
                &crop.change_rate
            }
            Self::RandomFlip(Flip { change_rate, .. }) => change_rate,
            Self::RandomTranslation(Translation { width_factor, height_factor, change_rate, .. }) => {
                width_factor.check("width_factor", ANY, &mut rules);
                height_factor.check("height_factor", ANY, &mut rules);
                change_rate
            }
            Self::RandomZoom(Zoom { width_factor, height_factor, change_rate, .. }) => {
                // At -1 the picture is infinitely large.
                const LARGER: Bounds = Bounds::new(|v| v > -1.0, "larger than -1");
                width_factor.check("width_factor", LARGER, &mut rules);
                if let Some(height_factor) = height_factor {
                    height_factor.check("height_factor", LARGER, &mut rules);
                }
                change_rate
            }
            Self::RandomRotation(Turn { factor, change_rate, .. })
            | Self::RandomShear(Turn { factor, change_rate, .. })
            | Self::RandomShearX(Turn { factor, change_rate, .. })
            | Self::RandomShearY(Turn { factor, change_rate, .. }) => {
                factor.check("factor", ANY, &mut rules);
                change_rate
            }
            Self::RandomPeriodicResizing(resizing) => {
                resizing.check(stride, &mut rules);
                &1.0
            }
        };
        rules.number("change_rate", *change_rate, SHARE);
        if self.wants_colors() && colors == Some(ColorMode::Grayscale) {
            let message = format!("`{}` works on colours, and `color_mode` is grayscale", self.name());
            let issue = Issue::new(IssueKind::Conflict, self.key(), message);
            rules.push(issue.with_help("remove it, or set `preprocessing.color_mode: rgb`"));
        }
        rules.into_issues()
    }

    fn wants_colors(&self) -> bool {
        matches!(
            self,
            Self::RandomHue(_)
                | Self::RandomSaturation(_)
                | Self::RandomValue(_)
                | Self::RandomHsv(_)
                | Self::RandomRgbToHsv(_)
        )
    }
}

impl PeriodicResizing {
    fn check(&self, stride: Option<usize>, rules: &mut Rules) {
        rules.number("period", self.period, FROM_ONE);
        rules.require("image_sizes", !self.image_sizes.is_empty(), "there is no size to draw");
        let stride = stride.unwrap_or(1).max(1);
        let fits = |side: u32| side > 0 && usize::try_from(side).is_ok_and(|side| side % stride == 0);
        for (width, height) in &self.image_sizes {
            let message = match stride {
                1 => format!("a size of ({width}, {height}) has no pixels"),
                _ => format!("a side of ({width}, {height}) is not a multiple of the output stride {stride}"),
            };
            rules.require("image_sizes", fits(*width) && fits(*height), message);
        }
    }
}
