//! What is wrong with a layer list, and where.

use super::{LayerList, render::Rendered};
use std::ops::Range;
use thiserror::Error;

/// Why a layer list is no network. The message begins with file, line and column and shows the line.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{message}")]
pub struct LayerListError {
    /// `layers::template`, `layers::syntax`, `layers::class`, `layers::argument`, `layers::shape`, `layers::network`.
    pub code: &'static str,
    /// What was found, and where.
    pub message: String,
    /// What to do about it.
    pub help: Option<String>,
}

/// What is wrong in a text, before the text is said.
#[derive(Debug)]
pub(super) struct Mistake {
    pub(super) code: &'static str,
    pub(super) message: String,
    pub(super) help: Option<String>,
    /// Bytes of the text that it is about; none for the text as a whole.
    pub(super) range: Option<Range<usize>>,
}

impl Mistake {
    pub(super) fn new(code: &'static str, range: Range<usize>, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), help: None, range: Some(range) }
    }

    pub(super) fn whole(code: &'static str, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), help: None, range: None }
    }

    pub(super) fn help(self, help: impl Into<String>) -> Self {
        Self { help: Some(help.into()), ..self }
    }

    /// With the place in the template of what it is about in the rendered text, and with the rendered line where that is
    /// another.
    pub(super) fn in_text(self, list: &LayerList<'_>, rendered: &Rendered) -> LayerListError {
        let Some(range) = &self.range else { return self.in_template(list) };
        let source = rendered.source(range);
        let [written, read] =
            [Place::of(list.text, &source), Place::of(&rendered.text, range)].map(|place| place.text.trim());
        let note = match written == read {
            true => String::new(),
            false => format!("\n  where it renders to `{}`", read.chars().take(SHOWN).collect::<String>()),
        };
        Self { range: Some(source), ..self }.told(list, &note)
    }

    /// With the place in the template itself.
    pub(super) fn in_template(self, list: &LayerList<'_>) -> LayerListError {
        self.told(list, "")
    }

    fn told(self, list: &LayerList<'_>, note: &str) -> LayerListError {
        let LayerList { name, text } = list;
        let Self { code, message, help, range } = self;
        let (message, help) = (plain(&message), help.map(|help| plain(&help)));
        let message = match range.map(|range| Place::of(text, &range)) {
            Some(place) => {
                let (line, column) = (place.line, place.column);
                format!("{name}:{line}:{column}: {message}\n{}{}", place.drawn(), plain(note))
            }
            None => format!("{name}: {message}"),
        };
        LayerListError { code, message, help }
    }
}

/// Longest part of a line that is shown, characters.
const SHOWN: usize = 100;

/// A place in a text.
struct Place<'a> {
    /// From 1.
    line: usize,
    /// From 1, in characters.
    column: usize,
    /// The line.
    text: &'a str,
    /// Characters that are underlined.
    width: usize,
}

impl<'a> Place<'a> {
    fn of(text: &'a str, range: &Range<usize>) -> Self {
        let at = floor(text, range.start);
        let start = text[..at].rfind('\n').map_or(0, |newline| newline + 1);
        let end = text[at..].find('\n').map_or(text.len(), |newline| at + newline);
        let until = floor(text, range.end.clamp(at, end));
        Self {
            line: text[..at].matches('\n').count() + 1,
            column: text[start..at].chars().count() + 1,
            text: text[start..end].trim_end_matches('\r'),
            width: text[at..until].trim_end().chars().count().max(1),
        }
    }

    /// The line with carets below the place.
    fn drawn(&self) -> String {
        let number = self.line.to_string();
        let margin = " ".repeat(number.len());
        // Of a long line what is around the place.
        let skipped = (self.column + self.width.min(SHOWN / 2)).saturating_sub(SHOWN);
        let line: String = self.text.chars().skip(skipped).take(SHOWN).collect();
        let before = " ".repeat(self.column - 1 - skipped);
        let carets = "^".repeat(self.width.min(SHOWN));
        format!("  {number} | {}\n  {margin} | {before}{carets}", plain(&line).trim_end())
    }
}

/// The text without what a terminal obeys.
fn plain(text: &str) -> String {
    text.replace(|c: char| c.is_control() && c != '\n', "\u{fffd}")
}

/// The nearest border of characters at or below a byte.
fn floor(text: &str, byte: usize) -> usize {
    let mut at = byte.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}
