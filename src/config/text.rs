//! Texts that users wrote (the file, arguments of the command line), and places in them.

use std::{ops::Range, sync::Arc};

/// A text with a name for messages.
#[derive(Debug)]
pub(super) struct Text {
    /// The file's path as the user gave it, or `command line`.
    pub(super) name: String,
    /// The text as it is read.
    pub(super) content: String,
    /// The text as it is shown: credentials in addresses are starred out, lengths are the same.
    pub(super) shown: Arc<String>,
    /// Whether a template made it, so that its lines are not the file's.
    pub(super) rendered: bool,
}

/// What a template writes around the name of an environment variable. Neither character has a meaning anywhere, YAML
/// takes both, and they are as long as what is shown in their place.
pub(super) const MARK_START: char = '\u{E000}';
pub(super) const MARK_END: char = '\u{E001}';

/// A stretch of a [`Text`].
#[derive(Debug, Clone)]
pub(super) struct Place {
    pub(super) text: Arc<Text>,
    /// Bytes; always within the text and on character boundaries.
    pub(super) range: Range<usize>,
}

impl Text {
    pub(super) fn new(name: impl Into<String>, content: impl Into<String>) -> Arc<Self> {
        let content = content.into();
        let shown = Arc::new(drawable(&hide_credentials(&content)));
        Arc::new(Self { name: name.into(), content, shown, rendered: false })
    }

    /// What a template was rendered to.
    pub(super) fn rendered(name: &str, content: String) -> Arc<Self> {
        let shown = drawable(&hide_credentials(&content)).replace(MARK_START, "{{ ").replace(MARK_END, " }}");
        Arc::new(Self { name: name.to_owned(), content, shown: Arc::new(shown), rendered: true })
    }

    /// Line and column of a byte offset, both from 1; columns count characters.
    pub(super) fn position(&self, offset: usize) -> (usize, usize) {
        let before = self.content.get(..offset).unwrap_or(&self.content);
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        (before.matches('\n').count() + 1, before[line_start..].chars().count() + 1)
    }

    /// The line that holds a byte offset, with the lines before and after it.
    pub(super) fn lines_around(&self, offset: usize) -> &str {
        let start = self.line_before(offset);
        let after = self.content.get(offset..).unwrap_or("");
        let end = after.match_indices('\n').nth(1).map_or(self.content.len(), |(at, _)| offset + at);
        &self.content[start..end]
    }

    /// The start of the line before the one that holds a byte offset.
    pub(super) fn line_before(&self, offset: usize) -> usize {
        let before = self.content.get(..offset).unwrap_or("");
        before.rmatch_indices('\n').nth(1).map_or(0, |(at, _)| at + 1)
    }
}

impl Place {
    /// A place, pulled onto the text's character boundaries.
    pub(super) fn new(text: &Arc<Text>, range: Range<usize>) -> Self {
        let snap = |mut offset: usize| {
            offset = offset.min(text.content.len());
            while !text.content.is_char_boundary(offset) {
                offset -= 1;
            }
            offset
        };
        let start = snap(range.start);
        Self { text: Arc::clone(text), range: start..snap(range.end).max(start) }
    }

    /// What stands there.
    pub(super) fn slice(&self) -> &str {
        &self.text.content[self.range.clone()]
    }

    /// What is shown of it.
    pub(super) fn shown(&self) -> &str {
        self.text.shown.get(self.range.clone()).unwrap_or("")
    }

    /// The part on the first line, without trailing blanks: what a caret can underline.
    pub(super) fn first_line(&self) -> Range<usize> {
        let line = self.slice().lines().next().unwrap_or("").trim_end();
        self.range.start..self.range.start + line.len()
    }

    /// Line and column, both from 1.
    pub(super) fn position(&self) -> (usize, usize) {
        self.text.position(self.range.start)
    }
}

/// With `?` for each byte of a control character, so that places stay right and a terminal obeys none.
fn drawable(text: &str) -> String {
    if !text.contains(|c: char| c.is_control() && c != '\n') {
        return text.to_owned();
    }
    let mut shown = String::with_capacity(text.len());
    let mut characters = text.chars().peekable();
    while let Some(c) = characters.next() {
        let is_line_end = c == '\r' && characters.peek() == Some(&'\n');
        if c.is_control() && !matches!(c, '\n' | '\t') && !is_line_end {
            shown.extend(std::iter::repeat_n('?', c.len_utf8()));
        } else {
            shown.push(c);
        }
    }
    shown
}

/// Stars out `user:password` and what is asked for in `scheme://user:password@host/path?query`, byte for byte, so that
/// places stay right. A `${...}` in them stays readable: it is no secret itself.
pub(super) fn hide_credentials(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(scheme) = rest.find("://") {
        let (before, after) = rest.split_at(scheme + 3);
        shown.push_str(before);
        let length = after.find(|c: char| c.is_whitespace() || matches!(c, '#' | '"' | '\''));
        let (address, after) = after.split_at(length.unwrap_or(after.len()));
        let authority = address.find(['/', '?']).unwrap_or(address.len());
        let host = address[..authority].rfind('@').unwrap_or(0);
        let query = address.find('?').map_or(address.len(), |mark| mark + 1);
        star_out(&address[..host], &mut shown);
        shown.push_str(&address[host..query]);
        star_out(&address[query..], &mut shown);
        rest = after;
    }
    shown.push_str(rest);
    shown
}

fn star_out(mut secret: &str, shown: &mut String) {
    while let Some(c) = secret.chars().next() {
        let reference = secret.starts_with("${").then(|| secret.find('}')).flatten();
        let length = reference.map_or(c.len_utf8(), |end| end + 1);
        if reference.is_some() {
            shown.push_str(&secret[..length]);
        } else {
            shown.extend(std::iter::repeat_n('*', length));
        }
        secret = &secret[length..];
    }
}
