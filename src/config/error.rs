//! The errors of a configuration, and how they look.

use super::{path::KeyPath, rest::Rest, text::Place};
use miette::{Diagnostic, GraphicalReportHandler, GraphicalTheme, LabeledSpan, NamedSource, SourceCode};
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    fmt::{self, Display},
    sync::Arc,
};

/// The sort of a mistake. Its text is stable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Code {
    /// A key that does not exist.
    UnknownKey,
    /// A value that cannot stand.
    InvalidValue,
    /// A required key that is absent.
    MissingKey,
    /// Keys that exclude each other.
    Conflict,
    /// A legal key or value whose behaviour is not built yet.
    NotYet,
    /// A file or folder that is not there or cannot be read.
    Path,
    /// Text that is not YAML, or YAML that no configuration needs.
    Syntax,
    /// A key twice in one mapping.
    DuplicateKey,
    /// A template that cannot be rendered.
    Template,
    /// A `${...}` that cannot be resolved.
    Interpolation,
    /// A command-line change that cannot be applied.
    Override,
}

impl Code {
    /// All of them.
    pub const ALL: [Self; 11] = [
        Self::UnknownKey,
        Self::InvalidValue,
        Self::MissingKey,
        Self::Conflict,
        Self::NotYet,
        Self::Path,
        Self::Syntax,
        Self::DuplicateKey,
        Self::Template,
        Self::Interpolation,
        Self::Override,
    ];

    /// The code as users see it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::UnknownKey => "config::unknown_key",
            Self::InvalidValue => "config::invalid_value",
            Self::MissingKey => "config::missing_key",
            Self::Conflict => "config::conflict",
            Self::NotYet => "config::not_yet",
            Self::Path => "config::path",
            Self::Syntax => "config::syntax",
            Self::DuplicateKey => "config::duplicate_key",
            Self::Template => "config::template",
            Self::Interpolation => "config::interpolation",
            Self::Override => "config::override",
        }
    }
}

/// One mistake.
#[derive(Debug)]
pub struct ConfigError(Box<Mistake>);

#[derive(Debug)]
struct Mistake {
    code: Code,
    message: String,
    help: Option<String>,
    key: Option<KeyPath>,
    /// What is underlined, the main place first. All are in one text.
    labels: Vec<(Place, String)>,
    /// What is shown around the labels.
    source: Option<NamedSource<Arc<String>>>,
}

impl ConfigError {
    pub(super) fn new(code: Code, message: impl Into<String>) -> Self {
        Self(Box::new(Mistake {
            code,
            message: printable(message.into()),
            help: None,
            key: None,
            labels: Vec::new(),
            source: None,
        }))
    }

    /// Underlines a place; does nothing without one.
    pub(super) fn at(mut self, place: Option<&Place>, label: impl Into<String>) -> Self {
        if let Some(place) = place {
            if self.0.labels.is_empty() {
                self.0.source = Some(NamedSource::new(&place.text.name, Arc::clone(&place.text.shown)));
            }
            self.0.labels.push((place.clone(), label.into()));
        }
        self
    }

    pub(super) fn help(mut self, help: impl Into<Option<String>>) -> Self {
        self.0.help = help.into().map(printable);
        self
    }

    /// Says more behind the help.
    pub(super) fn and_help(mut self, more: String) -> Self {
        let more = printable(more);
        self.0.help = Some(match self.0.help.take() {
            Some(help) => format!("{help}\n{more}"),
            None => more,
        });
        self
    }

    pub(super) fn key(mut self, key: &KeyPath) -> Self {
        self.0.key = Some(key.clone());
        self
    }

    /// Names the file in the message, for want of a place in it.
    pub(super) fn of_file(mut self, name: &str) -> Self {
        self.0.message = format!("{name}: {}", self.0.message);
        self
    }

    pub(super) fn path(&self) -> Option<&KeyPath> {
        self.0.key.as_ref()
    }

    /// Whether there are lines to show, none of them so long that it would bury the message.
    fn is_drawable(&self) -> bool {
        const LONGEST: usize = 400;
        let short = |(place, _): &(Place, String)| {
            let around = place.text.lines_around(place.range.start);
            around.lines().all(|line| line.len() <= LONGEST)
        };
        !self.0.labels.is_empty() && self.0.labels.iter().all(short)
    }

    /// Whether its line is one of what a template was rendered to, not of the file.
    #[must_use]
    pub fn is_in_rendered_text(&self) -> bool {
        self.0.labels.first().is_some_and(|(place, _)| place.text.rendered)
    }

    /// The sort of mistake.
    #[must_use]
    pub fn kind(&self) -> Code {
        self.0.code
    }

    /// The dotted key it is about, where it is about one.
    #[must_use]
    pub fn key_name(&self) -> Option<String> {
        self.0.key.as_ref().map(ToString::to_string)
    }

    /// File name, line and column, both from 1, of the main place.
    #[must_use]
    pub fn location(&self) -> Option<(&str, usize, usize)> {
        let (place, _) = self.0.labels.first()?;
        let (line, column) = place.position();
        Some((&place.text.name, line, column))
    }

    /// Its fields as JSON: code, message, help, key, file, line, column and span of the main place; null where there is
    /// none; `labels`, what is said at each place, the main one first; and `rendered`, whether the places are in what a
    /// template was rendered to. A span holds the byte offsets `start` and `end`.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let location = self.location();
        let labels = self.0.labels.iter().map(|(place, label)| {
            let (line, column) = place.position();
            json!({"label": label, "line": line, "column": column, "span": span(place)})
        });
        json!({
            "code": self.0.code.as_str(),
            "message": self.0.message,
            "help": self.0.help,
            "key": self.key_name(),
            "file": location.map(|(file, ..)| file),
            "line": location.map(|(_, line, _)| line),
            "column": location.map(|(.., column)| column),
            "span": self.0.labels.first().map(|(place, _)| span(place)),
            "labels": labels.collect::<Vec<_>>(),
            "rendered": self.is_in_rendered_text(),
        })
    }
}

/// Without characters that a terminal would obey.
fn printable(text: String) -> String {
    match text.contains(is_obeyed) {
        true => text.replace(is_obeyed, "\u{fffd}"),
        false => text,
    }
}

fn is_obeyed(c: char) -> bool {
    c.is_control() && !matches!(c, '\n' | '\t')
}

/// Byte offsets for programs.
pub(super) fn span(place: &Place) -> Value {
    json!({"start": place.range.start, "end": place.range.end})
}

impl Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let (false, Some((file, line, column))) = (self.is_drawable(), self.location()) {
            write!(f, "{file}:{line}:{column}: ")?;
        }
        f.write_str(&self.0.message)
    }
}

impl std::error::Error for ConfigError {}

impl Diagnostic for ConfigError {
    fn code<'a>(&'a self) -> Option<Box<dyn Display + 'a>> {
        Some(Box::new(self.0.code.as_str()))
    }

    fn help<'a>(&'a self) -> Option<Box<dyn Display + 'a>> {
        self.0.help.as_ref().map(|help| Box::new(help) as Box<dyn Display>)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        self.0.source.as_ref().map(|source| source as &dyn SourceCode)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        if !self.is_drawable() {
            return None;
        }
        Some(Box::new(self.0.labels.iter().enumerate().map(|(position, (place, label))| {
            let range = place.first_line();
            let label = (!label.is_empty()).then(|| label.clone());
            if position == 0 {
                LabeledSpan::new_primary_with_span(label, range)
            } else {
                LabeledSpan::new_with_span(label, range)
            }
        })))
    }
}

/// All mistakes of a configuration, in the order of the file, those of the command line after them.
#[derive(Debug)]
pub struct ConfigErrors {
    /// What the user asked to load.
    name: String,
    errors: Vec<ConfigError>,
    /// How many more there are.
    left_out: usize,
    /// What could be read all the same.
    rest: Option<Box<Rest>>,
}

/// Most mistakes that are told at once.
const MOST: usize = 100;

impl ConfigErrors {
    /// Puts errors in order. `name` is what the user asked to load.
    pub(super) fn new(name: &str, mut errors: Vec<ConfigError>) -> Self {
        errors.sort_by_key(|error| match error.0.labels.first() {
            Some((place, _)) => (place.text.name != name, place.range.start),
            None => (false, 0),
        });
        let mut errors = merged(errors);
        let left_out = errors.len().saturating_sub(MOST);
        errors.truncate(MOST);
        Self { name: name.to_owned(), errors, left_out, rest: None }
    }

    pub(super) fn with_rest(self, rest: Option<Rest>) -> Self {
        Self { rest: rest.map(Box::new), ..self }
    }

    /// What could be read of the configuration all the same, for what can be said of it.
    pub fn take_rest(&mut self) -> Option<Rest> {
        self.rest.take().map(|rest| *rest)
    }

    /// Those about keys that are wanted.
    pub(super) fn only(mut self, wanted: impl Fn(Option<&KeyPath>) -> bool) -> Self {
        self.errors.retain(|error| wanted(error.path()));
        self
    }

    /// Those of a sort, and the others.
    #[must_use]
    pub fn split(self, code: Code) -> (Vec<ConfigError>, Self) {
        let (of_code, errors) = self.errors.into_iter().partition(|error| error.kind() == code);
        (of_code, Self { name: self.name, errors, left_out: self.left_out, rest: self.rest })
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.errors.is_empty()
    }

    /// What the user asked to load.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn into_errors(self) -> Vec<ConfigError> {
        self.errors
    }

    /// The mistakes.
    pub fn iter(&self) -> impl Iterator<Item = &ConfigError> {
        self.errors.iter()
    }

    /// Adds the mistakes of another report on the same configuration.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        let left_out = self.left_out + other.left_out;
        self.errors.extend(other.errors);
        let mut both = Self::new(&self.name, self.errors);
        both.left_out += left_out;
        both
    }

    /// The report for a terminal, 100 columns wide whatever the terminal is, with a newline at its end.
    #[must_use]
    pub fn render(&self, color: bool) -> String {
        let theme = if color { GraphicalTheme::unicode() } else { GraphicalTheme::unicode_nocolor() };
        let handler = GraphicalReportHandler::new_themed(theme)
            .with_width(100)
            .with_links(false)
            .without_syntax_highlighting();
        let mut report = String::new();
        for error in &self.errors {
            let start = report.len();
            if handler.render_report(&mut report, error).is_err() {
                // A snippet that cannot be drawn must not cost the message.
                report.truncate(start);
                report.push_str(&format!("{}\n\n  {error}\n", error.0.code.as_str()));
                if let Some(help) = &error.0.help {
                    report.push_str(&format!("  help: {help}\n"));
                }
            }
            report.push('\n');
        }
        if self.errors.len() > 1 {
            report.push_str(&format!("{self}\n"));
        }
        if self.errors.iter().any(ConfigError::is_in_rendered_text) {
            report.push_str(&rendered_note(&self.name));
        }
        // Miette pads some lines.
        let mut lines: Vec<&str> = report.lines().map(str::trim_end).collect();
        while lines.last().is_some_and(|line| line.is_empty()) {
            lines.pop();
        }
        lines.join("\n") + "\n"
    }

    /// The report for programs: `{"file": ..., "errors": [...]}`, see [`ConfigError::to_json`].
    #[must_use]
    pub fn to_json(&self) -> Value {
        json!({
            "file": self.name,
            "errors": self.errors.iter().map(ConfigError::to_json).collect::<Vec<_>>(),
        })
    }
}

/// Says that lines are not those of the file.
pub(super) fn rendered_note(name: &str) -> String {
    format!("note: `{name}` is a template; text and line numbers are those of what it renders to\n")
}

/// One mistake in many places of a text is one error with many labels.
fn merged(errors: Vec<ConfigError>) -> Vec<ConfigError> {
    let mut merged: Vec<ConfigError> = Vec::new();
    let mut known = BTreeMap::new();
    for error in errors {
        let Mistake { code, message, help, labels, .. } = &*error.0;
        let text = labels.first().map(|(place, _)| Arc::as_ptr(&place.text));
        let index = *known.entry((*code, message.clone(), help.clone(), text)).or_insert(merged.len());
        match merged.get_mut(index) {
            Some(twin) => {
                let more = error.0.labels.into_iter().map(|(place, _)| (place, "here too".to_owned()));
                twin.0.labels.extend(more);
            }
            None => merged.push(error),
        }
    }
    merged
}

impl Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.errors.as_slice() {
            [one] => write!(f, "{}: {one}", self.name),
            errors => {
                write!(f, "{} mistakes in {}", errors.len() + self.left_out, self.name)?;
                if self.left_out > 0 {
                    write!(f, ", the first {} are shown", errors.len())?;
                }
                Ok(())
            }
        }
    }
}

impl std::error::Error for ConfigErrors {}

impl Diagnostic for ConfigErrors {
    fn related<'a>(&'a self) -> Option<Box<dyn Iterator<Item = &'a dyn Diagnostic> + 'a>> {
        Some(Box::new(self.errors.iter().map(|error| error as &dyn Diagnostic)))
    }
}
