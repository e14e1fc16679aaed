//! Layers named by Python's index and slice syntax, the value of `training.frozen_layers`: `(0:-1)`, `(8, 110:121, -1)`.
//!
//! ```text
//! slices = "None" | items | "(" items ")"
//! items  = item {"," item} [","]
//! item   = index | [index] ":" [index] [":" [index]]
//! index  = ["+" | "-"] whole number
//! ```
//!
//! An item means what it means between the brackets of `layers[...]`: a negative index counts from the end, a slice is
//! clamped to the layers there are, and an index without a layer is an error. Several items mean all their layers.

use super::{MAX_LENGTH, arithmetic::Number, number};
use std::{collections::BTreeSet, fmt};
use thiserror::Error;

/// Some layers of a model, by position.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LayerSlices {
    items: Vec<Item>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Item {
    Index(i128),
    Slice { start: Option<i128>, stop: Option<i128>, step: Option<i128> },
}

/// Why a text is not layer slices, or why they do not fit a model. Positions are byte offsets into the text.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SlicesError {
    /// Something that cannot stand there.
    #[error("found {found} where {wanted} should be")]
    Unexpected {
        /// Where.
        at: usize,
        /// What stands there.
        found: String,
        /// What could.
        wanted: &'static str,
    },
    /// A number that cannot be an index.
    #[error("`{text}` is not an index: {reason}")]
    Index {
        /// Where it starts.
        at: usize,
        /// The number.
        text: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A slice with step 0.
    #[error("the step of a slice cannot be 0")]
    ZeroStep {
        /// Where the step is.
        at: usize,
    },
    /// Text over [`MAX_LENGTH`].
    #[error("{length} bytes are too long for layer slices (at most {MAX_LENGTH})")]
    TooLong {
        /// Its length, bytes.
        length: usize,
    },
    /// An index for which the model has no layer.
    #[error("there is no layer {index}: the model has {layers} layers, so an index is {}", legal_range(*.layers))]
    OutOfRange {
        /// The index.
        index: i128,
        /// How many layers the model has.
        layers: usize,
    },
}

fn legal_range(layers: usize) -> String {
    match layers {
        0 => "never legal".to_owned(),
        layers => format!("-{layers} to {}", layers - 1),
    }
}

impl SlicesError {
    /// The byte offset of the mistake, where there is one place for it.
    #[must_use]
    pub fn at(&self) -> Option<usize> {
        match *self {
            Self::Unexpected { at, .. } | Self::Index { at, .. } | Self::ZeroStep { at } => Some(at),
            Self::TooLong { .. } | Self::OutOfRange { .. } => None,
        }
    }

    /// What to write instead.
    #[must_use]
    pub fn help(&self) -> &'static str {
        match self {
            Self::OutOfRange { .. } => {
                "negative indices count from the end; a slice such as (10:) may reach past the last layer"
            }
            _ => {
                "layers are written as Python indexes lists: (0:-1) all but the last, (150:) from 150 on, (10:120) 10 \
                 to 119, (8, 110:121, -1) several, None for no layer"
            }
        }
    }
}

impl LayerSlices {
    /// Reads `(8, 110:121, -1)`; brackets may be left out, and `None` (in any letter case) names no layer.
    ///
    /// # Errors
    /// What cannot be read, and where.
    pub fn parse(text: &str) -> Result<Self, SlicesError> {
        if text.len() > MAX_LENGTH {
            return Err(SlicesError::TooLong { length: text.len() });
        }
        if text.trim().eq_ignore_ascii_case("none") {
            return Ok(Self::default());
        }
        let mut reader = Reader { text, at: 0 };
        let bracketed = reader.take('(');
        let mut items = vec![reader.item()?];
        while reader.take(',') && reader.peek().is_some_and(|c| c != ')') {
            items.push(reader.item()?);
        }
        if bracketed && !reader.take(')') {
            return Err(reader.unexpected("`:`, `,` or `)`"));
        }
        match reader.peek() {
            None => Ok(Self { items }),
            Some(_) => Err(reader.unexpected(if bracketed { "the end" } else { "`:`, `,` or the end" })),
        }
    }

    /// The positions meant in a model of so many layers, ascending, each once.
    ///
    /// # Errors
    /// An index without a layer.
    pub fn resolve(&self, layers: usize) -> Result<Vec<usize>, SlicesError> {
        let mut chosen = BTreeSet::new();
        for item in &self.items {
            match *item {
                Item::Index(index) => chosen.insert(position(index, layers)?),
                Item::Slice { start, stop, step } => {
                    chosen.extend(slice_positions(start, stop, step.unwrap_or(1), layers));
                    continue;
                }
            };
        }
        Ok(chosen.into_iter().collect())
    }
}

fn position(index: i128, layers: usize) -> Result<usize, SlicesError> {
    let from_start = if index < 0 { index.saturating_add(layers as i128) } else { index };
    match usize::try_from(from_start) {
        Ok(position) if position < layers => Ok(position),
        _ => Err(SlicesError::OutOfRange { index, layers }),
    }
}

/// Python's `range(layers)[start:stop:step]` (Objects/sliceobject.c, PySlice_AdjustIndices), ascending. `step` is not 0.
fn slice_positions(
    start: Option<i128>,
    stop: Option<i128>,
    step: i128,
    layers: usize,
) -> impl Iterator<Item = usize> {
    let count = layers as i128;
    let (lowest, highest) = if step < 0 { (-1, count - 1) } else { (0, count) };
    let (first, end) = if step < 0 { (highest, lowest) } else { (lowest, highest) };
    let clamped = |bound: Option<i128>, default| match bound {
        None => default,
        Some(bound) if bound < 0 => bound.saturating_add(count).max(lowest),
        Some(bound) => bound.min(highest),
    };
    let (start, stop) = (clamped(start, first), clamped(stop, end));
    let inside = move |position: usize| {
        let position = position as i128;
        let between = if step < 0 {
            stop < position && position <= start
        } else {
            start <= position && position < stop
        };
        between && (position - start) % step == 0
    };
    (0..layers).filter(move |&position| inside(position))
}

/// As it is written in a file: `(8, 110:121, -1)`.
impl fmt::Display for LayerSlices {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.items.is_empty() {
            return f.write_str("None");
        }
        for (index, item) in self.items.iter().enumerate() {
            write!(f, "{}{item}", if index == 0 { "(" } else { ", " })?;
        }
        f.write_str(")")
    }
}

impl fmt::Display for Item {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bound = |bound: &Option<i128>| bound.map(|bound| bound.to_string()).unwrap_or_default();
        match self {
            Self::Index(index) => write!(f, "{index}"),
            Self::Slice { start, stop, step: None } => write!(f, "{}:{}", bound(start), bound(stop)),
            Self::Slice { start, stop, step } => {
                write!(f, "{}:{}:{}", bound(start), bound(stop), bound(step))
            }
        }
    }
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl Reader<'_> {
    fn item(&mut self) -> Result<Item, SlicesError> {
        let start = self.index()?;
        if !self.take(':') {
            return start.map(Item::Index).ok_or_else(|| self.unexpected("an index or a slice"));
        }
        let stop = self.index()?;
        let mut step = None;
        if self.take(':') {
            self.peek();
            let at = self.at;
            step = self.index()?;
            if step == Some(0) {
                return Err(SlicesError::ZeroStep { at });
            }
        }
        Ok(Item::Slice { start, stop, step })
    }

    /// A whole number with its sign, if one stands here.
    fn index(&mut self) -> Result<Option<i128>, SlicesError> {
        let negative = self.take('-');
        let signed = negative || self.take('+');
        if !self.peek().is_some_and(|c| c.is_ascii_digit() || c == '.') {
            return if signed { Err(self.unexpected("a whole number")) } else { Ok(None) };
        }
        let at = self.at;
        self.at = number::token_end(self.text, at);
        let text = &self.text[at..self.at];
        let refusal = |reason| SlicesError::Index { at, text: text.to_owned(), reason };
        match number::read_number(text).map_err(refusal)? {
            Number::Int(index) => Ok(Some(if negative { -index } else { index })),
            Number::Float(_) => Err(refusal("it is not a whole number")),
        }
    }

    /// The next character that is not blank, which becomes the position.
    fn peek(&mut self) -> Option<char> {
        let rest = &self.text[self.at..];
        self.at += rest.len() - rest.trim_start().len();
        self.text[self.at..].chars().next()
    }

    fn take(&mut self, c: char) -> bool {
        let found = self.peek() == Some(c);
        if found {
            self.at += c.len_utf8();
        }
        found
    }

    fn unexpected(&mut self, wanted: &'static str) -> SlicesError {
        let found = self.peek().map_or_else(|| "the end".to_owned(), |c| format!("`{c}`"));
        SlicesError::Unexpected { at: self.at, found, wanted }
    }
}

#[cfg(test)]
mod tests;
