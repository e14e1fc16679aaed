//! What the environment supplies and credentials in addresses are nowhere but in the one file that only the owner reads.

use super::sandbox::{Ended, Sandbox};
use std::{
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

const SECRETS: [&str; 2] = ["s3cret-value", "me:pass"];

fn sandbox() -> Sandbox {
    let sandbox = Sandbox::new().with("TOKEN", "s3cret-value").with("POINTS", "points.txt");
    let text = fs_err::read_to_string(sandbox.path("chain.yaml")).expect("the configuration");
    let text = text.replace("general:\n", "general:\n  project_name: x-${TOKEN}\n  gpu_memory_limit: 1\n");
    let text = text.replace("points.txt", "${oc.env:POINTS}");
    sandbox.write("chain.yaml", &(text + "mlflow:\n  uri: http://me:pass@host/${TOKEN}\n"));
    sandbox
}

fn says_no_secret(ended: &Ended) {
    for secret in SECRETS {
        assert!(!ended.stdout.contains(secret) && !ended.stderr.contains(secret), "{ended:?}");
    }
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs_err::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

#[test]
fn a_run_keeps_secrets_in_one_file_of_its_owners() {
    let sandbox = sandbox();
    says_no_secret(&sandbox.must_run(&[]));
    let mut holders = Vec::new();
    for file in files(&sandbox.path("runs/run")) {
        let bytes = fs_err::read(&file).expect("a file");
        let text = String::from_utf8_lossy(&bytes);
        if SECRETS.iter().any(|secret| text.contains(secret)) {
            holders.push(file);
        }
    }
    let own = sandbox.path("runs/run/.hydra/.secrets.yaml");
    assert_eq!(holders, std::slice::from_ref(&own));
    assert_eq!(fs_err::metadata(&own).expect("the file").permissions().mode() & 0o777, 0o600);
    let shown = fs_err::read_to_string(sandbox.path("runs/run/.hydra/config.yaml")).expect("text");
    assert!(shown.contains("project_name: x-${oc.env:TOKEN}\n"), "{shown}");
    // It says the same as the file that was run.
    let again = Sandbox::new();
    again.write("chain.yaml", &fs_err::read_to_string(own).expect("text"));
    let planned = super::sandbox::end(again.start(&["plan", "chain.yaml"]));
    assert_eq!(planned.code, Some(0), "{planned:?}");
}

#[test]
fn a_run_without_secrets_has_no_file_of_them() {
    let sandbox = Sandbox::new();
    sandbox.must_run(&[]);
    assert!(!sandbox.path("runs/run/.hydra/.secrets.yaml").exists());
}

#[test]
fn no_refusal_shows_a_secret() {
    let sandbox = sandbox();
    for (change, code) in [
        ("training.epochs=${TOKEN}", 10),
        ("general.saved_models_dir=../${TOKEN}", 10),
        ("dataset.training_files_path=${TOKEN}.txt", 11),
        ("mlflow.urj=http://me:pass@host", 10),
        ("hydra.run.dir=points.txt/${TOKEN}", 11),
        ("operation_mode=chain_${TOKEN}", 11),
        ("operation_mode=stages", 10),
    ] {
        let file = "chain.yaml";
        for line in [
            &["run", file, change][..],
            &["plan", file, change],
            &["validate", file, change],
            &["validate", "--format", "json", file, change],
        ] {
            let ended = super::sandbox::end(sandbox.start(line));
            if line[0] == "run" {
                assert_eq!(ended.code, Some(code), "{ended:?}");
            }
            says_no_secret(&ended);
        }
    }
}

#[test]
fn a_message_about_a_path_that_is_there_names_it() {
    let sandbox = sandbox();
    sandbox.write("points.txt", "0 1\none two\n");
    let ended = sandbox.run(&[]);
    assert_eq!(ended.code, Some(11));
    assert!(ended.stderr.contains("points.txt"), "{}", ended.stderr);
}
