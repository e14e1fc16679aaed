//! Changes from the command line: `key.sub=value`, `+key.sub=value`, `++key.sub=value`, `~key.sub`.
//!
//! The signs are Hydra's: a plain change is for a key that the file has, `+` adds one, `++` does either, `~` removes.
//! Kinder than Hydra, a plain change also adds a legal key; whether a key is legal shows when the tree is read. As in
//! Hydra a mapping is merged into a mapping. Values are YAML, as in the file.

use super::{
    error::{Code, ConfigError},
    mangled,
    node::{Content, Entry, Kind, Node, Scalar},
    path::{KeyPath, Step},
    source,
    space::Space,
    suggest,
    text::{Place, Text},
    written::argument,
};
use std::sync::Arc;

/// The name of the command line in messages.
pub(super) const COMMAND_LINE: &str = "command line";

/// Applies all changes in their order.
pub(super) fn apply(root: &mut Node, overrides: &[String]) -> Vec<ConfigError> {
    let mut errors = Vec::new();
    let (stages, mut changed) = (stages(root), Vec::new());
    for argument in overrides {
        let text = Text::new(COMMAND_LINE, argument.clone());
        match Change::parse(&text) {
            Ok((change, mistakes)) => {
                errors.extend(mistakes);
                changed.push((change.path.clone(), change.key.clone()));
                errors.extend(change.apply(root).err());
            }
            Err(error) => errors.push(error),
        }
    }
    errors.extend(strangers(&stages, &changed, root));
    errors
}

/// The names in the `stages` section.
pub(super) fn stages(root: &Node) -> Vec<String> {
    let entries = root.entry("stages").and_then(|section| section.value.entries()).unwrap_or_default();
    entries.iter().map(|entry| entry.key.clone()).collect()
}

/// The mistakes in changes to a part of a stage that was not among `stages` before and is none now either, since nothing
/// says what works there: a mistyped name.
pub(super) fn strangers(stages: &[String], changed: &[(KeyPath, Place)], root: &Node) -> Vec<ConfigError> {
    let mut told: Vec<KeyPath> = Vec::new();
    let mut errors = Vec::new();
    for (path, place) in changed {
        let [Step::Key(section), Step::Key(name), _, ..] = path.0.as_slice() else { continue };
        let stage = KeyPath::default().key("stages").key(name);
        let is_new = section == "stages" && !stages.contains(name) && !told.contains(&stage);
        let is_whole = changed.iter().any(|(path, _)| *path == stage);
        let works = |node: &Node| node.entry("command").or_else(|| node.entry("uses")).is_some();
        if is_new && !is_whole && root.get(&stage).is_some_and(|node| !works(node)) {
            let names: Vec<&str> = stages.iter().map(String::as_str).collect();
            let help = match names.is_empty() {
                true => "this file has no stages of its own".to_owned(),
                false => suggest::help(name, "stages of this file", &names),
            };
            let message = format!("there is no stage `{name}`");
            let error = ConfigError::new(Code::UnknownKey, message).at(Some(place), "no such stage");
            errors.push(error.help(help).key(&stage));
            told.push(stage);
        }
    }
    errors
}

/// Sets the value at a path, whether or not there is one; `key` is where the change is written.
pub(super) fn set(root: &mut Node, path: KeyPath, key: Place, value: Node) -> Result<(), ConfigError> {
    Change { sign: Sign::Force, path, key, value: Some(value) }.apply(root)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sign {
    Change,
    Add,
    Force,
    Remove,
}

/// A change to the configuration.
pub(super) struct Change {
    pub(super) sign: Sign,
    pub(super) path: KeyPath,
    /// Where the key stands.
    pub(super) key: Place,
    /// The new value; for a removal the value that must be there.
    pub(super) value: Option<Node>,
}

/// What stands before the value of a change.
#[derive(Debug, Clone)]
pub(super) struct Head {
    pub(super) sign: Sign,
    pub(super) path: KeyPath,
    /// Where the key stands.
    pub(super) key: Place,
}

fn error(message: impl Into<String>, place: &Place, label: &str) -> ConfigError {
    ConfigError::new(Code::Override, message).at(Some(place), label)
}

impl Head {
    /// The head of an argument, and where its value starts, if it has one.
    pub(super) fn parse(text: &Arc<Text>) -> Result<(Self, Option<usize>), ConfigError> {
        let argument = text.content.as_str();
        let equals = argument.find('=');
        let written = Place::new(text, 0..equals.unwrap_or(argument.len()));
        let head = Self::read(&written)?;
        if equals.is_none() && head.sign != Sign::Remove {
            let whole = Place::new(text, 0..argument.len());
            return Err(error(
                format!("`{}` changes nothing: it has no `=`", text.shown),
                &whole,
                "no value",
            )
            .help("write `key.sub=value`, `+key.sub=value` to add, or `~key.sub` to remove".to_owned()));
        }
        Ok((head, equals.map(|equals| equals + 1)))
    }

    /// A key with its sign.
    pub(super) fn read(written: &Place) -> Result<Self, ConfigError> {
        let (sign, length) = match written.slice() {
            text if text.starts_with("++") => (Sign::Force, 2),
            text if text.starts_with('+') => (Sign::Add, 1),
            text if text.starts_with('~') => (Sign::Remove, 1),
            _ => (Sign::Change, 0),
        };
        let key = Place::new(&written.text, written.range.start + length..written.range.end);
        let name = key.slice().trim();
        if let Some((_, mistake)) = mangled::invisible(name, Some(&key)) {
            return Err(mistake);
        }
        match KeyPath::parse(name) {
            Some(path) if !path.0.iter().any(|step| matches!(step, Step::Index(_))) => {
                Ok(Self { sign, path, key })
            }
            Some(_) => {
                let message = "items of a list cannot be changed one by one";
                Err(error(message, &key, "an item of a list")
                    .help("give the whole list: `key=[a, b]`".to_owned()))
            }
            None => {
                let message = format!("`{}` is not a key", key.slice());
                Err(error(message, &key, "not a key").help("keys look like `training.epochs`".to_owned()))
            }
        }
    }
}

impl Change {
    fn parse(text: &Arc<Text>) -> Result<(Self, Vec<ConfigError>), ConfigError> {
        let (Head { sign, path, key }, value) = Head::parse(text)?;
        let whole = Place::new(text, 0..text.content.len());
        let mut mistakes = Vec::new();
        let value = match value {
            None => None,
            Some(start) => {
                if let Some(mistake) = sweep(text, start) {
                    return Err(if sign == Sign::Remove {
                        several_removed(text, &path, start)
                    } else {
                        mistake
                    });
                }
                let (mut value, found) = source::parse(text, start)?;
                mistakes = found;
                if value.place.is_none()
                    || matches!(&value.content, Content::Scalar(scalar) if scalar.is_empty())
                {
                    value.place = Some(whole);
                }
                Some(value)
            }
        };
        Ok((Self { sign, path, key, value }, mistakes))
    }

    pub(super) fn apply(self, root: &mut Node) -> Result<(), ConfigError> {
        match (self.sign, root.get(&self.path)) {
            (Sign::Remove, None) => return Err(self.absent(root)),
            (Sign::Remove, Some(there)) => {
                let wanted = self.value.as_ref().and_then(Node::scalar);
                if let Some(wanted) = wanted
                    && there.scalar().is_none_or(|there| there.text != wanted.text)
                {
                    let (found, wanted) = (there.describe(), wanted.brief());
                    let message = format!("`{}` is {found}, not `{wanted}`: nothing is removed", self.path);
                    return Err(error(message, &self.key, "has another value"));
                }
                remove(root, &self.path);
                return Ok(());
            }
            (Sign::Add, Some(there)) if !there.is_absent() => {
                let line = root.key_place(&self.path).map(Place::position);
                let message = match line {
                    Some((line, _)) => format!("`{}` exists already, on line {line}", self.path),
                    None => format!("`{}` exists already", self.path),
                };
                return Err(error(message, &self.key, "cannot be added again")
                    .help(format!("change it without the `+`: `{0}=...`, or `++{0}=...`", self.path)));
            }
            _ => {}
        }
        let Some(value) = self.value else { return Ok(()) };
        let mut node = root;
        let mut done = KeyPath::default();
        for step in &self.path.0 {
            let Step::Key(key) = step else { return Ok(()) };
            let entries = mapping_for(node, key).map_err(|found| {
                error(format!("`{done}` is {found}, which has no keys"), &self.key, "goes too deep")
                    .help(format!("change the value itself: `{done}=...`"))
            })?;
            let index = match entries.iter().position(|entry| entry.key == *key) {
                Some(index) => index,
                None => {
                    entries.push(Entry {
                        key: key.clone(),
                        place: Some(self.key.clone()),
                        value: Node { place: Some(self.key.clone()), content: Content::Map(Vec::new()) },
                    });
                    entries.len() - 1
                }
            };
            done = done.key(key);
            let Some(entry) = entries.get_mut(index) else { return Ok(()) };
            if done == self.path {
                entry.place = Some(self.key.clone());
            }
            node = &mut entry.value;
        }
        merge(node, value);
        Ok(())
    }

    /// The error for the removal of a key that is not there.
    fn absent(&self, root: &Node) -> ConfigError {
        let mut known = KeyPath::default();
        for step in &self.path.0 {
            let Step::Key(key) = step else { break };
            let here = root.get(&known);
            if here.is_some_and(|here| here.entry(key).is_some()) {
                known = known.key(key);
                continue;
            }
            let siblings = here.and_then(Node::entries).unwrap_or_default();
            let near = suggest::nearest(key, siblings.iter().map(|entry| entry.key.as_str()));
            let help = near.map(|near| format!("did you mean `~{}`?", known.key(near)));
            let message = format!("`{}` is not in the configuration: nothing to remove", self.path);
            return error(message, &self.key, "not there").help(help);
        }
        error(format!("`{}` is not in the configuration", self.path), &self.key, "not there")
    }
}

/// The error for a key that is to be removed if it has one of several values.
fn several_removed(text: &Arc<Text>, path: &KeyPath, start: usize) -> ConfigError {
    let value = text.shown.get(start..).unwrap_or_default();
    let place = Place::new(text, start..text.content.len());
    error(format!("`~{path}` removes a key, and what is removed has no values"), &place, "values").help(
        format!(
            "`~{path}` removes it; `pipeline sweep FILE '{path}={value}'` runs one variant for each value"
        ),
    )
}

/// The error for a value that stands for several, as `a,b,c` and `range(1,10,2)` do.
fn sweep(text: &Arc<Text>, start: usize) -> Option<ConfigError> {
    let (key, value) = text.shown.split_at_checked(start)?;
    let written = argument(text, start..text.content.len());
    let label = match Space::read(&written) {
        Ok(None) => return None,
        Ok(Some(space)) => match space.count() {
            Some(1) => "a sweep of one value".to_owned(),
            Some(count) => format!("{count} values"),
            None => "values to draw from".to_owned(),
        },
        Err(_) => "values of a sweep".to_owned(),
    };
    let message = format!("`{}` is a sweep, which stands for several runs", text.shown);
    let key = key.trim_end_matches('=').trim_start_matches('+');
    // A shell has its own idea of parentheses and blanks.
    let quote = if text.shown.contains(['(', ' ', '\'', '"', '$', '*']) { "'" } else { "" };
    let how = format!("`pipeline sweep FILE {quote}{}{quote}` runs one variant for each value", text.shown);
    let help = match value.contains('(') {
        true => how,
        false => format!(
            "{how}; a list is `{key}=[{value}]`, a tuple `{key}=({value})`, and text with a comma has quotes inside the \
             shell's: '{key}=\"{value}\"'"
        ),
    };
    let place = Place::new(text, start..text.content.len());
    Some(error(message, &place, &label).help(help))
}

/// The entries of a mapping that is to hold `key`. An absent value becomes a mapping, and so does a name that stands
/// for a mapping: `optimizer: Adam` is `optimizer: {Adam: {}}`.
fn mapping_for<'a>(node: &'a mut Node, key: &str) -> Result<&'a mut Vec<Entry>, String> {
    if let Content::Scalar(scalar) = &node.content {
        if scalar.is_empty() || scalar.is_none() {
            node.content = Content::Map(Vec::new());
        } else if scalar.text == key {
            let place = node.place.clone();
            let value = Node { place: place.clone(), content: Content::Map(Vec::new()) };
            node.content = Content::Map(vec![Entry { key: key.to_owned(), place, value }]);
        }
    }
    let found = node.describe();
    match &mut node.content {
        Content::Map(entries) => Ok(entries),
        _ => Err(found),
    }
}

fn merge(node: &mut Node, value: Node) {
    match (&mut node.content, value.content) {
        (Content::Map(entries), Content::Map(new)) => {
            for entry in new {
                match entries.iter_mut().find(|known| known.key == entry.key) {
                    Some(known) => {
                        known.place = entry.place;
                        merge(&mut known.value, entry.value);
                    }
                    None => entries.push(entry),
                }
            }
        }
        (content, new) => {
            *content = new;
            node.place = value.place;
        }
    }
}

fn remove(root: &mut Node, path: &KeyPath) {
    let Some((parent, Step::Key(key))) = path.split_last() else { return };
    if let Some(Node { content: Content::Map(entries), .. }) = root.get_mut(&parent) {
        entries.retain(|entry| entry.key != *key);
    }
}

/// Sets a key to a number that the program chose.
pub(super) fn set_number(root: &mut Node, section: &str, key: &str, number: u64) {
    let scalar =
        Scalar { text: number.to_string(), shown: None, kind: Kind::Number(number.into()), quoted: false };
    let Ok(sections) = mapping_for(root, section) else { return };
    if !sections.iter().any(|entry| entry.key == section) {
        let value = Node { place: None, content: Content::Map(Vec::new()) };
        sections.push(Entry { key: section.to_owned(), place: None, value });
    }
    for entry in sections.iter_mut().filter(|entry| entry.key == section) {
        let Ok(keys) = mapping_for(&mut entry.value, key) else { continue };
        let content = Content::Scalar(scalar.clone());
        match keys.iter_mut().find(|entry| entry.key == key) {
            Some(entry) => entry.value.content = content,
            None => {
                let value = Node { place: None, content };
                keys.push(Entry { key: key.to_owned(), place: None, value });
            }
        }
    }
}
