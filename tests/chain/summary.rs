//! `pipeline summary`, a tool, on the models of a chain.

use super::workspace::{Workspace, text};
use std::process::{Command, Output};

fn pipeline(workspace: &Workspace, words: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pipeline"));
    command.args(words).current_dir(workspace.path()).env("NO_COLOR", "1");
    command.output().expect("the program starts")
}

fn printed(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Sizes of files hang on numbers that training makes.
fn without_file_sizes(text: &str) -> String {
    let line =
        |line: &str| line.split("; the file has").next().unwrap_or_default().trim_end().to_owned() + "\n";
    text.lines().map(line).collect()
}

#[test]
fn the_models_of_a_chain_are_summed_up() {
    let workspace = Workspace::new();
    let ran = workspace.run("run", &["training.epochs=1", "training.batch_size=100"]);
    assert_eq!(ran.status.code(), Some(0), "{}", text(&ran));
    let float = pipeline(&workspace, &["summary", "run/saved_models/best_model.h5"]);
    assert_eq!(float.status.code(), Some(0), "{}", text(&float));
    insta::assert_snapshot!("summary_float", without_file_sizes(&printed(&float)));
    let int8 =
        pipeline(&workspace, &["summary", "run/quantized_models/quantized_model.tflite", "--format", "json"]);
    let json: serde_json::Value = serde_json::from_slice(&int8.stdout).expect("JSON");
    assert_eq!((json["format"].as_u64(), json["quantized"].as_bool()), (Some(1), Some(true)));
    assert_eq!(json["input"]["tensor"]["element"], "uint8");
}

#[test]
fn a_file_that_is_no_model_is_refused_and_so_is_a_line_without_one() {
    let workspace = Workspace::new();
    let output = pipeline(&workspace, &["summary", "chain.yaml"]);
    assert_eq!(output.status.code(), Some(12));
    insta::assert_snapshot!("summary_of_no_model", String::from_utf8_lossy(&output.stderr));
    assert_eq!(pipeline(&workspace, &["summary"]).status.code(), Some(2));
    let help = printed(&pipeline(&workspace, &["--help"]));
    assert!(help.contains("  summary      Show what a model file holds"), "{help}");
    insta::assert_snapshot!("summary_help", printed(&pipeline(&workspace, &["summary", "--help"])));
}
