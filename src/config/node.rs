//! The configuration as a tree that knows where everything stands.

use super::path::{KeyPath, Step};
use super::text::{Place, hide_credentials};
use serde_yaml::Number;
use std::ops::Range;

/// A value with its place.
#[derive(Debug, Clone)]
pub(super) struct Node {
    /// Where it stands; None for what the program added.
    pub(super) place: Option<Place>,
    pub(super) content: Content,
}

#[derive(Debug, Clone)]
pub(super) enum Content {
    Scalar(Scalar),
    List(Vec<Node>),
    Map(Vec<Entry>),
    /// Stands for a value whose mistake was reported already: it satisfies every type, so that reading goes on.
    Hole,
}

/// A key and its value.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub(super) key: String,
    pub(super) place: Option<Place>,
    pub(super) value: Node,
}

/// A value without parts.
#[derive(Debug, Clone)]
pub(super) struct Scalar {
    /// As the user wrote it, quotes and escapes resolved.
    pub(super) text: String,
    /// The same in the language of the file, where that differs: `${oc.env:NAME}` for what the environment supplied.
    pub(super) shown: Option<String>,
    pub(super) kind: Kind,
    /// Whether it stood in quotes or in a block, so that it is text for every reader.
    pub(super) quoted: bool,
}

/// What a YAML 1.2 reader makes of a scalar.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Kind {
    Null,
    Bool(bool),
    Number(Number),
    Text,
}

impl Node {
    /// Plain text that the program adds.
    pub(super) fn text(text: impl Into<String>) -> Self {
        let scalar = Scalar { text: text.into(), shown: None, kind: Kind::Text, quoted: false };
        Self { place: None, content: Content::Scalar(scalar) }
    }

    pub(super) fn hole(place: Option<Place>) -> Self {
        Self { place, content: Content::Hole }
    }

    pub(super) fn is_hole(&self) -> bool {
        matches!(self.content, Content::Hole)
    }

    pub(super) fn entries(&self) -> Option<&[Entry]> {
        match &self.content {
            Content::Map(entries) => Some(entries),
            _ => None,
        }
    }

    pub(super) fn scalar(&self) -> Option<&Scalar> {
        match &self.content {
            Content::Scalar(scalar) => Some(scalar),
            _ => None,
        }
    }

    pub(super) fn entry(&self, key: &str) -> Option<&Entry> {
        self.entries()?.iter().find(|entry| entry.key == key)
    }

    /// The value at a path.
    pub(super) fn get(&self, path: &KeyPath) -> Option<&Self> {
        path.0.iter().try_fold(self, Self::step)
    }

    fn step<'a>(node: &'a Self, step: &Step) -> Option<&'a Self> {
        match (&node.content, step) {
            (Content::Map(_), Step::Key(key)) => node.entry(key).map(|entry| &entry.value),
            (Content::List(items), Step::Index(index)) => items.get(*index),
            _ => None,
        }
    }

    /// The value at a path, to be changed.
    pub(super) fn get_mut(&mut self, path: &KeyPath) -> Option<&mut Self> {
        path.0.iter().try_fold(self, |node, step| match (&mut node.content, step) {
            (Content::Map(entries), Step::Key(key)) => {
                entries.iter_mut().find(|entry| entry.key == *key).map(|entry| &mut entry.value)
            }
            (Content::List(items), Step::Index(index)) => items.get_mut(*index),
            _ => None,
        })
    }

    /// The key at a path.
    pub(super) fn key_place(&self, path: &KeyPath) -> Option<&Place> {
        let (parent, last) = path.split_last()?;
        let parent = self.get(&parent)?;
        match last {
            Step::Key(key) => parent.entry(key)?.place.as_ref(),
            Step::Index(index) => match &parent.content {
                Content::List(items) => items.get(*index)?.place.as_ref(),
                _ => None,
            },
        }
    }

    /// The key at a path, or of the nearest parent that has a place.
    pub(super) fn nearest_key_place(&self, path: &KeyPath) -> Option<&Place> {
        let mut path = path.clone();
        loop {
            if let Some(place) = self.key_place(&path) {
                return Some(place);
            }
            path.0.pop()?;
        }
    }

    /// Whether it counts as an absent key: empty, or `None` or `null` in any letter case.
    pub(super) fn is_absent(&self) -> bool {
        self.scalar().is_some_and(|scalar| scalar.is_empty() || scalar.is_none())
    }

    /// What it is, for messages.
    pub(super) fn describe(&self) -> String {
        match &self.content {
            Content::Scalar(scalar) if scalar.is_empty() => "nothing".to_owned(),
            Content::Scalar(scalar) => format!("`{}`", scalar.brief()),
            Content::List(items) => format!("a list of {}", items.len()),
            Content::Map(entries) => match entries.as_slice() {
                [] => "an empty mapping".to_owned(),
                [one] => format!("a mapping with the key `{}`", one.key),
                [first, ..] => format!("a mapping with the keys `{}` ...", first.key),
            },
            Content::Hole => "a value with a mistake".to_owned(),
        }
    }
}

impl Scalar {
    /// Nothing stands there.
    pub(super) fn is_empty(&self) -> bool {
        self.text.trim().is_empty()
    }

    /// Says "nothing" in words.
    pub(super) fn is_none(&self) -> bool {
        let word = self.text.trim();
        self.kind == Kind::Null || word.eq_ignore_ascii_case("none") || word.eq_ignore_ascii_case("null")
    }

    /// In the language of the file, environment and credentials hidden.
    pub(super) fn shown(&self) -> String {
        hide_credentials(self.shown.as_deref().unwrap_or(&self.text))
    }

    /// The first part of it, for messages.
    pub(super) fn brief(&self) -> String {
        const LONGEST: usize = 60;
        let shown = self.shown();
        let line = shown.trim().lines().next().unwrap_or("");
        if line.chars().count() <= LONGEST && line.len() == shown.trim().len() {
            return line.to_owned();
        }
        format!("{}...", line.chars().take(LONGEST).collect::<String>())
    }

    /// The place of a part of this scalar's text; the whole where escapes or folding moved it.
    pub(super) fn part(&self, place: Option<&Place>, part: Range<usize>) -> Option<Place> {
        let place = place?;
        let slice = place.slice();
        let inner = slice.get(1..slice.len().saturating_sub(1));
        let offset = if self.shown.is_some() {
            None
        } else if slice == self.text {
            Some(0)
        } else if inner == Some(self.text.as_str()) {
            Some(1)
        } else {
            None
        };
        let Some(offset) = offset else { return Some(place.clone()) };
        let start = place.range.start + offset;
        Some(Place::new(&place.text, start + part.start..start + part.end))
    }
}
