//! Configurations of earlier runs.

use crate::config::{ConfigErrors, Kept, Loaded, load_kept};

/// Writes the two files and loads them.
fn load(config: &str, secrets: Option<&str>) -> Result<Loaded, String> {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        fs_err::write(&path, text).unwrap();
        path
    };
    let kept = Kept {
        config: write("config.yaml", config),
        secrets: secrets.map(|secrets| write("secrets.yaml", secrets)),
    };
    let shown = |errors: ConfigErrors| errors.render(false).replace(folder.path().to_str().unwrap(), "run");
    load_kept(&kept).map_err(shown)
}

#[test]
fn secrets_are_as_they_were_and_hidden_though_the_environment_has_forgotten_them() {
    let config = "operation_mode: training\ngeneral:\n  project_name: x-${oc.env:GONE_BY_NOW}\n  gpu_memory_limit: \"${oc.env:ALSO_GONE}\"\n";
    let secrets =
        config.replace("${oc.env:GONE_BY_NOW}", "s3cret-value").replace("\"${oc.env:ALSO_GONE}\"", "1");
    let loaded = load(config, Some(&secrets)).unwrap();
    assert_eq!(loaded.config.general.project_name, "x-s3cret-value");
    assert_eq!(loaded.secrets().hide("it is s3cret-value"), "it is ${oc.env:GONE_BY_NOW}");
    assert!(
        loaded.resolved_yaml().contains("project_name: x-${oc.env:GONE_BY_NOW}\n"),
        "{}",
        loaded.resolved_yaml()
    );
    assert!(loaded.secret_yaml().contains("project_name: x-s3cret-value\n"));
}

#[test]
fn files_that_do_not_say_the_same_are_refused_without_a_secret() {
    let config = "operation_mode: training\ngeneral:\n  project_name: x-${oc.env:A}\n  global_seed: 9\n";
    let secrets = config.replace("${oc.env:A}", "s3cret-value").replace("9", "5");
    insta::assert_snapshot!("kept_not_the_same", load(config, Some(&secrets)).unwrap_err());
}

#[test]
fn stars_are_no_credentials() {
    let config = "operation_mode: training\nmlflow:\n  uri: http://*******@host/x\n";
    insta::assert_snapshot!("kept_stars", load(config, None).unwrap_err());
    let secrets = config.replace("*******", "me:pass");
    let loaded = load(config, Some(&secrets)).unwrap();
    assert!(loaded.secret_yaml().contains("http://me:pass@host/x"), "{}", loaded.secret_yaml());
}
