//! Looking after the store: what it holds, whether it is sound, and clearing it while runs go on.

use super::sandbox::{Sandbox, end};
use serde_json::Value;

/// What a verb prints for programs.
fn json(sandbox: &Sandbox, arguments: &[&str], code: i32) -> Value {
    let ended = sandbox.pipeline(&[arguments, &["--format", "json"]].concat());
    assert_eq!(ended.code, Some(code), "{ended:?}");
    serde_json::from_str(&ended.stdout).expect("one object")
}

/// The only object with these bytes in it.
fn object_with(sandbox: &Sandbox, words: &str) -> std::path::PathBuf {
    let folders = fs_err::read_dir(sandbox.path("cache/objects")).expect("the objects");
    let objects =
        folders.flat_map(|folder| fs_err::read_dir(folder.expect("a folder").path()).expect("a folder"));
    let mut found = objects
        .map(|object| object.expect("an object").path())
        .filter(|path| String::from_utf8_lossy(&fs_err::read(path).expect("an object")).contains(words));
    let object = found.next().expect("such an object");
    assert_eq!(found.next(), None, "another such object");
    object
}

#[test]
fn what_is_stored_is_counted_checked_and_cleared_away() {
    let sandbox = Sandbox::new();
    sandbox.must_run(&[]);
    let stats = json(&sandbox, &["cache", "stats"], 0);
    assert_eq!(stats["parts"]["results"]["count"], 3);
    assert_eq!(stats["bound"], 20_000_000_000_u64);
    let table = sandbox.pipeline(&["cache", "stats"]).stdout;
    assert!(table.contains("kept below 20 GB") && table.contains("results "), "{table}");
    assert_eq!(json(&sandbox, &["cache", "verify"], 0)["results"], 3);

    let told = json(&sandbox, &["cache", "gc", "--keep-size", "0", "--dry-run"], 0);
    let stages = |value: &Value| {
        let results = value["results"].as_array().expect("results").iter();
        let mut stages: Vec<String> =
            results.map(|result| result["stage"].as_str().expect("a stage").to_owned()).collect();
        stages.sort_unstable();
        stages
    };
    assert_eq!(stages(&told), ["evaluate", "quantize", "train"]);
    assert_eq!(json(&sandbox, &["cache", "stats"], 0)["parts"]["results"]["count"], 3);
    let done = json(&sandbox, &["cache", "gc", "--keep-size", "0"], 0);
    assert_eq!(stages(&done), stages(&told));
    let stats = json(&sandbox, &["cache", "stats"], 0);
    assert_eq!(
        (&stats["parts"]["results"]["count"], &stats["parts"]["objects"]["count"]),
        (&0.into(), &0.into())
    );

    assert_eq!(sandbox.results("run").len(), 4, "files of a finished run stay");
    sandbox.must_run(&[]);
    assert_eq!(sandbox.executed("run-2"), ["train", "quantize", "evaluate"]);
    assert_eq!(sandbox.results("run"), sandbox.results("run-2"));
}

#[test]
fn counting_writes_nothing_and_calls_the_parts_the_same_for_people_and_programs() {
    let sandbox = Sandbox::new();
    let stats = json(&sandbox, &["cache", "stats"], 0);
    assert!(!sandbox.path("cache").exists());
    let table = sandbox.pipeline(&["cache", "stats"]).stdout;
    for part in stats["parts"].as_object().expect("parts").keys() {
        let row = format!("\n{} ", part.replace('_', " "));
        assert!(table.contains(&row), "{part}: {table}");
    }
}

#[test]
fn a_check_tells_which_result_was_corrupt_and_the_next_run_makes_it_again() {
    let sandbox = Sandbox::new();
    sandbox.must_run(&[]);
    let metrics = String::from_utf8(sandbox.results("run")["evaluate/metrics.json"].clone()).expect("text");
    let object = object_with(&sandbox, &metrics);
    fs_err::remove_file(&object).expect("an object");
    fs_err::write(&object, metrics.replace('0', "1")).expect("an object");
    let ended = sandbox.pipeline(&["cache", "verify"]);
    assert_eq!(ended.code, Some(14), "{ended:?}");
    assert!(ended.stdout.contains("  evaluate: _stage/metrics.json: its bytes"), "{ended:?}");
    assert_eq!(sandbox.pipeline(&["cache", "verify"]).code, Some(0));
    sandbox.must_run(&[]);
    assert_eq!(sandbox.executed("run-2"), ["evaluate"]);
    assert_eq!(sandbox.results("run"), sandbox.results("run-2"));
}

#[test]
fn clearing_everything_while_a_run_is_under_way_takes_nothing_from_it() {
    let sandbox = Sandbox::new().with("TINY_MEASURE_MS", "1000");
    sandbox.must_run(&["operation_mode=training"]);
    let engine = sandbox.start(&["run", "chain.yaml"]);
    sandbox.wait_for("evaluate | has read its model");
    let cleared = json(&sandbox, &["cache", "gc", "--keep-size", "0"], 0);
    assert_eq!(cleared["in_use"], 2, "{cleared}");
    let ended = end(engine);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert_eq!(sandbox.executed("run-2"), ["quantize", "evaluate"]);
    assert_eq!(sandbox.warnings("run-2"), Vec::<String>::new());
    assert_eq!(json(&sandbox, &["cache", "stats"], 0)["parts"]["results"]["count"], 3);
}

#[test]
fn a_store_beyond_its_bound_is_cleared_at_the_end_of_a_run_which_says_so() {
    let sandbox = Sandbox::new().with("PIPELINE_CACHE_SIZE", "100 B");
    sandbox.must_run(&["operation_mode=training"]);
    assert_eq!(
        json(&sandbox, &["cache", "stats"], 0)["parts"]["results"]["count"],
        1,
        "its own results stay"
    );
    sandbox.must_run(&["operation_mode=training", "training.epochs=3"]);
    assert_eq!(json(&sandbox, &["cache", "stats"], 0)["parts"]["results"]["count"], 1);
    assert!(
        sandbox.log("run-2").contains("the store grew beyond 100 B, so 1 result"),
        "{}",
        sandbox.log("run-2")
    );
    sandbox.must_run(&["operation_mode=training", "training.epochs=4"]);
    let stats = json(&sandbox, &["cache", "stats"], 0);
    assert_eq!(stats["parts"]["results"]["count"], 1, "however short ago it was cleared");

    let sandbox = sandbox.with("PIPELINE_CACHE_SIZE", "apples");
    let ended = sandbox.must_run(&["operation_mode=training", "training.epochs=2"]);
    assert!(ended.stderr.contains("PIPELINE_CACHE_SIZE is `apples`, which is no size"), "{ended:?}");
    let refused = sandbox.pipeline(&["cache", "gc"]);
    assert_eq!(refused.code, Some(11));
    assert!(refused.stderr.contains("write a size such as 20GB"), "{refused:?}");
    assert_eq!(sandbox.pipeline(&["cache", "gc", "--keep-size", "apples"]).code, Some(2));
}
