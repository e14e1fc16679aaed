//! The configuration of an earlier run as its folder keeps it: resolved, and with its secrets in a file of their own.
//!
//! Both files say the same but where the one has `${oc.env:NAME}`, or stars for credentials in an address, and the other
//! has the value. So the values are put into the tree of the file that may be shown, and messages show that one.

use super::{
    ConfigErrors, Loaded,
    error::{Code, ConfigError},
    loaded::{environment, resolved},
    node::{Content, Node},
    path::KeyPath,
    source,
};
use jiff::Zoned;
use std::path::{Path, PathBuf};

/// The files of a configuration that was resolved before.
#[derive(Debug, Clone)]
pub struct Kept {
    /// What may be shown: [`Loaded::resolved_yaml`].
    pub config: PathBuf,
    /// The same with secrets, where it has any: [`Loaded::to_keep`].
    pub secrets: Option<PathBuf>,
}

/// Loads a configuration that was resolved before. What the environment supplied then is as it was then.
///
/// # Errors
/// All mistakes; two files that do not say the same.
pub fn load_kept(kept: &Kept) -> Result<Loaded, ConfigErrors> {
    let name = kept.config.display().to_string();
    let fail = |error| ConfigErrors::new(&name, vec![error]);
    let file = source::read(&kept.config).map_err(fail)?;
    let (mut root, mut mistakes) = source::parse_file(&file).map_err(fail)?;
    let mut values = Vec::new();
    match &kept.secrets {
        Some(path) => {
            let secrets = source::read(path).and_then(|text| source::parse_file(&text)).map_err(fail)?;
            let mut reveal = Reveal { secrets: path, values: &mut values, mistakes: &mut mistakes };
            reveal.node(&mut root, &secrets.0, &KeyPath::default());
        }
        None => starred(&root, &KeyPath::default(), &mut mistakes),
    }
    let mut loaded = resolved(&file, root, mistakes, &[], &Zoned::now(), environment)?;
    loaded.hide_too(values);
    Ok(loaded)
}

/// Without the file of secrets nobody knows what the stars stood for.
fn starred(node: &Node, path: &KeyPath, mistakes: &mut Vec<ConfigError>) {
    match &node.content {
        Content::Map(entries) => {
            entries.iter().for_each(|entry| starred(&entry.value, &path.key(&entry.key), mistakes));
        }
        Content::List(items) => {
            items.iter().enumerate().for_each(|(index, item)| starred(item, &path.index(index), mistakes));
        }
        Content::Scalar(scalar) if scalar.text.contains("://*") => {
            let message = format!("the credentials of `{path}` are not kept any more");
            let help = "they were in `.secrets.yaml` beside this file; write them here, or run the original file again";
            let error = ConfigError::new(Code::MissingKey, message).help(help.to_owned()).key(path);
            mistakes.push(error.at(node.place.as_ref(), "stars stand for them"));
        }
        Content::Scalar(_) | Content::Hole => {}
    }
}

struct Reveal<'a> {
    secrets: &'a Path,
    /// Values and the names of their variables.
    values: &'a mut Vec<(String, String)>,
    mistakes: &'a mut Vec<ConfigError>,
}

impl Reveal<'_> {
    fn node(&mut self, shown: &mut Node, secret: &Node, path: &KeyPath) {
        let fits = match (&mut shown.content, &secret.content) {
            (Content::Map(shown), Content::Map(secret)) => {
                for (shown, secret) in shown.iter_mut().zip(secret) {
                    self.node(&mut shown.value, &secret.value, &path.key(&shown.key));
                }
                shown.iter().map(|entry| &entry.key).eq(secret.iter().map(|entry| &entry.key))
            }
            (Content::List(shown), Content::List(secret)) => {
                for (index, (shown, secret)) in shown.iter_mut().zip(secret).enumerate() {
                    self.node(shown, secret, &path.index(index));
                }
                shown.len() == secret.len()
            }
            (Content::Scalar(shown), Content::Scalar(secret)) if shown.text != secret.text => {
                let values = values(&shown.text, &secret.text);
                let written = std::mem::replace(shown, secret.clone()).text;
                shown.shown = Some(written);
                let fits = values.is_some();
                self.values.extend(values.into_iter().flatten());
                fits
            }
            (Content::Scalar(_), Content::Scalar(_)) => true,
            _ => false,
        };
        if !fits {
            let message = format!("`{path}` is something else in `{}`", self.secrets.display());
            let help = "the two files of this run's configuration were one; undo what was changed in either";
            let error = ConfigError::new(Code::Conflict, message).help(help.to_owned());
            self.mistakes.push(error.at(shown.place.as_ref(), "does not fit"));
        }
    }
}

/// The values of the variables in `shown`, where it stands for `text`, with their names; none where it does not.
fn values(shown: &str, text: &str) -> Option<Vec<(String, String)>> {
    let mut parts = shown.split("${oc.env:");
    let first = parts.next().unwrap_or_default();
    let mut rest = text.get(first.len()..).filter(|_| stands_for(first, &text[..first.len()]))?;
    let mut values = Vec::new();
    let mut names = String::new();
    let mut parts = parts.peekable();
    while let Some(part) = parts.next() {
        let (name, literal) = part.split_once('}')?;
        names.push_str(name);
        let last = parts.peek().is_none();
        if literal.is_empty() && !last {
            // Where one value ends and the next begins cannot be told; they are hidden together.
            names.push_str("}${oc.env:");
            continue;
        }
        let ends = rest.char_indices().map(|(at, _)| at).chain([rest.len()]);
        let fits = |at: &usize| {
            let after = rest.get(*at..*at + literal.len());
            after.is_some_and(|after| stands_for(literal, after))
                && (!last || *at + literal.len() == rest.len())
        };
        let end = ends.into_iter().find(fits)?;
        values.push((rest[..end].to_owned(), std::mem::take(&mut names)));
        rest = &rest[end + literal.len()..];
    }
    rest.is_empty().then_some(values)
}

/// Whether a text is shown like this: the same, but for stars in the place of credentials.
fn stands_for(shown: &str, text: &str) -> bool {
    let same = |(shown, text): (u8, u8)| shown == text || shown == b'*';
    shown.len() == text.len() && shown.bytes().zip(text.bytes()).all(same)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(shown: &str, text: &str) -> Option<Vec<(String, String)>> {
        values(shown, text)
    }

    #[test]
    fn values_are_told_from_what_stands_around_them() {
        let own = |(value, name): (&str, &str)| (value.to_owned(), name.to_owned());
        for (shown, text, expected) in [
            ("${oc.env:A}", "s3cret", &[("s3cret", "A")][..]),
            ("x-${oc.env:A}-y-${oc.env:B}", "x-é-y-two-y-", &[("é", "A"), ("two-y-", "B")]),
            ("${oc.env:A}${oc.env:B}!", "one two!", &[("one two", "A}${oc.env:B")]),
            ("http://*******@host/${oc.env:A}", "http://me:pass@host/s3cret", &[("s3cret", "A")]),
            ("http://***${oc.env:PW}@host", "http://me:pass@host", &[("pass", "PW")]),
            ("http://**@host", "http://me@host", &[]),
            ("http://host/m.h5?**${oc.env:KEY}", "http://host/m.h5?k=s3cret", &[("s3cret", "KEY")]),
        ] {
            let expected: Vec<_> = expected.iter().copied().map(own).collect();
            assert_eq!(found(shown, text), Some(expected), "{shown}");
        }
        for (shown, text) in
            [("9", "5"), ("x${oc.env:A}", "y1"), ("${oc.env:A}x", "1y"), ("é", "x"), ("ab", "é")]
        {
            assert_eq!(found(shown, text), None, "{shown}");
        }
    }
}
