//! Pictures: what a camera saw.

use crate::{DatasetError, jpeg};
use std::path::Path;

/// A decoded picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picture {
    /// Rows.
    pub height: usize,
    /// Columns.
    pub width: usize,
    /// 1 (grey) or 3 (red, green, blue).
    pub channels: usize,
    /// `[height, width, channels]`, 0..255.
    pub pixels: Vec<u8>,
}

impl Picture {
    /// Reads a JPEG, PNG, BMP or GIF (its first frame), told apart by content. Alpha is dropped, 16-bit channels are
    /// rounded to 8, orientation tags are ignored as TensorFlow does. `channels` is 1 or 3; grey is the luma of
    /// ITU-R BT.601, as in JPEG files.
    ///
    /// # Errors
    /// The file cannot be read or decoded.
    pub fn read(path: &Path, channels: usize) -> Result<Self, DatasetError> {
        let bytes = fs_err::read(path)?;
        let unreadable = |message: String| DatasetError::Picture { path: path.to_owned(), message };
        if jpeg::is_cut_short(&bytes) {
            return Err(unreadable("the file ends before the picture does".to_owned()));
        }
        let decoded = image::load_from_memory(&bytes).map_err(|e| unreadable(e.to_string()))?.into_rgb8();
        let (width, height) = (decoded.width() as usize, decoded.height() as usize);
        let rgb = decoded.into_raw();
        let pixels = if channels == 1 { luma(&rgb) } else { rgb };
        Ok(Self { height, width, channels, pixels })
    }
}

pub(crate) fn luma(rgb: &[u8]) -> Vec<u8> {
    rgb.as_chunks::<3>()
        .0
        .iter()
        .map(|&[r, g, b]| ((299 * u32::from(r) + 587 * u32::from(g) + 114 * u32::from(b) + 500) / 1000) as u8)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use contract::Problem;

    #[test]
    fn a_picture_is_told_by_its_content_and_read_as_rgb_or_grey() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("wrong_ending.jpg");
        image::RgbaImage::from_fn(3, 2, |x, y| image::Rgba([x as u8 * 10, y as u8 * 10, 7, 200]))
            .save_with_format(&path, image::ImageFormat::Png)
            .expect("saved");
        let rgb = Picture::read(&path, 3).expect("a picture");
        assert_eq!((rgb.height, rgb.width, rgb.channels), (2, 3, 3));
        assert_eq!(rgb.pixels[3..6], [10, 0, 7]);
        let grey = Picture::read(&path, 1).expect("a picture");
        assert_eq!(grey.pixels, [1, 4, 7, 7, 10, 13]);
    }

    /// libjpeg and zune-jpeg round colours differently by a step or two; TensorFlow's own default is further off than that.
    #[test]
    fn a_photo_has_the_pixels_that_tensorflow_reads() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("photo.jpg");
        fs_err::write(&path, include_bytes!("../tests/golden/photo.jpg")).expect("written");
        let ours = Picture::read(&path, 3).expect("a picture").pixels;
        let theirs: Vec<u8> = include_str!("../tests/golden/photo.txt")
            .split_whitespace()
            .map(|pixel| pixel.parse().expect("a pixel"))
            .collect();
        assert_eq!(ours.len(), theirs.len());
        let apart = ours.iter().zip(&theirs).map(|(a, b)| a.abs_diff(*b));
        assert!(apart.clone().max() <= Some(3), "largest difference {:?}", apart.max());
    }

    #[test]
    fn a_broken_picture_is_an_error_that_names_it() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("broken.jpg");
        let whole = include_bytes!("../tests/golden/photo.jpg");
        fs_err::write(&path, whole).expect("written");
        assert_eq!(Picture::read(&path, 3).expect("a picture").pixels.len(), 24 * 32 * 3);
        for broken in
            [&whole[..whole.len() - 60], &whole[..whole.len() / 2], &whole[..40], b"no picture", b""]
        {
            fs_err::write(&path, broken).expect("written");
            let error = Picture::read(&path, 3).expect_err("broken");
            assert!(error.to_string().contains("broken.jpg"), "{error}");
            assert_eq!(error.code(), "data::unreadable_image");
        }
    }
}
