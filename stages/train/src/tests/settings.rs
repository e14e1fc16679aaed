//! What the projection of a configuration refuses.

use crate::{ModelSettings, Train, TrainSettings};
use contract::{Config, IssueKind, Settings, Stage, config::Callback};
use serde_json::{Value, json};

/// A key, and a change that makes its value one to refuse.
type Case = (&'static str, fn(&mut Value));

fn legal() -> Value {
    json!({
        "general": {"model_type": "deeplab_v3"},
        "dataset": {"name": "shapes"},
        "preprocessing": {
            "rescaling": {"scale": 0.007_843_137, "offset": -1.0},
            "resizing": {"interpolation": "bilinear", "aspect_ratio": "fit"},
            "color_mode": "rgb"
        },
        "training": {
            "model": {"name": "mobilenet", "version": "v2", "alpha": 0.35, "input_shape": [96, 96, 3]},
            "batch_size": 16,
            "epochs": 20,
            "optimizer": {"Adam": {"learning_rate": 0.005}}
        }
    })
}

/// A legal configuration with a change.
pub(super) fn config_of(change: impl FnOnce(&mut Value)) -> Config {
    config(change)
}

fn config(change: impl FnOnce(&mut Value)) -> Config {
    let mut value = legal();
    change(&mut value);
    serde_json::from_value(value).expect("a configuration")
}

/// Sorts and keys of what is refused.
fn refused(change: impl FnOnce(&mut Value)) -> Vec<(IssueKind, String)> {
    let issues = TrainSettings::from_config(&config(change)).expect_err("it must be refused");
    issues.into_iter().map(|issue| (issue.kind, issue.key)).collect()
}

fn one(kind: IssueKind, key: &str) -> Vec<(IssueKind, String)> {
    vec![(kind, key.to_owned())]
}

#[test]
fn a_legal_configuration_becomes_settings_that_survive_the_wire() {
    let settings = Train.settings(&config(|_| {})).expect("settings");
    let parsed: TrainSettings = settings.parse().expect("settings");
    assert_eq!(parsed.dropout, None);
    assert_eq!(parsed.loss_weights, [1.0; 4]);
    assert_eq!(parsed.seed, 120);
    assert_eq!(parsed.model.input_shape(), Some((96, 96, 3)));
}

#[test]
fn the_background_of_pascal_voc_weighs_half() {
    let config = config(|c| c["dataset"] = json!({"name": "pascal_voc"}));
    let weights = TrainSettings::from_config(&config).expect("settings").loss_weights;
    assert_eq!((weights.len(), weights[0], weights[1]), (21, 0.5, 1.0));
}

#[test]
fn what_is_not_built_yet_is_never_ignored() {
    let cases: [Case; 2] = [
        ("data_augmentation.random_gamma", |c| {
            c["data_augmentation"] =
                json!({"random_flip": {"mode": "horizontal"}, "random_gamma": {"gamma": [0.5, 2]}});
        }),
        ("custom_data_augmentation", |c| c["custom_data_augmentation"] = json!({"function_name": "mine"})),
    ];
    for (key, change) in cases {
        assert_eq!(refused(change), one(IssueKind::NotYet, key));
    }
}

#[test]
fn arguments_of_an_optimizer_count_and_their_defaults_change_nothing() {
    let plain = Train.settings(&config(|_| {})).expect("settings");
    for (name, other, default) in [
        ("amsgrad", json!(true), json!(false)),
        ("weight_decay", json!(0.004), Value::Null),
        ("clipnorm", json!(1.0), Value::Null),
        ("clipvalue", json!(0.5), Value::Null),
        ("global_clipnorm", json!(1.0), Value::Null),
        ("use_ema", json!(true), json!(false)),
        ("loss_scale_factor", json!(128.0), Value::Null),
        ("gradient_accumulation_steps", json!(2), Value::Null),
    ] {
        let with = |value: Value| {
            Train.settings(&config(|c| c["training"]["optimizer"]["Adam"][name] = value)).expect("settings")
        };
        assert_ne!(with(other), plain, "{name}");
        assert_eq!(with(default), plain, "{name}");
    }
    let idle =
        json!({"learning_rate": 0.005, "name": "mine", "ema_momentum": 0.5, "ema_overwrite_frequency": 3});
    let idle = Train.settings(&config(|c| c["training"]["optimizer"]["Adam"] = idle));
    assert_eq!(idle.expect("settings"), plain, "no average, no decay of it");
    let arguments = json!({"learning_rate": 0.005, "beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-7});
    let written = serde_json::to_value(&plain).expect("JSON");
    assert_eq!(written["optimizer"]["Adam"], arguments, "{written}");
}

#[test]
fn every_optimizer_and_callback_of_the_services_is_accepted() {
    for name in ["SGD", "RMSprop", "Adam", "AdamW", "Adagrad", "Adadelta", "Adamax", "Nadam", "Ftrl", "Lion"]
    {
        let settings =
            TrainSettings::from_config(&config(|c| c["training"]["optimizer"] = json!({name: {}})));
        let settings = settings.expect("settings");
        assert_eq!(settings.optimizer.name(), name);
        let parsed: TrainSettings = Settings::of(&settings).parse().expect("settings");
        assert_eq!(parsed, settings);
    }
    let callbacks = json!({
        "TerminateOnNaN": {}, "EarlyStopping": {"monitor": "val_miou"}, "ReduceLROnPlateau": {"monitor": "lr"}
    });
    let settings = TrainSettings::from_config(&config(|c| c["training"]["callbacks"] = callbacks));
    let settings = settings.expect("settings");
    let names: Vec<&str> = settings.callbacks.iter().map(Callback::name).collect();
    assert_eq!(names, ["EarlyStopping", "ReduceLROnPlateau", "TerminateOnNaN"], "in one order");
    let parsed: TrainSettings = Settings::of(&settings).parse().expect("settings");
    assert_eq!(parsed, settings);
}

#[test]
fn a_mode_that_is_said_is_the_one_that_is_meant() {
    let with = |stopping: Value| {
        let settings =
            Train.settings(&config(|c| c["training"]["callbacks"] = json!({"EarlyStopping": stopping})));
        settings.expect("settings")
    };
    assert_eq!(
        with(json!({"monitor": "val_accuracy"})),
        with(json!({"monitor": "val_accuracy", "mode": "max"}))
    );
    assert_ne!(
        with(json!({"monitor": "val_accuracy"})),
        with(json!({"monitor": "val_accuracy", "mode": "min"}))
    );
}

#[test]
fn a_schedule_is_the_same_training_however_it_is_written() {
    let with = |callbacks: Value| {
        let settings = Train.settings(&config(|c| c["training"]["callbacks"] = callbacks));
        serde_json::to_value(settings.expect("settings")).expect("JSON")
    };
    let older = json!({"LRCosineDecay": {"initial_learning_rate": 0.5, "decay_steps": 170, "alpha": 0.25}});
    let newer = json!({"initial_lr": 0.5, "hold_steps": 0, "decay_steps": 170, "end_lr": 0.125});
    let newer = with(json!({"LRCosineDecay": newer}));
    assert_eq!(with(older), newer);
    assert_eq!(newer["callbacks"][0]["LRCosineDecay"]["end_lr"], json!(0.125), "{newer}");
    let lambda = |text: &str| with(json!({"LearningRateScheduler": {"schedule": text}}));
    assert_eq!(lambda("lambda epoch, lr: lr * 0.9"), lambda("lambda epoch, lr:\n  lr * 0.9"));
    let plain = Train.settings(&config(|_| {})).expect("settings");
    let plain = serde_json::to_value(plain).expect("JSON");
    assert_eq!(plain.get("callbacks"), None, "no callbacks, no key: {plain}");
}

#[test]
fn a_lambda_without_a_rate_for_some_epoch_is_found_before_anything_runs() {
    for (text, wanted) in [
        ("lambda epoch, lr: lr / (12 - epoch)", "no value for epoch 12"),
        ("lambda epoch, lr: lr - 0.0003", "for epoch 16"),
    ] {
        let change = |c: &mut Value| {
            c["training"]["callbacks"] = json!({"LearningRateScheduler": {"schedule": text}});
        };
        let issues = TrainSettings::from_config(&config(change)).expect_err("refused");
        assert_eq!(issues.len(), 1);
        assert_eq!(issues[0].key, "training.callbacks.LearningRateScheduler.schedule");
        assert!(issues[0].message.contains(wanted), "{}", issues[0].message);
    }
}

#[test]
fn augmentation_has_effective_values_in_the_order_of_the_file() {
    let settings = |functions: Value| {
        let config = config(|c| c["data_augmentation"] = functions);
        serde_json::to_value(TrainSettings::from_config(&config).expect("settings")).expect("JSON")
    };
    let found = settings(json!([
        {"random_flip": {"mode": "vertical"}},
        {"random_contrast": {"factor": 0.5, "change_rate": 0}},
        {"random_brightness": {"factor": 0.25}}
    ]));
    let wanted = json!([
        {"random_flip": {"mode": "vertical", "change_rate": 0.5}},
        {"random_brightness": {"factor": [-0.25, 0.25], "change_rate": 1.0}}
    ]);
    assert_eq!(found["augmentation"], wanted);
    let pair = settings(json!([{"random_brightness": {"factor": [-0.25, 0.25], "change_rate": 1}}]));
    assert_eq!(pair, settings(json!([{"random_brightness": {"factor": 0.25}}])));
}

#[test]
fn a_renamed_class_is_the_same_training() {
    let named = |name: &str| {
        let names = json!(["background", "disc", "square", name]);
        Train.settings(&config(|c| c["dataset"]["class_names"] = names)).expect("settings")
    };
    assert_eq!(named("triangle"), named("wedge"));
}

#[test]
fn a_custom_model_has_a_type_by_its_name() {
    for general in [json!({}), json!({"model_type": "custom"})] {
        let config = config(|c| {
            c["general"] = general;
            c["training"]["model"] = json!({"name": "custom", "input_shape": [96, 96, 3]});
        });
        let settings = TrainSettings::from_config(&config).expect("settings");
        assert!(matches!(settings.model, ModelSettings::Custom { input_shape: (96, 96, 3), .. }));
    }
}

#[test]
fn rules_on_values_and_what_is_not_built_come_in_one_report() {
    let found = refused(|c| {
        c["data_augmentation"] = json!({
            "random_periodic_resizing": {"period": 5, "image_sizes": [[100, 96]]},
            "random_gamma": {"gamma": [2, 1]}
        });
        c["training"]["callbacks"] =
            json!({"LRStepDecay": {"initial_lr": 1, "step_size": 0, "decay_rate": 0.5}});
        c["training"]["frozen_layers"] = json!("(0:");
        c["training"]["model"]["alpha"] = json!(0.4);
        c["training"]["model"]["pretrained_weights"] = json!("imagenet");
    });
    let mut found: Vec<(String, IssueKind)> = found.into_iter().map(|(kind, key)| (key, kind)).collect();
    found.sort_by(|a, b| a.0.cmp(&b.0));
    let (wrong, later) = (IssueKind::Invalid, IssueKind::NotYet);
    let wanted = [
        ("data_augmentation.random_gamma", later),
        ("data_augmentation.random_gamma.gamma", wrong),
        ("data_augmentation.random_periodic_resizing", later),
        ("data_augmentation.random_periodic_resizing.image_sizes", wrong),
        ("training.callbacks.LRStepDecay.step_size", wrong),
        ("training.frozen_layers", wrong),
        ("training.model.alpha", wrong),
    ];
    assert_eq!(found, wanted.map(|(key, kind)| (key.to_owned(), kind)));
}

#[test]
fn keys_without_an_effect_on_training_are_noted() {
    let folder = tempfile::tempdir().expect("a folder");
    let ids = folder.path().join("ids.txt");
    fs_err::write(&ids, "a\nb\nc\nd\ne\n").expect("a file");
    for id in ["a", "b", "c", "d", "e"] {
        for extension in ["jpg", "png"] {
            fs_err::write(folder.path().join(format!("{id}.{extension}")), "never decoded").expect("a file");
        }
    }
    let codes = |mode: &str, test_set: bool, limit: Value| -> Vec<String> {
        let config = config(|c| {
            c["operation_mode"] = json!(mode);
            c["general"]["gpu_memory_limit"] = limit;
            c["dataset"] = json!({"class_names": ["left", "right"]});
            for set in if test_set { &["training", "test"][..] } else { &["training"] } {
                c["dataset"][format!("{set}_path")] = json!(folder.path());
                c["dataset"][format!("{set}_masks_path")] = json!(folder.path());
                c["dataset"][format!("{set}_files_path")] = json!(ids);
            }
        });
        let source = Train.source("training_set", &config).expect("a set").expect("a set");
        source.findings.into_iter().map(|finding| finding.code).collect()
    };
    assert_eq!(codes("training", true, Value::Null), ["train::test_set"]);
    assert_eq!(codes("training", false, Value::Null), [""; 0]);
    assert_eq!(codes("chain_tqe", true, Value::Null), [""; 0]);
    assert_eq!(codes("chain_tqe", true, json!(12.0)), ["train::gpu_memory_limit"]);
}

#[test]
fn exactly_one_key_says_what_is_trained() {
    let nothing = config(|c| c["training"]["model"] = Value::Null);
    let issues = Train.source("model", &nothing).expect_err("there is nothing to train");
    assert_eq!((issues[0].kind, issues[0].key.as_str()), (IssueKind::Missing, "training.model"));
    let both = refused(|c| c["general"]["model_path"] = json!("a.h5"));
    assert_eq!(both, one(IssueKind::Conflict, "general.model_path"));
}

#[test]
fn values_that_no_training_has_are_refused_at_their_key() {
    let cases: [Case; 10] = [
        ("training.batch_size", |c| c["training"]["batch_size"] = json!(0)),
        ("training.epochs", |c| c["training"]["epochs"] = json!(0)),
        ("training.dropout", |c| c["training"]["dropout"] = json!(1.0)),
        ("training.model.alpha", |c| c["training"]["model"]["alpha"] = json!(0.0)),
        ("training.model.input_shape", |c| c["training"]["model"]["input_shape"] = json!([96, 100, 3])),
        ("training.model.output_stride", |c| c["training"]["model"]["output_stride"] = json!(4)),
        ("training.model.version", |c| c["training"]["model"]["version"] = json!("v1")),
        ("training.model.name", |c| c["training"]["model"]["name"] = json!("vgg")),
        ("training.optimizer.Adam.learning_rate", |c| {
            c["training"]["optimizer"]["Adam"]["learning_rate"] = json!(0.0);
        }),
        ("training.loss_weights", |c| c["training"]["loss_weights"] = json!([1.0, 2.0])),
    ];
    for (key, change) in cases {
        assert_eq!(refused(change), one(IssueKind::Invalid, key));
    }
}

#[test]
fn resnet50_is_a_backbone_with_or_without_its_only_version() {
    for version in [json!("v1"), Value::Null] {
        let config = config(|c| {
            c["training"]["model"] = json!({
                "name": "resnet50", "version": version, "input_shape": [32, 48, 3], "output_stride": 8, "aspp": "v2",
            });
        });
        let settings = TrainSettings::from_config(&config).expect("settings");
        let model = json!({
            "deeplab_v3_resnet50": {"input_shape": [32, 48, 3], "output_stride": 8, "aspp": "v2"},
        });
        assert_eq!(serde_json::to_value(&settings).expect("JSON")["model"], model);
        let graph = settings.graph().expect("a network").expect("of the zoo");
        assert_eq!(graph.name, "deeplabv3_resnet50_32x48");
        assert!(graph.find("conv3_block4_out").is_some() && graph.find("conv4_block1_1_conv").is_none());
    }
}

#[test]
fn mobilenet_v1_is_refused_with_the_backbones_that_are_there() {
    let config = config(|c| c["training"]["model"]["version"] = json!("v1"));
    let issues = TrainSettings::from_config(&config).expect_err("refused");
    let help = issues[0].help.clone().unwrap_or_default();
    assert!(help.contains("mobilenet") && help.contains("v2") && help.contains("resnet50"), "{help}");
}

#[test]
fn missing_keys_are_named() {
    let missing = |change: fn(&mut Value)| refused(change);
    assert_eq!(missing(|c| c["training"] = Value::Null), one(IssueKind::Missing, "training"));
    assert_eq!(missing(|c| c["preprocessing"] = Value::Null), one(IssueKind::Missing, "preprocessing"));
    let no_type = missing(|c| c["general"] = json!({}));
    assert_eq!(no_type, one(IssueKind::Missing, "general.model_type"));
    let no_alpha = missing(|c| c["training"]["model"]["alpha"] = Value::Null);
    assert_eq!(no_alpha, one(IssueKind::Missing, "training.model.alpha"));
}

#[test]
fn all_mistakes_come_in_one_report() {
    let mistakes = refused(|c| {
        c["training"]["batch_size"] = json!(0);
        c["training"]["model"]["alpha"] = json!(-1.0);
        c["preprocessing"] = Value::Null;
        c["data_augmentation"] = json!({"random_gamma": {"gamma": [0.5, 2]}});
    });
    assert_eq!(mistakes.len(), 4, "{mistakes:?}");
}
