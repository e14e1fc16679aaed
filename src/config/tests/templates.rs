//! `*.yaml.j2`.

use super::{CHAIN, chain_with, environment, started};
use crate::config::{ConfigErrors, Loaded, Request, loaded::load_source, text::Text};
use insta::assert_snapshot;
use std::time::{Duration, Instant};

fn load(template: &str) -> Result<Loaded, ConfigErrors> {
    load_source(&Text::new("chain.yaml.j2", template), &[], &started(), environment)
}

fn loaded(template: &str) -> Loaded {
    load(template).unwrap_or_else(|errors| panic!("{}", errors.render(false)))
}

fn report(template: &str) -> String {
    match load(template) {
        Ok(loaded) => panic!("loads: {:?}", loaded.config),
        Err(errors) => errors.render(false),
    }
}

/// [`CHAIN`] with an expression for the project's name.
fn named(text: &str) -> String {
    chain_with("project_name: demo", &format!("project_name: {text}"))
}

fn name(text: &str) -> String {
    loaded(&named(text)).config.general.project_name
}

#[test]
fn statements_and_expressions_make_the_text() {
    let template = chain_with(
        "  epochs: 10\n",
        "{% set rounds = 3 %}\n  {% if env.CAMVID == \"/srv/camvid\" %}\n  epochs: {{ rounds * 4 }}\n  {% else %}\n  epochs: no\n  {% endif %}\n",
    ) + "{# names #}\nhydra:\n  {% for i in range(2) %}\n  a{{ i }}: {{ i }}\n  {% endfor %}\n";
    let loaded = loaded(&template);
    assert_eq!(loaded.config.training.as_ref().expect("training").epochs, Some(12));
    assert!(loaded.resolved_yaml().ends_with("hydra:\n  a0: 0\n  a1: 1\n"), "{}", loaded.resolved_yaml());
    assert_eq!(name("a-{{ 'b' ~ 1 }}-${now:%Y}-${training.epochs}"), "a-b1-2026-10");
}

#[test]
fn other_files_are_never_rendered() {
    let yaml = named("\"{{ env.TOKEN }} {% if %}\"");
    assert_eq!(super::loaded(&yaml, &[]).config.general.project_name, "{{ env.TOKEN }} {% if %}");
}

#[test]
fn a_file_is_a_template_by_its_name() {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, expected) in [
        ("a.yaml.j2", "demo2"),
        ("a.yml.j2", "demo2"),
        ("a.yaml", "demo{{ 1 + 1 }}"),
        ("j2", "demo{{ 1 + 1 }}"),
    ] {
        let file = folder.path().join(name);
        fs_err::write(&file, named("demo{{ 1 + 1 }}")).expect("a file");
        let request = Request { file, overrides: vec![], started: started() };
        let loaded =
            crate::config::load(&request).unwrap_or_else(|errors| panic!("{}", errors.render(false)));
        assert_eq!(loaded.config.general.project_name, expected, "{name}");
    }
}

#[test]
fn values_of_the_environment_are_used_and_stay_hidden() {
    let template = named("x-{{ env.TOKEN }}-{{ env['DATASETS'] }}")
        + "mlflow: {uri: http://{{ env.TOKEN }}/}\nhydra:\n  run:\n    dir: \"out/{{ env.TOKEN }}\"\n";
    let loaded = loaded(&template);
    assert_eq!(loaded.config.general.project_name, "x-s3cret-/srv/datasets");
    assert_eq!(loaded.config.mlflow.uri, "http://s3cret/");
    assert_eq!(loaded.config.hydra.run.dir, "out/s3cret");
    let shown = loaded.resolved_yaml();
    assert!(!shown.contains("s3cret"), "{shown}");
    assert!(shown.contains("project_name: x-${oc.env:TOKEN}-${oc.env:DATASETS}\n"), "{shown}");
    assert!(loaded.secret_yaml().contains("uri: http://s3cret/\n"));
    let again = super::loaded(&shown, &[]);
    assert_eq!(again.config, loaded.config);
    // What is computed from a value is text of the file.
    assert!(super::templates::loaded(&named("{{ env.TOKEN ~ 'x' }}")).resolved_yaml().contains("s3cretx"));
}

#[test]
fn a_value_of_the_environment_does_not_show_in_messages() {
    let report = report(
        &(chain_with("epochs: 10", "epochs: {{ env.TOKEN }}") + "mlflow:\n  urj: '{{ env.TOKEN }}'\n"),
    );
    assert!(!report.contains("s3cret"), "{report}");
    assert_snapshot!("hidden_value", report);
    assert_snapshot!(
        "hidden_value_that_is_no_number",
        super::templates::report(&named("{{ env.TOKEN | int }}"))
    );
}

#[test]
fn what_is_not_set_can_have_a_default() {
    assert_eq!(name("{{ env.NOT_SET | default('x') }}"), "x");
    assert_eq!(name("{% if env.NOT_SET is defined %}a{% else %}b{% endif %}"), "b");
}

#[test]
fn mistakes_in_templates_point_at_the_template() {
    assert_snapshot!("variable_not_set", report(&named("{{ env.NO_SUCH_DIR }}/x")));
    assert_snapshot!(
        "variable_not_set_in_a_condition",
        report(&named("{% if env.NO_SUCH_DIR == 'x' %}a{% endif %}"))
    );
    assert_snapshot!("variable_not_text", report(&named("{{ env.BROKEN }}/x")));
    assert_snapshot!("not_defined", report(&named("{{ epochs }}")));
    assert_snapshot!("not_defined_after_a_default", report(&named("{{ env.X | default(1) }}{{ epochs }}")));
    assert_snapshot!("not_closed", report(&named("{{ env.TOKEN }")));
    assert_snapshot!("no_end", report(&named("{% if 1 %}a")));
    assert_snapshot!("unknown_filter", report(&named("{{ env.TOKEN | shout }}")));
    assert_snapshot!("unknown_function", report(&named("{{ now() }}")));
    assert_snapshot!("wrong_type", report(&named("{{ 1 + 'a' }}")));
    for statement in ["include", "import", "extends", "macro"] {
        let report = report(&format!("{{% {statement} '/etc/hostname' %}}\n{CHAIN}"));
        assert!(report.contains("config::template") && report.contains("unknown statement"), "{report}");
    }
    assert_snapshot!("inclusion", report(&format!("{{% include '/etc/hostname' %}}\n{CHAIN}")));
    assert_snapshot!(
        "key_from_the_environment",
        report(&format!("{CHAIN}hydra:\n  {{{{ env.TOKEN }}}}: 1\n"))
    );
    assert_snapshot!("behind_a_backslash", report(&named("C:\\{{ env.TOKEN }}")));
}

#[test]
fn mistakes_in_what_was_rendered_show_that_text_and_say_so() {
    let template = chain_with("general:\n", "{# a\ncomment #}\n{% set n = 'ten' %}\ngeneral:\n");
    let template = template.replace("epochs: 10", "epochs: {{ n }}");
    assert_snapshot!("rendered_text", report(&template));
    let json = load(&template).expect_err("ten").to_json();
    assert_eq!(json["errors"][0]["rendered"], true);
    assert_snapshot!("rendered_text_is_not_yaml", report(&chain_with("epochs: 10", "epochs: {{ '[1' }}")));
}

#[test]
fn a_template_that_goes_on_for_ever_is_stopped() {
    let start = Instant::now();
    let loops = "{% for a in range(9999) %}{% for b in range(9999) %}{% for c in range(9999) %}x{% endfor %}{% endfor %}{% endfor %}";
    assert_snapshot!("endless", report(&named(loops)));
    let doubling =
        "{% set n = namespace(x='aaaaaaaa') %}{% for i in range(60) %}{% set n.x = n.x ~ n.x %}{% endfor %}";
    for hostile in [doubling, "{{ 'a' * 4000000000 }}", "{{ '%4000000000d' | format(1) }}"] {
        let report = report(&named(hostile));
        assert!(report.contains("config::template"), "{report}");
    }
    let deep = format!("{{{{ {}1{} }}}}", "(".repeat(20_000), ")".repeat(20_000));
    assert!(report(&named(&deep)).contains("config::template"));
    let long = "{% for i in range(9000) %}".to_owned() + &"x".repeat(700) + "{% endfor %}";
    let report = report(&named(&long));
    assert_snapshot!("too_long", report);
    assert!(start.elapsed() < Duration::from_secs(10));
}
