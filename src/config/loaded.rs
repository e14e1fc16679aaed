//! A loaded configuration that still knows where everything stands.

use super::{
    error::{Code, ConfigError, ConfigErrors, rendered_note, span},
    idle,
    interpolate::{Referred, World, interpolate, interpolate_default},
    node::{Content, Node},
    overrides,
    path::KeyPath,
    read,
    rest::Rest,
    secrets::Secrets,
    source,
    template::{self, Variable},
    text::{MARK_START, Place, Text, hide_credentials},
    write,
};
use contract::{Config, Issue, IssueKind};
use jiff::Zoned;
use miette::NamedSource;
use serde_json::{Map, Value};
use std::{collections::BTreeMap, ops::Range, path::PathBuf, sync::Arc};

/// What to load.
#[derive(Debug, Clone)]
pub struct Request {
    /// The YAML file; one called `*.yaml.j2` is a template that is rendered first.
    pub file: PathBuf,
    /// Changes from the command line, in order: `key.sub=value`, `+key=value`, `++key=value`, `~key`.
    pub overrides: Vec<String>,
    /// When the run started, for `${now:...}`.
    pub started: Zoned,
}

/// A configuration, and all that is needed to say where in the file something is wrong with it.
#[derive(Debug)]
pub struct Loaded {
    /// The typed configuration.
    pub config: Config,
    /// What the user should know, one sentence each.
    pub notes: Vec<String>,
    pub(super) file: Arc<Text>,
    pub(super) root: Node,
    pub(super) overrides: Vec<String>,
    pub(super) secrets: Secrets,
    pub(super) referred: Option<Referred>,
}

/// A place in a configuration or a command line.
#[derive(Debug, Clone)]
pub struct Pointer {
    place: Place,
}

impl Pointer {
    /// The text around it, with its name.
    #[must_use]
    pub fn source(&self) -> NamedSource<Arc<String>> {
        NamedSource::new(&self.place.text.name, Arc::clone(&self.place.text.shown))
    }

    /// The bytes of it.
    #[must_use]
    pub fn span(&self) -> Range<usize> {
        self.place.first_line()
    }

    /// File, line, column and span for programs, as [`ConfigError::to_json`] has them.
    #[must_use]
    pub fn to_json(&self) -> Map<String, Value> {
        let (line, column) = self.place.position();
        let fields = [
            ("file", Value::from(self.place.text.name.as_str())),
            ("line", line.into()),
            ("column", column.into()),
            ("span", span(&self.place)),
            ("rendered", self.place.text.rendered.into()),
        ];
        fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }

    /// What there is to know about the text, as a line with its end; empty where it is a file as it is.
    #[must_use]
    pub fn note(&self) -> String {
        if self.place.text.rendered { rendered_note(&self.place.text.name) } else { String::new() }
    }
}

/// Loads a file with the process' environment.
///
/// # Errors
/// All mistakes in the file and in the changes.
pub fn load(request: &Request) -> Result<Loaded, ConfigErrors> {
    let name = request.file.display().to_string();
    let file = source::read(&request.file).map_err(|error| ConfigErrors::new(&name, vec![error]))?;
    load_source(&file, &request.overrides, &request.started, environment)
}

/// Loads a text, such as a configuration that the program carries with it; `name` stands for the file in messages.
///
/// # Errors
/// As for [`load`].
pub fn load_text(
    name: &str,
    text: &str,
    overrides: &[String],
    started: &Zoned,
) -> Result<Loaded, ConfigErrors> {
    load_source(&Text::new(name, text), overrides, started, environment)
}

pub(super) fn environment(name: &str) -> Result<Option<String>, String> {
    match std::env::var(name) {
        Ok(value) => Ok(Some(value)),
        Err(std::env::VarError::NotPresent) => Ok(None),
        Err(std::env::VarError::NotUnicode(_)) => {
            Err(format!("the environment variable `{name}` is not text"))
        }
    }
}

pub(super) fn load_source(
    file: &Arc<Text>,
    overrides: &[String],
    started: &Zoned,
    environment: Variable,
) -> Result<Loaded, ConfigErrors> {
    let (text, root, mistakes) =
        parsed(file, overrides, environment).map_err(|error| ConfigErrors::new(&file.name, vec![error]))?;
    resolved(&text, root, mistakes, overrides, started, environment)
}

/// The tree of a text with changes in it, and mistakes that do not keep it from being read on.
pub(super) fn parsed(
    file: &Arc<Text>,
    overrides: &[String],
    environment: Variable,
) -> Result<(Arc<Text>, Node, Vec<ConfigError>), ConfigError> {
    let rendered = match template::is_template(&file.name) {
        true => template::render(file, environment)?,
        false => Arc::clone(file),
    };
    let (mut root, mut mistakes) = source::parse_file(&rendered)?;
    if rendered.rendered {
        mistakes.extend(template::name_variables(&mut root));
    }
    mistakes.extend(overrides::apply(&mut root, overrides));
    Ok((rendered, root, mistakes))
}

/// The configuration that a tree stands for. `overrides` are the changes that are in it.
pub(super) fn resolved(
    rendered: &Arc<Text>,
    mut root: Node,
    mut mistakes: Vec<ConfigError>,
    overrides: &[String],
    started: &Zoned,
    environment: Variable,
) -> Result<Loaded, ConfigErrors> {
    let fail = |errors: Vec<ConfigError>| ConfigErrors::new(&rendered.name, errors);
    let world = World::new(started, &environment);
    // Unknown keys and wrong values are worth knowing beside a `${...}` that cannot be resolved.
    let root = match interpolate(&root, &world) {
        Ok(resolved) => resolved,
        Err(errors) => {
            for error in &errors {
                if let Some(node) = error.path().and_then(|path| root.get_mut(path)) {
                    node.content = Content::Hole;
                }
            }
            mistakes.extend(errors);
            interpolate(&root, &world).unwrap_or(root)
        }
    };
    let read::Reading { config, mut notes, mistakes: unread } = read::read(root.clone());
    mistakes.extend(unread);
    let Some(mut config) = config else { return Err(fail(mistakes)) };
    if root.get(&KeyPath::run_dir()).is_none_or(Node::is_absent) {
        config.hydra.run.dir =
            interpolate_default(&config.hydra.run.dir, &world).map_err(|error| fail(vec![error]))?;
    }
    notes.extend(idle::notes(&root, &config));
    let secrets = Secrets::of(&root, environment);
    let overrides = overrides.iter().map(|text| hide_credentials(text)).collect();
    let referred = (!rendered.rendered).then(|| world.referred());
    let loaded = Loaded { config, notes, file: Arc::clone(rendered), root, overrides, secrets, referred };
    if mistakes.is_empty() {
        return Ok(loaded);
    }
    // A mistake that is about no key may be about any.
    let paths: Option<Vec<KeyPath>> = mistakes.iter().map(|mistake| mistake.path().cloned()).collect();
    let rest = paths.map(|mistakes| Rest { loaded, mistakes });
    Err(fail(mistakes).with_rest(rest))
}

impl Loaded {
    /// Issues that were found later, with line and caret.
    #[must_use]
    pub fn errors(&self, issues: Vec<Issue>) -> ConfigErrors {
        ConfigErrors::new(&self.file.name, issues.into_iter().map(|issue| self.error(issue)).collect())
    }

    fn error(&self, issue: Issue) -> ConfigError {
        let (code, label) = match issue.kind {
            IssueKind::Missing => (Code::MissingKey, "belongs in here"),
            IssueKind::Invalid => (Code::InvalidValue, "this value"),
            IssueKind::Conflict => (Code::Conflict, "in conflict"),
            IssueKind::NotYet => (Code::NotYet, "not available yet"),
            IssueKind::Path => (Code::Path, "this path"),
        };
        let hide = |text: String| self.secrets.hide(&text);
        let error = ConfigError::new(code, hide(issue.message)).help(issue.help.map(hide));
        let Some(path) = KeyPath::parse(&issue.key) else { return error };
        let node = self.root.get(&path).filter(|node| !node.is_absent());
        let place = match node {
            Some(node) => self.value_place(node).or_else(|| self.root.nearest_key_place(&path)),
            // A name can stand for a mapping: `optimizer: SGD` holds `optimizer.SGD`.
            None if issue.kind != IssueKind::Missing => {
                let parent = path.split_last().and_then(|(parent, _)| self.root.get(&parent));
                parent
                    .and_then(|parent| self.value_place(parent))
                    .or_else(|| self.root.nearest_key_place(&path))
            }
            None => self.root.nearest_key_place(&path),
        };
        let label = match (node, issue.kind) {
            (None, IssueKind::Missing) => format!("`{}` {label}", last_key(&path)),
            (Some(_), IssueKind::Missing) => "here".to_owned(),
            _ => label.to_owned(),
        };
        let error = error.key(&path);
        match place {
            Some(place) => error.at(Some(place), label),
            None => error.of_file(&self.file.name),
        }
    }

    /// Where a value without parts stands.
    fn value_place<'a>(&self, node: &'a Node) -> Option<&'a Place> {
        node.scalar().filter(|scalar| !scalar.is_empty())?;
        node.place.as_ref()
    }

    /// The configuration with the `params` of an entry of `stages` as changes to it: dotted keys and their values.
    ///
    /// # Errors
    /// All mistakes in the keys and values.
    pub fn with_params(&self, stage: &str) -> Result<Config, ConfigErrors> {
        let params = KeyPath::default().key("stages").key(stage).key("params");
        let mut root = self.root.clone();
        let mut mistakes = Vec::new();
        for entry in self.root.get(&params).and_then(Node::entries).unwrap_or_default() {
            let path = KeyPath::parse(&entry.key);
            match (path, &entry.place) {
                (Some(path), Some(place)) => {
                    mistakes
                        .extend(overrides::set(&mut root, path, place.clone(), entry.value.clone()).err());
                }
                (path, place) => {
                    let message = format!("`{}` is not a key of the configuration", entry.key);
                    let help = "keys look like `training.epochs`".to_owned();
                    let place = place.as_ref().filter(|_| path.is_none());
                    mistakes
                        .push(ConfigError::new(Code::UnknownKey, message).at(place, "not a key").help(help));
                }
            }
        }
        let reading = read::read(root);
        mistakes.extend(reading.mistakes);
        match reading.config {
            Some(config) if mistakes.is_empty() => Ok(config),
            _ => Err(ConfigErrors::new(&self.file.name, mistakes)),
        }
    }

    /// The configuration as YAML, with changes and `${...}` applied. Values from the environment stay `${oc.env:NAME}`
    /// and credentials in addresses are starred out.
    #[must_use]
    pub fn resolved_yaml(&self) -> String {
        write::yaml(&self.root, false)
    }

    /// The same with all secrets written out: for a file that nobody else can read.
    #[must_use]
    pub fn secret_yaml(&self) -> String {
        write::yaml(&self.root, true)
    }

    /// What is kept of it: the text that may be shown, and where that is another the one with all secrets.
    #[must_use]
    pub fn to_keep(&self) -> (String, Option<String>) {
        let shown = self.resolved_yaml();
        let secret = Some(self.secret_yaml()).filter(|secret| *secret != shown);
        (shown, secret)
    }

    /// What must not be shown.
    #[must_use]
    pub fn secrets(&self) -> &Secrets {
        &self.secrets
    }

    /// The file as it was read; of a template, what it was rendered to.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.file.content
    }

    /// More values that must not be shown, and the names of their variables.
    pub(super) fn hide_too(&mut self, values: Vec<(String, String)>) {
        self.secrets.learn(values);
    }

    /// The environment variables that the file and the changes name and that are set, with their values.
    #[must_use]
    pub fn environment(&self) -> BTreeMap<String, String> {
        let texts = std::iter::once(self.text()).chain(self.overrides.iter().map(String::as_str));
        // A reference as the file has it, or what a template left of one.
        let references = |text| str::split(text, "${").skip(1).chain(str::split(text, MARK_START).skip(1));
        let names = texts.flat_map(references).map(|after| after.strip_prefix("oc.env:").unwrap_or(after));
        let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let names = names.map(|after| &after[..after.find(|c| !is_part(c)).unwrap_or(after.len())]);
        names.filter_map(|name| Some((name.to_owned(), environment(name).ok()??))).collect()
    }

    /// What its values referred to besides the file and the changes; none where that is not known, as of a template.
    #[must_use]
    pub fn referred(&self) -> Option<&Referred> {
        self.referred.as_ref()
    }

    /// The changes from the command line, as they were given but for credentials in addresses.
    #[must_use]
    pub fn overrides(&self) -> &[String] {
        &self.overrides
    }

    /// Line and column, both from 1, of a dotted key in the file; None for a key that is not there or came from the
    /// command line.
    #[must_use]
    pub fn key_location(&self, key: &str) -> Option<(usize, usize)> {
        let place = self.root.key_place(&KeyPath::parse(key)?)?;
        Arc::ptr_eq(&place.text, &self.file).then(|| place.position())
    }

    /// Where a value stands, for errors that are found later: the part of it that is `text`, or all of it.
    #[must_use]
    pub fn pointer(&self, key: &str, text: &str) -> Option<Pointer> {
        let path = KeyPath::parse(key)?;
        let node = self.root.get(&path)?;
        let part = node.scalar().and_then(|scalar| {
            let start = scalar.text.rfind(text)?;
            scalar.part(node.place.as_ref(), start..start + text.len())
        });
        let place = part.or_else(|| node.place.clone())?;
        Some(Pointer { place })
    }

    /// Puts the seed that was drawn for `global_seed: None` into the configuration and its resolved text.
    pub fn set_seed(&mut self, seed: u64) {
        self.config.general.global_seed = Some(seed);
        overrides::set_number(&mut self.root, "general", "global_seed", seed);
    }
}

fn last_key(path: &KeyPath) -> String {
    path.split_last().map_or_else(String::new, |(_, last)| KeyPath(vec![last.clone()]).to_string())
}
