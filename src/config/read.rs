//! From the tree to the typed configuration.
//!
//! A serde deserializer that resolves by the type that is wanted: a number may be `1/127.5`, a list `(4, 8)`, a truth
//! value `yes`, while a class called `None` or a folder called `1/2` stays text. All mistakes go into one report: after
//! each, a [`Content::Hole`] takes the place of the mistake and the tree is read again.

use super::{
    error::{Code, ConfigError},
    hole::{Hole, LegalKeys, legal_keys},
    names,
    node::{Content, Entry, Kind, Node, Scalar},
    path::{KeyPath, Step},
    suggest,
    syntax::blank_after_colon,
    text::Place,
};
use contract::{
    Config,
    value::{self, Literal, LiteralError},
};
use serde::de::{self, Deserialize, Deserializer, IntoDeserializer, Visitor, value::StrDeserializer};
use std::{cell::RefCell, collections::BTreeSet, fmt::Display, sync::LazyLock};

/// Most mistakes that are reported at once.
const MAX_MISTAKES: usize = 30;

/// `None` counts as an absent key, but for these keys it is a value of its own: structure and field.
const NONE_IS_A_VALUE: &[(&str, &str)] = &[("General", "global_seed")];

/// Enumerations whose names are legal in any letter case.
const ANY_LETTER_CASE: &[&str] = &["Quantizer", "QuantizationType", "PretrainedWeights"];

/// Structures in which unknown keys are accepted, with a note.
const OPEN: &[&str] = &["Hydra", "HydraRun"];

/// The configuration, or all mistakes in it; and notes for the user.
pub(super) fn read(mut root: Node) -> Result<(Config, Vec<String>), Vec<ConfigError>> {
    name_custom_model(&mut root);
    let report = RefCell::new(Report::default());
    let mut last = None;
    for error in names::check_callbacks(&root) {
        report.borrow_mut().mistakes.push(error);
    }
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
    match last {
        Some(config) if report.mistakes.is_empty() => Ok((config, report.notes())),
        _ => Err(report.mistakes),
    }
}

/// `general.model_type: custom` and `training.model.name: custom` mean the same, and either suffices.
fn name_custom_model(root: &mut Node) {
    let key = |section: &str, key: &str| KeyPath::default().key(section).key(key);
    let is_custom = |node: &Node| node.scalar().is_some_and(|scalar| scalar.text == "custom");
    if !root.get(&key("general", "model_type")).is_some_and(is_custom) {
        return;
    }
    if let Some(Node { content: Content::Map(model), .. }) = root.get_mut(&key("training", "model")) {
        if !model.iter().any(|entry| entry.key == "name" && !entry.value.is_absent()) {
            model.retain(|entry| entry.key != "name");
            model.push(Entry { key: "name".to_owned(), place: None, value: Node::text("custom") });
        }
    }
}

/// Puts a hole at a path, so that reading goes on there; false when one was there already or cannot be put.
fn repair(root: &mut Node, path: &KeyPath) -> bool {
    if let Some(node) = root.get_mut(path) {
        let was_hole = matches!(node.content, Content::Hole);
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
}

impl Report {
    fn notes(&self) -> Vec<String> {
        if self.idle.is_empty() {
            return Vec::new();
        }
        let keys: Vec<String> = self.idle.iter().map(|path| format!("`{path}`")).collect();
        vec![format!("{} accepted; only `hydra.run.dir` has an effect here", keys.join(", "))]
    }
}

/// A mistake that serde met, with the path where a hole lets reading go on.
#[derive(Debug)]
struct Refusal {
    path: KeyPath,
    error: ConfigError,
    /// Whether path and place are known; errors made inside serde's own code learn them on the way up.
    placed: bool,
    /// The field that is missing.
    missing: Option<&'static str>,
    /// Whether another mistake says it already.
    implied: bool,
}

impl Refusal {
    fn new(path: &KeyPath, error: ConfigError) -> Self {
        Self { path: path.clone(), error: error.key(path), placed: true, missing: None, implied: false }
    }
}

impl de::Error for Refusal {
    fn custom<T: Display>(message: T) -> Self {
        Self {
            path: KeyPath::default(),
            error: ConfigError::new(Code::InvalidValue, message.to_string()),
            placed: false,
            missing: None,
            implied: false,
        }
    }

    fn missing_field(field: &'static str) -> Self {
        Self { missing: Some(field), ..Self::custom("") }
    }
}

impl Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.error.fmt(f)
    }
}

impl std::error::Error for Refusal {}

impl From<de::value::Error> for Refusal {
    fn from(error: de::value::Error) -> Self {
        de::Error::custom(error)
    }
}

/// A node that is being read.
#[derive(Clone)]
struct Reader<'a> {
    node: &'a Node,
    /// Its key, or the key of the list it is in.
    key: Option<&'a Place>,
    path: KeyPath,
    report: &'a RefCell<Report>,
}

impl<'a> Reader<'a> {
    /// What to underline: the value, or the key where the value is a mapping or nothing.
    fn place(&self) -> Option<&'a Place> {
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
    fn must_be(&self, what: &str, label: &str) -> Refusal {
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

    fn whole_number(&self, low: i128, high: i128) -> Result<i128, Refusal> {
        let what = if low == 0 && high > i128::from(u32::MAX) {
            "a whole number of at least 0".to_owned()
        } else {
            format!("a whole number between {low} and {high}")
        };
        let scalar = self.node.scalar().ok_or_else(|| self.must_be(&what, "not a whole number"))?;
        match value::integer(&scalar.text) {
            Ok(number) if (low..=high).contains(&number) => Ok(number),
            Ok(_) => Err(self.must_be(&what, "out of range")),
            Err(error) => Err(self.must_be_literal(&what, "not a whole number", scalar, &error)),
        }
    }

    fn number(&self) -> Result<f64, Refusal> {
        let what = "a number such as 0.5, 1e-3 or 1/127.5";
        let scalar = self.node.scalar().ok_or_else(|| self.must_be(what, "not a number"))?;
        value::number(&scalar.text)
            .map_err(|error| self.must_be_literal(what, "not a number", scalar, &error))
    }

    fn truth_value(&self) -> Result<bool, Refusal> {
        let word = self.node.scalar().map(|scalar| scalar.text.trim().to_ascii_lowercase());
        match word.as_deref() {
            Some("true" | "yes" | "on") => Ok(true),
            Some("false" | "no" | "off") => Ok(false),
            _ => Err(self.must_be("True or False", "neither True nor False")),
        }
    }

    fn text(&self) -> Result<&'a str, Refusal> {
        match self.node.scalar() {
            Some(scalar) => Ok(&scalar.text),
            None => Err(self.must_be("text", "not text")),
        }
    }

    /// A list's items: a YAML list, or text that is a Python list or tuple.
    fn items(&self, what: &str) -> Result<Vec<Node>, Refusal> {
        let label = "not a list";
        match &self.node.content {
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

    fn visit_items<'de, V: Visitor<'de>>(&self, items: &[Node], visitor: V) -> Result<V::Value, Refusal> {
        let readers = items.iter().enumerate().map(|(index, node)| Reader {
            node,
            key: self.key,
            path: self.path.index(index),
            report: self.report,
        });
        visitor.visit_seq(de::value::SeqDeserializer::new(readers)).map_err(|mut refusal| {
            // Items made from text have no place in the tree: the hole goes to the list itself.
            if refusal.placed && !matches!(self.node.content, Content::List(_)) {
                refusal.path = self.path.clone();
            }
            self.placed(refusal)
        })
    }

    /// Gives an error made inside serde's own code its place.
    fn placed(&self, refusal: Refusal) -> Refusal {
        if refusal.placed {
            return refusal;
        }
        if let Some(field) = refusal.missing {
            return self.missing(field);
        }
        let message = format!("`{}`: {}, found {}", self.path, refusal.error, self.node.describe());
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

    /// The entries that a structure with these fields is made from; what it has no field for is reported.
    fn fields(&self, name: &str, fields: &'static [&'static str]) -> Result<Vec<&'a Entry>, Refusal> {
        let entries = match &self.node.content {
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
            if !fields.contains(&key) {
                self.unknown(name, fields, entries, entry);
            } else if !entry.value.is_absent() || is_none_that_counts(name, entry) {
                known.push(entry);
            }
        }
        Ok(known)
    }

    fn unknown(&self, name: &str, fields: &'static [&'static str], all: &[Entry], entry: &Entry) {
        let path = self.path.key(&entry.key);
        let mut report = self.report.borrow_mut();
        if OPEN.contains(&name) {
            report.idle.insert(path);
            return;
        }
        // Other keys of a custom model are arguments of its template.
        let is_custom = |entry: &Entry| {
            entry.key == "name" && entry.value.scalar().is_some_and(|scalar| scalar.text == "custom")
        };
        if name == "ModelSpec" && all.iter().any(is_custom) || !report.unknown.insert(path.clone()) {
            return;
        }
        let key = &entry.key;
        let message = match self.path.0.last() {
            None => format!("there is no section `{key}`"),
            Some(_) => format!("`{}` has no key `{key}`", self.path),
        };
        let help = unknown_key_help(key, &entry.value, &self.path, fields);
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
    static LEGAL: LazyLock<LegalKeys> = LazyLock::new(legal_keys::<Config>);
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

impl<'de> IntoDeserializer<'de, Refusal> for Reader<'_> {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

/// Methods for numbers: a range, and the visitor's method.
macro_rules! whole_numbers {
    ($($method:ident: $type:ty => $visit:ident as $wide:ty,)*) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refusal> {
            if matches!(self.node.content, Content::Hole) {
                return Ok(Hole::default().$method(visitor)?);
            }
            let number = self.whole_number(<$type>::MIN.into(), <$type>::MAX.into())?;
            let number = <$wide>::try_from(number).map_err(<Refusal as de::Error>::custom)?;
            visitor.$visit(number).map_err(|refusal: Refusal| self.placed(refusal))
        })*
    };
}

/// Methods that are the same as another.
macro_rules! same_as {
    ($($method:ident = $other:ident,)*) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refusal> {
            self.$other(visitor)
        })*
    };
}

impl<'de> Deserializer<'de> for Reader<'_> {
    type Error = Refusal;

    whole_numbers! {
        deserialize_i8: i8 => visit_i64 as i64,
        deserialize_i16: i16 => visit_i64 as i64,
        deserialize_i32: i32 => visit_i64 as i64,
        deserialize_i64: i64 => visit_i64 as i64,
        deserialize_u8: u8 => visit_u64 as u64,
        deserialize_u16: u16 => visit_u64 as u64,
        deserialize_u32: u32 => visit_u64 as u64,
        deserialize_u64: u64 => visit_u64 as u64,
    }

    same_as! {
        deserialize_f32 = deserialize_f64,
        deserialize_char = deserialize_string,
        deserialize_str = deserialize_string,
        deserialize_bytes = deserialize_string,
        deserialize_byte_buf = deserialize_string,
        deserialize_identifier = deserialize_string,
        deserialize_unit = deserialize_any,
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refusal> {
        match self.node.content {
            Content::Hole => Ok(Hole::default().deserialize_bool(visitor)?),
            _ => visitor.visit_bool(self.truth_value()?),
        }
    }

    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refusal> {
        match self.node.content {
            Content::Hole => Ok(Hole::default().deserialize_f64(visitor)?),
            _ => visitor.visit_f64(self.number()?),
        }
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refusal> {
        match self.node.content {
            Content::Hole => Ok(Hole::default().deserialize_string(visitor)?),
            _ => visitor.visit_str(self.text()?).map_err(|refusal: Refusal| self.placed(refusal)),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refusal> {
        if self.node.is_absent() || matches!(self.node.content, Content::Hole) {
            visitor.visit_none()
        } else {
            visitor.visit_some(self)
        }
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Refusal> {
        self.deserialize_any(visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Refusal> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refusal> {
        match self.node.content {
            Content::Hole => Ok(Hole::default().deserialize_seq(visitor)?),
            _ => self.visit_items(&self.items("a list such as [a, b]")?, visitor),
        }
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value, Refusal> {
        if matches!(self.node.content, Content::Hole) {
            return Ok(Hole::default().deserialize_tuple(len, visitor)?);
        }
        let example =
            ["128"; 2].into_iter().take(len.saturating_sub(1)).chain(["3"]).collect::<Vec<_>>().join(", ");
        let what = format!("{len} values such as ({example})");
        let items = self.items(&what)?;
        if items.len() != len {
            return Err(self.must_be(&what, &format!("{} values", items.len())));
        }
        self.visit_items(&items, visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        len: usize,
        visitor: V,
    ) -> Result<V::Value, Refusal> {
        self.deserialize_tuple(len, visitor)
    }

    /// A mapping that is not typed: its keys are the user's.
    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refusal> {
        let entries = match &self.node.content {
            Content::Hole => return Ok(Hole::default().deserialize_map(visitor)?),
            Content::Map(entries) => entries.as_slice(),
            Content::Scalar(scalar) if scalar.is_empty() || scalar.is_none() => &[],
            _ => return Err(self.must_be("a mapping of keys", "not a mapping")),
        };
        let entries = entries.iter().map(|entry| (entry.key.as_str(), self.entry(entry)));
        visitor
            .visit_map(de::value::MapDeserializer::new(entries))
            .map_err(|refusal: Refusal| self.placed(refusal))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Refusal> {
        if matches!(self.node.content, Content::Hole) {
            return Ok(Hole::default().deserialize_struct(name, fields, visitor)?);
        }
        let entries = self.fields(name, fields)?;
        let entries = entries.into_iter().map(|entry| (entry.key.as_str(), self.entry(entry)));
        visitor
            .visit_map(de::value::MapDeserializer::new(entries))
            .map_err(|refusal: Refusal| self.placed(refusal))
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Refusal> {
        if matches!(self.node.content, Content::Hole) {
            return Ok(Hole::default().deserialize_enum(name, variants, visitor)?);
        }
        let variant = self.variant(name, variants)?;
        visitor.visit_enum(variant).map_err(|refusal: Refusal| self.placed(refusal))
    }

    /// A value that is not typed yet: what a YAML 1.2 reader makes of it.
    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refusal> {
        let scalar = match &self.node.content {
            Content::Hole => return visitor.visit_unit(),
            Content::Map(_) => return self.deserialize_map(visitor),
            Content::List(_) => return self.deserialize_seq(visitor),
            Content::Scalar(scalar) => scalar,
        };
        match &scalar.kind {
            Kind::Null => visitor.visit_unit(),
            Kind::Bool(value) => visitor.visit_bool(*value),
            Kind::Text => visitor.visit_str(&scalar.text),
            Kind::Number(number) => match (number.as_u64(), number.as_i64(), number.as_f64()) {
                (Some(value), ..) => visitor.visit_u64(value),
                (_, Some(value), _) => visitor.visit_i64(value),
                (.., Some(value)) if value.is_finite() => visitor.visit_f64(value),
                _ => visitor.visit_str(&scalar.text),
            },
        }
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refusal> {
        visitor.visit_unit()
    }
}

impl<'a> Reader<'a> {
    fn entry(&self, entry: &'a Entry) -> Self {
        let path = self.path.key(&entry.key);
        Reader { node: &entry.value, key: entry.place.as_ref().or(self.key), path, report: self.report }
    }

    /// A name, or a mapping from one name to arguments.
    fn variant(&self, name: &str, variants: &'static [&'static str]) -> Result<Variant<'a>, Refusal> {
        let find = |found: &str| {
            variants.iter().copied().find(|variant| {
                *variant == found || ANY_LETTER_CASE.contains(&name) && variant.eq_ignore_ascii_case(found)
            })
        };
        let what = format!("one of {}", suggest::list(variants));
        let (found, place, arguments) = match &self.node.content {
            Content::Scalar(scalar) => (scalar.text.trim(), self.place(), None),
            Content::Map(entries) => match entries.as_slice() {
                [entry] => (entry.key.as_str(), entry.place.as_ref(), Some(self.entry(entry))),
                [first, second, ..] => {
                    let message = format!("`{}` must name one thing, found {}", self.path, entries.len());
                    let error = ConfigError::new(Code::InvalidValue, message)
                        .at(second.place.as_ref().or(self.place()), "a second name")
                        .help(format!(
                            "keep one of them; on the command line, `~{}` removes the first",
                            self.path.key(&first.key)
                        ));
                    return Err(Refusal::new(&self.path, error));
                }
                [] => return Err(self.must_be(&what, "no name")),
            },
            _ => return Err(self.must_be(&what, "not a name")),
        };
        match find(found) {
            Some(variant) => Ok(Variant { name: variant, arguments, whole: self.clone() }),
            None => {
                let found = self.node.scalar().map_or_else(|| found.to_owned(), Scalar::brief);
                let message = format!("`{}` cannot be `{found}`", self.path);
                let error = ConfigError::new(Code::InvalidValue, message)
                    .at(place, "not a legal name")
                    .help(suggest::help(&found, "legal names", variants));
                Err(Refusal::new(&self.path, error))
            }
        }
    }
}

/// A variant that was found, with its arguments.
struct Variant<'a> {
    name: &'static str,
    arguments: Option<Reader<'a>>,
    whole: Reader<'a>,
}

impl<'de, 'a> de::EnumAccess<'de> for Variant<'a> {
    type Error = Refusal;
    type Variant = Self;

    fn variant_seed<V: de::DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Self), Refusal> {
        let name: StrDeserializer<'_, Refusal> = self.name.into_deserializer();
        Ok((seed.deserialize(name)?, self))
    }
}

impl<'de> de::VariantAccess<'de> for Variant<'_> {
    type Error = Refusal;

    fn unit_variant(self) -> Result<(), Refusal> {
        match self.arguments {
            Some(arguments)
                if !arguments.node.is_absent() && !matches!(arguments.node.content, Content::Hole) =>
            {
                Err(arguments.must_be(&format!("empty: `{}` takes no arguments", self.name), "arguments"))
            }
            _ => Ok(()),
        }
    }

    /// A name alone is a name without arguments.
    fn newtype_variant_seed<T: de::DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Refusal> {
        let empty = Node { place: self.whole.node.place.clone(), content: Content::Map(Vec::new()) };
        match self.arguments {
            Some(arguments) => seed.deserialize(arguments),
            None => seed.deserialize(Reader { node: &empty, ..self.whole }),
        }
    }

    fn tuple_variant<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value, Refusal> {
        match self.arguments {
            Some(arguments) => arguments.deserialize_tuple(len, visitor),
            None => Err(self.whole.must_be(&format!("`{}` with arguments", self.name), "no arguments")),
        }
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Refusal> {
        match self.arguments {
            Some(arguments) => arguments.deserialize_struct(self.name, fields, visitor),
            None => Err(self.whole.must_be(&format!("`{}` with arguments", self.name), "no arguments")),
        }
    }
}
