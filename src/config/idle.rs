//! Keys that are legal and have no effect yet, or none in what is planned: nothing that a file sets is ignored without a
//! word.

use super::{node::Node, path::KeyPath};
use contract::Config;

/// A key that has no effect, and why.
struct Idle {
    key: &'static str,
    /// The values that are no request for anything.
    void: &'static [&'static str],
    /// The stage of letter `b` that uses the key, or says itself that nothing does.
    but_for: Option<&'static str>,
    reason: &'static str,
}

const IDLE: &[Idle] = &[
    Idle { key: "mlflow.uri", void: &[], but_for: None, reason: "experiment tracking is not available yet" },
    Idle {
        key: "general.display_figures",
        void: &["false", "no", "off"],
        but_for: None,
        reason: "figures are saved, and opening them is not available yet",
    },
    Idle {
        key: "general.num_threads_tflite",
        void: &[],
        but_for: Some("measure"),
        reason: "only the stage `measure` uses it; elsewhere --threads chooses, and results do not depend on it",
    },
    Idle {
        key: "sweep",
        void: &[],
        but_for: None,
        reason: "`pipeline sweep` runs its variants, and this is the file without them",
    },
    Idle {
        key: "tools",
        void: &[],
        but_for: Some("estimate"),
        reason: "everything here is built in, and no tool of ST's is called",
    },
];

/// A note for each such key that the file or the command line sets.
pub(super) fn notes(root: &Node, config: &Config) -> Vec<String> {
    let mut notes = Vec::new();
    for Idle { key, void, but_for, reason } in IDLE {
        let set = KeyPath::parse(key).and_then(|path| root.get(&path));
        let Some(value) = set.filter(|value| !value.is_absent()) else { continue };
        let word = value.scalar().map(|scalar| scalar.text.trim().to_ascii_lowercase());
        let is_void = word.is_some_and(|word| void.contains(&word.as_str()));
        if !is_void && !but_for.is_some_and(|stage| plans(config, stage)) {
            notes.push(format!("`{key}` has no effect: {reason}"));
        }
    }
    notes
}

/// Whether a stage of letter `b` is asked for, whether or not the word makes a plan.
fn plans(config: &Config, stage: &str) -> bool {
    match config.operation_mode.as_deref().map(str::trim) {
        Some("benchmarking") => true,
        Some("stages") => config.stages.values().any(|entry| entry.uses.as_deref() == Some(stage)),
        Some(word) => word.strip_prefix("chain_").is_some_and(|letters| letters.contains('b')),
        None => false,
    }
}
