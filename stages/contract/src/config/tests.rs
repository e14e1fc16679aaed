//! The types against what they stand for, and the rules beside them.

use super::*;
use serde_json::{Value, json};

/// The keys of issues.
fn told(issues: Vec<Issue>) -> Vec<String> {
    issues.into_iter().map(|issue| issue.key).collect()
}

/// Made by tests/golden/optimizers.py with keras 3.15.
#[test]
fn optimizers_have_keras_arguments_and_defaults() {
    let golden: Value =
        serde_json::from_str(include_str!("../../tests/golden/optimizers.json")).expect("JSON");
    let schema = schema();
    // Said in words only, since absent and the default are the same.
    let unsaid = json!({"use_ema": false, "ema_momentum": 0.99, "amsgrad": false});
    let mut count = 0;
    for (name, arguments) in
        golden.as_object().expect("a mapping").iter().filter(|(name, _)| *name != "keras")
    {
        let optimizer: Optimizer = serde_json::from_value(json!({name: {}})).expect("an optimizer");
        assert_eq!(optimizer.name(), name);
        let written = &serde_json::to_value(&optimizer).expect("JSON")[name];
        for (argument, default) in arguments.as_object().expect("arguments") {
            let ours = written.get(argument).or(unsaid.get(argument)).unwrap_or(&Value::Null);
            assert_eq!(ours.as_f64(), default.as_f64(), "{name}.{argument}");
            assert_eq!(ours.as_bool(), default.as_bool(), "{name}.{argument}");
            let given = match default {
                Value::Bool(_) => json!(true),
                _ if argument == "name" => json!("mine"),
                _ if argument.ends_with("steps") || argument.ends_with("frequency") => json!(3),
                _ => json!(0.5),
            };
            let with: Result<Optimizer, _> = serde_json::from_value(json!({name: {argument: given}}));
            assert!(with.is_ok(), "{name}.{argument}: {with:?}");
            count += 1;
        }
        let definition = if name == "SGD" {
            "Sgd"
        } else if name == "RMSprop" {
            "RmsProp"
        } else {
            name
        };
        let known = schema["$defs"][definition]["properties"].as_object().expect("arguments");
        assert_eq!(known.len(), arguments.as_object().expect("arguments").len(), "{name}");
    }
    assert!(count > 100, "{count}");
}

#[test]
fn a_single_value_stands_for_the_range_of_its_argument() {
    let function = |value: Value| -> Augmentation { serde_json::from_value(value).expect("a function") };
    let ends = |value: Value| match function(value) {
        Augmentation::RandomContrast(c) => (c.factor.low, c.factor.high),
        Augmentation::RandomBrightness(b) => (b.factor.low, b.factor.high),
        Augmentation::RandomSharpness(s) => (s.factor.low, s.factor.high),
        Augmentation::RandomBlur(b) => (f64::from(b.filter_size.low), f64::from(b.filter_size.high)),
        other => panic!("{other:?}"),
    };
    assert_eq!(ends(json!({"random_contrast": {"factor": 0.25}})), (0.75, 1.25));
    assert_eq!(ends(json!({"random_brightness": {"factor": 0.25}})), (-0.25, 0.25));
    assert_eq!(ends(json!({"random_sharpness": {"factor": 2}})), (0.0, 2.0));
    assert_eq!(ends(json!({"random_blur": {"filter_size": 3}})), (3.0, 3.0));
    assert_eq!(ends(json!({"random_contrast": {"factor": [0.5, 0.75]}})), (0.5, 0.75));
    for pair_only in [
        json!({"random_gamma": {"gamma": 1.5}}),
        json!({"random_posterize": {"bits": 4}}),
        json!({"random_gaussian_noise": {"stddev": 0.1}}),
    ] {
        assert!(serde_json::from_value::<Augmentation>(pair_only.clone()).is_err(), "{pair_only}");
    }
}

#[test]
fn the_order_of_functions_survives_and_a_name_alone_has_all_defaults() {
    let text = r#"{"random_invert": null, "random_flip": {"mode": "vertical"}, "random_crop": {}}"#;
    let functions: DataAugmentation = serde_json::from_str(text).expect("functions");
    let names: Vec<&str> = functions.iter().map(Augmentation::name).collect();
    assert_eq!(names, ["random_invert", "random_flip", "random_crop"]);
    let Augmentation::RandomCrop(crop) = &functions.0[2] else { panic!("no crop") };
    assert_eq!((crop.crop_width.low, crop.crop_width.high, crop.change_rate), (0.6, 0.9, 0.9));
    let written = serde_json::to_string(&functions).expect("JSON");
    assert_eq!(serde_json::from_str::<DataAugmentation>(&written).expect("functions"), functions);
}

#[test]
fn ranges_and_rates_that_no_function_takes_are_refused_at_their_key() {
    for (arguments, key) in [
        (json!({"random_contrast": {"factor": [1.5, 0.5]}}), "random_contrast.factor"),
        (json!({"random_contrast": {"factor": 2}}), "random_contrast.factor"),
        (json!({"random_brightness": {"factor": -0.1}}), "random_brightness.factor"),
        (json!({"random_gamma": {"gamma": [0, 1]}}), "random_gamma.gamma"),
        (json!({"random_posterize": {"bits": [4, 9]}}), "random_posterize.bits"),
        (json!({"random_posterize": {"bits": [4, 4]}}), "random_posterize.bits"),
        (json!({"random_blur": {"filter_size": 0}}), "random_blur.filter_size"),
        (json!({"random_jpeg_quality": {"jpeg_quality": 101}}), "random_jpeg_quality.jpeg_quality"),
        (json!({"random_crop": {"crop_width": 1.5}}), "random_crop.crop_width"),
        (json!({"random_invert": {"change_rate": 1.5}}), "random_invert.change_rate"),
        (json!({"random_autocontrast": {"cutoff": 50}}), "random_autocontrast.cutoff"),
        (json!({"random_zoom": {"width_factor": [-1, 0.5]}}), "random_zoom.width_factor"),
        (
            json!({"random_periodic_resizing": {"period": 1, "image_sizes": [[96, 100]]}}),
            "random_periodic_resizing.image_sizes",
        ),
        (
            json!({"random_periodic_resizing": {"period": 0, "image_sizes": [[96, 96]]}}),
            "random_periodic_resizing.period",
        ),
        (json!({"random_hue": {"delta": 0.1}}), "random_hue"),
    ] {
        let functions: DataAugmentation = serde_json::from_value(arguments.clone()).expect("functions");
        let found = told(functions.issues(Some(ColorMode::Grayscale), Some(16)));
        assert_eq!(found, [format!("data_augmentation.{key}")], "{arguments}");
    }
    let none: DataAugmentation =
        serde_json::from_value(json!({"random_rotation": {"factor": 0}})).expect("one");
    assert!(none.issues(None, None).is_empty(), "a factor of 0 changes nothing");
}

#[test]
fn schedules_that_divide_by_zero_or_never_end_are_refused_at_their_key() {
    let restarts = json!({"initial_lr": 0.1, "first_decay_steps": 5, "end_lr": 0.01});
    let cases = [
        (
            json!({"LRLinearDecay": {"initial_lr": 1, "hold_steps": 0, "decay_steps": 0, "end_lr": 0}}),
            "LRLinearDecay.decay_steps",
        ),
        (
            json!({"LRStepDecay": {"initial_lr": 1, "step_size": 0, "decay_rate": 0.5}}),
            "LRStepDecay.step_size",
        ),
        (
            json!({"LRCosineDecay": {"initial_lr": 0, "hold_steps": 0, "decay_steps": 5, "end_lr": 0}}),
            "LRCosineDecay.initial_lr",
        ),
        (
            json!({"LRCosineDecay": {"initial_learning_rate": 1, "decay_steps": 5, "end_lr": 0}}),
            "LRCosineDecay.end_lr",
        ),
        (
            json!({"LRCosineDecay": {"initial_lr": 1, "decay_steps": 5, "end_lr": 0}}),
            "LRCosineDecay.hold_steps",
        ),
        (
            json!({"LRWarmupCosineDecay": {"warmup_steps": 2, "max_lr": 1, "hold_steps": 0, "decay_steps": 5, "end_lr": 0}}),
            "LRWarmupCosineDecay.initial_lr",
        ),
        (
            json!({"LRWarmupCosineDecay": {"warmup_steps": 0, "max_lr": 0, "hold_steps": 0, "decay_steps": 5, "end_lr": 0}}),
            "LRWarmupCosineDecay.max_lr",
        ),
        (
            json!({"LRPiecewiseConstantDecay": {"boundaries": [5, 5], "values": [1, 2, 3]}}),
            "LRPiecewiseConstantDecay.boundaries",
        ),
        (
            json!({"LRPiecewiseConstantDecay": {"boundaries": [5], "values": [1]}}),
            "LRPiecewiseConstantDecay.values",
        ),
        (
            json!({"LearningRateScheduler": {"schedule": "lambda epoch, lr: lr +"}}),
            "LearningRateScheduler.schedule",
        ),
        (json!({"EarlyStopping": {"verbose": 2}}), "EarlyStopping.verbose"),
        (json!({"ReduceLROnPlateau": {"factor": 1}}), "ReduceLROnPlateau.factor"),
        (
            json!({"TerminateOnNaN": null, "LRStepDecay": {"initial_lr": 1, "step_size": 1, "decay_rate": 1}, "ReduceLROnPlateau": {}}),
            "ReduceLROnPlateau",
        ),
    ];
    for (callbacks, key) in cases {
        let read: Callbacks = serde_json::from_value(callbacks.clone()).expect("callbacks");
        assert_eq!(told(read.issues()), [format!("training.callbacks.{key}")], "{callbacks}");
    }
    for (name, value) in [("first_decay_steps", json!(0)), ("t_mul", json!(0)), ("m_mul", json!(1.5))] {
        let mut arguments = restarts.clone();
        arguments[name] = value;
        let read: Callbacks =
            serde_json::from_value(json!({"LRCosineDecayRestarts": arguments})).expect("callbacks");
        assert_eq!(told(read.issues()), [format!("training.callbacks.LRCosineDecayRestarts.{name}")]);
    }
}

#[test]
fn both_spellings_of_the_cosine_are_read() {
    let read = |arguments: Value| -> LrCosineDecay { serde_json::from_value(arguments).expect("arguments") };
    let older = read(json!({"initial_learning_rate": 0.01, "decay_steps": 170, "alpha": 0.5}));
    assert_eq!((older.first(), older.hold(), older.last()), (0.01, 0, 0.005));
    let newer = read(json!({"initial_lr": 0.01, "hold_steps": 3, "decay_steps": 170, "end_lr": 1e-4}));
    assert_eq!((newer.first(), newer.hold(), newer.last()), (0.01, 3, 1e-4));
}

#[test]
fn optimizers_refuse_what_keras_refuses() {
    for (optimizer, key) in [
        (json!({"SGD": {"learning_rate": 0}}), "SGD.learning_rate"),
        (json!({"SGD": {"momentum": 1.5}}), "SGD.momentum"),
        (json!({"Adam": {"clipnorm": 1, "clipvalue": 1}}), "Adam.clipvalue"),
        (json!({"Ftrl": {"learning_rate_power": 1}}), "Ftrl.learning_rate_power"),
        (json!({"Lion": {"gradient_accumulation_steps": 1}}), "Lion.gradient_accumulation_steps"),
        (json!({"Nadam": {"ema_momentum": 2}}), "Nadam.ema_momentum"),
    ] {
        let read: Optimizer = serde_json::from_value(optimizer.clone()).expect("an optimizer");
        assert_eq!(told(read.issues()), [format!("training.optimizer.{key}")], "{optimizer}");
    }
}
