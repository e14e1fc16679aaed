//! Why a stage runs: what changed, from what to what, and on which line.

use super::sandbox::{Sandbox, end};
use serde_json::Value;

/// What a command says, without times, and with `rc` where it is not 0.
fn said(sandbox: &Sandbox, arguments: &[&str]) -> String {
    let ended = end(sandbox.start(arguments));
    let text =
        timeless(&(ended.stdout + &ended.stderr)).replace(&sandbox.path("").display().to_string(), "/");
    match ended.code {
        Some(0) => text,
        code => format!("{text}exit code {code:?}\n"),
    }
}

/// The command and what it says, as on a terminal.
fn shown(sandbox: &Sandbox, arguments: &[&str]) -> String {
    format!("$ pipeline {}\n{}\n", arguments.join(" "), said(sandbox, arguments))
}

/// `2026-11-22 22:00:46` becomes `TIME`, `2026-11-22` becomes `DAY`, `in 0.1 s` becomes `in SECONDS`.
fn timeless(text: &str) -> String {
    const TIMES: [(&str, &str); 2] = [("0000-00-00 00:00:00", "TIME"), ("0000-00-00", "DAY")];
    let is_like = |text: &str, pattern: &str| {
        let same = |(byte, kind): (u8, u8)| if kind == b'0' { byte.is_ascii_digit() } else { byte == kind };
        text.len() >= pattern.len() && text.bytes().zip(pattern.bytes()).all(same)
    };
    let mut shown = String::new();
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let seconds = rest.strip_prefix("in ").and_then(|rest| rest.split_once(" s"));
        if let Some((pattern, word)) = TIMES.iter().find(|(pattern, _)| is_like(rest, pattern)) {
            shown.push_str(word);
            rest = &rest[pattern.len()..];
        } else if let Some((_, after)) = seconds.filter(|(number, _)| number.parse::<f64>().is_ok()) {
            shown.push_str("in SECONDS");
            rest = after;
        } else {
            shown.push(c);
            rest = &rest[c.len_utf8()..];
        }
    }
    shown
}

fn explained(sandbox: &Sandbox, changes: &[&str]) -> String {
    shown(sandbox, &[&["explain", "chain.yaml"], changes].concat())
}

fn edit(sandbox: &Sandbox, from: &str, to: &str) {
    let text = fs_err::read_to_string(sandbox.path("chain.yaml")).expect("the configuration");
    assert!(text.contains(from), "{from}");
    sandbox.write("chain.yaml", &text.replace(from, to));
}

/// The one difference that `explain --format json` tells of a stage.
fn difference(sandbox: &Sandbox, stage: &str, changes: &[&str]) -> Value {
    let line = [&["explain", "chain.yaml", stage, "--format", "json"], changes].concat();
    let told: Value = serde_json::from_str(&said(sandbox, &line)).expect("JSON");
    let differences = told["stages"][0]["differences"].as_array().expect("differences").clone();
    assert_eq!(differences.len(), 1, "{differences:?}");
    differences.into_iter().next().expect("one")
}

#[test]
fn before_the_first_run_all_is_new_and_after_it_nothing_would_run() {
    let mut told = String::new();
    let sandbox = Sandbox::new();
    told.push_str(&explained(&sandbox, &[]));
    sandbox.must_run(&[]);
    told.push_str(&explained(&sandbox, &[]));
    told.push_str(&shown(&sandbox, &["explain", "--dir", "runs"]));
    sandbox.must_run(&[]);
    told.push_str(&shown(&sandbox, &["explain", "--dir", "runs"]));
    told.push_str(&shown(&sandbox, &["explain", "runs/run-2", "quantize"]));
    insta::assert_snapshot!("explained_first", told);
}

#[test]
fn a_changed_value_is_told_with_its_line_and_what_it_was() {
    let mut told = String::new();
    let sandbox = Sandbox::new();
    sandbox.must_run(&["quantization.granularity=per_tensor"]);
    edit(&sandbox, "epochs: 4", "epochs: 6");
    edit(&sandbox, "learning_rate: 0.05", "learning_rate: 0.01");
    told.push_str(&explained(&sandbox, &["general.global_seed=8"]));
    sandbox.must_run(&["general.global_seed=8"]);
    told.push_str(&shown(&sandbox, &["explain", "runs/run-2"]));
    // The file says something else since; what the run had stands in its own copy.
    edit(&sandbox, "epochs: 6", "epochs: 7");
    told.push_str(&shown(&sandbox, &["explain", "runs/run-2", "train"]));
    told.push_str(&shown(&sandbox, &["explain", "chain.yaml", "--against", "runs/run"]));
    insta::assert_snapshot!("explained_values", told);
}

#[test]
fn an_edited_input_is_told_and_stages_that_come_out_the_same_say_so() {
    let mut told = String::new();
    let sandbox = Sandbox::new();
    sandbox.write("test.txt", "4 9\n5 11\n6 13\n");
    let test = "+dataset.test_files_path=test.txt";
    sandbox.must_run(&[test]);
    // The same numbers in other bytes: the fit runs again and makes the same line.
    sandbox.write("points.txt", "0 1\n1 3\n2 5\n3 7.250\n");
    told.push_str(&explained(&sandbox, &[test]));
    sandbox.must_run(&[test]);
    assert_eq!(sandbox.executed("run-2"), ["train"]);
    told.push_str(&shown(&sandbox, &["explain", "runs/run-2"]));
    insta::assert_snapshot!("explained_inputs", told);
}

#[test]
fn a_result_that_is_gone_damaged_or_was_never_finished_is_told_as_that() {
    let mut told = String::new();
    let sandbox = Sandbox::new();
    sandbox.must_run(&[]);
    let record = fs_err::read_to_string(sandbox.path("runs/run/run.json")).expect("a record");
    let record: Value = serde_json::from_str(&record).expect("JSON");
    let manifest = |stage: usize| {
        let fingerprint = record["stages"][stage]["fingerprint"].as_str().expect("a fingerprint");
        sandbox.path("cache/actions").join(format!("{fingerprint}.json"))
    };
    fs_err::remove_file(manifest(2)).expect("a manifest to remove");
    told.push_str(&explained(&sandbox, &[]));
    fs_err::write(manifest(0), "{}").expect("a manifest to damage");
    told.push_str(&explained(&sandbox, &["train"]));

    let sandbox = Sandbox::new().with("TINY_TROUBLE", "quantize:fail");
    assert_eq!(sandbox.run(&[]).code, Some(12));
    told.push_str(&explained(&sandbox, &[]));
    told.push_str(&shown(&sandbox, &["explain", "runs/run"]));
    insta::assert_snapshot!("explained_results", told);
}

#[test]
fn of_a_folder_it_is_told_which_files_were_added_removed_and_changed() {
    let mut told = String::new();
    let sandbox = Sandbox::new();
    fs_err::create_dir(sandbox.path("data")).expect("a folder");
    for name in ["a", "b", "c", "d"] {
        sandbox.write(&format!("data/{name}.txt"), name);
    }
    let stages = "operation_mode: stages\nstages:\n  count:\n    command: ls {inputs.data} > {outputs.n.txt}\n    \
                  inputs: {data: data}\n    outputs: [n.txt]\nhydra: {run: {dir: runs/run}}\n";
    sandbox.write("chain.yaml", stages);
    sandbox.must_run(&[]);
    sandbox.write("data/b.txt", "other");
    sandbox.write("data/e.txt", "new");
    fs_err::remove_file(sandbox.path("data/c.txt")).expect("a file to remove");
    told.push_str(&explained(&sandbox, &[]));
    sandbox.must_run(&[]);
    told.push_str(&shown(&sandbox, &["explain", "runs/run-2"]));
    // Moved, and with another file: the path that names it is another.
    fs_err::rename(sandbox.path("data"), sandbox.path("moved")).expect("a folder to move");
    edit(&sandbox, "data: data", "data: moved");
    sandbox.write("moved/f.txt", "new");
    told.push_str(&explained(&sandbox, &[]));
    insta::assert_snapshot!("explained_files", told);
}

#[test]
fn a_change_to_the_command_line_of_an_own_program_is_told() {
    let mut told = String::new();
    let sandbox = Sandbox::new();
    let text = |count: u32| {
        format!(
            "operation_mode: stages\nstages:\n  one:\n    command: [touch, \"{{outputs.a}}\"]\n    outputs: [a]\n    \
             params: {{count: {count}}}\n  two:\n    command: cat {{inputs.0}} > {{outputs.b}}\n    inputs: [one/a]\n    \
             outputs: [b]\nhydra: {{run: {{dir: runs/run}}}}\n"
        )
    };
    sandbox.write("chain.yaml", &text(3));
    sandbox.must_run(&[]);
    sandbox.write("chain.yaml", &text(4));
    told.push_str(&explained(&sandbox, &["stages.two.command='cat {inputs.0} {inputs.0} > {outputs.b}'"]));
    insta::assert_snapshot!("explained_program", told);
}

#[test]
fn a_drawn_seed_is_named_as_the_reason() {
    let mut told = String::new();
    let sandbox = Sandbox::new();
    sandbox.must_run(&["general.global_seed=None"]);
    let text = explained(&sandbox, &["train", "general.global_seed=None"]);
    let shown: String = text
        .lines()
        .map(|line| match line.split_once("seed  ") {
            Some((before, after)) => {
                format!("{before}seed  SEEDS {}\n", after.rsplit_once("  ").map_or("", |(_, origin)| origin))
            }
            None => format!("{line}\n"),
        })
        .collect();
    told.push_str(&shown);
    insta::assert_snapshot!("explained_seed", told);
}

#[test]
fn the_plan_says_in_a_few_words_what_changed_when_it_is_asked() {
    let mut told = String::new();
    let sandbox = Sandbox::new();
    sandbox.must_run(&[]);
    told.push_str(&shown(
        &sandbox,
        &["plan", "chain.yaml", "--why", "training.epochs=9", "general.global_seed=3"],
    ));
    told.push_str(&shown(&sandbox, &["plan", "chain.yaml", "--why", "quantization.granularity=per_tensor"]));
    insta::assert_snapshot!("explained_plan", told);
}

#[test]
fn programs_get_all_of_it() {
    let sandbox = Sandbox::new();
    sandbox.must_run(&[]);
    let difference = difference(&sandbox, "train", &["training.epochs=6"]);
    let told = serde_json::to_string_pretty(&difference).expect("JSON");
    insta::assert_snapshot!("explained_json", told);
}

#[test]
fn what_cannot_be_explained_is_refused_with_what_there_is() {
    let mut told = String::new();
    let sandbox = Sandbox::new();
    sandbox.must_run(&[]);
    told.push_str(&explained(&sandbox, &["quantise"]));
    told.push_str(&shown(&sandbox, &["explain", "runs/run", "training.epochs=3"]));
    told.push_str(&shown(&sandbox, &["explain", "chain.yaml", "--against", "nothing"]));
    fs_err::remove_file(sandbox.path("runs/run/.hydra/keys.json")).expect("a file to remove");
    told.push_str(&shown(&sandbox, &["explain", "runs/run"]));
    // Of the file there is still the stored result to compare with.
    told.push_str(&explained(&sandbox, &["training.epochs=6"]));
    insta::assert_snapshot!("explained_refused", told);
}

#[test]
fn no_explanation_shows_a_secret() {
    let mut told = String::new();
    let stages = "operation_mode: stages\nstages:\n  say:\n    command: echo {params.token} > {outputs.o}\n    \
                  outputs: [o]\n    params: {token: \"x-${oc.env:TOKEN}\"}\nhydra: {run: {dir: runs/run}}\n";
    let sandbox = Sandbox::new().with("TOKEN", "first-secret");
    sandbox.write("chain.yaml", stages);
    sandbox.must_run(&[]);
    let sandbox = sandbox.with("TOKEN", "second-secret");
    let shown = explained(&sandbox, &[]);
    told.push_str(&shown);
    sandbox.must_run(&[]);
    for line in [
        &["explain", "chain.yaml"][..],
        &["explain", "runs/run-2"],
        &["explain", "runs/run-2", "--format", "json"],
    ] {
        let shown = said(&sandbox, line);
        assert!(!shown.contains("-secret"), "{shown}");
    }
    insta::assert_snapshot!("explained_secrets", told);
}

#[test]
fn what_variants_share_ran_once_and_its_result_is_there() {
    let sandbox = Sandbox::new();
    let values = "quantization.granularity=per_tensor,per_channel";
    let swept = end(sandbox.start(&["sweep", "chain.yaml", values, "--jobs", "1"]));
    assert_eq!(swept.code, Some(0), "{swept:?}");
    let told = shown(&sandbox, &["explain", "runs/run/1"]);
    insta::assert_snapshot!("explained_variant", told);
    let json = said(&sandbox, &["explain", "runs/run/1", "train", "--format", "json"]);
    assert!(json.contains("\"reason\": \"shared\""), "{json}");
}
