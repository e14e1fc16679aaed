//! Stages that fail, each in its own way, and what becomes of the others.

use super::sandbox::{Sandbox, end};
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
        assert!(help.is_some_and(|help| help.contains("run the same command again")));
        assert!(sandbox.log("run").contains(words));
        let sandbox = sandbox.without("TINY_TROUBLE");
        sandbox.must_run(&[]);
        assert_eq!(sandbox.executed("run-2"), ["quantize", "evaluate"], "{trouble}");
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
