//! What must not be shown: values that the environment supplied, and credentials in addresses.

use super::{
    node::{Content, Node},
    template::Variable,
    text::hide_credentials,
};
use std::{collections::BTreeMap, path::Path};

/// Shorter values are parts of too many words, and no secrets.
const SHORTEST: usize = 4;

/// The values from the environment that stand in a configuration.
#[derive(Debug, Clone, Default)]
pub struct Secrets {
    /// The values with their variables' names, the longest value first.
    values: Vec<(String, String)>,
}

impl Secrets {
    /// The values of the variables that a resolved tree names. The name of a file or folder that is there, or below one
    /// that is there, is none: a message about a path says where was looked.
    pub(super) fn of(root: &Node, environment: Variable) -> Self {
        let mut names = BTreeMap::new();
        collect(root, environment, &mut names);
        let mut secrets = Self::default();
        secrets.learn(names.into_iter().collect());
        secrets
    }

    /// Hides more values, given with their variables' names.
    pub(super) fn learn(&mut self, values: Vec<(String, String)>) {
        // Output comes line by line, and a key may have several.
        let lines = |(value, name): &(String, String)| {
            let name = name.clone();
            value.lines().map(move |line| (line.trim().to_owned(), name.clone())).collect::<Vec<_>>()
        };
        let lines: Vec<(String, String)> = values.iter().flat_map(lines).collect();
        let known = std::mem::take(&mut self.values);
        let all: BTreeMap<String, String> = values.into_iter().chain(lines).chain(known).collect();
        self.values =
            all.into_iter().filter(|(value, _)| value.len() >= SHORTEST && !is_path(value)).collect();
        self.put_in_order();
    }

    /// Adds those of another configuration.
    pub fn add(&mut self, other: &Self) {
        for value in &other.values {
            if !self.values.contains(value) {
                self.values.push(value.clone());
            }
        }
        self.put_in_order();
    }

    fn put_in_order(&mut self) {
        self.values.sort_by_key(|(value, _)| std::cmp::Reverse(value.len()));
    }

    /// A text with the variables' names in place of their values, and credentials in addresses starred out.
    #[must_use]
    pub fn hide(&self, text: &str) -> String {
        if self.values.is_empty() && !text.contains("://") {
            return text.to_owned();
        }
        let named = self
            .values
            .iter()
            .fold(text.to_owned(), |text, (value, name)| text.replace(value, &format!("${{oc.env:{name}}}")));
        hide_credentials(&named)
    }
}

fn collect(node: &Node, environment: Variable, names: &mut BTreeMap<String, String>) {
    match &node.content {
        Content::Map(entries) => entries.iter().for_each(|entry| collect(&entry.value, environment, names)),
        Content::List(items) => items.iter().for_each(|item| collect(item, environment, names)),
        Content::Scalar(scalar) => {
            for after in scalar.shown.iter().flat_map(|shown| shown.split("${oc.env:").skip(1)) {
                let end = after.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(after.len());
                if let Ok(Some(value)) = environment(&after[..end]) {
                    names.insert(value, after[..end].to_owned());
                }
            }
        }
        Content::Hole => {}
    }
}

/// Whether a value names something in a folder that is there.
fn is_path(value: &str) -> bool {
    let path = Path::new(value);
    let first: std::path::PathBuf = path.components().take(if path.has_root() { 2 } else { 1 }).collect();
    first.exists()
}
