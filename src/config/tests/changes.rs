//! Changes from the command line.

use super::{CHAIN, chain_with, loaded, report};
use contract::config::{Optimizer, Target};
use insta::assert_snapshot;

fn epochs(overrides: &[&str]) -> usize {
    loaded(CHAIN, overrides).config.training.expect("training").epochs.expect("epochs")
}

#[test]
fn a_change_replaces_a_value_and_the_last_one_counts() {
    assert_eq!(epochs(&["training.epochs=3"]), 3);
    assert_eq!(epochs(&["training.epochs=3", "training.epochs=60/2"]), 30);
    assert_eq!(epochs(&["++training.epochs=4"]), 4);
    let config = loaded(CHAIN, &["training.model.input_shape=(64, 64, 3)"]).config;
    assert_eq!(config.training.and_then(|training| training.model).expect("model").input_shape, (64, 64, 3));
    let config = loaded(CHAIN, &["training.model.input_shape=[64,64,3]"]).config;
    assert_eq!(config.training.and_then(|training| training.model).expect("model").input_shape, (64, 64, 3));
}

#[test]
fn a_legal_key_that_the_file_lacks_may_be_added_with_and_without_a_plus() {
    for change in ["training.dropout=0.3", "+training.dropout=0.3", "++training.dropout=0.3"] {
        assert_eq!(
            loaded(CHAIN, &[change]).config.training.expect("training").dropout,
            Some(0.3),
            "{change}"
        );
    }
    let config = loaded(CHAIN, &["evaluation.target=host"]).config;
    assert_eq!(config.evaluation.expect("evaluation").target, Target::Host);
}

#[test]
fn a_removed_key_is_absent() {
    let config = loaded(CHAIN, &["~dataset.validation_split"]).config;
    assert_eq!(config.dataset.expect("dataset").validation_split, None);
    let config = loaded(CHAIN, &["~dataset.validation_split=0.25", "~quantization"]).config;
    assert_eq!(config.quantization, None);
    let config = loaded(CHAIN, &["dataset.validation_split="]).config;
    assert_eq!(config.dataset.expect("dataset").validation_split, None);
}

#[test]
fn an_argument_of_an_optimizer_that_is_only_named_makes_it_a_mapping() {
    let yaml = chain_with("optimizer:\n    Adam:\n      learning_rate: 0.001", "optimizer: Adam");
    let config = loaded(&yaml, &["training.optimizer.Adam.learning_rate=1/8"]).config;
    let Some(Optimizer::Adam(adam)) = config.training.expect("training").optimizer else {
        panic!("not Adam")
    };
    assert_eq!((adam.learning_rate, adam.beta_1), (0.125, 0.9));
}

#[test]
fn a_mapping_is_merged_into_a_mapping() {
    let config = loaded(CHAIN, &["training.model={alpha: 0.5, aspp: v2}"]).config;
    let model = config.training.and_then(|training| training.model).expect("model");
    assert_eq!((model.name.as_str(), model.alpha), ("mobilenet", Some(0.5)));
}

#[test]
fn changes_are_part_of_the_resolved_text_and_are_told() {
    let loaded = loaded(CHAIN, &["training.epochs=3", "++general.project_name=${oc.env:TOKEN}"]);
    assert!(loaded.resolved_yaml().contains("  epochs: 3\n"));
    assert!(loaded.resolved_yaml().contains("  project_name: ${oc.env:TOKEN}\n"));
    assert_eq!(loaded.overrides(), ["training.epochs=3", "++general.project_name=${oc.env:TOKEN}"]);
}

#[test]
fn a_sweep_is_told_from_a_value_with_commas_in_it() {
    assert_snapshot!("sweep", report(CHAIN, &["training.epochs=10,20"]));
    assert_snapshot!("sweep_of_words", report(CHAIN, &["++general.project_name=a, b"]));
    assert_snapshot!("sweep_of_a_range", report(CHAIN, &["training.epochs=range(1,10,2)"]));
    assert_snapshot!("sweep_of_a_choice", report(CHAIN, &["training.epochs=choice(10,20)"]));
    for whole in [
        "general.project_name='a,b'",
        "general.project_name=\"a, b\"",
        "general.project_name=${oc.env:NOT_SET,x}",
        "general.project_name=range",
        "dataset.class_names=[a, b]",
        "training.model.input_shape=(96, 96, 3)",
        "training.optimizer={Adam: {beta_1: 0.8, beta_2: 0.9}}",
        "~dataset.name=shapes",
    ] {
        loaded(CHAIN, &[whole]);
    }
    assert_snapshot!("lambda_in_a_change", {
        report(CHAIN, &["+training.callbacks.LearningRateScheduler.schedule=lambda epoch, lr: lr*0.9"])
    });
}

#[test]
fn changes_are_values_as_in_the_file() {
    let name = |change: &str| loaded(CHAIN, &[change]).config.general.project_name;
    for (change, value) in [
        ("general.project_name=a b", "a b"),
        ("general.project_name= a ", "a"),
        ("general.project_name='a: b'", "a: b"),
        ("general.project_name=a=b", "a=b"),
        ("general.project_name=\"tab\\t\"", "tab\t"),
        ("general.project_name=007", "007"),
        ("+general.project_name=", "<unnamed>"),
        ("general.project_name=''", "<unnamed>"),
        ("general.project_name=null", "<unnamed>"),
    ] {
        let yaml = chain_with("project_name: demo", "project_name:");
        let changed = if change.starts_with('+') {
            loaded(&yaml, &[change]).config.general.project_name
        } else {
            name(change)
        };
        assert_eq!(changed, value, "{change}");
    }
    let names = loaded(CHAIN, &["dataset.class_names=[a, 'b c', None]"]).config.dataset.expect("dataset");
    assert_eq!(names.class_names.expect("classes"), ["a", "b c", "None"]);
}

#[test]
fn mistakes_in_changes_point_at_the_command_line() {
    assert_snapshot!("unknown_key", report(CHAIN, &["training.epoch=3"]));
    assert_snapshot!("wrong_value", report(CHAIN, &["training.epochs=many"]));
    assert_snapshot!("no_equals_sign", report(CHAIN, &["training.epochs"]));
    assert_snapshot!("not_a_key", report(CHAIN, &["training..epochs=3"]));
    assert_snapshot!("add_what_is_there", report(CHAIN, &["+training.epochs=3"]));
    assert_snapshot!("remove_what_is_not_there", report(CHAIN, &["~training.epoch"]));
    assert_snapshot!("remove_several_values", report(CHAIN, &["~training.epochs=3,4"]));
    assert_snapshot!("remove_another_value", report(CHAIN, &["~training.epochs=3"]));
    assert_snapshot!("too_deep", report(CHAIN, &["training.epochs.first=3"]));
    assert_snapshot!("an_item_of_a_list", report(CHAIN, &["dataset.class_names[0]=sky"]));
    assert_snapshot!("not_yaml", report(CHAIN, &["training.optimizer={Adam: "]));
    assert_snapshot!("no_blank_after_the_colon", report(CHAIN, &["training.optimizer.Adam={beta_1:0.8}"]));
    assert_snapshot!("another_optimizer", report(CHAIN, &["training.optimizer.SGD.learning_rate=0.1"]));
    assert_snapshot!("emptied", report(CHAIN, &["preprocessing.color_mode="]));
    assert_snapshot!("mistakes_in_file_and_change", {
        report(&chain_with("epochs: 10", "epochs: ten"), &["training.batch_sise=4"])
    });
}

#[test]
fn a_key_of_a_change_holds_no_invisible_character() {
    for change in ["+hydra.\u{feff}note=1", "training.\u{a0}epochs=3", "~training.\u{200b}epochs"] {
        let report = report(CHAIN, &[change]);
        assert!(report.contains("holds an invisible character"), "{report}");
    }
    assert_snapshot!("invisible_character_in_a_change", report(CHAIN, &["training.epochs\u{feff}=3"]));
}

#[test]
fn a_part_of_a_stage_that_there_is_none_of_is_a_mistyped_name_and_a_whole_stage_is_a_new_one() {
    let chain = "operation_mode: stages\nstages: {leaf: {command: echo x}, root: {uses: train}}\n";
    assert_snapshot!(
        "a_mistyped_stage",
        report(chain, &["stages.laef.params.v=1", "++stages.laef.retries=1"])
    );
    assert_snapshot!(
        "a_stage_where_there_are_none",
        report("operation_mode: training\n", &["stages.a.retries=1"])
    );
    let new = ["stages.new.retries=1", "stages.new.command=ls"];
    assert_eq!(loaded(chain, &new).config.stages["new"].retries, 1);
    assert_eq!(loaded(chain, &["+stages.new={retries: 1}"]).config.stages["new"].retries, 1);
    assert_eq!(loaded(chain, &["stages.leaf.retries=1"]).config.stages["leaf"].retries, 1);
}
