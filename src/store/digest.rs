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

/// Files of so many bytes are worth all cores; they are hashed in pieces of half as many, while the next is read.
const LARGE: usize = 8 << 20;

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
        let mut file = File::open(path)?;
        match usize::try_from(file.metadata()?.len()) {
            // One byte more than there are, so that the end is seen with the last of them.
            Ok(length) if length < LARGE => copy_by(&mut file, &mut io::sink(), CHUNK.min(length + 1)),
            _ => of_large(&mut file),
        }
    }
}

/// Hashes a piece on all cores while the next one is read.
fn of_large(file: &mut (impl Read + Send)) -> io::Result<(Digest, u64)> {
    let mut hasher = blake3::Hasher::new();
    let mut size = 0;
    let mut piece = Vec::with_capacity(LARGE / 2);
    let mut next = Vec::with_capacity(LARGE / 2);
    read_piece(file, &mut piece)?;
    while !piece.is_empty() {
        let (read, _) = rayon::join(|| read_piece(file, &mut next), || hasher.update_rayon(&piece));
        read?;
        size += piece.len() as u64;
        std::mem::swap(&mut piece, &mut next);
    }
    Ok((Digest(*hasher.finalize().as_bytes()), size))
}

/// Reads as much as a piece holds, less only at the end.
fn read_piece(file: &mut impl Read, piece: &mut Vec<u8>) -> io::Result<()> {
    piece.clear();
    file.take((LARGE / 2) as u64).read_to_end(piece).map(drop)
}

/// Copies all of `from` to `to`; the digest and number of the bytes that went over. Of what is large a piece is hashed on
/// all cores while it is written and the next one is read.
pub(crate) fn copy(from: &mut (impl Read + Send), to: &mut (impl Write + Send)) -> io::Result<(Digest, u64)> {
    let mut hasher = blake3::Hasher::new();
    let mut size = 0;
    let mut piece = Vec::with_capacity(SMALL);
    from.take(CHUNK as u64).read_to_end(&mut piece)?;
    let mut next = Vec::new();
    while !piece.is_empty() {
        size += piece.len() as u64;
        if piece.len() < CHUNK {
            hasher.update(&piece);
            to.write_all(&piece)?;
            break;
        }
        let pass_on = || to.write_all(&piece).and_then(|()| read_piece(from, &mut next));
        let (passed_on, _) = rayon::join(pass_on, || hasher.update_rayon(&piece));
        passed_on?;
        std::mem::swap(&mut piece, &mut next);
    }
    Ok((Digest(*hasher.finalize().as_bytes()), size))
}

fn copy_by(from: &mut impl Read, to: &mut impl Write, chunk: usize) -> io::Result<(Digest, u64)> {
    let mut hasher = blake3::Hasher::new();
    let mut buffer = vec![0; chunk];
    let mut size = 0;
    loop {
        let count = match from.read(&mut buffer) {
            Ok(0) => break,
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        let bytes = buffer.get(..count).unwrap_or_default();
        hasher.update(bytes);
        to.write_all(bytes)?;
        size += count as u64;
    }
    Ok((Digest(*hasher.finalize().as_bytes()), size))
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
