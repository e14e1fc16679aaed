//! A configuration that is read once and loaded many times, each time with other changes.

use super::{
    error::{Code, ConfigError, ConfigErrors},
    interpolate::{World, interpolate, interpolate_default},
    loaded::{self, Loaded, Request, environment, parsed, resolved},
    node::{Content, Entry, Node},
    overrides::{COMMAND_LINE, Change, Head, Sign, stages, strangers},
    path::KeyPath,
    read, source,
    space::Space,
    text::{Place, Text, hide_credentials},
    written::{Choice, Written, argument},
};
use contract::config::{Sweep, SweepMethod};
use jiff::Zoned;
use std::{path::Path, sync::Arc};

/// A file with the changes that all variants have, and the keys that get several values.
pub struct Base {
    text: Arc<Text>,
    root: Node,
    /// The changes that all variants have.
    fixed: Vec<String>,
    /// The keys of those.
    settled: Vec<KeyPath>,
    swept: Vec<Parameter>,
    started: Zoned,
}

/// A key that gets several values.
#[derive(Debug, Clone)]
pub struct Parameter {
    /// The key.
    pub key: Key,
    /// Its values.
    pub space: Space,
}

/// A key to be changed, with its place.
#[derive(Debug, Clone)]
pub struct Key {
    head: Head,
}

/// A change that makes a variant.
#[derive(Debug, Clone)]
pub struct Setting {
    /// The key.
    pub key: Key,
    /// Its value.
    pub choice: Choice,
}

/// The `sweep` section of a file.
#[derive(Debug)]
pub struct Section {
    /// How variants are made; the defaults where there is no such section.
    pub spec: Sweep,
    /// Its keys, in their order.
    pub parameters: Vec<Parameter>,
    /// The variants that it lists, or its file does.
    pub variants: Vec<Vec<Setting>>,
}

impl Key {
    /// The dotted key.
    #[must_use]
    pub fn name(&self) -> String {
        self.head.path.to_string()
    }
}

impl Setting {
    /// As the command line takes it.
    #[must_use]
    pub fn text(&self) -> String {
        let sign = match self.key.head.sign {
            Sign::Add => "+",
            Sign::Force => "++",
            Sign::Change | Sign::Remove => "",
        };
        format!("{sign}{}={}", self.key.head.path, self.choice.text())
    }
}

impl Parameter {
    /// A mistake in its values, as a report.
    #[must_use]
    pub fn refuse(&self, message: impl Into<String>, label: &str, help: &str) -> ConfigErrors {
        let error = self.space.mistake(message, label).help(help.to_owned()).key(&self.key.head.path);
        ConfigErrors::new(COMMAND_LINE, vec![error])
    }

    /// The values as they were written.
    #[must_use]
    pub fn written(&self) -> &str {
        self.space.text()
    }
}

impl Base {
    /// Reads a file. Changes with several values are told from the others.
    ///
    /// # Errors
    /// All mistakes in the text and the changes; where there are some, what the rest of the file has as well.
    pub fn read(request: &Request) -> Result<Self, ConfigErrors> {
        let name = request.file.display().to_string();
        let file = source::read(&request.file).map_err(|error| ConfigErrors::new(&name, vec![error]))?;
        Self::read_text(&file, &request.overrides, &request.started)
    }

    pub(super) fn read_text(
        file: &Arc<Text>,
        overrides: &[String],
        started: &Zoned,
    ) -> Result<Self, ConfigErrors> {
        let (mut fixed, mut settled, mut swept, mut mistakes) =
            (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for change in overrides {
            match several(change) {
                Ok(Some(parameter)) => swept.push(parameter),
                Ok(None) => {
                    let head = Head::parse(&Text::new(COMMAND_LINE, change.clone()));
                    settled.extend(head.ok().map(|(head, _)| head.path));
                    fixed.push(change.clone());
                }
                Err(error) => mistakes.push(error),
            }
        }
        mistakes.extend(twice(&swept));
        let fail = |mistakes| ConfigErrors::new(&file.name, mistakes);
        let (text, root, found) = parsed(file, &fixed, environment).map_err(|error| fail(vec![error]))?;
        if !mistakes.is_empty() || !found.is_empty() {
            let more = loaded::load_source(file, &fixed, started, environment).err();
            let errors = fail(mistakes);
            return Err(match more {
                Some(more) => errors.and(more),
                None => errors,
            });
        }
        Ok(Self { text, root, fixed, settled, swept, started: started.clone() })
    }

    /// The keys that the command line gives several values.
    #[must_use]
    pub fn swept(&self) -> &[Parameter] {
        &self.swept
    }

    /// The changes that all variants have, as they were given.
    #[must_use]
    pub fn fixed(&self) -> Vec<String> {
        self.fixed.iter().map(|text| hide_credentials(text)).collect()
    }

    /// Loads the configuration of a variant.
    ///
    /// # Errors
    /// All mistakes in it.
    pub fn load(&self, settings: &[Setting]) -> Result<Loaded, ConfigErrors> {
        let mut root = self.root.clone();
        if let Content::Map(sections) = &mut root.content {
            // A variant is none of its own making.
            sections.retain(|section| section.key != SECTION);
        }
        let mut mistakes = Vec::new();
        let (stages, mut changed) = (stages(&root), Vec::new());
        for Setting { key, choice } in settings {
            let Head { sign, path, key } = key.head.clone();
            changed.push((path.clone(), key.clone()));
            let change = Change { sign, path, key, value: Some(choice.node.clone()) };
            mistakes.extend(change.apply(&mut root).err());
        }
        mistakes.extend(strangers(&stages, &changed, &root));
        let overrides: Vec<String> =
            self.fixed.iter().cloned().chain(settings.iter().map(Setting::text)).collect();
        resolved(&self.text, root, mistakes, &overrides, &self.started, environment)
    }

    /// Whether there is a `sweep` section.
    #[must_use]
    pub fn has_section(&self) -> bool {
        self.root.entry(SECTION).is_some_and(|entry| !entry.value.is_absent())
    }

    /// The `sweep` section, without the keys that the command line gives values.
    ///
    /// # Errors
    /// All mistakes in it.
    pub fn section(&self) -> Result<Section, ConfigErrors> {
        let fail = |mistakes: Vec<ConfigError>| ConfigErrors::new(&self.text.name, mistakes);
        let Some(node) = self.root.entry(SECTION) else {
            return Ok(Section { spec: Sweep::default(), parameters: Vec::new(), variants: Vec::new() });
        };
        let spec = self.spec(node).map_err(fail)?;
        let mut mistakes = Vec::new();
        let mut note = |result: Result<Vec<Parameter>, ConfigError>| match result {
            Ok(parameters) => parameters,
            Err(mistake) => {
                mistakes.push(mistake);
                Vec::new()
            }
        };
        let listed = node.value.entry("parameters").map(|entry| &entry.value);
        let mut parameters = Vec::new();
        for entry in listed.and_then(Node::entries).unwrap_or_default() {
            parameters.extend(note(parameter(entry).map(|parameter| vec![parameter])));
        }
        mistakes.extend(twice(&parameters));
        let mut variants = Vec::new();
        let rows = node.value.entry("variants").map(|entry| &entry.value);
        match self.rows(&spec, rows) {
            Ok(rows) => variants = rows,
            Err(error) => mistakes.extend(error),
        }
        if !mistakes.is_empty() {
            return Err(fail(mistakes));
        }
        let mut given = self.settled.iter().chain(self.swept.iter().map(|known| &known.key.head.path));
        let given: Vec<&KeyPath> = given.by_ref().collect();
        let is_free = |key: &Key| !given.contains(&&key.head.path);
        parameters.retain(|parameter| is_free(&parameter.key));
        variants.iter_mut().for_each(|settings| settings.retain(|setting| is_free(&setting.key)));
        Ok(Section { spec, parameters, variants })
    }

    /// A mistake in a key of the section, as a report.
    #[must_use]
    pub fn refuse(&self, key: &str, message: impl Into<String>, help: &str) -> ConfigErrors {
        let path = KeyPath::default().key(SECTION).key(key);
        let place = self.root.get(&path).and_then(|node| node.place.clone());
        let place = place.or_else(|| self.root.nearest_key_place(&path).cloned());
        let error =
            ConfigError::new(Code::InvalidValue, message).at(place.as_ref(), "here").help(help.to_owned());
        ConfigErrors::new(&self.text.name, vec![error.key(&path)])
    }

    /// The folder that `hydra.sweep.dir` names, if the file or the command line has it.
    ///
    /// # Errors
    /// When a `${...}` in it cannot be resolved.
    pub fn sweep_dir(&self) -> Result<Option<String>, ConfigErrors> {
        let path = KeyPath::default().key("hydra").key("sweep").key("dir");
        let Some(node) = self.root.get(&path).filter(|node| !node.is_absent()) else { return Ok(None) };
        let fail = |error: ConfigError| {
            ConfigErrors::new(&self.text.name, vec![error.at(node.place.as_ref(), "this folder")])
        };
        let Some(scalar) = node.scalar() else {
            let message = format!("`{path}` is {}, not a folder", node.describe());
            return Err(fail(ConfigError::new(Code::InvalidValue, message)));
        };
        let world = World::new(&self.started, &environment);
        interpolate_default(&scalar.text, &world).map(Some).map_err(fail)
    }

    /// What the section says but for its values.
    fn spec(&self, node: &Entry) -> Result<Sweep, Vec<ConfigError>> {
        let world = World::new(&self.started, &environment);
        let in_section =
            |error: &ConfigError| error.path().is_some_and(|path| path.to_string().starts_with(SECTION));
        let root = match interpolate(&self.root, &world) {
            Ok(root) => root,
            Err(errors) => {
                let own: Vec<ConfigError> = errors.into_iter().filter(in_section).collect();
                if !own.is_empty() {
                    return Err(own);
                }
                self.root.clone()
            }
        };
        let section = root.entry(SECTION).unwrap_or(node).clone();
        let reading = read::read(Node { place: None, content: Content::Map(vec![section]) });
        match reading.config {
            Some(config) if reading.mistakes.is_empty() => Ok(config.sweep.unwrap_or_default()),
            _ => Err(reading.mistakes),
        }
    }

    /// The variants of `method: list`.
    fn rows(&self, spec: &Sweep, listed: Option<&Node>) -> Result<Vec<Vec<Setting>>, Vec<ConfigError>> {
        let mut rows = Vec::new();
        let mut mistakes = Vec::new();
        let listed = listed.map(|node| match &node.content {
            Content::List(items) => items.as_slice(),
            _ => &[],
        });
        for item in listed.unwrap_or_default() {
            match row(item) {
                Ok(settings) => rows.push(settings),
                Err(mistake) => mistakes.push(mistake),
            }
        }
        if let Some(file) = spec.file.as_ref().filter(|_| spec.method == SweepMethod::List) {
            match super::rows::read(Path::new(file)) {
                Ok(found) => rows.extend(found),
                Err(found) => {
                    let path = KeyPath::default().key(SECTION).key("file");
                    let place = self.root.get(&path).and_then(|node| node.place.clone());
                    let named = |error: ConfigError| match error.location() {
                        None => error.at(place.as_ref(), "this file"),
                        Some(_) => error,
                    };
                    mistakes.extend(found.into_iter().map(named));
                }
            }
        }
        if mistakes.is_empty() { Ok(rows) } else { Err(mistakes) }
    }
}

/// The section's key in the file.
const SECTION: &str = "sweep";

/// The parameter that a change with several values is.
fn several(change: &str) -> Result<Option<Parameter>, ConfigError> {
    let text = Text::new(COMMAND_LINE, change);
    let (head, value) = Head::parse(&text)?;
    let Some(start) = value.filter(|_| head.sign != Sign::Remove) else { return Ok(None) };
    let written = argument(&text, start..change.len());
    let Some(space) = Space::read(&written)? else { return Ok(None) };
    Ok(Some(Parameter { key: key(head)?, space }))
}

/// A key that can be swept: everything but how the sweep itself is made.
fn key(head: Head) -> Result<Key, ConfigError> {
    let refused = |message: &str, help: &str| {
        let error = ConfigError::new(Code::Override, message).at(Some(&head.key), "not this key");
        Err(error.help(help.to_owned()))
    };
    match head.path.to_string().as_str() {
        "hydra.run.dir" | "hydra.sweep.dir" => refused(
            "the folder of a sweep is one for all variants",
            "each variant has a folder of its own in it, named by its number",
        ),
        path if path == SECTION || path.starts_with("sweep.") => {
            refused("how a sweep is made cannot be swept itself", "give it one value")
        }
        _ if head.sign == Sign::Remove => refused(
            "a key that is removed has no values",
            "write the key without `~`, or `~key` on the command line",
        ),
        _ => Ok(Key { head }),
    }
}

/// Keys that have values twice.
fn twice(parameters: &[Parameter]) -> Vec<ConfigError> {
    let is_again = |(position, parameter): &(usize, &Parameter)| {
        let path = &parameter.key.head.path;
        parameters[..*position].iter().any(|other| other.key.head.path == *path)
    };
    let again = parameters.iter().enumerate().filter(is_again);
    again
        .map(|(_, parameter)| {
            let Head { path, key, .. } = &parameter.key.head;
            ConfigError::new(Code::Override, format!("`{path}` has values twice")).at(Some(key), "again")
        })
        .collect()
}

/// A key of `sweep.parameters`.
fn parameter(entry: &Entry) -> Result<Parameter, ConfigError> {
    let key = key_of(entry)?;
    let path = &key.head.path;
    let space = match &entry.value.content {
        Content::List(items) if !items.is_empty() => {
            let place = entry.value.place.as_ref().or(entry.place.as_ref());
            Space::of(Written::around(place), items.iter().map(Choice::of).collect())
        }
        Content::Scalar(scalar) if !scalar.is_empty() => {
            let written = Written::of(scalar, entry.value.place.as_ref());
            match Space::read(&written)? {
                Some(space) => space,
                None => Space::single(&written)?,
            }
        }
        _ => {
            let message = format!("`{path}` has {} for values", entry.value.describe());
            let place = entry.value.place.as_ref().or(entry.place.as_ref());
            return Err(ConfigError::new(Code::InvalidValue, message).at(place, "no values").help(
                "write a list, `a,b,c`, `range(1,4)` or `choice(a,b)`; keys are dotted: `training.epochs: [1, 2]`"
                    .to_owned(),
            ));
        }
    };
    Ok(Parameter { key, space })
}

fn key_of(entry: &Entry) -> Result<Key, ConfigError> {
    match &entry.place {
        Some(place) if place.slice() == entry.key => key(Head::read(place)?),
        place => {
            // A key in quotes, or one that an alias brought here.
            let text = Text::new(COMMAND_LINE, entry.key.clone());
            let mut head = Head::read(&Place::new(&text, 0..entry.key.len()))?;
            head.key = place.clone().unwrap_or(head.key);
            key(head)
        }
    }
}

/// A variant that is written out: keys and values.
pub(super) fn row(node: &Node) -> Result<Vec<Setting>, ConfigError> {
    let Some(entries) = node.entries() else {
        let message = format!("a variant is a mapping of keys to values, found {}", node.describe());
        return Err(ConfigError::new(Code::InvalidValue, message)
            .at(node.place.as_ref(), "no variant")
            .help("write `{training.epochs: 1, training.batch_size: 8}`".to_owned()));
    };
    let setting = |entry: &Entry| Ok(Setting { key: key_of(entry)?, choice: Choice::of(&entry.value) });
    entries.iter().map(setting).collect()
}

/// A variant of a table: the cell below each heading; an empty one leaves its key as it is.
pub(super) fn cells(headings: &[Place], cells: &[Written]) -> Result<Vec<Setting>, ConfigError> {
    let filled = headings.iter().zip(cells).filter(|(_, cell)| !cell.text.is_empty());
    filled
        .map(|(heading, cell)| Ok(Setting { key: key(Head::read(heading)?)?, choice: Choice::read(cell)? }))
        .collect()
}
