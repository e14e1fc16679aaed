//! Stages that take too long, and stages that are tried again.

use super::{
    programs::{RUN, failure, must_run, own, run, text},
    sandbox::{Sandbox, end, id, send},
};
use contract::EventKind;
use rustix::process::Signal;

/// The attempt of each start of a stage, in order.
fn attempts(sandbox: &Sandbox, run: &str) -> Vec<u32> {
    let started = |event: contract::Event| {
        matches!(event.kind, EventKind::StageStarted { .. }).then_some(event.attempt)
    };
    sandbox.events(run).into_iter().filter_map(started).collect()
}

#[test]
fn a_program_over_its_time_is_stopped_even_when_it_is_deaf() {
    for command in ["sleep 600; true", "trap '' TERM; sleep 600; true"] {
        let sandbox = own(&format!(
            "  a: {{command: \"{command}\", timeout: 1 s, environment: [PIPELINE_CACHE_DIR]}}\n"
        ));
        let ended = run(&sandbox, &[]);
        assert_eq!(ended.code, Some(12), "{ended:?}");
        let (code, message, help) = failure(&sandbox);
        assert_eq!(code, "stage::timeout");
        assert_eq!(message, "`a` took longer than the 1.0 s of its `timeout` and was stopped");
        assert!(help.contains("give it more time"), "{help}");
        sandbox.must_be_quiet();
    }
}

#[test]
fn a_stage_over_its_time_keeps_its_checkpoints() {
    let sandbox = Sandbox::new().with("TINY_EPOCH_MS", "700");
    let chain = fs_err::read_to_string(sandbox.path("chain.yaml")).expect("the configuration");
    let entries = "stages:\n  fit: {uses: train, timeout: 1 s}\n";
    sandbox.write("own.yaml", &(chain.replace("chain_tqe", "stages") + entries));
    assert_eq!(run(&sandbox, &[]).code, Some(12));
    assert_eq!(failure(&sandbox).0, "stage::timeout");
    let sandbox = sandbox.without("TINY_EPOCH_MS");
    must_run(&sandbox, &[]);
    assert!(sandbox.log("run-2").contains("goes on after epoch"), "{}", sandbox.log("run-2"));
}

/// Fails until it was tried three times; every try leaves a mark in its output, its checkpoints, and its events.
const THIRD_TIME: &str = "\
echo x >> tries
n=$(wc -l < tries)
echo \"{\\\"event\\\": \\\"metric\\\", \\\"name\\\": \\\"try\\\", \\\"value\\\": $n}\"
echo $n > $PIPELINE_OUT/junk$n
echo $n > $PIPELINE_PARTIAL/try$n
test $n -ge 3 || exit 4
ls $PIPELINE_PARTIAL | tr '\\n' ' ' > $PIPELINE_OUT/marks
";

#[test]
fn a_stage_that_fails_is_tried_again_with_its_checkpoints_and_without_its_other_traces() {
    let sandbox = own("  a: {command: sh a.sh, outputs: [marks], retries: 2}\n");
    sandbox.write("a.sh", THIRD_TIME);
    must_run(&sandbox, &[]);
    assert_eq!(attempts(&sandbox, "run"), [1, 2, 3]);
    let warnings = sandbox.warnings("run");
    assert_eq!(warnings.len(), 2, "{warnings:?}");
    assert!(warnings[0].starts_with("try 1 of 3 failed and it is tried again: `a` ended with exit code 4"));
    assert!(warnings[1].starts_with("try 2 of 3 failed"));
    assert_eq!(text(&sandbox, "run", "a/marks"), "try1 try2 try3 ");
    assert_eq!(sandbox.results("run").into_keys().collect::<Vec<_>>(), ["a/junk3", "a/marks"]);

    must_run(&sandbox, &[]);
    let metric = |event: contract::Event| match event.kind {
        EventKind::Metric { value, .. } => Some(value),
        _ => None,
    };
    let told: Vec<f64> = sandbox.events("run-2").into_iter().filter_map(metric).collect();
    assert_eq!(told, [3.0]);
    assert_eq!(sandbox.warnings("run-2"), Vec::<String>::new());
}

#[test]
fn a_stage_that_fails_each_time_fails_after_its_retries() {
    let sandbox = own("  a: {command: 'exit 4', retries: 1}\n");
    assert_eq!(run(&sandbox, &[]).code, Some(12));
    assert_eq!(attempts(&sandbox, "run"), [1, 2]);
    assert_eq!(failure(&sandbox).0, "command::failed");
}

#[test]
fn a_cancelled_stage_is_not_tried_again() {
    let sandbox = own("  a: {command: 'sleep 600; true', retries: 5, environment: [PIPELINE_CACHE_DIR]}\n");
    let engine = sandbox.start(&RUN);
    sandbox.process("sleep 600");
    send(id(&engine), Signal::INT);
    assert_eq!(end(engine).code, Some(13));
    assert_eq!(attempts(&sandbox, "run"), [1]);
}
