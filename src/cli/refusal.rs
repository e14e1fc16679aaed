//! Why a command does nothing.

use super::Exit;
use crate::{
    config::ConfigErrors,
    plan::PlanError,
    record::RecordError,
    report::{diagnostic, findings},
    schedule::Located,
    store::StoreError,
};
use miette::Diagnostic;

/// What is wrong before anything has run.
pub(crate) enum Refusal {
    /// The configuration file.
    Config(ConfigErrors),
    /// The mode word, and where it stands: `FILE:LINE:COLUMN`.
    Plan(PlanError, String),
    /// A name of a folder in the configuration.
    Folder(RecordError),
    /// Inputs, or the store itself.
    Store(Vec<StoreError>),
    /// What preflight found.
    Findings(Vec<Located>),
    /// The system does not do what it must for anything to run.
    System(&'static str, std::io::Error),
}

impl Refusal {
    /// The exit code it ends with.
    pub(crate) fn exit(&self) -> Exit {
        match self {
            Self::Config(_) | Self::Folder(RecordError::BadFolder { .. }) => Exit::InvalidConfig,
            Self::Plan(..) | Self::Folder(_) | Self::Store(_) | Self::Findings(_) => Exit::InvalidPlan,
            Self::System(..) => Exit::StageFailed,
        }
    }

    /// The report.
    pub(crate) fn render(&self, colour: bool) -> String {
        let one = |error: &dyn Diagnostic| diagnostic(error, colour);
        match self {
            Self::Config(errors) => errors.render(colour),
            Self::Plan(error, place) => format!("{}  in {place}\n", one(error)),
            Self::Folder(error) => one(error),
            Self::Store(errors) => errors.iter().map(|error| one(error)).collect::<Vec<_>>().join("\n"),
            Self::Findings(found) => findings(found, colour),
            Self::System(what, error) => format!("cannot {what}: {error}\n"),
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
