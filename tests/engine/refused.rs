//! Mistakes that are found before anything runs, each with its exit code, and nothing lost or left behind.

use super::sandbox::{Ended, Sandbox, end};

/// Runs with these changes; nothing may have been made.
fn refused(sandbox: &Sandbox, changes: &[&str]) -> Ended {
    let ended = sandbox.run(changes);
    assert_eq!(sandbox.runs(), Vec::<String>::new(), "{ended:?}");
    assert_eq!(ended.stdout, "");
    ended
}

/// What is said about a mode word in the file, for both verbs.
fn refused_mode(word: &str) -> String {
    let sandbox = Sandbox::new();
    let text = fs_err::read_to_string(sandbox.path("chain.yaml")).expect("the configuration");
    sandbox.write("chain.yaml", &text.replace("chain_tqe", word));
    let ended = refused(&sandbox, &[]);
    assert_eq!(ended.code, Some(11));
    let planned = end(sandbox.start(&["plan", "chain.yaml"]));
    assert_eq!((planned.code, &planned.stderr), (Some(11), &ended.stderr));
    ended.stderr
}

#[test]
fn a_wrong_mode_word_is_an_invalid_plan() {
    insta::assert_snapshot!("unknown_mode", refused_mode("trainning"));
    insta::assert_snapshot!("empty_chain", refused_mode("chain_"));
    insta::assert_snapshot!("unknown_letter", refused_mode("chain_xyz"));
    insta::assert_snapshot!("train_not_first", refused_mode("chain_qt"));
    insta::assert_snapshot!("not_yet", refused_mode("deployment"));
    insta::assert_snapshot!("chain_not_yet", refused_mode("chain_tqp"));
    insta::assert_snapshot!("not_built", refused_mode("chain_tqeb"));
    let ended = refused(&Sandbox::new(), &["operation_mode=chain_tqz"]);
    assert_eq!(ended.code, Some(11));
    insta::assert_snapshot!("mode_of_a_change", ended.stderr);
}

#[test]
fn a_wrong_mode_word_of_a_template_shows_the_rendered_text() {
    let sandbox = Sandbox::new();
    let text = fs_err::read_to_string(sandbox.path("chain.yaml")).expect("the configuration");
    let text = text.replace("chain_tqe", "chain_{{ 'tq' ~ 'z' }}");
    sandbox.write("chain.yaml.j2", &format!("{{% set a = 1 %}}\n{text}"));
    let ended = end(sandbox.start(&["plan", "chain.yaml.j2"]));
    assert_eq!(ended.code, Some(11));
    insta::assert_snapshot!("mode_of_a_template", ended.stderr);
}

#[test]
fn a_file_that_is_none_is_an_invalid_configuration() {
    let sandbox = Sandbox::new();
    fs_err::create_dir(sandbox.path("folder")).expect("a folder");
    // Linux has no name of this length, which is an error even for those who may read everything.
    let long = "x".repeat(300);
    for verb in ["run", "plan"] {
        let said = |file: &str| {
            let ended = end(sandbox.start(&[verb, file]));
            assert_eq!((ended.code, ended.stdout.as_str()), (Some(10), ""), "{ended:?}");
            ended.stderr
        };
        assert!(said("chian.yaml").contains("did you mean `chain.yaml`?"));
        assert!(said("folder").contains("`folder` is a folder, not a file"));
        assert!(said(&long).contains("cannot be read"));
        assert!(said("").contains("config::path"));
        let ended = end(sandbox.start(&[verb]));
        assert_eq!(ended.code, Some(2));
        assert!(ended.stderr.contains("FILE"), "{}", ended.stderr);
    }
    assert_eq!(sandbox.runs(), Vec::<String>::new());
}

#[test]
fn a_missing_mode_says_what_there_is() {
    let sandbox = Sandbox::new();
    let ended = refused(&sandbox, &["~operation_mode"]);
    assert_eq!(ended.code, Some(10));
    insta::assert_snapshot!("missing_mode", ended.stderr);
}

#[test]
fn all_that_the_stages_have_against_a_configuration_comes_in_one_report() {
    let sandbox = Sandbox::new();
    let ended = refused(&sandbox, &["~training", "~quantization", "~dataset.training_files_path"]);
    assert_eq!(ended.code, Some(10));
    for key in ["training", "quantization", "dataset.training_files_path"] {
        assert!(ended.stderr.contains(&format!("`{key}` is missing")), "{key}: {}", ended.stderr);
    }
    // Measuring the int8 line lacks the same points: told once.
    assert_eq!(ended.stderr.matches("`dataset.training_files_path` is missing").count(), 1);
}

#[test]
fn a_mistake_in_the_file_is_an_invalid_configuration() {
    let sandbox = Sandbox::new();
    assert_eq!(refused(&sandbox, &["+training.epochz=3"]).code, Some(10));
    assert_eq!(refused(&sandbox, &["~operation_mode"]).code, Some(10));
    assert_eq!(refused(&sandbox, &["general.saved_models_dir=../elsewhere"]).code, Some(10));
}

#[test]
fn findings_of_preflight_are_one_report_and_stop_the_run() {
    let sandbox = Sandbox::new();
    sandbox.write("points.txt", "0 1\none two\n");
    let ended = refused(&sandbox, &["hydra.run.dir=points.txt/run"]);
    assert_eq!(ended.code, Some(11));
    for words in [
        "`one two` is no point",
        "write `x y` in each line",
        "the run folder `points.txt/run` cannot be made",
    ] {
        assert!(ended.stderr.contains(words), "{words}: {}", ended.stderr);
    }
    // Measuring reads the same points: told once.
    assert!(ended.stderr.ends_with("nothing was run because of these 2 errors\n"), "{}", ended.stderr);
}

#[test]
fn a_clean_preflight_is_remembered_with_its_warnings_and_one_with_errors_is_not() {
    let sandbox = Sandbox::new();
    sandbox.write("points.txt", "0 1\n1 3\n");
    for run in ["run", "run-2"] {
        sandbox.must_run(&[]);
        assert_eq!(sandbox.warnings(run), ["fewer than three points"]);
    }
    let verdicts = || fs_err::read_dir(sandbox.path("cache/verdicts")).expect("the verdicts").flatten();
    assert!(verdicts().count() > 0);
    verdicts().for_each(|verdict| fs_err::remove_file(verdict.path()).expect("a verdict"));
    sandbox.must_run(&[]);
    assert_eq!(verdicts().count(), 0, "stored work is not checked again");
}

#[test]
fn a_missing_input_names_the_file_and_its_key() {
    let sandbox = Sandbox::new();
    let ended = refused(&sandbox, &["dataset.training_files_path=nowhere.txt"]);
    assert_eq!(ended.code, Some(11));
    assert!(
        ended.stderr.contains("nowhere.txt") && ended.stderr.contains("dataset.training_files_path"),
        "{ended:?}"
    );
}

#[test]
fn a_store_that_cannot_be_written_is_found_before_the_run() {
    let sandbox = Sandbox::new();
    let ended = refused(&sandbox, &["--cache-dir", "points.txt/cache"]);
    assert_eq!(ended.code, Some(11), "{ended:?}");
    assert!(ended.stderr.contains("points.txt/cache"), "{ended:?}");
}

#[test]
fn a_command_line_that_is_none_is_a_usage_error_and_help_is_not() {
    let sandbox = Sandbox::new();
    assert_eq!(sandbox.pipeline(&["run"]).code, Some(2));
    assert_eq!(sandbox.pipeline(&["walk"]).code, Some(2));
    assert_eq!(sandbox.pipeline(&["run", "chain.yaml", "--jobs", "0"]).code, Some(2));
    let help = sandbox.pipeline(&["--help"]);
    assert_eq!(help.code, Some(0));
    for words in ["run", "plan", "Exit codes"] {
        assert!(help.stdout.contains(words), "{}", help.stdout);
    }
    assert!(!help.stdout.contains("__stage"), "{}", help.stdout);
}

#[test]
fn the_file_can_be_named_the_way_of_hydra() {
    let sandbox = Sandbox::new();
    fs_err::create_dir(sandbox.path("configs")).expect("a folder");
    fs_err::rename(sandbox.path("chain.yaml"), sandbox.path("configs/chain.yaml")).expect("a file");
    let arguments =
        ["run", "--config-path", "configs", "--config-name", "chain", "training.epochs=2", "--quiet"];
    let ended = end(sandbox.start(&arguments));
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert_eq!(ended.stderr, "");
    assert_eq!(ended.stdout.lines().count(), 1);
    let mode = ["plan", "--config-path", "./configs", "--config-name", "chain", "operation_mode=training"];
    let ended = end(sandbox.start(&mode));
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(ended.stdout.starts_with("training: 1 stage"), "{}", ended.stdout);
    assert_eq!(sandbox.results("run")["logs/losses.csv"].iter().filter(|byte| **byte == b'\n').count(), 2);
}

#[test]
fn a_reader_that_closes_the_pipe_early_is_no_error() {
    let sandbox = Sandbox::new();
    for verb in ["plan", "run"] {
        let mut child = sandbox.start(&[verb, "chain.yaml"]);
        drop(child.stdout.take());
        drop(child.stderr.take());
        assert_eq!(child.wait().expect("an end").code(), Some(0), "{verb}");
    }
}

#[test]
fn mistakes_in_reading_and_in_rules_come_in_one_report() {
    let sandbox = Sandbox::new();
    let ended = refused(&sandbox, &["training.epochs=four", "~quantization"]);
    assert_eq!(ended.code, Some(10));
    insta::assert_snapshot!("reading_and_rules", ended.stderr);
    // What a mistake in reading can be the reason of waits until that is mended.
    let ended =
        refused(&sandbox, &["training.epochs=four", "~training.batch_size", "~dataset.training_files_path"]);
    assert!(!ended.stderr.contains("batch_size"), "{}", ended.stderr);
    assert!(ended.stderr.contains("dataset.training_files_path"), "{}", ended.stderr);
}
