//! Keys that are legal and have no effect yet: nothing that a file sets is ignored without a word.

use super::{node::Node, path::KeyPath};

/// A key, the values that are no request for anything, and why it has no effect.
const IDLE: &[(&str, &[&str], &str)] = &[
    ("mlflow.uri", &[], "experiment tracking is not available yet"),
    (
        "general.display_figures",
        &["false", "no", "off"],
        "figures are saved, and opening them is not available yet",
    ),
    ("general.num_threads_tflite", &[], "threads are chosen by --threads, and results do not depend on them"),
    ("tools", &[], "everything here is built in, and no tool of ST's is called"),
];

/// A note for each such key that the file or the command line sets.
pub(super) fn notes(root: &Node) -> Vec<String> {
    let mut notes = Vec::new();
    for (key, void, reason) in IDLE {
        let set = KeyPath::parse(key).and_then(|path| root.get(&path));
        let Some(value) = set.filter(|value| !value.is_absent()) else { continue };
        let word = value.scalar().map(|scalar| scalar.text.trim().to_ascii_lowercase());
        if !word.is_some_and(|word| void.contains(&word.as_str())) {
            notes.push(format!("`{key}` has no effect: {reason}"));
        }
    }
    notes
}
