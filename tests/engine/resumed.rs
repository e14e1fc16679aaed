//! `pipeline resume`: a run goes on in its own folder, with its own configuration, whatever happened since.

use super::{
    programs::{RUN, own},
    sandbox::{Ended, Sandbox, end, id, send, shown},
};
use contract::EventKind;
use pipeline::store::failpoint::FAIL_POINTS;
use rustix::process::Signal;
use serde_json::Value;
use std::{collections::BTreeMap, os::unix::process::ExitStatusExt, path::Path};

/// `tiny_chain resume` of the sandbox's runs.
fn resume(sandbox: &Sandbox, more: &[&str]) -> Ended {
    end(sandbox.start(&[&["resume", "--dir", "runs"], more].concat()))
}

fn must_resume(sandbox: &Sandbox, more: &[&str]) -> Ended {
    let ended = resume(sandbox, more);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    ended
}

fn record(sandbox: &Sandbox, run: &str) -> Value {
    let text = fs_err::read_to_string(sandbox.path("runs").join(run).join("run.json")).expect("a record");
    serde_json::from_str(&text).expect("JSON")
}

/// What became of each stage.
fn states(sandbox: &Sandbox, run: &str) -> BTreeMap<String, String> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let record = record(sandbox, run);
    let stages = record["stages"].as_array().cloned().unwrap_or_default();
    stages.iter().map(|stage| (text(&stage["name"]), text(&stage["state"]))).collect()
}

fn has_one_run_with_all_its_events(sandbox: &Sandbox) {
    assert_eq!(sandbox.runs(), ["run"]);
    let numbers: Vec<u64> = sandbox.events("run").iter().map(|event| event.seq).collect();
    assert_eq!(numbers, (0..numbers.len() as u64).collect::<Vec<_>>());
    assert_eq!(record(sandbox, "run")["outcome"], "done");
}

#[test]
fn killed_at_any_fail_point_a_run_is_resumed_to_the_files_of_an_undisturbed_one() {
    let undisturbed = Sandbox::new();
    undisturbed.must_run(&[]);
    let files = |sandbox: &Sandbox| {
        record(sandbox, "run")["stages"]
            .as_array()
            .map(|stages| stages.iter().map(|stage| stage["files"].clone()).collect::<Vec<_>>())
    };
    let points = FAIL_POINTS.iter().map(|point| format!("{point}:1"));
    // Its first times come before there is a run.
    let later = ["record::run_before_rename:4", "record::run_after_rename:4"].map(str::to_owned);
    let mut resumed = 0;
    for point in points.chain(later) {
        let sandbox = Sandbox::new().with("PIPELINE_FAILPOINT", &point);
        let killed = sandbox.run(&[]);
        if killed.code == Some(0) {
            // A point that no run comes by.
            continue;
        }
        assert_eq!(killed.status.signal(), Some(6), "{point}: {killed:?}");
        let sandbox = sandbox.without("PIPELINE_FAILPOINT");
        if !sandbox.path("runs/run/run.json").exists() {
            let ended = resume(&sandbox, &[]);
            assert_eq!(ended.code, Some(2), "{point}: {ended:?}");
            let told = ["there is no run in `runs`", "`runs` does not exist"];
            assert!(told.iter().any(|words| ended.stderr.contains(words)), "{point}: {ended:?}");
            continue;
        }
        resumed += 1;
        must_resume(&sandbox, &[]);
        assert_eq!(sandbox.results("run"), undisturbed.results("run"), "{point}");
        assert_eq!(files(&sandbox), files(&undisturbed), "{point}");
        has_one_run_with_all_its_events(&sandbox);
    }
    assert!(resumed >= 12, "{resumed}");
}

#[test]
fn a_run_may_be_killed_and_resumed_as_often_as_it_takes() {
    let undisturbed = Sandbox::new();
    undisturbed.must_run(&[]);
    let mut sandbox = Sandbox::new().with("PIPELINE_FAILPOINT", "engine::before_publish:1");
    assert_eq!(sandbox.run(&[]).status.signal(), Some(6));
    for point in ["store::manifest_after_rename:1", "engine::after_spawn:1", "engine::after_materialise:2"] {
        sandbox = sandbox.with("PIPELINE_FAILPOINT", point);
        let killed = resume(&sandbox, &[]);
        assert_eq!(killed.status.signal(), Some(6), "{point}: {killed:?}");
    }
    let sandbox = sandbox.without("PIPELINE_FAILPOINT");
    must_resume(&sandbox, &[]);
    assert_eq!(sandbox.results("run"), undisturbed.results("run"));
    has_one_run_with_all_its_events(&sandbox);
    assert_eq!(record(&sandbox, "run")["resumed"].as_array().map(Vec::len), Some(4));
    let shown = end(sandbox.start(&["show", "runs/run"])).stdout;
    assert!(shown.contains("(4 times in all)\n") && shown.contains("\noutcome    done in "), "{shown}");
}

/// A sandbox with a run that failed at its second stage.
fn failed(changes: &[&str]) -> Sandbox {
    let sandbox = Sandbox::new().with("TINY_TROUBLE", "quantize:fail");
    assert_eq!(sandbox.run(changes).code, Some(12));
    sandbox.without("TINY_TROUBLE")
}

#[test]
fn whatever_became_of_the_file_a_run_is_resumed_with_what_it_was_started_with() {
    let changes = ["training.epochs=6", "general.global_seed=None"];
    let sandbox = failed(&changes);
    sandbox.write("chain.yaml", "operation_mode: [");
    must_resume(&sandbox, &[]);
    assert_eq!(sandbox.executed("run"), ["train", "quantize", "quantize", "evaluate"]);
    assert_eq!(states(&sandbox, "run")["train"], "hit");
    assert!(sandbox.log("run").contains("(step 5) (cached)"));

    let sandbox = failed(&changes);
    fs_err::remove_file(sandbox.path("chain.yaml")).expect("the file");
    must_resume(&sandbox, &[]);
    assert_eq!(states(&sandbox, "run")["evaluate"], "run");
}

#[test]
fn the_same_command_reaches_the_same_hits_as_resume() {
    let sandbox = failed(&[]);
    sandbox.must_run(&[]);
    must_resume(&sandbox, &["run"]);
    assert_eq!(sandbox.executed("run-2"), ["quantize", "evaluate"]);
    assert_eq!(states(&sandbox, "run").into_values().collect::<Vec<_>>(), ["hit"; 3]);
    assert_eq!(sandbox.results("run"), sandbox.results("run-2"));
}

#[test]
fn a_run_is_resumed_from_anywhere_and_where_its_directory_went() {
    let from = |sandbox: &Sandbox, place: &Path, arguments: &[&str]| {
        end(sandbox.command(arguments).current_dir(place).spawn().expect("tiny_chain starts"))
    };
    let elsewhere = tempfile::tempdir().expect("a folder");
    let sandbox = failed(&[]);
    let run = sandbox.path("runs/run");
    let run = run.to_str().expect("a path");
    let ended = from(&sandbox, elsewhere.path(), &["resume", run]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(ended.stdout.ends_with(&format!("results are in {run}\n")), "{ended:?}");
    assert_eq!(fs_err::read_dir(elsewhere.path()).expect("a folder").count(), 0);

    let sandbox = failed(&[]);
    let moved = elsewhere.path().join("moved");
    fs_err::create_dir(&moved).expect("a folder");
    for name in ["points.txt", "runs"] {
        fs_err::rename(sandbox.path(name), moved.join(name)).expect("to move");
    }
    let gone = sandbox.path("").join("gone");
    let text = fs_err::read_to_string(moved.join("runs/run/run.json")).expect("a record");
    let directory = record_directory(&text);
    fs_err::write(moved.join("runs/run/run.json"), text.replace(&directory, gone.to_str().expect("a path")))
        .expect("a record");
    let refused = from(&sandbox, elsewhere.path(), &["resume", "moved/runs/run"]);
    assert_eq!(refused.code, Some(11), "{refused:?}");
    insta::assert_snapshot!("directory_gone", shown(&sandbox, &refused.stderr));
    let ended = from(&sandbox, elsewhere.path(), &["resume", "moved/runs/run", "--directory", "moved"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let text = fs_err::read_to_string(moved.join("runs/run/run.json")).expect("a record");
    assert_eq!(Path::new(&record_directory(&text)), fs_err::canonicalize(&moved).expect("a path"));
}

fn record_directory(text: &str) -> String {
    let record: Value = serde_json::from_str(text).expect("JSON");
    record["directory"].as_str().expect("a directory").to_owned()
}

#[test]
fn secrets_are_as_they_were_and_hidden_though_the_environment_has_forgotten_them() {
    let entries = "  \
  say: {command: 'echo {params.word}; echo {params.word} > {outputs.a}', params: {word: 'x ${oc.env:TOKEN}'}, outputs: [a]}
  stop: {command: 'test -e go', needs: [say]}
  again: {command: 'cat {inputs.a}; grep s3cret[-]value {inputs.a}', needs: [stop], inputs: {a: say/a}}
";
    let sandbox = own(entries).with("TOKEN", "s3cret-value");
    assert_eq!(end(sandbox.start(&RUN)).code, Some(12));
    let sandbox = sandbox.without("TOKEN");
    sandbox.write("go", "");
    let ended = must_resume(&sandbox, &[]);
    assert_eq!(states(&sandbox, "run")["say"], "hit");
    assert!(!ended.stdout.contains("s3cret-value") && !ended.stderr.contains("s3cret-value"), "{ended:?}");
    for file in ["events.jsonl", "stm32ai_main.log", "run.json", ".hydra/config.yaml"] {
        let text = fs_err::read_to_string(sandbox.path("runs/run").join(file)).expect("text");
        assert!(!text.contains("s3cret-value"), "{file}: {text}");
    }
    assert!(sandbox.log("run").contains("again | x ${oc.env:TOKEN}"), "{}", sandbox.log("run"));

    // Without the file of secrets the environment has to say them.
    let sandbox = own(entries).with("TOKEN", "s3cret-value");
    assert_eq!(end(sandbox.start(&RUN)).code, Some(12));
    fs_err::remove_file(sandbox.path("runs/run/.hydra/.secrets.yaml")).expect("a file");
    let sandbox = sandbox.without("TOKEN");
    let refused = resume(&sandbox, &[]);
    assert_eq!(refused.code, Some(10), "{refused:?}");
    insta::assert_snapshot!("secrets_gone", shown(&sandbox, &refused.stderr));
}

#[test]
fn a_run_that_is_not_there_or_not_unfinished_is_told() {
    let sandbox = Sandbox::new();
    let told = |name: &str, arguments: &[&str], code: i32| {
        let ended = resume(&sandbox, arguments);
        assert_eq!(ended.code, Some(code), "{ended:?}");
        insta::assert_snapshot!(name, shown(&sandbox, &(ended.stdout + &ended.stderr)));
    };
    fs_err::create_dir(sandbox.path("runs")).expect("a folder");
    told("no_run", &[], 2);
    sandbox.must_run(&[]);
    told("done", &[], 0);
    told("done", &["run"], 0);
    told("done_for_programs", &["--format", "json"], 0);
    sandbox.must_run(&["training.epochs=5"]);
    told("ambiguous", &["ru"], 2);
    told("unknown", &["rum"], 2);
    sandbox.write("runs/run/run.json", "{\"format\": 99}");
    told("unreadable", &["run"], 11);
    let record = fs_err::read_to_string(sandbox.path("runs/run-2/run.json")).expect("a record");
    sandbox.write("runs/run-2/run.json", &record.replace("\"outcome\": \"done\"", "\"outcome\": \"failed\""));
    fs_err::remove_file(sandbox.path("runs/run-2/.hydra/config.yaml")).expect("a file");
    told("no_configuration", &["run-2"], 11);
}

#[test]
fn a_run_that_is_running_is_left_to_who_runs_it_and_resumed_by_one_at_a_time() {
    let sandbox = Sandbox::new().with("TINY_EPOCH_MS", "60000");
    let mut first = sandbox.start(&["run", "chain.yaml"]);
    sandbox.process("__stage");
    let refused = resume(&sandbox, &[]);
    assert_eq!(refused.code, Some(11), "{refused:?}");
    assert!(refused.stderr.contains(&format!("process {} works on it", first.id())), "{refused:?}");
    insta::assert_snapshot!("running", shown(&sandbox, &refused.stderr));
    first.kill().expect("an engine to kill");
    first.wait().expect("an end");

    let second = sandbox.start(&["resume", "--dir", "runs"]);
    sandbox.wait_for("which was killed, goes on");
    let refused = resume(&sandbox, &["run"]);
    assert_eq!(refused.code, Some(11), "{refused:?}");
    assert!(refused.stderr.contains(&format!("process {} works on it", second.id())), "{refused:?}");
    send(id(&second), Signal::INT);
    assert_eq!(end(second).code, Some(13));
    let sandbox = sandbox.without("TINY_EPOCH_MS");
    must_resume(&sandbox, &[]);
    has_one_run_with_all_its_events(&sandbox);
}

#[test]
fn unfinished_runs_are_listed_and_shown_with_the_command_that_goes_on() {
    let sandbox = failed(&[]);
    let listed = end(sandbox.start(&["runs", "runs"]));
    assert_eq!(listed.stderr, "run is not done; to go on with it: pipeline resume runs/run\n");
    let shown = end(sandbox.start(&["show", "--dir", "runs"])).stdout;
    assert!(shown.contains("\nto go on   pipeline resume runs/run\n"), "{shown}");
    let list = end(sandbox.start(&["runs", "runs", "--format", "json"])).stdout;
    let list: Value = serde_json::from_str(&list).expect("JSON");
    assert_eq!(list["runs"][0]["resume"], "pipeline resume runs/run");
    must_resume(&sandbox, &[]);
    assert_eq!(end(sandbox.start(&["runs", "runs"])).stderr, "");
    let shown = end(sandbox.start(&["show", "--dir", "runs"])).stdout;
    assert!(!shown.contains("to go on"), "{shown}");
    assert!(
        shown.contains("quantize: warning: before the run was resumed it failed: it was asked to fail"),
        "{shown}"
    );
}

#[test]
fn the_usual_folder_of_runs_is_where_resume_looks() {
    let sandbox = Sandbox::new().with("TINY_TROUBLE", "quantize:fail");
    let dir = "hydra.run.dir=./experiments_outputs/one";
    let ended = sandbox.run(&[dir]);
    assert!(
        ended.stdout.ends_with("\nto go on: pipeline resume one (or the same command again)\n"),
        "{ended:?}"
    );
    let sandbox = sandbox.without("TINY_TROUBLE");
    let ended = end(sandbox.start(&["resume", "o"]));
    assert!(ended.stdout.ends_with("results are in experiments_outputs/one\n"), "{ended:?}");
}

#[test]
fn retries_and_timeouts_hold_for_a_resumed_run() {
    let sandbox = own("  \
  a: {command: 'test -e go', retries: 1}
  b: {command: 'sleep 600; true', timeout: 1 s, needs: [a], environment: [PIPELINE_CACHE_DIR]}
");
    assert_eq!(end(sandbox.start(&RUN)).code, Some(12));
    assert_eq!(resume(&sandbox, &[]).code, Some(12));
    assert_eq!(sandbox.executed("run"), ["a"; 4]);
    sandbox.write("go", "");
    assert_eq!(resume(&sandbox, &[]).code, Some(12));
    assert_eq!(sandbox.executed("run"), ["a", "a", "a", "a", "a", "b"]);
    let codes = sandbox.events("run").into_iter().filter_map(|event| match event.kind {
        EventKind::StageFailed { code, .. } => Some(code),
        _ => None,
    });
    assert_eq!(codes.collect::<Vec<_>>(), ["command::failed", "command::failed", "stage::timeout"]);
    sandbox.must_be_quiet();
}

#[test]
fn events_for_programs_go_on_where_they_were() {
    let sandbox = failed(&[]);
    let before = sandbox.events("run").len();
    let ended = must_resume(&sandbox, &["--format", "json"]);
    let text = fs_err::read_to_string(sandbox.path("runs/run/events.jsonl")).expect("events");
    let since: Vec<&str> = text.lines().skip(before).collect();
    assert_eq!(ended.stdout.lines().collect::<Vec<_>>(), since);
    let first: Value = serde_json::from_str(since[0]).expect("JSON");
    assert_eq!((&first["event"], &first["after"]), (&"run_resumed".into(), &"failed".into()));
}
