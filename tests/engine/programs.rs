//! Own programs: what they are given, what they may say, and how they end.

use super::sandbox::{Ended, Sandbox, end, id, send};
use contract::{EventKind, protocol::Request};
use rustix::process::Signal;
use std::time::{Duration, Instant};

/// A sandbox with these entries of `stages`.
pub(super) fn own(entries: &str) -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.write("own.yaml", &format!("operation_mode: stages\nstages:\n{entries}"));
    sandbox
}

/// What starts them.
pub(super) const RUN: [&str; 4] = ["run", "own.yaml", "--new-folder", "hydra.run.dir=runs/run"];

pub(super) fn run(sandbox: &Sandbox, options: &[&str]) -> Ended {
    end(sandbox.start(&[&RUN[..], options].concat()))
}

pub(super) fn must_run(sandbox: &Sandbox, options: &[&str]) -> Ended {
    let ended = run(sandbox, options);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    ended
}

/// Code, message and help of the only failure.
pub(super) fn failure(sandbox: &Sandbox) -> (String, String, String) {
    let failures = sandbox.events(&sandbox.last_run()).into_iter().filter_map(|event| match event.kind {
        EventKind::StageFailed { code, message, help } => Some((code, message, help.unwrap_or_default())),
        _ => None,
    });
    let failures: Vec<_> = failures.collect();
    let [failure] = failures.as_slice() else { panic!("{failures:?}") };
    failure.clone()
}

pub(super) fn text(sandbox: &Sandbox, run: &str, path: &str) -> String {
    let files = sandbox.files(run);
    let found = files.get(path).unwrap_or_else(|| panic!("{path} is none of {:?}", files.keys()));
    String::from_utf8_lossy(found).into_owned()
}

#[test]
fn what_a_program_prints_becomes_events_text_and_warnings_and_a_hit_tells_its_results_again() {
    let script = "\
echo '{\"event\": \"progress\", \"label\": \"rows\", \"done\": 1, \"total\": 2}'
echo '{\"event\": \"metric\", \"name\": \"loss\", \"value\": 0.5, \"step\": 1}'
echo '{\"event\": \"metric\", \"name\": \"loss\", \"value\": null, \"step\": 2}'
echo '{\"event\": \"metric\", \"name\": \"loss\", \"value\": NaN, \"step\": 3}'
echo '{\"event\": \"note\", \"message\": \"it fits\"}'
echo '{\"event\": \"warning\", \"message\": \"2 rows were skipped\"}'
echo '{\"event\": \"run_finished\", \"outcome\": \"done\", \"seconds\": 0}'
echo plain words
echo words of anger >&2
mkdir $PIPELINE_OUT/deep
echo 1 > $PIPELINE_OUT/deep/number.txt
echo '<svg/>' > $PIPELINE_OUT/curve.svg
echo '{\"event\": \"figure\", \"title\": \"curve\", \"path\": \"curve.svg\"}'
echo '{\"event\": \"artifact\", \"output\": \"number.txt\", \"path\": \"deep/number.txt\"}'
echo '{\"event\": \"artifact\", \"output\": \"nothing\", \"path\": \"deep/number.txt\"}'
";
    let sandbox = own("  talk: {command: sh talk.sh, outputs: [number.txt]}\n");
    sandbox.write("talk.sh", script);
    must_run(&sandbox, &[]);
    let told = |run: &str| -> Vec<String> {
        let told = |event: contract::Event| match event.kind {
            EventKind::Metric { name, step, value } => Some(format!("{name} {step:?} {value}")),
            EventKind::Note { message, .. } => Some(format!("note {message}")),
            EventKind::Warning { message, transient } => Some(format!("warning {transient} {message}")),
            EventKind::Figure { title, path } => Some(format!("figure {title} {path}")),
            EventKind::RunFinished { .. } => Some("end".to_owned()),
            _ => None,
        };
        sandbox.events(run).into_iter().filter_map(told).collect()
    };
    insta::assert_snapshot!("program_events", told("run").join("\n"));
    assert_eq!(text(&sandbox, "run", "talk/deep/number.txt"), "1\n");
    let log = sandbox.log("run");
    for words in ["talk | plain words", "talk | words of anger", "talk | {\"event\": \"run_finished\""] {
        assert!(log.contains(words), "{words}: {log}");
    }
    must_run(&sandbox, &[]);
    let lasting: Vec<String> =
        told("run").into_iter().filter(|line| !line.starts_with("warning true")).collect();
    assert_eq!(told("run-2"), lasting);
    assert_eq!(sandbox.results("run"), sandbox.results("run-2"));
}

#[test]
fn a_program_gets_its_folders_its_request_nothing_to_read_and_files_under_their_own_names() {
    let sandbox = own("  \
  first: {command: 'cat > $PIPELINE_OUT/a.csv; env | cut -d= -f1 | sort >> $PIPELINE_OUT/a.csv', outputs: [a.csv]}
  second:
    command: |
      test -d \"$PIPELINE_PARTIAL\"
      basename {inputs.data} > {outputs.name.txt}
      cp $PIPELINE_REQUEST {outputs.request.json}
      pwd > {outputs.place.txt}
    inputs: {data: first/a.csv}
    outputs: [name.txt, request.json, place.txt]
");
    must_run(&sandbox, &["--threads", "3"]);
    let variables = text(&sandbox, "run", "first/a.csv");
    let own: Vec<&str> = variables.lines().filter(|name| name.starts_with("PIPELINE_")).collect();
    assert_eq!(own, ["PIPELINE_OUT", "PIPELINE_PARTIAL", "PIPELINE_REQUEST", "PIPELINE_THREADS"]);
    assert!(!variables.contains("TINY") && !variables.contains("CARGO"), "{variables}");
    assert_eq!(text(&sandbox, "run", "second/name.txt"), "a.csv\n");
    let place = fs_err::canonicalize(sandbox.path("")).expect("the sandbox");
    assert_eq!(text(&sandbox, "run", "second/place.txt").trim_end(), place.to_string_lossy());
    let request: Request =
        serde_json::from_str(&text(&sandbox, "run", "second/request.json")).expect("a request");
    assert_eq!((request.runtime.threads, request.runtime.attempt), (1, 1));
    assert!(request.inputs.contains_key("data") && request.out.is_absolute());
}

#[test]
fn a_program_that_fails_says_how_it_ended_and_what_it_wrote_last() {
    for (command, code, message, help) in [
        (
            "echo row 7 is bad >&2; exit 3",
            "command::failed",
            "`a` ended with exit code 3; the last it wrote:\n  row 7 is bad",
            "stm32ai_main.log",
        ),
        ("echo only here; exit 1", "command::failed", "the last it wrote:\n  only here", "stm32ai_main.log"),
        ("sh -c no-such-program", "command::failed", "ended with exit code 127", "was not found"),
        ("./own.yaml", "command::failed", "ended with exit code 126", "chmod +x"),
        ("kill -9 $$", "command::failed", "was killed by signal 9 (SIGKILL)", "resources.memory"),
        (
            "sh -c 'kill -11 $$'; exit $?",
            "command::failed",
            "exit code 139, as after signal 11 (SIGSEGV)",
            "",
        ),
        (
            "echo > $PIPELINE_OUT/b.txt; mkdir $PIPELINE_OUT/c $PIPELINE_OUT/out.txt; echo > $PIPELINE_OUT/c/d",
            "command::missing_output",
            "`a` ended without its output `out.txt`; below $PIPELINE_OUT it wrote `b.txt`, `c/d`",
            "correct `stages.a.outputs`",
        ),
        ("true", "command::missing_output", "it wrote no file", ""),
    ] {
        let entry = format!("  a:\n    command: |\n      {command}\n    outputs: [out.txt]\n");
        let sandbox = own(&(entry + "  b: {command: 'true', needs: [a]}\n"));
        let ended = run(&sandbox, &[]);
        assert_eq!(ended.code, Some(12), "{command}: {ended:?}");
        let found = failure(&sandbox);
        assert_eq!(found.0, code, "{command}: {found:?}");
        assert!(found.1.contains(message) && found.2.contains(help), "{command}: {found:?}");
        assert!(ended.stderr.contains("not run: b"), "{ended:?}");
    }
}

#[test]
fn what_a_program_leaves_behind_ends_with_it_and_what_escapes_holds_nothing_up() {
    let sandbox = own(
        "  a: {command: 'sleep 600 & echo 1 > {outputs.a}', outputs: [a], environment: [PIPELINE_CACHE_DIR]}\n",
    );
    let start = Instant::now();
    must_run(&sandbox, &[]);
    assert!(start.elapsed() < Duration::from_secs(60), "{:?}", start.elapsed());
    sandbox.must_be_quiet();

    let sandbox = own("  a: {command: 'setsid sleep 8 & echo 1 > {outputs.a}', outputs: [a]}\n");
    let start = Instant::now();
    must_run(&sandbox, &[]);
    assert!(start.elapsed() < Duration::from_secs(7), "{:?}", start.elapsed());
}

#[test]
fn a_program_that_prints_without_end_of_line_or_something_else_than_text_is_heard() {
    let sandbox = own(
        "  a: {command: 'head -c 3000000 /dev/zero; head -c 1000 /dev/urandom >&2; echo 1 > {outputs.a}', outputs: [a]}\n",
    );
    must_run(&sandbox, &[]);
}

const LITTER: &str = "  a: {command: 'sleep 600 & sleep 601; true', environment: [PIPELINE_CACHE_DIR]}\n";

#[test]
fn a_program_and_what_it_started_die_with_a_killed_engine() {
    let sandbox = own(LITTER);
    let mut engine = sandbox.start(&RUN);
    sandbox.process("sleep 600");
    sandbox.process("sleep 601");
    engine.kill().expect("an engine to kill");
    engine.wait().expect("a killed engine");
    sandbox.must_be_quiet();

    let sandbox = own(LITTER).with("PIPELINE_FAILPOINT", "engine::after_spawn:1");
    run(&sandbox, &[]);
    sandbox.must_be_quiet();
}

#[test]
fn a_cancelled_program_has_two_seconds_after_sigterm() {
    let sandbox = own(LITTER);
    let engine = sandbox.start(&RUN);
    sandbox.process("sleep 601");
    let asked = Instant::now();
    send(id(&engine), Signal::INT);
    assert_eq!(end(engine).code, Some(13));
    assert!(asked.elapsed() < Duration::from_secs(2), "SIGTERM is enough: {:?}", asked.elapsed());
    sandbox.must_be_quiet();

    let deaf = "  a: {command: \"trap '' TERM; sleep 602; true\", environment: [PIPELINE_CACHE_DIR]}\n";
    let sandbox = own(deaf);
    let engine = sandbox.start(&RUN);
    sandbox.process("sleep 602");
    let asked = Instant::now();
    send(id(&engine), Signal::INT);
    assert_eq!(end(engine).code, Some(13));
    assert!(asked.elapsed() >= Duration::from_secs(2), "{:?}", asked.elapsed());
    sandbox.must_be_quiet();
}

#[test]
fn all_that_a_program_said_is_heard_however_slow_the_reader_is() {
    let sandbox = own("  talk: {command: 'sh talk.sh; echo > {outputs.a.txt}', outputs: [a.txt]}\n");
    sandbox.write("talk.sh", "for i in $(seq 4000); do echo '{\"event\": \"metric\", \"name\": \"loss\", \"value\": 1, \"step\": '$i'}'; done\n");
    let engine = sandbox.start(&[&RUN[..], &["--format", "json", "--quiet"]].concat());
    // By then the program has ended, and all pipes between it and this test are full.
    std::thread::sleep(Duration::from_secs(3));
    let ended = end(engine);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert_eq!(ended.stdout.lines().filter(|line| line.contains("\"event\":\"metric\"")).count(), 4000);
}

#[test]
fn a_program_ends_also_where_its_engine_was_started_with_its_childrens_ends_ignored() {
    let sandbox = own("  a: {command: 'echo 1 > {outputs.a.txt}; exit 3', outputs: [a.txt]}\n");
    let engine = sandbox.command(&RUN);
    let mut shell = std::process::Command::new("sh");
    shell.arg("-c").arg("trap '' CHLD; exec \"$0\" \"$@\"").arg(engine.get_program()).args(engine.get_args());
    let environment = engine.get_envs().filter_map(|(name, value)| Some((name, value?)));
    shell.envs(environment).current_dir(engine.get_current_dir().expect("the sandbox"));
    let output = shell.output().expect("it ends");
    assert_eq!(output.status.code(), Some(12), "{output:?}");
}
