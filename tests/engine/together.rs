//! Several runs, and several stages, at once.

use super::sandbox::{Sandbox, end, shown};

#[test]
fn of_two_runs_of_one_chain_each_stage_is_run_by_one_and_both_have_the_files() {
    let sandbox = Sandbox::new().with("TINY_EPOCH_MS", "100");
    let first = sandbox.start(&["run", "chain.yaml"]);
    sandbox.process("__stage");
    let second = sandbox.start(&["run", "chain.yaml"]);
    let ended = [end(first), end(second)];
    assert!(ended.iter().all(|ended| ended.code == Some(0)), "{ended:?}");
    let mut executed = [sandbox.executed("run"), sandbox.executed("run-2")].concat();
    executed.sort();
    assert_eq!(executed, ["evaluate", "quantize", "train"]);
    assert_eq!(sandbox.results("run"), sandbox.results("run-2"));
    assert!(ended[1].stderr.contains("this very result is being made by `train` of "), "{ended:?}");
}

#[test]
fn who_waits_is_told_for_what_and_holds_no_job() {
    let sandbox = Sandbox::new();
    let slow =
        "  slow: {command: 'while test ! -e go; do sleep 0.02; done; echo 1 > {outputs.a}', outputs: [a]}\n";
    let configure = |file: &str, more: &str| {
        sandbox.write(file, &format!("operation_mode: stages\nstages:\n{slow}{more}"));
    };
    configure("one.yaml", "");
    configure("two.yaml", "  quick: {command: 'echo 2 > {outputs.b}', outputs: [b]}\n");
    let first = sandbox.start(&["run", "one.yaml", "hydra.run.dir=runs/run"]);
    sandbox.wait_for("slow: starts");
    let process = first.id();
    let second =
        sandbox.start(&["run", "two.yaml", "--jobs", "1", "--threads", "1", "hydra.run.dir=runs/run-2"]);
    sandbox.wait_for("slow: this very result is being made by `slow` of ");
    sandbox.wait_for("quick: done in");
    assert!(!sandbox.log("run-2").contains("slow: starts"), "{}", sandbox.log("run-2"));
    sandbox.write("go", "");
    assert_eq!(end(first).code, Some(0));
    let ended = end(second);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(ended.stderr.contains(&format!("(process {process}, since ")), "{ended:?}");
    insta::assert_snapshot!("waiting", shown(&sandbox, &ended.stderr));
    assert_eq!(sandbox.executed("run-2"), ["quick"]);
}

#[test]
fn two_different_trainings_at_once_give_the_bytes_of_each_alone() {
    let alone = |seed: &str| {
        let sandbox = Sandbox::new();
        sandbox.must_run(&[seed]);
        sandbox.results("run")
    };
    let seeds = ["general.global_seed=1", "general.global_seed=2"];
    let sandbox = Sandbox::new().with("TINY_EPOCH_MS", "50");
    let arguments = |seed, dir| ["run", "chain.yaml", seed, dir];
    let first = sandbox.start(&arguments(seeds[0], "hydra.run.dir=runs/one"));
    let second = sandbox.start(&arguments(seeds[1], "hydra.run.dir=runs/two"));
    assert_eq!((end(first).code, end(second).code), (Some(0), Some(0)));
    assert_eq!(sandbox.results("one"), alone(seeds[0]));
    assert_eq!(sandbox.results("two"), alone(seeds[1]));
}

#[test]
fn with_more_jobs_stages_that_do_not_depend_on_each_other_run_at_once_and_give_the_same_files() {
    let mode = "operation_mode=chain_teqe";
    let one = Sandbox::new();
    one.must_run(&[mode]);
    let several = Sandbox::new();
    several.must_run(&[mode, "--jobs", "3", "--threads", "4"]);
    assert_eq!(one.results("run"), several.results("run"));
    assert_eq!(several.executed("run").len(), 4);
}
