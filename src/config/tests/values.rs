//! How values are written.

use super::{CHAIN, chain_with, load, loaded};
use contract::config::{Optimizer, PretrainedWeights, Quantizer};
use serde_json::json;

#[test]
fn numbers_may_be_arithmetic_and_quoted() {
    for (text, value) in [
        ("1/4", 0.25),
        (".5", 0.5),
        ("'1/4'", 0.25),
        ("1_0e-2", 0.1),
        ("2.5e-1", 0.25),
        ("(1/4)", 0.25),
        ("1e-7", 1e-7),
    ] {
        let config = loaded(&chain_with("0.25", text), &[]).config;
        assert_eq!(config.dataset.expect("dataset").validation_split, Some(value), "{text}");
    }
}

#[test]
fn whole_numbers_may_be_written_as_any_python_number_that_is_whole() {
    for (text, value) in [("64/2", 32), ("1_000", 1000), ("1e3", 1000), ("0x10", 16), ("'16'", 16)] {
        let config = loaded(&chain_with("batch_size: 16", &format!("batch_size: {text}")), &[]).config;
        assert_eq!(config.training.expect("training").batch_size, Some(value), "{text}");
    }
    let config = loaded(&chain_with("seed: 7", "seed: 18446744073709551615"), &[]).config;
    assert_eq!(config.general.global_seed, Some(u64::MAX));
}

#[test]
fn tuples_are_python_or_yaml() {
    for text in ["(96, 128, 3)", "[96, 128, 3]", "96, 128, 3", "\"[96, 64*2, 3]\"", "(96,\n      128, 3)"] {
        let config = loaded(&chain_with("(128, 128, 3)", text), &[]).config;
        let model = config.training.expect("training").model.expect("model");
        assert_eq!(model.input_shape, (96, 128, 3), "{text}");
    }
}

#[test]
fn truth_values_are_those_of_yaml_1_1_and_python() {
    for (text, value) in
        [("yes", true), ("On", true), ("True", true), ("no", false), ("OFF", false), ("'False'", false)]
    {
        let yaml = chain_with("name: shapes", &format!("name: shapes\n  check_image_files: {text}"));
        assert_eq!(loaded(&yaml, &[]).config.dataset.expect("dataset").check_image_files, value, "{text}");
    }
}

#[test]
fn nothing_and_none_count_as_an_absent_key() {
    for text in ["", "None", "none", "NULL", "null", "~", "''", "'None'"] {
        let yaml = chain_with("validation_split: 0.25", &format!("validation_split: {text}"));
        assert_eq!(loaded(&yaml, &[]).config.dataset.expect("dataset").validation_split, None, "{text}");
        let yaml = chain_with("project_name: demo", &format!("project_name: {text}"));
        assert_eq!(loaded(&yaml, &[]).config.general.project_name, "<unnamed>", "{text}");
        let yaml = format!("{CHAIN}mlflow: {text}\ntools: {text}\n");
        let config = loaded(&yaml, &[]).config;
        assert_eq!(
            (config.mlflow.uri.as_str(), config.tools),
            ("./experiments_outputs/mlruns", None),
            "{text}"
        );
    }
}

#[test]
fn a_seed_of_none_is_drawn_later_and_a_seed_that_is_not_given_is_120() {
    for (text, seed) in
        [("None", None), ("none", None), ("null", None), ("~", None), ("", Some(120)), ("0", Some(0))]
    {
        let config = loaded(&chain_with("global_seed: 7", &format!("global_seed: {text}")), &[]).config;
        assert_eq!(config.general.global_seed, seed, "{text}");
    }
    let mut drawn = loaded(&chain_with("global_seed: 7", "global_seed: None"), &[]);
    drawn.set_seed(99);
    assert_eq!(drawn.config.general.global_seed, Some(99));
    assert_eq!(loaded(&drawn.resolved_yaml(), &[]).config, drawn.config);
    let mut added = loaded(&chain_with("  global_seed: 7\n", ""), &["++general.global_seed=None"]);
    assert_eq!(added.config.general.global_seed, None);
    added.set_seed(u64::MAX);
    assert!(added.resolved_yaml().contains("  global_seed: 18446744073709551615\n"));
}

#[test]
fn a_run_folder_that_is_not_given_or_empty_is_the_dated_one() {
    for section in
        ["", "hydra:", "hydra:\n  run:", "hydra:\n  run:\n    dir:", "hydra:\n  run:\n    dir: None"]
    {
        let config = loaded(&format!("{CHAIN}{section}\n"), &[]).config;
        assert_eq!(config.hydra.run.dir, "./experiments_outputs/2026_11_22_14_45_07", "{section}");
    }
}

#[test]
fn text_stays_as_it_is_written() {
    for text in ["1/2", "007", "1.10", "1e3", "yes", "0x1F", "12:30:45", "2026-11-22", "a # b"] {
        let quoted = if text.contains('#') { format!("'{text}'") } else { text.to_owned() };
        let first = loaded(&chain_with("project_name: demo", &format!("project_name: {quoted}")), &[]);
        assert_eq!(first.config.general.project_name, text);
        assert_eq!(loaded(&first.resolved_yaml(), &[]).config.general.project_name, text);
    }
    let yaml =
        chain_with("name: shapes", "name: mine\n  class_names: [None, 1/2, 'yes', 3, tv/monitor, null]");
    let names = loaded(&yaml, &[]).config.dataset.expect("dataset").class_names.expect("classes");
    assert_eq!(names, ["None", "1/2", "yes", "3", "tv/monitor", "null"]);
}

#[test]
fn lists_of_text_may_be_python_lists() {
    let yaml = chain_with("name: shapes", "name: mine\n  class_names: \"['a b', 'c']\"");
    let names = loaded(&yaml, &[]).config.dataset.expect("dataset").class_names.expect("classes");
    assert_eq!(names, ["a b", "c"]);
}

#[test]
fn an_optimizer_is_a_name_or_a_name_with_arguments() {
    for text in
        ["Adam", "'Adam'", "{Adam: }", "{Adam: {}}", "{Adam: None}", "\n    Adam:\n      beta_1: 9/10"]
    {
        let old = "optimizer:\n    Adam:\n      learning_rate: 0.001";
        let config = loaded(&chain_with(old, &format!("optimizer: {text}")), &[]).config;
        let Some(Optimizer::Adam(adam)) = config.training.expect("training").optimizer else {
            panic!("{text}")
        };
        assert_eq!((adam.learning_rate, adam.beta_1), (0.001, 0.9), "{text}");
    }
    let yaml = chain_with("Adam:\n      learning_rate: 0.001", "Lion:\n      weight_decay: 0.1");
    let Some(Optimizer::Lion(arguments)) = loaded(&yaml, &[]).config.training.expect("training").optimizer
    else {
        panic!("not Lion")
    };
    assert_eq!(arguments.weight_decay, Some(0.1));
}

#[test]
fn names_that_the_manual_writes_in_any_letter_case_are_read_in_any() {
    for text in ["TFlite_converter", "tflite_converter", "TFLITE_CONVERTER"] {
        let config = loaded(&chain_with("TFlite_converter", text), &[]).config;
        assert_eq!(config.quantization.expect("quantization").quantizer, Quantizer::TfliteConverter);
    }
    for text in ["ImageNet", "imagenet", "Imagenet"] {
        let yaml = chain_with("alpha: 0.35", &format!("alpha: 0.35\n    pretrained_weights: {text}"));
        let model = loaded(&yaml, &[]).config.training.expect("training").model.expect("model");
        assert_eq!(model.pretrained_weights, Some(PretrainedWeights::Imagenet));
    }
}

#[test]
fn merge_keys_are_applied_and_own_keys_win() {
    let yaml = chain_with(
        "Adam:\n      learning_rate: 0.001",
        "Adam: &adam {beta_1: 0.8, epsilon: 1e-6}\ncallbacks: x",
    );
    // An anchor in one place and a merge in another, with an own key before the merge.
    let yaml = yaml.replace("callbacks: x", "").replace(
        "optimizer:\n    Adam: &adam {beta_1: 0.8, epsilon: 1e-6}",
        "optimizer:\n    Adam:\n      beta_1: 0.7\n      <<: &adam {beta_1: 0.8, epsilon: 1e-6}",
    );
    let Some(Optimizer::Adam(adam)) = loaded(&yaml, &[]).config.training.expect("training").optimizer else {
        panic!("not Adam")
    };
    assert_eq!((adam.beta_1, adam.epsilon), (0.7, 1e-6));
    let yaml = format!(
        "{CHAIN}custom_data_augmentation:\n  function_name: f\n  config:\n    z: 1\n    \
         <<: [{{a: 1, z: 2}}, {{b: 2, a: 3}}]\n    c: 3\n"
    );
    let merged = loaded(&yaml, &[]).config.custom_data_augmentation.expect("augmentation");
    let merged = serde_json::to_string(&merged.config).expect("JSON");
    assert_eq!(merged, r#"{"a":1,"b":2,"z":1,"c":3}"#);
}

#[test]
fn a_key_knows_its_line_and_column() {
    let loaded = loaded(CHAIN, &["training.epochs=3"]);
    assert_eq!(loaded.key_location("training.model.alpha"), Some((17, 5)));
    assert_eq!(loaded.key_location("preprocessing.rescaling.offset"), Some((10, 31)));
    assert_eq!(loaded.key_location("training.epochs"), None);
    assert_eq!(loaded.key_location("training.dropout"), None);
}

#[test]
fn windows_line_ends_and_a_byte_order_mark_change_nothing() {
    let windows = CHAIN.replace('\n', "\r\n");
    let config = loaded(&windows, &[]).config;
    assert_eq!(config, loaded(CHAIN, &[]).config);
    let errors = load(&windows.replace("epochs: 10", "epochs: ten"), &[]).expect_err("ten");
    assert_eq!(errors.iter().next().and_then(|error| error.location()), Some(("chain.yaml", 20, 11)));
}

#[test]
fn a_key_without_effect_in_what_is_planned_has_a_note() {
    let notes = |mode: &str| {
        let yaml =
            format!("{}tools: {{stedgeai: {{on_cloud: False}}}}\nstages: {{speed: {{uses: measure}}}}\n", {
                chain_with(
                    "project_name: demo",
                    "project_name: demo\n  num_threads_tflite: 2\n  display_figures: no",
                )
            });
        let loaded = loaded(&yaml, &[&format!("operation_mode={mode}")]);
        let keys = loaded.notes.iter().filter_map(|note| note.split('`').nth(1).map(str::to_owned));
        keys.collect::<Vec<_>>()
    };
    assert_eq!(notes("chain_tqe"), ["general.num_threads_tflite", "tools"]);
    assert_eq!(notes("chain_tqeb"), Vec::<String>::new());
    assert_eq!(notes("benchmarking"), Vec::<String>::new());
    assert_eq!(notes("stages"), ["tools"]);
}

#[test]
fn a_value_for_which_no_type_is_wanted_is_that_of_the_python_literal_it_is_unless_it_is_quoted_or_a_date() {
    let value = |written: &str| {
        let yaml =
            format!("operation_mode: stages\nstages: {{a: {{command: x, params: {{v: {written}}}}}}}\n");
        loaded(&yaml, &[]).config.stages["a"].params["v"].clone()
    };
    for (written, expected) in [
        ("1/4", json!(0.25)),
        ("1./255", json!(1.0 / 255.0)),
        ("2*3", json!(6)),
        ("-2**2", json!(-4)),
        ("1e-7", json!(1e-7)),
        ("1_000", json!(1000)),
        ("None", json!(null)),
        ("True", json!(true)),
        ("\"(8, 8, 3)\"", json!("(8, 8, 3)")),
        ("[1/4, b, (1)]", json!([0.25, "b", 1])),
        ("{w: 1/2}", json!({"w": 0.5})),
        ("\"1/4\"", json!("1/4")),
        ("'2*3'", json!("2*3")),
        ("2026-11-22", json!("2026-11-22")),
        ("1/0", json!("1/0")),
        ("1/b", json!("1/b")),
        ("1.2.3", json!("1.2.3")),
        ("(0:-1)", json!("(0:-1)")),
        ("data/1", json!("data/1")),
        ("x", json!("x")),
        ("170141183460469231731687303715884105727 - 1", json!("170141183460469231731687303715884105727 - 1")),
    ] {
        assert_eq!(value(written), expected, "{written}");
    }
    let block = "operation_mode: stages\nstages:\n  a:\n    command: x\n    params:\n      v: (8, 8, 3)\n      w: 1/4\n";
    let config = loaded(block, &["stages.a.params.w=1/8"]).config;
    let params = &config.stages["a"].params;
    assert_eq!((&params["v"], &params["w"]), (&json!([8, 8, 3]), &json!(0.125)));
    // What a run keeps reads as the same.
    let kept = loaded(&loaded(block, &[]).resolved_yaml(), &[]);
    assert_eq!(kept.config, loaded(block, &[]).config);
}
