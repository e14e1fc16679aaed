//! `${...}`.

use super::{CHAIN, chain_with, loaded, report};
use insta::assert_snapshot;

fn name(text: &str) -> String {
    loaded(&chain_with("project_name: demo", &format!("project_name: {text}")), &[])
        .config
        .general
        .project_name
}

fn mistake(text: &str) -> String {
    report(&chain_with("project_name: demo", &format!("project_name: {text}")), &[])
}

#[test]
fn the_start_time_is_written_by_its_format() {
    assert_eq!(name("run-${now:%Y_%m_%d_%H_%M_%S}"), "run-2026_11_22_14_45_07");
}

#[test]
fn variables_of_the_environment_have_two_spellings_and_a_default() {
    assert_eq!(name("${MODELS_DIR}/a.h5"), "/srv/models/a.h5");
    assert_eq!(name("${oc.env:MODELS_DIR}/a.h5"), "/srv/models/a.h5");
    assert_eq!(name("${oc.env:MODELS_DIR,/tmp}/a.h5"), "/srv/models/a.h5");
    assert_eq!(name("${oc.env:NOT_SET,/tmp}/a.h5"), "/tmp/a.h5");
    assert_eq!(name("${oc.env:NOT_SET, 'a b'}"), "a b");
    assert_eq!(name("${oc.env:NOT_SET,${general.model_type}}"), "deeplab_v3");
}

#[test]
fn other_values_of_the_file_keep_their_type() {
    assert_eq!(name("${general.model_type}-${training.epochs}"), "deeplab_v3-10");
    assert_eq!(name("${operation_mode}"), "chain_tqe");
    let yaml = chain_with("epochs: 10", "epochs: ${training.batch_size}");
    assert_eq!(loaded(&yaml, &[]).config.training.expect("training").epochs, Some(16));
    let yaml = format!(
        "{CHAIN}custom_data_augmentation:\n  function_name: mine\n  config:\n    a: {{x: [1, '${{MODELS_DIR}}']}}\n    \
         b: ${{custom_data_augmentation.config.a}}\n"
    );
    let augmentation = loaded(&yaml, &[]).config.custom_data_augmentation.expect("augmentation");
    assert_eq!(augmentation.config.expect("arguments")["b"].to_string(), r#"{"x":[1,"/srv/models"]}"#);
    assert_eq!(name("${preprocessing.rescaling.scale}"), "1/127.5");
}

#[test]
fn a_change_may_refer_and_be_referred_to() {
    let config = loaded(CHAIN, &["training.epochs=${training.batch_size}", "training.batch_size=4"]).config;
    assert_eq!(config.training.expect("training").epochs, Some(4));
}

#[test]
fn a_backslash_keeps_the_two_characters() {
    let yaml = chain_with("project_name: demo", "project_name: a\\${b}");
    let first = loaded(&yaml, &[]);
    assert_eq!(first.config.general.project_name, "a${b}");
    assert_eq!(loaded(&first.resolved_yaml(), &[]).config.general.project_name, "a${b}");
    assert_eq!(loaded(&first.secret_yaml(), &[]).config.general.project_name, "a${b}");
}

#[test]
fn what_came_from_the_environment_shows_its_name_wherever_it_went() {
    let yaml = chain_with("project_name: demo", "project_name: x-${TOKEN}")
        + "mlflow:\n  uri: http://${general.project_name}/\nhydra:\n  run:\n    dir: out/${oc.env:TOKEN,none}\n";
    let loaded = loaded(&yaml, &[]);
    assert_eq!(loaded.config.mlflow.uri, "http://x-s3cret/");
    let shown = loaded.resolved_yaml();
    assert!(!shown.contains("s3cret"), "{shown}");
    assert!(shown.contains("uri: http://x-${oc.env:TOKEN}/\n"), "{shown}");
    assert!(shown.contains("dir: out/${oc.env:TOKEN}\n"), "{shown}");
    assert!(loaded.secret_yaml().contains("uri: http://x-s3cret/\n"));
    // Nor does it show in messages.
    let report = report(&chain_with("epochs: 10", "epochs: ${TOKEN}"), &[]);
    assert!(report.contains("found `${oc.env:TOKEN}`") && !report.contains("s3cret"), "{report}");
}

#[test]
fn credentials_in_addresses_are_starred_out_everywhere() {
    let yaml = format!("{CHAIN}mlflow:\n  uri: https://me:pass@host/x\n  urj: 1\n");
    assert_snapshot!("credentials_in_the_snippet", report(&yaml, &["general.x=http://me:pass@host"]));
    let loaded = loaded(&yaml.replace("  urj: 1\n", ""), &["general.project_name=http://me:pass@host"]);
    assert!(loaded.resolved_yaml().contains("uri: https://*******@host/x\n"));
    assert!(loaded.secret_yaml().contains("uri: https://me:pass@host/x\n"));
    let yaml = format!("{CHAIN}mlflow: {{uri: 'http://${{TOKEN}}:pw@host'}}\n");
    let shown = super::loaded(&yaml, &[]).resolved_yaml();
    assert!(shown.contains("uri: \"http://${oc.env:TOKEN}***@host\"\n"), "{shown}");
    assert_eq!(loaded.overrides(), ["general.project_name=http://*******@host"]);
}

#[test]
fn references_that_lead_nowhere_say_why() {
    assert_snapshot!("variable_not_set", mistake("${NO_SUCH_DIR}/x"));
    assert_snapshot!("variable_not_set_but_a_key_is_near", mistake("${operation_mod}"));
    assert_snapshot!("oc_env_not_set", mistake("${oc.env:NO_SUCH_DIR}/x"));
    assert_snapshot!(
        "variable_not_set_in_many_places",
        report(
            &chain_with("project_name: demo", "project_name: ${X}/x\n  logs_dir: ${X}/y")
                .replace("0.25", "${X}"),
            &["++general.saved_models_dir=${X}"]
        )
    );
    assert_snapshot!("variable_not_text", mistake("${BROKEN}/x"));
    assert_snapshot!("no_such_key", mistake("a ${training.epoch} b"));
    assert_snapshot!("unknown_resolver", mistake("${hydra:runtime.cwd}/x"));
    assert_snapshot!("not_closed", mistake("'a ${training.epochs'"));
    assert_snapshot!("bad_time_format", mistake("${now:%!}"));
    assert_snapshot!("not_a_path", mistake("${a..b}"));
    assert_snapshot!("mapping_in_a_text", mistake("x${training.model}"));
    assert_snapshot!("refers_to_itself", mistake("${general.project_name}"));
    assert_snapshot!("cycle", {
        report(
            &chain_with("project_name: demo", "project_name: a${operation_mode}")
                .replace("chain_tqe", "b${general.project_name}"),
            &[],
        )
    });
    assert_snapshot!("refers_to_what_holds_it", mistake("${general}"));
}

#[test]
fn references_that_multiply_are_stopped() {
    let values = |count: usize, value: &dyn Fn(usize) -> String| {
        let lines: String = (1..count).map(|i| format!("    a{i}: {}\n", value(i))).collect();
        let start = "custom_data_augmentation:\n  function_name: f\n  config:\n    a0: xxxxxxxxxx\n";
        report(&format!("{CHAIN}{start}{lines}"), &[])
    };
    let before = |i: usize| format!("${{custom_data_augmentation.config.a{}}}", i - 1);
    let doubled = values(30, &|i| before(i).repeat(2));
    assert_snapshot!("multiplies", doubled.split("\n\n").take(2).collect::<Vec<_>>().join("\n\n"));
    let grown = values(7, &|i| if i == 1 { "x".repeat(300) } else { before(i).repeat(6) });
    assert_snapshot!("grows", grown.split("\n\n").take(2).collect::<Vec<_>>().join("\n\n"));
    let deep = values(40, &|i| if i == 1 { before(39) } else { "x".to_owned() + &before(i) });
    assert!(deep.contains("refers to itself") || deep.contains("deep"), "{deep}");
    let chain = values(60, &|i| if i == 59 { "end".to_owned() } else { before(i + 2) });
    assert_snapshot!("deep", chain.split("\n\n").take(2).collect::<Vec<_>>().join("\n\n"));
    assert_snapshot!("nested", mistake(&format!("'{}x{}'", "${".repeat(40), "}".repeat(40))));
    let names = "\n    - ${operation_mode}".repeat(10_001);
    let many = report(&chain_with("name: shapes", &format!("name: x\n  class_names:{names}")), &[]);
    assert_snapshot!("too_many", many);
}
