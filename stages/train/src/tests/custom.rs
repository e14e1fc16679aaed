//! Trainings of networks that users describe.

use super::{
    settings::config_of,
    start::{preflight, told, trained},
    support::{file_at, run_from, settings},
};
use crate::{ModelSettings, Train, TrainSettings};
use contract::{Input, InputContent, IssueKind, Stage};
use serde_json::{Value, json};
use std::{collections::BTreeMap, path::Path};

const UNET: &str = include_str!("../../../../examples/custom_model/unet.yaml");

/// Settings of a training of the list at the port, with these arguments.
fn of_list(arguments: &Value) -> TrainSettings {
    let arguments = arguments.as_object().cloned().unwrap_or_default();
    let model = ModelSettings::Custom { input_shape: (32, 32, 3), arguments, layers: None };
    TrainSettings { model, epochs: 1, ..settings() }
}

fn list(folder: &Path, name: &str, text: &str) -> BTreeMap<String, Input> {
    let path = folder.join(name);
    fs_err::write(&path, text).expect("a file");
    file_at("layers", &path)
}

#[test]
fn the_snippet_of_the_manual_trains_the_shipped_example() {
    let config = config_of(|c| {
        c["general"]["model_type"] = Value::Null;
        let arguments = json!({"alpha": 0.5, "width": 3});
        c["training"]["model"] =
            json!({"name": "custom", "input_shape": [32, 32, 3], "arguments": arguments});
        c["training"]["model"]["arguments"].as_object_mut().expect("arguments").remove("alpha");
        c["training"]["model"]["alpha"] = json!(0.5);
        c["training"]["dropout"] = json!(0.2);
        c["training"]["batch_size"] = json!(4);
        c["training"]["epochs"] = json!(1);
    });
    let settings = TrainSettings::from_config(&config).expect("settings");
    let ModelSettings::Custom { arguments, layers, .. } = &settings.model else { panic!("a custom network") };
    assert_eq!(json!(arguments), json!({"width": 3, "output_stride": 16, "aspp": "v1", "alpha": 0.5}));
    assert!(layers.as_ref().is_some_and(|text| text.contains("UpSampling2D")));
    insta::assert_snapshot!("unused_argument", told(&preflight(&settings, BTreeMap::new())));
    let folder = tempfile::tempdir().expect("a folder");
    let graph = trained(&run_from(BTreeMap::new(), &settings, folder.path(), 2, None));
    assert_eq!(graph.name, "custom");
    assert_eq!(graph.layer(graph.find("conv2d").expect("a layer")).output.shape, [16, 16, 8]);
}

#[test]
fn a_list_with_branches_is_trained_and_its_name_is_no_part_of_the_result() {
    let folder = tempfile::tempdir().expect("a folder");
    let settings = of_list(&json!({"width": 4, "depth": 2}));
    let files = list(folder.path(), "unet.yaml", UNET);
    assert_eq!(told(&preflight(&settings, files.clone())), "");
    let first = run_from(files, &settings, folder.path(), 2, None);
    assert!(trained(&first).find("both0").is_some());
    let other = tempfile::tempdir().expect("a folder");
    let files = list(other.path(), "mine.yml", UNET);
    assert_eq!(run_from(files, &settings, other.path(), 1, None).files, first.files);
}

#[test]
fn what_is_wrong_with_a_list_is_told_before_the_run() {
    let folder = tempfile::tempdir().expect("a folder");
    let said = |text: &str| {
        let files = list(folder.path(), "net.yaml", text);
        told(&preflight(&of_list(&json!({"width": 4})), files)) + "\n"
    };
    let cases = [
        "- Conv2D: {filters: {{ width }}, kernal_size: 3}\n- Dropout: {rate: {{ dropout }}}\n",
        "- Conv2D: {filters: {{ classes }}, kernel_size: 3}\n",
        "- Conv2D: {filters: {{ num_classes }}, kernel_size: 1}\n",
        "- Dropout: {rate: 0.5}\n- Conv2D: {filters: {{ num_classes }}, kernel_size: 1}\n",
        "- Dropout: {rate: {{ dropout }}}\n- Conv2D: {filters: {{ num_classes + width }}, kernel_size: 1}\n",
    ];
    insta::assert_snapshot!("wrong_lists", cases.map(said).join("\n"));
}

#[test]
fn a_list_that_is_not_there_is_told_at_its_key() {
    let config = config_of(|c| {
        c["general"]["model_type"] = json!("custom");
        c["training"]["model"] =
            json!({"name": "custom", "file": "no/such.yaml", "input_shape": [32, 32, 3]});
    });
    let issues = Train.source("layers", &config).expect_err("no file");
    assert_eq!((issues[0].kind, issues[0].key.as_str()), (IssueKind::Path, "training.model.file"));
    assert!(issues[0].message.contains("no/such.yaml"), "{}", issues[0].message);
    let zoo = config_of(|_| {});
    assert_eq!(Train.source("layers", &zoo).expect("no list is needed"), None);
}

#[test]
fn a_list_that_another_stage_makes_is_looked_at_when_it_is_there() {
    assert_eq!(told(&preflight(&of_list(&json!({})), BTreeMap::new())), "");
    let folder = tempfile::tempdir().expect("a folder");
    let mut files = list(folder.path(), "net.yaml", "- ReLU\n");
    let story = run_from(BTreeMap::new(), &of_list(&json!({})), folder.path(), 1, None);
    assert!(story.result.is_err(), "nothing to train");
    let input = files.remove("layers").expect("the list");
    assert!(matches!(input.content, InputContent::File { .. }));
    let model = BTreeMap::from([("layers".to_owned(), input)]);
    let refused = told(&preflight(&settings(), model));
    assert!(refused.contains("layers"), "{refused}");
}
