//! What the two models of a chain need and how fast they are.

use super::workspace::{Run, Workspace, names, text};

const CHAIN: [&str; 2] = ["operation_mode=chain_tbqeb", "+benchmarking.board=STM32H747I-DISCO"];

/// The value of a node's metric.
fn metric(run: &Run, stage: &str, name: &str) -> f64 {
    run.events()
        .iter()
        .find(|e| e["event"] == "metric" && e["stage"] == stage && e["name"] == name)
        .and_then(|e| e["value"].as_f64())
        .unwrap_or_else(|| panic!("no metric {name} of {stage}"))
}

#[test]
fn float_and_int8_are_benchmarked_and_stand_side_by_side_at_the_end() {
    let workspace = Workspace::new();
    let output = workspace.run("first", &CHAIN);
    assert!(output.status.success(), "{}", text(&output));
    let run = workspace.open("first");
    let ratio =
        metric(&run, "estimate-1", "RAM Activations KiB") / metric(&run, "estimate-2", "RAM Activations KiB");
    assert!((2.0..=4.0).contains(&ratio), "{ratio}");
    assert_eq!(metric(&run, "estimate-1", "MACCs M"), metric(&run, "estimate-2", "MACCs M"));
    for node in ["measure-1", "measure-2"] {
        assert!(metric(&run, node, "host inference_time ms") > 0.0);
    }
    for file in ["metrics.json", "layers.csv", "memory_plan.csv", "memory_plan.svg"] {
        for node in ["estimate-1", "estimate-2"] {
            assert!(run.files().contains(&format!("{node}/{file}")), "{:?}", run.files());
        }
    }
    let log = String::from_utf8(run.bytes("stm32ai_main.log")).expect("text");
    assert!(log.contains("[INFO] : RAM Activations : ") && log.contains("(KiB)"), "{log}");

    let table = String::from_utf8_lossy(&output.stdout).into_owned();
    let row = |start: &str| {
        let found = table.lines().find(|line| line.trim_start().starts_with(start));
        found.unwrap_or_else(|| panic!("no row {start} in\n{table}")).split_whitespace().count()
    };
    // A name of three words and two values; the first word alone and two values.
    assert_eq!((row("RAM Activations KiB"), row("miou_validation_set")), (5, 3), "{table}");

    let again = workspace.done("again", &CHAIN);
    assert_eq!(again.stages("stage_started"), names(&[]), "a stored time is a time too");
    assert_eq!(again.artifacts(), run.artifacts());
}

#[test]
fn threads_are_measured_again_and_another_board_is_estimated_again() {
    let workspace = Workspace::new();
    let model =
        workspace.done("training", &["operation_mode=training"]).folder.join("saved_models/best_model.h5");
    let model = format!("+general.model_path={}", model.display());
    let alone = ["operation_mode=benchmarking", "~general.model_type", model.as_str()];
    let with = |more: &[&'static str]| [&alone[..], more].concat();

    let first = workspace.done("first", &with(&["+benchmarking={}"]));
    assert_eq!(first.stages("stage_started"), names(&["estimate", "measure"]));
    let board = workspace.done("board", &with(&["+benchmarking.board=NUCLEO-F401RE"]));
    assert_eq!(board.stages("stage_started"), names(&["estimate"]));
    let warned = board.events().iter().any(|e| {
        e["event"] == "warning"
            && e["message"].as_str().is_some_and(|m| m.contains("does not fit the board NUCLEO-F401RE"))
    });
    assert!(warned, "{:?}", board.events());
    let threads = workspace.done("threads", &with(&["+benchmarking={}", "+general.num_threads_tflite=2"]));
    assert_eq!(threads.stages("stage_started"), names(&["measure"]));
}

#[test]
fn an_unknown_board_is_told_before_anything_runs() {
    let workspace = Workspace::new();
    let output = workspace.run("run", &["operation_mode=chain_tbqeb", "+benchmarking.board=STM32H747-DISCO"]);
    let said = text(&output);
    assert_eq!(output.status.code(), Some(10), "{said}");
    for words in ["benchmarking.board", "did you mean `STM32H747I-DISCO`?", "NUCLEO-F401RE"] {
        assert!(said.contains(words), "`{words}` is not in\n{said}");
    }
    assert!(!workspace.path().join("run").exists(), "something ran");
}
