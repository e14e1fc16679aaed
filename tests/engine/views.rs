//! What people and programs get to see: plans as pictures and objects, runs, events as they happen, terminals.

use super::sandbox::{Ended, Sandbox, end, id, send, wait_until};
use rustix::process::Signal;
use serde_json::Value;
use std::{io::Write, process::Command};

fn said(sandbox: &Sandbox, arguments: &[&str]) -> Ended {
    end(sandbox.start(arguments))
}

/// What a command prints, which must succeed.
fn printed(sandbox: &Sandbox, arguments: &[&str]) -> String {
    let ended = said(sandbox, arguments);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    ended.stdout
}

fn json(sandbox: &Sandbox, arguments: &[&str]) -> Value {
    serde_json::from_str(&printed(sandbox, arguments)).expect("JSON")
}

/// Digests are those of this program's own keys, which others look after.
fn without_digests(text: &str) -> String {
    let mut shown = String::new();
    for line in text.lines() {
        match line.split_once(": \"") {
            Some((before, digest)) if digest.trim_end_matches([',', '"']).len() == 64 => {
                shown.push_str(&format!("{before}: \"...\""));
            }
            _ => shown.push_str(line),
        }
        shown.push('\n');
    }
    shown
}

#[test]
fn a_plan_is_drawn_and_told_to_programs() {
    let sandbox = Sandbox::new();
    sandbox.must_run(&["operation_mode=training"]);
    for format in ["dot", "mermaid", "json"] {
        let plan = printed(&sandbox, &["plan", "chain.yaml", "--format", format]);
        let timeless = |line: &str| match line
            .find("made on ")
            .or(line.find("\"created\""))
            .or(line.find("\"seconds\""))
        {
            Some(at) => format!("{}...", &line[..at]),
            None => line.to_owned(),
        };
        let plan: Vec<String> = without_digests(&plan).lines().map(timeless).collect();
        insta::assert_snapshot!(format!("plan_{format}"), plan.join("\n"));
    }
    let plan = json(&sandbox, &["plan", "chain.yaml", "--format", "json"]);
    assert_eq!(plan["stages"][0]["status"], "hit");
    assert_eq!(plan["stages"][0]["fingerprint"].as_str().map(str::len), Some(64));
    assert_eq!(plan["stages"][2]["fingerprint"], Value::Null);
}

#[test]
fn a_check_tells_by_its_exit_code_whether_anything_would_run() {
    let sandbox = Sandbox::new();
    let check = |more: &[&str]| said(&sandbox, &[&["plan", "chain.yaml", "--check"], more].concat());
    let before = check(&[]);
    assert_eq!(before.code, Some(3));
    assert!(before.stdout.starts_with("chain_tqe: 3 stages, 0 stored"), "{before:?}");
    let quiet = check(&["--quiet"]);
    assert_eq!((quiet.code, quiet.stdout.as_str(), quiet.stderr.as_str()), (Some(3), "", ""));
    sandbox.must_run(&[]);
    assert_eq!(check(&["--quiet"]).code, Some(0));
    assert_eq!(check(&["training.epochs=9"]).code, Some(3));
    assert_eq!(check(&["training.epochs=nine"]).code, Some(10), "a mistake is no `something would run`");
}

#[test]
fn a_run_for_programs_prints_its_events_and_nothing_else() {
    let sandbox = Sandbox::new();
    for (run, more) in [("run", &[][..]), ("run-2", &["--quiet"])] {
        let ended = sandbox.run(&[&["--format", "json"], more].concat());
        assert_eq!(ended.code, Some(0), "{ended:?}");
        let file = fs_err::read_to_string(sandbox.path("runs").join(run).join("events.jsonl"));
        assert_eq!(ended.stdout, file.expect("events"));
        assert!(ended.stderr.contains("done in "), "{ended:?}");
    }
}

/// The runs by name and outcome.
fn outcomes(sandbox: &Sandbox) -> Vec<(String, String)> {
    let list = json(sandbox, &["runs", "runs", "--format", "json"]);
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let runs = list["runs"].as_array().cloned().unwrap_or_default();
    runs.iter().map(|run| (text(&run["id"]), text(&run["outcome"]))).collect()
}

#[test]
fn runs_are_listed_with_what_became_of_them_and_a_killed_one_is_no_running_one() {
    let sandbox = Sandbox::new();
    sandbox.must_run(&[]);
    let sandbox = sandbox.with("TINY_TROUBLE", "quantize:fail");
    assert_eq!(sandbox.run(&["quantization.granularity=per_tensor"]).code, Some(12));
    let sandbox = sandbox.without("TINY_TROUBLE").with("TINY_EPOCH_MS", "60000");
    let mut engine = sandbox.start(&["run", "chain.yaml", "training.epochs=9"]);
    sandbox.process("__stage");
    let own = |(id, outcome): (&str, &str)| (id.to_owned(), outcome.to_owned());
    let known = [("run-2", "failed"), ("run", "done")];
    assert_eq!(outcomes(&sandbox), [("run-3", "running"), known[0], known[1]].map(own));
    engine.kill().expect("a process");
    engine.wait().expect("an end");
    assert_eq!(outcomes(&sandbox), [("run-3", "killed"), known[0], known[1]].map(own));
    sandbox.must_be_quiet();

    // A configuration stands for the folder where its runs are.
    let text = printed(&sandbox, &["runs", "chain.yaml"]);
    let lines: Vec<Vec<&str>> = text.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(lines[0].join(" "), "run started mode outcome took result");
    let result = |line: &[&str]| line[7..].join(" ");
    assert_eq!(result(&lines[1]), "not done: train, quantize, evaluate");
    assert_eq!(result(&lines[2]), "not done: quantize, evaluate");
    assert!(result(&lines[3]).starts_with("squared_error 2.8251, lost_by_rounding"), "{text}");
    let limited = said(&sandbox, &["runs", "runs", "--limit", "1"]);
    assert_eq!(
        (limited.stdout.lines().count(), limited.stderr.as_str()),
        (
            2,
            "run-3 is not done; to go on with it: pipeline resume runs/run-3\n2 more; --limit 3 shows them all\n"
        )
    );

    let killed = printed(&sandbox, &["show", "--dir", "runs"]);
    assert!(killed.contains("outcome    killed: its last sign of life came after"), "{killed}");
    assert!(killed.contains("\ntrain     killed"), "{killed}");
    assert!(killed.contains("\nevaluate  not started\n"), "{killed}");
    let failed = printed(&sandbox, &["show", "run-2", "--dir", "runs"]);
    let failure = "quantize failed: it was asked to fail [tiny::asked]\n  help: do not ask\n";
    assert!(failed.contains(failure), "{failed}");
    assert!(failed.contains("overrides  quantization.granularity=per_tensor\n"), "{failed}");
    for words in ["\ntrain     hit", "\nquantize  failed", "\nevaluate  skipped\n"] {
        assert!(failed.contains(words), "{words}: {failed}");
    }
}

#[test]
fn a_run_is_shown_with_its_numbers_and_files() {
    let sandbox = Sandbox::new();
    sandbox.must_run(&[]);
    let text = printed(&sandbox, &["show", "runs/run"]);
    for words in [
        "mode       chain_tqe\nfile       chain.yaml\n",
        "evaluate  squared_error     2.8251\n",
        "train  loss        4   11.5842 (0)  2.8176 (3)  11.5842 (0)  2.8176 (3)\n",
        "train     saved_models/line.json           56 B\n",
    ] {
        assert!(text.contains(words), "{words}: {text}");
    }
    let run = json(&sandbox, &["show", "runs/run", "--format", "json"]);
    assert_eq!(run["run"]["outcome"], "done");
    assert_eq!(run["stages"][0]["series"]["loss"]["last"]["step"], 3);
    assert_eq!(run["stages"][2]["metrics"]["squared_error"], 2.8250732421875);
    assert_eq!(run["stages"][0]["artifacts"][1]["path"], "saved_models/line.json");
}

#[test]
fn the_numbers_of_several_models_stand_side_by_side_as_they_did_when_they_were_measured() {
    let sandbox = Sandbox::new();
    let run = sandbox.must_run(&["operation_mode=chain_teqe"]);
    let table: String = run
        .stdout
        .lines()
        .take_while(|line| !line.starts_with("done in"))
        .map(|line| format!("{line}\n"))
        .collect();
    assert!(table.contains("evaluate            1 (train)  2 (quantize)\n"), "{table}");
    let shown = printed(&sandbox, &["show", "--dir", "runs"]);
    assert!(shown.contains(table.trim()), "{shown}\n{table}");
}

#[test]
fn what_cannot_be_written_is_an_error_and_a_reader_that_has_seen_enough_is_none() {
    let sandbox = Sandbox::new();
    for arguments in [
        &["init", "chain_tqe", "--output", "-"][..],
        &["validate", "chain.yaml"],
        &["validate", "chain.yaml", "--format", "json"],
    ] {
        let Ok(full) = fs_err::OpenOptions::new().write(true).open("/dev/full") else {
            println!("skipped: a full disk (no /dev/full)");
            return;
        };
        let ended = end(sandbox.command(arguments).stdout(full.into_parts().0).spawn().expect("a process"));
        assert_eq!(ended.code, Some(12), "{ended:?}");
        assert!(ended.stderr.contains("cannot write to standard output: No space left"), "{ended:?}");
        let (reader, writer) = std::io::pipe().expect("a pipe");
        drop(reader);
        let ended = end(sandbox.command(arguments).stdout(writer).spawn().expect("a process"));
        assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""));
    }
}

#[test]
fn events_that_are_cut_off_or_of_a_newer_program_are_told() {
    let sandbox = Sandbox::new();
    sandbox.must_run(&[]);
    let mut events =
        fs_err::OpenOptions::new().append(true).open(sandbox.path("runs/run/events.jsonl")).expect("events");
    let newer = r#"{"seq":99,"at":"2027-01-01T00:00:00Z","event":"teleported"}"#;
    events.write_all(format!("{newer}\n{}", &newer[..20]).as_bytes()).expect("a file");
    let text = printed(&sandbox, &["show", "runs/run"]);
    assert!(text.contains("note: the last event is cut off, as a killed engine leaves it\n"), "{text}");
    assert!(text.contains("note: 1 event of the kind `teleported` not understood"), "{text}");
    let listed = said(&sandbox, &["runs", "runs"]);
    assert!(listed.stderr.contains("note: runs/run: the last event is cut off"), "{listed:?}");

    sandbox.write("runs/run/run.json", "{\"format\": 99}");
    assert_eq!(outcomes(&sandbox), [("run".to_owned(), "unknown".to_owned())]);
    let text = printed(&sandbox, &["show", "runs/run"]);
    assert!(text.contains("note: run.json has format 99 and this program knows 1\n"), "{text}");
}

#[test]
fn a_run_that_is_not_there_is_a_usage_error() {
    let sandbox = Sandbox::new();
    for (arguments, words) in [
        (&["show"][..], "there is no run in `experiments_outputs`"),
        (&["show", "2026"], "no run in `experiments_outputs` is called `2026`"),
        (&["runs", "nowhere"], "`nowhere` does not exist"),
    ] {
        let ended = said(&sandbox, arguments);
        assert_eq!((ended.code, ended.stdout.as_str()), (Some(2), ""), "{ended:?}");
        assert!(ended.stderr.contains(words), "{ended:?}");
    }
    assert_eq!(printed(&sandbox, &["runs"]), "no runs in experiments_outputs\n");
    sandbox.write("bad.yaml", "operation_mode: [");
    assert_eq!(said(&sandbox, &["runs", "bad.yaml"]).code, Some(10));
}

#[test]
fn the_runs_of_a_configuration_lie_below_what_its_folders_have_in_common() {
    let sandbox = Sandbox::new();
    let dir = "hydra.run.dir=out/${now:%Y-%m-%d}/${now:%H-%M-%S}";
    sandbox.must_run(&[dir]);
    let text = fs_err::read_to_string(sandbox.path("chain.yaml")).expect("a configuration");
    sandbox.write("dated.yaml", &text.replace("dir: runs/run", &dir.replace("hydra.run.dir=", "dir: ")));
    let list = json(&sandbox, &["runs", "dated.yaml", "--format", "json"]);
    assert_eq!(list["folder"], "out");
    assert_eq!(list["runs"].as_array().map(Vec::len), Some(1));
}

/// What `tiny_chain run chain.yaml` writes to a terminal, with these environment variables; none where no `script` is
/// there to make one.
fn on_a_terminal(environment: &[(&str, &str)], more: &str) -> Option<String> {
    let sandbox = Sandbox::new();
    let inner = sandbox.command(&[]);
    let line = format!("'{}' run chain.yaml {more}", inner.get_program().to_string_lossy());
    let mut command = Command::new("script");
    command.args(["-qec", &line, "/dev/null"]).current_dir(sandbox.path(""));
    command.envs(inner.get_envs().filter_map(|(name, value)| Some((name, value?))));
    command.env_remove("CI").env_remove("NO_COLOR").env("TERM", "xterm").envs(environment.iter().copied());
    match command.stdin(std::process::Stdio::null()).output() {
        Ok(output) => Some(String::from_utf8_lossy(&output.stdout).into_owned()),
        Err(_) => {
            println!("skipped: there is no `script` to make a terminal with");
            None
        }
    }
}

#[test]
fn a_terminal_gets_bars_and_colours_unless_it_asks_for_none() {
    let Some(plain) = on_a_terminal(&[("TINY_EPOCH_MS", "120")], "") else { return };
    assert!(plain.contains("█") && plain.contains("% ") && plain.contains("left  epoch 3/4"), "{plain}");
    let last = plain.rfind('█').expect("a bar");
    assert!(plain[last..].contains("\u{1b}[1A\u{1b}[J"), "the last bar is taken away: {plain}");
    let failing =
        |more: &[(&str, &str)]| on_a_terminal(&[&[("TINY_TROUBLE", "quantize:fail")], more].concat(), "");
    let red = "\u{1b}[1;31mfailed:\u{1b}[0m";
    assert!(failing(&[]).is_some_and(|text| text.contains(red)));
    assert!(
        failing(&[("NO_COLOR", "")]).is_some_and(|text| text.contains(red)),
        "empty is as good as not set"
    );
    for (name, value, bars) in [("NO_COLOR", "1", true), ("CI", "true", false), ("TERM", "dumb", false)] {
        let text = on_a_terminal(&[(name, value), ("TINY_EPOCH_MS", "120")], "").unwrap_or_default();
        assert_eq!(text.contains('█'), bars, "{name}: {text}");
        assert!(name == "CI" || !text.contains("\u{1b}[1;31m"), "{name}: {text}");
    }
    let quiet = on_a_terminal(&[], "--quiet").unwrap_or_default();
    assert!(quiet.starts_with("done in ") && quiet.lines().count() == 1, "{quiet}");
}

#[test]
fn a_cancelled_run_leaves_no_bar_behind() {
    let sandbox = Sandbox::new().with("TINY_EPOCH_MS", "400");
    let inner = sandbox.command(&["run", "chain.yaml"]);
    let mut command = Command::new("script");
    let line = format!("exec '{}' run chain.yaml", inner.get_program().to_string_lossy());
    command.args(["-qec", &line, "/dev/null"]).current_dir(sandbox.path(""));
    command
        .envs(inner.get_envs().filter_map(|(name, value)| Some((name, value?))))
        .env_remove("CI")
        .env("TERM", "xterm");
    command.stdin(std::process::Stdio::null()).stdout(std::process::Stdio::piped());
    let Ok(terminal) = command.spawn() else {
        println!("skipped: there is no `script` to make a terminal with");
        return;
    };
    sandbox.wait_for("step 1");
    let engine = sandbox.processes().into_iter().find(|(process, arguments)| {
        *process != id(&terminal) && arguments.contains("run chain.yaml") && !arguments.starts_with("script")
    });
    send(engine.expect("the engine").0, Signal::INT);
    let ended = end(terminal);
    assert_eq!(ended.code, Some(13), "{ended:?}");
    let (_, after) = ended.stdout.rsplit_once('█').expect("a bar");
    assert!(after.contains("\u{1b}[1A\u{1b}[J"), "{after:?}");
    assert!(after.contains("cancelled after"), "{after:?}");
    wait_until("all processes to end", || sandbox.processes().is_empty());
}
