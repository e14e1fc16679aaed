//! `kill -9` at every named point, then the same command again.

use super::workspace::{Run, Workspace, text};
use std::collections::BTreeMap;

/// Every point at which a chain can be killed, each of which this chain passes.
fn points() -> Vec<String> {
    // Nothing is found in the built-in data, and at once, which is not remembered; nothing is a hit; no file of a user's is
    // read, nor anything cleared away.
    let passed = |point: &&&str| {
        !["store::verdict", "store::restore", "cache::"].iter().any(|other| point.starts_with(other))
    };
    let engine = pipeline::store::failpoint::FAIL_POINTS.iter().filter(passed);
    let engine = engine.map(|point| format!("{point}:1"));
    // Checkpoints and models are written after each of the two epochs; the end comes once.
    let visits = |point: &str| if point == "train::before_outputs" { 1 } else { 2 };
    let train = train::FAIL_POINTS
        .iter()
        .flat_map(|point| (1..=visits(point)).map(move |visit| format!("{point}:{visit}")));
    engine.chain(train).collect()
}

#[test]
fn a_chain_killed_at_any_point_ends_with_the_same_bytes_when_run_again() {
    let undisturbed = Workspace::new().done("run", &[]).artifacts();
    for point in points() {
        let workspace = Workspace::new();
        let killed =
            workspace.command("killed", &[]).env("PIPELINE_FAILPOINT", &point).output().expect("it starts");
        assert!(!killed.status.success(), "nothing passed {point}: {}", text(&killed));
        let finished = finished(&workspace.open("killed"));

        let again = workspace.done("again", &[]);
        same(&undisturbed, &again.artifacts(), &point);
        let started = again.stages("stage_started");
        for stage in finished {
            assert!(
                !started.contains(&stage),
                "{stage} was finished before the kill at {point}, yet ran again"
            );
        }
    }
}

/// Stages of a killed run whose result was announced, and so must be in the store.
fn finished(run: &Run) -> Vec<String> {
    if run.folder.join("events.jsonl").exists() {
        run.stages("stage_finished").into_iter().collect()
    } else {
        Vec::new()
    }
}

fn same(expected: &BTreeMap<String, Vec<u8>>, found: &BTreeMap<String, Vec<u8>>, point: &str) {
    assert_eq!(
        expected.keys().collect::<Vec<_>>(),
        found.keys().collect::<Vec<_>>(),
        "other files after a kill at {point}"
    );
    for (path, bytes) in expected {
        assert!(bytes == &found[path], "{path} has other bytes after a kill at {point}");
    }
}
