//! Errors of reading images.

use contract::Problem;
use std::path::PathBuf;
use thiserror::Error;

/// Why an image, a mask or a set cannot be read.
#[derive(Debug, Error)]
pub enum DatasetError {
    /// A file cannot be opened or read; the message names it.
    #[error(transparent)]
    Io(#[from] std::io::Error),
    /// A picture cannot be decoded.
    #[error("{path}: the image cannot be read: {message}", path = path.display())]
    Picture {
        /// The file.
        path: PathBuf,
        /// What the decoder says.
        message: String,
    },
    /// A mask cannot be decoded.
    #[error("{path}: the mask cannot be read: {message}", path = path.display())]
    Mask {
        /// The file.
        path: PathBuf,
        /// What the decoder says.
        message: String,
    },
    /// A mask holds colours that are not those of the classes.
    #[error(
        "{path}: the mask is an RGB picture, and its colour {color:?} ({pixels} pixels) is not the Pascal VOC colour of \
         any of the {classes} classes", path = path.display()
    )]
    RgbMask {
        /// The file.
        path: PathBuf,
        /// The most frequent colour that is not in the table.
        color: [u8; 3],
        /// Its pixels.
        pixels: usize,
        /// Number of classes.
        classes: usize,
    },
    /// A mask holds values that are neither a class index nor void.
    #[error(
        "{path}: the mask has the value {value} in {pixels} pixels; a mask value is a class index from 0 to {last}, or \
         255 for void", path = path.display(), last = classes.saturating_sub(1)
    )]
    MaskValue {
        /// The file.
        path: PathBuf,
        /// The most frequent such value.
        value: u16,
        /// Its pixels.
        pixels: usize,
        /// Number of classes.
        classes: usize,
    },
    /// A picture and its mask do not cover each other.
    #[error(
        "{image} is {}x{} (height x width) but its mask {mask} is {}x{}",
        image_size.0, image_size.1, mask_size.0, mask_size.1, image = image.display(), mask = mask.display()
    )]
    SizeMismatch {
        /// The picture.
        image: PathBuf,
        /// The mask.
        mask: PathBuf,
        /// Height and width of the picture.
        image_size: (usize, usize),
        /// Height and width of the mask.
        mask_size: (usize, usize),
    },
    /// Nothing is left of a set.
    #[error("the set has no image{}", missing.as_ref().map(|path| format!(": none of its files is there, the first one missing is {}", path.display())).unwrap_or_default())]
    Empty {
        /// The first file that is not there; none when no file is listed at all.
        missing: Option<PathBuf>,
    },
    /// A generated set that this program cannot generate.
    #[error("the generated set `{generator}` cannot be made: {message}")]
    Generator {
        /// Its name.
        generator: String,
        /// What is wrong with its parameters.
        message: String,
    },
    /// A single file where a set is needed.
    #[error("{path} is a single file, not a set of images", path = path.display())]
    NotASet {
        /// The file.
        path: PathBuf,
    },
    /// A sample beyond the end of a set.
    #[error("image {index} of a set of {len} was asked for")]
    OutOfRange {
        /// Its position, from 0.
        index: usize,
        /// Images in the set.
        len: usize,
    },
}

impl Problem for DatasetError {
    fn code(&self) -> &'static str {
        match self {
            Self::Io(_) => "data::io",
            Self::Picture { .. } => "data::unreadable_image",
            Self::Mask { .. } => "data::unreadable_mask",
            Self::RgbMask { .. } => "data::rgb_mask",
            Self::MaskValue { .. } => "data::mask_value",
            Self::SizeMismatch { .. } => "data::size_mismatch",
            Self::Empty { .. } => "data::empty_set",
            Self::Generator { .. } => "data::generator",
            Self::NotASet { .. } => "data::not_a_set",
            Self::OutOfRange { .. } => "data::out_of_range",
        }
    }

    fn help(&self) -> Option<&'static str> {
        Some(match self {
            Self::Io(_) => "check that the file is there and may be read",
            Self::Picture { .. } => {
                "replace the file, or take its id out of the list; JPEG, PNG, BMP and GIF can be read"
            }
            Self::Mask { .. } => {
                "a mask is a PNG with one channel: class indices as palette or greyscale values, 255 for void"
            }
            Self::RgbMask { .. } => {
                "convert the masks to one channel of class indices; saving a palette PNG as RGB loses the indices"
            }
            Self::MaskValue { .. } => {
                "name all classes in `dataset.class_names`, in the order of the mask values, or correct the mask"
            }
            Self::SizeMismatch { .. } => "image and mask must cover each other pixel by pixel",
            Self::Empty { .. } => {
                "an id file holds one id a line; `<id>.jpg` is looked up in the image folder, `<id>.png` in the mask folder"
            }
            Self::Generator { .. } | Self::NotASet { .. } | Self::OutOfRange { .. } => return None,
        })
    }
}
