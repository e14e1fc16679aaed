//! What is stored is not made again.

use super::sandbox::Sandbox;
use contract::EventKind;

#[test]
fn a_second_run_executes_no_stage_and_leaves_the_same_files() {
    let sandbox = Sandbox::new();
    sandbox.must_run(&[]);
    let second = sandbox.must_run(&[]);
    assert_eq!(sandbox.runs(), ["run", "run-2"]);
    assert_eq!(sandbox.executed("run"), ["train", "quantize", "evaluate"]);
    assert_eq!(sandbox.executed("run-2"), Vec::<String>::new());
    assert_eq!(sandbox.results("run").len(), 4);
    assert_eq!(sandbox.results("run"), sandbox.results("run-2"));
    assert!(second.stdout.contains("results are in runs/run-2"), "{second:?}");
}

#[test]
fn what_a_stage_measured_is_told_again_by_a_hit_and_marked_as_stored() {
    let sandbox = Sandbox::new();
    let first = sandbox.must_run(&[]);
    let second = sandbox.must_run(&[]);
    let measured = |run| {
        let events = sandbox.events(run).into_iter();
        let metrics =
            events.filter(|event| matches!(event.kind, EventKind::Metric { .. } | EventKind::Note { .. }));
        metrics.map(|event| (event.stage, event.kind, event.cached)).collect::<Vec<_>>()
    };
    let (fresh, stored) = (measured("run"), measured("run-2"));
    assert_eq!(fresh.len(), 7);
    assert!(fresh.iter().all(|(.., cached)| !cached) && stored.iter().all(|(.., cached)| *cached));
    let same = |(one, other): (&(_, _, bool), &(_, _, bool))| one.0 == other.0 && one.1 == other.1;
    assert!(fresh.iter().zip(&stored).all(same));
    let table = |text: &str| {
        text.lines().take_while(|line| !line.starts_with("done")).map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(table(&first.stdout), table(&second.stdout));
}

#[test]
fn the_events_on_disk_are_numbered_without_gaps() {
    let sandbox = Sandbox::new();
    sandbox.must_run(&[]);
    let numbers: Vec<u64> = sandbox.events("run").iter().map(|event| event.seq).collect();
    assert_eq!(numbers, (0..numbers.len() as u64).collect::<Vec<_>>());
}

#[test]
fn a_changed_quantization_runs_quantize_and_evaluate_again_and_never_train() {
    let sandbox = Sandbox::new();
    sandbox.must_run(&[]);
    sandbox.must_run(&["quantization.granularity=per_tensor"]);
    assert_eq!(sandbox.executed("run-2"), ["quantize", "evaluate"]);
    assert_ne!(sandbox.results("run"), sandbox.results("run-2"));
}

#[test]
fn an_edited_test_set_runs_evaluate_again_and_nothing_else() {
    let sandbox = Sandbox::new();
    sandbox.write("test.txt", "4 9\n5 11\n6 13\n");
    sandbox.must_run(&["+dataset.test_files_path=test.txt"]);
    sandbox.write("test.txt", "4 9\n5 11\n6 14\n");
    sandbox.must_run(&["+dataset.test_files_path=test.txt"]);
    assert_eq!(sandbox.executed("run-2"), ["evaluate"]);
}

#[test]
fn an_equal_input_under_another_name_is_the_same_input() {
    let sandbox = Sandbox::new();
    sandbox.must_run(&[]);
    fs_err::copy(sandbox.path("points.txt"), sandbox.path("moved.txt")).expect("a copy");
    sandbox.must_run(&["dataset.training_files_path=moved.txt"]);
    assert_eq!(sandbox.executed("run-2"), Vec::<String>::new());
}

#[test]
fn quantization_of_a_model_that_a_chain_made_is_the_chains_own_result() {
    let sandbox = Sandbox::new();
    sandbox.must_run(&[]);
    let model = "+general.model_path=runs/run/saved_models/line.json";
    sandbox.must_run(&["operation_mode=quantization", model]);
    assert_eq!(sandbox.executed("run-2"), Vec::<String>::new());
    let name = "quantized_models/line_int8.json";
    assert_eq!(sandbox.results("run")[name], sandbox.results("run-2")[name]);
}

#[test]
fn where_a_stage_stands_twice_its_files_lie_in_folders_of_their_own() {
    let sandbox = Sandbox::new();
    sandbox.must_run(&["operation_mode=chain_teqe"]);
    let names: Vec<String> = sandbox.results("run").into_keys().collect();
    assert_eq!(
        names,
        [
            "evaluate-1/metrics.json",
            "evaluate-2/metrics.json",
            "logs/losses.csv",
            "quantized_models/line_int8.json",
            "saved_models/line.json"
        ]
    );
}

#[test]
fn a_seed_of_none_is_drawn_written_down_and_new_each_time() {
    let sandbox = Sandbox::new();
    for _ in 0..2 {
        sandbox.must_run(&["general.global_seed=None"]);
    }
    let seed = |run| {
        let config = String::from_utf8(sandbox.files(run)[".hydra/config.yaml"].clone()).expect("text");
        let line =
            config.lines().find_map(|line| line.trim().strip_prefix("global_seed: ").map(str::to_owned));
        line.expect("a seed")
    };
    assert_ne!(seed("run"), seed("run-2"));
    assert!(sandbox.log("run").contains(&format!("{} was drawn", seed("run"))), "{}", sandbox.log("run"));
    let again = format!("general.global_seed={}", seed("run"));
    sandbox.must_run(&[&again]);
    assert_eq!(sandbox.executed("run-3"), Vec::<String>::new());
}
