//! Whether a JPEG file is whole.
//!
//! The decoder fills what is missing of a file cut short with made-up pixels and says nothing. TensorFlow refuses such a
//! file, and so do we: a whole JPEG ends its picture with the marker EOI (ITU-T T.81, annex B).

const SOI: u8 = 0xD8;
const EOI: u8 = 0xD9;
const SOS: u8 = 0xDA;

/// Whether `bytes` are those of a JPEG whose end is missing.
pub(crate) fn is_cut_short(bytes: &[u8]) -> bool {
    bytes.starts_with(&[0xFF, SOI, 0xFF]) && !reaches_its_end(&bytes[2..])
}

fn reaches_its_end(mut rest: &[u8]) -> bool {
    loop {
        let (marker, after) = match rest {
            [0xFF, 0xFF, ..] => {
                rest = &rest[1..];
                continue;
            }
            [0xFF, marker, after @ ..] => (*marker, after),
            // Stray bytes between segments, which decoders skip.
            [_, after @ ..] => {
                rest = after;
                continue;
            }
            [] => return false,
        };
        match marker {
            EOI => return true,
            // Markers without a segment: stuffed zeros, TEM, restarts, a second SOI.
            0x00 | 0x01 | 0xD0..=SOI => rest = after,
            _ => {
                let [high, low, ..] = after else { return false };
                let length = usize::from(u16::from_be_bytes([*high, *low]));
                let Some(next) = after.get(length..) else { return false };
                rest = if marker == SOS { after_scan(next) } else { next };
            }
        }
    }
}

/// What follows the compressed data of a scan: a marker that is neither a stuffed zero nor a restart.
fn after_scan(data: &[u8]) -> &[u8] {
    let ends = |pair: &[u8]| pair[0] == 0xFF && !matches!(pair[1], 0x00 | 0xD0..=0xD7 | 0xFF);
    data.windows(2).position(ends).map_or(&[], |at| &data[at..])
}

#[cfg(test)]
mod tests {
    use super::*;

    const PHOTO: &[u8] = include_bytes!("../tests/golden/photo.jpg");

    #[test]
    fn a_photo_is_cut_short_wherever_its_tail_is_missing() {
        assert!(!is_cut_short(PHOTO));
        let mut trailing = PHOTO.to_vec();
        trailing.extend([0; 7]);
        assert!(!is_cut_short(&trailing), "bytes after the picture do no harm");
        for length in 3..PHOTO.len() {
            assert!(is_cut_short(&PHOTO[..length]), "the first {length} of {} bytes", PHOTO.len());
        }
    }

    #[test]
    fn other_files_are_not_judged() {
        assert!(!is_cut_short(b"\x89PNG\r\n\x1a\n"));
        assert!(!is_cut_short(b""));
    }
}
