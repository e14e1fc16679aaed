//! Files as users of the original services have them: what the plan says of each. What is not built yet is a line; files
//! that are not here are none, since they may be where the file is run.

use super::workspace::Workspace;
use serde_json::Value;
use std::{fmt::Write, path::Path, process::Command};

#[test]
fn each_file_plans_or_names_the_keys_that_keep_it_from_running() {
    let workspace = Workspace::new();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/user_yaml");
    let mut files: Vec<_> =
        fs_err::read_dir(folder).expect("the folder").map(|entry| entry.expect("a file").path()).collect();
    files.sort_unstable();
    let output = Command::new(env!("CARGO_BIN_EXE_pipeline"))
        .current_dir(workspace.path())
        .env("MODELS_DIR", "/srv/models")
        .env("DATASETS", "/srv/datasets")
        .args(["validate", "--format", "json"])
        .args(&files)
        .output()
        .expect("the program");
    let checked: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let mut told = String::new();
    for file in checked.as_array().expect("a list") {
        let name = Path::new(file["file"].as_str().unwrap_or_default()).file_name().unwrap_or_default();
        let mode = file["operation_mode"].as_str().unwrap_or("does not run");
        writeln!(told, "{}: {mode}", name.to_string_lossy()).expect("text");
        for error in file["errors"].as_array().into_iter().flatten() {
            let key = error["key"].as_str().unwrap_or("operation_mode");
            writeln!(told, "  {} {key}", error["code"].as_str().unwrap_or_default()).expect("text");
        }
    }
    insta::assert_snapshot!(told);
}

#[test]
fn the_examples_are_valid() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let pipeline = Path::new(env!("CARGO_BIN_EXE_pipeline"));
    let custom = pipeline.with_file_name("examples").join("custom_stage");
    let validate = |program: &Path, files: &[&str]| {
        let mut command = Command::new(program);
        let ended =
            command.arg("validate").args(files).env("CAMVID", "/srv/camvid").current_dir(root).output();
        let ended = ended.expect("a program that starts");
        let said = String::from_utf8_lossy(&ended.stderr);
        assert_eq!(ended.status.code(), Some(0), "{said}");
        String::from_utf8_lossy(&ended.stdout).into_owned()
    };
    let own = ["examples/command_stage/chain.yaml", "examples/command_stage/rates.yaml.j2"];
    let sweeps = ["examples/sweep/network.yaml", "examples/sweep/commands.yaml"];
    let tuning = ["first", "fine_tune", "steps"].map(|name| format!("examples/fine_tuning/{name}.yaml"));
    let tuning = tuning.each_ref().map(String::as_str);
    let networks =
        ["examples/quickstart/camvid.yaml", "examples/camvid/train.yaml", "examples/custom_model/train.yaml"];
    let said = validate(pipeline, &[&own[..], &sweeps, &tuning, &networks].concat());
    assert!(said.contains("stages: points -> line -> summary"), "{said}");
    assert!(said.contains("stages: first -> fine_tuned -> measured"), "{said}");
    assert!(said.contains("line_1 -> line_2 -> line_3 -> all"), "{said}");
    let said = validate(&custom, &["examples/custom_stage.yaml"]);
    assert!(said.contains("train -> quantize -> budget"), "{said}");
}
