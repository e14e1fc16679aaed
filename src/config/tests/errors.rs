//! Every mistake as a user sees it.

use super::{CHAIN, chain_with, load, loaded, report, started};
use crate::config::{ConfigErrors, Request};
use contract::{Issue, IssueKind};
use insta::assert_snapshot;

#[test]
fn unknown_keys() {
    assert_snapshot!("unknown_section", report(&chain_with("training:\n", "trainning:\n"), &[]));
    assert_snapshot!("unknown_key", report(&chain_with("  epochs: 10", "  epochz: 10"), &[]));
    assert_snapshot!("unknown_key_far_from_all", report(&chain_with("name: shapes", "colour: red"), &[]));
    assert_snapshot!(
        "key_of_another_section",
        report(&chain_with("model_type: deeplab_v3", "epochs: 3"), &[])
    );
    assert_snapshot!("unknown_argument", report(&chain_with("learning_rate", "learningrate"), &[]));
    assert_snapshot!("unknown_callback", {
        report(
            &chain_with("epochs: 10", "epochs: 10\n  callbacks:\n    LRCosineDecai:\n      initial_lr: 1"),
            &[],
        )
    });
    assert_snapshot!("built_in_callback", {
        report(&chain_with("epochs: 10", "epochs: 10\n  callbacks:\n    TensorBoard:\n      log_dir: x"), &[])
    });
    assert_snapshot!(
        "no_blank_after_the_colon_in_braces",
        report(&chain_with("{scale: 1/127.5, offset: -1}", "{scale:1/127.5, offset: -1}"), &[])
    );
}

#[test]
fn wrong_values() {
    let epochs = |text: &str| report(&chain_with("epochs: 10", &format!("epochs: {text}")), &[]);
    assert_snapshot!("word_for_a_whole_number", epochs("ten"));
    assert_snapshot!("fraction_for_a_whole_number", epochs("10.5"));
    assert_snapshot!("negative_whole_number", epochs("-3"));
    assert_snapshot!("list_for_a_whole_number", epochs("[1, 2]"));
    assert_snapshot!("mapping_for_a_whole_number", epochs("{a: 1}"));
    assert_snapshot!("truth_value_for_a_whole_number", epochs("True"));
    assert_snapshot!("date_for_a_whole_number", epochs("2026-11-22"));
    assert_snapshot!("time_for_a_whole_number", epochs("1:30"));
    assert_snapshot!("leading_zero_of_a_whole_number", epochs("010"));
    assert_snapshot!("whole_number_of_more_than_64_bits", epochs("18446744073709551616"));
    let scale = |text: &str| {
        report(
            &chain_with("{scale: 1/127.5, offset: -1}", &format!("\n    scale: {text}\n    offset: -1")),
            &[],
        )
    };
    assert_snapshot!("arithmetic_with_a_mistake", scale("1/127.5)"));
    assert_snapshot!("arithmetic_with_a_mistake_in_quotes", scale("\"1 / 12_\""));
    assert_snapshot!("division_by_zero", scale("1/0"));
    assert_snapshot!("leading_zero", scale("017"));
    assert_snapshot!("infinite", scale(".inf"));
    assert_snapshot!("not_a_number", scale(".nan"));
    assert_snapshot!("too_large_for_a_number", scale("1e999"));
    assert_snapshot!("result_too_large", scale("1e300 * 1e300"));
    for text in ["-.inf", ".NaN", "nan", "inf", "-1e999", "1e308*10", "'.inf'", "${INFINITE}"] {
        let report = scale(text);
        assert!(report.contains("`preprocessing.rescaling.scale` must be a number"), "{text}: {report}");
    }
    assert_snapshot!(
        "seed_out_of_range",
        report(&chain_with("name: shapes", "name: shapes\n  seed: 5_000_000_000"), &[])
    );
    assert_snapshot!(
        "truth_value",
        report(&chain_with("name: shapes", "name: shapes\n  check_image_files: maybe"), &[])
    );
    assert_snapshot!("two_of_three_numbers", report(&chain_with("(128, 128, 3)", "(128, 128)"), &[]));
    assert_snapshot!("word_in_a_tuple", report(&chain_with("(128, 128, 3)", "(128, 128, rgb)"), &[]));
    assert_snapshot!("wrong_item_of_a_tuple", report(&chain_with("(128, 128, 3)", "(128, 12.5, 3)"), &[]));
    assert_snapshot!("wrong_item_of_a_list", report(&chain_with("(128, 128, 3)", "[128, 128, x]"), &[]));
    assert_snapshot!("name_for_a_list", report(&chain_with("name: shapes", "class_names: sky"), &[]));
    assert_snapshot!("list_for_text", report(&chain_with("project_name: demo", "project_name: [a, b]"), &[]));
    assert_snapshot!("name", report(&chain_with("interpolation: bilinear", "interpolation: linear"), &[]));
    assert_snapshot!(
        "name_with_arguments",
        report(&chain_with("interpolation: bilinear", "interpolation: {bilinear: 1}"), &[])
    );
    assert_snapshot!("letter_case", report(&chain_with("color_mode: rgb", "color_mode: RGB"), &[]));
    assert_snapshot!("optimizer", report(&chain_with("    Adam:\n", "    adam:\n"), &[]));
    assert_snapshot!("two_optimizers", report(&chain_with("    Adam:\n", "    SGD:\n    Adam:\n"), &[]));
    assert_snapshot!(
        "value_for_a_section",
        report(&chain_with("training:\n  model:", "mlflow: 5\ntraining:\n  model:"), &[])
    );
    assert_snapshot!("value_for_functions", report(&format!("{CHAIN}data_augmentation: flip\n"), &[]));
    assert_snapshot!("list_for_a_section", report(&format!("{CHAIN}evaluation:\n  - target\n"), &[]));
    assert_snapshot!(
        "no_blank_after_the_colon",
        report(&format!("{CHAIN}evaluation:\n  target:host\n"), &[])
    );
    assert_snapshot!("value_for_an_untyped_section", {
        report(
            &format!("{CHAIN}custom_data_augmentation:\n  function_name: f\n  config: none of these\n"),
            &[],
        )
    });
    assert_snapshot!(
        "value_from_an_anchor",
        report(
            &chain_with("epochs: 10", "epochs: *n").replace("project_name: demo", "project_name: &n demo"),
            &[]
        )
    );
    assert_snapshot!(
        "value_in_a_block",
        report(&chain_with("epochs: 10", "epochs: |\n    ten\n    or so"), &[])
    );
}

#[test]
fn numbers_that_are_not_finite_stay_words_where_anything_may_stand() {
    let yaml = format!(
        "{CHAIN}custom_data_augmentation:\n  function_name: f\n  config: {{a: .nan, b: 1e999, c: [-.inf]}}\n"
    );
    let augmentation = loaded(&yaml, &[]).config.custom_data_augmentation.expect("augmentation");
    let text = serde_json::to_string(&augmentation.config).expect("JSON");
    assert_eq!(text, r#"{"a":".nan","b":"1e999","c":["-.inf"]}"#);
}

#[test]
fn params_of_a_stage_that_are_no_keys() {
    let yaml = format!("{CHAIN}stages:\n  again: {{uses: train, params: {{training..epochs: 3}}}}\n");
    let errors = loaded(&yaml, &[]).with_params("again").expect_err("no key");
    assert_snapshot!("params_that_are_no_keys", errors.render(false));
}

#[test]
fn missing_keys() {
    assert_snapshot!("missing_key", report(&chain_with("  color_mode: rgb\n", ""), &[]));
    assert_snapshot!("empty_key", report(&chain_with("  color_mode: rgb\n", "  color_mode:\n"), &[]));
    assert_snapshot!("several_missing_keys", {
        report(
            &chain_with("  color_mode: rgb\n", "")
                .replace("    name: mobilenet\n", "")
                .replace("scale: 1/127.5, ", ""),
            &[],
        )
    });
}

#[test]
fn all_mistakes_come_in_one_report() {
    let yaml = chain_with("project_name", "projectname")
        .replace("epochs: 10", "epochs: ten")
        .replace("batch_size: 16", "batch_size: -1")
        .replace("color_mode: rgb", "color_mode: rbg")
        .replace("0.001", "${NO_SUCH_RATE}")
        .replace("  quantizer: TFlite_converter\n", "");
    assert_snapshot!("many_mistakes", report(&yaml, &["dataset.nam=voc"]));
    let errors = load(&yaml, &[]).expect_err("mistakes");
    assert_snapshot!("many_mistakes_as_json", serde_json::to_string_pretty(&errors.to_json()).expect("JSON"));
    assert_eq!(errors.to_string(), "6 mistakes in chain.yaml");
}

#[test]
fn text_that_is_not_yaml() {
    assert_snapshot!("tab", report(&chain_with("  epochs: 10", "\tepochs: 10"), &[]));
    assert_snapshot!("lambda", {
        report(
            &chain_with(
                "epochs: 10",
                "epochs: 10\n  callbacks:\n    LearningRateScheduler:\n      schedule: lambda epoch, lr: (lr if epoch < 5 else lr/2)",
            ),
            &[],
        )
    });
    assert_snapshot!(
        "tuple_in_braces",
        report(&chain_with("{scale: 1/127.5, offset: -1}", "{scale: (1, 2), offset: -1}"), &[])
    );
    assert_snapshot!("tuples_in_brackets", {
        report(
            &format!(
                "{CHAIN}data_augmentation:\n  random_periodic_resizing: {{period: 10, image_sizes: [(128, 128), (256, 256)]}}\n"
            ),
            &[],
        )
    });
    assert_snapshot!(
        "duplicate_key",
        report(&chain_with("  epochs: 10", "  epochs: 10\n  dropout: 0.5\n  epochs: 20"), &[])
    );
    assert_snapshot!(
        "escape_in_double_quotes",
        report(&chain_with("project_name: demo", "project_name: \"C:\\data\""), &[])
    );
    assert_snapshot!("bracket_not_closed", report(&chain_with("(128, 128, 3)", "[128, 128, 3"), &[]));
    assert_snapshot!("indentation", report(&chain_with("  epochs: 10", "   epochs: 10"), &[]));
    assert_snapshot!(
        "colon_without_blank_among_keys",
        report(&chain_with("  epochs: 10", "  epochs:10"), &[])
    );
    assert_snapshot!("unknown_alias", report(&chain_with("epochs: 10", "epochs: *n"), &[]));
    assert_snapshot!("tag", report(&chain_with("(128, 128, 3)", "!tuple [128, 128, 3]"), &[]));
    assert_snapshot!("list_as_a_key", report(&format!("{CHAIN}? [a, b]\n: 1\n"), &[]));
    assert_snapshot!("merge_of_a_value", report(&chain_with("epochs: 10", "epochs: 10\n  <<: 3"), &[]));
    assert_snapshot!("two_documents", report(&format!("{CHAIN}---\na: 1\n"), &[]));
    assert_snapshot!("empty", report("", &[]));
    assert_snapshot!("only_comments", report("# nothing\n", &[]));
    assert_snapshot!("a_list", report("- training\n- evaluation\n", &[]));
    assert_snapshot!("a_word", report("operation_mode:training\n", &[]));
}

fn issue(kind: IssueKind, key: &str, message: &str) -> Issue {
    Issue::new(kind, key, message)
}

#[test]
fn issues_of_stages_get_their_place() {
    let loaded = loaded(CHAIN, &["training.epochs=0"]);
    let report = |issue: Issue| loaded.errors(vec![issue]).render(false);
    assert_snapshot!("issue_value", {
        report(
            issue(IssueKind::Invalid, "training.model.alpha", "there is no MobileNetV2 with alpha 0.35")
                .with_help("use 0.5"),
        )
    });
    assert_snapshot!(
        "issue_list",
        report(Issue::invalid("training.model.input_shape", "not a multiple of 16"))
    );
    assert_snapshot!(
        "issue_mapping",
        report(Issue::not_yet("training.optimizer.Adam", "the optimizer Adam"))
    );
    assert_snapshot!(
        "issue_change",
        report(Issue::invalid("training.epochs", "training takes at least one epoch"))
    );
    assert_snapshot!(
        "issue_missing_key",
        report(Issue::missing("dataset.training_path", "training needs images"))
    );
    assert_snapshot!("issue_callback", {
        let yaml = chain_with(
            "epochs: 10",
            "epochs: 10\n  callbacks:\n    TerminateOnNaN:\n    EarlyStopping:\n      patience: 3",
        ) + "data_augmentation:\n  random_flip: {mode: horizontal}\n";
        let issues = [
            ("training.callbacks.TerminateOnNaN", "the callback TerminateOnNaN"),
            ("training.callbacks.EarlyStopping", "the callback EarlyStopping"),
            ("data_augmentation", "data augmentation"),
        ];
        let issues = issues.map(|(key, what)| Issue::not_yet(key, what));
        super::loaded(&yaml, &[]).errors(issues.to_vec()).render(false)
    });
    assert_snapshot!("issue_name_for_a_mapping", {
        let loaded = super::loaded(
            &chain_with("optimizer:\n    Adam:\n      learning_rate: 0.001", "optimizer: SGD"),
            &[],
        );
        loaded.errors(vec![Issue::not_yet("training.optimizer.SGD", "the optimizer SGD")]).render(false)
    });
    assert_snapshot!(
        "issue_missing_section",
        report(Issue::missing("evaluation.target", "evaluation needs it"))
    );
    assert_snapshot!(
        "issue_path",
        report(issue(IssueKind::Path, "dataset.name", "there is no folder `shapes`"))
    );
    assert_snapshot!(
        "issue_conflict",
        report(issue(
            IssueKind::Conflict,
            "training.model",
            "`training.model` and `general.model_path` exclude each other"
        ))
    );
}

/// The report of a file, with its folder's name taken out.
fn file_report(folder: &tempfile::TempDir, name: &str) -> String {
    let file = folder.path().join(name);
    let request = Request { file, overrides: Vec::new(), started: started() };
    let errors: ConfigErrors = crate::config::load(&request).expect_err("a mistake");
    let json = errors.to_json();
    let error = &json["errors"][0];
    let text = format!("{}: {}\nhelp: {}\n", error["code"], error["message"], error["help"]);
    text.replace(&folder.path().display().to_string(), "FOLDER")
}

#[test]
fn files_that_cannot_be_read() {
    let folder = tempfile::tempdir().expect("a folder");
    let write = |name: &str, bytes: &[u8]| fs_err::write(folder.path().join(name), bytes).expect("a file");
    write("training_config.yaml", CHAIN.as_bytes());
    write("latin.yaml", b"general:\n  project_name: caf\xe9\n");
    write("huge.yaml", &vec![b'#'; 5 << 20]);
    let utf16: Vec<u8> = CHAIN.encode_utf16().flat_map(u16::to_le_bytes).collect();
    write("utf16.yaml", &[&[0xff, 0xfe], utf16.as_slice()].concat());
    write("utf16_without_mark.yaml", &utf16);
    fs_err::create_dir(folder.path().join("sub")).expect("a folder");
    assert_snapshot!("no_such_file", file_report(&folder, "nothing_like_it.yaml"));
    assert_snapshot!("no_such_file_but_one_is_near", file_report(&folder, "trainning_config.yaml"));
    assert_snapshot!("no_extension", file_report(&folder, "training_config"));
    assert_snapshot!("a_folder", file_report(&folder, ""));
    assert_snapshot!("a_folder_without_files", file_report(&folder, "sub"));
    assert_snapshot!("not_utf_8", file_report(&folder, "latin.yaml"));
    assert_snapshot!("too_large", file_report(&folder, "huge.yaml"));
    assert_snapshot!("utf_16", file_report(&folder, "utf16.yaml"));
    assert_snapshot!("utf_16_without_mark", file_report(&folder, "utf16_without_mark.yaml"));
    assert_snapshot!("no_such_folder", file_report(&folder, "nowhere/training_config.yaml"));
    assert_snapshot!("no_yaml_in_the_folder", file_report(&folder, "sub/training_config.yaml"));
}

#[test]
fn a_missing_file_that_is_named_by_its_own_name_says_where_was_looked() {
    let request =
        Request { file: "no_such_file_here.yaml".into(), overrides: Vec::new(), started: started() };
    let report = crate::config::load(&request).expect_err("no file").to_json();
    let here = std::env::current_dir().expect("a folder").display().to_string();
    let message = report["errors"][0]["message"].as_str().expect("a message");
    assert_snapshot!("no_such_file_here", message.replace(&here, "HERE"));
}

#[test]
fn a_byte_order_mark_is_no_content() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("bom.yaml");
    fs_err::write(&file, format!("\u{feff}{CHAIN}")).expect("a file");
    let request = Request { file, overrides: vec![], started: started() };
    let loaded = crate::config::load(&request).unwrap_or_else(|errors| panic!("{}", errors.render(false)));
    assert_eq!(loaded.config.general.project_name, "demo");
}

#[test]
fn a_coloured_report_says_the_same() {
    let errors = load(&chain_with("epochs: 10", "epochs: ten"), &[]).expect_err("ten");
    let coloured = errors.render(true);
    assert!(coloured.contains("\u{1b}["));
    let mut plain = String::new();
    let mut rest = coloured.as_str();
    while let Some((before, after)) = rest.split_once('\u{1b}') {
        plain.push_str(before);
        rest = after.split_once('m').map_or("", |(_, rest)| rest);
    }
    plain.push_str(rest);
    let squeeze = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    assert_eq!(squeeze(&plain), squeeze(&errors.render(false)));
}
