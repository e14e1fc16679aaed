//! Stage `estimate`.

use crate::bench::{Bench, deeplab, float, int8, quantized};
use benchmark::{BOARDS, Estimate, EstimateSettings};
use contract::{Settings, Stage};
use model::passes::Border;

fn settings(board: Option<&str>) -> Settings {
    Settings::of(&EstimateSettings { board: board.map(str::to_owned) })
}

/// Runs the stage and gives its bench.
fn estimate(name: &str, graph: &model::Graph, board: Option<&str>) -> Bench {
    let bench = Bench::new(name, graph);
    let outputs = bench.run(&Estimate, &settings(board)).expect("an estimate");
    assert_eq!(outputs.0["metrics"], "_stage/metrics.json");
    bench
}

#[test]
fn the_int8_model_takes_about_a_quarter_of_the_float_one_and_the_same_macs() {
    let float = estimate("best_model.h5", &float(), None);
    let int8 = estimate(
        "quantized_model.tflite",
        &quantized(&deeplab(32, 0.35, 3), Border::Int8, Border::Int8),
        None,
    );
    let ratio = |name: &str| float.metric(name) / int8.metric(name);
    assert_eq!(float.metric("MACCs M").to_bits(), int8.metric("MACCs M").to_bits());
    assert!((ratio("RAM Activations KiB") - 4.0).abs() < 0.05, "{}", ratio("RAM Activations KiB"));
    assert!((3.5..4.0).contains(&ratio("Flash weights KiB")), "{}", ratio("Flash weights KiB"));
}

#[test]
fn the_layers_add_up_to_the_whole() {
    for bench in [estimate("m.h5", &float(), None), estimate("m.tflite", &int8(), None)] {
        let column = |file: &str, position: usize| -> u64 {
            bench
                .file(file)
                .lines()
                .skip(1)
                .map(|row| row.split(',').nth(position).expect("a cell"))
                .map(|cell| cell.parse::<u64>().expect("a number"))
                .sum()
        };
        assert_eq!(column("layers.csv", 5) as f64 / 1e6, bench.metric("MACCs M"));
        assert_eq!(column("layers.csv", 7) as f64 / 1024.0, bench.metric("Flash weights KiB"));
        assert_eq!(column("layers.csv", 8), column("memory_plan.csv", 2));
        let json: serde_json::Value = serde_json::from_str(&bench.file("metrics.json")).expect("JSON");
        assert_eq!(json["ram"]["activations"], json["ram"]["lower_bound"], "DeepLab is packed without a gap");
        assert_eq!(
            json["ram"]["activations"].as_f64().expect("a number") / 1024.0,
            bench.metric("RAM Activations KiB")
        );
    }
}

#[test]
fn lines_for_the_log_are_those_of_the_original() {
    let bench = estimate("quantized_model.tflite", &int8(), Some("STM32H747I-DISCO"));
    insta::assert_snapshot!("int8_fits", bench.lines());
    let bench = estimate("best_model.h5", &deeplab(128, 0.5, 3), Some("NUCLEO-F401RE"));
    insta::assert_snapshot!("float_does_not_fit", bench.lines());
    let bench = estimate(
        "m.tflite",
        &quantized(&deeplab(128, 0.5, 3), Border::Uint8, Border::Float),
        Some("NUCLEO-F401RE"),
    );
    insta::assert_snapshot!("int8_does_not_fit", bench.lines());
    let bench = estimate("m.h5", &deeplab(256, 0.5, 2), Some("STM32N6570-DK"));
    insta::assert_snapshot!("flash_outside", bench.lines());
    let bench = estimate("m.h5", &deeplab(256, 0.5, 2), Some("STM32H747I-DISCO"));
    insta::assert_snapshot!("ram_outside", bench.lines());
    let bench = estimate("m.h5", &float(), Some("STM32MP257F-DK2"));
    insta::assert_snapshot!("microprocessor", bench.lines());
}

#[test]
fn the_tables_are_made_for_people_and_programs() {
    let bench = estimate("quantized_model.tflite", &int8(), Some("STM32N6570-DK"));
    let head = |name: &str| bench.file(name).lines().take(12).collect::<Vec<_>>().join("\n");
    insta::assert_snapshot!("layers", head("layers.csv"));
    insta::assert_snapshot!("memory_plan", head("memory_plan.csv"));
    insta::assert_snapshot!("metrics", bench.file("metrics.json"));
}

#[test]
fn nothing_depends_on_threads_or_on_where_the_model_lies() {
    let files = ["layers.csv", "memory_plan.csv", "memory_plan.svg", "metrics.json"];
    let first = estimate("a.tflite", &int8(), None);
    let second = Bench { threads: 4, ..Bench::new("other_name.tflite", &int8()) };
    second.run(&Estimate, &settings(None)).expect("an estimate");
    for file in files {
        assert_eq!(first.file(file), second.file(file), "{file}");
    }
    assert_eq!(first.lines(), second.lines());
}

#[test]
fn a_file_that_is_no_model_is_found_before_the_run() {
    let bench = Bench::with_bytes("model.tflite", b"not a model");
    let findings = Estimate.preflight(&bench.preflight(&settings(None)));
    assert_eq!(findings.len(), 1);
    assert_eq!(findings[0].code, "model::format");
    assert!(findings[0].message.contains("model.tflite"), "{}", findings[0].message);
    let sound = Bench::new("model.tflite", &int8());
    assert_eq!(Estimate.preflight(&sound.preflight(&settings(None))), []);
}

/// The digest stands for the output of this version of the stage, and for the boards. When this test fails, the stage gives
/// other bytes than before: raise `Estimate::version`, so that no stored result of the old one is taken for the new one's,
/// and then replace the digest. Made by this test itself on x86-64 Linux.
#[test]
fn a_change_of_the_output_comes_with_a_change_of_the_version() {
    let mut hasher = blake3::Hasher::new();
    for (name, graph) in [("m.h5", float()), ("m.tflite", int8())] {
        let bench = estimate(name, &graph, Some("STM32H747I-DISCO"));
        for file in ["layers.csv", "memory_plan.csv", "memory_plan.svg", "metrics.json"] {
            hasher.update(bench.file(file).as_bytes());
        }
        hasher.update(bench.lines().as_bytes());
    }
    hasher.update(format!("{BOARDS:?}").as_bytes());
    let found = (Estimate.version(), hasher.finalize().to_hex().to_string());
    assert_eq!(found, (1, include_str!("../golden/estimate.blake3").trim().to_owned()));
}
