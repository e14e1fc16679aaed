//! From YAML to a list of layers, in which everything knows its place.

use super::error::Mistake;
use contract::value::{Literal, literal};
use granit_parser::{Event, Parser, ScalarStyle};
use serde_json::{Map, Number, Value};
use std::{collections::BTreeMap, ops::Range};

/// Deepest nesting of mappings and lists.
const MAX_DEPTH: usize = 20;

/// Most values after aliases are written out.
const MAX_NODES: usize = 20_000;

const CODE: &str = "layers::syntax";

/// A layer as it is written.
#[derive(Debug)]
pub(super) struct Item {
    /// Where it is.
    pub(super) range: Range<usize>,
    /// The Keras class.
    pub(super) class: String,
    /// Where that stands.
    pub(super) class_range: Range<usize>,
    pub(super) arguments: Vec<Argument>,
}

/// An argument of a layer.
#[derive(Debug)]
pub(super) struct Argument {
    pub(super) name: String,
    pub(super) name_range: Range<usize>,
    pub(super) value: Value,
    pub(super) value_range: Range<usize>,
}

/// Reads a layer list.
pub(super) fn read(yaml: &str) -> Result<Vec<Item>, Mistake> {
    let Some(root) = parse(yaml)? else {
        return Err(Mistake::whole(CODE, "the list has no layers").help(ITEM));
    };
    let range = root.range.clone();
    match root.content {
        Content::List(items) if items.is_empty() => {
            Err(Mistake::new(CODE, range, "the list has no layers").help(ITEM))
        }
        Content::List(items) => items.into_iter().map(Item::read).collect(),
        _ => Err(Mistake::new(CODE, first_word(yaml, &range), "a network is a list of layers").help(ITEM)),
    }
}

const ITEM: &str =
    "a layer is an item such as `- Conv2D: {filters: 16, kernel_size: 3, padding: same}` or `- ReLU`";

fn first_word(yaml: &str, range: &Range<usize>) -> Range<usize> {
    let text = yaml.get(range.clone()).unwrap_or_default();
    range.start..range.start + text.split([' ', '\n']).next().map_or(0, str::len)
}

impl Item {
    fn read(node: Node) -> Result<Self, Mistake> {
        let range = node.range.clone();
        let item = |class: String, class_range, arguments| Self {
            range: range.clone(),
            class,
            class_range,
            arguments,
        };
        match node.content {
            Content::Scalar { text, .. } if !text.is_empty() => Ok(item(text, node.range, Vec::new())),
            Content::Map(mut entries) if entries.len() == 1 => {
                let (class, value) = entries.remove(0);
                let arguments = match value.content {
                    Content::Map(arguments) => {
                        arguments.into_iter().map(Argument::read).collect::<Result<_, _>>()?
                    }
                    Content::Scalar { text, quoted: false } if is_null(&text) => Vec::new(),
                    _ => {
                        let message = format!("the arguments of `{}` are a mapping", class.text);
                        let help = format!("write `- {}: {{argument: value}}`", class.text);
                        return Err(Mistake::new(CODE, value.range, message).help(help));
                    }
                };
                Ok(item(class.text, class.range, arguments))
            }
            Content::Map(entries) => {
                // `- Conv2D:` with its arguments not indented further than it is.
                let second = entries.get(1).map_or(range, |(key, _)| key.range.clone());
                Err(Mistake::new(CODE, second, "an item of the list is one layer").help(
                    "indent a layer's arguments further than its class, and begin each layer with `- `",
                ))
            }
            _ => Err(Mistake::new(CODE, node.range, "this is no layer").help(ITEM)),
        }
    }
}

impl Argument {
    fn read((key, value): (Key, Node)) -> Result<Self, Mistake> {
        let value_range = value.range.clone();
        Ok(Self { name: key.text, name_range: key.range, value: value.json()?, value_range })
    }
}

/// A value in the text.
#[derive(Debug, Clone)]
struct Node {
    range: Range<usize>,
    content: Content,
    /// Values in it and below, aliases written out.
    size: usize,
}

#[derive(Debug, Clone)]
enum Content {
    Scalar { text: String, quoted: bool },
    List(Vec<Node>),
    Map(Vec<(Key, Node)>),
}

#[derive(Debug, Clone)]
struct Key {
    text: String,
    range: Range<usize>,
}

impl Node {
    fn json(self) -> Result<Value, Mistake> {
        let Self { range, content, .. } = self;
        match content {
            Content::Scalar { text, quoted: true } => Ok(Value::String(text)),
            Content::Scalar { text, quoted: false } => Ok(scalar(&text)),
            Content::List(items) => {
                items.into_iter().map(Self::json).collect::<Result<_, _>>().map(Value::Array)
            }
            Content::Map(entries) => {
                let mut map = Map::new();
                for (key, value) in entries {
                    map.insert(key.text, value.json()?);
                }
                if map.is_empty() {
                    return Err(Mistake::new(CODE, range, "an empty mapping is no value"));
                }
                Ok(Value::Object(map))
            }
        }
    }
}

fn is_null(text: &str) -> bool {
    ["", "~"].contains(&text) || ["null", "none"].contains(&text.to_ascii_lowercase().as_str())
}

/// A plain scalar as YAML and Python read it: `true`, `True`, `3`, `1/2`, `(3, 3)`; else it is text.
fn scalar(text: &str) -> Value {
    match text {
        "true" => return Value::Bool(true),
        "false" => return Value::Bool(false),
        text if is_null(text) => return Value::Null,
        _ => {}
    }
    literal(text).map_or_else(|_| Value::String(text.to_owned()), |value| json(&value))
}

fn json(value: &Literal) -> Value {
    let float = |number: f64| match number {
        // What is computed may be whole: `32 * 0.5` filters.
        whole if whole.fract() == 0.0 && whole.abs() < 9e15 => Value::from(whole as i64),
        other => Number::from_f64(other).map_or(Value::Null, Value::Number),
    };
    match value {
        Literal::None => Value::Null,
        Literal::Bool(truth) => Value::Bool(*truth),
        Literal::Int(whole) => i64::try_from(*whole).map_or_else(|_| float(*whole as f64), Value::from),
        Literal::Float(number) => float(*number),
        Literal::Str(text) => Value::String(text.clone()),
        Literal::List(items) => items.iter().map(json).collect(),
    }
}

/// The tree of a text; none for one without content.
fn parse(yaml: &str) -> Result<Option<Node>, Mistake> {
    let mut builder = Builder::default();
    for event in Parser::new_from_str(yaml) {
        let (event, span) = event.map_err(|error| {
            let at = error.marker().byte_offset().unwrap_or(0);
            Mistake::new(CODE, at..at + 1, format!("this is no YAML: {}", error.info()))
        })?;
        builder.event(event, span.byte_range().unwrap_or(0..0))?;
    }
    Ok(builder.root)
}

#[derive(Default)]
struct Builder {
    open: Vec<Open>,
    anchors: BTreeMap<usize, Node>,
    root: Option<Node>,
}

/// A mapping or list whose end has not come yet.
struct Open {
    start: usize,
    anchor: usize,
    mapping: bool,
    /// For a mapping: key, value, key, value ...
    children: Vec<Node>,
}

impl Builder {
    fn event(&mut self, event: Event<'_>, range: Range<usize>) -> Result<(), Mistake> {
        match event {
            Event::Scalar(text, style, anchor, _) => {
                let content =
                    Content::Scalar { text: text.into_owned(), quoted: style != ScalarStyle::Plain };
                self.done(Node { range, content, size: 1 }, anchor);
                Ok(())
            }
            Event::SequenceStart(_, anchor, _) => self.start(range, anchor, false),
            Event::MappingStart(_, anchor, _) => self.start(range, anchor, true),
            Event::SequenceEnd | Event::MappingEnd => self.end(&range),
            Event::Alias(anchor) => match self.anchors.get(&anchor) {
                Some(node) => {
                    let node = Node { range, ..node.clone() };
                    self.done(node, 0);
                    Ok(())
                }
                None => Err(Mistake::new(CODE, range, "an alias refers to the value it stands in")),
            },
            Event::DocumentStart(..) if self.root.is_some() => {
                Err(Mistake::new(CODE, range, "a second YAML document starts here")
                    .help("one file describes one network; remove the `---`"))
            }
            _ => Ok(()),
        }
    }

    fn start(&mut self, range: Range<usize>, anchor: usize, mapping: bool) -> Result<(), Mistake> {
        if self.open.len() == MAX_DEPTH {
            return Err(Mistake::new(CODE, range, format!("nested more than {MAX_DEPTH} deep")));
        }
        self.open.push(Open { start: range.start, anchor, mapping, children: Vec::new() });
        Ok(())
    }

    fn end(&mut self, range: &Range<usize>) -> Result<(), Mistake> {
        let Some(Open { start, anchor, mapping, children }) = self.open.pop() else { return Ok(()) };
        let size = children.iter().fold(1usize, |sum, child| sum.saturating_add(child.size));
        let last = children.iter().map(|child| child.range.end).max().unwrap_or(range.end);
        let range = start..last.max(range.end.min(last + 1)).max(start);
        if size > MAX_NODES {
            let message = format!("with its aliases written out, the list has over {MAX_NODES} values");
            return Err(Mistake::new(CODE, range, message));
        }
        let content = if mapping { Content::Map(entries(children)?) } else { Content::List(children) };
        self.done(Node { range, content, size }, anchor);
        Ok(())
    }

    /// Puts a finished value where it belongs.
    fn done(&mut self, node: Node, anchor: usize) {
        if anchor != 0 {
            self.anchors.insert(anchor, node.clone());
        }
        match self.open.last_mut() {
            Some(open) => open.children.push(node),
            None => self.root = Some(node),
        }
    }
}

/// The entries of a mapping, each key once.
fn entries(children: Vec<Node>) -> Result<Vec<(Key, Node)>, Mistake> {
    let mut entries: Vec<(Key, Node)> = Vec::new();
    let mut children = children.into_iter();
    while let (Some(key), Some(value)) = (children.next(), children.next()) {
        let Content::Scalar { text, .. } = key.content else {
            return Err(Mistake::new(CODE, key.range, "a key is a word"));
        };
        if entries.iter().any(|(known, _)| known.text == text) {
            let message = format!("the key `{text}` stands twice");
            return Err(Mistake::new(CODE, key.range, message).help("keep one of the two"));
        }
        entries.push((Key { text, range: key.range }, value));
    }
    Ok(entries)
}
