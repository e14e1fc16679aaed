//! TensorBoard event files: scalars over steps.
//!
//! A file is a sequence of TFRecords (`tensorflow/core/lib/io/record_writer.h`), each holding a protocol buffer `Event`
//! (`tensorboard/compat/proto/event.proto`). Scalars are written as `tf.summary.scalar` of TensorFlow 2 writes them. A file
//! says nothing of time or machine: the wall time of an event is its step in seconds after 1970, so that TensorBoard's
//! relative axis shows steps too.

/// A number of a series.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Scalar<'a> {
    /// The series: `epoch_loss`.
    pub tag: &'a str,
    /// Position in the series.
    pub step: u64,
    /// The number.
    pub value: f32,
}

/// The version of the format, in the first record of every file.
const FILE_VERSION: &str = "brain.Event:2";
/// Who draws such values.
const PLUGIN: &str = "scalars";
/// `DT_FLOAT` of `tensorflow/core/framework/types.proto`.
const FLOAT: u64 = 1;

/// An event file of scalars, which of one series come in the order of their steps. The file of more of them begins with
/// the bytes of that of fewer.
#[must_use]
pub fn event_file(scalars: &[Scalar<'_>]) -> Vec<u8> {
    let mut version = Message::default();
    version.bytes(3, FILE_VERSION.as_bytes());
    let mut file = record(&version.0);
    for scalar in scalars {
        file.extend(record(&event(scalar).0));
    }
    file
}

fn event(scalar: &Scalar<'_>) -> Message {
    let mut tensor = Message::default();
    tensor.number(1, FLOAT);
    // Its shape: no dimensions.
    tensor.bytes(2, &[]);
    tensor.bytes(4, &scalar.value.to_le_bytes());
    let mut plugin = Message::default();
    plugin.bytes(1, PLUGIN.as_bytes());
    let mut metadata = Message::default();
    metadata.bytes(1, &plugin.0);
    let mut value = Message::default();
    value.bytes(1, scalar.tag.as_bytes());
    value.bytes(8, &tensor.0);
    value.bytes(9, &metadata.0);
    let mut summary = Message::default();
    summary.bytes(1, &value.0);
    let mut event = Message::default();
    event.double(1, scalar.step as f64);
    event.number(2, scalar.step);
    event.bytes(5, &summary.0);
    event
}

/// A protocol buffer message in the making. As in proto3, fields that are 0 are left out.
#[derive(Default)]
struct Message(Vec<u8>);

impl Message {
    fn number(&mut self, field: u64, value: u64) {
        if value != 0 {
            self.varint(field << 3);
            self.varint(value);
        }
    }

    fn double(&mut self, field: u64, value: f64) {
        if value != 0.0 {
            self.varint(field << 3 | 1);
            self.0.extend(value.to_le_bytes());
        }
    }

    /// A text, a message or bytes, which may be empty.
    fn bytes(&mut self, field: u64, bytes: &[u8]) {
        self.varint(field << 3 | 2);
        self.varint(bytes.len() as u64);
        self.0.extend(bytes);
    }

    fn varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.0.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.0.push(value as u8);
    }
}

/// Length, its checksum, data, its checksum.
fn record(data: &[u8]) -> Vec<u8> {
    let length = (data.len() as u64).to_le_bytes();
    let mut record = length.to_vec();
    record.extend(masked_crc(&length).to_le_bytes());
    record.extend(data);
    record.extend(masked_crc(data).to_le_bytes());
    record
}

/// CRC-32C, turned and shifted, so that the checksum of data with checksums inside is none of these
/// (`tensorflow/core/lib/hash/crc32c.h`).
fn masked_crc(data: &[u8]) -> u32 {
    crc32c(data).rotate_right(15).wrapping_add(0xA282_EAD8)
}

/// CRC-32C (Castagnoli; RFC 3720, appendix B.4), bit by bit: event files are small.
fn crc32c(data: &[u8]) -> u32 {
    const POLYNOMIAL: u32 = 0x82F6_3B78;
    !data.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(
            crc ^ u32::from(*byte),
            |crc, _| if crc & 1 == 1 { crc >> 1 ^ POLYNOMIAL } else { crc >> 1 },
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checksums_are_those_of_rfc_3720() {
        let ascending: Vec<u8> = (0..32).collect();
        let cases: [(&[u8], u32); 4] = [
            (&[0; 32], 0x8A91_36AA),
            (&[0xFF; 32], 0x62A8_AB43),
            (&ascending, 0x46DD_794E),
            (b"123456789", 0xE306_9283),
        ];
        for (data, wanted) in cases {
            assert_eq!(crc32c(data), wanted);
        }
    }

    /// The bytes that TensorFlow and its protocol buffers make of the same numbers (`tests/golden/event_files.py`).
    #[test]
    fn the_file_is_that_of_tensorflow() {
        let scalars = [
            Scalar { tag: "epoch_loss", step: 0, value: 1.25 },
            Scalar { tag: "epoch_accuracy", step: 0, value: 0.1 },
            Scalar { tag: "epoch_loss", step: 1, value: f32::NAN },
            Scalar { tag: "epoch_loss", step: 300, value: -3.5e-7 },
        ];
        let wanted = include_bytes!("../tests/golden/events.out.tfevents.golden");
        assert_eq!(event_file(&scalars), wanted);
        assert!(wanted.starts_with(&event_file(&scalars[..2])));
    }
}
