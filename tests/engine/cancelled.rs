//! Ctrl-C.

use super::sandbox::{Sandbox, end, id, send};
use rustix::process::Signal;
use std::time::{Duration, Instant};

#[test]
fn a_cancelled_run_ends_with_its_own_code_and_goes_on_when_it_is_run_again() {
    let sandbox = Sandbox::new().with("TINY_EPOCH_MS", "400");
    let engine = sandbox.start(&["run", "chain.yaml"]);
    sandbox.wait_for("step 1");
    send(id(&engine), Signal::INT);
    let ended = end(engine);
    assert_eq!(ended.code, Some(13), "{ended:?}");
    assert!(ended.stderr.contains("the same command again goes on from here"), "{ended:?}");
    assert!(ended.stdout.starts_with("cancelled after"), "{ended:?}");
    sandbox.must_be_quiet();

    let sandbox = sandbox.without("TINY_EPOCH_MS");
    sandbox.must_run(&[]);
    assert!(sandbox.log("run-2").contains("goes on after epoch"), "{}", sandbox.log("run-2"));
    let undisturbed = Sandbox::new();
    undisturbed.must_run(&[]);
    assert_eq!(sandbox.results("run-2"), undisturbed.results("run"));
}

#[test]
fn a_second_ctrl_c_ends_a_stage_that_does_not_listen() {
    let sandbox = Sandbox::new().with("TINY_TROUBLE", "quantize:deaf");
    let engine = sandbox.start(&["run", "chain.yaml"]);
    sandbox.wait_for("deaf");
    send(id(&engine), Signal::TERM);
    std::thread::sleep(Duration::from_millis(200));
    let insisted = Instant::now();
    send(id(&engine), Signal::INT);
    let ended = end(engine);
    assert_eq!(ended.code, Some(13), "{ended:?}");
    assert!(insisted.elapsed() < Duration::from_secs(8), "{:?}", insisted.elapsed());
    sandbox.must_be_quiet();
}

#[test]
fn a_run_that_waits_for_another_one_can_be_cancelled() {
    let sandbox = Sandbox::new().with("TINY_EPOCH_MS", "60000");
    let first = sandbox.start(&["run", "chain.yaml"]);
    sandbox.process("__stage");
    let second = sandbox.start(&["run", "chain.yaml"]);
    sandbox.wait_for("this very result is being made elsewhere");
    send(id(&second), Signal::INT);
    assert_eq!(end(second).code, Some(13));
    send(id(&first), Signal::INT);
    assert_eq!(end(first).code, Some(13));
    sandbox.must_be_quiet();
}
