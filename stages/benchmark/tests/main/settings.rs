//! What the stages read of a configuration.

use benchmark::{Estimate, Measure};
use contract::{Config, Issue, IssueKind, Settings, Stage, config::Benchmarking};

fn config(board: Option<&str>) -> Config {
    let benchmarking = Some(Benchmarking { board: board.map(str::to_owned) });
    Config { benchmarking, ..Config::default() }
}

#[test]
fn a_board_is_known_in_any_letter_case_and_none_is_needed() {
    let settings = |board| Estimate.settings(&config(board)).expect("legal");
    assert_eq!(settings(Some("stm32n6570-dk")), settings(Some("STM32N6570-DK")));
    assert_ne!(settings(Some("STM32N6570-DK")), settings(None));
}

#[test]
fn an_unknown_board_is_told_with_the_nearest_and_the_list() {
    let issue = |config: &Config| -> Issue {
        let mut issues = Estimate.settings(config).expect_err("not legal");
        assert_eq!(issues.len(), 1);
        issues.remove(0)
    };
    let slip = issue(&config(Some("STM32H747-DISCO")));
    assert_eq!((slip.kind, slip.key.as_str()), (IssueKind::Invalid, "benchmarking.board"));
    let show = |issue: Issue| format!("{}\n{}", issue.message, issue.help.unwrap_or_default());
    insta::assert_snapshot!("slip", show(slip));
    insta::assert_snapshot!("strange", show(issue(&config(Some("Raspberry Pi")))));
    let missing = issue(&Config::default());
    assert_eq!((missing.kind, missing.key.as_str()), (IssueKind::Missing, "benchmarking"));
    insta::assert_snapshot!("missing", show(missing));
}

#[test]
fn threads_are_part_of_what_is_measured_and_at_least_one() {
    let settings = |threads| {
        let mut config = config(None);
        config.general.num_threads_tflite = threads;
        Measure.settings(&config)
    };
    assert_ne!(settings(1).expect("legal"), settings(2).expect("legal"));
    let issues = settings(0).expect_err("no threads");
    assert_eq!(issues[0].key, "general.num_threads_tflite");
}

#[test]
fn settings_of_either_stage_leave_out_what_changes_nothing() {
    let mut other = config(None);
    other.general.project_name = "another".to_owned();
    other.general.logs_dir = "elsewhere".to_owned();
    for stage in [&Estimate as &dyn Stage, &Measure] {
        let of = |config: &Config| -> Settings { stage.settings(config).expect("legal") };
        assert_eq!(of(&config(None)), of(&other));
    }
}

#[test]
fn both_stages_say_the_same_of_a_missing_model() {
    let issues = [&Estimate as &dyn Stage, &Measure]
        .map(|stage| stage.source("model", &config(None)).expect_err("no model"));
    assert_eq!(issues[0], issues[1]);
    assert_eq!(issues[0][0].key, "general.model_path");
}
