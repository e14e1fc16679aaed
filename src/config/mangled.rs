//! Values that YAML takes apart or changes without a word: a tuple or a lambda inside braces and brackets, a lambda that
//! becomes a key, a Windows path in double quotes, a key with an invisible character.
//!
//! Each is a mistake that is told once; what is left of the value becomes a [`Content::Hole`], so that its pieces do not
//! raise more mistakes.

use super::{
    error::{Code, ConfigError},
    node::{Content, Entry, Node, Scalar},
    overrides::COMMAND_LINE,
    text::Place,
};

/// Whether a mapping is the pieces of a lambda: `lambda epoch, lr: lr/2` where it is not quoted is a mapping whose key is
/// `lambda epoch, lr`.
pub(super) fn lambda_as_key(entries: &[Entry], whole: Option<&Place>) -> Option<ConfigError> {
    let [entry] = entries else { return None };
    let quoted = entry.place.as_ref().is_some_and(|place| place.slice().starts_with(['"', '\'']));
    if quoted || !is_lambda(&entry.key) {
        return None;
    }
    Some(cut_lambda("a lambda", "", whole))
}

/// `{a: (1, 2), b: 3}` is `{"a": "(1", "2)": null, "b": 3}` to every YAML parser, because braces cut at commas.
pub(super) fn in_braces(entries: &mut Vec<Entry>) -> Vec<ConfigError> {
    let mut mistakes = Vec::new();
    let mut at = 0;
    while at < entries.len() {
        if let Some((end, is_tuple)) = pieces_in_braces(entries, at) {
            let place = from_to(entries[at].value.place.as_ref(), last_place(&entries[end - 1]));
            let key = entries[at].key.clone();
            let prefix = format!("{key}: ");
            mistakes.push(match is_tuple {
                true => cut_tuple(&format!("the value of `{key}`"), &prefix, place.as_ref()),
                false => cut_lambda(&format!("the lambda of `{key}`"), &prefix, place.as_ref()),
            });
            entries[at].value = Node::hole(place);
            entries.drain(at + 1..end);
        }
        at += 1;
    }
    mistakes
}

/// The entry behind the last piece of the value that starts in an entry, and whether it is a tuple; None where the value
/// is whole.
fn pieces_in_braces(entries: &[Entry], at: usize) -> Option<(usize, bool)> {
    let scalar = entries[at].value.scalar().filter(|scalar| !scalar.quoted)?;
    let mut end = at + 1;
    if is_lambda(&scalar.text) && !scalar.text.contains(':') {
        // The arguments up to the one behind which the colon stands, then what is left of the expression.
        while end < entries.len() && entries[end].value.is_absent() {
            end += 1;
        }
        let mut open = entries.get(end)?.value.scalar().map_or(0, |scalar| balance(&scalar.text));
        end += 1;
        while open > 0 && end < entries.len() {
            open += balance(&entries[end].key);
            end += 1;
        }
        return Some((end, false));
    }
    let mut open = opens(scalar)?;
    while open > 0 && end < entries.len() && entries[end].value.is_absent() {
        open += balance(&entries[end].key);
        end += 1;
    }
    (open == 0).then_some((end, true))
}

/// The same for `[(1, 2), (3, 4)]`.
pub(super) fn in_brackets(items: &mut Vec<Node>) -> Vec<ConfigError> {
    let mut mistakes = Vec::new();
    let mut at = 0;
    while at < items.len() {
        if let Some((end, is_tuple)) = pieces_in_brackets(items, at) {
            let place = from_to(items[at].place.as_ref(), items[end - 1].place.as_ref());
            mistakes.push(match is_tuple {
                true => cut_tuple("a tuple in a list", "", place.as_ref()),
                false => cut_lambda("a lambda in a list", "", place.as_ref()),
            });
            items[at] = Node::hole(place);
            items.drain(at + 1..end);
        }
        at += 1;
    }
    mistakes
}

fn pieces_in_brackets(items: &[Node], at: usize) -> Option<(usize, bool)> {
    let scalar = items[at].scalar().filter(|scalar| !scalar.quoted)?;
    let mut end = at + 1;
    if is_lambda(&scalar.text) && !scalar.text.contains(':') {
        let is_rest = items.get(end).is_some_and(|item| item.entries().is_some());
        return Some((end + usize::from(is_rest), false));
    }
    let mut open = opens(scalar)?;
    while open > 0 && end < items.len() {
        open += balance(&items[end].scalar().filter(|scalar| !scalar.quoted)?.text);
        end += 1;
    }
    (open == 0).then_some((end, true))
}

fn cut_tuple(what: &str, prefix: &str, place: Option<&Place>) -> ConfigError {
    let tuple = place.map_or("(1, 2)", Place::shown);
    let list = tuple.trim_start_matches('(').trim_end_matches(')');
    // A slice such as `110:121` is text in a list, and a list of texts is no slice; a tuple in it would be cut again.
    let help = match list.contains([':', '(']) {
        true => format!("write `{prefix}\"{tuple}\"`"),
        false => format!("write `{prefix}[{list}]` or `{prefix}\"{tuple}\"`"),
    };
    ConfigError::new(
        Code::Syntax,
        format!("{what} is cut in pieces: inside braces and brackets, YAML cuts at commas"),
    )
    .at(place, "not one value")
    .help(help)
}

fn cut_lambda(what: &str, prefix: &str, place: Option<&Place>) -> ConfigError {
    let lambda = place.map_or("lambda epoch, lr: lr", Place::shown);
    let help = match place.filter(|place| place.text.name == COMMAND_LINE) {
        Some(Place { text, range }) => {
            let key = text.shown.get(..range.start).unwrap_or("").trim_end();
            format!("put quotes inside the shell's: '{key}{}'", in_quotes(lambda))
        }
        None => format!("quote it: {prefix}{}", in_quotes(lambda)),
    };
    ConfigError::new(
        Code::Syntax,
        format!("{what} is cut in pieces: without quotes, YAML cuts it at its colon and commas"),
    )
    .at(place, "not one value")
    .help(help)
}

/// In the quotes that need no change of the text.
pub(super) fn in_quotes(text: &str) -> String {
    let text = text.trim();
    if !text.contains(['"', '\\']) {
        format!("\"{text}\"")
    } else {
        format!("'{}'", text.replace('\'', "''"))
    }
}

/// A path in double quotes whose backslashes are escapes: `"C:\train\new"` holds a tab and a line end.
pub(super) fn path_with_escapes(key: Option<&str>, node: &Node) -> Option<ConfigError> {
    // A mapping may begin with a key in quotes.
    node.scalar()?;
    let place = node.place.as_ref()?;
    let inner = place.slice().strip_prefix('"')?;
    let is_drive = matches!(inner.as_bytes(), [letter, b':', b'\\', ..] if letter.is_ascii_alphabetic());
    let is_path_key = key.is_some_and(|key| ["path", "dir", "file"].iter().any(|end| key.ends_with(end)));
    if !is_drive && !is_path_key {
        return None;
    }
    let escape = first_escape(inner)?;
    let name = key.map_or_else(|| "the path".to_owned(), |key| format!("the path of `{key}`"));
    let part = Place::new(&place.text, place.range.start + 1 + escape..place.range.start + 3 + escape);
    Some(
        ConfigError::new(
            Code::Syntax,
            format!("{name} is not what it looks like: in double quotes `{}` is an escape", part.slice()),
        )
        .at(Some(&part), "one character, and no backslash")
        .help("use single quotes, or `/` instead of each backslash".to_owned()),
    )
}

/// Where the first escape stands that is not one of a backslash, a quote, a slash or a code point.
fn first_escape(text: &str) -> Option<usize> {
    let mut characters = text.char_indices();
    while let Some((at, c)) = characters.next() {
        if c == '\\' && !matches!(characters.next()?.1, '\\' | '"' | '/' | 'u') {
            return Some(at);
        }
    }
    None
}

/// A key without the invisible characters that come along when text is copied from a page, and the mistake.
pub(super) fn invisible(key: &str, place: Option<&Place>) -> Option<(String, ConfigError)> {
    let found = key.chars().find(|c| is_invisible(*c))?;
    let clean: String = key.chars().filter(|c| !is_invisible(*c)).collect();
    let message = format!("the key `{clean}` holds an invisible character, U+{:04X}", u32::from(found));
    let error = ConfigError::new(Code::Syntax, message)
        .at(place, "more than it shows")
        .help(format!("type `{clean}` and the blanks before it again"));
    Some((clean, error))
}

/// Blanks that YAML takes for letters, and characters without a shape.
pub(super) fn is_invisible(c: char) -> bool {
    matches!(c, '\u{a0}' | '\u{2000}'..='\u{200f}' | '\u{202f}' | '\u{2060}' | '\u{3000}' | '\u{feff}')
}

fn is_lambda(text: &str) -> bool {
    text.strip_prefix("lambda").is_some_and(|rest| rest.starts_with([' ', ':', '\t']))
}

/// How many parentheses a plain scalar leaves open, if any.
fn opens(scalar: &Scalar) -> Option<i32> {
    Some(balance(&scalar.text)).filter(|&open| open > 0 && !scalar.quoted)
}

fn balance(text: &str) -> i32 {
    text.chars().map(|c| i32::from(c == '(') - i32::from(c == ')')).sum()
}

fn last_place(entry: &Entry) -> Option<&Place> {
    let value = entry.value.place.as_ref().filter(|place| !place.range.is_empty());
    match &entry.value.content {
        Content::Scalar(scalar) if scalar.is_empty() => entry.place.as_ref(),
        _ => value.or(entry.place.as_ref()),
    }
}

fn from_to(first: Option<&Place>, last: Option<&Place>) -> Option<Place> {
    match (first, last) {
        (Some(first), Some(last)) => {
            Some(Place::new(&first.text, first.range.start..last.range.end.max(first.range.end)))
        }
        _ => first.cloned(),
    }
}
