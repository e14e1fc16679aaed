//! Arrays of bytes in numpy's `.npz` files: zip archives of `.npy` files (zip APPNOTE 4.3, numpy format 1.0).

use std::{collections::BTreeMap, io::Read, path::Path};

/// The arrays of a file by name, each with its shape's first axis cut: one vector an item.
pub(crate) fn read(path: &Path) -> BTreeMap<String, Vec<Vec<u8>>> {
    let bytes = fs_err::read(path).expect("an npz file");
    let end = bytes.windows(4).rposition(|four| four == b"PK\x05\x06").expect("an end of the directory");
    let (count, mut at) = (u16_at(&bytes, end + 10), u32_at(&bytes, end + 16));
    let mut arrays = BTreeMap::new();
    for _ in 0..count {
        let (packed, name, extra, comment) = (
            u32_at(&bytes, at + 20),
            u16_at(&bytes, at + 28),
            u16_at(&bytes, at + 30),
            u16_at(&bytes, at + 32),
        );
        let header = u32_at(&bytes, at + 42);
        let start = header + 30 + u16_at(&bytes, header + 26) + u16_at(&bytes, header + 28);
        let mut array = Vec::new();
        flate2::read::DeflateDecoder::new(&bytes[start..start + packed])
            .read_to_end(&mut array)
            .expect("deflated data");
        let file = String::from_utf8_lossy(&bytes[at + 46..at + 46 + name]).into_owned();
        arrays.insert(file.trim_end_matches(".npy").to_owned(), items(&array));
        at += 46 + name + extra + comment;
    }
    arrays
}

fn items(array: &[u8]) -> Vec<Vec<u8>> {
    let data = 10 + u16_at(array, 8);
    let header = String::from_utf8_lossy(&array[10..data]);
    assert!(
        header.contains("'|u1'") && header.contains("'fortran_order': False"),
        "bytes in C order: {header}"
    );
    let first = header.split("'shape': (").nth(1).and_then(|rest| rest.split(',').next()).expect("a shape");
    let first: usize = first.parse().expect("a number");
    array[data..].chunks_exact((array.len() - data) / first).map(<[u8]>::to_vec).collect()
}

fn u16_at(bytes: &[u8], at: usize) -> usize {
    usize::from(u16::from_le_bytes([bytes[at], bytes[at + 1]]))
}

fn u32_at(bytes: &[u8], at: usize) -> usize {
    u16_at(bytes, at) | u16_at(bytes, at + 2) << 16
}
