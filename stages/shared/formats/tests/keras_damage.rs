//! Damaged and odd `.keras` files: errors, never a panic.

use formats::{FormatError, keras::read_bytes};
use model::Graph;
use std::io::{Cursor, Read, Write};
use zip::{ZipArchive, ZipWriter, write::SimpleFileOptions};

fn golden(name: &str) -> Vec<u8> {
    let mut goldens = ZipArchive::new(Cursor::new(include_bytes!("golden/keras_layers.zip"))).expect("a zip");
    let mut bytes = Vec::new();
    goldens.by_name(name).expect("an entry").read_to_end(&mut bytes).expect("whole");
    bytes
}

fn entries(archive: &[u8]) -> Vec<(String, Vec<u8>)> {
    let mut zip = ZipArchive::new(Cursor::new(archive)).expect("a zip");
    (0..zip.len())
        .map(|index| {
            let mut entry = zip.by_index(index).expect("an entry");
            let mut bytes = Vec::new();
            entry.read_to_end(&mut bytes).expect("whole");
            (entry.name().to_owned(), bytes)
        })
        .collect()
}

fn archive(entries: &[(String, Vec<u8>)]) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in entries {
        zip.start_file(name.as_str(), SimpleFileOptions::default()).expect("a new entry");
        zip.write_all(bytes).expect("memory");
    }
    zip.finish().expect("memory").into_inner()
}

/// Numbers without order, the same in every run.
struct Draws(u64);

impl Draws {
    fn next(&mut self) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize
    }

    /// Changes a few bytes.
    fn damage(&mut self, bytes: &mut [u8]) {
        for _ in 0..1 + self.next() % 3 {
            let position = self.next() % bytes.len();
            bytes[position] ^= self.next() as u8 | 1;
        }
    }
}

/// What was read, after a check that it hangs together.
fn read(bytes: Vec<u8>) -> Result<Graph, FormatError> {
    let graph = read_bytes(bytes)?;
    assert_eq!(graph.check(), Ok(()));
    Ok(graph)
}

#[test]
fn flipped_bytes_of_the_archive_and_of_what_is_in_it_never_panic() {
    let mut draws = Draws(1);
    for name in ["keras3_chain.keras", "keras2_nested.keras", "keras3_nested.keras"] {
        let whole = golden(name);
        let mut errors = 0;
        for _ in 0..1000 {
            let mut bytes = whole.clone();
            draws.damage(&mut bytes);
            errors += usize::from(read(bytes).is_err());
        }
        assert!(errors > 100, "only {errors} of 1000 damaged files of {name} were noticed");
        // The checksums of the archive hide what lies behind them.
        let whole = entries(&whole);
        for _ in 0..1000 {
            let mut inside = whole.clone();
            let part = draws.next() % inside.len();
            draws.damage(&mut inside[part].1);
            errors += usize::from(read(archive(&inside)).is_err());
        }
        assert!(errors > 500, "only {errors} of 2000 damaged files of {name} were noticed");
    }
}

#[test]
fn flipped_bytes_of_legacy_files_never_panic() {
    let mut draws = Draws(2);
    for name in ["keras3_nested.h5", "keras2_chain.h5"] {
        let whole = golden(name);
        for _ in 0..1000 {
            let mut bytes = whole.clone();
            draws.damage(&mut bytes);
            let _ = read(bytes);
        }
    }
}

#[test]
fn a_part_of_an_archive_is_an_error() {
    let whole = golden("keras3_stacked.keras");
    for length in (0..whole.len()).step_by(41).chain([1, 2, 4, whole.len() - 1]) {
        let message = read(whole[..length].to_vec()).expect_err("a part of a file").to_string();
        assert!(message.contains("cut short"), "{length}: {message}");
    }
}

#[test]
fn archives_that_are_no_keras_models_say_what_is_missing() {
    let whole = entries(&golden("keras3_chain.keras"));
    let without = |name: &str| {
        let entries: Vec<_> = whole.iter().filter(|(entry, _)| entry != name).cloned().collect();
        archive(&entries)
    };
    let with = |name: &str, bytes: &[u8]| {
        let mut entries = whole.clone();
        entries.iter_mut().filter(|(entry, _)| entry == name).for_each(|(_, old)| *old = bytes.to_vec());
        archive(&entries)
    };
    assert!(read(without("metadata.json")).is_ok(), "the version is only needed for a few functions");
    let config = |from: &str, to: &str| {
        let (_, config) = whole.iter().find(|(name, _)| name == "config.json").expect("a configuration");
        let text = String::from_utf8(config.clone()).expect("text");
        assert!(text.contains(from), "{from} is in the configuration");
        with("config.json", text.replace(from, to).as_bytes())
    };
    let told: Vec<String> = [
        without("config.json"),
        without("model.weights.h5"),
        with("config.json", b"{"),
        with("config.json", b"[]"),
        with("model.weights.h5", b"no HDF5"),
        config("\"SeparableConv2D\"", "\"ConvLSTM2D\""),
        config("\"keras.layers\", \"class_name\": \"PReLU\"", "\"mine\", \"class_name\": \"PReLU\""),
        config(
            "\"keras.layers\", \"class_name\": \"Softmax\"",
            "\"keras.src.ops.nn\", \"class_name\": \"Softmax\"",
        ),
        config("\"filters\": 3", "\"filters\": 4"),
    ]
    .map(|bytes| read(bytes).expect_err("an odd file").to_string())
    .to_vec();
    insta::assert_snapshot!("odd_archives", told.join("\n"));
}

#[test]
fn an_entry_that_swells_is_not_unpacked() {
    let mut swollen = entries(&golden("keras3_chain.keras"));
    swollen[0].1 = vec![b' '; 80 << 20];
    let message = read(archive(&swollen)).expect_err("80 MiB of blanks").to_string();
    assert!(message.contains("is said to have 83886080 bytes"), "{message}");
}
