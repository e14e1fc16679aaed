//! FlatBuffers tables in untrusted bytes: every offset is checked, nothing is assumed.
//!
//! Source: FlatBuffers binary format ("FlatBuffer internals"): little endian; a table starts with the signed distance
//! back to its vtable; a vtable holds its own size, the table's size, then a 16-bit position for each slot, 0 for a slot
//! with the default value; vectors and strings are reached by a forward distance and start with their length.

use super::FORMAT;
use crate::FormatError;

/// The error of bytes that no writer of this format gives.
pub(super) fn damaged(message: impl Into<String>) -> FormatError {
    FormatError::Corrupt { format: FORMAT, message: message.into() }
}

/// A table.
#[derive(Debug, Clone, Copy)]
pub(super) struct Table<'a> {
    file: &'a [u8],
    start: usize,
    vtable: &'a [u8],
}

/// A vector: where its elements start, and how many there are.
#[derive(Debug, Clone, Copy)]
pub(super) struct Vector<'a> {
    file: &'a [u8],
    start: usize,
    len: usize,
}

impl<'a> Table<'a> {
    /// The root table of a file with this identifier.
    pub(super) fn root(file: &'a [u8], identifier: &str) -> Result<Self, FormatError> {
        if file.get(4..8) != Some(identifier.as_bytes()) {
            return Err(damaged(format!("bytes 4 to 8 are not the identifier `{identifier}` of such files")));
        }
        Self::at(file, read_u32(file, 0)? as usize)
    }

    fn at(file: &'a [u8], start: usize) -> Result<Self, FormatError> {
        let back = i64::from(i32::from_le_bytes(array(file, start)?));
        let vtable = usize::try_from(start as i64 - back)
            .map_err(|_| damaged(format!("the table at byte {start} has its vtable before the file")))?;
        let size = usize::from(u16::from_le_bytes(array(file, vtable)?));
        if size < 4 {
            return Err(damaged(format!("the vtable at byte {vtable} has {size} bytes")));
        }
        Ok(Self { file, start, vtable: slice(file, vtable, size)? })
    }

    /// Where the value of `slot` lies; none when it has its default.
    fn position(&self, slot: usize) -> Option<usize> {
        let entry = self.vtable.get(4 + 2 * slot..6 + 2 * slot)?;
        match u16::from_le_bytes([entry[0], entry[1]]) {
            0 => None,
            offset => Some(self.start + usize::from(offset)),
        }
    }

    fn scalar<const N: usize>(&self, slot: usize) -> Result<Option<[u8; N]>, FormatError> {
        self.position(slot).map(|at| array(self.file, at)).transpose()
    }

    pub(super) fn i8(&self, slot: usize, default: i8) -> Result<i8, FormatError> {
        Ok(self.scalar(slot)?.map_or(default, i8::from_le_bytes))
    }

    pub(super) fn bool(&self, slot: usize, default: bool) -> Result<bool, FormatError> {
        Ok(self.scalar::<1>(slot)?.map_or(default, |[byte]| byte != 0))
    }

    pub(super) fn i32(&self, slot: usize, default: i32) -> Result<i32, FormatError> {
        Ok(self.scalar(slot)?.map_or(default, i32::from_le_bytes))
    }

    pub(super) fn u32(&self, slot: usize, default: u32) -> Result<u32, FormatError> {
        Ok(self.scalar(slot)?.map_or(default, u32::from_le_bytes))
    }

    pub(super) fn f32(&self, slot: usize, default: f32) -> Result<f32, FormatError> {
        Ok(self.scalar(slot)?.map_or(default, f32::from_le_bytes))
    }

    pub(super) fn u64(&self, slot: usize, default: u64) -> Result<u64, FormatError> {
        Ok(self.scalar(slot)?.map_or(default, u64::from_le_bytes))
    }

    /// The end of the forward distance kept in `slot`.
    fn target(&self, slot: usize) -> Result<Option<usize>, FormatError> {
        self.position(slot).map(|at| follow(self.file, at)).transpose()
    }

    pub(super) fn table(&self, slot: usize) -> Result<Option<Table<'a>>, FormatError> {
        self.target(slot)?.map(|at| Table::at(self.file, at)).transpose()
    }

    /// The vector in `slot`; an absent one has no elements.
    pub(super) fn vector(&self, slot: usize) -> Result<Vector<'a>, FormatError> {
        let Some(at) = self.target(slot)? else {
            return Ok(Vector { file: self.file, start: 0, len: 0 });
        };
        Ok(Vector { file: self.file, start: at + 4, len: read_u32(self.file, at)? as usize })
    }

    /// The string in `slot`; an absent one is empty.
    pub(super) fn string(&self, slot: usize) -> Result<&'a str, FormatError> {
        let bytes = self.vector(slot)?.bytes()?;
        std::str::from_utf8(bytes).map_err(|_| {
            damaged(format!("the name `{}` is not UTF-8", bytes[..bytes.len().min(40)].escape_ascii()))
        })
    }
}

impl<'a> Vector<'a> {
    pub(super) fn len(&self) -> usize {
        self.len
    }

    pub(super) fn bytes(&self) -> Result<&'a [u8], FormatError> {
        slice(self.file, self.start, self.len)
    }

    fn elements<const N: usize>(&self) -> Result<impl Iterator<Item = [u8; N]> + use<'a, N>, FormatError> {
        let size = self.len.checked_mul(N).ok_or_else(|| truncated(self.start, usize::MAX))?;
        let bytes = slice(self.file, self.start, size)?;
        Ok(bytes.as_chunks::<N>().0.iter().copied())
    }

    pub(super) fn i32s(&self) -> Result<Vec<i32>, FormatError> {
        Ok(self.elements()?.map(i32::from_le_bytes).collect())
    }

    pub(super) fn i64s(&self) -> Result<Vec<i64>, FormatError> {
        Ok(self.elements()?.map(i64::from_le_bytes).collect())
    }

    pub(super) fn f32s(&self) -> Result<Vec<f32>, FormatError> {
        Ok(self.elements()?.map(f32::from_le_bytes).collect())
    }

    pub(super) fn tables(&self) -> Result<Vec<Table<'a>>, FormatError> {
        let count = self.elements::<4>()?.count();
        (0..count).map(|i| Table::at(self.file, follow(self.file, self.start + 4 * i)?)).collect()
    }
}

fn follow(file: &[u8], at: usize) -> Result<usize, FormatError> {
    Ok(at.saturating_add(read_u32(file, at)? as usize))
}

fn read_u32(file: &[u8], at: usize) -> Result<u32, FormatError> {
    Ok(u32::from_le_bytes(array(file, at)?))
}

fn array<const N: usize>(file: &[u8], at: usize) -> Result<[u8; N], FormatError> {
    slice(file, at, N)?.try_into().map_err(|_| truncated(at, N))
}

fn slice(file: &[u8], at: usize, len: usize) -> Result<&[u8], FormatError> {
    at.checked_add(len).and_then(|end| file.get(at..end)).ok_or_else(|| truncated(at, len))
}

fn truncated(at: usize, len: usize) -> FormatError {
    damaged(format!("{len} bytes expected at byte {at}, beyond the end of the file"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A root table with one `i32` slot of value 7: distance to the root, identifier, vtable, table.
    fn one_slot() -> Vec<u8> {
        let mut file = Vec::new();
        file.extend(16u32.to_le_bytes());
        file.extend(b"TEST");
        file.extend([6u16, 8, 4, 0].map(u16::to_le_bytes).concat());
        file.extend(8i32.to_le_bytes());
        file.extend(7i32.to_le_bytes());
        file
    }

    #[test]
    fn a_slot_has_its_value_and_an_absent_one_its_default() {
        let file = one_slot();
        let root = Table::root(&file, "TEST").unwrap();
        assert_eq!(root.i32(0, 1).unwrap(), 7);
        assert_eq!(root.i32(1, 1).unwrap(), 1);
        assert_eq!(root.vector(1).unwrap().len(), 0);
    }

    #[test]
    fn another_identifier_or_a_missing_end_is_an_error() {
        let file = one_slot();
        assert!(Table::root(&file, "TFL3").is_err());
        let cut = &file[..file.len() - 1];
        assert!(Table::root(cut, "TEST").unwrap().i32(0, 1).is_err());
        assert!(Table::root(&file[..20], "TEST").unwrap().i32(0, 1).is_err());
        assert!(Table::root(&file[..7], "TEST").is_err());
    }
}
