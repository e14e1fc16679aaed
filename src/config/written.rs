//! Stretches of text that stand for values, with their places.

use super::{
    error::{Code, ConfigError},
    node::{Content, Entry, Kind, Node, Scalar},
    source,
    text::{Place, Text, hide_credentials},
};
use serde_json::Value;
use std::{ops::Range, sync::Arc};

/// A text that a user wrote, in a file or on the command line.
#[derive(Debug, Clone)]
pub(super) struct Written {
    pub(super) text: String,
    place: Option<Place>,
}

impl Written {
    /// What stands at a place.
    pub(super) fn at(place: Place) -> Self {
        Self { text: place.slice().to_owned(), place: Some(place) }
    }

    /// What stands at a place, if it has one.
    pub(super) fn around(place: Option<&Place>) -> Self {
        Self { text: place.map(|place| place.slice().to_owned()).unwrap_or_default(), place: place.cloned() }
    }

    /// The text of a scalar, without its quotes.
    pub(super) fn of(scalar: &Scalar, place: Option<&Place>) -> Self {
        Self { text: scalar.text.clone(), place: scalar.part(place, 0..scalar.text.len()) }
    }

    /// Whether the text stands in its place letter by letter, so that parts of it have places of their own.
    fn is_exact(&self) -> bool {
        self.place.as_ref().is_some_and(|place| place.slice() == self.text)
    }

    /// A part of it, without the blanks around.
    pub(super) fn part(&self, range: Range<usize>) -> Self {
        let slice = &self.text[range.clone()];
        let start = range.start + slice.len() - slice.trim_start().len();
        let trimmed = slice.trim();
        Self { text: trimmed.to_owned(), place: self.place_of(start..start + trimmed.len()) }
    }

    /// With each doubled quote as one, as a cell of a table has them.
    pub(super) fn unquoted(self) -> Self {
        Self { text: self.text.replace("\"\"", "\""), ..self }
    }

    fn place_of(&self, range: Range<usize>) -> Option<Place> {
        let place = self.place.as_ref()?;
        if !self.is_exact() {
            return Some(place.clone());
        }
        let start = place.range.start;
        Some(Place::new(&place.text, start + range.start..start + range.end))
    }

    /// A mistake in it.
    pub(super) fn mistake(&self, message: impl Into<String>, label: &str) -> ConfigError {
        ConfigError::new(Code::InvalidValue, message).at(self.place.as_ref(), label)
    }

    /// A mistake in a part of it.
    pub(super) fn mistake_at(
        &self,
        range: Range<usize>,
        message: impl Into<String>,
        label: &str,
    ) -> ConfigError {
        ConfigError::new(Code::InvalidValue, message).at(self.place_of(range).as_ref(), label)
    }
}

/// A value that a key gets in a variant.
#[derive(Debug, Clone)]
pub struct Choice {
    pub(super) node: Node,
    text: String,
}

impl Choice {
    /// The value that a text stands for, as it would on the command line.
    pub(super) fn read(written: &Written) -> Result<Self, ConfigError> {
        // Mistakes are told with the text as it was typed, beside its key.
        let text = Text::new(super::overrides::COMMAND_LINE, written.text.clone());
        let (mut node, mistakes) = source::parse(&text, 0).map_err(|error| {
            written.mistake(format!("`{}` is no value: {error}", written.text), "this value")
        })?;
        if let Some(mistake) = mistakes.into_iter().next() {
            return Err(written.mistake(mistake.to_string(), "this value"));
        }
        let from = written.is_exact().then_some(0);
        relocate(&mut node, written.place.as_ref(), from);
        if node.place.is_none() {
            node.place = written.place.clone();
        }
        Ok(Self { node, text: written.text.clone() })
    }

    /// A number that was reckoned from what is written.
    pub(super) fn reckoned(text: String, written: &Written) -> Self {
        let number = serde_yaml::from_str::<serde_yaml::Number>(&text);
        let kind = number.map_or(Kind::Text, Kind::Number);
        let scalar = Scalar { text: text.clone(), shown: None, kind, quoted: false };
        let node = Node { place: written.place.clone(), content: Content::Scalar(scalar) };
        Self { node, text }
    }

    /// A value as it stands in a file.
    pub(super) fn of(node: &Node) -> Self {
        Self { node: node.clone(), text: flow(node) }
    }

    /// As the command line takes it, credentials in addresses starred out.
    #[must_use]
    pub fn text(&self) -> String {
        hide_credentials(&self.text)
    }

    /// Numbers, words and truth values as such, all else as the text that was written.
    #[must_use]
    pub fn json(&self) -> Value {
        match &self.node.content {
            Content::Scalar(scalar) => match &scalar.kind {
                Kind::Null => Value::Null,
                Kind::Bool(value) => (*value).into(),
                Kind::Number(number) => serde_json::to_value(number).unwrap_or(Value::Null),
                Kind::Text => scalar.shown().into(),
            },
            _ => self.text().into(),
        }
    }
}

/// Moves a tree that was read from a text of its own to where that text stands: byte by byte, or all of it to the whole
/// place.
fn relocate(node: &mut Node, place: Option<&Place>, exact: Option<usize>) {
    let moved = |own: &mut Option<Place>| {
        *own = match (own.take(), place, exact) {
            (Some(own), Some(place), Some(_)) => {
                let start = place.range.start;
                Some(Place::new(&place.text, start + own.range.start..start + own.range.end))
            }
            (_, place, _) => place.cloned(),
        };
    };
    moved(&mut node.place);
    match &mut node.content {
        Content::Map(entries) => {
            for Entry { place: key, value, .. } in entries {
                moved(key);
                relocate(value, place, exact);
            }
        }
        Content::List(items) => items.iter_mut().for_each(|item| relocate(item, place, exact)),
        Content::Scalar(_) | Content::Hole => {}
    }
}

/// A value in one line, as the command line takes it.
fn flow(node: &Node) -> String {
    match &node.content {
        Content::Map(entries) => {
            let entries =
                entries.iter().map(|entry| format!("{}: {}", quoted(&entry.key), flow(&entry.value)));
            format!("{{{}}}", entries.collect::<Vec<_>>().join(", "))
        }
        Content::List(items) => format!("[{}]", items.iter().map(flow).collect::<Vec<_>>().join(", ")),
        Content::Scalar(scalar) => match scalar.kind {
            Kind::Text if scalar.quoted => in_quotes(&scalar.text),
            _ => scalar.text.clone(),
        },
        Content::Hole => "null".to_owned(),
    }
}

/// A key in a flow mapping.
fn quoted(key: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.');
    if key.chars().all(plain) { key.to_owned() } else { in_quotes(key) }
}

/// JSON's way to write text is YAML's as well.
fn in_quotes(text: &str) -> String {
    Value::from(text).to_string()
}

/// A text on the command line.
pub(super) fn argument(text: &Arc<Text>, range: Range<usize>) -> Written {
    Written::at(Place::new(text, range))
}
