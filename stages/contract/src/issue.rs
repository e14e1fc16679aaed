//! Issues: what is wrong with a configuration or with the data it names.

use serde::{Deserialize, Serialize};
use std::fmt;

/// Something wrong at one key of the configuration. The engine adds file, line and caret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Issue {
    /// What sort of mistake, which decides the error's code.
    pub kind: IssueKind,
    /// The key it is about, dotted: `training.optimizer.Adam.learning_rate`. Where the key is absent the caret points at
    /// the nearest parent that is there.
    pub key: String,
    /// What was found and why it cannot stand, one sentence.
    pub message: String,
    /// What to do about it.
    pub help: Option<String>,
}

/// The sort of an [`Issue`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IssueKind {
    /// A key that must be there is not: `config::missing_key`.
    Missing,
    /// A value that cannot stand: `config::invalid_value`.
    Invalid,
    /// Keys that exclude each other: `config::conflict`.
    Conflict,
    /// A legal key or value whose behaviour is not built yet: `config::not_yet`.
    NotYet,
    /// A file or folder named in the configuration that is not there or cannot be read: `config::path`.
    Path,
}

impl Issue {
    /// An issue of `kind` at `key`.
    pub fn new(kind: IssueKind, key: impl Into<String>, message: impl Into<String>) -> Self {
        Self { kind, key: key.into(), message: message.into(), help: None }
    }

    /// A required key that is absent; `needed_by` says who needs it ("training needs it").
    pub fn missing(key: impl Into<String>, needed_by: impl fmt::Display) -> Self {
        let key = key.into();
        let message = format!("`{key}` is missing: {needed_by}");
        Self::new(IssueKind::Missing, key, message)
    }

    /// A value that cannot stand.
    pub fn invalid(key: impl Into<String>, message: impl Into<String>) -> Self {
        Self::new(IssueKind::Invalid, key, message)
    }

    /// A legal key or value that is not built yet. It is never ignored: a result that silently lacks what the file asks
    /// for would be a wrong result.
    pub fn not_yet(key: impl Into<String>, what: impl fmt::Display) -> Self {
        Self::new(IssueKind::NotYet, key, format!("{what} is not available yet"))
    }

    /// Adds what to do about it.
    #[must_use]
    pub fn with_help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

/// How bad a [`Finding`] is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Worth knowing.
    Note,
    /// Likely a mistake; the run goes on.
    Warning,
    /// The run cannot start.
    Error,
}

/// Something found in preflight: in the data, the model or on the machine, before anything runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// How bad.
    pub severity: Severity,
    /// Stable code: `data::mask_value`, `data::rgb_mask`, `model::classes`.
    pub code: String,
    /// What was found and where, naming the file.
    pub message: String,
    /// What to do about it.
    pub help: Option<String>,
}

impl Finding {
    /// A finding that stops the run before it starts.
    pub fn error(code: impl Into<String>, message: impl Into<String>) -> Self {
        Self { severity: Severity::Error, code: code.into(), message: message.into(), help: None }
    }

    /// A finding the user should know of.
    pub fn warning(code: impl Into<String>, message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(code, message) }
    }

    /// A remark.
    pub fn note(code: impl Into<String>, message: impl Into<String>) -> Self {
        Self { severity: Severity::Note, ..Self::error(code, message) }
    }

    /// Adds what to do about it.
    #[must_use]
    pub fn with_help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}
