//! What is only written in another way runs nothing again; what has another value does, and is named.

use super::sandbox::{Sandbox, end};
use proptest::{prelude::*, test_runner::Config};
use serde_json::Value;

/// A configuration that is put together from its parts.
#[derive(Debug, Clone)]
struct Written {
    /// Order of the sections.
    order: Vec<usize>,
    comments: bool,
    /// Sections that no stage of the chain reads.
    unused: bool,
    quoted: bool,
    flow: bool,
    display: bool,
    /// How 0.05 is written.
    rate: &'static str,
    epochs: &'static str,
    moved: bool,
    by_reference: bool,
}

const RATES: [&str; 5] = ["0.05", "5e-2", "1/20", ".05", "0.050"];
const EPOCHS: [&str; 3] = ["4", "2 * 2", "'4'"];

fn written() -> impl Strategy<Value = Written> {
    let order = Just((0..6).collect::<Vec<usize>>()).prop_shuffle();
    let flags = proptest::array::uniform7(any::<bool>());
    (order, flags, proptest::sample::select(&RATES[..]), proptest::sample::select(&EPOCHS[..])).prop_map(
        |(order, [comments, unused, quoted, flow, display, moved, by_reference], rate, epochs)| Written {
            order,
            comments,
            unused,
            quoted,
            flow,
            display,
            rate,
            epochs,
            moved,
            by_reference,
        },
    )
}

impl Written {
    fn text(&self) -> String {
        let Self { rate, epochs, .. } = self;
        let quote = if self.quoted { "\"" } else { "" };
        let data = if self.moved { "elsewhere/moved.txt" } else { "points.txt" };
        let display = if self.display {
            "  display_figures: False\n  project_name: another\n  logs_dir: my_logs\n"
        } else {
            ""
        };
        let adam = match self.flow {
            true => format!("  optimizer: {{Adam: {{learning_rate: {rate}}}}}\n"),
            false => format!("  optimizer:\n    Adam:\n      learning_rate: {rate}\n"),
        };
        let seed = if self.by_reference { "${dataset.seed}" } else { "7" };
        let sections = [
            format!("general:\n{display}  global_seed: {seed}\n"),
            format!("operation_mode: {quote}chain_tqe{quote}\n"),
            format!("dataset:\n  seed: 7\n  name: points\n  training_files_path: {quote}{data}{quote}\n"),
            format!("training:\n  batch_size: 2\n{adam}  epochs: {epochs}\n"),
            format!(
                "quantization:\n  quantizer: {quote}TFlite_converter{quote}\n  quantization_type: PTQ\n  quantization_input_type: int8\n  quantization_output_type: int8\n"
            ),
            "hydra:\n  run:\n    dir: runs/run\n".to_owned(),
        ];
        let mut text = String::new();
        for index in &self.order {
            if self.comments {
                text.push_str("# what comes next\n\n");
            }
            text.push_str(&sections[*index]);
        }
        if self.unused {
            text.push_str(
                "deployment:\n  hardware_setup:\n    board: NUCLEO-H743ZI2\nmlflow:\n  uri: elsewhere\n",
            );
        }
        text
    }
}

fn world() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.must_run(&[]);
    fs_err::create_dir(sandbox.path("elsewhere")).expect("a folder");
    fs_err::copy(sandbox.path("points.txt"), sandbox.path("elsewhere/moved.txt")).expect("a copy");
    sandbox
}

/// The key and line of each difference of the stages that would run.
fn told(sandbox: &Sandbox) -> Vec<(String, String, Value)> {
    let ended = end(sandbox.start(&["explain", "chain.yaml", "--format", "json"]));
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let told: Value = serde_json::from_str(&ended.stdout).expect("JSON");
    let stages = told["stages"].as_array().expect("stages").iter();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    stages
        .flat_map(|stage| {
            let differences = stage["differences"].as_array().expect("differences").iter();
            differences.flat_map(move |difference| {
                let keys = difference["keys"].as_array().expect("keys").iter();
                keys.map(move |key| (text(&stage["name"]), text(&key["key"]), key["from"]["line"].clone()))
            })
        })
        .collect()
}

#[test]
fn a_configuration_written_in_another_way_runs_nothing() {
    let sandbox = world();
    let config = Config { cases: 60, failure_persistence: None, ..Config::default() };
    proptest!(config, |(written in written())| {
        sandbox.write("chain.yaml", &written.text());
        let ended = end(sandbox.start(&["plan", "chain.yaml", "--check"]));
        prop_assert_eq!(ended.code, Some(0), "{}\n{:?}", written.text(), ended);
        prop_assert_eq!(told(&sandbox), vec![]);
    });
}

#[test]
fn threads_touched_files_and_names_of_folders_run_nothing() {
    let sandbox = world();
    let points =
        fs_err::OpenOptions::new().append(true).open(sandbox.path("points.txt")).expect("the points");
    points.into_parts().0.set_modified(std::time::SystemTime::UNIX_EPOCH).expect("another time");
    for changes in [&["--threads", "1"][..], &["--jobs", "2", "general.saved_models_dir=models"]] {
        sandbox.must_run(changes);
        assert_eq!(sandbox.executed(&sandbox.last_run()), Vec::<String>::new());
    }
}

/// A key, other values for it, and the stage that it belongs to.
const KEYS: [(&str, &str, &[&str]); 4] = [
    ("training.epochs", "train", &["5", "6", "3"]),
    ("training.optimizer.Adam.learning_rate", "train", &["0.06", "5e-3", "1/30"]),
    ("general.global_seed", "train", &["8", "9"]),
    ("quantization.granularity", "quantize", &["per_tensor"]),
];

#[test]
fn another_value_always_runs_its_stage_and_the_key_and_line_are_named() {
    let sandbox = world();
    let config = Config { cases: 60, failure_persistence: None, ..Config::default() };
    let changed = proptest::sample::select(&KEYS[..])
        .prop_flat_map(|(key, stage, values)| (Just(key), Just(stage), proptest::sample::select(values)));
    proptest!(config, |(mut written in written(), (key, stage, value) in changed)| {
        written.by_reference = false;
        let mut text = written.text();
        match key {
            "training.epochs" => text = text.replace(&format!("epochs: {}", written.epochs), &format!("epochs: {value}")),
            "general.global_seed" => text = text.replace("global_seed: 7", &format!("global_seed: {value}")),
            "quantization.granularity" => {
                text = text.replace("quantization_type: PTQ", &format!("granularity: {value}\n  quantization_type: PTQ"));
            }
            _ => text = text.replace(&format!("learning_rate: {}", written.rate), &format!("learning_rate: {value}")),
        }
        sandbox.write("chain.yaml", &text);
        let last = key.rsplit('.').next().unwrap_or_default();
        let line = 1 + text.lines().position(|line| line.contains(&format!("{last}: "))).expect("the key");
        prop_assert_eq!(told(&sandbox), vec![(stage.to_owned(), key.to_owned(), Value::from(line))], "{}", text);
        let ended = end(sandbox.start(&["plan", "chain.yaml", "--check"]));
        prop_assert_eq!(ended.code, Some(3));
    });
}

/// An entry of `stages` with one key written in another way, and whether that runs its program again.
const ENTRY: [(&str, &str, bool); 12] = [
    ("command: cat {inputs.0} > {outputs.b}", "command: cat  {inputs.0} > {outputs.b}", true),
    ("command: cat {inputs.0} > {outputs.b}", "command: \"cat {inputs.0} > {outputs.b}\"", false),
    ("inputs: [points.txt]", "inputs: {\"0\": points.txt}", false),
    ("inputs: [points.txt]", "inputs: [elsewhere/moved.txt]", false),
    ("inputs: [points.txt]", "inputs: [other.txt]", true),
    ("outputs: [b]", "outputs: [b, points.txt]", true),
    ("params: {k: 3, l: x}", "params: {l: x, k: 3}", false),
    ("params: {k: 3, l: x}", "params: {k: 3, l: y}", true),
    ("params: {k: 3, l: x}", "params: {k: 3}", true),
    ("environment: [SEEN]", "environment: [SEEN, UNSEEN]", true),
    ("timeout: 10 min", "timeout: 600 s", false),
    ("retries: 0", "retries: 2", false),
];

#[test]
fn of_an_entry_what_its_program_sees_counts_and_nothing_else() {
    let text = "operation_mode: stages\nstages:\n  one:\n    command: cat {inputs.0} > {outputs.b}\n    inputs: [points.txt]\n    \
                outputs: [b]\n    params: {k: 3, l: x}\n    environment: [SEEN]\n    timeout: 10 min\n    retries: 0\n\
                hydra: {run: {dir: runs/run}}\n";
    let sandbox = Sandbox::new().with("SEEN", "seen").with("UNSEEN", "other");
    sandbox.write("chain.yaml", text);
    sandbox.must_run(&[]);
    fs_err::create_dir(sandbox.path("elsewhere")).expect("a folder");
    fs_err::copy(sandbox.path("points.txt"), sandbox.path("elsewhere/moved.txt")).expect("a copy");
    sandbox.write("other.txt", "7 7\n");
    for (from, to, runs) in ENTRY {
        assert!(text.contains(from), "{from}");
        sandbox.write("chain.yaml", &text.replace(from, to));
        let ended = end(sandbox.start(&["plan", "chain.yaml", "--check"]));
        assert_eq!(ended.code, Some(if runs { 3 } else { 0 }), "{to}: {ended:?}");
        let key = format!("stages.one.{}", to.split(':').next().unwrap_or_default());
        let told = told(&sandbox);
        assert!(told.iter().all(|(_, named, _)| named.starts_with(&key)), "{to}: {told:?}");
        assert_eq!(!told.is_empty(), runs, "{to}: {told:?}");
    }
    sandbox.write("chain.yaml", text);
    let sandbox = sandbox.with("SEEN", "seen as something else").with("UNSEEN", "whatever");
    assert_eq!(end(sandbox.start(&["plan", "chain.yaml", "--check"])).code, Some(3));
}
