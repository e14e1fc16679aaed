//! From the tree back to YAML.

use super::{
    node::{Content, Kind, Node, Scalar},
    text::hide_credentials,
};
use serde_yaml::Value;

/// YAML that reads back as the same tree. With `secrets`, values from the environment are written out; without, they
/// are `${oc.env:NAME}`, and credentials in addresses are starred out.
pub(super) fn yaml(root: &Node, secrets: bool) -> String {
    let mut out = String::new();
    match &root.content {
        Content::Map(entries) if entries.is_empty() => out.push_str("{}\n"),
        _ => block(&mut out, root, 0, secrets),
    }
    if secrets { out } else { hide_credentials(&out) }
}

/// Writes a value after `key:` or `-`: on the same line where it has no parts, else on the next ones.
fn block(out: &mut String, node: &Node, indent: usize, secrets: bool) {
    match &node.content {
        Content::Map(entries) => {
            for entry in entries {
                out.push_str(&" ".repeat(indent));
                out.push_str(&plain_or_quoted(&entry.key, &Kind::Text, false));
                out.push(':');
                value(out, &entry.value, indent, secrets);
            }
        }
        Content::List(items) => {
            for item in items {
                out.push_str(&" ".repeat(indent));
                out.push('-');
                value(out, item, indent, secrets);
            }
        }
        _ => value(out, node, indent, secrets),
    }
}

fn value(out: &mut String, node: &Node, indent: usize, secrets: bool) {
    match &node.content {
        Content::Map(entries) if entries.is_empty() => out.push_str(" {}\n"),
        Content::List(items) if items.is_empty() => out.push_str(" []\n"),
        Content::Map(_) | Content::List(_) => {
            out.push('\n');
            block(out, node, indent + 2, secrets);
        }
        Content::Scalar(scalar) if scalar.kind == Kind::Null && scalar.is_empty() => out.push('\n'),
        Content::Scalar(scalar) => {
            out.push(' ');
            out.push_str(&plain_or_quoted(&written(scalar, secrets), &scalar.kind, scalar.quoted));
            out.push('\n');
        }
        Content::Hole => out.push('\n'),
    }
}

/// The text in the language of the file.
fn written(scalar: &Scalar, secrets: bool) -> String {
    match &scalar.shown {
        // Text of another language than ours is the same in both.
        Some(shown) if !secrets || *shown == scalar.text => shown.clone(),
        _ => scalar.text.replace("${", "\\${"),
    }
}

/// Without quotes where that reads back as the same, else in double quotes.
fn plain_or_quoted(text: &str, kind: &Kind, quoted: bool) -> String {
    if !quoted && *kind == Kind::Text && is_a_name(text) {
        return text.to_owned();
    }
    let reads_back = || {
        let Ok(Value::Mapping(read)) = serde_yaml::from_str::<Value>(&format!("k: {text}\n")) else {
            return false;
        };
        match (read.get("k"), kind) {
            (Some(Value::String(read)), Kind::Text) => read == text,
            (Some(Value::Null), Kind::Null) => true,
            (Some(Value::Bool(read)), Kind::Bool(value)) => read == value,
            (Some(Value::Number(read)), Kind::Number(value)) => read == value,
            _ => false,
        }
    };
    if !quoted && !text.is_empty() && !text.contains(['\n', '\r']) && reads_back() {
        return text.to_owned();
    }
    in_double_quotes(text)
}

/// Whether a text is read as itself without anybody having to try: most keys and many values are.
fn is_a_name(text: &str) -> bool {
    // The longest word with a meaning of its own is `false`.
    let is_long = text.len() > 5 || text.contains(['_', '/']);
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || b"_-./".contains(&byte);
    is_long && text.starts_with(|c: char| c.is_ascii_alphabetic()) && text.bytes().all(is_part)
}

/// In double quotes; characters that need an escape have one that is in no path by accident, as `\n` is.
fn in_double_quotes(text: &str) -> String {
    let mut quoted = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            c if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}') => {
                quoted.push_str(&format!("\\u{:04x}", u32::from(c)));
            }
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_name_reads_back_as_itself(text in "[a-zA-Z][a-zA-Z0-9_./-]{0,12}") {
            prop_assume!(is_a_name(&text));
            let read: Value = serde_yaml::from_str(&format!("k: {text}\n")).unwrap();
            prop_assert_eq!(read.get("k"), Some(&Value::String(text.clone())));
            let read: Value = serde_yaml::from_str(&format!("{text}: v\n")).unwrap();
            prop_assert_eq!(read.get(text.as_str()), Some(&Value::String("v".to_owned())));
        }
    }

    #[test]
    fn a_word_with_a_meaning_of_its_own_is_no_name() {
        for word in
            ["true", "False", "NULL", "null", "yes", "off", "y", "nan", "inf", "e5", ".inf", "", "1_000"]
        {
            assert!(!is_a_name(word), "{word}");
        }
        for name in ["general", "s0_0", "a/b.txt", "chain_tqe"] {
            assert!(is_a_name(name), "{name}");
        }
    }
}
