//! `${...}`: the run's start time, environment variables, other values of the file.

use super::{
    error::{Code, ConfigError},
    node::{Content, Entry, Kind, Node, Scalar},
    path::{KeyPath, Step},
    suggest,
    text::Place,
};
use jiff::Zoned;
use std::{cell::RefCell, collections::BTreeSet};

/// Longest chain of references from value to value, and deepest nesting of `${`.
const MAX_DEPTH: usize = 32;

/// Most references that are followed, and most bytes that a value may grow to.
const MAX_STEPS: usize = 10_000;
const MAX_LENGTH: usize = 64 * 1024;

/// What values may refer to besides the file.
pub(super) struct World<'a> {
    /// When the run started.
    pub(super) started: &'a Zoned,
    /// The environment; an error is a variable that is not text.
    pub(super) environment: &'a dyn Fn(&str) -> Result<Option<String>, String>,
    referred: RefCell<Referred>,
}

/// What values referred to besides the file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Referred {
    /// Environment variables, set or not.
    pub variables: BTreeSet<String>,
    /// Whether a value tells when the run started. The name of the run's folder may.
    pub time: bool,
}

impl<'a> World<'a> {
    pub(super) fn new(
        started: &'a Zoned,
        environment: &'a dyn Fn(&str) -> Result<Option<String>, String>,
    ) -> Self {
        Self { started, environment, referred: RefCell::default() }
    }

    /// What has been referred to so far.
    pub(super) fn referred(self) -> Referred {
        self.referred.into_inner()
    }
}

/// The tree with every `${...}` replaced. Values of Hydra's own are left alone but for `hydra.run.dir`.
pub(super) fn interpolate(root: &Node, world: &World<'_>) -> Result<Node, Vec<ConfigError>> {
    let mut work =
        Work { root, world, open: Vec::new(), steps: 0, cyclic: BTreeSet::new(), errors: Vec::new() };
    let resolved = work.node(root, &KeyPath::default());
    if work.errors.is_empty() { Ok(resolved) } else { Err(work.errors) }
}

/// The text of a default, which may hold `${now:...}`.
pub(super) fn interpolate_default(text: &str, world: &World<'_>) -> Result<String, ConfigError> {
    let root = Node::text(text);
    match interpolate(&root, world) {
        Ok(Node { content: Content::Scalar(scalar), .. }) => Ok(scalar.text),
        Ok(_) => Ok(text.to_owned()),
        Err(errors) => Err(errors
            .into_iter()
            .next()
            .unwrap_or_else(|| ConfigError::new(Code::Interpolation, "a default cannot be resolved"))),
    }
}

struct Work<'a> {
    root: &'a Node,
    world: &'a World<'a>,
    /// The values that are being resolved, outermost first.
    open: Vec<KeyPath>,
    steps: usize,
    /// Values of a circle of references that was reported already.
    cyclic: BTreeSet<KeyPath>,
    errors: Vec<ConfigError>,
}

/// A resolved piece: what it is, and how the file would write it.
struct Piece {
    text: String,
    shown: String,
}

/// The scalar that is being resolved, for messages.
struct At<'a> {
    path: &'a KeyPath,
    scalar: &'a Scalar,
    place: Option<&'a Place>,
}

impl At<'_> {
    fn error(&self, part: std::ops::Range<usize>, message: impl AsRef<str>, label: &str) -> ConfigError {
        let place = self.scalar.part(self.place, part);
        ConfigError::new(Code::Interpolation, format!("`{}`: {}", self.path, message.as_ref()))
            .at(place.as_ref(), label)
            .key(self.path)
    }
}

impl Work<'_> {
    fn node(&mut self, node: &Node, path: &KeyPath) -> Node {
        let content = match &node.content {
            Content::Map(entries) => Content::Map(
                entries
                    .iter()
                    .map(|entry| {
                        let path = path.key(&entry.key);
                        let value = if is_hydras_own(&path) {
                            untouched(&entry.value)
                        } else {
                            self.node(&entry.value, &path)
                        };
                        Entry { key: entry.key.clone(), place: entry.place.clone(), value }
                    })
                    .collect(),
            ),
            Content::List(items) => Content::List(
                items.iter().enumerate().map(|(index, item)| self.node(item, &path.index(index))).collect(),
            ),
            Content::Scalar(scalar) if scalar.text.contains("${") => {
                if self.cyclic.contains(path) {
                    return Node::hole(node.place.clone());
                }
                return match self.scalar(node, scalar, path) {
                    Ok(resolved) => resolved,
                    Err(error) => {
                        self.errors.push(error);
                        Node::hole(node.place.clone())
                    }
                };
            }
            other => other.clone(),
        };
        Node { place: node.place.clone(), content }
    }

    fn scalar(&mut self, node: &Node, scalar: &Scalar, path: &KeyPath) -> Result<Node, ConfigError> {
        let at = At { path, scalar, place: node.place.as_ref() };
        if self.open.contains(path) {
            let chain: Vec<String> = self.open.iter().chain([path]).map(|path| format!("`{path}`")).collect();
            self.cyclic.extend(self.open.iter().cloned());
            let message = format!("it refers to itself: {}", chain.join(" -> "));
            return Err(at.error(0..scalar.text.len(), message, "this never ends"));
        }
        if self.open.len() >= MAX_DEPTH {
            let message = format!("the references are more than {MAX_DEPTH} deep");
            return Err(at.error(0..scalar.text.len(), message, "too deep"));
        }
        self.open.push(path.clone());
        let resolved = self.open_scalar(node, &at);
        self.open.pop();
        resolved
    }

    fn open_scalar(&mut self, node: &Node, at: &At<'_>) -> Result<Node, ConfigError> {
        // A reference that is the whole value stands for the other value with its type, mappings included.
        let text = &at.scalar.text;
        if let Some(inner) = text.strip_prefix("${").and_then(|rest| rest.strip_suffix('}'))
            && !inner.contains(['{', '}', ':'])
            && !self.is_environment(inner, at)?
        {
            let target = self.target(inner, 0..text.len(), at)?;
            return Ok(Node { place: node.place.clone(), ..target });
        }
        let piece = self.expand(text, 0, at, 0)?;
        let shown = Some(piece.shown).filter(|shown| *shown != piece.text);
        let scalar = Scalar { text: piece.text, shown, kind: Kind::Text, quoted: at.scalar.quoted };
        Ok(Node { place: node.place.clone(), content: Content::Scalar(scalar) })
    }

    /// Replaces every `${...}` of a text that starts at `offset` of the scalar.
    fn expand(&mut self, text: &str, offset: usize, at: &At<'_>, depth: usize) -> Result<Piece, ConfigError> {
        let mut whole = Piece { text: String::new(), shown: String::new() };
        let mut from = 0;
        while let Some(found) = text[from..].find("${") {
            let start = from + found;
            let before = &text[from..start];
            // A backslash keeps the two characters as they are.
            if let Some(kept) = before.strip_suffix('\\') {
                whole.text.push_str(kept);
                whole.text.push_str("${");
                whole.shown.push_str(before);
                whole.shown.push_str("${");
                from = start + 2;
                continue;
            }
            whole.text.push_str(before);
            whole.shown.push_str(before);
            let Some(length) = closing(&text[start + 2..]) else {
                let part = offset + start..offset + start + 2;
                return Err(at
                    .error(part, "`${` has no closing `}`", "opened here")
                    .help("write `\\${` for the two characters themselves".to_owned()));
            };
            let inner = &text[start + 2..start + 2 + length];
            let part = offset + start..offset + start + length + 3;
            if depth >= MAX_DEPTH {
                return Err(at.error(
                    part,
                    format!("`${{` is nested more than {MAX_DEPTH} deep"),
                    "too deep",
                ));
            }
            let inner = self.expand(inner, offset + start + 2, at, depth + 1)?;
            let piece = self.resolve(&inner, part.clone(), at)?;
            whole.text.push_str(&piece.text);
            whole.shown.push_str(&piece.shown);
            if whole.text.len() > MAX_LENGTH {
                return Err(at.error(part, format!("the value grows over {MAX_LENGTH} bytes"), "too long"));
            }
            from = start + length + 3;
        }
        whole.text.push_str(&text[from..]);
        whole.shown.push_str(&text[from..]);
        Ok(whole)
    }

    /// What stands between `${` and `}`.
    fn resolve(
        &mut self,
        inner: &Piece,
        part: std::ops::Range<usize>,
        at: &At<'_>,
    ) -> Result<Piece, ConfigError> {
        let expression = inner.text.trim();
        if let Some(format) = expression.strip_prefix("now:") {
            // Whose value this is, however many references lead here. A default has no place in the file.
            let names_a_folder =
                self.open.first().is_none_or(|path| path.0.is_empty() || *path == KeyPath::run_dir());
            self.world.referred.borrow_mut().time |= !names_a_folder;
            let text = jiff::fmt::strtime::format(format, self.world.started).map_err(|error| {
                at.error(part, format!("`{format}` is no time format: {error}"), "not a time format").help(
                    "as in strftime: %Y year, %m month, %d day, %H hour, %M minute, %S second".to_owned(),
                )
            })?;
            return Ok(Piece { shown: text.replace("${", "\\${"), text });
        }
        if let Some(variable) = expression.strip_prefix("oc.env:") {
            let (name, default) = match variable.split_once(',') {
                Some((name, default)) => (name.trim(), Some(default.trim())),
                None => (variable.trim(), None),
            };
            let value = self.variable(name, part.clone(), at)?;
            return match (value, default) {
                (Some(value), _) => Ok(Piece { text: value, shown: format!("${{oc.env:{name}}}") }),
                (None, Some(default)) => {
                    let text = unquoted(default).to_owned();
                    // A default that was itself made from the environment stays hidden.
                    let shown = if inner.shown == inner.text {
                        text.replace("${", "\\${")
                    } else {
                        format!("${{{}}}", inner.shown)
                    };
                    Ok(Piece { text, shown })
                }
                (None, None) => Err(unset(name, part, at, None)),
            };
        }
        if let Some((resolver, _)) = expression.split_once(':') {
            return Err(at
                .error(part, format!("there is no `${{{resolver}:...}}`"), "unknown")
                .help("known are ${now:%Y_%m_%d}, ${oc.env:NAME}, ${oc.env:NAME,default}, ${NAME} and ${section.key}".to_owned()));
        }
        if is_word(expression)
            && let Some(text) = self.variable(expression, part.clone(), at)?
        {
            return Ok(Piece { text, shown: format!("${{oc.env:{expression}}}") });
        }
        let target = self.target(expression, part.clone(), at)?;
        match &target.content {
            Content::Scalar(scalar) => {
                let shown = scalar.shown.clone().unwrap_or_else(|| scalar.text.replace("${", "\\${"));
                Ok(Piece { text: scalar.text.clone(), shown })
            }
            Content::Hole => Ok(Piece { text: String::new(), shown: String::new() }),
            _ => {
                let message =
                    format!("`{expression}` is {}, which cannot be part of a text", target.describe());
                Err(at.error(part, message, "not text"))
            }
        }
    }

    /// The resolved value of another key.
    fn target(
        &mut self,
        expression: &str,
        part: std::ops::Range<usize>,
        at: &At<'_>,
    ) -> Result<Node, ConfigError> {
        self.steps += 1;
        if self.steps > MAX_STEPS {
            return Err(at.error(part, format!("more than {MAX_STEPS} references"), "too many"));
        }
        let Some(path) = KeyPath::parse(expression) else {
            let message = format!("`{expression}` is neither an environment variable nor a key");
            return Err(at.error(part, message, "neither"));
        };
        let root = self.root;
        let Some(target) = root.get(&path) else {
            return Err(self.no_such_key(expression, &path, part, at));
        };
        // A reference to a mapping that holds the referring value would copy it into itself.
        if let Some(open) =
            self.open.iter().find(|open| open.0.starts_with(&path.0) && open.0.len() > path.0.len())
        {
            let message = format!("it refers to `{path}`, which holds `{open}`");
            return Err(at.error(part, message, "this never ends"));
        }
        let before = self.errors.len();
        let resolved = match &target.content {
            Content::Scalar(scalar) if scalar.text.contains("${") => self.scalar(target, scalar, &path)?,
            _ => self.node(target, &path),
        };
        // Mistakes inside the target are reported where they stand.
        self.errors.truncate(before);
        Ok(resolved)
    }

    fn no_such_key(
        &self,
        expression: &str,
        path: &KeyPath,
        part: std::ops::Range<usize>,
        at: &At<'_>,
    ) -> ConfigError {
        let (parent, last) = match path.split_last() {
            Some((parent, Step::Key(last))) => (parent, last.as_str()),
            _ => (KeyPath::default(), expression),
        };
        let siblings: Vec<&str> = self
            .root
            .get(&parent)
            .and_then(Node::entries)
            .map(|entries| entries.iter().map(|entry| entry.key.as_str()).collect())
            .unwrap_or_default();
        let near = suggest::nearest(last, siblings.iter().copied()).map(|near| parent.key(near).to_string());
        if is_word(expression) {
            return unset(expression, part, at, near);
        }
        let help = near.map(|near| format!("did you mean `${{{near}}}`?"));
        at.error(part, format!("the file has no key `{expression}`"), "no such key").help(help)
    }

    fn is_environment(&self, name: &str, at: &At<'_>) -> Result<bool, ConfigError> {
        Ok(is_word(name) && self.variable(name, 0..at.scalar.text.len(), at)?.is_some())
    }

    fn variable(
        &self,
        name: &str,
        part: std::ops::Range<usize>,
        at: &At<'_>,
    ) -> Result<Option<String>, ConfigError> {
        self.world.referred.borrow_mut().variables.insert(name.to_owned());
        (self.world.environment)(name).map_err(|problem| at.error(part, problem, "not readable"))
    }
}

fn unset(name: &str, part: std::ops::Range<usize>, at: &At<'_>, near: Option<String>) -> ConfigError {
    let help = match near {
        Some(near) => {
            format!("did you mean the key `${{{near}}}`? Otherwise set the variable: export {name}=...")
        }
        None => format!("set it (export {name}=...), or give a default: ${{oc.env:{name},default}}"),
    };
    // Without the key, so that one variable used in many places is one mistake.
    let place = at.scalar.part(at.place, part);
    ConfigError::new(Code::Interpolation, format!("the environment variable `{name}` is not set"))
        .at(place.as_ref(), "not set")
        .key(at.path)
        .help(help)
}

/// A value whose `${...}` are left alone: it is shown as it is written.
fn untouched(node: &Node) -> Node {
    let content = match &node.content {
        Content::Scalar(scalar) => {
            Content::Scalar(Scalar { shown: Some(scalar.text.clone()), ..scalar.clone() })
        }
        Content::List(items) => Content::List(items.iter().map(untouched).collect()),
        Content::Map(entries) => Content::Map(
            entries.iter().map(|entry| Entry { value: untouched(&entry.value), ..entry.clone() }).collect(),
        ),
        Content::Hole => Content::Hole,
    };
    Node { place: node.place.clone(), content }
}

/// Keys of Hydra's own, whose `${...}` are in Hydra's language and have no effect here.
fn is_hydras_own(path: &KeyPath) -> bool {
    let keys: Vec<&str> = path
        .0
        .iter()
        .map_while(|step| match step {
            Step::Key(key) => Some(key.as_str()),
            Step::Index(_) => None,
        })
        .collect();
    match keys.as_slice() {
        ["hydra"] | ["hydra", "run"] | ["hydra", "run", "dir"] => false,
        ["hydra", ..] => true,
        _ => false,
    }
}

fn is_word(text: &str) -> bool {
    let start = text.chars().next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_');
    start && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

fn unquoted(text: &str) -> &str {
    let quoted = |quote| text.strip_prefix(quote).and_then(|rest: &str| rest.strip_suffix(quote));
    quoted('\'').or_else(|| quoted('"')).unwrap_or(text)
}

/// How far the `}` is that closes an opened `${`.
fn closing(text: &str) -> Option<usize> {
    let mut depth = 0usize;
    for (at, c) in text.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => return Some(at),
            '}' => depth -= 1,
            _ => {}
        }
    }
    None
}
