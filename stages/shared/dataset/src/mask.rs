//! Masks: one class index a pixel.
//!
//! A mask is a PNG. Palette and greyscale values are taken as they are, whatever colours the palette shows, with 1, 2, 4
//! or 8 bits (16 bits when no value needs them). An RGB picture is a mask that lost its indices; it is taken back where
//! all its colours stand in the Pascal VOC table.

use crate::{DatasetError, colors::voc_color};
use std::{
    collections::BTreeMap,
    io::BufReader,
    path::{Path, PathBuf},
};

/// The value of a pixel that belongs to no class and counts nowhere.
pub const VOID: u8 = 255;

/// Larger masks are not read. Pictures have a limit of the decoder's own, 512 MiB.
const MOST_PIXELS: u64 = 1 << 28;

/// A decoded mask.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mask {
    /// Rows.
    pub height: usize,
    /// Columns.
    pub width: usize,
    /// A class index below the number of classes, or [`VOID`], for each pixel, row by row.
    pub labels: Vec<u8>,
    /// Whether the file is an RGB picture whose colours were mapped back to indices.
    pub from_colors: bool,
}

impl Mask {
    /// Reads the mask of a data set with `classes` classes.
    ///
    /// # Errors
    /// The file cannot be read, is not a PNG of a supported kind, or holds values or colours that are no class.
    pub fn read(path: &Path, classes: usize) -> Result<Self, DatasetError> {
        let mut decoder = png::Decoder::new(BufReader::new(fs_err::File::open(path)?));
        decoder.set_transformations(png::Transformations::IDENTITY);
        let unreadable = |message: String| DatasetError::Mask { path: path.to_owned(), message };
        let mut reader = decoder.read_info().map_err(|e| unreadable(e.to_string()))?;
        // The header is believed before any pixel is seen, so memory is not asked for whatever it says.
        let (width, height) = reader.info().size();
        let pixels = u64::from(width) * u64::from(height);
        if pixels > MOST_PIXELS {
            return Err(unreadable(format!(
                "its header says {height}x{width} (height x width), more than {MOST_PIXELS} pixels"
            )));
        }
        let size =
            reader.output_buffer_size().ok_or_else(|| unreadable("the picture is too large".to_owned()))?;
        let mut bytes = vec![0; size];
        let info = reader.next_frame(&mut bytes).map_err(|e| unreadable(e.to_string()))?;
        let (height, width) = (info.height as usize, info.width as usize);
        let rows: Vec<&[u8]> = bytes.chunks_exact(info.line_size.max(1)).take(height).collect();
        let depth = info.bit_depth as usize;
        let (labels, from_colors) = match info.color_type {
            png::ColorType::Indexed | png::ColorType::Grayscale => {
                let values = rows.iter().flat_map(|row| unpack(row, depth, width)).collect();
                (indices(values, classes, path)?, false)
            }
            png::ColorType::Rgb if depth == 8 => (from_colors(&rows, 3, classes, path)?, true),
            png::ColorType::Rgba if depth == 8 => (from_colors(&rows, 4, classes, path)?, true),
            other => {
                return Err(unreadable(format!("it is a PNG of kind {other:?} with {depth} bits a channel")));
            }
        };
        Ok(Self { height, width, labels, from_colors })
    }
}

/// Values of one row of `width` pixels packed with `depth` bits each, most significant first (PNG specification, 7.2).
fn unpack(row: &[u8], depth: usize, width: usize) -> Vec<u16> {
    match depth {
        16 => row.as_chunks::<2>().0.iter().map(|&pair| u16::from_be_bytes(pair)).collect(),
        8 => row.iter().map(|&byte| u16::from(byte)).collect(),
        _ => {
            let mask = u8::MAX >> (8 - depth);
            let shifts = (0..8 / depth).rev().map(|place| place * depth);
            row.iter()
                .flat_map(|&byte| shifts.clone().map(move |shift| u16::from(byte >> shift & mask)))
                .take(width)
                .collect()
        }
    }
}

fn indices(values: Vec<u16>, classes: usize, path: &Path) -> Result<Vec<u8>, DatasetError> {
    let is_label = |value: u16| usize::from(value) < classes || value == u16::from(VOID);
    let mut strangers = BTreeMap::<u16, usize>::new();
    let labels = values
        .into_iter()
        .map(|value| {
            if !is_label(value) {
                *strangers.entry(value).or_default() += 1;
            }
            value as u8
        })
        .collect();
    match most_frequent(strangers) {
        Some((value, pixels)) => {
            Err(DatasetError::MaskValue { path: path.to_owned(), value, pixels, classes })
        }
        None => Ok(labels),
    }
}

fn from_colors(
    rows: &[&[u8]],
    channels: usize,
    classes: usize,
    path: &Path,
) -> Result<Vec<u8>, DatasetError> {
    let table: BTreeMap<[u8; 3], u8> =
        (0..classes.min(255) as u8).chain([VOID]).map(|v| (voc_color(v), v)).collect();
    let mut strangers = BTreeMap::<[u8; 3], usize>::new();
    let labels = rows
        .iter()
        .flat_map(|row| row.chunks_exact(channels))
        .map(|pixel| {
            let color = [pixel[0], pixel[1], pixel[2]];
            table.get(&color).copied().unwrap_or_else(|| {
                *strangers.entry(color).or_default() += 1;
                VOID
            })
        })
        .collect();
    match most_frequent(strangers) {
        Some((color, pixels)) => {
            Err(DatasetError::RgbMask { path: PathBuf::from(path), color, pixels, classes })
        }
        None => Ok(labels),
    }
}

fn most_frequent<K: Ord>(counts: BTreeMap<K, usize>) -> Option<(K, usize)> {
    counts.into_iter().max_by_key(|(_, pixels)| *pixels)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Writes a 5x2 PNG of raw `rows` bytes.
    fn png(color: png::ColorType, depth: png::BitDepth, bytes: &[u8]) -> tempfile::NamedTempFile {
        let file = tempfile::Builder::new().suffix(".png").tempfile().expect("a file");
        let mut encoder = png::Encoder::new(file.reopen().expect("a file"), 5, 2);
        encoder.set_color(color);
        encoder.set_depth(depth);
        if color == png::ColorType::Indexed {
            encoder
                .set_palette((0..=255u8).flat_map(voc_color).take(3 << depth as usize).collect::<Vec<_>>());
        }
        encoder.write_header().expect("a header").write_image_data(bytes).expect("pixels");
        file
    }

    #[test]
    fn palette_and_greyscale_values_are_indices_at_every_depth() {
        use png::{BitDepth, ColorType};
        let wanted = [0, 1, 1, 0, 1, 1, 1, 0, 0, 1];
        let ones = [0b0110_1000, 0b1100_1000];
        let twos = [0b0001_0100, 0b0100_0000, 0b0101_0000, 0b0100_0000];
        let fours = [0x01, 0x10, 0x10, 0x11, 0x00, 0x10];
        for color in [ColorType::Indexed, ColorType::Grayscale] {
            for (depth, bytes) in [
                (BitDepth::One, &ones[..]),
                (BitDepth::Two, &twos),
                (BitDepth::Four, &fours),
                (BitDepth::Eight, &wanted),
            ] {
                let mask = Mask::read(png(color, depth, bytes).path(), 2).expect("a mask");
                assert_eq!((mask.height, mask.width, mask.from_colors), (2, 5, false));
                assert_eq!(mask.labels, wanted, "{color:?} {depth:?}");
            }
        }
    }

    #[test]
    fn void_is_a_value_of_every_data_set_and_others_are_errors_with_their_pixel_count() {
        let file = png(png::ColorType::Grayscale, png::BitDepth::Eight, &[0, 255, 2, 7, 7, 7, 3, 0, 1, 1]);
        assert!(Mask::read(file.path(), 8).is_ok());
        match Mask::read(file.path(), 3).expect_err("7 and 3 are no class") {
            DatasetError::MaskValue { value: 7, pixels: 3, classes: 3, path } => {
                assert_eq!(path, file.path())
            }
            other => panic!("{other}"),
        }
    }

    #[test]
    fn rgb_masks_are_taken_back_only_where_all_colours_stand_in_the_table() {
        let mut bytes: Vec<u8> = [0, 1, 15, 255, 0, 0, 1, 2, 2, 2].into_iter().flat_map(voc_color).collect();
        let known = png(png::ColorType::Rgb, png::BitDepth::Eight, &bytes);
        let mask = Mask::read(known.path(), 21).expect("a mask");
        assert_eq!(mask.labels, [0, 1, 15, 255, 0, 0, 1, 2, 2, 2]);
        assert!(mask.from_colors);
        bytes[..3].copy_from_slice(&[1, 2, 3]);
        let unknown = png(png::ColorType::Rgb, png::BitDepth::Eight, &bytes);
        let error = Mask::read(unknown.path(), 21).expect_err("an unknown colour");
        assert!(matches!(error, DatasetError::RgbMask { color: [1, 2, 3], pixels: 1, .. }), "{error}");
    }

    #[test]
    fn a_header_of_more_pixels_than_any_camera_has_is_an_error() {
        let file = tempfile::Builder::new().suffix(".png").tempfile().expect("a file");
        let mut encoder = png::Encoder::new(file.reopen().expect("a file"), 1 << 16, 1 << 15);
        encoder.set_color(png::ColorType::Grayscale);
        let mut writer = encoder.write_header().expect("a header");
        writer.write_chunk(png::chunk::IDAT, &[0; 20]).expect("a chunk");
        drop(writer);
        let error = Mask::read(file.path(), 2).expect_err("too large");
        assert!(error.to_string().contains("32768x65536 (height x width)"), "{error}");
    }

    #[test]
    fn a_file_that_is_no_png_or_is_cut_short_is_an_error() {
        let file = png(png::ColorType::Grayscale, png::BitDepth::Eight, &[0; 10]);
        let bytes = fs_err::read(file.path()).expect("bytes");
        for broken in [&bytes[..bytes.len() - 20], &b"not a png"[..], &[]] {
            fs_err::write(file.path(), broken).expect("written");
            let error = Mask::read(file.path(), 2).expect_err("broken");
            assert!(matches!(error, DatasetError::Mask { .. }), "{error}");
        }
    }
}
