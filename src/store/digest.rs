//! Content digests.

use super::{StoreError, canonical_json};
use fs_err::File;
use serde::{Deserialize, Serialize, de::Error as _};
use std::{
    fmt,
    io::{self, Read, Write},
    path::Path,
    str::FromStr,
};

/// A BLAKE3 digest, written as 64 lower-case hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest(pub [u8; 32]);

/// Bytes read at a time: enough that system calls cost nothing beside hashing.
const CHUNK: usize = 256 * 1024;
/// Bytes that most files of metrics and settings have less than.
const SMALL: usize = 8 * 1024;

/// After so many bytes a file is worth all cores.
const LARGE: usize = 8 << 20;
/// Bytes of it that are hashed at a time.
const PIECE: usize = 4 << 20;

impl Digest {
    /// The digest of some bytes.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self(*blake3::hash(bytes).as_bytes())
    }

    /// The digest of a value's canonical JSON (see [`canonical_json`]).
    ///
    /// # Errors
    /// [`StoreError::NotCanonical`] for numbers that are not finite and maps whose keys are not strings.
    pub fn of_value<T: Serialize + ?Sized>(value: &T) -> Result<Self, StoreError> {
        Ok(Self::of(canonical_json(value)?.as_bytes()))
    }

    /// The digest of a file's bytes, and how many there are. The file is streamed, never held in memory; a large one is
    /// hashed by several threads.
    ///
    /// # Errors
    /// When it cannot be opened or read.
    pub fn of_file(path: &Path) -> io::Result<(Self, u64)> {
        copy(&mut File::open(path)?, &mut io::sink())
    }
}

/// Copies all of `from` to `to`; the digest and number of the bytes that went over. From [`LARGE`] on a piece is hashed on
/// all cores while it is written and the next one is read.
pub(crate) fn copy(from: &mut (impl Read + Send), to: &mut (impl Write + Send)) -> io::Result<(Digest, u64)> {
    let mut hasher = blake3::Hasher::new();
    let mut size = 0;
    let (mut piece, mut next) = (Vec::with_capacity(SMALL), Vec::new());
    read_piece(from, &mut piece, CHUNK)?;
    while !piece.is_empty() {
        size += piece.len() as u64;
        if size < LARGE as u64 {
            hasher.update(&piece);
            to.write_all(&piece)?;
            if piece.len() < CHUNK {
                break;
            }
            read_piece(from, &mut piece, CHUNK)?;
        } else {
            let pass_on = || to.write_all(&piece).and_then(|()| read_piece(from, &mut next, PIECE));
            let (passed_on, _) = rayon::join(pass_on, || hasher.update_rayon(&piece));
            passed_on?;
            std::mem::swap(&mut piece, &mut next);
        }
    }
    Ok((Digest(*hasher.finalize().as_bytes()), size))
}

/// Reads as much as a piece holds, less only at the end.
fn read_piece(from: &mut impl Read, piece: &mut Vec<u8>, most: usize) -> io::Result<()> {
    piece.clear();
    from.take(most as u64).read_to_end(piece).map(drop)
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&blake3::Hash::from_bytes(self.0).to_hex())
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Digest({self})")
    }
}

impl FromStr for Digest {
    type Err = StoreError;

    fn from_str(text: &str) -> Result<Self, StoreError> {
        let canonical = text.len() == 64 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        match blake3::Hash::from_hex(text) {
            Ok(hash) if canonical => Ok(Self(*hash.as_bytes())),
            _ => Err(StoreError::BadDigest(text.to_owned())),
        }
    }
}

impl Serialize for Digest {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_is_written_as_64_hexadecimal_digits_and_read_back() {
        // The known answer for empty input, from the test vectors of the BLAKE3 specification's repository.
        let text = "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262";
        let digest = Digest::of(b"");
        assert_eq!(digest.to_string(), text);
        assert_eq!(text.parse::<Digest>().ok(), Some(digest));
        assert_eq!(serde_json::to_string(&digest).ok(), Some(format!("\"{text}\"")));
        assert_eq!(serde_json::from_str::<Digest>(&format!("\"{text}\"")).ok(), Some(digest));
    }

    #[test]
    fn what_is_not_64_lower_case_hexadecimal_digits_is_not_a_digest() {
        for text in ["", "af13", &"g".repeat(64), &"A".repeat(64), &"0".repeat(65)] {
            assert!(text.parse::<Digest>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_file_of_any_length_has_the_digest_of_its_bytes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        for length in
            [0, 1, CHUNK - 1, CHUNK, CHUNK * 2 + 17, LARGE - 1, LARGE, LARGE + LARGE / 2, 2 * LARGE + 17]
        {
            let bytes: Vec<u8> = (0..length).map(|i| (i % 251) as u8).collect();
            fs_err::write(&path, &bytes).unwrap();
            assert_eq!(Digest::of_file(&path).unwrap(), (Digest::of(&bytes), bytes.len() as u64), "{length}");
        }
    }
}
