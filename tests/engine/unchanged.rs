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

/// Own programs: a script and one in the path. They read a folder, a file and a variable; `table` is just a word.
const COMMANDS: &str = "\
operation_mode: stages
stages:
  clean:
    command: sh clean.sh {inputs.data} > {outputs.clean.txt}; echo mode $MODE >> {outputs.clean.txt}
    inputs: {data: data, extra: extra.txt}
    outputs: [clean.txt]
    environment: [MODE]
    params: {rate: 1}
  count:
    command: mine {inputs.0} table > {outputs.count.txt}
    inputs: [clean/clean.txt]
    outputs: [count.txt]
";

const FOLDER: &str = "hydra: {run: {dir: runs/run}}\n";

/// Sandboxes with these configurations, in which a program `mine` is in the path, old enough for files to be known by their
/// stamps.
fn sandboxes(configurations: &[String]) -> Vec<Sandbox> {
    let sandbox = |configuration: &String| {
        let sandbox = Sandbox::new();
        for folder in ["data", "bin", "other"] {
            fs_err::create_dir(sandbox.path(folder)).expect("a folder");
        }
        for (path, text) in [
            ("chain.yaml", configuration.as_str()),
            ("clean.sh", "cat \"$1\"/*\n"),
            ("data/a.csv", "1\n"),
            ("data/b.csv", "2\n"),
            ("extra.txt", "x\n"),
            ("bin/mine", "#!/bin/sh\nwc -l < \"$1\"\n"),
        ] {
            sandbox.write(path, text);
        }
        runnable(&sandbox, "bin/mine");
        let [other, bin] = ["other", "bin"].map(|folder| sandbox.path(folder).display().to_string());
        let path = format!("{other}:{bin}:{}", std::env::var("PATH").expect("a path"));
        sandbox.with("PATH", &path).with("PIPELINE_LOG", "pipeline=debug")
    };
    let sandboxes = configurations.iter().map(sandbox).collect();
    std::thread::sleep(std::time::Duration::from_millis(2100));
    sandboxes
}

fn runnable(sandbox: &Sandbox, path: &str) {
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    fs_err::set_permissions(sandbox.path(path), mode).expect("a program");
}

/// Whether the command does nothing, and whether it knows that at a glance.
fn nothing_to_do(sandbox: &Sandbox) -> (bool, bool) {
    let before = sandbox.runs();
    let Ended { code, stdout, stderr, .. } = sandbox.run_again(&[]);
    assert_eq!(code, Some(0), "{stderr}");
    let nothing = stdout.starts_with("nothing to do: all 2 results are stored");
    assert_eq!(sandbox.runs() == before, nothing, "{stdout}");
    (nothing, stderr.contains("known at a glance"))
}

const AT_A_GLANCE: (bool, bool) = (true, true);

/// What happens between two commands.
type Edit = fn(&Sandbox);

fn objects(sandbox: &Sandbox) -> Vec<std::path::PathBuf> {
    let folders = fs_err::read_dir(sandbox.path("cache/objects")).expect("a folder").flatten();
    folders
        .flat_map(|folder| fs_err::read_dir(folder.path()).expect("a folder").flatten())
        .map(|object| object.path())
        .collect()
}

#[test]
fn whatever_changes_is_noticed_by_a_command_that_would_know_at_a_glance_that_there_is_nothing_to_do() {
    let cases: &[(&str, Edit, &[&str])] = &[
        ("an edited file of a folder", |it| it.write("data/a.csv", "7\n"), &["clean", "count"]),
        ("a new file in a folder", |it| it.write("data/c.csv", "3\n"), &["clean", "count"]),
        (
            "a file that is gone from a folder",
            |it| fs_err::remove_file(it.path("data/b.csv")).expect("a file"),
            &["clean", "count"],
        ),
        ("an edited file", |it| it.write("extra.txt", "y\n"), &["clean"]),
        ("an edited script", |it| it.write("clean.sh", "cat \"$1\"/*; echo more\n"), &["clean", "count"]),
        ("an edited program", |it| it.write("bin/mine", "#!/bin/sh\nwc -c < \"$1\"\n"), &["count"]),
        (
            "another program of the name, before it in the path",
            |it| {
                it.write("other/mine", "#!/bin/sh\necho other\n");
                runnable(it, "other/mine");
            },
            &["count"],
        ),
        ("a file where a word was", |it| it.write("table", "of contents\n"), &["count"]),
        (
            "an edited configuration",
            |it| it.write("chain.yaml", &(COMMANDS.replace("rate: 1", "rate: 2") + FOLDER)),
            &["clean"],
        ),
        ("an edited result", |it| it.write("runs/run/clean/clean.txt", "edited\n"), &[]),
        (
            "lost objects",
            |it| objects(it).into_iter().for_each(|object| fs_err::remove_file(object).expect("an object")),
            &["clean", "count"],
        ),
        (
            "an object that is cut off",
            |it| {
                let object = objects(it).into_iter().next().expect("an object");
                fs_err::remove_file(&object).expect("an object");
                fs_err::write(object, "").expect("a file");
            },
            &["clean", "count"],
        ),
        (
            "lost results",
            |it| fs_err::remove_dir_all(it.path("cache/actions")).expect("a folder"),
            &["clean", "count"],
        ),
    ];
    let sandboxes = sandboxes(&vec![COMMANDS.to_owned() + FOLDER; cases.len()]);
    for ((what, edit, expected), sandbox) in cases.iter().zip(&sandboxes) {
        assert_eq!(nothing_to_do(sandbox), (false, false), "{what}: at first");
        assert_eq!(nothing_to_do(sandbox), AT_A_GLANCE, "{what}: before");
        edit(sandbox);
        assert_eq!(nothing_to_do(sandbox), (false, false), "{what}");
        let executed = sandbox.executed(&sandbox.last_run());
        match *what {
            // It is found when it is read.
            "an object that is cut off" => assert!(!executed.is_empty(), "{what}"),
            _ => assert_eq!(executed, *expected, "{what}"),
        }
        assert!(nothing_to_do(sandbox).0, "{what}: afterwards");
    }
}

#[test]
fn a_variable_that_a_program_gets_is_noticed_and_a_file_that_is_no_program_is_not() {
    let sandbox = sandboxes(&[COMMANDS.to_owned() + FOLDER]).pop().expect("a sandbox");
    nothing_to_do(&sandbox);
    assert_eq!(nothing_to_do(&sandbox), AT_A_GLANCE);
    let sandbox = sandbox.with("MODE", "fast");
    assert_eq!(nothing_to_do(&sandbox), (false, false));
    assert_eq!(sandbox.executed(&sandbox.last_run()), ["clean", "count"]);
    assert_eq!(nothing_to_do(&sandbox), AT_A_GLANCE);
    let sandbox = sandbox.without("MODE");
    // The folder of the first run still has all that belongs there.
    assert_eq!(nothing_to_do(&sandbox), (true, false));
    assert_eq!(nothing_to_do(&sandbox), AT_A_GLANCE);
    sandbox.write("other/mine", "of no use\n");
    assert_eq!(nothing_to_do(&sandbox), (true, false));
    let path = format!("{}:{}", sandbox.path("bin").display(), std::env::var("PATH").expect("a path"));
    let sandbox = sandbox.with("PATH", &path);
    assert_eq!(nothing_to_do(&sandbox), (true, false), "another path to the same programs");
    assert_eq!(nothing_to_do(&sandbox), AT_A_GLANCE);
    let ended = sandbox.run_again(&["--new-folder"]);
    assert!(!ended.stdout.contains("nothing to do"), "{ended:?}");
}

#[test]
fn a_value_that_tells_the_time_is_never_known_at_a_glance_but_for_the_name_of_the_folder() {
    let never = [
        COMMANDS.replace("rate: 1", "rate: '${now:%H%M%S%f}'") + FOLDER,
        COMMANDS.replace("rate: 1", "rate: '${hydra.run.dir}'") + "hydra: {run: {dir: 'runs/${now:run}'}}\n",
        COMMANDS.to_owned() + "general: {global_seed: None}\n" + FOLDER,
    ];
    for sandbox in sandboxes(&never) {
        for _ in 0..3 {
            assert!(!nothing_to_do(&sandbox).1);
        }
    }
    let sandbox = sandboxes(&[COMMANDS.to_owned() + "hydra: {run: {dir: 'runs/${now:run}'}}\n"]).remove(0);
    nothing_to_do(&sandbox);
    assert_eq!(nothing_to_do(&sandbox), AT_A_GLANCE);
}

#[test]
fn a_configuration_that_comes_through_a_pipe_is_read_once() {
    let sandbox = sandboxes(&[COMMANDS.to_owned() + FOLDER]).remove(0);
    let mut child = sandbox.command(&["run", "/dev/stdin"]);
    let (reader, mut writer) = std::io::pipe().expect("a pipe");
    let child = child.stdin(reader).spawn().expect("a child");
    std::io::Write::write_all(&mut writer, (COMMANDS.to_owned() + FOLDER).as_bytes()).expect("written");
    drop(writer);
    let ended = super::sandbox::end(child);
    assert_eq!(ended.code, Some(0), "{ended:?}");
}
