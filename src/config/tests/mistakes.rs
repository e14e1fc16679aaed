//! Mistakes in YAML that people really make, each with its help.

use super::{CHAIN, chain_with, loaded, report};
use insta::assert_snapshot;

/// [`CHAIN`] with this line in place of that of the epochs.
fn line(text: &str) -> String {
    report(&chain_with("  epochs: 10", text), &[])
}

/// [`CHAIN`] with this value for the project's name.
fn value(text: &str) -> String {
    report(&tools(&format!("\n  note: {text}")), &[])
}

/// [`CHAIN`] with a section `hydra`, where anything may stand.
fn tools(text: &str) -> String {
    chain_with("training:\n", &format!("hydra:{text}\ntraining:\n"))
}

fn scheduler(text: &str) -> String {
    line(&format!("  epochs: 10\n  callbacks:\n    LearningRateScheduler:\n      {text}"))
}

#[test]
fn a_lambda_without_quotes() {
    assert_snapshot!(
        "lambda_in_a_block",
        scheduler("schedule: lambda epoch, lr: (lr if epoch < 5 else lr/2)")
    );
    assert_snapshot!("lambda_of_several_lines", {
        scheduler("schedule: lambda epoch, lr:\n        lr if epoch < 5\n        else lr/2")
    });
    assert_snapshot!(
        "lambda_with_quotes_in_it",
        scheduler("schedule: lambda epoch, lr: lr if 'x: \"y\"' else 0")
    );
    assert_snapshot!("lambda_in_braces", {
        line("  epochs: 10\n  callbacks: {LearningRateScheduler: {schedule: lambda epoch, lr: lr/2}}")
    });
    assert_snapshot!("lambda_in_braces_with_a_call", {
        line(
            "  epochs: 10\n  callbacks: {LearningRateScheduler: {schedule: lambda epoch, lr: max(lr, 1e-5), verbose: 1}}",
        )
    });
    assert_snapshot!("lambda_in_a_list", value("[a, lambda epoch, lr: lr/2]"));
    assert_snapshot!("lambda_as_an_item", value("\n    - lambda epoch, lr: lr/2"));
    // The three ways that are right.
    for right in [
        "\"lambda epoch, lr: lr/2\"",
        "'lambda epoch, lr: lr/2'",
        "|-\n        lambda epoch, lr:\n          lr/2",
    ] {
        let yaml = format!("epochs: 10\n  callbacks:\n    LearningRateScheduler:\n      schedule: {right}");
        loaded(&chain_with("epochs: 10", &yaml), &[]);
    }
}

#[test]
fn a_tuple_in_braces_or_brackets() {
    assert_snapshot!("tuple_of_a_slice", report(&tools(" {layers: (8, 110:121, -1), a: 1}"), &[]));
    assert_snapshot!("tuple_in_a_tuple", value("{shape: (1, (2, 3), 4)}"));
    assert_snapshot!("tuples_in_a_list_of_a_mapping", value("{sizes: [(1, 2), (3, 4)], name: (5, 6)}"));
    assert_snapshot!("tuple_on_the_command_line", report(CHAIN, &["++hydra={sizes: (1, 2)}"]));
    for right in ["\"(1, 2)\"", "[1, 2]", "f(x)", "a (b) c"] {
        loaded(&tools(&format!(" {{size: {right}}}")), &[]);
    }
}

#[test]
fn tabs() {
    assert_snapshot!("tab_before_a_key", line("\tepochs: 10"));
    assert_snapshot!("tab_after_blanks", line("  epochs: 10\n  \tdropout: 0.5"));
    assert_snapshot!("tab_deeper", chain_tab());
    loaded(&chain_with("  epochs: 10", "  epochs:\t10\t# ten"), &[]);
}

fn chain_tab() -> String {
    report(&chain_with("    Adam:\n", "\t\tAdam:\n"), &[])
}

#[test]
fn no_blank_after_a_colon_or_no_colon() {
    assert_snapshot!("only_key_of_a_section", report(&tools("\n  target:host"), &[]));
    assert_snapshot!(
        "key_of_the_top",
        report(&chain_with("operation_mode: chain_tqe", "operation_mode:chain_tqe"), &[])
    );
    assert_snapshot!("brace_after_the_colon", report(CHAIN, &["training.optimizer={Adam:{beta_1: 0.8}}"]));
    assert_snapshot!("equals_sign", line("  epochs = 10"));
    assert_snapshot!("equals_sign_with_credentials", line("  uri = http://me:pass@host/"));
}

#[test]
fn backslashes_in_double_quotes() {
    assert_snapshot!("unknown_escape", report(&chain_with("name: shapes", "test_path: \"C:\\data\""), &[]));
    assert_snapshot!(
        "escape_that_is_a_tab",
        report(&chain_with("name: shapes", "test_path: \"C:\\test\\new\""), &[])
    );
    assert_snapshot!("relative_path", report(&chain_with("name: shapes", "test_path: \"..\\new\""), &[]));
    assert_snapshot!("path_of_an_untyped_key", value("\"D:\\tools\\bin\""));
    assert_snapshot!("path_in_a_change", report(CHAIN, &["dataset.test_path=\"C:\\test\""]));
    for right in ["'C:\\test\\new'", "C:\\test\\new", "\"C:\\\\test\\\\new\"", "\"C:/test/new\""] {
        let config = loaded(&chain_with("name: shapes", &format!("test_path: {right}")), &[]).config;
        let path = config.dataset.and_then(|dataset| dataset.test_path).expect("a path");
        assert_eq!(path.display().to_string().replace('\\', "/"), "C:/test/new");
    }
    let yaml = chain_with("project_name: demo", "project_name: \"a\\tb\"");
    assert_eq!(loaded(&yaml, &[]).config.general.project_name, "a\tb");
}

#[test]
fn quotes_and_brackets_that_do_not_match() {
    assert_snapshot!("double_quote_not_closed", value("\"demo"));
    assert_snapshot!("single_quote_not_closed", value("'demo"));
    assert_snapshot!("quote_in_quotes", value("'it's'"));
    assert_snapshot!("more_after_the_quotes", value("\"a\" b"));
    assert_snapshot!("brace_not_closed", value("{a: 1"));
    assert_snapshot!("bracket_not_closed", value("[1, 2"));
    assert_snapshot!("bracket_not_opened", value("[1, 2]]"));
}

#[test]
fn lines_in_the_wrong_column() {
    assert_snapshot!("too_deep", line("    epochs: 10"));
    assert_snapshot!("between_two_columns", line("   epochs: 10"));
    assert_snapshot!("between_two_columns_behind_a_deeper_one", {
        report(&chain_with("  batch_size: 16", "   batch_size: 16"), &[])
    });
    assert_snapshot!("at_the_top", line("epochs: 10"));
    assert_snapshot!("invisible_blank", line("\u{a0} epochs: 10"));
    assert_snapshot!("invisible_blank_after_blanks", line("  \u{a0}epochs: 10"));
    assert_snapshot!("invisible_character_in_a_key", line("  epo\u{200b}chs: 10"));
}

#[test]
fn values_that_need_quotes() {
    assert_snapshot!("colon_in_a_value", value("a: b"));
    for (name, text) in [("at", "@home"), ("backtick", "`x`"), ("percent", "%x"), ("question", "? x")] {
        assert_snapshot!(format!("starts_with_{name}"), value(text));
    }
    assert_snapshot!("starts_with_a_star", value("*.jpg"));
    assert_snapshot!("list_on_the_line_of_its_key", value("- a"));
    assert_snapshot!("text_on_the_line_of_a_block", value("| a"));
    assert_snapshot!("control_character", value("a\u{1b}[31m"));
}

#[test]
fn no_report_has_characters_that_a_terminal_obeys() {
    for text in ["\"a\\e[31m\"", "a\u{1b}[31m", "{\"\\e[31m\": 1}", "a\u{7}"] {
        let report = report(&chain_with("epochs: 10", &format!("epochs: {text}")), &[]);
        assert!(!report.contains(|c: char| c.is_control() && c != '\n'), "{report:?}");
    }
}

#[test]
fn a_key_that_stands_twice() {
    assert_snapshot!("twice_in_a_line", report(&chain_with("{scale: 1/127.5,", "{offset: 1,"), &[]));
    assert_snapshot!("twice_in_different_quotes", line("  epochs: 10\n  \"epochs\": 20"));
    assert_snapshot!("two_merges", line("  epochs: 10\n  <<: {dropout: 0.1}\n  <<: {dropout: 0.2}"));
}
