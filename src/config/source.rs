//! From bytes to a tree of nodes.

use super::{
    error::{Code, ConfigError},
    node::{Content, Entry, Kind, Node, Scalar},
    spans::{self, NoTree, Shape, Spanned},
    suggest,
    syntax::{blank_after_colon, syntax_error},
    template::is_template,
    text::{Place, Text},
};
use serde_yaml::Value;
use std::{
    io::{self, Read},
    path::{Path, PathBuf},
    rc::Rc,
    sync::Arc,
};

/// Largest file that is read, bytes; real ones have a few thousand.
pub(super) const MAX_BYTES: usize = 4 << 20;

/// Reads a file.
pub(super) fn read(path: &Path) -> Result<Arc<Text>, ConfigError> {
    let refused = |what: String| ConfigError::new(Code::Path, what);
    let shown = path.display();
    if path.is_dir() {
        let files = yaml_files(path);
        let help = (!files.is_empty()).then(|| format!("give one of its files: {}", some_of(&files)));
        return Err(refused(format!("`{shown}` is a folder, not a file")).help(help));
    }
    let mut bytes = Vec::new();
    let read =
        fs_err::File::open(path).and_then(|file| file.take(MAX_BYTES as u64 + 1).read_to_end(&mut bytes));
    match read {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let full = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
            let message = if full == path {
                format!("there is no file `{shown}`")
            } else {
                format!("there is no file `{shown}` (looked for {})", full.display())
            };
            return Err(refused(message).help(what_is_there(path)));
        }
        Err(error) => return Err(refused(format!("`{shown}` cannot be read: {error}"))),
        Ok(_) => {}
    }
    if bytes.len() > MAX_BYTES {
        let message = format!("`{shown}` has more than {} MiB: that is no configuration", MAX_BYTES >> 20);
        return Err(refused(message));
    }
    let content = String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        let line = error.as_bytes()[..at].iter().filter(|&&byte| byte == b'\n').count() + 1;
        ConfigError::new(
            Code::Syntax,
            format!("`{shown}` is not UTF-8 text: byte {at}, on line {line}, is wrong"),
        )
        .help("save it as UTF-8; it is plain text with the extension .yaml".to_owned())
    })?;
    // A byte-order mark is no content.
    let content = content.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(content);
    Ok(Text::new(shown.to_string(), content))
}

/// What may have been meant by a file that is not there.
fn what_is_there(path: &Path) -> String {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let listed = folder.unwrap_or(Path::new("."));
    let shown = listed.display();
    if !listed.is_dir() {
        return format!("there is no folder `{shown}` either");
    }
    let files = yaml_files(listed);
    if files.is_empty() {
        return format!("there is no YAML file at all in `{shown}`; `pipeline init training` writes one");
    }
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let same_stem = |file: &&String| {
        ["yaml", "yml", "yaml.j2", "yml.j2"].iter().any(|end| **file == format!("{name}.{end}"))
    };
    let near = files
        .iter()
        .find(same_stem)
        .map(String::as_str)
        .or_else(|| suggest::nearest(&name, files.iter().map(String::as_str)));
    let meant = near
        .map(|near| {
            format!(
                "did you mean `{}`? ",
                folder.map_or(PathBuf::from(near), |folder| folder.join(near)).display()
            )
        })
        .unwrap_or_default();
    format!("{meant}YAML files in `{shown}`: {}", some_of(&files))
}

/// The first names of a list, and how many more there are.
fn some_of(names: &[String]) -> String {
    const SHOWN: usize = 15;
    let more = match names.len().saturating_sub(SHOWN) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    format!("{}{more}", names[..names.len().min(SHOWN)].join(", "))
}

/// The names of the YAML files in a folder, sorted.
fn yaml_files(folder: &Path) -> Vec<String> {
    let Ok(entries) = fs_err::read_dir(folder) else { return Vec::new() };
    let mut names: Vec<String> = entries
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|name| name.ends_with(".yaml") || name.ends_with(".yml") || is_template(name))
        .collect();
    names.sort();
    names
}

/// The tree of a whole file. Its root is a mapping.
pub(super) fn parse_file(text: &Arc<Text>) -> Result<(Node, Vec<ConfigError>), ConfigError> {
    let (root, mistakes) = parse(text, 0)?;
    match &root.content {
        Content::Map(_) => Ok((root, mistakes)),
        Content::Scalar(scalar) if scalar.kind == Kind::Null => {
            Err(ConfigError::new(Code::Syntax, format!("`{}` is empty", text.name))
                .help("a configuration has at least `operation_mode:` and `general:`".to_owned()))
        }
        _ => Err(ConfigError::new(
            Code::Syntax,
            format!("the file must be a mapping of sections, found {}", root.describe()),
        )
        .at(root.place.as_ref(), "no `section:` here")
        .help(
            blank_after_colon(&root)
                .unwrap_or_else(|| "a file starts like `operation_mode: training`".to_owned()),
        )),
    }
}

/// The tree of the YAML that starts at `offset` of a text, and mistakes that do not keep it from being read on.
pub(super) fn parse(text: &Arc<Text>, offset: usize) -> Result<(Node, Vec<ConfigError>), ConfigError> {
    let yaml = &text.content[offset..];
    let spans = match spans::tree(text, offset) {
        Ok(spans) => spans,
        Err(NoTree::Refused(error)) => return Err(*error),
        Err(NoTree::Scan { at, message }) => {
            if serde_yaml::from_str::<Value>(yaml).is_err() {
                return Err(syntax_error(text, at, &message));
            }
            None
        }
    };
    let value: Value = serde_yaml::from_str(yaml).map_err(|error| {
        let at = error.location().map_or(0, |location| location.index());
        syntax_error(text, offset + at, &error.to_string())
    })?;
    let mut maker = Maker { text, mistakes: Vec::new() };
    let root = maker.node(&value, spans.as_deref())?;
    Ok((root, maker.mistakes))
}

struct Maker<'a> {
    text: &'a Arc<Text>,
    mistakes: Vec<ConfigError>,
}

impl Maker<'_> {
    fn node(&mut self, value: &Value, spans: Option<&Spanned>) -> Result<Node, ConfigError> {
        let place = spans.map(|spans| Place::new(self.text, spans.range.clone()));
        let content = match value {
            Value::Null => scalar(Kind::Null, "null", spans),
            Value::Bool(value) => scalar(Kind::Bool(*value), &value.to_string(), spans),
            Value::Number(value) => scalar(Kind::Number(value.clone()), &value.to_string(), spans),
            Value::String(value) => scalar(Kind::Text, value, spans),
            Value::Sequence(values) => {
                let shapes = match spans.map(|spans| &*spans.shape) {
                    Some(Shape::List { items, flow }) if items.len() == values.len() => Some((items, *flow)),
                    _ => None,
                };
                let mut items = Vec::with_capacity(values.len());
                for (index, value) in values.iter().enumerate() {
                    items.push(self.node(value, shapes.map(|(items, _)| &*items[index]))?);
                }
                if shapes.is_some_and(|(_, flow)| flow) {
                    self.cut_tuples_in_list(&mut items);
                }
                Content::List(items)
            }
            Value::Mapping(values) => {
                let shapes = match spans.map(|spans| &*spans.shape) {
                    Some(Shape::Map { entries, flow }) if entries.len() == values.len() => {
                        Some((entries, *flow))
                    }
                    _ => None,
                };
                let mut entries = Vec::with_capacity(values.len());
                for (index, (key, value)) in values.iter().enumerate() {
                    let spans = shapes.map(|(entries, _)| &entries[index]);
                    entries.push(self.entry(key, value, spans, place.as_ref())?);
                }
                if shapes.is_some_and(|(_, flow)| flow) {
                    self.cut_tuples_in_map(&mut entries);
                }
                Content::Map(merge(entries)?)
            }
            Value::Tagged(tagged) => {
                return Err(ConfigError::new(
                    Code::Syntax,
                    format!("the tag `{}` has no meaning here", tagged.tag),
                )
                .at(place.as_ref(), "tagged value")
                .help("write the value without a tag".to_owned()));
            }
        };
        Ok(Node { place, content })
    }

    fn entry(
        &mut self,
        key: &Value,
        value: &Value,
        spans: Option<&(Rc<Spanned>, Rc<Spanned>)>,
        parent: Option<&Place>,
    ) -> Result<Entry, ConfigError> {
        let place = spans.map(|(key, _)| Place::new(self.text, key.range.clone()));
        let text = match (key, spans.map(|(key, _)| &*key.shape)) {
            (Value::Null, _) | (Value::Sequence(_) | Value::Mapping(_) | Value::Tagged(_), _) => {
                return Err(ConfigError::new(Code::Syntax, "a key must be a name")
                    .at(place.as_ref().or(parent), "not a name")
                    .help("quote a name that holds special characters".to_owned()));
            }
            (_, Some(Shape::Scalar { text, .. })) => text.clone(),
            (Value::String(text), _) => text.clone(),
            (Value::Bool(value), _) => value.to_string(),
            (Value::Number(value), _) => value.to_string(),
        };
        let value = self.node(value, spans.map(|(_, value)| &**value))?;
        Ok(Entry { key: text, place, value })
    }

    /// `{a: (1, 2), b: 3}` is `{"a": "(1", "2)": null, "b": 3}` to every YAML parser, because braces cut at commas. Says
    /// so and takes the pieces out.
    fn cut_tuples_in_map(&mut self, entries: &mut Vec<Entry>) {
        let mut at = 0;
        while at < entries.len() {
            let Some(mut open) = entries[at].value.scalar().and_then(opens) else {
                at += 1;
                continue;
            };
            let mut end = at + 1;
            while open > 0 && end < entries.len() && entries[end].value.is_absent() {
                open += balance(&entries[end].key);
                end += 1;
            }
            if open == 0 {
                let last = entries[end - 1].place.clone();
                let (key, place) = (entries[at].key.clone(), entries[at].value.place.clone());
                self.cut_tuple(&format!("the value of `{key}`"), Some(&key), place.as_ref(), last.as_ref());
                entries[at].value = Node::hole(place);
                entries.drain(at + 1..end);
            }
            at += 1;
        }
    }

    /// The same for `[(1, 2), (3, 4)]`.
    fn cut_tuples_in_list(&mut self, items: &mut Vec<Node>) {
        let mut at = 0;
        while at < items.len() {
            let Some(mut open) = items[at].scalar().and_then(opens) else {
                at += 1;
                continue;
            };
            let mut end = at + 1;
            while open > 0 && end < items.len() {
                match items[end].scalar() {
                    Some(scalar) if !scalar.quoted => open += balance(&scalar.text),
                    _ => break,
                }
                end += 1;
            }
            if open == 0 {
                let (place, last) = (items[at].place.clone(), items[end - 1].place.clone());
                self.cut_tuple("a tuple in a list", None, place.as_ref(), last.as_ref());
                items[at] = Node::hole(place);
                items.drain(at + 1..end);
            }
            at += 1;
        }
    }

    fn cut_tuple(&mut self, what: &str, key: Option<&str>, first: Option<&Place>, last: Option<&Place>) {
        let whole = match (first, last) {
            (Some(first), Some(last)) => {
                Some(Place::new(&first.text, first.range.start..last.range.end.max(first.range.end)))
            }
            _ => first.cloned(),
        };
        let tuple = whole.as_ref().map_or("(1, 2)", |place| place.slice()).to_owned();
        let list = tuple.trim_start_matches('(').trim_end_matches(')');
        let prefix = key.map(|key| format!("{key}: ")).unwrap_or_default();
        self.mistakes.push(
            ConfigError::new(
                Code::Syntax,
                format!("{what} is cut in pieces: inside braces and brackets, YAML cuts at commas"),
            )
            .at(whole.as_ref(), "not one value")
            .help(format!("write `{prefix}[{list}]` or `{prefix}\"{tuple}\"`")),
        );
    }
}

fn scalar(kind: Kind, text: &str, spans: Option<&Spanned>) -> Content {
    let (text, quoted) = match spans.map(|spans| &*spans.shape) {
        // Nothing is written as nothing, whatever a parser calls it.
        Some(_) if kind == Kind::Null && spans.is_some_and(|spans| spans.range.is_empty()) => {
            (String::new(), false)
        }
        // The value parser decides what a text is worth; the other only knows how it was written.
        Some(Shape::Scalar { text: written, quoted }) if kind != Kind::Text || written == text => {
            (written.clone(), *quoted)
        }
        _ => (text.to_owned(), false),
    };
    Content::Scalar(Scalar { text, shown: None, kind, quoted })
}

/// How many parentheses a plain scalar leaves open, if any.
fn opens(scalar: &Scalar) -> Option<i32> {
    Some(balance(&scalar.text)).filter(|&open| open > 0 && !scalar.quoted)
}

fn balance(text: &str) -> i32 {
    text.chars().map(|c| i32::from(c == '(') - i32::from(c == ')')).sum()
}

/// Applies `<<`: the merged mappings' keys come first, as in PyYAML, and a mapping's own keys win.
fn merge(entries: Vec<Entry>) -> Result<Vec<Entry>, ConfigError> {
    if !entries.iter().any(|entry| entry.key == "<<") {
        return Ok(entries);
    }
    let (merges, own): (Vec<Entry>, Vec<Entry>) = entries.into_iter().partition(|entry| entry.key == "<<");
    let mut merged: Vec<Entry> = Vec::new();
    for Entry { place, value, .. } in merges {
        let sources = match value.content {
            Content::Map(entries) => vec![entries],
            Content::List(items) => items
                .into_iter()
                .map(|item| match item.content {
                    Content::Map(entries) => Ok(entries),
                    _ => Err(merge_error(place.as_ref())),
                })
                .collect::<Result<_, _>>()?,
            _ => return Err(merge_error(place.as_ref())),
        };
        for entry in sources.into_iter().flatten() {
            if !merged.iter().chain(&own).any(|known| known.key == entry.key) {
                merged.push(entry);
            }
        }
    }
    merged.extend(own);
    Ok(merged)
}

fn merge_error(place: Option<&Place>) -> ConfigError {
    ConfigError::new(Code::Syntax, "`<<` merges a mapping or a list of mappings, found something else")
        .at(place, "here")
}
