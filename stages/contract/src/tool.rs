//! Tools: verbs that the crates of stages add to the command line.

use crate::StageError;
use std::{
    collections::BTreeMap,
    ffi::{OsStr, OsString},
    path::Path,
};

/// A verb of the command line that is no stage: `pipeline summary MODEL`. It looks at what it is given, once, and shows
/// something; nothing of it is stored.
///
/// The engine holds tools in the same [`Registry`](crate::Registry) as stages, lists them in its help and its completions,
/// reads their parameters from the command line and prints what they show.
pub trait Tool: Send + Sync {
    /// The verb, a single lower-case word that is no verb of the engine.
    fn name(&self) -> &'static str;

    /// One sentence for help texts, an imperative without a full stop.
    fn about(&self) -> &'static str;

    /// Command lines, one a line with a blank and what it does behind it, for its own help.
    fn examples(&self) -> &'static str {
        ""
    }

    /// What it takes from the command line.
    fn parameters(&self) -> &'static [Parameter];

    /// Does it.
    ///
    /// # Errors
    /// Why there is nothing to show.
    fn run(&self, arguments: &Arguments) -> Result<Page, StageError>;
}

/// Something that a [`Tool`] takes from the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Parameter {
    /// Its name in lower case; that of an option stands behind `--`.
    pub name: &'static str,
    /// What stands for its value in the help: `MODEL`.
    pub value: &'static str,
    /// One sentence for the help, without a full stop.
    pub about: &'static str,
    /// What it takes.
    pub kind: ParameterKind,
}

/// What a [`Parameter`] takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ParameterKind {
    /// The path of a file, which must be given and has its place behind the verb. Shells offer files of these extensions.
    File {
        /// Without dots.
        extensions: &'static [&'static str],
    },
    /// An option with one of these values; the first is that of a line without it.
    Choice {
        /// The values.
        values: &'static [&'static str],
    },
}

/// What the command line gives a [`Tool`]: all its parameters have a value.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Arguments(BTreeMap<String, OsString>);

impl Arguments {
    /// Adds the value of a parameter.
    #[must_use]
    pub fn with(mut self, parameter: impl Into<String>, value: impl Into<OsString>) -> Self {
        self.0.insert(parameter.into(), value.into());
        self
    }

    /// The path of a [`ParameterKind::File`].
    ///
    /// # Errors
    /// A parameter that the tool has not declared.
    pub fn file(&self, parameter: &str) -> Result<&Path, StageError> {
        self.get(parameter).map(Path::new)
    }

    /// The value of a [`ParameterKind::Choice`].
    ///
    /// # Errors
    /// A parameter that the tool has not declared.
    pub fn choice(&self, parameter: &str) -> Result<&str, StageError> {
        self.get(parameter)?.to_str().ok_or_else(|| undeclared(parameter))
    }

    fn get(&self, parameter: &str) -> Result<&OsStr, StageError> {
        self.0.get(parameter).map(OsString::as_os_str).ok_or_else(|| undeclared(parameter))
    }
}

fn undeclared(parameter: &str) -> StageError {
    StageError::failed("tool::parameter", format!("the tool was not given its parameter `{parameter}`"))
}

/// What a [`Tool`] shows, from top to bottom. The engine prints it as it prints its own listings.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Page(pub Vec<Block>);

/// A part of a [`Page`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Block {
    /// Lines of text, each with a newline at its end.
    Text(String),
    /// A table with aligned columns.
    Table {
        /// What stands above each column; none where it says itself.
        header: Vec<String>,
        /// As many cells in each as there are columns.
        rows: Vec<Vec<String>>,
        /// Columns that are aligned right, from 0.
        right: Vec<usize>,
    },
}

impl Page {
    /// Adds text.
    #[must_use]
    pub fn text(mut self, text: impl Into<String>) -> Self {
        self.0.push(Block::Text(text.into()));
        self
    }

    /// Adds a table.
    #[must_use]
    pub fn table(mut self, header: &[&str], rows: Vec<Vec<String>>, right: &[usize]) -> Self {
        let header = header.iter().map(|name| (*name).to_owned()).collect();
        self.0.push(Block::Table { header, rows, right: right.to_vec() });
        self
    }
}
