//! The same command again, when a finished run has everything: nothing is done, and no folder is made.

use super::sandbox::{Ended, Sandbox};
use contract::{Event, EventKind};

const NOTHING: &str = "nothing to do: all 3 results are stored; results are in runs/run\n";

fn must_be_unchanged(sandbox: &Sandbox, changes: &[&str]) {
    let Ended { code, stdout, .. } = sandbox.run_again(changes);
    assert_eq!((code, stdout.ends_with(NOTHING)), (Some(0), true), "{stdout}");
    assert_eq!(sandbox.runs(), ["run"]);
}

/// A new run folder is made, in which no stage runs.
fn must_make_a_folder(sandbox: &Sandbox, changes: &[&str]) {
    let before = sandbox.runs().len();
    let Ended { code, stdout, .. } = sandbox.run_again(changes);
    assert_eq!((code, stdout.contains("nothing to do")), (Some(0), false), "{stdout}");
    assert_eq!(sandbox.runs().len(), before + 1);
    assert!(sandbox.executed(&sandbox.last_run()).is_empty());
}

#[test]
fn the_same_command_again_says_where_the_results_are_and_what_was_measured() {
    let sandbox = Sandbox::new();
    sandbox.must_run(&[]);
    let Ended { code, stdout, stderr, .. } = sandbox.run_again(&[]);
    assert_eq!((code, stderr.as_str()), (Some(0), ""));
    insta::assert_snapshot!(stdout);
    let quiet = sandbox.run_again(&["--quiet"]);
    assert_eq!(quiet.stdout, NOTHING);
    assert_eq!(sandbox.runs(), ["run"]);
}

#[test]
fn a_changed_or_lost_file_of_the_results_and_another_command_make_a_new_folder() {
    let sandbox = Sandbox::new();
    sandbox.must_run(&[]);
    must_be_unchanged(&sandbox, &[]);
    must_make_a_folder(&sandbox, &["--new-folder"]);

    let sandbox = Sandbox::new();
    sandbox.must_run(&[]);
    let (model, _) = sandbox.results("run").pop_first().expect("a file");
    sandbox.write(&format!("runs/run/{model}"), "edited");
    must_make_a_folder(&sandbox, &[]);
    // Which is the one that has everything from now on.
    assert!(sandbox.run_again(&[]).stdout.contains("results are in runs/run-2"));

    fs_err::remove_dir_all(sandbox.path("runs/run-2")).expect("a folder");
    must_make_a_folder(&sandbox, &[]);
    must_make_a_folder(&sandbox, &["general.logs_dir=protocols"]);
}

#[test]
fn an_environment_variable_that_the_file_names_and_a_lost_file_of_the_run_make_a_new_folder() {
    let (folder, sandbox) = ("hydra.run.dir='runs/${oc.env:PLACE}'", Sandbox::new().with("PLACE", "one"));
    assert_eq!(sandbox.run_again(&[folder]).code, Some(0));
    let sandbox = sandbox.with("PLACE", "two");
    assert_eq!(sandbox.run_again(&[folder]).code, Some(0));
    assert!(sandbox.path("runs/two/run.json").exists());
    assert!(sandbox.run_again(&[folder]).stdout.contains("results are in runs/two"));
    for own in ["events.jsonl", "run.json", ".hydra/config.yaml"] {
        fs_err::remove_file(sandbox.path("runs/two").join(own)).expect("a file");
        let again = sandbox.run_again(&[folder]);
        assert_eq!(again.code, Some(0), "{again:?}");
        assert!(again.stdout.contains("done in"), "{again:?}");
        fs_err::remove_dir_all(sandbox.path("runs/two")).expect("a folder");
        let newest = sandbox.path("runs/two-2");
        fs_err::rename(newest, sandbox.path("runs/two")).expect("a folder");
        assert!(
            sandbox.run_again(&[folder]).stdout.contains("done in"),
            "a folder that was moved is another"
        );
        fs_err::remove_dir_all(sandbox.path("runs/two")).expect("a folder");
        fs_err::rename(sandbox.path("runs/two-2"), sandbox.path("runs/two")).expect("a folder");
    }
}

#[test]
fn a_result_that_is_gone_from_the_store_is_made_again() {
    let sandbox = Sandbox::new();
    sandbox.must_run(&[]);
    for folder in ["actions", "objects"] {
        fs_err::remove_dir_all(sandbox.path("cache").join(folder)).expect("a folder");
        let ended = sandbox.run_again(&[]);
        assert_eq!(ended.code, Some(0), "{ended:?}");
        assert_eq!(sandbox.executed(&sandbox.last_run()), ["train", "quantize", "evaluate"]);
    }
}

#[test]
fn a_program_hears_the_results_again_as_those_of_a_run_that_finds_everything_stored() {
    let sandbox = Sandbox::new();
    sandbox.must_run(&[]);
    let hits = sandbox.run(&["--format", "json"]);
    let again = sandbox.run_again(&["--format", "json"]);
    let events = |ended: &Ended| -> Vec<Event> {
        let lines = ended.stdout.lines().map(|line| serde_json::from_str::<Event>(line).expect("an event"));
        let seconds = |kind| match kind {
            EventKind::RunStarted { format, operation_mode, .. } => {
                EventKind::RunStarted { format, operation_mode, run: String::new() }
            }
            EventKind::RunFinished { outcome, .. } => EventKind::RunFinished { outcome, seconds: 0.0 },
            kind => kind,
        };
        lines.map(|event| Event { at: String::new(), kind: seconds(event.kind), ..event }).collect()
    };
    let sorted = |mut events: Vec<Event>| {
        events.sort_by_key(|event| (event.stage.clone(), event.seq));
        events
            .into_iter()
            .map(|event| (event.stage, event.attempt, event.cached, event.kind))
            .collect::<Vec<_>>()
    };
    assert_eq!(sorted(events(&again)), sorted(events(&hits)));
}
