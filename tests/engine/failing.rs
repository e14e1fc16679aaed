//! Stages that fail, each in its own way, and what becomes of the others.

use super::{
    programs::{own, run},
    sandbox::{Ended, Sandbox, end, shown},
};
use contract::EventKind;

/// The failure that a run tells of a stage.
fn failure(sandbox: &Sandbox, run: &str) -> (String, String, Option<String>) {
    let failed = sandbox.events(run).into_iter().find_map(|event| match event.kind {
        EventKind::StageFailed { code, message, help } => Some((code, message, help)),
        _ => None,
    });
    failed.expect("a failure")
}

#[test]
fn a_failing_stage_says_why_and_what_to_do() {
    let sandbox = Sandbox::new().with("TINY_TROUBLE", "quantize:fail");
    let ended = sandbox.run(&[]);
    assert_eq!(ended.code, Some(12));
    let expected =
        ("tiny::asked".to_owned(), "it was asked to fail".to_owned(), Some("do not ask".to_owned()));
    assert_eq!(failure(&sandbox, "run"), expected);
    for words in ["it was asked to fail", "do not ask", "not run: evaluate"] {
        assert!(ended.stderr.contains(words), "{words}: {ended:?}");
    }
    assert!(ended.stdout.starts_with("failed after"), "{ended:?}");
}

#[test]
fn a_stage_that_dies_takes_nothing_with_it_and_its_last_words_are_shown() {
    for (trouble, how, words) in [
        ("quantize:panic", "ended with exit code 101", "it was asked to panic"),
        ("quantize:abort", "was killed by signal 6 (SIGABRT)", ""),
        ("quantize:exit", "ended with exit code 7", ""),
    ] {
        let sandbox = Sandbox::new().with("TINY_TROUBLE", trouble);
        let ended = sandbox.run(&[]);
        assert_eq!(ended.code, Some(12), "{trouble}");
        let (code, message, help) = failure(&sandbox, "run");
        assert_eq!(code, "stage::died");
        assert!(message.contains(how) && message.contains(words), "{message}");
        assert!(help.is_some_and(|help| help.contains("`pipeline resume` tries it again")));
        assert!(sandbox.log("run").contains(words));
        let sandbox = sandbox.without("TINY_TROUBLE");
        sandbox.must_run(&[]);
        assert_eq!(sandbox.executed("run-2"), ["quantize", "evaluate"], "{trouble}");
    }
}

#[test]
fn a_stage_that_fails_leaves_a_folder_of_checkpoints_only_where_it_made_some() {
    for (command, left) in [("exit 3", 0), ("touch $PIPELINE_PARTIAL/half; exit 3", 1)] {
        let sandbox = own(&format!("  a: {{command: '{command}', retries: 1}}\n"));
        assert_eq!(run(&sandbox, &[]).code, Some(12));
        let folders = fs_err::read_dir(sandbox.path("cache/partial")).expect("a folder").count();
        assert_eq!(folders, left, "{command}");
    }
}

#[test]
fn branches_that_do_not_depend_on_the_failed_stage_finish() {
    let sandbox = Sandbox::new().with("TINY_TROUBLE", "quantize:fail");
    let ended = sandbox.run(&["operation_mode=chain_tqeqe"]);
    assert_eq!(ended.code, Some(12));
    let sandbox = Sandbox::new().with("TINY_TROUBLE", "quantize:fail");
    sandbox.run(&["operation_mode=chain_teqe"]);
    assert_eq!(sandbox.executed("run"), ["train", "evaluate-1", "quantize"]);
    let finished = |name: &str| {
        let mut events = sandbox.events("run").into_iter();
        events.any(|e| e.stage.as_deref() == Some(name) && matches!(e.kind, EventKind::StageFinished { .. }))
    };
    assert!(finished("evaluate-1") && !finished("evaluate-2"));
}

/// `bad` fails, `slow` does not depend on it, `last` needs both.
const DIAMOND: &str = "  \
  first: {command: 'echo 1 > {outputs.a}', outputs: [a]}
  bad: {command: 'while test ! -e \"$PIPELINE_CACHE_DIR/slow-runs\"; do sleep 0.02; done; exit 3', needs: [first], environment: [PIPELINE_CACHE_DIR]}
  slow: {command: 'touch \"$PIPELINE_CACHE_DIR/slow-runs\"; sleep $TINY_SLOW; echo 2 > {outputs.b}', outputs: [b], needs: [first], environment: [PIPELINE_CACHE_DIR, TINY_SLOW]}
  last: {command: 'true', needs: [bad, slow]}
";

fn diamond(slow: &str, options: &[&str]) -> (Sandbox, Ended) {
    let sandbox = own(DIAMOND).with("TINY_SLOW", slow);
    let ended = run(&sandbox, &[&["--jobs", "2"], options].concat());
    (sandbox, ended)
}

#[test]
fn in_a_diamond_the_branch_that_does_not_fail_finishes_and_what_needs_both_does_not_start() {
    let (sandbox, ended) = diamond("1", &[]);
    assert_eq!(ended.code, Some(12), "{ended:?}");
    let log = sandbox.log("run");
    assert!(log.contains("bad: failed") && log.contains("slow: done in"), "{log}");
    assert!(!log.contains("last: starts") && !log.contains("stopping"), "{log}");
    assert!(
        ended.stdout.ends_with("\nto go on: pipeline resume runs/run (or the same command again)\n"),
        "{ended:?}"
    );
}

#[test]
fn with_fail_fast_a_failure_stops_the_others_and_says_so() {
    let (sandbox, ended) = diamond("600", &["--fail-fast"]);
    assert_eq!(ended.code, Some(12), "{ended:?}");
    let mut lines: Vec<String> = shown(&sandbox, &ended.stderr).lines().map(str::to_owned).collect();
    // Which of the two starts first is not said.
    lines.retain(|line| !line.contains("starts"));
    insta::assert_snapshot!("fail_fast", lines.join("\n"));
    sandbox.must_be_quiet();

    // Resumed, it is as it was asked for then.
    let sandbox = sandbox.with("TINY_SLOW", "1");
    let ended = end(sandbox.start(&["resume", "runs/run", "--jobs", "2"]));
    assert_eq!(ended.code, Some(12), "{ended:?}");
    assert!(sandbox.log("run").contains("slow: done in"), "{}", sandbox.log("run"));
}

#[test]
fn a_result_made_while_its_input_changed_is_thrown_away() {
    let sandbox = Sandbox::new().with("TINY_EPOCH_MS", "200");
    let engine = sandbox.start(&["run", "chain.yaml"]);
    sandbox.wait_for("step 0");
    sandbox.write("points.txt", "0 0\n1 1\n2 2\n");
    let ended = end(engine);
    assert_eq!(ended.code, Some(12), "{ended:?}");
    let (code, message, _) = failure(&sandbox, "run");
    assert_eq!(code, "stage::input_changed");
    assert!(message.contains("points.txt"), "{message}");
    assert_eq!(fs_err::read_dir(sandbox.path("cache/actions")).expect("the manifests").count(), 0);
}

#[test]
fn a_stage_that_is_not_in_the_registry_of_its_process_says_so() {
    let sandbox = Sandbox::new();
    let request = r#"{"protocol":1,"stage":"paint","settings":null,"inputs":{},"out":"o","partial":"p","live":null,"runtime":{"threads":1,"attempt":1}}"#;
    let mut command = assert_cmd::Command::from_std(sandbox.command(&["__stage"]));
    let output = command.write_stdin(format!("{request}\n")).output().expect("an answer");
    let answer = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(answer.contains("this program has no stage `paint`"), "{answer}");
    assert_eq!(output.status.code(), Some(1));
}
