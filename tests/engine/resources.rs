//! Who works when: cores, memory, jobs, exclusive stages, and runs side by side.

use super::{
    programs::{RUN, must_run, own, run, text},
    sandbox::{Sandbox, end, id, send, wait_until},
};
use contract::EventKind;
use rustix::process::Signal;

/// Entries that note in the file `log` when they begin and when they end. `$PWD` hides that file from the engine, which
/// would take it for an input.
fn noting(names: &[&str]) -> String {
    let entry = |name: &&str| {
        format!("  {name}: {{command: 'echo +{name} >> $PWD/log; sleep 0.1; echo -{name} >> $PWD/log'}}\n")
    };
    names.iter().map(entry).collect()
}

fn notes(sandbox: &Sandbox) -> Vec<String> {
    let text = fs_err::read_to_string(sandbox.path("log")).unwrap_or_default();
    text.lines().map(str::to_owned).collect()
}

/// How many worked at a time, at most.
fn most_at_once(notes: &[String]) -> i32 {
    let step = |now: &mut i32, note: &String| {
        *now += if note.starts_with('+') { 1 } else { -1 };
        Some(*now)
    };
    notes.iter().scan(0, step).max().unwrap_or(0)
}

#[test]
fn commands_work_side_by_side_as_far_as_there_are_cores() {
    let meeting = |name: &str| {
        format!(
            "  {name}: {{command: 'touch met.{name}; until test $(ls met.* | wc -l) -eq 3; do sleep 0.01; done', timeout: 50 s}}\n"
        )
    };
    let sandbox = own(&["a", "b", "c"].map(meeting).concat());
    must_run(&sandbox, &["--threads", "3"]);

    let sandbox = own(&noting(&["a", "b", "c", "d", "e", "f"]));
    must_run(&sandbox, &["--threads", "2"]);
    assert_eq!((notes(&sandbox).len(), most_at_once(&notes(&sandbox))), (12, 2));

    let sandbox = own(&noting(&["a", "b", "c"]));
    must_run(&sandbox, &["--threads", "2", "--jobs", "1"]);
    assert_eq!(notes(&sandbox), ["+a", "-a", "+b", "-b", "+c", "-c"], "in the order of the file");
}

#[test]
fn a_stage_is_told_the_cores_it_was_granted() {
    let entries = "  \
  one: {command: 'echo $PIPELINE_THREADS > {outputs.n}', outputs: [n]}
  two: {command: 'echo $PIPELINE_THREADS > {outputs.n} # 2', outputs: [n], resources: {cores: 2}}
  many: {command: 'echo $PIPELINE_THREADS > {outputs.n} # 99', outputs: [n], resources: {cores: 99}}
";
    let sandbox = own(entries);
    must_run(&sandbox, &["--threads", "3"]);
    let granted = ["one", "two", "many"].map(|name| text(&sandbox, "run", &format!("{name}/n")));
    assert_eq!(granted, ["1\n", "2\n", "3\n"]);
}

#[test]
fn a_claim_of_more_memory_than_the_machine_has_is_an_error_before_anything_runs() {
    let sandbox = own("  a: {command: 'true', resources: {memory: 4000000 GiB}}\n");
    let ended = run(&sandbox, &[]);
    assert_eq!(ended.code, Some(11), "{ended:?}");
    for words in ["machine::memory", "`a` claims 3906 TiB of memory", "stages.a.resources.memory"] {
        assert!(ended.stderr.contains(words), "{words}: {}", ended.stderr);
    }
    assert_eq!(sandbox.runs(), Vec::<String>::new());
}

#[test]
fn an_exclusive_stage_comes_last_and_works_alone() {
    let exclusive = "  first: {command: 'echo +first >> $PWD/log; sleep 0.1; echo -first >> $PWD/log', resources: {exclusive: true}}\n";
    let behind = "  behind: {command: 'echo +behind >> $PWD/log; echo -behind >> $PWD/log', needs: [a]}\n";
    let sandbox = own(&format!("{exclusive}{}{behind}", noting(&["a", "b"])));
    let folder = sandbox.path("").display().to_string();
    let sandbox = sandbox.with("TMPDIR", &folder);
    must_run(&sandbox, &["--threads", "4"]);
    let notes = notes(&sandbox);
    assert_eq!(notes.len(), 8);
    assert_eq!(notes[6..], ["+first", "-first"], "{notes:?}");
}

/// Holds the lock of the machine for who has its temporary files in this sandbox.
fn occupy(sandbox: &Sandbox) -> fs_err::File {
    let user = rustix::process::getuid().as_raw();
    let file =
        fs_err::File::create(sandbox.path(&format!("pipeline-exclusive-{user}.lock"))).expect("a file");
    file.file().lock().expect("a lock");
    file
}

#[test]
fn an_exclusive_stage_waits_for_the_machine_and_says_so_once() {
    let sandbox = own("  a: {command: 'true', resources: {exclusive: true}}\n");
    let folder = sandbox.path("").display().to_string();
    let sandbox = sandbox.with("TMPDIR", &folder);
    let words = "another run measures time on this machine";
    let lock = occupy(&sandbox);
    let engine = sandbox.start(&RUN);
    sandbox.wait_for(words);
    send(id(&engine), Signal::INT);
    assert_eq!(end(engine).code, Some(13));

    let engine = sandbox.start(&RUN);
    wait_until("a second run", || sandbox.runs().len() == 2);
    sandbox.wait_for(words);
    std::thread::sleep(std::time::Duration::from_millis(500));
    drop(lock);
    assert_eq!(end(engine).code, Some(0));
    let notes = sandbox
        .events("run-2")
        .into_iter()
        .filter(|event| matches!(&event.kind, EventKind::Note { message, .. } if message.contains(words)));
    assert_eq!(notes.count(), 1);
    assert_eq!(sandbox.executed("run-2"), ["a"]);
}

#[test]
fn equal_stages_of_several_runs_and_of_one_are_run_once() {
    let entries = noting(&["a", "b", "c"])
        + "  again: {command: 'echo +a >> $PWD/log; sleep 0.1; echo -a >> $PWD/log'}\n";
    let sandbox = own(&entries);
    let runs = [(); 3].map(|()| sandbox.start(&[&RUN[..], &["--threads", "4"]].concat()));
    for run in runs {
        let ended = end(run);
        assert_eq!(ended.code, Some(0), "{ended:?}");
    }
    let mut notes = notes(&sandbox);
    notes.sort();
    assert_eq!(notes, ["+a", "+b", "+c", "-a", "-b", "-c"]);
}

#[test]
fn a_stage_that_waits_for_another_run_holds_no_core() {
    let slow =
        "  slow: {command: 'echo slow >> $PWD/log; until test -e go; do sleep 0.01; done', timeout: 50 s}\n";
    let sandbox = own(slow);
    let first = sandbox.start(&RUN);
    wait_until("the first run", || notes(&sandbox) == ["slow"]);
    sandbox.write(
        "own.yaml",
        &format!("operation_mode: stages\nstages:\n{slow}  quick: {{command: 'echo quick >> $PWD/log'}}\n"),
    );
    let second = sandbox.start(&[&RUN[..], &["--threads", "1"]].concat());
    wait_until("the stage behind", || notes(&sandbox) == ["slow", "quick"]);
    sandbox.write("go", "");
    assert_eq!((end(first).code, end(second).code), (Some(0), Some(0)));
    assert_eq!(notes(&sandbox), ["slow", "quick"]);
    assert_eq!(sandbox.executed("run-2"), ["quick"]);
}
