//! Event files, opened by TensorBoard itself.

use formats::tensorboard::{Scalar, event_file};
use std::{path::Path, process::Command};

#[test]
fn tensorboard_reads_the_numbers_that_were_written() {
    let Some(python) = std::env::var_os("PIPELINE_PEERS_PYTHON") else {
        let required = std::env::var("PIPELINE_REQUIRE_PEERS").is_ok_and(|value| value == "1");
        assert!(!required, "PIPELINE_PEERS_PYTHON is not set, and PIPELINE_REQUIRE_PEERS is 1");
        println!("skipped: PIPELINE_PEERS_PYTHON is not set");
        return;
    };
    let mut scalars = Vec::new();
    for step in 0..200u64 {
        scalars.push(Scalar { tag: "epoch_loss", step, value: 3.0 / (step as f32 + 1.3) });
        scalars.push(Scalar { tag: "epoch_accuracy", step, value: step as f32 / 199.0 });
    }
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("events.out.tfevents.0.pipeline.v2");
    fs_err::write(&path, event_file(&scalars)).expect("a file");
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/event_files.py");
    let output = Command::new(python)
        .arg(script)
        .arg(&path)
        .env("TF_CPP_MIN_LOG_LEVEL", "3")
        .output()
        .expect("the interpreter starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    // Tags in alphabetical order.
    let mut wanted: Vec<String> = Vec::new();
    for tag in ["epoch_accuracy", "epoch_loss"] {
        let series = scalars.iter().filter(|scalar| scalar.tag == tag);
        wanted.extend(series.map(|scalar| format!("{tag} {} {:08x}", scalar.step, scalar.value.to_bits())));
    }
    let found = String::from_utf8_lossy(&output.stdout);
    assert_eq!(found.lines().collect::<Vec<_>>(), wanted);
}
