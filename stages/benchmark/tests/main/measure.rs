//! Stage `measure`.

use crate::bench::{Bench, float, int8, quantized};
use benchmark::{Measure, MeasureSettings};
use contract::{Cores, Resources, Settings, Stage, StageError};
use model::{Op, Quant, passes::Border};

fn settings(threads: usize) -> Settings {
    Settings::of(&MeasureSettings { threads })
}

#[test]
fn both_kinds_of_models_are_run_often_enough_and_the_times_are_in_order() {
    for (name, graph) in [("m.h5", float()), ("m.tflite", int8())] {
        let bench = Bench::new(name, &graph);
        bench.run(&Measure, &settings(2)).expect("a measurement");
        let json: serde_json::Value = serde_json::from_str(&bench.file("metrics.json")).expect("JSON");
        let number = |key: &str| json[key].as_f64().unwrap_or_else(|| panic!("no {key} in {json}"));
        assert!(number("runs") >= 30.0, "{json}");
        assert!(0.0 < number("min_ms") && number("min_ms") <= number("median_ms"), "{json}");
        assert!(number("median_ms") <= number("p90_ms"), "{json}");
        assert_eq!(number("median_ms"), bench.metric("host inference_time ms"));
        assert_eq!((number("threads"), number("warm_up")), (2.0, 3.0));
        assert_eq!(json["model"], if name == "m.h5" { "float" } else { "int8" });
        let lines = bench.lines();
        let processor = json["processor"].as_str().expect("a name");
        assert!(
            lines.contains(processor) && lines.contains("2 threads") && lines.contains("[INFO] : Host"),
            "{lines}"
        );
    }
}

#[test]
fn it_runs_alone_and_its_key_has_the_machine_and_the_threads() {
    assert!(Measure.measures_host());
    let alone = Resources { cores: Cores::Count(3), exclusive: true, ..Resources::default() };
    assert_eq!(Measure.resources(&settings(3)), alone);
    assert_ne!(settings(1), settings(2));
}

#[test]
fn it_stops_when_the_user_wants_it_to() {
    let bench = Bench::new("m.tflite", &int8());
    bench.cancel.cancel();
    assert_eq!(bench.run(&Measure, &settings(1)), Err(StageError::Cancelled));
}

#[test]
fn a_model_that_cannot_be_run_here_is_found_before_the_run() {
    // The parts of a concatenation need one scale, which the format does not ask for.
    let mut graph = quantized(&float(), Border::Int8, Border::Int8);
    let concat = graph.layers.iter_mut().find(|layer| layer.op == Op::Concat).expect("a concatenation");
    concat.output.quant = Some(Quant::per_tensor(0.5, 0));
    let bench = Bench::new("m.tflite", &graph);
    let findings = Measure.preflight(&bench.preflight(&settings(1)));
    assert_eq!(findings.iter().map(|finding| finding.code.as_str()).collect::<Vec<_>>(), ["model::kernel"]);
}

#[test]
fn a_file_that_is_no_model_is_found_before_the_run() {
    let bench = Bench::with_bytes("m.h5", b"no model");
    let findings = Measure.preflight(&bench.preflight(&settings(1)));
    assert_eq!(findings.iter().map(|finding| finding.code.as_str()).collect::<Vec<_>>(), ["model::format"]);
}
