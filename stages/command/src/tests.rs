//! What entries become, and what command lines stand for.

use crate::{
    Command,
    shell::{quoted, words},
};
use contract::{
    ArtifactKind, CommandLine, Declared, Entry, Input, InputContent, Issue, Runtime, Stage,
    config::{Inputs, StageEntry, Words},
    protocol::{self, Request},
};
use proptest::prelude::*;
use serde_json::json;
use std::{collections::BTreeMap, path::PathBuf, process};

fn entry(command: Words) -> StageEntry {
    StageEntry {
        command: Some(command),
        inputs: Inputs([("data".to_owned(), "data/raw.csv".to_owned())].into_iter().collect()),
        outputs: vec!["clean.csv".to_owned()],
        params: [("rate".to_owned(), json!(0.5)), ("who".to_owned(), json!("it's me"))].into_iter().collect(),
        ..StageEntry::default()
    }
}

fn shell(line: &str) -> StageEntry {
    entry(Words::Shell(line.to_owned()))
}

fn list(words: &[&str]) -> StageEntry {
    entry(Words::List(words.iter().map(ToString::to_string).collect()))
}

fn declare(spec: &StageEntry) -> Result<Declared, Vec<Issue>> {
    Command.declare(&Entry { name: "clean", spec }).expect("a command is what its entry says")
}

fn messages(spec: &StageEntry) -> Vec<(String, String)> {
    let issues = declare(spec).expect_err("mistakes");
    issues.into_iter().map(|issue| (issue.key, issue.message)).collect()
}

/// The command line of an attempt whose folder is `/out` and whose one input is `/in/raw data.csv`.
fn command_line(spec: &StageEntry) -> CommandLine {
    let declared = declare(spec).unwrap_or_else(|issues| panic!("{issues:?}"));
    let content =
        InputContent::File { name: "raw data.csv".to_owned(), path: PathBuf::from("/in/raw data.csv") };
    let request = Request {
        protocol: protocol::VERSION,
        stage: "command".to_owned(),
        settings: declared.settings,
        inputs: BTreeMap::from([("data".to_owned(), Input { kind: ArtifactKind::File, content })]),
        out: PathBuf::from("/out"),
        partial: PathBuf::from("/partial"),
        live: None,
        runtime: Runtime { threads: 1, attempt: 1 },
    };
    Command.program(&request).expect("settings of its own").expect("a program").command
}

#[test]
fn names_in_a_line_for_the_shell_become_quoted_paths_and_values() {
    let spec =
        shell("sh run.sh {inputs.data} -o {outputs.clean.csv} --rate {params.rate} {params.who} {x} ${HOME}");
    let line = r"sh run.sh '/in/raw data.csv' -o /out/clean.csv --rate 0.5 'it'\''s me' {x} ${HOME}";
    assert_eq!(command_line(&spec), CommandLine::Shell(line.into()));
}

#[test]
fn names_in_a_list_of_words_become_paths_and_values_as_they_are() {
    let spec = list(&["cp", "{inputs.data}", "--target={outputs.clean.csv}", "{inputs}"]);
    let words = ["cp", "/in/raw data.csv", "--target=/out/clean.csv", "/in/raw data.csv"];
    assert_eq!(command_line(&spec), CommandLine::Words(words.map(Into::into).to_vec()));
}

#[test]
fn the_program_and_the_files_that_a_command_line_names_are_inputs() {
    let folder = tempfile::tempdir().expect("a folder");
    let script = folder.path().join("it's a script.py");
    fs_err::write(&script, "print()").expect("a script");
    let script = script.display().to_string();
    let ports = |spec: &StageEntry| -> Vec<String> {
        let declared = declare(spec).unwrap_or_else(|issues| panic!("{issues:?}"));
        assert!(declared.sources.keys().all(|port| declared.inputs.iter().any(|input| input.name == *port)));
        declared.sources.into_keys().collect()
    };
    let program = format!("program {script}");
    assert_eq!(ports(&list(&["sh", &script, "no/such/file"])), [program.clone(), "program sh".to_owned()]);
    let line = format!("A=1 sh {} && cat < x | sort", quoted(&script));
    assert_eq!(ports(&shell(&line)), [&program, "program cat", "program sh", "program sort"]);
}

#[test]
fn the_path_of_an_input_is_in_no_key_and_a_listed_variable_is() {
    let mut spec = shell("cp {inputs.data} {outputs.clean.csv}");
    let settings = |spec: &StageEntry| declare(spec).map(|declared| declared.settings);
    let before = settings(&spec);
    spec.inputs.0.insert("data".to_owned(), "elsewhere/raw.csv".to_owned());
    assert_eq!(settings(&spec), before);
    spec.environment = vec!["PATH".to_owned()];
    assert_ne!(settings(&spec), before);
    let text = serde_json::to_string(&settings(&spec).expect("settings")).expect("JSON");
    assert!(!text.contains("/bin"), "a value of the environment may be a secret: {text}");
}

#[test]
fn every_mistake_of_an_entry_is_told_at_its_key() {
    assert_eq!(
        messages(&StageEntry::default()),
        [("command".to_owned(), "`command` is missing: there is nothing to run".to_owned())]
    );
    let mut spec = list(&["no-such-program", "{inputs.date}", "{params.rates}", "{outputs.x}"]);
    spec.outputs = ["a.txt", "/b", "../c", "a.txt", "a.txt/d", "", "./e"].map(str::to_owned).to_vec();
    spec.environment = ["A=1", "1A", "GOOD"].map(str::to_owned).to_vec();
    let found = messages(&spec);
    let keys: Vec<&str> = found.iter().map(|(key, _)| key.as_str()).collect();
    assert_eq!(
        keys,
        [
            "outputs[1]",
            "outputs[2]",
            "outputs[3]",
            "outputs[4]",
            "outputs[5]",
            "outputs[6]",
            "environment[0]",
            "environment[1]",
            "command[1]",
            "command[2]",
            "command[3]",
            "command[0]",
        ],
        "{found:#?}"
    );
}

#[test]
fn a_mistyped_name_has_the_nearest_one_for_help() {
    let issues = declare(&shell("cat {inputs.dta}")).expect_err("a mistyped name");
    assert_eq!(issues[0].message, "`{inputs.dta}` stands for nothing: `inputs` has no `dta`");
    assert_eq!(issues[0].help.as_deref(), Some("did you mean `{inputs.data}`?"));
}

#[test]
fn words_know_where_a_commands_name_stands() {
    let commands = |line: &str| -> Vec<String> {
        words(line)
            .into_iter()
            .filter(|word| word.is_command && !word.text.contains('='))
            .map(|word| word.text)
            .collect()
    };
    assert_eq!(commands("a b; c|d && X=1 e 'f g' (h)"), ["a", "c", "d", "e", "h"]);
    assert_eq!(commands("a > out b\nc"), ["a", "c"]);
    assert_eq!(commands("> out a"), ["a"]);
    let all = |line: &str| words(line).into_iter().map(|word| word.text).collect::<Vec<_>>();
    assert_eq!(all("a <in 2>errors b>> 'the log' c>d"), ["a", "in", "2", "b", "c"]);
    assert_eq!(commands(r#""my prog" \a"#), ["my prog"]);
}

proptest! {
    #[test]
    fn the_shell_reads_back_what_was_quoted(text in "[ -~\n\t\u{e4}\u{1f600}]{0,40}") {
        let out = process::Command::new("sh").arg("-c").arg(format!("printf %s {}", quoted(&text))).output();
        let out = out.expect("a shell");
        prop_assert_eq!(String::from_utf8_lossy(&out.stdout), text.as_str());
        let read: Vec<String> = words(&quoted(&text)).into_iter().map(|word| word.text).collect();
        prop_assert_eq!(read, vec![text]);
    }

    #[test]
    fn no_line_is_too_strange_to_be_read(line in any::<String>()) {
        words(&line);
        declare(&shell(&line)).ok();
    }
}
