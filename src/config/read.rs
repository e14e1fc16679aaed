//! From the tree to the typed configuration.
//!
//! A serde deserializer that resolves by the type that is wanted: a number may be `1/127.5`, a list `(4, 8)`, a truth
//! value `yes`, while a class called `None` or a folder called `1/2` stays text. All mistakes go into one report: after
//! each, a [`Content::Hole`] takes the place of the mistake and the tree is read again.

mod deserialize;
mod legal_keys;
mod reader;
mod refusal;
mod untyped;

use super::{
    error::ConfigError,
    node::{Content, Entry, Node},
    path::{KeyPath, Step},
};
use contract::Config;
use legal_keys::Asked;
#[cfg(test)]
pub(super) use legal_keys::legal_keys;
use reader::{ARGUMENTS, Reader};
use serde::de::Deserialize;
use std::{cell::RefCell, collections::BTreeSet};

/// Most mistakes that are reported at once.
const MAX_MISTAKES: usize = 100;

/// A configuration that was read.
pub(super) struct Reading {
    /// What could be read: with holes where the mistakes are. None where they are too many, or in the way of all.
    pub(super) config: Option<Config>,
    /// Notes for the user.
    pub(super) notes: Vec<String>,
    /// All that could not be read.
    pub(super) mistakes: Vec<ConfigError>,
}

/// Reads a tree.
pub(super) fn read(mut root: Node) -> Reading {
    name_custom_model(&mut root);
    gather_arguments(&mut root);
    let report = RefCell::new(Report::default());
    let mut last = None;
    while report.borrow().mistakes.len() < MAX_MISTAKES {
        let reader = Reader { node: &root, key: None, path: KeyPath::default(), report: &report };
        match Config::deserialize(reader) {
            Ok(config) => {
                last = Some(config);
                break;
            }
            Err(refusal) => {
                let repaired = repair(&mut root, &refusal.path);
                if !refusal.implied || !repaired {
                    report.borrow_mut().mistakes.push(refusal.error);
                }
                if !repaired {
                    break;
                }
            }
        }
    }
    let report = report.into_inner();
    Reading { config: last, notes: report.notes(), mistakes: report.mistakes }
}

/// One value alone, of any type that can stand in a configuration.
#[cfg(test)]
pub(super) fn value<'de, T: Deserialize<'de>>(node: &Node) -> Result<T, ConfigError> {
    let report = RefCell::new(Report::default());
    let reader = Reader { node, key: None, path: KeyPath::default(), report: &report };
    T::deserialize(reader).map_err(|refusal| refusal.error)
}

/// `general.model_type: custom` and `training.model.name: custom` mean the same, and either suffices.
fn name_custom_model(root: &mut Node) {
    let key = |section: &str, key: &str| KeyPath::default().key(section).key(key);
    let is_custom = |node: &Node| node.scalar().is_some_and(|scalar| scalar.text == "custom");
    if !root.get(&key("general", "model_type")).is_some_and(is_custom) {
        return;
    }
    if let Some(Node { content: Content::Map(model), .. }) = root.get_mut(&key("training", "model"))
        && !model.iter().any(|entry| entry.key == "name" && !entry.value.is_absent())
    {
        model.retain(|entry| entry.key != "name");
        model.push(Entry { key: "name".to_owned(), place: None, value: Node::text("custom") });
    }
}

/// Keys of a custom model that are not arguments of its template.
const CUSTOM_MODEL: &[&str] = &["name", "input_shape", "pretrained_weights", "pretrained_model_path", "file"];

/// All other keys of a custom model are arguments of its template.
fn gather_arguments(root: &mut Node) {
    let path = KeyPath::default().key("training").key("model");
    let Some(Node { content: Content::Map(model), .. }) = root.get_mut(&path) else { return };
    let is_custom = |entry: &Entry| {
        entry.key == "name" && entry.value.scalar().is_some_and(|scalar| scalar.text == "custom")
    };
    if !model.iter().any(is_custom) {
        return;
    }
    let (own, arguments): (Vec<_>, Vec<_>) =
        model.drain(..).partition(|entry| CUSTOM_MODEL.contains(&entry.key.as_str()));
    model.extend(own);
    let arguments = Node { place: None, content: Content::Map(arguments) };
    model.push(Entry { key: ARGUMENTS.to_owned(), place: None, value: arguments });
}

/// Puts a hole at a path, so that reading goes on there; false when one was there already or cannot be put.
fn repair(root: &mut Node, path: &KeyPath) -> bool {
    if let Some(node) = root.get_mut(path) {
        let was_hole = node.is_hole();
        node.content = Content::Hole;
        return !was_hole;
    }
    let Some((parent, Step::Key(key))) = path.split_last() else { return false };
    let Some(parent) = root.get_mut(&parent) else { return false };
    let entry = Entry { key: key.clone(), place: None, value: Node::hole(None) };
    match &mut parent.content {
        Content::Map(entries) => entries.push(entry),
        // A mapping that was left empty.
        Content::Scalar(_) => parent.content = Content::Map(vec![entry]),
        _ => return false,
    }
    true
}

/// What reading has found so far.
#[derive(Default)]
struct Report {
    mistakes: Vec<ConfigError>,
    /// Unknown keys that are in `mistakes`: the tree may be read more than once.
    unknown: BTreeSet<KeyPath>,
    /// Keys that are accepted and have no effect.
    idle: BTreeSet<KeyPath>,
    /// What a hole is asked for, where that is what is wanted; then options are filled too.
    asked: Option<Asked>,
}

impl Report {
    fn notes(&self) -> Vec<String> {
        if self.idle.is_empty() {
            return Vec::new();
        }
        let keys: Vec<String> = self.idle.iter().map(|path| format!("`{path}`")).collect();
        vec![format!(
            "{} accepted; only `hydra.run.dir` has an effect here, and `hydra.sweep.dir` in a sweep",
            keys.join(", ")
        )]
    }
}
