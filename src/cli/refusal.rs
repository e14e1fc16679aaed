//! Why a command does nothing.

use super::Exit;
use crate::{
    config::{ConfigError, ConfigErrors, Loaded, Pointer, Secrets},
    plan::PlanError,
    record::RecordError,
    report::{compare::CompareError, diagnostic, findings},
    schedule::Located,
    store::StoreError,
};
use contract::{Issue, StageError};
use miette::{Diagnostic, LabeledSpan, NamedSource, SourceCode};
use serde_json::{Value, json};
use std::{
    fmt::{self, Display},
    sync::Arc,
};

/// What is wrong before anything has run.
pub(crate) enum Refusal {
    /// The configuration file.
    Config(ConfigErrors),
    /// The mode word, and where it stands.
    Plan(PlanError, Option<Pointer>),
    /// A name of a folder in the configuration.
    Folder(RecordError),
    /// Runs that cannot be compared as was asked.
    Compare(CompareError),
    /// Inputs, or the store itself.
    Store(Vec<StoreError>),
    /// What preflight found.
    Findings(Vec<Located>),
    /// A tool.
    Tool(ToolError),
    /// Another, with secrets that its report must not show.
    Hidden(Box<Refusal>, Secrets),
    /// The system does not do what it must for anything to run.
    System(&'static str, std::io::Error),
}

impl Refusal {
    /// The same without the secrets of a configuration.
    pub(crate) fn hidden(self, loaded: &Loaded) -> Self {
        Self::Hidden(Box::new(self.pointed(loaded)), loaded.secrets().clone())
    }

    /// The same with the places in the configuration that name what could not be fetched.
    fn pointed(self, loaded: &Loaded) -> Self {
        let Self::Store(errors) = self else { return self };
        let issues: Vec<Issue> = errors.iter().filter_map(StoreError::issue).collect();
        if issues.len() == errors.len() { loaded.errors(issues).into() } else { Self::Store(errors) }
    }

    /// The exit code it ends with.
    pub(crate) fn exit(&self) -> Exit {
        match self {
            Self::Config(_) | Self::Folder(RecordError::BadFolder { .. }) => Exit::InvalidConfig,
            Self::Folder(
                RecordError::NoRuns { .. }
                | RecordError::UnknownRun { .. }
                | RecordError::AmbiguousRun { .. }
                | RecordError::NoFolder { .. }
                | RecordError::UnknownStage { .. }
                | RecordError::NotChangeable { .. },
            )
            | Self::Compare(_) => Exit::Usage,
            // As where the place in the configuration is known.
            Self::Store(errors) if errors.iter().all(|error| error.issue().is_some()) => Exit::InvalidConfig,
            Self::Plan(..) | Self::Folder(_) | Self::Store(_) | Self::Findings(_) => Exit::InvalidPlan,
            Self::Hidden(refusal, _) => refusal.exit(),
            Self::Tool(ToolError(StageError::Cancelled)) => Exit::Cancelled,
            Self::Tool(_) | Self::System(..) => Exit::StageFailed,
        }
    }

    /// Its parts for programs: code, message, help, key, file, line, column and span, as [`ConfigError::to_json`] has
    /// them.
    pub(crate) fn to_json(&self) -> Vec<Value> {
        match self {
            Self::Config(errors) => errors.iter().map(ConfigError::to_json).collect(),
            Self::Plan(error, pointer) => vec![part(error, pointer.as_ref())],
            Self::Folder(error) => vec![part(error, None)],
            Self::Compare(error) => vec![part(error, None)],
            Self::Tool(error) => vec![part(error, None)],
            Self::Store(errors) => errors.iter().map(|error| part(error, None)).collect(),
            Self::Findings(found) => found
                .iter()
                .map(|Located { finding, .. }| {
                    json!({"code": finding.code, "message": finding.message, "help": finding.help})
                })
                .collect(),
            Self::Hidden(refusal, secrets) => {
                refusal.to_json().into_iter().map(|part| hidden(part, secrets)).collect()
            }
            Self::System(what, error) => vec![json!({"message": format!("cannot {what}: {error}")})],
        }
    }

    /// The report.
    pub(crate) fn render(&self, colour: bool) -> String {
        let one = |error: &dyn Diagnostic| diagnostic(error, colour);
        match self {
            Self::Config(errors) => errors.render(colour),
            Self::Plan(error, None) => one(error),
            Self::Plan(error, Some(pointer)) => {
                let text = one(&Pointed { error, pointer, source: pointer.source() });
                text + &pointer.note()
            }
            Self::Folder(error) => one(error),
            Self::Compare(error) => one(error),
            Self::Tool(error) => one(error),
            Self::Store(errors) => errors.iter().map(|error| one(error)).collect::<Vec<_>>().join("\n"),
            Self::Findings(found) => findings(found, colour),
            Self::Hidden(refusal, secrets) => secrets.hide(&refusal.render(colour)),
            Self::System(what, error) => format!("cannot {what}: {error}\n"),
        }
    }
}

/// The same without secrets.
pub(super) fn hidden(value: Value, secrets: &Secrets) -> Value {
    match value {
        Value::String(text) => secrets.hide(&text).into(),
        Value::Array(parts) => parts.into_iter().map(|part| hidden(part, secrets)).collect(),
        Value::Object(parts) => parts.into_iter().map(|(name, part)| (name, hidden(part, secrets))).collect(),
        other => other,
    }
}

/// A diagnostic for programs.
fn part(error: &dyn Diagnostic, pointer: Option<&Pointer>) -> Value {
    let mut part = pointer.map(Pointer::to_json).unwrap_or_default();
    for (name, text) in [
        ("code", error.code().map(|code| code.to_string())),
        ("message", Some(error.to_string())),
        ("help", error.help().map(|help| help.to_string())),
    ] {
        part.insert(name.to_owned(), text.into());
    }
    part.into()
}

/// An error with the place of the mode word.
#[derive(Debug)]
struct Pointed<'a> {
    error: &'a PlanError,
    pointer: &'a Pointer,
    source: NamedSource<Arc<String>>,
}

impl Display for Pointed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error.fmt(f)
    }
}

impl std::error::Error for Pointed<'_> {}

impl Diagnostic for Pointed<'_> {
    fn code<'a>(&'a self) -> Option<Box<dyn Display + 'a>> {
        self.error.code()
    }

    fn help<'a>(&'a self) -> Option<Box<dyn Display + 'a>> {
        self.error.help()
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        Some(&self.source)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let label = self.error.part().1.to_owned();
        let span = LabeledSpan::new_primary_with_span(Some(label), self.pointer.span());
        Some(Box::new(std::iter::once(span)))
    }
}

/// Why a tool shows nothing.
#[derive(Debug)]
pub(crate) struct ToolError(StageError);

impl Display for ToolError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for ToolError {}

impl Diagnostic for ToolError {
    fn code<'a>(&'a self) -> Option<Box<dyn Display + 'a>> {
        match &self.0 {
            StageError::Failed { code, .. } => Some(Box::new(code)),
            StageError::Cancelled => None,
        }
    }

    fn help<'a>(&'a self) -> Option<Box<dyn Display + 'a>> {
        match &self.0 {
            StageError::Failed { help: Some(help), .. } => Some(Box::new(help)),
            _ => None,
        }
    }
}

impl From<ConfigErrors> for Refusal {
    fn from(errors: ConfigErrors) -> Self {
        Self::Config(errors)
    }
}

impl From<RecordError> for Refusal {
    fn from(error: RecordError) -> Self {
        Self::Folder(error)
    }
}

impl From<CompareError> for Refusal {
    fn from(error: CompareError) -> Self {
        Self::Compare(error)
    }
}

impl From<StageError> for Refusal {
    fn from(error: StageError) -> Self {
        Self::Tool(ToolError(error))
    }
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        Self::Store(vec![error])
    }
}

impl From<Vec<StoreError>> for Refusal {
    fn from(errors: Vec<StoreError>) -> Self {
        Self::Store(errors)
    }
}
