//! Syntax errors, with help for the mistakes that people really make.

use super::{
    error::{Code, ConfigError},
    mangled::{in_quotes, is_invisible},
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
    let what = if message.contains("recursion limit") {
        "nested too deep".to_owned()
    } else {
        format!("this is not YAML: {message}")
    };
    ConfigError::new(Code::Syntax, what).at(Some(&place), "the parser stopped here").help(help(
        text,
        place.range.start,
        message,
    ))
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

fn help(text: &Text, offset: usize, message: &str) -> Option<String> {
    // What is shown has no credentials, and the same places.
    let start = offset.saturating_sub(column(text, offset));
    let (before, rest) = text.shown.split_at_checked(start)?;
    let line = rest.lines().next().unwrap_or("");
    let near: Vec<&str> = [line].into_iter().chain(before.lines().rev().take(2)).collect();
    let rules: [&dyn Fn() -> Option<String>; 8] = [
        &|| quotes(message),
        &|| near.iter().find_map(|line| lambda(line)),
        &|| near.iter().find_map(|line| equals(line).or_else(|| joined_key(line))),
        &|| special_start(line.get(offset - start..)?, message),
        &|| colon_in_value(line),
        &|| near.iter().find_map(|line| invisible_indent(line)),
        &|| brackets(text, offset, message),
        &|| indentation(before, line),
    ];
    rules.iter().find_map(|rule| rule())
}

/// Quotes that do not close, or close too early, or hold escapes.
fn quotes(message: &str) -> Option<String> {
    if message.contains("unclosed quote") {
        return Some(
            "the quote that opens here is closed nowhere: end the value with the same quote".to_owned(),
        );
    }
    if message.contains("trailing content after") {
        return Some(
            "the quotes end before the value does: put all of it into quotes, or none; inside single quotes \
             a quote is written twice, as in 'it''s'"
                .to_owned(),
        );
    }
    message
        .contains("escape")
        .then(|| "in double quotes `\\` starts an escape: use single quotes, or `/` in paths".to_owned())
}

/// A lambda that is not quoted, in the form that can stand there.
fn lambda(line: &str) -> Option<String> {
    let (key, rest) = line.split_at(line.find("lambda ")?);
    let key = key.trim();
    if key.contains(['"', '\'', '|']) || !(key.ends_with(':') || key.is_empty()) {
        return None;
    }
    let key = if key.is_empty() { "schedule:" } else { key };
    let whole = rest.trim_end();
    // One that goes on in the next line is shown by its beginning.
    let shown = if whole.ends_with(':') { format!("{whole} ...") } else { whole.to_owned() };
    Some(format!(
        "a lambda holds a colon, so quote it:\n  {key} {}\nor start a block, the lambda on its next lines:\n  {key} \
         |-\n    {shown}",
        in_quotes(&shown)
    ))
}

/// `key = value`.
fn equals(line: &str) -> Option<String> {
    let (key, value) = line.trim().split_once(" =").or_else(|| line.trim().split_once('='))?;
    let is_key = !key.is_empty() && key.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    (is_key && !value.starts_with('=')).then(|| format!("a key ends with a colon: `{key}: {}`", value.trim()))
}

/// Values that start with a character of YAML's own.
fn special_start(rest: &str, message: &str) -> Option<String> {
    let rest = rest.trim_end();
    let first = rest.chars().next()?;
    if message.contains("sequence entries are not allowed") {
        return Some(format!(
            "a list starts on the line after its key, or is written [{}]",
            rest.get(2..)?.trim()
        ));
    }
    if message.contains("scanning a block scalar") {
        return Some(format!("after `{first}` the text starts on the next line"));
    }
    if message.contains("unknown anchor") {
        return Some(format!(
            "`{rest}` refers to an anchor, and the file has no `&{}`; text that starts with `*` belongs in quotes",
            rest.trim_start_matches('*')
        ));
    }
    if message.contains("unexpected character: `\\u{") {
        return Some(
            "this is no character of a text: the file is damaged, or not saved as UTF-8 text".to_owned(),
        );
    }
    let is_special = matches!(first, '@' | '`' | '%' | '?');
    is_special
        .then(|| format!("a value that starts with this character belongs in quotes: {}", in_quotes(rest)))
}

/// `key: a: b`.
fn colon_in_value(line: &str) -> Option<String> {
    let (key, value) = line.split_once(": ")?;
    let value = value.trim();
    let plain = value.contains(": ") && !value.starts_with(['"', '\'', '{', '[', '|', '>', '#']);
    plain.then(|| {
        format!(
            "a value that holds a colon and a blank belongs in quotes: `{}: {}`",
            key.trim(),
            in_quotes(value)
        )
    })
}

fn invisible_indent(line: &str) -> Option<String> {
    let indent = line.len() - line.trim_start_matches(|c: char| c == ' ' || is_invisible(c)).len();
    let found = line[..indent].chars().find(|c| is_invisible(*c))?;
    Some(format!(
        "a line here is indented with U+{:04X}, which looks like a blank and is none: type the blanks again",
        u32::from(found)
    ))
}

/// Brackets and braces that are not closed, not opened, or glued to a colon.
fn brackets(text: &Text, offset: usize, message: &str) -> Option<String> {
    if message.contains("misplaced bracket") {
        return Some("nothing is open here that this could close: remove it".to_owned());
    }
    if message.contains("may not precede") {
        return Some("write a blank after the colon: `key: {...}`, `key: [...]`".to_owned());
    }
    let (bracket, line) = open_bracket(&text.content[..offset])?;
    Some(format!("the `{bracket}` on line {line} is not closed"))
}

/// A line that starts in a column in which no mapping before it starts.
fn indentation(before: &str, line: &str) -> Option<String> {
    let indent = |line: &str| line.len() - line.trim_start().len();
    let is_content = |line: &&str| !line.trim().is_empty() && !line.trim_start().starts_with('#');
    let mut lines = before.lines().rev().filter(is_content);
    let (here, previous) = (indent(line), lines.next()?);
    if here > indent(previous) && !previous.trim_end().ends_with(':') {
        return Some(format!(
            "the line is indented by {here}, the one before by {}: keys of one mapping start in one column",
            indent(previous)
        ));
    }
    // The columns of the mappings that are open, innermost first.
    let mut open = vec![indent(previous)];
    for line in lines {
        if open.last().is_some_and(|last| indent(line) < *last) {
            open.push(indent(line));
        }
    }
    if open.contains(&here) {
        return None;
    }
    let columns: Vec<String> = open.iter().map(ToString::to_string).collect();
    Some(format!(
        "the line is indented by {here}, and no line that it could go on from is: those before it by {}",
        columns.join(", then ")
    ))
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
