//! `validate` and `init`.

use super::sandbox::{Ended, Sandbox, end};
use serde_json::Value;

fn validate(sandbox: &Sandbox, arguments: &[&str]) -> Ended {
    end(sandbox.start(&[&["validate"], arguments].concat()))
}

#[test]
fn a_valid_file_is_told_with_its_stages_and_what_has_no_effect() {
    let sandbox = Sandbox::new();
    let ended = validate(&sandbox, &["chain.yaml"]);
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""), "{ended:?}");
    assert_eq!(ended.stdout, "chain.yaml is valid: chain_tqe: train -> quantize -> evaluate\n");
    let ended = validate(
        &sandbox,
        &[
            "chain.yaml",
            "+mlflow.uri=./mlruns",
            "+general.display_figures=True",
            "+general.num_threads_tflite=2",
            "hydra.verbose=1",
        ],
    );
    assert_eq!(ended.code, Some(0), "{ended:?}");
    insta::assert_snapshot!("notes", ended.stderr);
}

#[test]
fn a_sweep_section_is_checked_as_a_sweep_would() {
    let sandbox = Sandbox::new();
    let text = fs_err::read_to_string(sandbox.path("chain.yaml")).expect("the configuration");
    let told = |section: &str| {
        sandbox.write("chain.yaml", &format!("{text}sweep:\n{section}"));
        let ended = validate(&sandbox, &["chain.yaml"]);
        format!("{}{}exit code {:?}\n", ended.stdout, ended.stderr, ended.code)
    };
    let said = [
        "  parameters:\n    training.epochs: [2, 3]\n",
        "  method: random\n",
        "  method: zip\n  parameters:\n    training.epochs: [1, 2, 3]\n    training.batch_size: [1, 2]\n",
        "  parameters:\n    training.epochz: [1, 2]\n    training.batch_size: [1, two]\n",
        "  method: list\n",
        "  parameters:\n    operation_mode: [chain_tqe, chain_tqx]\n",
    ];
    insta::assert_snapshot!("sweep_sections", said.map(told).join("\n"));
    assert!(sandbox.runs().is_empty());
}

#[test]
fn files_without_data_are_valid() {
    let sandbox = Sandbox::new();
    fs_err::remove_file(sandbox.path("points.txt")).expect("the points");
    let ended = validate(&sandbox, &["chain.yaml"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(ended.stdout.starts_with("chain.yaml is valid: chain_tqe"), "{ended:?}");
}

#[test]
fn every_mistake_of_every_file_is_told_and_the_worst_decides_the_exit_code() {
    let sandbox = Sandbox::new();
    let text = fs_err::read_to_string(sandbox.path("chain.yaml")).expect("the configuration");
    sandbox.write(
        "wrong.yaml",
        &text.replace("epochs: 4", "epochs: four").replace("name: points", "nam: points"),
    );
    sandbox.write("mode.yaml", &text.replace("chain_tqe", "chain_tqz"));
    sandbox.write("stages.yaml", &text.replace("chain_tqe", "chain_tp"));
    let ended = validate(&sandbox, &["chain.yaml", "wrong.yaml", "mode.yaml"]);
    assert_eq!(ended.code, Some(10), "{ended:?}");
    assert_eq!(ended.stdout.lines().count(), 1);
    for words in ["`training.epochs` must be", "`dataset` has no key `nam`", "plan::unknown_letter"] {
        assert!(ended.stderr.contains(words), "{words}: {}", ended.stderr);
    }
    assert_eq!(validate(&sandbox, &["chain.yaml", "mode.yaml"]).code, Some(11));
    let ended = validate(&sandbox, &["stages.yaml"]);
    assert_eq!(ended.code, Some(11));
    assert!(ended.stderr.contains("not available yet"), "{ended:?}");
    assert_eq!(sandbox.runs(), Vec::<String>::new());
}

#[test]
fn programs_get_json_with_places() {
    let sandbox = Sandbox::new();
    let text = fs_err::read_to_string(sandbox.path("chain.yaml")).expect("the configuration");
    sandbox.write("wrong.yaml", &text.replace("epochs: 4", "epochs: four"));
    sandbox.write("mode.yaml", &text.replace("chain_tqe", "chain_tqz"));
    let ended =
        validate(&sandbox, &["--format", "json", "chain.yaml", "wrong.yaml", "mode.yaml", "nowhere.yaml"]);
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(10), ""), "{ended:?}");
    let found: Value = serde_json::from_str(&ended.stdout).expect("JSON");
    assert_eq!(found[0]["stages"].as_array().map(Vec::len), Some(3));
    assert_eq!(found[0]["valid"], true);
    let span = |error: &Value, text: &str| {
        let at = |end: &str| error["span"][end].as_u64().expect("an offset") as usize;
        text[at("start")..at("end")].to_owned()
    };
    let wrong = &found[1]["errors"][0];
    assert_eq!((wrong["code"].as_str(), wrong["line"].as_u64()), (Some("config::invalid_value"), Some(8)));
    assert_eq!(span(wrong, &text.replace("epochs: 4", "epochs: four")), "four");
    let mode = &found[2]["errors"][0];
    assert_eq!(
        (mode["code"].as_str(), mode["file"].as_str()),
        (Some("plan::unknown_letter"), Some("mode.yaml"))
    );
    assert_eq!(span(mode, &text.replace("chain_tqe", "chain_tqz")), "z");
    assert_eq!(found[3]["errors"][0]["code"], "config::path");
}

#[test]
fn the_file_is_named_as_the_original_services_name_it() {
    let sandbox = Sandbox::new();
    fs_err::create_dir(sandbox.path("config_file_examples")).expect("a folder");
    let file = sandbox.path("config_file_examples/chain_tqe_config.yaml");
    fs_err::rename(sandbox.path("chain.yaml"), file).expect("a file");
    let whole = sandbox.path("config_file_examples").display().to_string();
    for arguments in [
        &["--config-path", "./config_file_examples/", "--config-name", "chain_tqe_config.yaml"][..],
        &["--config-path=./config_file_examples", "--config-name=chain_tqe_config"],
        &["--config-path", "config_file_examples", "--config-name", "chain_tqe_config"],
        &["--config-path", &whole, "--config-name", "chain_tqe_config.yaml"],
        &["--config-name", "config_file_examples/chain_tqe_config"],
    ] {
        for verb in ["plan", "validate"] {
            let ended = end(sandbox
                .start(&[&[verb], arguments, &["operation_mode=training", "++training.epochs=2"]].concat()));
            assert_eq!(ended.code, Some(0), "{arguments:?}: {ended:?}");
            assert!(ended.stdout.contains("training"), "{ended:?}");
        }
    }
    let ended = end(sandbox.start(&[
        "plan",
        "--config-path",
        "config_file_examples",
        "--config-name",
        "chain_tq_config",
    ]));
    assert_eq!(ended.code, Some(10));
    assert!(ended.stderr.contains("did you mean"), "{}", ended.stderr);
}

#[test]
fn init_writes_a_file_that_is_valid_and_never_over_another() {
    let sandbox = Sandbox::new();
    let ended = end(sandbox.start(&["init", "training"]));
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let text = fs_err::read_to_string(sandbox.path("training.yaml")).expect("the file");
    assert!(text.contains("#   pipeline run training.yaml\n"), "{text}");
    sandbox.write("training.yaml", "mine");
    let ended = end(sandbox.start(&["init", "training"]));
    assert_eq!(ended.code, Some(2), "{ended:?}");
    assert_eq!(fs_err::read_to_string(sandbox.path("training.yaml")).expect("the file"), "mine");
    assert_eq!(end(sandbox.start(&["init", "training", "--force"])).code, Some(0));
    assert_eq!(fs_err::read_to_string(sandbox.path("training.yaml")).expect("the file"), text);
    let ended = end(sandbox.start(&["init", "chain_tqe", "--output", "nowhere/a.yaml"]));
    assert_eq!(ended.code, Some(2), "{ended:?}");
    assert_eq!(end(sandbox.start(&["init", "trainning"])).code, Some(2));
    let shown = end(sandbox.start(&["init", "chain_tqe", "-o", "-"]));
    assert!(shown.stdout.contains("\noperation_mode: chain_tqe\n"), "{shown:?}");
}
