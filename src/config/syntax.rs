//! Syntax errors, with help for the mistakes that people really make.

use super::{
    error::{Code, ConfigError},
    node::Node,
    text::{Place, Text},
};
use std::sync::Arc;

/// The error for a text that no YAML parser reads.
pub(super) fn syntax_error(text: &Arc<Text>, at: usize, message: &str) -> ConfigError {
    let place = Place::new(text, at..at + 1);
    if let Some(tab) = tab_near(text, place.range.start) {
        return ConfigError::new(Code::Syntax, "the line is indented with a tab")
            .at(Some(&tab), "a tab")
            .help("YAML indents with blanks only".to_owned());
    }
    let message = if message.contains("recursion limit") {
        "nested too deep".to_owned()
    } else {
        format!("this is not YAML: {message}")
    };
    ConfigError::new(Code::Syntax, message)
        .at(Some(&place), "the parser stopped here")
        .help(help(text, place.range.start))
}

/// "write a blank after the colon" where that is the likely mistake.
pub(super) fn blank_after_colon(node: &Node) -> Option<String> {
    let scalar = node.scalar().filter(|scalar| !scalar.quoted && scalar.shown.is_none())?;
    joined_key(scalar.text.lines().next()?)
}

/// The help for `key:value`.
fn joined_key(line: &str) -> Option<String> {
    let (key, value) = line.trim_start().split_once(':')?;
    let is_key = !key.is_empty() && key.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    let joined = !value.is_empty() && !value.starts_with([' ', '\t', '/', '\\']);
    (is_key && joined).then(|| format!("write a blank after the colon: `{key}: {}`", value.trim_end()))
}

/// A tab in the indentation of the line at an offset or of a line beside it.
fn tab_near(text: &Arc<Text>, offset: usize) -> Option<Place> {
    let around = text.lines_around(offset);
    let mut start = text.content.len() - text.content[text.line_before(offset)..].len();
    for line in around.split_inclusive('\n') {
        let indent = line.len() - line.trim_start_matches([' ', '\t']).len();
        if let Some(tab) = line[..indent].find('\t') {
            return Some(Place::new(text, start + tab..start + tab + 1));
        }
        start += line.len();
    }
    None
}

fn help(text: &Text, offset: usize) -> Option<String> {
    let line = text.line_at(offset);
    let before = &text.content[..offset - offset.min(column(text, offset))];
    let near: Vec<&str> = before.lines().rev().take(2).chain([line]).collect();
    if near.iter().any(|line| line.contains("lambda ") && !line.contains(['"', '|'])) {
        return Some(
            "a lambda holds a colon: put it into quotes, or start a block with `schedule: |-` and the lambda \
             indented on the next lines"
                .to_owned(),
        );
    }
    if line.contains('"') && line.contains('\\') {
        return Some("in double quotes `\\` starts an escape: use single quotes, or `/` in paths".to_owned());
    }
    if let Some(help) = near.iter().find_map(|line| joined_key(line)) {
        return Some(help);
    }
    if let Some((bracket, line)) = open_bracket(&text.content[..offset]) {
        return Some(format!("the `{bracket}` on line {line} is not closed"));
    }
    let indent = |line: &str| line.len() - line.trim_start().len();
    let previous = before.lines().rev().find(|line| !line.trim().is_empty())?;
    (indent(line) > indent(previous) && !previous.trim_end().ends_with(':')).then(|| {
        format!(
            "the line is indented by {}, the one before by {}: keys of one mapping start in one column",
            indent(line),
            indent(previous)
        )
    })
}

/// Bytes from the start of its line.
fn column(text: &Text, offset: usize) -> usize {
    let before = &text.content[..offset];
    before.len() - before.rfind('\n').map_or(0, |newline| newline + 1)
}

/// The last bracket that is opened in the last lines and not closed, and its line.
fn open_bracket(before: &str) -> Option<(char, usize)> {
    const LINES: usize = 20;
    let total = before.lines().count();
    let mut open = Vec::new();
    for (number, line) in before.lines().enumerate().skip(total.saturating_sub(LINES)) {
        let line = line.split(" #").next().unwrap_or(line);
        let mut quote = None;
        for c in line.chars() {
            match (quote, c) {
                (Some(mark), c) if mark == c => quote = None,
                (None, '"' | '\'') => quote = Some(c),
                (None, '[' | '{') => open.push((c, number + 1)),
                (None, ']' | '}') => {
                    open.pop();
                }
                _ => {}
            }
        }
    }
    open.pop()
}
