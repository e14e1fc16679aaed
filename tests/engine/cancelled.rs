//! Ctrl-C, SIGTERM, and the terminal that closes.

use super::{
    programs::{RUN, own},
    sandbox::{Ended, Sandbox, end, id, send, shown},
};
use rustix::process::Signal;
use std::{
    thread,
    time::{Duration, Instant},
};

/// What `runs` says of the only run.
fn outcome(sandbox: &Sandbox) -> String {
    let text = fs_err::read_to_string(sandbox.path("runs/run/run.json")).expect("a record");
    let record: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    record["outcome"].as_str().unwrap_or_default().to_owned()
}

/// What a run tells of its end: the last lines of standard error from the one that says that it stops on, and those of
/// standard output.
fn told(sandbox: &Sandbox, ended: &Ended) -> String {
    let (_, stopping) = ended.stderr.split_once("stopping").expect("a line that says so");
    shown(sandbox, &format!("stopping{stopping}---\n{}", ended.stdout))
}

#[test]
fn a_cancelled_run_says_what_it_waits_for_and_goes_on_when_it_is_run_again_or_resumed() {
    let undisturbed = Sandbox::new();
    undisturbed.must_run(&[]);
    for signal in [Signal::INT, Signal::TERM, Signal::HUP] {
        let sandbox = Sandbox::new().with("TINY_EPOCH_MS", "400");
        let engine = sandbox.start(&["run", "chain.yaml"]);
        sandbox.wait_for("step 1");
        send(id(&engine), signal);
        let ended = end(engine);
        assert_eq!((ended.code, outcome(&sandbox).as_str()), (Some(13), "cancelled"), "{ended:?}");
        insta::assert_snapshot!("cancelled", told(&sandbox, &ended));
        sandbox.must_be_quiet();

        let sandbox = sandbox.without("TINY_EPOCH_MS");
        let resumed = end(sandbox.start(&["resume", "runs/run"]));
        assert_eq!(resumed.code, Some(0), "{resumed:?}");
        assert!(sandbox.log("run").contains("goes on after epoch"), "{}", sandbox.log("run"));
        assert_eq!(sandbox.results("run"), undisturbed.results("run"));
        sandbox.must_run(&[]);
        assert_eq!(sandbox.executed("run-2"), Vec::<String>::new());
        assert_eq!(sandbox.results("run-2"), undisturbed.results("run"));
    }
}

#[test]
fn a_second_ctrl_c_kills_a_stage_that_does_not_listen_at_once() {
    let sandbox = Sandbox::new().with("TINY_TROUBLE", "quantize:deaf");
    let engine = sandbox.start(&["run", "chain.yaml"]);
    sandbox.wait_for("deaf");
    send(id(&engine), Signal::TERM);
    sandbox.wait_for("stopping: waiting for quantize");
    thread::sleep(Duration::from_millis(200));
    let insisted = Instant::now();
    send(id(&engine), Signal::INT);
    let ended = end(engine);
    assert_eq!((ended.code, outcome(&sandbox).as_str()), (Some(13), "cancelled"), "{ended:?}");
    assert!(insisted.elapsed() < Duration::from_secs(6), "it would have had ten: {:?}", insisted.elapsed());
    insta::assert_snapshot!("cancelled_twice", told(&sandbox, &ended));
    sandbox.must_be_quiet();
}

#[test]
fn programs_are_killed_by_the_second_ctrl_c_with_all_that_they_started() {
    let sandbox = own("  \
  a: {command: \"trap '' TERM; sleep 601 & sleep 602; sleep 603; true\", environment: [PIPELINE_CACHE_DIR]}
  b: {command: \"trap '' TERM; sleep 604; sleep 605; true\", environment: [PIPELINE_CACHE_DIR]}
");
    let engine = sandbox.start(&[&RUN[..], &["--jobs", "2"]].concat());
    sandbox.process("sleep 602");
    sandbox.process("sleep 604");
    send(id(&engine), Signal::INT);
    sandbox.wait_for("stopping: waiting for a and b; Ctrl-C again ends them now");
    thread::sleep(Duration::from_millis(200));
    send(id(&engine), Signal::INT);
    let ended = end(engine);
    assert_eq!((ended.code, outcome(&sandbox).as_str()), (Some(13), "cancelled"), "{ended:?}");
    sandbox.must_be_quiet();
}

#[test]
fn signals_that_a_closing_terminal_or_a_wrapper_doubles_ask_once() {
    for signals in [[Signal::HUP, Signal::HUP], [Signal::TERM, Signal::TERM], [Signal::HUP, Signal::TERM]] {
        let sandbox = Sandbox::new().with("TINY_TROUBLE", "quantize:deaf");
        let engine = sandbox.start(&["run", "chain.yaml"]);
        sandbox.wait_for("deaf");
        signals.into_iter().for_each(|signal| send(id(&engine), signal));
        sandbox.wait_for("stopping: waiting for quantize");
        thread::sleep(Duration::from_millis(500));
        assert!(!sandbox.log("run").contains("cancelled"), "{signals:?}: {}", sandbox.log("run"));
        send(id(&engine), Signal::INT);
        let ended = end(engine);
        assert_eq!(ended.code, Some(13), "{ended:?}");
    }
}

#[test]
fn a_run_under_nohup_outlives_its_terminal() {
    let sandbox = Sandbox::new().with("TINY_EPOCH_MS", "100");
    let inner = sandbox.command(&[]);
    let line = "trap '' HUP; exec \"$0\" run chain.yaml";
    let mut command = std::process::Command::new("sh");
    command.args(["-c", line]).arg(inner.get_program()).current_dir(sandbox.path(""));
    command.envs(inner.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let engine = command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped()).spawn();
    let engine = engine.expect("a shell");
    sandbox.wait_for("step 0");
    send(id(&engine), Signal::HUP);
    let ended = end(engine);
    assert_eq!(ended.code, Some(0), "{ended:?}");
}

#[test]
fn a_run_that_waits_for_another_one_can_be_cancelled() {
    let sandbox = Sandbox::new().with("TINY_EPOCH_MS", "60000");
    let first = sandbox.start(&["run", "chain.yaml"]);
    sandbox.process("__stage");
    let second = sandbox.start(&["run", "chain.yaml"]);
    sandbox.wait_for("this very result is being made");
    send(id(&second), Signal::INT);
    assert_eq!(end(second).code, Some(13));
    send(id(&first), Signal::INT);
    assert_eq!(end(first).code, Some(13));
    sandbox.must_be_quiet();
}
