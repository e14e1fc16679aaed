//! Bad input is told before anything runs, with what, where and what to do.

use super::workspace::{Workspace, text};

/// A tiny set in VOC layout: `count` images of 32x32 with greyscale masks of class 0 and 1.
fn voc(workspace: &Workspace, count: usize) -> Vec<&'static str> {
    let mut ids = String::new();
    for index in 0..count {
        let id = format!("image_{index}");
        workspace
            .write(&format!("images/{id}.png"), png(32, 3, |x, y| ((x * 7 + y * 3 + index) % 256) as u8));
        workspace.write(&format!("masks/{id}.png"), png(32, 1, |x, _| u8::from(x < 16)));
        ids += &format!("{id}\n");
    }
    workspace.write("ids.txt", ids);
    vec![
        "dataset.name=mine",
        "dataset.class_names=[left, right]",
        "dataset.training_path=images",
        "dataset.training_masks_path=masks",
        "dataset.training_files_path=ids.txt",
        "dataset.quantization_split=0.5",
        "training.epochs=1",
        "training.batch_size=4",
    ]
}

fn png(side: u32, channels: usize, value: impl Fn(usize, usize) -> u8) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, side, side);
    encoder.set_color(if channels == 1 { png::ColorType::Grayscale } else { png::ColorType::Rgb });
    encoder.set_depth(png::BitDepth::Eight);
    let mut writer = encoder.write_header().expect("a header");
    let side = side as usize;
    let data: Vec<u8> = (0..side * side).flat_map(|i| vec![value(i % side, i / side); channels]).collect();
    writer.write_image_data(&data).expect("pixels");
    writer.finish().expect("an end");
    bytes
}

/// Runs with a damaged set: the exit code is 11, every expected word is said, and nothing was run.
fn refused(damage: impl Fn(&Workspace), expected: &[&str]) {
    let workspace = Workspace::new();
    let overrides = voc(&workspace, 10);
    damage(&workspace);
    let output = workspace.run("run", &overrides);
    let said = text(&output);
    assert_eq!(output.status.code(), Some(11), "{said}");
    for word in expected {
        assert!(said.contains(word), "`{word}` is not in\n{said}");
    }
    assert!(!workspace.path().join("run/saved_models").exists(), "something ran");
}

#[test]
fn a_sound_set_of_own_images_runs() {
    let workspace = Workspace::new();
    let overrides = voc(&workspace, 10);
    let run = workspace.done("run", &overrides);
    assert!(run.files().contains("quantized_models/quantized_model.tflite"));
}

#[test]
fn an_rgb_mask_is_refused_by_name() {
    refused(
        |w| drop(w.write("masks/image_3.png", png(32, 3, |x, y| (x * y % 251) as u8))),
        &["image_3.png", "RGB"],
    );
}

#[test]
fn a_mask_value_out_of_range_is_refused_with_file_value_and_count() {
    refused(
        |w| drop(w.write("masks/image_4.png", png(32, 1, |x, y| if x == 0 && y < 5 { 9 } else { 0 }))),
        &["image_4.png", "9", "5 pixels"],
    );
}

#[test]
fn an_unreadable_image_is_refused_by_name() {
    refused(|w| drop(w.write("images/image_5.png", b"not an image")), &["image_5.png"]);
}

#[test]
fn a_set_without_any_file_is_refused() {
    refused(
        |w| {
            fs_err::remove_dir_all(w.path().join("images"))
                .and_then(|()| fs_err::create_dir(w.path().join("images")))
                .expect("emptied")
        },
        &["empty"],
    );
}

#[test]
fn a_missing_id_file_is_an_error_at_its_key() {
    let workspace = Workspace::new();
    let mut overrides = voc(&workspace, 2);
    overrides.retain(|o| !o.contains("training_files_path"));
    overrides.push("dataset.training_files_path=nowhere.txt");
    let output = workspace.run("run", &overrides);
    let said = text(&output);
    assert_eq!(output.status.code(), Some(10), "{said}");
    assert!(said.contains("nowhere.txt") && said.contains("training_files_path"), "{said}");
}

#[test]
fn a_run_folder_that_cannot_be_made_is_told_before_anything_runs() {
    let workspace = Workspace::new();
    workspace.write("taken", "a file where a folder should be");
    let output = workspace.run("taken/run", &[]);
    let said = text(&output);
    assert_eq!(output.status.code(), Some(11), "{said}");
    assert!(said.contains("taken"), "{said}");
}
