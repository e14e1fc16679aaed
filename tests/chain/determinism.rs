//! The same bytes whatever the threads, the company, and the way there.

use super::workspace::{Workspace, text};

const MODEL: &str = "quantized_models/quantized_model.tflite";

#[test]
fn one_two_and_four_threads_make_the_same_bytes() {
    let runs: Vec<_> = ["1", "2", "4"]
        .into_iter()
        .map(|threads| Workspace::new().done("run", &["--threads", threads]).artifacts())
        .collect();
    assert_eq!(runs[0], runs[1], "one thread against two");
    assert_eq!(runs[0], runs[2], "one thread against four");
}

#[test]
fn two_trainings_at_once_make_the_bytes_of_each_alone() {
    let together = Workspace::new();
    let children: Vec<_> = [("seven", "7"), ("eight", "8")]
        .map(|(run, seed)| {
            let seed = format!("general.global_seed={seed}");
            together.command(run, &[&seed]).spawn().expect("the binary starts")
        })
        .into();
    for child in children {
        let output = child.wait_with_output().expect("the binary ends");
        assert!(output.status.success(), "{}", text(&output));
    }
    for (run, seed) in [("seven", "7"), ("eight", "8")] {
        let seed = format!("general.global_seed={seed}");
        let alone = Workspace::new().done("alone", &[&seed]).artifacts();
        assert_eq!(together.open(run).artifacts(), alone, "{seed}");
    }
}

#[test]
fn training_and_then_quantization_of_its_model_give_the_tflite_of_the_chain() {
    let chain = Workspace::new().done("chain", &[]).bytes(MODEL);

    let apart = Workspace::new();
    let training = apart.done("training", &["operation_mode=training"]);
    let model = training.folder.join("saved_models/best_model.h5");
    let model = format!("+general.model_path={}", model.display());
    let quantization =
        apart.done("quantization", &["operation_mode=quantization", "~general.model_type", &model]);
    assert_eq!(quantization.bytes(MODEL), chain);
}
