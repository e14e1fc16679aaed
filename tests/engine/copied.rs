//! Outputs that users want elsewhere too, and inputs that are bound only where they are named.

use super::{
    sandbox::{Sandbox, end, shown},
    stages,
};
use contract::{Config, config::Stages};
use pipeline::plan::compile_stages;

const COPY: &str = "+training.trained_model_path=models/step_1.h5";

fn copy_of(sandbox: &Sandbox) -> Vec<u8> {
    fs_err::read(sandbox.path("models/step_1.h5")).expect("the copy")
}

fn model(sandbox: &Sandbox, run: &str) -> Vec<u8> {
    fs_err::read(sandbox.path("runs").join(run).join("saved_models/line.json")).expect("a model")
}

#[test]
fn the_model_lies_where_the_file_wants_it_too_also_when_it_was_stored() {
    let sandbox = Sandbox::new();
    // The key is of no consequence to what is made.
    sandbox.must_run(&[]);
    sandbox.must_run(&[COPY]);
    assert_eq!(sandbox.executed("run-2"), Vec::<String>::new());
    assert_eq!(copy_of(&sandbox), model(&sandbox, "run"));
    assert!(sandbox.log("run-2").contains("wrote "), "{}", sandbox.log("run-2"));
    // Another model takes its place.
    sandbox.must_run(&[COPY, "training.epochs=5"]);
    assert_eq!(copy_of(&sandbox), model(&sandbox, "run-3"));
    assert_ne!(copy_of(&sandbox), model(&sandbox, "run"));
}

#[test]
fn a_copy_that_is_lost_or_edited_is_made_again_and_one_that_is_there_is_left_alone() {
    let sandbox = Sandbox::new();
    let changes = &[COPY][..];
    sandbox.must_run(changes);
    assert!(sandbox.run_again(changes).stdout.contains("nothing to do"));
    for harm in [
        |sandbox: &Sandbox| fs_err::remove_file(sandbox.path("models/step_1.h5")).expect("a file"),
        |sandbox: &Sandbox| sandbox.write("models/step_1.h5", "edited"),
    ] {
        harm(&sandbox);
        assert_eq!(sandbox.run_again(changes).code, Some(0));
        assert!(sandbox.executed(&sandbox.last_run()).is_empty());
        assert_eq!(copy_of(&sandbox), model(&sandbox, "run"));
    }
}

#[test]
fn a_place_that_cannot_be_or_is_read_is_refused_before_anything_runs() {
    for (name, place) in [
        ("copy_in_a_file", "points.txt/step_1.h5"),
        ("copy_is_a_folder", "folder"),
        ("copy_of_an_input", "./folder/../points.txt"),
    ] {
        let sandbox = Sandbox::new();
        fs_err::create_dir(sandbox.path("folder")).expect("a folder");
        let ended = sandbox.run(&[&format!("+training.trained_model_path={place}")]);
        assert_ne!(ended.code, Some(0), "{place}");
        assert_eq!(sandbox.runs(), Vec::<String>::new());
        insta::assert_snapshot!(name, shown(&sandbox, &ended.stderr));
    }
}

#[test]
fn variants_share_a_copy_of_what_they_share_and_may_not_overwrite_each_other() {
    let sandbox = Sandbox::new();
    let sweep = |change: &str| end(sandbox.start(&["sweep", "chain.yaml", COPY, change]));
    let clash = sweep("training.epochs=4,5");
    assert_ne!(clash.code, Some(0));
    insta::assert_snapshot!("copies_of_variants", shown(&sandbox, &clash.stderr));
    let shared = sweep("quantization.granularity=per_tensor,per_channel");
    assert_eq!(shared.code, Some(0), "{shared:?}");
    assert!(!copy_of(&sandbox).is_empty());
}

#[test]
fn a_named_input_is_bound_by_its_name_alone() {
    let bindings = |entry: serde_json::Value| {
        let first = serde_json::json!({"uses": "train"});
        let stages: Stages =
            serde_json::from_value(serde_json::json!({"first": first, "second": entry})).expect("entries");
        let config: Config = serde_json::from_value(serde_json::json!({
            "dataset": {"name": "points", "training_files_path": file!()},
            "training": {"epochs": 1, "batch_size": 1, "optimizer": {"Adam": {}}},
        }))
        .expect("a configuration");
        let plan = compile_stages(&stages, &stages::registry(), &|_| &config).expect("a plan");
        let (second, _) = plan.stages().last().expect("a stage");
        let bound = plan.bindings(second).into_iter();
        bound.map(|binding| binding.edge.port).collect::<Vec<String>>()
    };
    assert_eq!(bindings(serde_json::json!({"uses": "train", "needs": ["first"]})), ["points"]);
    let named = serde_json::json!({"uses": "train", "inputs": {"beginning": "first/model"}});
    assert_eq!(bindings(named), ["points", "beginning"]);
}

#[test]
fn a_training_in_two_steps_begins_where_the_first_ended() {
    let sandbox = Sandbox::new();
    let text = fs_err::read_to_string(sandbox.path("chain.yaml")).expect("the configuration");
    let stages = "
stages:
  first: {uses: train}
  second: {uses: train, inputs: {beginning: first/model}, params: {training.epochs: 2}}
  once: {uses: train, params: {training.epochs: 6}}
";
    sandbox.write("chain.yaml", &format!("{}{stages}", text.replace("chain_tqe", "stages")));
    sandbox.must_run(&[]);
    let results = sandbox.results("run");
    assert_eq!(results["second/saved_models/line.json"], results["once/saved_models/line.json"]);
    assert_ne!(results["first/saved_models/line.json"], results["once/saved_models/line.json"]);
}
