//! No text makes it panic, hang or eat the memory.

use super::{CHAIN, chain_with, load, loaded, report};
use insta::assert_snapshot;
use proptest::prelude::*;
use std::{
    path::Path,
    time::{Duration, Instant},
};

#[test]
fn an_alias_bomb_is_refused_at_once() {
    let mut yaml = String::from("hydra:\n  a0: &a0 [x, x, x, x, x, x, x, x, x]\n");
    for i in 1..12 {
        let aliases = vec![format!("*a{}", i - 1); 9].join(", ");
        yaml.push_str(&format!("  a{i}: &a{i} [{aliases}]\n"));
    }
    let start = Instant::now();
    let report = report(&yaml, &[]);
    assert_snapshot!("alias_bomb", report);
    assert!(start.elapsed() < Duration::from_secs(2));
}

#[test]
fn an_alias_to_itself_is_refused() {
    assert_snapshot!("alias_to_itself", report("general: &a\n  project_name: *a\n", &[]));
}

#[test]
fn a_depth_bomb_is_refused_at_once() {
    for yaml in [format!("a: {}", "[".repeat(20_000)), format!("a: {}", "{a: ".repeat(20_000))] {
        let report = report(&yaml, &[]);
        assert!(report.contains("deep"), "{}", report.chars().take(2000).collect::<String>());
    }
    let nested: String = (0..60).map(|depth| format!("{}a:\n", " ".repeat(depth))).collect();
    assert_snapshot!("too_deep", report(&nested, &[]));
}

#[test]
fn thousands_of_mistakes_make_a_short_report() {
    let mut yaml = CHAIN.to_owned();
    for i in 0..9000 {
        yaml.push_str(&format!("section_{i}: 1\n"));
    }
    let start = Instant::now();
    let errors = load(&yaml, &[]).expect_err("mistakes");
    assert_eq!(errors.iter().count(), 100);
    assert!(start.elapsed() < Duration::from_secs(10));
    assert!(errors.to_string().contains("9000"), "{errors}");
}

/// Pieces that YAML, literals and references are made of.
fn piece() -> impl Strategy<Value = String> {
    let keys = "general|training|epochs|optimizer|Adam|model|input_shape|hydra|run|dir|global_seed|dataset|class_names";
    prop_oneof![
        keys.prop_map(|key: String| key),
        Just("\n".to_owned()),
        "\n {1,6}",
        Just(": ".to_owned()),
        Just("- ".to_owned()),
        Just("&a ".to_owned()),
        Just("*a ".to_owned()),
        Just("<<: ".to_owned()),
        Just("${".to_owned()),
        Just("now:%Y".to_owned()),
        Just("oc.env:TOKEN".to_owned()),
        Just("|\n".to_owned()),
        Just("---\n".to_owned()),
        "[\\[\\]{}(),'\"\\\\#!%@`\t?]",
        "\\PC{0,4}",
        "[-+]?[0-9]{1,3}[/.*]?[0-9]{0,2}",
    ]
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(text in "(?s).{0,80}", change in "\\PC{0,20}") {
        if let Err(errors) = load(&text, &[&change]) {
            prop_assert!(!errors.render(false).is_empty());
        }
    }

    #[test]
    fn no_yaml_makes_it_panic(pieces in prop::collection::vec(piece(), 0..40), change in prop::collection::vec(piece(), 1..4)) {
        if let Err(errors) = load(&pieces.concat(), &[&change.concat()]) {
            prop_assert!(!errors.render(false).is_empty());
            prop_assert!(errors.to_json().is_object());
        }
    }

    #[test]
    fn no_change_of_a_good_file_makes_it_panic(at in 0..CHAIN.len(), length in 0usize..6, put in piece()) {
        let mut text = CHAIN.to_owned();
        text.replace_range(at..(at + length).min(CHAIN.len()), &put);
        match load(&text, &[]) {
            Ok(loaded) => {
                let again = load(&loaded.resolved_yaml(), &[]);
                prop_assert_eq!(again.map(|again| again.config).map_err(|errors| errors.render(false)), Ok(loaded.config));
            }
            Err(errors) => prop_assert!(errors.iter().all(|error| !error.to_string().is_empty())),
        }
    }

    #[test]
    fn any_text_survives_being_written_and_read(text in "(?s).{1,30}") {
        let quoted = serde_json::to_string(&text).expect("JSON");
        let yaml = format!("{CHAIN}hydra:\n  note: {quoted}\n");
        if let Ok(first) = load(&yaml, &[]) {
            let second = load(&first.secret_yaml(), &[]).map_err(|errors| errors.render(false));
            prop_assert_eq!(second.map(|second| second.config), Ok(first.config));
        }
    }
}

#[test]
fn a_path_with_a_line_end_is_written_such_that_it_reads_back() {
    for (value, path) in [(">+2\n\n", None), ("|\n    a\\tb\n\n", Some(Path::new("a\\tb\n")))] {
        let yaml = chain_with("type: deeplab_v3", &format!("type: deeplab_v3\n  model_path: {value}"));
        let first = loaded(&yaml, &[]);
        assert_eq!(first.config.general.model_path.as_deref(), path);
        for written in [first.secret_yaml(), first.resolved_yaml()] {
            assert_eq!(loaded(&written, &[]).config, first.config, "{written}");
        }
    }
}

#[test]
fn a_mapping_below_a_path_whose_key_needs_quotes_reads_back() {
    let change = "++hydra.# some_path.# some_path=C:\\train";
    let first = loaded(CHAIN, &[change]);
    let written = first.resolved_yaml();
    assert!(written.contains("\"# some_path\": C:\\train"), "{written}");
    assert_eq!(loaded(&written, &[]).config, first.config);
}
