//! Trainings that start from files: in steps, from a backbone, and from where another one ended.

use super::workspace::{Run, Workspace, names, text};
use std::{path::Path, process::Output};

const TRAINING: &str = "operation_mode=training";
/// What a file does not say that starts from a model file.
const NO_NETWORK: [&str; 2] = ["~training.model", "~general.model_type"];

fn in_models(workspace: &Workspace, run: &str, changes: &[&str]) -> Output {
    let mut command = workspace.command(run, &[&[TRAINING], changes].concat());
    command.env("MODELS_DIR", "models").output().expect("the binary starts")
}

fn done(workspace: &Workspace, run: &str, changes: &[&str]) -> Run {
    let output = in_models(workspace, run, changes);
    assert!(output.status.success(), "{}", text(&output));
    workspace.open(run)
}

/// The model that a run found best.
fn best(run: &Run) -> Vec<u8> {
    run.bytes("saved_models/best_model.h5")
}

#[test]
fn a_training_in_three_steps_goes_from_file_to_file() {
    let workspace = Workspace::new();
    let copy = |step: usize| {
        fs_err::read(workspace.path().join(format!("models/step_{step}.h5"))).expect("the step's model")
    };
    let steps: [&[&str]; 3] = [
        &["+training.trained_model_path=${MODELS_DIR}/step_1.h5"],
        &[
            NO_NETWORK[0],
            NO_NETWORK[1],
            "+general.model_path=${MODELS_DIR}/step_1.h5",
            "+training.trained_model_path=${MODELS_DIR}/step_2.h5",
            "training.optimizer.Adam.learning_rate=0.001",
        ],
        &[
            NO_NETWORK[0],
            NO_NETWORK[1],
            "+general.model_path=${MODELS_DIR}/step_2.h5",
            "+training.trained_model_path=${MODELS_DIR}/step_3.h5",
        ],
    ];
    for (step, changes) in (1..).zip(steps) {
        let run = done(&workspace, &format!("step_{step}"), changes);
        assert_eq!(copy(step), best(&run), "step {step}");
        // The same again finds it all.
        let again = in_models(&workspace, &format!("step_{step}"), changes);
        assert!(text(&again).contains("nothing to do"), "{}", text(&again));
    }
    assert_ne!(copy(1), copy(2));
    assert_ne!(copy(2), copy(3));
    // A lost step is made again from the store.
    fs_err::remove_file(workspace.path().join("models/step_2.h5")).expect("a file");
    let again = done(&workspace, "again", steps[1]);
    assert!(again.stages("stage_started").is_empty());
    assert_eq!(copy(2), best(&again));

    // The same as one run: entries name each other's models.
    let chain = fs_err::read_to_string(workspace.path().join("chain.yaml")).expect("the chain");
    let stages = "
stages:
  one: { uses: train }
  two:
    uses: train
    inputs: { model: one/model }
    params: { training.model: null, training.optimizer.Adam.learning_rate: 0.001 }
";
    workspace.write("chain.yaml", format!("{}{stages}", chain.replace("chain_tqe", "stages")));
    let run = workspace.done("together", &[]);
    assert_eq!(run.bytes("two/saved_models/best_model.h5"), copy(2));
    assert!(run.stages("stage_started").is_empty(), "both steps are stored");
}

#[test]
fn a_training_goes_on_from_its_run_folder_as_if_it_had_never_stopped() {
    let workspace = Workspace::new();
    done(&workspace, "short", &["general.saved_models_dir=kept"]);
    let go_on = |run: &str, from: &str| {
        let from = format!("+training.resume_training_from={from}");
        let changes = [&NO_NETWORK[..], &["training.epochs=3", from.as_str()]].concat();
        done(&workspace, run, &[&changes[..], &["general.saved_models_dir=kept"]].concat())
    };
    let longer = done(&workspace, "longer", &["training.epochs=3"]);
    let from_file = go_on("from_file", "short/kept/last_augmented_model.h5");
    let from_folder = go_on("from_folder", "short");
    for (model, bytes) in longer.artifacts() {
        let kept = model.replace("saved_models/", "kept/");
        assert!(from_file.bytes(&kept) == bytes, "{model} differs");
        assert!(from_folder.bytes(&kept) == bytes, "{model} differs");
    }
    assert!(from_folder.stages("stage_started").is_empty(), "a folder and its file are one input");
}

#[test]
fn a_backbone_moves_from_model_to_model_and_counts_by_its_content() {
    let workspace = Workspace::new();
    let first = done(&workspace, "first", &[]);
    let tuned = |run: &str, file: &str| {
        let backbone = format!("+training.model.pretrained_model_path={file}");
        done(&workspace, run, &[&backbone, "general.global_seed=8"])
    };
    let second = tuned("second", "first/saved_models/best_model.h5");
    assert_ne!(best(&second), best(&first));
    workspace.write("elsewhere.h5", best(&first));
    let third = tuned("third", "elsewhere.h5");
    assert!(third.stages("stage_started").is_empty(), "the same file elsewhere is the same input");
    assert_eq!(best(&third), best(&second));
}

/// The example as it stands, on smaller images: its two files and its one make the same.
#[test]
fn the_example_makes_the_same_in_two_runs_and_in_one() {
    let workspace = Workspace::new();
    let run = |name: &str, changes: &[&str]| {
        let example = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("examples/fine_tuning/{name}.yaml"));
        workspace.write("chain.yaml", fs_err::read(example).expect("the example"));
        workspace.done(name, &[&["training.model.input_shape=(32, 32, 3)"], changes].concat())
    };
    let first = run("first", &["training.epochs=1"]);
    let tuned = run("fine_tune", &[]);
    assert_ne!(best(&first), best(&tuned));
    let both = run("steps", &["training.epochs=1"]);
    assert_eq!(both.stages("stage_started"), names(&["measured"]));
    assert_eq!(both.bytes("fine_tuned/saved_models/best_model.h5"), best(&tuned));
}

/// What is said of a run that may not start, without the places of this test.
fn refused(workspace: &Workspace, changes: &[&str]) -> String {
    let mut command = workspace.command("refused", &[&[TRAINING], changes].concat());
    command.env("HOME", workspace.path()).env_remove("PIPELINE_WEIGHTS_DIR");
    // Nobody listens there.
    let output = command.env("PIPELINE_WEIGHTS_URL", "http://127.0.0.1:9/keras").output();
    let output = output.expect("the binary starts");
    assert!(!output.status.success(), "{}", text(&output));
    assert!(!workspace.path().join("refused").exists(), "a run folder was made");
    assert!(!workspace.path().join(".keras").exists(), "a folder was made for nothing");
    let place = workspace.path().display().to_string();
    String::from_utf8_lossy(&output.stderr).replace(&place, "WORKSPACE")
}

#[test]
fn what_a_training_cannot_start_from_is_told_before_it_starts() {
    let workspace = Workspace::new();
    let short = done(&workspace, "short", &[]);
    workspace.write("tuned.tflite", "never opened");
    fs_err::create_dir(workspace.path().join("empty")).expect("a folder");
    let last = "+training.resume_training_from=short";
    let cases: [(&str, &[&str]); 14] = [
        ("start_two_ways", &["+general.model_path=a.h5", last]),
        ("start_no_way", &["~training.model"]),
        ("start_no_file", &[NO_NETWORK[0], "+general.model_path=no/such/model.h5"]),
        ("start_quantized", &[NO_NETWORK[0], "+general.model_path=tuned.tflite"]),
        ("start_url", &[NO_NETWORK[0], "+general.model_path=http://me:pass@127.0.0.1:9/model.h5?key=s3cret"]),
        (
            "start_no_dropout",
            &[NO_NETWORK[0], "+general.model_path=short/saved_models/best_model.h5", "~training.dropout"],
        ),
        (
            "start_with_rescaling",
            &[NO_NETWORK[0], "+general.model_path=short/saved_models/best_augmented_model.h5"],
        ),
        (
            "start_other_classes",
            &[
                NO_NETWORK[0],
                "+general.model_path=short/saved_models/best_model.h5",
                "+dataset.class_names=[a,b,c,d,e]",
            ],
        ),
        ("start_no_imagenet", &["+training.model.pretrained_weights=imagenet"]),
        (
            "start_other_backbone",
            &[
                "+training.model.pretrained_model_path=short/saved_models/best_model.h5",
                "training.model.alpha=0.5",
            ],
        ),
        ("resume_best", &[NO_NETWORK[0], "+training.resume_training_from=short/saved_models/best_model.h5"]),
        ("resume_empty_folder", &[NO_NETWORK[0], "+training.resume_training_from=empty"]),
        ("resume_fewer_epochs", &[NO_NETWORK[0], last, "training.epochs=1"]),
        ("trained_model_path", &["+training.trained_model_path=models/step_1.tflite"]),
    ];
    for (name, changes) in cases {
        insta::assert_snapshot!(name, refused(&workspace, changes));
    }
    assert!(!best(&short).is_empty());
}

#[test]
fn what_is_ignored_is_a_warning_of_the_run() {
    let workspace = Workspace::new();
    done(&workspace, "short", &[]);
    let changes = ["+training.resume_training_from=short", "training.dropout=0.5", "training.epochs=3"];
    let output = in_models(&workspace, "longer", &[&NO_NETWORK[..], &changes].concat());
    assert!(output.status.success(), "{}", text(&output));
    let told =
        "`training.dropout` is 0.5 and is ignored: the training that goes on began with 0.2 and keeps it";
    assert!(text(&output).contains(told), "{}", text(&output));
}
