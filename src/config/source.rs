//! From bytes to a tree of nodes.

use super::{
    error::{Code, ConfigError},
    mangled,
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
    if let [0xff, 0xfe, ..] | [0xfe, 0xff, ..] = bytes[..] {
        return Err(ConfigError::new(Code::Syntax, format!("`{shown}` is UTF-16 text, not UTF-8")).help(
            "save it as UTF-8; editors on Windows ask for the encoding when a file is saved".to_owned(),
        ));
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
    let (spans, value) = both(yaml, || spans::tree(text, offset));
    let spans = match spans {
        Ok(spans) => spans,
        Err(NoTree::Refused(error)) => return Err(*error),
        Err(NoTree::Scan { at, message }) => {
            if value.is_err() {
                return Err(syntax_error(text, at, &message));
            }
            None
        }
    };
    let value: Value = value.map_err(|error| {
        let at = offset + error.location().map_or(0, |location| location.index());
        let message = error.to_string();
        if ["as u128", "as i128"].iter().any(|wide| message.contains(wide)) {
            let place = Place::new(text, at..text.content.len());
            let word = place.slice().split([' ', ',', ']', '}', '\n']).next().map_or(0, str::len);
            let place = Place::new(text, at..at + word);
            return ConfigError::new(Code::InvalidValue, "a whole number has more than 64 bits")
                .at(Some(&place), "too large")
                .help("quote it where it is text".to_owned());
        }
        syntax_error(text, at, &message)
    })?;
    let mut maker = Maker { text, mistakes: Vec::new() };
    let mut root = maker.node(&value, spans.as_deref())?;
    // The value of a change on the command line stands alone.
    if let Some(mistake) = mangled::path_with_escapes(None, &root) {
        maker.mistakes.push(mistake);
        root = Node::hole(root.place);
    }
    Ok((root, maker.mistakes))
}

/// The places in a text and its value, which two parsers find; at the same time where that is worth a thread. The one that
/// finds the value has limits of its own for depth and repetition, so it may see what the other refuses.
fn both<T>(yaml: &str, spans: impl FnOnce() -> T) -> (T, Result<Value, serde_yaml::Error>) {
    let value = || serde_yaml::from_str(yaml);
    if yaml.len() < LONG {
        return (spans(), value());
    }
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().stack_size(STACK).spawn_scoped(scope, value);
        let spans = spans();
        let value = thread.map(std::thread::ScopedJoinHandle::join);
        (spans, value.ok().and_then(Result::ok).unwrap_or_else(|| serde_yaml::from_str(yaml)))
    })
}

/// Bytes from which on a text has a thread for each parser.
const LONG: usize = 16 * 1024;

/// As much as the main thread has, for deep nesting.
const STACK: usize = 8 << 20;

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
                    self.mistakes.extend(mangled::in_brackets(&mut items));
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
                    self.mistakes.extend(mangled::in_braces(&mut entries));
                }
                match mangled::lambda_as_key(&entries, place.as_ref()) {
                    Some(mistake) => {
                        self.mistakes.push(mistake);
                        Content::Hole
                    }
                    None => Content::Map(merge(entries)?),
                }
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
        let mut value = self.node(value, spans.map(|(_, value)| &**value))?;
        if let Some(mistake) = mangled::path_with_escapes(Some(&text), &value) {
            self.mistakes.push(mistake);
            value = Node::hole(value.place);
        }
        let text = match mangled::invisible(&text, place.as_ref()) {
            Some((clean, mistake)) => {
                self.mistakes.push(mistake);
                clean
            }
            None => text,
        };
        Ok(Entry { key: text, place, value })
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
