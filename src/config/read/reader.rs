//! A node that is being read: values by the type that is wanted, and what is said where they do not fit.

use super::{
    Report,
    legal_keys::{LegalKeys, legal_keys},
    refusal::Refusal,
};
use crate::config::{
    error::{Code, ConfigError},
    node::{Content, Entry, Kind, Node, Scalar},
    path::KeyPath,
    suggest,
    syntax::blank_after_colon,
    text::Place,
};
use contract::value::{self, Literal, LiteralError};
use serde::de::{
    Visitor,
    value::{MapDeserializer, SeqDeserializer},
};
use std::{cell::RefCell, sync::LazyLock};

/// `None` counts as an absent key, but for these keys it is a value of its own: structure and field.
const NONE_IS_A_VALUE: &[(&str, &str)] = &[("General", "global_seed")];

/// The field of a custom model that holds the arguments of its template; only this program writes such a key.
pub(super) const ARGUMENTS: &str = "arguments";

/// Structures in which unknown keys are accepted, with a note.
const OPEN: &[&str] = &["Hydra", "HydraRun"];

/// Names of fields that have another name, too.
const OTHER_SPELLINGS: &[&str] = &["delta_hue", "delta_saturation", "delta_value"];

/// A node that is being read. A hole is whatever is wanted: 0, an empty text, an empty list, the first variant.
#[derive(Clone)]
pub(super) struct Reader<'a> {
    pub(super) node: &'a Node,
    /// Its key, or the key of the list it is in.
    pub(super) key: Option<&'a Place>,
    pub(super) path: KeyPath,
    pub(super) report: &'a RefCell<Report>,
}

impl<'a> Reader<'a> {
    /// What to underline: the value, or the key where the value is a mapping or nothing.
    pub(super) fn place(&self) -> Option<&'a Place> {
        let value = self.node.place.as_ref();
        match &self.node.content {
            Content::Map(_) => self.key.or(value),
            Content::Scalar(scalar) if scalar.is_empty() => self.key.or(value),
            Content::List(_) if value.is_some_and(|value| !value.slice().starts_with('[')) => {
                self.key.or(value)
            }
            _ => value.or(self.key),
        }
    }

    /// "`key` must be ..., found ...".
    pub(super) fn must_be(&self, what: &str, label: &str) -> Refusal {
        let message = format!("`{}` must be {what}, found {}", self.path, self.node.describe());
        let help = blank_after_colon(self.node);
        Refusal::new(
            &self.path,
            ConfigError::new(Code::InvalidValue, message).at(self.place(), label).help(help),
        )
    }

    /// The same where the text is a literal with a mistake in it: the caret goes to the mistake.
    fn must_be_literal(&self, what: &str, label: &str, scalar: &Scalar, error: &LiteralError) -> Refusal {
        // A plain word is no attempt at arithmetic.
        let attempted = scalar.text.contains(|c: char| c.is_ascii_digit() || "([".contains(c));
        if !attempted || scalar.is_none() || scalar.shown.is_some() {
            return self.must_be(what, label);
        }
        let detail = match error {
            // What was wanted says it all.
            LiteralError::Type { .. } => return self.must_be(what, label),
            LiteralError::Number { text, reason, .. } if *text == scalar.text => (*reason).to_owned(),
            error => error.to_string(),
        };
        let message = format!("`{}` must be {what}, found {}: {detail}", self.path, self.node.describe());
        let place = error.at().and_then(|at| {
            let length = scalar.text[at..].chars().next().map_or(0, char::len_utf8);
            scalar.part(self.place(), at..at + length)
        });
        let (place, label) = match &place {
            Some(place) => (Some(place), "the mistake is here"),
            None => (self.place(), label),
        };
        Refusal::new(&self.path, ConfigError::new(Code::InvalidValue, message).at(place, label))
    }

    pub(super) fn whole_number(&self, low: i128, high: i128) -> Result<i128, Refusal> {
        if self.node.is_hole() {
            return Ok(0);
        }
        let what = if low == 0 && high > i128::from(u32::MAX) {
            "a whole number of at least 0".to_owned()
        } else {
            format!("a whole number between {low} and {high}")
        };
        let scalar = self.arithmetic().ok_or_else(|| self.must_be(&what, "not a whole number"))?;
        match value::integer(&scalar.text) {
            Ok(number) if (low..=high).contains(&number) => Ok(number),
            Ok(_) => Err(self.must_be(&what, "out of range")),
            Err(error) => Err(self.must_be_literal(&what, "not a whole number", scalar, &error)),
        }
    }

    pub(super) fn number(&self) -> Result<f64, Refusal> {
        if self.node.is_hole() {
            return Ok(0.0);
        }
        let what = "a number such as 0.5, 1e-3 or 1/127.5";
        let scalar = self.arithmetic().ok_or_else(|| self.must_be(what, "not a number"))?;
        value::number(&scalar.text)
            .map_err(|error| self.must_be_literal(what, "not a number", scalar, &error))
    }

    /// What may be arithmetic. `2026-11-22` is a date for YAML, and nobody means 1993.
    fn arithmetic(&self) -> Option<&'a Scalar> {
        let is_date = |scalar: &Scalar| {
            let parts: Vec<&str> = scalar.text.trim().split('-').collect();
            let digits = |part: &&str| part.bytes().all(|byte| byte.is_ascii_digit());
            parts.iter().map(|part| part.len()).eq([4, 2, 2]) && parts.iter().all(digits)
        };
        self.node.scalar().filter(|scalar| scalar.quoted || !is_date(scalar))
    }

    pub(super) fn truth_value(&self) -> Result<bool, Refusal> {
        if self.node.is_hole() {
            return Ok(false);
        }
        let word = self.node.scalar().map(|scalar| scalar.text.trim().to_ascii_lowercase());
        match word.as_deref() {
            Some("true" | "yes" | "on") => Ok(true),
            Some("false" | "no" | "off") => Ok(false),
            _ => Err(self.must_be("True or False", "neither True nor False")),
        }
    }

    pub(super) fn text(&self) -> Result<&'a str, Refusal> {
        match &self.node.content {
            Content::Hole => Ok(""),
            Content::Scalar(scalar) => Ok(&scalar.text),
            _ => Err(self.must_be("text", "not text")),
        }
    }

    /// A list's items: a YAML list, or text that is a Python list or tuple.
    pub(super) fn items(&self, what: &str) -> Result<Vec<Node>, Refusal> {
        let label = "not a list";
        match &self.node.content {
            Content::Hole => Ok(Vec::new()),
            Content::List(items) => Ok(items.clone()),
            Content::Scalar(scalar) => match value::literal(&scalar.text) {
                Ok(Literal::List(items)) => {
                    Ok(items.iter().map(|item| literal_node(item, self.place())).collect())
                }
                Ok(_) => Err(self.must_be(what, label)),
                Err(error) => Err(self.must_be_literal(what, label, scalar, &error)),
            },
            _ => Err(self.must_be(what, label)),
        }
    }

    /// The one or two numbers of a range: a number, or a pair.
    pub(super) fn ends(&self, what: &str, one: bool) -> Result<Vec<Node>, Refusal> {
        let label = "not such a range";
        let pair = match &self.node.content {
            Content::List(items) => items.clone(),
            Content::Scalar(scalar) => match value::literal(&scalar.text) {
                Ok(Literal::List(items)) => {
                    items.iter().map(|item| literal_node(item, self.place())).collect()
                }
                Ok(Literal::Int(_) | Literal::Float(_)) if one => return Ok(vec![self.node.clone()]),
                Ok(_) => return Err(self.must_be(what, label)),
                Err(error) => return Err(self.must_be_literal(what, label, scalar, &error)),
            },
            _ => return Err(self.must_be(what, label)),
        };
        match pair.len() {
            2 => Ok(pair),
            count => Err(self.must_be(what, &format!("{count} values"))),
        }
    }

    /// The entries of a mapping whose order counts, each as a mapping of its own.
    pub(super) fn one_by_one(&self) -> Result<Vec<Node>, Refusal> {
        let entries = match &self.node.content {
            Content::Map(entries) => entries.as_slice(),
            Content::Scalar(scalar) if scalar.is_empty() || scalar.is_none() => &[],
            Content::Hole if self.report.borrow().asked.is_some() => return Ok(vec![self.node.clone()]),
            Content::Hole => &[],
            _ => {
                let message =
                    format!("{} must hold names, found {}", self.path.mapping_name(), self.node.describe());
                let help = blank_after_colon(self.node);
                let error = ConfigError::new(Code::InvalidValue, message)
                    .at(self.place(), "not a mapping")
                    .help(help);
                return Err(Refusal::new(&self.path, error));
            }
        };
        let told = |entry: &&Entry| entry.value.is_hole();
        let alone =
            |entry: &Entry| Node { place: entry.place.clone(), content: Content::Map(vec![entry.clone()]) };
        Ok(entries.iter().filter(|entry| !told(entry)).map(alone).collect())
    }

    /// Shows each of them as an item that stands where this node stands.
    pub(super) fn visit_all<'de, V: Visitor<'de>>(
        &self,
        nodes: &[Node],
        visitor: V,
    ) -> Result<V::Value, Refusal> {
        let readers: Vec<Reader<'_>> = nodes.iter().map(|node| Reader { node, ..self.clone() }).collect();
        visitor.visit_seq(SeqDeserializer::new(readers.into_iter())).map_err(|refusal| self.placed(refusal))
    }

    pub(super) fn visit_items<'de, V: Visitor<'de>>(
        &self,
        items: &[Node],
        visitor: V,
    ) -> Result<V::Value, Refusal> {
        let reader = |(index, node)| Reader { node, path: self.path.index(index), ..self.clone() };
        let readers: Vec<Reader<'_>> = items.iter().enumerate().map(reader).collect();
        visitor.visit_seq(SeqDeserializer::new(readers.into_iter())).map_err(|mut refusal| {
            // Items made from text have no place in the tree: the hole goes to the list itself.
            if refusal.placed && !matches!(self.node.content, Content::List(_)) {
                refusal.path = self.path.clone();
            }
            self.placed(refusal)
        })
    }

    pub(super) fn visit_entries<'de, V: Visitor<'de>>(
        &self,
        entries: Vec<(&str, Self)>,
        visitor: V,
    ) -> Result<V::Value, Refusal> {
        let entries = MapDeserializer::new(entries.into_iter());
        visitor.visit_map(entries).map_err(|refusal| self.placed(refusal))
    }

    /// Gives an error made inside serde's own code its place.
    pub(super) fn placed(&self, refusal: Refusal) -> Refusal {
        // What is in a hole has no place in the tree.
        if refusal.placed || self.node.is_hole() {
            return refusal;
        }
        if let Some(field) = refusal.missing {
            return self.missing(field);
        }
        if let Some(field) = refusal.twice {
            let message = format!("`{}` is there twice, in two spellings", self.path.key(field));
            let error = ConfigError::new(Code::Conflict, message)
                .at(self.place(), "in here")
                .help("keep one of them".to_owned());
            return Refusal::new(&self.path, error);
        }
        let what = refusal.error.to_string();
        let colon = if what.starts_with("must ") { "" } else { ":" };
        let message = format!("`{}`{colon} {what}, found {}", self.path, self.node.describe());
        Refusal::new(&self.path, ConfigError::new(Code::InvalidValue, message).at(self.place(), "here"))
    }

    fn missing(&self, field: &'static str) -> Refusal {
        let path = self.path.key(field);
        let error = match self.node.entry(field) {
            Some(empty) => ConfigError::new(Code::MissingKey, format!("`{path}` is needed, found nothing"))
                .at(empty.place.as_ref(), "no value"),
            None => ConfigError::new(Code::MissingKey, format!("`{path}` is missing"))
                .at(self.place(), format!("`{field}` belongs in here")),
        };
        // A mistyped key is reported as unknown, with this one as what was meant.
        let mistyped = |entry: &Entry| {
            let key = entry.key.split_once(':').map_or(entry.key.as_str(), |(key, _)| key);
            let unknown = self.report.borrow().unknown.contains(&self.path.key(&entry.key));
            unknown && suggest::nearest(key, [field]).is_some()
        };
        let implied = self.node.entries().unwrap_or_default().iter().any(mistyped);
        Refusal { implied, ..Refusal::new(&path, error) }
    }

    /// The value of an entry of this mapping.
    pub(super) fn entry(&self, entry: &'a Entry) -> Self {
        let path = self.path.key(&entry.key);
        Reader { node: &entry.value, key: entry.place.as_ref().or(self.key), path, report: self.report }
    }

    /// The value of a key of this hole: a hole.
    pub(super) fn below(&self, key: &str) -> Self {
        Reader { path: self.path.key(key), ..self.clone() }
    }

    /// The fields that a structure is made from; what it has no field for is reported.
    pub(super) fn fields(
        &self,
        name: &str,
        fields: &'static [&'static str],
    ) -> Result<Vec<(&'a str, Self)>, Refusal> {
        let entries = match &self.node.content {
            Content::Hole => {
                if let Some(asked) = &mut self.report.borrow_mut().asked {
                    asked.keys.insert(self.path.clone(), fields);
                }
                // A field that is there in two spellings would be there twice.
                let fields = fields.iter().filter(|field| !OTHER_SPELLINGS.contains(field));
                return Ok(fields.map(|field| (*field, self.below(field))).collect());
            }
            Content::Map(entries) => entries.as_slice(),
            Content::Scalar(scalar) if scalar.is_empty() || scalar.is_none() => &[],
            _ => {
                let message =
                    format!("{} must hold keys, found {}", self.path.mapping_name(), self.node.describe());
                let help = blank_after_colon(self.node)
                    .unwrap_or_else(|| format!("keys of it: {}", suggest::list(fields)));
                let error = ConfigError::new(Code::InvalidValue, message)
                    .at(self.place(), "not a mapping")
                    .help(help);
                return Err(Refusal::new(&self.path, error));
            }
        };
        let mut known = Vec::new();
        for entry in entries {
            let key = entry.key.as_str();
            let is_field = fields.contains(&key) && (key != ARGUMENTS || entry.place.is_none());
            if !is_field {
                self.unknown(name, fields, entry);
            } else if !entry.value.is_absent() || is_none_that_counts(name, entry) {
                known.push((key, self.entry(entry)));
            }
        }
        Ok(known)
    }

    fn unknown(&self, name: &str, fields: &'static [&'static str], entry: &Entry) {
        let path = self.path.key(&entry.key);
        let mut report = self.report.borrow_mut();
        if OPEN.contains(&name) {
            report.idle.insert(path);
            return;
        }
        if !report.unknown.insert(path.clone()) {
            return;
        }
        let fields: Vec<&str> = fields.iter().copied().filter(|field| *field != ARGUMENTS).collect();
        let key = &entry.key;
        let message = match self.path.0.last() {
            None => format!("there is no section `{key}`"),
            Some(_) => format!("`{}` has no key `{key}`", self.path),
        };
        // Nobody reads the hundredth, and looking for what was meant takes its time.
        let help =
            (report.mistakes.len() < 100).then(|| unknown_key_help(key, &entry.value, &self.path, &fields));
        report.mistakes.push(
            ConfigError::new(Code::UnknownKey, message)
                .at(entry.place.as_ref(), "unknown key")
                .help(help)
                .key(&path),
        );
    }
}

/// `None` where it is a value of its own.
fn is_none_that_counts(structure: &str, entry: &Entry) -> bool {
    let counts = NONE_IS_A_VALUE.contains(&(structure, entry.key.as_str()));
    counts && entry.value.scalar().is_some_and(|scalar| scalar.is_none() && !scalar.is_empty())
}

/// What may have been meant by a key that does not exist here.
fn unknown_key_help(key: &str, value: &Node, parent: &KeyPath, fields: &[&str]) -> String {
    static LEGAL: LazyLock<LegalKeys> = LazyLock::new(legal_keys);
    if let (Some((name, rest)), true) = (key.split_once(':'), value.is_absent()) {
        return format!("write a blank after the colon: `{name}: {rest}`");
    }
    let what = match parent.0.is_empty() {
        true => "sections",
        false => "its keys",
    };
    if suggest::nearest(key, fields.iter().copied()).is_none() {
        let elsewhere = LEGAL.iter().find(|(path, keys)| *path != parent && keys.contains(&key));
        if let Some((path, _)) = elsewhere {
            let home =
                if path.0.is_empty() { "the top level of the file".to_owned() } else { format!("`{path}`") };
            return format!("`{key}` is a key of {home}; {what}: {}", suggest::list(fields));
        }
    }
    suggest::help(key, what, fields)
}

/// The node of an item of a Python list.
fn literal_node(literal: &Literal, place: Option<&Place>) -> Node {
    let content = match literal {
        Literal::List(items) => Content::List(items.iter().map(|item| literal_node(item, place)).collect()),
        other => {
            let (text, quoted) = match other {
                Literal::Str(text) => (text.clone(), true),
                other => (other.to_string(), false),
            };
            Content::Scalar(Scalar { text, shown: None, kind: Kind::Text, quoted })
        }
    };
    Node { place: place.cloned(), content }
}
