//! A corrupt store is found, told, and repaired by making the result again.

use super::sandbox::{Sandbox, end};
use std::path::PathBuf;

/// The stored object of a file in a run folder.
fn object(sandbox: &Sandbox, run: &str, path: &str) -> PathBuf {
    let text = fs_err::read_to_string(sandbox.path("runs").join(run).join("run.json")).expect("a record");
    let record: pipeline::record::RunRecord = serde_json::from_str(&text).expect("a record");
    let mut files = record.stages.iter().flat_map(|stage| &stage.files);
    let digest = files.find(|file| file.path == path).expect("a file of the run").digest.to_string();
    sandbox.path("cache/objects").join(&digest[..2]).join(&digest[2..])
}

/// Turns a bit, as a bad disk would.
fn garble(object: &PathBuf) {
    let mut bytes = fs_err::read(object).expect("an object");
    bytes[3] ^= 1;
    // Objects are read only; a bad disk does not ask.
    fs_err::remove_file(object).expect("an object");
    fs_err::write(object, bytes).expect("an object");
}

#[test]
fn a_corrupt_object_is_told_and_made_again_when_its_stage_is_a_hit() {
    let sandbox = Sandbox::new();
    sandbox.must_run(&[]);
    garble(&object(&sandbox, "run", "quantized_models/line_int8.json"));
    let ended = sandbox.must_run(&[]);
    assert_eq!(sandbox.executed("run-2"), ["quantize"]);
    assert!(sandbox.warnings("run-2")[0].contains("corrupt"), "{:?}", sandbox.warnings("run-2"));
    assert_eq!(sandbox.warnings("run-2").len(), 1, "told once: {:?}", sandbox.warnings("run-2"));
    assert!(ended.stderr.contains("corrupt"), "{ended:?}");
    assert_eq!(sandbox.results("run"), sandbox.results("run-2"));
}

#[test]
fn a_corrupt_input_is_told_and_made_again_before_anything_reads_it() {
    let sandbox = Sandbox::new();
    sandbox.must_run(&["operation_mode=training"]);
    garble(&object(&sandbox, "run", "saved_models/line.json"));
    sandbox.must_run(&[]);
    assert_eq!(sandbox.executed("run-2"), ["train", "quantize", "evaluate"]);
    assert!(sandbox.warnings("run-2")[0].contains("corrupt"), "{:?}", sandbox.warnings("run-2"));
    let undisturbed = Sandbox::new();
    undisturbed.must_run(&[]);
    assert_eq!(sandbox.results("run-2"), undisturbed.results("run"));
}

#[test]
fn an_input_that_goes_bad_while_the_run_is_under_way_is_made_again_before_a_stage_works_on_it() {
    let sandbox = Sandbox::new().with("TINY_MEASURE_MS", "1000");
    sandbox.must_run(&["operation_mode=training"]);
    let model = object(&sandbox, "run", "saved_models/line.json");
    let engine = sandbox.start(&["run", "chain.yaml", "operation_mode=chain_teqe"]);
    sandbox.wait_for("evaluate-1 | has read its model");
    garble(&model);
    let ended = end(engine);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert_eq!(sandbox.executed("run-2"), ["evaluate-1", "train", "quantize", "evaluate-2"]);
    assert!(sandbox.warnings("run-2")[0].contains("corrupt"), "{:?}", sandbox.warnings("run-2"));
    let undisturbed = Sandbox::new();
    undisturbed.must_run(&["operation_mode=chain_teqe"]);
    assert_eq!(sandbox.results("run-2"), undisturbed.results("run"));
}

#[test]
fn a_missing_object_and_a_garbled_manifest_are_misses() {
    let sandbox = Sandbox::new();
    sandbox.must_run(&[]);
    fs_err::remove_file(object(&sandbox, "run", "evaluate/metrics.json")).expect("an object");
    sandbox.must_run(&[]);
    assert_eq!(sandbox.executed("run-2"), ["evaluate"]);
    assert_eq!(sandbox.warnings("run-2").len(), 1, "told once: {:?}", sandbox.warnings("run-2"));

    for entry in fs_err::read_dir(sandbox.path("cache/actions")).expect("the manifests") {
        let path = entry.expect("an entry").path();
        let text = fs_err::read_to_string(&path).expect("a manifest");
        fs_err::write(&path, &text[..text.len() / 2]).expect("a manifest");
    }
    let ended = sandbox.must_run(&[]);
    assert_eq!(sandbox.executed("run-3"), ["train", "quantize", "evaluate"]);
    assert!(ended.stderr.contains("cannot be used and will be made again"), "{ended:?}");
    assert_eq!(sandbox.results("run"), sandbox.results("run-3"));
}
