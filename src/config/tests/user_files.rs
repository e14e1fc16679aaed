//! Files as users of the original services have them.

use super::{environment, loaded, started};
use crate::config::{Loaded, loaded::load_source, read::legal_keys, text::Text};
use contract::config::{
    Adam, Augmentation, Callback, ColorMode, Contrast, Granularity, Interpolation, Monitor, MonitorMode,
    Optimizer, PretrainedWeights, Quantizer, Range, ReduceLrOnPlateau, TensorType,
};
use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

fn file(name: &str) -> Loaded {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/user_yaml").join(name);
    let text = fs_err::read_to_string(path).expect("the fixture");
    load_source(&Text::new(name, text), &[], &started(), environment)
        .unwrap_or_else(|errors| panic!("{}", errors.render(false)))
}

/// The names of all of them.
fn fixtures() -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/user_yaml");
    let entries = fs_err::read_dir(folder).expect("the folder");
    let mut names: Vec<String> =
        entries.map(|entry| entry.expect("a file").file_name().to_string_lossy().into_owned()).collect();
    names.sort_unstable();
    assert!(names.len() >= 22, "{names:?}");
    names
}

#[test]
fn the_manuals_training_file_loads() {
    let config = file("training_config.yaml").config;
    assert_eq!(config.general.global_seed, Some(127));
    assert_eq!(config.general.gpu_memory_limit, Some(12.0));
    assert!(!config.general.display_figures);
    let dataset = config.dataset.expect("dataset");
    assert_eq!(dataset.class_names.expect("classes").len(), 21);
    assert_eq!((dataset.validation_split, dataset.test_path), (None, None));
    let rescaling = config.preprocessing.expect("preprocessing").rescaling.expect("rescaling");
    assert_eq!((rescaling.scale, rescaling.offset), (1.0 / 127.5, -1.0));
    let training = config.training.expect("training");
    let model = training.model.expect("model");
    assert_eq!(model.input_shape, (512, 512, 3));
    assert_eq!(model.pretrained_weights, Some(PretrainedWeights::Imagenet));
    assert_eq!(training.optimizer, Some(Optimizer::Adam(Adam { learning_rate: 0.005, ..Adam::default() })));
    let callbacks = training.callbacks.expect("callbacks").0;
    let plateau = ReduceLrOnPlateau {
        monitor: Monitor::ValAccuracy,
        mode: MonitorMode::Max,
        factor: 0.5,
        patience: 40,
        min_lr: 1e-5,
        ..ReduceLrOnPlateau::default()
    };
    assert_eq!(callbacks[0], Callback::ReduceLROnPlateau(plateau));
    assert_eq!(config.hydra.run.dir, "./experiments_outputs/2026_11_22_14_45_07");
    let augmentation = config.data_augmentation.expect("augmentation");
    let names: Vec<&str> = augmentation.iter().map(Augmentation::name).collect();
    assert_eq!(
        names,
        [
            "random_contrast",
            "random_gaussian_noise",
            "random_jpeg_quality",
            "random_posterize",
            "random_brightness"
        ]
    );
    let contrast = Contrast { factor: Range::new(0.6, 1.4), change_rate: 1.0 };
    assert_eq!(augmentation.0[0], Augmentation::RandomContrast(contrast));
}

#[test]
fn a_quantization_file_loads() {
    let config = file("quantization_config.yaml").config;
    let quantization = config.quantization.expect("quantization");
    assert_eq!(quantization.quantizer, Quantizer::TfliteConverter);
    assert_eq!(quantization.quantization_input_type, TensorType::Uint8);
    assert!(!quantization.optimize);
    let dataset = config.dataset.expect("dataset");
    assert_eq!((dataset.quantization_masks_path, dataset.quantization_split), (None, Some(0.3)));
    assert!(config.preprocessing.expect("preprocessing").rescaling.is_some());
}

#[test]
fn an_evaluation_file_loads_and_tells_which_keys_have_no_effect() {
    let loaded = file("evaluation_config.yaml");
    let preprocessing = loaded.config.preprocessing.as_ref().expect("preprocessing");
    assert_eq!(preprocessing.color_mode, ColorMode::Rgb);
    assert_eq!(preprocessing.resizing.interpolation, Some(Interpolation::Nearest));
    assert_eq!(loaded.config.general.global_seed, None);
    assert!(loaded.config.dataset.as_ref().expect("dataset").check_image_files);
    let tool = loaded.config.tools.as_ref().expect("tools").stedgeai.as_ref().expect("stedgeai");
    assert_eq!((tool.version.as_deref(), tool.on_cloud), (Some("10.0.0"), Some(true)));
    let notes = loaded.notes.join("\n");
    for key in ["hydra.sweep", "mlflow.uri", "tools"] {
        assert!(notes.contains(&format!("`{key}`")), "{notes}");
    }
}

#[test]
fn a_chain_of_training_quantization_and_evaluation_loads() {
    let loaded = file("chain_tqe_config.yaml");
    let training = loaded.config.training.as_ref().expect("training");
    assert_eq!(training.frozen_layers.as_deref(), Some("(0:-7, -5)"));
    assert_eq!(training.trained_model_path, Some(PathBuf::from("/srv/models/step_1.h5")));
    assert_eq!(training.optimizer, Some(Optimizer::Adam(Adam::default())));
    let callbacks = training.callbacks.as_ref().expect("callbacks").0.as_slice();
    let [Callback::LearningRateScheduler(scheduler), Callback::TerminateOnNaN(_)] = callbacks else {
        panic!("{callbacks:?}")
    };
    assert!(scheduler.schedule.starts_with("lambda epoch, lr:\n"));
    let dataset = loaded.config.dataset.as_ref().expect("dataset");
    assert_eq!(dataset.training_path, Some(PathBuf::from("/srv/datasets/person/JPEGImages")));
    assert!(loaded.resolved_yaml().contains("training_path: ${oc.env:DATASETS}/person/JPEGImages\n"));
    assert!(!loaded.resolved_yaml().contains("/srv/"));
}

#[test]
fn a_chain_from_a_model_with_anchors_loads() {
    let config = file("chain_eqe_config.yaml").config;
    let dataset = config.dataset.expect("dataset");
    assert_eq!(dataset.validation_path, dataset.training_path);
    assert_eq!(dataset.quantization_split, Some(0.1));
    let quantization = config.quantization.expect("quantization");
    assert_eq!(quantization.granularity, Granularity::PerTensor);
    assert_eq!(quantization.quantizer, Quantizer::OnnxQuantizer);
}

#[test]
fn a_custom_model_needs_no_name_beside_its_type_and_has_arguments_of_its_own() {
    let training = file("custom_resume_config.yaml").config.training.expect("training");
    let model = training.model.expect("model");
    assert_eq!((model.name.as_str(), model.input_shape), ("custom", (128, 128, 1)));
    assert_eq!((model.pretrained_weights, training.frozen_layers), (None, None));
    assert_eq!(serde_json::Value::Object(model.arguments).to_string(), r#"{"alpha":0.5,"depth":3}"#);
    assert_eq!(model.alpha, None);
}

#[test]
fn the_resolved_text_of_every_file_reads_back_as_the_same_configuration() {
    for name in fixtures() {
        let name = name.as_str();
        let first = file(name);
        for text in [first.resolved_yaml(), first.secret_yaml()] {
            let second = loaded(&text, &[]);
            assert_eq!(first.config, second.config, "{name}:\n{text}");
            assert_eq!(second.resolved_yaml().contains("oc.env"), text.contains("oc.env"));
        }
        assert_eq!(first.resolved_yaml(), loaded(&first.resolved_yaml(), &[]).resolved_yaml(), "{name}");
    }
}

#[test]
fn every_shipped_file_loads() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut count = 0;
    for folder in ["pipelines", "examples/quickstart"] {
        for entry in fs_err::read_dir(root.join(folder)).expect("the folder") {
            let path = entry.expect("an entry").path();
            if path.extension().is_some_and(|extension| extension == "yaml") {
                let text = fs_err::read_to_string(&path).expect("the file");
                loaded(&text, &[]);
                count += 1;
            }
        }
    }
    assert!(count >= 5, "{count}");
}

#[test]
fn there_is_a_file_for_every_mode() {
    let modes: BTreeSet<String> =
        fixtures().iter().filter_map(|name| file(name).config.operation_mode).collect();
    let wanted = [
        "benchmarking",
        "chain_eqe",
        "chain_eqeb",
        "chain_qb",
        "chain_qd",
        "chain_tbqeb",
        "chain_tqe",
        "chain_tqeb",
        "deployment",
        "evaluation",
        "prediction",
        "quantization",
        "training",
    ];
    assert_eq!(modes, wanted.map(str::to_owned).into());
}

/// The keys of the file, dotted.
fn keys(yaml: &str) -> BTreeSet<String> {
    fn walk(value: &serde_json::Value, path: &str, found: &mut BTreeSet<String>) {
        for (key, below) in value.as_object().into_iter().flatten() {
            let key = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
            walk(below, &key, found);
            found.insert(key);
        }
    }
    let value: serde_json::Value = serde_yaml::from_str(yaml).expect("YAML");
    let mut found = BTreeSet::new();
    walk(&value, "", &mut found);
    found
}

#[test]
fn every_legal_key_is_in_one_of_the_files() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/user_yaml");
    let used: BTreeSet<String> = fixtures()
        .iter()
        .flat_map(|name| keys(&fs_err::read_to_string(folder.join(name)).expect("the file")))
        .collect();
    // Arguments of a template and other optimizers are looked at elsewhere; `stages` and `sweep` have their own files.
    let elsewhere = |key: &str| {
        key.starts_with("stages")
            || key.starts_with("sweep")
            || key == "training.model.arguments"
            || other_spelling(key)
    };
    let mut missing = Vec::new();
    for (path, fields) in legal_keys() {
        for field in fields {
            let key = path.key(*field).to_string();
            if !used.contains(&key) && !elsewhere(&key) {
                missing.push(key);
            }
        }
    }
    assert!(missing.is_empty(), "{missing:#?}");
}

/// Spellings that stand for another key, which the files use.
fn other_spelling(key: &str) -> bool {
    let random_hsv = ["hue_delta", "saturation_delta", "delta_value"];
    let older_cosine = ["initial_learning_rate", "alpha"];
    let in_list = |parent: &str, names: &[&str]| {
        key.strip_prefix(parent)
            .and_then(|rest| rest.strip_prefix('.'))
            .is_some_and(|name| names.contains(&name))
    };
    in_list("data_augmentation.random_hsv", &random_hsv)
        || in_list("training.callbacks.LRCosineDecay", &older_cosine)
}
