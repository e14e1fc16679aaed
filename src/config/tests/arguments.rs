//! Sections whose mappings hold names with arguments: mistakes in reading them, and the rules on their values.

use super::{CHAIN, chain_with, loaded, report};
use contract::config::{Callbacks, Optimizer};
use insta::assert_snapshot;

fn augmentation(functions: &str) -> String {
    format!("{CHAIN}data_augmentation:\n{functions}")
}

fn callbacks(text: &str) -> String {
    chain_with("epochs: 10", &format!("epochs: 10\n  callbacks:\n{text}"))
}

/// What the rules say of a configuration that can be read.
fn ruled(yaml: &str) -> String {
    let loaded = loaded(yaml, &[]);
    let config = &loaded.config;
    let mut issues = config.training.as_ref().expect("training").issues(&config.general);
    let colors = config.preprocessing.as_ref().map(|preprocessing| preprocessing.color_mode);
    issues.extend(config.data_augmentation.iter().flat_map(|functions| functions.issues(colors, Some(16))));
    issues.extend(config.quantization.iter().flat_map(contract::config::Quantization::issues));
    loaded.errors(issues).render(false)
}

#[test]
fn augmentation_functions_and_their_arguments() {
    let read = |functions: &str| report(&augmentation(functions), &[]);
    assert_snapshot!("unknown_function", read("  random_contrats: {factor: 0.4}\n"));
    assert_snapshot!("unknown_argument_of_a_function", read("  random_contrast: {facter: 0.4}\n"));
    assert_snapshot!(
        "argument_of_another_function",
        read("  random_contrast: {factor: 0.4, stddev: [0, 1]}\n")
    );
    assert_snapshot!("argument_that_is_needed", read("  random_flip:\n"));
    assert_snapshot!("value_for_a_function", read("  random_flip: horizontal\n"));
    assert_snapshot!("word_for_a_range", read("  random_contrast: {factor: much}\n"));
    assert_snapshot!("three_for_a_range", read("  random_contrast:\n    factor: (0.1, 0.2, 0.3)\n"));
    assert_snapshot!("one_for_a_pair", read("  random_gamma: {gamma: 1.5}\n"));
    assert_snapshot!(
        "fraction_in_a_pair_of_whole_numbers",
        read("  random_posterize:\n    bits: (4, 7.5)\n")
    );
    assert_snapshot!("unknown_fill_mode", read("  random_rotation: {factor: 0.1, fill_mode: mirror}\n"));
    assert_snapshot!("unknown_flip", read("  random_flip: {mode: horizontal_or_vertical}\n"));
    assert_snapshot!(
        "both_spellings",
        read("  random_hsv: {hue_delta: 1, delta_hue: 1, saturation_delta: 1, value_delta: 1}\n")
    );
    assert_snapshot!("names_as_a_list", read("  - random_invert\n  - random_equalize\n"));
    assert_snapshot!(
        "word_in_a_size",
        read("  random_periodic_resizing:\n    period: 5\n    image_sizes: [[96, x]]\n")
    );
    assert_snapshot!("custom_augmentation_without_a_name", {
        report(&format!("{CHAIN}custom_data_augmentation:\n  config: {{a: 1}}\n"), &[])
    });
}

#[test]
fn values_that_no_augmentation_takes() {
    let yaml = augmentation(
        "  random_contrast:\n    factor: (1.5, 0.5)\n  random_brightness: {factor: -0.1, change_rate: 2}\n  \
         random_blur: {filter_size: 0}\n  random_periodic_resizing:\n    period: 0\n    image_sizes: [[96, 100]]\n",
    );
    assert_snapshot!("ranges", ruled(&yaml));
    let grey = augmentation("  random_hue: {delta: 0.1}\n").replace("rgb", "grayscale");
    assert_snapshot!("colours_of_grayscale", ruled(&grey));
}

#[test]
fn a_name_without_a_value_is_there_with_its_defaults() {
    for nothing in ["", "None", "{}"] {
        let yaml = callbacks(&format!("    TerminateOnNaN: {nothing}\n    EarlyStopping: {nothing}"));
        let Callbacks { 0: found, .. } =
            loaded(&yaml, &[]).config.training.expect("training").callbacks.expect("callbacks");
        let names: Vec<&str> = found.iter().map(contract::config::Callback::name).collect();
        assert_eq!(names, ["TerminateOnNaN", "EarlyStopping"], "{nothing}");
    }
    let yaml = callbacks("    EarlyStopping: {patience: , monitor: None}");
    let found = loaded(&yaml, &[]).config.training.expect("training").callbacks.expect("callbacks");
    let plain = loaded(&callbacks("    EarlyStopping:"), &[]).config.training.expect("training").callbacks;
    assert_eq!(Some(found), plain, "an argument without a value is absent");
}

#[test]
fn callbacks_and_their_arguments() {
    let read = |text: &str| report(&callbacks(text), &[]);
    assert_snapshot!("unknown_argument_of_a_callback", read("    EarlyStopping: {patiense: 3}"));
    assert_snapshot!("unknown_monitor", read("    EarlyStopping: {monitor: val_acuracy}"));
    assert_snapshot!("arguments_that_are_needed", read("    LRLinearDecay: {initial_lr: 0.1}"));
    assert_snapshot!("schedule_that_is_missing", read("    LearningRateScheduler: {verbose: 1}"));
    assert_snapshot!(
        "unknown_callbacks",
        read("    LRCosine: {initial_lr: 1}\n    CSVLogger: {filename: x}")
    );
    assert_snapshot!("callbacks_as_a_word", read("    EarlyStopping"));
}

#[test]
fn values_that_no_callback_takes() {
    assert_snapshot!("two_schedulers", {
        ruled(&callbacks(
            "    ReduceLROnPlateau:\n    LRStepDecay: {initial_lr: 0.1, step_size: 0, decay_rate: 0.5}",
        ))
    });
    assert_snapshot!("schedule_with_a_mistake", {
        ruled(&callbacks("    LearningRateScheduler: {schedule: \"lambda epoch, lr: lr * exp(epoch\"}"))
    });
    assert_snapshot!("schedule_in_a_block_with_a_mistake", {
        ruled(&callbacks(
            "    LearningRateScheduler:\n      schedule: |-\n        lambda epoch, lr:\n          lr if epoc < 5\n          else lr / 2",
        ))
    });
    assert_snapshot!("piecewise_constant", {
        ruled(&callbacks("    LRPiecewiseConstantDecay: {boundaries: [30, 30], values: [0.1, 0.01]}"))
    });
    assert_snapshot!("two_spellings_of_the_cosine", {
        ruled(&callbacks("    LRCosineDecay: {initial_learning_rate: 0.1, decay_steps: 5, end_lr: 0}"))
    });
    assert_snapshot!("warm_up_from_nothing", {
        ruled(&callbacks(
            "    LRWarmupCosineDecay: {warmup_steps: 5, max_lr: 0.1, hold_steps: 0, decay_steps: 5, end_lr: 0}",
        ))
    });
}

#[test]
fn optimizers_and_their_arguments() {
    let with = |text: &str| chain_with("    Adam:\n      learning_rate: 0.001", &format!("    {text}"));
    assert_snapshot!("argument_of_another_optimizer", report(&with("SGD: {beta_1: 0.9}"), &[]));
    assert_snapshot!(
        "optimizer_values",
        ruled(&with("SGD: {learning_rate: -1, momentum: 2, clipnorm: 1, clipvalue: 1}"))
    );
    let training = loaded(&with("Ftrl:"), &[]).config.training.expect("training");
    assert_eq!(training.optimizer, Some(Optimizer::Ftrl(contract::config::Ftrl::default())));
}

#[test]
fn models_that_cannot_be() {
    let model = |old: &str, new: &str| ruled(&chain_with(old, new));
    assert_snapshot!("mobilenet_v1", model("version: v2", "version: v1"));
    assert_snapshot!("imagenet_alpha", model("alpha: 0.35", "alpha: 0.4\n    pretrained_weights: imagenet"));
    assert_snapshot!("sides_of_the_input", model("(128, 128, 3)", "(100, 128, 3)"));
    assert_snapshot!("two_kinds_of_weights", {
        model("alpha: 0.35", "alpha: 0.35\n    pretrained_weights: imagenet\n    pretrained_model_path: a.h5")
    });
    assert_snapshot!("model_and_file", {
        model("model_type: deeplab_v3", "model_type: deeplab_v3\n  model_path: a.h5")
    });
    assert_snapshot!("custom_type_of_another_model", model("model_type: deeplab_v3", "model_type: custom"));
    assert_snapshot!("unknown_model_type", report(&chain_with("deeplab_v3", "deeplab_v4"), &[]));
    assert_snapshot!("frozen_layers", model("epochs: 10", "epochs: 10\n  frozen_layers: '(0:-1:'"));
    assert_snapshot!(
        "dropout_and_counts",
        model("epochs: 10", "epochs: 0\n  dropout: 1.5\n  loss_weights: [0, 0]")
    );
    assert_snapshot!("arguments_are_no_key_of_a_model", {
        report(&chain_with("alpha: 0.35", "alpha: 0.35\n    arguments: {a: 1}"), &[])
    });
}

#[test]
fn keys_of_the_other_sections() {
    let read = |text: &str| report(&format!("{CHAIN}{text}"), &[]);
    assert_snapshot!("unknown_tool", read("tools:\n  stedgai: {version: 1}\n  path_to_cubeide: /opt\n"));
    assert_snapshot!("unknown_optimization", read("tools:\n  stedgeai: {optimization: speed}\n"));
    assert_snapshot!("unknown_key_of_a_board", read("deployment:\n  hardware_setup: {series: STM32N6}\n"));
    assert_snapshot!("unknown_key_of_benchmarking", read("benchmarking:\n  bord: STM32N6570-DK\n"));
    assert_snapshot!("unknown_time", read("stages:\n  count:\n    command: wc\n    timeout: soon\n"));
    assert_snapshot!("prediction_without_images", read("prediction:\n  target: hosts\n"));
    assert_snapshot!("unknown_calibration", report(&format!("{CHAIN}  calibration: mimmax\n"), &[]));
    assert_snapshot!(
        "unknown_extra_option",
        report(&format!("{CHAIN}  extra_options: calib_moving_averag\n"), &[])
    );
    assert_snapshot!("quantizer_values", {
        ruled(&format!(
            "{CHAIN}  optimize: True\n  target_opset: 0\n  mixed_precision: {{accuracy_drop: 0}}\n"
        ))
    });
}
