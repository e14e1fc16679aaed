//! Killed at any moment: nothing is left alive, and the next run gives the bytes of an undisturbed one.

use super::sandbox::{Ended, Sandbox, end, id, send, wait_until};
use contract::Random;
use pipeline::store::failpoint::FAIL_POINTS;
use rustix::process::{Pid, Signal};
use std::{collections::BTreeMap, os::unix::process::ExitStatusExt, thread, time::Duration};

/// The files of a run that nobody disturbed.
fn undisturbed() -> BTreeMap<String, Vec<u8>> {
    let sandbox = Sandbox::new();
    sandbox.must_run(&[]);
    sandbox.results("run")
}

/// Runs the chain to its end in a sandbox where something happened before.
fn recover(sandbox: Sandbox) -> (Sandbox, String) {
    let sandbox = sandbox.without("PIPELINE_FAILPOINT").without("TINY_EPOCH_MS");
    sandbox.must_run(&[]);
    let run = sandbox.last_run();
    (sandbox, run)
}

#[test]
fn an_engine_that_dies_at_any_fail_point_leaves_nothing_alive_and_the_next_run_gives_the_same_bytes() {
    let expected = undisturbed();
    // A first run has nothing to remember of files that have just been written, and nothing to clear away; the store's own
    // tests visit those points.
    for point in FAIL_POINTS.iter().filter(|point| !point.starts_with("cache::")) {
        let sandbox = Sandbox::new();
        if point.starts_with("store::restore") {
            // Only a hit is copied out of the store.
            sandbox.must_run(&[]);
        }
        let sandbox = sandbox.with("PIPELINE_FAILPOINT", &format!("{point}:1"));
        let Ended { status, stderr, .. } = sandbox.run(&[]);
        assert_eq!(status.signal(), Some(6), "{point} was not reached: {stderr}");
        sandbox.must_be_quiet();
        let (sandbox, run) = recover(sandbox);
        assert_eq!(sandbox.results(&run), expected, "{point}");
        let checkpoints = fs_err::read_dir(sandbox.path("cache/partial")).expect("a folder").count();
        assert_eq!(checkpoints, 0, "{point} leaves the checkpoints of finished work behind");
    }
}

#[test]
fn finished_stages_of_a_killed_run_are_hits_and_training_goes_on_from_its_checkpoint() {
    let expected = undisturbed();
    let sandbox = Sandbox::new().with("TINY_EPOCH_MS", "300");
    let mut engine = sandbox.start(&["run", "chain.yaml"]);
    sandbox.wait_for("step 1");
    send(id(&engine), Signal::KILL);
    engine.wait().expect("a killed engine");
    sandbox.must_be_quiet();
    let (sandbox, run) = recover(sandbox);
    assert!(sandbox.log(&run).contains("goes on after epoch 2"), "{}", sandbox.log(&run));
    assert_eq!(sandbox.results(&run), expected);

    let sandbox = Sandbox::new().with("PIPELINE_FAILPOINT", "engine::after_spawn:2");
    sandbox.run(&[]);
    let (sandbox, run) = recover(sandbox);
    assert_eq!(sandbox.executed(&run), ["quantize", "evaluate"]);
    assert_eq!(sandbox.results(&run), expected);
}

#[test]
fn kills_at_random_moments_change_no_byte() {
    let expected = undisturbed();
    let mut random = Random::new(20_261_122, "kills", 0, 0);
    for _ in 0..6 {
        let sandbox = Sandbox::new().with("TINY_EPOCH_MS", "20");
        for _ in 0..2 {
            let mut engine = sandbox.start(&["run", "chain.yaml"]);
            thread::sleep(Duration::from_millis(u64::from(random.below(300))));
            engine.kill().expect("an engine to kill");
            engine.wait().expect("a killed engine");
            sandbox.must_be_quiet();
        }
        let (sandbox, run) = recover(sandbox);
        assert_eq!(sandbox.results(&run), expected);
    }
}

#[test]
fn what_a_stage_started_dies_with_the_engine_and_with_the_stage() {
    let sandbox = Sandbox::new().with("TINY_TROUBLE", "train:litter").with("TINY_EPOCH_MS", "60000");
    let mut engine = sandbox.start(&["run", "chain.yaml"]);
    sandbox.process("sleep 600");
    engine.kill().expect("an engine to kill");
    engine.wait().expect("a killed engine");
    sandbox.must_be_quiet();

    let sandbox = Sandbox::new().with("TINY_TROUBLE", "quantize:litter");
    sandbox.must_run(&[]);
    sandbox.must_be_quiet();
}

#[test]
fn a_deaf_stage_dies_with_its_engine_even_when_the_guard_was_killed_before() {
    let sandbox = Sandbox::new().with("TINY_TROUBLE", "quantize:deaf");
    let mut engine = sandbox.start(&["run", "chain.yaml"]);
    sandbox.wait_for("deaf");
    send(sandbox.process("__guard"), Signal::KILL);
    sandbox.wait_for("the guard process died; a new one is in its place");
    engine.kill().expect("an engine to kill");
    engine.wait().expect("a killed engine");
    sandbox.must_be_quiet();
}

#[test]
fn a_run_whose_guard_is_killed_goes_on_with_a_new_one() {
    let sandbox = Sandbox::new().with("TINY_EPOCH_MS", "300");
    let engine = sandbox.start(&["run", "chain.yaml"]);
    sandbox.wait_for("step 0");
    send(sandbox.process("__guard"), Signal::KILL);
    let ended = end(engine);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(ended.stderr.contains("the guard process died; a new one is in its place"), "{ended:?}");
    sandbox.must_be_quiet();
}

#[test]
fn the_guard_outlives_the_signals_of_a_terminal_and_not_its_engine() {
    let sandbox = Sandbox::new().with("TINY_EPOCH_MS", "60000");
    let mut engine = sandbox.start(&["run", "chain.yaml"]);
    let stage = sandbox.process("__stage");
    let guard = sandbox.process("__guard");
    wait_until("a guard that catches signals", || catches_signals(guard));
    for signal in [Signal::INT, Signal::TERM, Signal::HUP] {
        send(guard, signal);
    }
    thread::sleep(Duration::from_millis(300));
    let alive: Vec<_> = sandbox.processes().into_iter().map(|(process, _)| process).collect();
    assert!(alive.contains(&guard) && alive.contains(&stage));
    engine.kill().expect("an engine to kill");
    engine.wait().expect("a killed engine");
    wait_until("the end of guard and stage", || sandbox.processes().is_empty());
}

/// Whether a process has handlers for the signals of a terminal.
fn catches_signals(process: Pid) -> bool {
    let status =
        fs_err::read_to_string(format!("/proc/{}/status", process.as_raw_nonzero())).unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigCgt:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0);
    [Signal::INT, Signal::TERM, Signal::HUP]
        .into_iter()
        .all(|signal| mask & (1 << (signal.as_raw() - 1)) != 0)
}
