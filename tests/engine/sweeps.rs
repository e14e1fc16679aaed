//! Many variants as one plan.

use super::sandbox::{Sandbox, end, wait_until};
use rustix::process::Signal;
use serde_json::Value;
use std::{collections::BTreeMap, thread, time::Duration};

/// Two stages: the first is slow and shared, and each execution leaves a line in `executions`.
const COMMANDS: &str = "\
operation_mode: stages
stages:
  train:
    command: echo train >> $COUNT; sleep $PAUSE; echo {params.rate} > {outputs.model.txt}
    environment: []
    outputs: [model.txt]
    params: {rate: 1}
  quantize:
    command: echo quantize >> $COUNT; test {params.bits} != 13 && cat {inputs.model} > {outputs.int.txt} && echo {params.bits} >> {outputs.int.txt}
    inputs: {model: train/model.txt}
    outputs: [int.txt]
    params: {bits: 8}
  evaluate:
    command: 'echo evaluate >> $COUNT; cp {inputs.model} {outputs.score.txt}; echo ''{\"event\": \"metric\", \"name\": \"score\", \"value\": {params.scale}}'''
    inputs: {model: quantize/int.txt}
    outputs: [score.txt]
    params: {scale: 0.5}
hydra:
  run:
    dir: runs/run
";

/// A sandbox with `stages.yaml`, whose commands note their executions.
fn commands() -> Sandbox {
    let sandbox = Sandbox::new();
    let count = sandbox.path("executions");
    sandbox.write(
        "stages.yaml",
        &COMMANDS.replace("$COUNT", count.to_str().expect("a path")).replace("$PAUSE", "0.3"),
    );
    sandbox
}

/// How often each stage was executed.
fn executions(sandbox: &Sandbox) -> BTreeMap<String, usize> {
    let text = fs_err::read_to_string(sandbox.path("executions")).unwrap_or_default();
    text.lines().fold(BTreeMap::new(), |mut counts, line| {
        *counts.entry(line.to_owned()).or_default() += 1;
        counts
    })
}

fn counts(pairs: &[(&str, usize)]) -> BTreeMap<String, usize> {
    pairs.iter().map(|(name, count)| ((*name).to_owned(), *count)).collect()
}

fn record(sandbox: &Sandbox, sweep: &str) -> Value {
    let text =
        fs_err::read_to_string(sandbox.path("runs").join(sweep).join("sweep.json")).expect("sweep.json");
    serde_json::from_str(&text).expect("a record")
}

fn outcomes(sandbox: &Sandbox, sweep: &str) -> Vec<String> {
    let record = record(sandbox, sweep);
    let variants = record["variants"].as_array().expect("variants");
    variants.iter().map(|variant| variant["outcome"].as_str().expect("a word").to_owned()).collect()
}

/// Without what is different each time.
fn stable(sandbox: &Sandbox, text: &str) -> String {
    let text = text.replace(sandbox.path("").to_str().expect("a path").trim_end_matches('/'), "SANDBOX");
    let lines = text.lines().map(|line| {
        let Some((before, after)) = line.split_once(" after ") else { return line.to_owned() };
        match after.split_once("; results") {
            Some((_, rest)) => format!("{before} after SECONDS; results{rest}"),
            None => line.to_owned(),
        }
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn each_variant_leaves_what_its_own_run_would_have_left_and_what_they_share_runs_once() {
    let sandbox = Sandbox::new();
    let values = ["training.epochs=2,4", "quantization.granularity=per_tensor,per_channel"];
    let swept = end(sandbox.start(&[&["sweep", "chain.yaml"], &values[..]].concat()));
    assert_eq!(swept.code, Some(0), "{swept:?}");
    insta::assert_snapshot!("table", stable(&sandbox, &swept.stdout));
    let started = |variant: usize| sandbox.executed(&format!("run/{variant}"));
    assert_eq!(started(0), ["train", "quantize", "evaluate"]);
    for (number, overrides) in [
        ["training.epochs=2", "quantization.granularity=per_tensor"],
        ["training.epochs=2", "quantization.granularity=per_channel"],
        ["training.epochs=4", "quantization.granularity=per_tensor"],
        ["training.epochs=4", "quantization.granularity=per_channel"],
    ]
    .iter()
    .enumerate()
    {
        let alone = Sandbox::new();
        alone.must_run(overrides);
        let (sweep, alone_files) = (format!("run/{number}"), alone.files("run"));
        assert_eq!(sandbox.results(&sweep), alone.results("run"));
        let files = sandbox.files(&sweep);
        for name in [".hydra/config.yaml", ".hydra/overrides.yaml"] {
            assert_eq!(files[name], alone_files[name], "{number} {name}");
        }
        assert_eq!(files.keys().collect::<Vec<_>>(), alone_files.keys().collect::<Vec<_>>());
        // The same events, but for their times.
        let told = |sandbox: &Sandbox, run: &str| {
            let events = sandbox.events(run).into_iter();
            let words = events.map(|event| (event.seq, event.stage, std::mem::discriminant(&event.kind)));
            words.collect::<Vec<_>>()
        };
        assert_eq!(told(&sandbox, &sweep), told(&alone, "run"));
    }
    let record = record(&sandbox, "run");
    assert_eq!(
        (record["outcome"].as_str(), record["keys"][0].as_str()),
        (Some("done"), Some("training.epochs"))
    );
    assert_eq!(record["variants"][2]["values"]["training.epochs"], 4);
}

#[test]
fn a_shared_stage_is_executed_once_by_one_sweep_and_by_two_at_once() {
    let sandbox = commands();
    let arguments = ["sweep", "stages.yaml", "stages.quantize.params.bits=range(0,12)", "--threads", "2"];
    let (first, second) = (sandbox.start(&arguments), sandbox.start(&arguments));
    let ended = [end(first), end(second)];
    assert!(ended.iter().all(|ended| ended.code == Some(0)), "{ended:?}");
    assert_eq!(executions(&sandbox), counts(&[("train", 1), ("quantize", 12), ("evaluate", 12)]));
    for number in 0..12 {
        assert_eq!(sandbox.results(&format!("run/{number}")), sandbox.results(&format!("run-2/{number}")));
    }
}

#[test]
fn a_variant_that_fails_leaves_the_others_alone_and_keeps_its_error() {
    let sandbox = commands();
    let swept = end(sandbox.start(&["sweep", "stages.yaml", "stages.quantize.params.bits=13,8,4"]));
    assert_eq!(swept.code, Some(12), "{swept:?}");
    assert_eq!(outcomes(&sandbox, "run"), ["failed", "done", "done"]);
    let error = &record(&sandbox, "run")["variants"][0]["error"];
    assert_eq!(
        (error["stage"].as_str(), error["code"].as_str()),
        (Some("quantize"), Some("command::failed")),
        "{error}"
    );
    insta::assert_snapshot!("table_with_a_failure", stable(&sandbox, &swept.stdout));
    let run: Value = serde_json::from_slice(&sandbox.files("run/0")["run.json"]).expect("a record");
    assert_eq!(run["outcome"], "failed");
    let states: Vec<&str> = run["stages"]
        .as_array()
        .expect("stages")
        .iter()
        .filter_map(|stage| stage["state"].as_str())
        .collect();
    assert_eq!(states, ["run", "failed", "skipped"]);
    // What failed is tried again, what is done is not.
    let resumed = end(sandbox.start(&["resume", "runs/run"]));
    let table = |text: &str| text.lines().take(5).map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(table(&resumed.stdout), table(&swept.stdout), "also with what was measured before");
    let told = "quantize[bits=13]  failed: ";
    assert!(swept.stderr.contains(told) && resumed.stderr.contains(told), "{swept:?} {resumed:?}");
    assert_eq!(resumed.code, Some(12), "{resumed:?}");
    assert_eq!(executions(&sandbox), counts(&[("train", 1), ("quantize", 4), ("evaluate", 2)]));
}

#[test]
fn a_failure_is_one_line_with_the_last_line_that_was_written() {
    let sandbox = commands();
    let text = fs_err::read_to_string(sandbox.path("stages.yaml")).expect("the file");
    sandbox.write(
        "stages.yaml",
        &text.replace(
            "test {params.bits} != 13",
            "test {params.bits} != 13 || { echo first >&2; echo unlucky >&2; exit 7; }",
        ),
    );
    let swept = end(sandbox.start(&["sweep", "stages.yaml", "stages.quantize.params.bits=13,8"]));
    assert_eq!(swept.code, Some(12), "{swept:?}");
    let told = "quantize: ended with exit code 7: unlucky";
    assert!(swept.stdout.contains(told), "{swept:?}");
    for line in [["show", "runs/run"], ["compare", "runs/run"]] {
        let shown = end(sandbox.start(&line));
        assert!(shown.stdout.contains(told), "{shown:?}");
    }
}

#[test]
fn with_fail_fast_the_first_failure_is_the_last_thing_that_happens() {
    let sandbox = commands();
    let arguments =
        ["sweep", "stages.yaml", "stages.quantize.params.bits=13,8,4", "--fail-fast", "--jobs", "1"];
    let swept = end(sandbox.start(&arguments));
    assert_eq!(swept.code, Some(12), "{swept:?}");
    assert_eq!(outcomes(&sandbox, "run"), ["failed", "cancelled", "cancelled"]);
    assert_eq!(executions(&sandbox), counts(&[("train", 1), ("quantize", 1)]));
}

#[test]
fn a_sweep_that_was_killed_goes_on_from_its_own_folder_to_the_same_bytes() {
    let arguments = ["sweep", "chain.yaml", "training.epochs=3,4,5", "--jobs", "1"];
    let whole = Sandbox::new();
    assert_eq!(end(whole.start(&arguments)).code, Some(0));
    let sandbox = Sandbox::new().with("TINY_EPOCH_MS", "200");
    let mut child = sandbox.start(&arguments);
    wait_until("the second training", || {
        let log = fs_err::read_to_string(sandbox.path("runs/run/1/stm32ai_main.log"));
        log.is_ok_and(|log| log.contains("loss"))
    });
    super::sandbox::send(super::sandbox::id(&child), Signal::KILL);
    child.wait().expect("a killed child");
    sandbox.must_be_quiet();
    // Whatever happened to the file.
    sandbox.write("chain.yaml", "broken: [");
    let resumed = end(sandbox.start(&["resume", "runs/run"]));
    assert_eq!(resumed.code, Some(0), "{resumed:?}");
    for number in 0..3 {
        assert_eq!(sandbox.results(&format!("run/{number}")), whole.results(&format!("run/{number}")));
    }
    assert_eq!(outcomes(&sandbox, "run"), ["done"; 3]);
    assert!(!sandbox.log("run/0").contains("goes on"), "what was finished is left alone");
    assert!(sandbox.log("run/1").contains("goes on after epoch"), "{}", sandbox.log("run/1"));
    let again = end(sandbox.start(&["resume", "runs/run"]));
    assert_eq!(again.stdout, "sweep run is done, nothing is left to do; results are in runs/run\n");
}

#[test]
fn a_cancelled_sweep_says_how_it_goes_on() {
    let sandbox = Sandbox::new().with("TINY_EPOCH_MS", "100");
    let child = sandbox.start(&["sweep", "chain.yaml", "training.epochs=3,4,5"]);
    wait_until("the first training", || sandbox.path("runs/run/0/events.jsonl").exists());
    thread::sleep(Duration::from_millis(100));
    super::sandbox::send(super::sandbox::id(&child), Signal::INT);
    let cancelled = end(child);
    assert_eq!(cancelled.code, Some(13), "{cancelled:?}");
    assert!(cancelled.stdout.contains("it goes on with: pipeline resume runs/run"), "{cancelled:?}");
    assert_eq!(record(&sandbox, "run")["outcome"], "cancelled");
    let resumed = end(sandbox.start(&["resume", "runs/run", "--quiet"]));
    assert_eq!(
        (resumed.code, outcomes(&sandbox, "run")),
        (Some(0), vec!["done".to_owned(); 3]),
        "{resumed:?}"
    );
}

#[test]
fn the_same_sweep_again_finds_everything_stored() {
    let sandbox = commands();
    let arguments =
        ["sweep", "stages.yaml", "stages.quantize.params.bits=4,8", "stages.train.params.rate=1,2"];
    assert_eq!(end(sandbox.start(&arguments)).code, Some(0));
    let first = executions(&sandbox);
    assert_eq!(first, counts(&[("train", 2), ("quantize", 4), ("evaluate", 4)]));
    assert_eq!(end(sandbox.start(&arguments)).code, Some(0));
    assert_eq!(executions(&sandbox), first);
    assert_eq!(sandbox.results("run/3"), sandbox.results("run-2/3"));
    let dry = end(sandbox.start(&[&arguments[..], &["--dry-run"]].concat()));
    let line = end(sandbox.start(&[&arguments[..], &["--dry-run", "--quiet"]].concat()));
    assert_eq!(Some(line.stdout.trim_end()), dry.stdout.lines().next());
    insta::assert_snapshot!("dry_run", dry.stdout);
    let changed =
        ["sweep", "stages.yaml", "stages.quantize.params.bits=4,6", "--dry-run", "--format", "json"];
    insta::assert_snapshot!("dry_run_json", end(sandbox.start(&changed)).stdout);
    assert_eq!(sandbox.runs(), ["run", "run-2"], "a dry run leaves nothing");
}

#[test]
fn programs_hear_of_each_event_once_with_the_variants_it_is_about() {
    let sandbox = commands();
    let swept =
        end(sandbox.start(&["sweep", "stages.yaml", "stages.quantize.params.bits=4,8", "--format", "json"]));
    assert_eq!(swept.code, Some(0), "{swept:?}");
    let lines: Vec<Value> =
        swept.stdout.lines().map(|line| serde_json::from_str(line).expect("an object")).collect();
    let of = |event: &str, stage: &str| {
        let found = lines.iter().filter(|line| line["event"] == event && line["stage"] == stage);
        found.map(|line| line["variants"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(of("stage_started", "train"), [serde_json::json!(["0", "1"])]);
    let mut quantized = of("stage_finished", "quantize");
    quantized.sort_by_key(ToString::to_string);
    assert_eq!(quantized, [serde_json::json!(["0"]), serde_json::json!(["1"])]);
    assert_eq!(fs_err::read_to_string(sandbox.path("runs/run/events.jsonl")).expect("events"), swept.stdout);
}

#[test]
fn mistakes_of_variants_are_told_before_anything_runs_each_once() {
    let sandbox = Sandbox::new();
    let refused = |arguments: &[&str]| {
        let ended = end(sandbox.start(&[&["sweep", "chain.yaml"], arguments].concat()));
        assert!(matches!(ended.code, Some(10 | 11)), "{ended:?}");
        stable(&sandbox, &ended.stderr)
    };
    insta::assert_snapshot!("unknown_key", refused(&["training.epochz=1,2", "training.batch_size=1,2"]));
    insta::assert_snapshot!(
        "one_bad_value",
        refused(&["training.epochs=range(1,4)", "training.batch_size=1,two,3"])
    );
    insta::assert_snapshot!("not_yet", refused(&["training.optimizer=SGD,{Adam: {learning_rate: 0.1}}"]));
    insta::assert_snapshot!("bad_mode", refused(&["operation_mode=chain_tqe,chain_tqx"]));
    insta::assert_snapshot!("absent_file", refused(&["dataset.training_files_path=points.txt,none.txt"]));
    insta::assert_snapshot!("nothing", refused(&["training.epochs=3"]));
    insta::assert_snapshot!(
        "too_many",
        refused(&["training.epochs=range(1000)", "training.batch_size=range(1,12)"])
    );
    insta::assert_snapshot!(
        "draws_in_a_grid",
        refused(&["training.epochs=1,2", "training.optimizer.Adam.learning_rate=uniform(0,1)"])
    );
    insta::assert_snapshot!(
        "unequal",
        refused(&["sweep.method=zip", "training.epochs=1,2", "training.batch_size=1,2,3"])
    );
    insta::assert_snapshot!("no_count", refused(&["sweep.method=random", "training.epochs=1,2"]));
    insta::assert_snapshot!("several_removed", refused(&["~training.epochs=1,2"]));
    insta::assert_snapshot!("no_list", refused(&["sweep.method=list"]));
    insta::assert_snapshot!("count_in_a_grid", refused(&["sweep.count=3", "training.epochs=1,2"]));
    assert!(sandbox.runs().is_empty());
}

#[test]
fn a_run_of_a_file_with_a_sweep_is_the_file_without_it_and_says_so() {
    let sandbox = Sandbox::new();
    let text = fs_err::read_to_string(sandbox.path("chain.yaml")).expect("the file");
    sandbox.write("chain.yaml", &format!("{text}sweep:\n  parameters:\n    training.epochs: [2, 3]\n"));
    let ran = end(sandbox.start(&["run", "chain.yaml"]));
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(ran.stderr.contains("`sweep` has no effect"), "{}", ran.stderr);
    let swept = end(sandbox.start(&["sweep", "chain.yaml"]));
    assert_eq!((swept.code, outcomes(&sandbox, "run-2").len()), (Some(0), 2), "{swept:?}");
    assert!(!swept.stderr.contains("no effect"), "{}", swept.stderr);
}

#[test]
fn more_variants_than_files_can_be_open_have_all_their_files() {
    let sandbox = commands();
    let program = sandbox.command(&[]).get_program().to_string_lossy().into_owned();
    let line = format!(
        "ulimit -n 64; exec {program} sweep stages.yaml 'stages.quantize.params.bits=range(14,54)' -q"
    );
    let ended = sandbox.shell(&line);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert_eq!(outcomes(&sandbox, "run"), ["done"; 40]);
    for number in 0..40 {
        let run = format!("run/{number}");
        let numbers: Vec<u64> = sandbox.events(&run).iter().map(|event| event.seq).collect();
        assert_eq!(numbers, (0..numbers.len() as u64).collect::<Vec<_>>(), "{run}");
        assert_eq!(sandbox.executed(&run), ["train", "quantize", "evaluate"]);
    }
}

#[test]
fn the_example_with_own_programs_runs_as_it_says() {
    let sandbox = Sandbox::new();
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/sweep/commands.yaml");
    let swept = end(sandbox.start(&["sweep", file, "hydra.run.dir=runs/run"]));
    assert_eq!(swept.code, Some(0), "{swept:?}");
    insta::assert_snapshot!("example", stable(&sandbox, &swept.stdout));
    assert!(swept.stderr.contains("4 variants, 9 stages"), "{}", swept.stderr);
    let more = ["stages.fit.params.weight=range(0,1,0.25)", "stages.points.params.count=50,500"];
    let dry = end(sandbox.start(&[&["sweep", file, "--dry-run"], &more[..]].concat()));
    assert!(dry.stdout.starts_with("stages: 8 variants, 18 stages (24 one by one)"), "{}", dry.stdout);
}

#[test]
fn a_sweep_is_one_line_among_the_runs_and_is_shown_by_its_variants() {
    let sandbox = commands();
    let swept =
        end(sandbox.start(&["run", "stages.yaml", "--multirun", "stages.quantize.params.bits=4,13", "-q"]));
    assert_eq!(swept.code, Some(12), "{swept:?}");
    sandbox.must_run(&[]);
    let said = |arguments: &[&str]| {
        let ended = end(sandbox.start(arguments));
        assert_eq!(ended.code, Some(0), "{ended:?}");
        ended.stdout
    };
    let runs = said(&["runs", "runs"]);
    assert_eq!(runs.lines().count(), 3, "{runs}");
    assert!(runs.contains("1 of 2 variants done, 1 failed"), "{runs}");
    assert_eq!(said(&["runs", "runs/run"]).lines().count(), 3, "its own folder lists its variants");
    let shown = said(&["show", "--dir", "runs", "runs/run"]);
    let took = shown.lines().nth(1).expect("a second line").to_owned();
    insta::assert_snapshot!("shown", shown.replace(&took, "failed after SECONDS"));
    let json: Value =
        serde_json::from_str(&said(&["show", "runs/run", "--format", "json"])).expect("an object");
    assert_eq!(json["sweep"]["variants"][1]["error"]["stage"], "quantize");
    assert_eq!(json["metrics"][0][0], serde_json::json!(["evaluate", "score", 0.5]));
    let newest = said(&["show", "--dir", "runs"]);
    assert!(newest.contains("run-2"), "the newest is the run: {newest}");
    for line in [
        &["show", "run/1", "--dir", "runs"][..],
        &["explain", "run/1", "--dir", "runs"],
        &["explain", "stages.yaml", "--against", "run/0"],
        &["compare", "run/0", "run/1", "--dir", "runs"],
    ] {
        assert!(said(line).contains("quantize"), "{line:?}");
    }
    let failed = end(sandbox.start(&["resume", "run/1", "--dir", "runs"]));
    assert_eq!(failed.code, Some(12), "{failed:?}");
    assert!(failed.stderr.contains("run 1, which had failed, goes on"), "{failed:?}");
    let variant = said(&["show", "runs/run/0"]);
    assert!(variant.contains("evaluate"), "a variant is a run: {variant}");
}

/// One stage whose script does not get done with `bits: 2` before there is a file `fixed`.
const SCRIPTED: &str = "\
operation_mode: stages
stages:
  quantize:
    command: sh quantize.sh {params.bits} > {outputs.int.txt}
    outputs: [int.txt]
    params: {bits: 8}
hydra: {run: {dir: runs/run}}
";

#[test]
fn a_resumed_sweep_says_which_input_is_another_than_that_of_the_variants_that_are_done() {
    let sandbox = Sandbox::new();
    sandbox.write("stages.yaml", SCRIPTED);
    sandbox.write("quantize.sh", "test $1 != 2 && echo $1\n");
    let failed = end(sandbox.start(&["sweep", "stages.yaml", "stages.quantize.params.bits=1,2,3"]));
    assert_eq!(
        (failed.code, outcomes(&sandbox, "run")),
        (Some(12), ["done", "failed", "done"].map(str::to_owned).to_vec())
    );
    sandbox.write("quantize.sh", "echo $1 fixed\n");
    let resumed = end(sandbox.start(&["resume", "runs/run"]));
    assert_eq!(resumed.code, Some(0), "{resumed:?}");
    let warning = "`quantize.sh` (stages.quantize.command) has changed since this sweep began: the results of 2 variants, \
                   which are done, are of what it was before";
    assert!(resumed.stderr.replace('\n', " ").contains(warning), "{}", resumed.stderr);

    let sandbox = Sandbox::new();
    sandbox.write("stages.yaml", SCRIPTED);
    sandbox.write("quantize.sh", "test $1 != 2 || test -e fixed; echo $1\n");
    end(sandbox.start(&["sweep", "stages.yaml", "stages.quantize.params.bits=1,2"]));
    let resumed = end(sandbox.start(&["resume", "runs/run"]));
    assert!(!resumed.stderr.contains("has changed"), "{}", resumed.stderr);
}

#[test]
fn a_swept_key_that_no_stage_reads_is_named_and_one_that_some_stage_reads_is_not() {
    let sandbox = commands();
    sandbox.write("few.csv", "general.project_name,stages.quantize.params.bits\na,4\nb,5\nc,6\n");
    let warned = |arguments: &[&str]| {
        let ended = end(sandbox.start(&[&["sweep", "stages.yaml", "--dry-run"], arguments].concat()));
        assert_eq!(ended.code, Some(0), "{ended:?}");
        let names =
            ended.stderr.lines().filter_map(|line| line.strip_prefix("warning: `")?.split('`').next());
        names.map(str::to_owned).collect::<Vec<_>>()
    };
    let unread = "general.project_name=a,b";
    assert_eq!(warned(&[unread]), ["general.project_name"]);
    assert_eq!(warned(&[unread, "stages.quantize.params.bits=4,5"]), ["general.project_name"]);
    assert_eq!(
        warned(&["stages.quantize.params.bits=4,5", "stages.train.params.rate=1,2"]),
        Vec::<String>::new()
    );
    let zipped = ["sweep.method=zip", unread, "stages.quantize.params.bits=4,5"];
    assert_eq!(warned(&zipped), ["general.project_name"]);
    assert_eq!(warned(&["sweep.method=list", "sweep.file=few.csv"]), ["general.project_name"]);
    assert_eq!(warned(&["general.logs_dir=a,b"]), Vec::<String>::new(), "files lie elsewhere");
    assert_eq!(warned(&["stages.train.timeout=10,20"]), Vec::<String>::new(), "it may end another way");
    let swept = end(sandbox.start(&["sweep", "stages.yaml", unread]));
    assert_eq!(swept.code, Some(0), "{swept:?}");
    let told = "`general.project_name` makes no difference in this sweep: no stage reads it";
    assert!(swept.stderr.contains(told), "{swept:?}");
}

#[test]
fn a_mistyped_stage_in_a_change_is_no_new_stage() {
    let sandbox = commands();
    for arguments in [
        &["run", "stages.yaml", "stages.quantise.params.bits=4"][..],
        &["run", "stages.yaml", "++stages.quantise.params.bits=4"],
        &["sweep", "stages.yaml", "stages.quantise.params.bits=4,5"],
    ] {
        let ended = end(sandbox.start(arguments));
        assert_eq!(ended.code, Some(10), "{ended:?}");
        assert!(ended.stderr.contains("there is no stage `quantise`"), "{}", ended.stderr);
        assert!(ended.stderr.contains("did you mean `quantize`?"), "{}", ended.stderr);
        assert!(!ended.stderr.contains("is missing"), "once: {}", ended.stderr);
    }
    let added = end(sandbox.start(&[
        "run",
        "stages.yaml",
        "stages.last.outputs=[last.txt]",
        "stages.last.command='echo x > {outputs.last.txt}'",
    ]));
    assert_eq!(added.code, Some(0), "{added:?}");
    let whole = end(sandbox.start(&["run", "stages.yaml", "+stages.last={outputs: [a.txt]}"]));
    assert!(whole.stderr.contains("`command` is missing"), "{whole:?}");
}

#[test]
fn a_killed_sweep_tells_variants_that_were_under_way_from_those_that_had_not_started() {
    let sandbox = Sandbox::new().with("TINY_EPOCH_MS", "60000");
    let mut child = sandbox.start(&["sweep", "chain.yaml", "training.epochs=3,4", "--jobs", "1"]);
    wait_until("the first variant", || sandbox.path("runs/run/0/run.json").exists());
    super::sandbox::send(super::sandbox::id(&child), Signal::KILL);
    child.wait().expect("a killed child");
    sandbox.must_be_quiet();
    let show = || end(sandbox.start(&["show", "runs/run"])).stdout;
    // A stage's process that was just being started holds the engine's lock until it is itself.
    wait_until("the lock to go", || show().contains("killed"));
    let shown = show();
    let last = |line: &str| line.split("  ").last().unwrap_or_default().trim().to_owned();
    let words: Vec<String> =
        shown.lines().filter(|line| line.trim_start().starts_with(['0', '1'])).map(last).collect();
    assert_eq!(words, ["killed", "not started"], "{shown}");
    let json = end(sandbox.start(&["show", "runs/run", "--format", "json"])).stdout;
    let json: Value = serde_json::from_str(&json).expect("an object");
    assert_eq!(json["standings"], serde_json::json!(["killed", "not started"]));
}

#[test]
fn a_sweep_whose_record_cannot_be_read_is_listed_with_the_reason() {
    let sandbox = commands();
    assert_eq!(
        end(sandbox.start(&["sweep", "stages.yaml", "stages.quantize.params.bits=4,5"])).code,
        Some(0)
    );
    let path = sandbox.path("runs/run/sweep.json");
    let text = fs_err::read_to_string(&path).expect("a record");
    fs_err::write(&path, &text[..text.len() / 2]).expect("a file");
    let listed = end(sandbox.start(&["runs", "runs"]));
    assert_eq!(listed.code, Some(0), "{listed:?}");
    assert_eq!(
        listed.stdout.lines().count(),
        4,
        "a line of its own and one for each variant: {}",
        listed.stdout
    );
    assert!(
        listed.stdout.lines().any(|line| line.starts_with("run ") && line.contains("unknown")),
        "{}",
        listed.stdout
    );
    let note = "it is no record of a sweep: EOF while parsing";
    assert!(listed.stderr.contains("note: runs/run: ") && listed.stderr.contains(note), "{}", listed.stderr);
    let json = end(sandbox.start(&["runs", "runs", "--format", "json"])).stdout;
    let json: Value = serde_json::from_str(&json).expect("an object");
    let problems = json["runs"].as_array().expect("runs").iter().filter(|run| run["id"] == "run");
    assert!(
        problems.map(|run| run["problems"][0].to_string()).all(|problem| problem.contains(note)),
        "{json}"
    );
}
