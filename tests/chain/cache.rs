//! What runs again and what does not.

use super::workspace::{Workspace, names, text};

#[test]
fn a_second_run_executes_nothing_and_has_the_same_files_and_figures() {
    let workspace = Workspace::new();
    let first = workspace.done("first", &[]);
    let second = workspace.done("second", &[]);

    assert_eq!(first.stages("stage_started"), names(&["train", "quantize", "evaluate"]));
    assert_eq!(second.stages("stage_started"), names(&[]));
    assert_eq!(second.stages("cache_hit"), names(&["train", "quantize", "evaluate"]));
    assert_eq!(first.files(), second.files());
    assert_eq!(first.artifacts(), second.artifacts());
    for metric in ["val_loss", "quantized_miou_validation_set", "float_miou_validation_set"] {
        assert_eq!(first.metric(metric).to_bits(), second.metric(metric).to_bits(), "{metric}");
    }
    for file in [
        "saved_models/best_model.h5",
        "quantized_models/quantized_model.tflite",
        "stm32ai_main.log",
        ".hydra/config.yaml",
        "run.json",
    ] {
        assert!(second.files().contains(file), "{file} is missing: {:?}", second.files());
    }
}

#[test]
fn a_changed_quantization_value_runs_quantize_and_evaluate_again_and_never_train() {
    let workspace = Workspace::new();
    workspace.done("first", &[]);
    let changed = workspace.done("second", &["quantization.quantization_input_type=int8"]);
    assert_eq!(changed.stages("stage_started"), names(&["quantize", "evaluate"]));
    assert_eq!(changed.stages("cache_hit"), names(&["train"]));
}

#[test]
fn names_of_folders_in_the_run_are_not_part_of_any_key() {
    let workspace = Workspace::new();
    workspace.done("first", &[]);
    let renamed =
        workspace.done("second", &["general.saved_models_dir=models", "quantization.export_dir=int8"]);
    assert_eq!(renamed.stages("stage_started"), names(&[]));
    assert!(renamed.files().contains("models/best_model.h5"), "{:?}", renamed.files());
    assert!(renamed.files().contains("int8/quantized_model.tflite"), "{:?}", renamed.files());
}

#[test]
fn a_corrupt_object_is_found_told_and_made_again() {
    let workspace = Workspace::new();
    let first = workspace.done("first", &[]);
    let model = first.bytes("quantized_models/quantized_model.tflite");
    let object = find_object(&workspace, &model);
    let mut bytes = model.clone();
    bytes[100] ^= 1;
    fs_err::remove_file(&object).expect("the object can be removed");
    fs_err::write(&object, bytes).expect("the object can be damaged");

    let output = workspace.run("second", &[]);
    assert!(output.status.success(), "{}", text(&output));
    let second = workspace.open("second");
    assert_eq!(second.bytes("quantized_models/quantized_model.tflite"), model);
    assert!(second.stages("stage_started").contains("quantize"));
    assert!(!second.stages("stage_started").contains("train"));
    assert!(text(&output).contains("corrupt"), "{}", text(&output));
}

fn find_object(workspace: &Workspace, content: &[u8]) -> std::path::PathBuf {
    let mut folders = vec![workspace.path().join("cache/objects")];
    while let Some(folder) = folders.pop() {
        for entry in fs_err::read_dir(folder).expect("a folder of objects") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if fs_err::read(&path).expect("an object") == content {
                return path;
            }
        }
    }
    panic!("the model is not in the store");
}
