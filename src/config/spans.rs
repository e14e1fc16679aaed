//! Where everything stands in a YAML text: a tree of spans beside the tree of values.
//!
//! The values come from another parser (`serde_yaml`); should the two ever disagree, a mistake loses its caret and a
//! value nothing. This tree also finds keys that stand twice, and bombs, before the values are made.

use super::{
    error::{Code, ConfigError},
    text::{Place, Text},
};
use granit_parser::{Event, Parser, ScalarStyle, StructureStyle};
use std::{collections::BTreeMap, ops::Range, rc::Rc, sync::Arc};

/// Deepest nesting of mappings and lists. The deepest legal key is 6 deep.
const MAX_DEPTH: usize = 40;

/// Most values in a file after aliases are written out.
const MAX_NODES: usize = 20_000;

/// A value's place and shape.
#[derive(Debug)]
pub(super) struct Spanned {
    pub(super) range: Range<usize>,
    pub(super) shape: Rc<Shape>,
    /// Values in it and below, aliases written out.
    size: usize,
}

#[derive(Debug)]
pub(super) enum Shape {
    Scalar { text: String, quoted: bool },
    List { flow: bool, items: Vec<Rc<Spanned>> },
    Map { flow: bool, entries: Vec<(Rc<Spanned>, Rc<Spanned>)> },
}

/// Why there is no tree.
pub(super) enum NoTree {
    /// This parser does not read the text; another may.
    Scan { at: usize, message: String },
    /// The text must not be used, whatever another parser thinks of it.
    Refused(Box<ConfigError>),
}

impl From<ConfigError> for NoTree {
    fn from(error: ConfigError) -> Self {
        Self::Refused(Box::new(error))
    }
}

/// The tree of the YAML that starts at `offset` of a text; None for YAML without content.
pub(super) fn tree(text: &Arc<Text>, offset: usize) -> Result<Option<Rc<Spanned>>, NoTree> {
    let yaml = &text.content[offset..];
    let mut builder = Builder { text, offset, open: Vec::new(), anchors: BTreeMap::new(), root: None };
    for event in Parser::new_from_str(yaml) {
        let (event, span) = event.map_err(|error| NoTree::Scan {
            at: offset + error.marker().byte_offset().unwrap_or(0),
            message: error.info(),
        })?;
        let range = span.byte_range().unwrap_or(0..0);
        builder.event(event, offset + range.start..offset + range.end)?;
    }
    Ok(builder.root)
}

struct Builder<'a> {
    text: &'a Arc<Text>,
    offset: usize,
    open: Vec<Open>,
    anchors: BTreeMap<usize, Rc<Spanned>>,
    root: Option<Rc<Spanned>>,
}

/// A mapping or list whose end has not come yet.
struct Open {
    start: usize,
    anchor: usize,
    flow: bool,
    mapping: bool,
    /// For a mapping: key, value, key, value ...
    children: Vec<Rc<Spanned>>,
}

impl Builder<'_> {
    fn event(&mut self, event: Event<'_>, range: Range<usize>) -> Result<(), NoTree> {
        match event {
            Event::Scalar(value, style, anchor, _) => {
                let quoted = style != ScalarStyle::Plain;
                let shape = Shape::Scalar { text: value.into_owned(), quoted };
                self.done(Rc::new(Spanned { range, shape: Rc::new(shape), size: 1 }), anchor)
            }
            Event::SequenceStart(style, anchor, _) => self.start(range, style, anchor, false),
            Event::MappingStart(style, anchor, _) => self.start(range, style, anchor, true),
            Event::SequenceEnd | Event::MappingEnd => self.end(&range),
            Event::Alias(anchor) => match self.anchors.get(&anchor) {
                Some(target) => {
                    // It stands where the alias stands; its parts stand where they are written.
                    let (shape, size) = (Rc::clone(&target.shape), target.size);
                    self.done(Rc::new(Spanned { range, shape, size }), 0)
                }
                None => {
                    let place = self.place(range);
                    Err(ConfigError::new(Code::Syntax, "an alias refers to the value it stands in")
                        .at(Some(&place), "this would never end")
                        .into())
                }
            },
            Event::DocumentStart(..) if self.root.is_some() => {
                let place = self.place(range);
                Err(ConfigError::new(Code::Syntax, "the file holds more than one YAML document")
                    .at(Some(&place), "a second document starts here")
                    .help("one file describes one pipeline; remove the `---`".to_owned())
                    .into())
            }
            _ => Ok(()),
        }
    }

    fn start(
        &mut self,
        range: Range<usize>,
        style: StructureStyle,
        anchor: usize,
        mapping: bool,
    ) -> Result<(), NoTree> {
        if self.open.len() == MAX_DEPTH {
            let place = self.place(range);
            return Err(ConfigError::new(Code::Syntax, format!("nested more than {MAX_DEPTH} deep"))
                .at(Some(&place), "too deep")
                .into());
        }
        let flow = style == StructureStyle::Flow;
        self.open.push(Open { start: range.start, anchor, flow, mapping, children: Vec::new() });
        Ok(())
    }

    fn end(&mut self, range: &Range<usize>) -> Result<(), NoTree> {
        let Some(open) = self.open.pop() else { return Ok(()) };
        let size = open.children.iter().fold(1usize, |sum, child| sum.saturating_add(child.size));
        let end = if open.flow {
            range.end
        } else {
            open.children.iter().map(|child| child.range.end).max().unwrap_or(range.end).min(range.end)
        };
        let range = open.start..end.max(open.start);
        if size > MAX_NODES {
            let place = self.place(range);
            return Err(ConfigError::new(
                Code::Syntax,
                format!("with its aliases written out, the file has over {MAX_NODES} values"),
            )
            .at(Some(&place), "too many values")
            .into());
        }
        let shape = if open.mapping {
            let mut children = open.children.into_iter();
            let mut entries = Vec::new();
            while let (Some(key), Some(value)) = (children.next(), children.next()) {
                entries.push((key, value));
            }
            self.refuse_duplicates(&entries)?;
            Shape::Map { flow: open.flow, entries }
        } else {
            Shape::List { flow: open.flow, items: open.children }
        };
        self.done(Rc::new(Spanned { range, shape: Rc::new(shape), size }), open.anchor)
    }

    /// Puts a finished value where it belongs.
    fn done(&mut self, node: Rc<Spanned>, anchor: usize) -> Result<(), NoTree> {
        if anchor != 0 {
            self.anchors.insert(anchor, Rc::clone(&node));
        }
        match self.open.last_mut() {
            Some(open) => open.children.push(node),
            None => self.root = Some(node),
        }
        Ok(())
    }

    fn refuse_duplicates(&self, entries: &[(Rc<Spanned>, Rc<Spanned>)]) -> Result<(), NoTree> {
        let mut seen: BTreeMap<&str, &Spanned> = BTreeMap::new();
        for (key, _) in entries {
            let Shape::Scalar { text, .. } = &*key.shape else { continue };
            if let Some(first) = seen.insert(text, key) {
                let (first, second) = (self.place(first.range.clone()), self.place(key.range.clone()));
                let lines = (first.position().0, second.position().0);
                let message = match lines {
                    (first, second) if first == second => {
                        format!("the key `{text}` stands twice on line {first}")
                    }
                    (first, second) => {
                        format!("the key `{text}` stands twice, on the lines {first} and {second}")
                    }
                };
                let help = match text.as_str() {
                    "<<" => "merge several mappings with one list: `<<: [*a, *b]`",
                    _ => "keep one of the two",
                };
                return Err(ConfigError::new(Code::DuplicateKey, message)
                    .at(Some(&second), "again here")
                    .at(Some(&first), "first here")
                    .help(help.to_owned())
                    .into());
            }
        }
        Ok(())
    }

    fn place(&self, range: Range<usize>) -> Place {
        debug_assert!(range.start >= self.offset);
        Place::new(self.text, range)
    }
}
