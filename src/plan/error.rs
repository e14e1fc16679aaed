//! What can be wrong with a mode word.

use miette::Diagnostic;
use thiserror::Error;

/// Why a mode word is no plan.
#[derive(Debug, Clone, PartialEq, Eq, Error, Diagnostic)]
pub enum PlanError {
    /// No mode of that name.
    #[error("`operation_mode: {word}` is not a mode")]
    #[diagnostic(code(plan::unknown_mode))]
    UnknownMode {
        /// What the file says.
        word: String,
        /// What could be meant, and what there is.
        #[help]
        help: String,
    },
    /// `chain_` with nothing behind it.
    #[error("`operation_mode: chain_` names no stage")]
    #[diagnostic(
        code(plan::empty_chain),
        help("write one letter for each stage, as in `chain_tqe`: {letters}")
    )]
    EmptyChain {
        /// The letters there are.
        letters: String,
    },
    /// A letter that stands for nothing.
    #[error("`{letter}` in `operation_mode: {word}` stands for no stage")]
    #[diagnostic(code(plan::unknown_letter), help("the letters are {letters}"))]
    UnknownLetter {
        /// The letter.
        letter: char,
        /// The whole word.
        word: String,
        /// The letters there are.
        letters: String,
    },
    /// Training behind another stage.
    #[error(
        "`t` can only come first in `operation_mode: {word}`: training starts from a configuration, not from a stage's model"
    )]
    #[diagnostic(
        code(plan::train_not_first),
        help(
            "move `t` to the front, or run two chains and name the first one's model in `general.model_path`"
        )
    )]
    TrainNotFirst {
        /// The whole word.
        word: String,
    },
    /// A stage that this binary was compiled without.
    #[error("`operation_mode: {word}` needs the stage `{stage}`, which this program was built without")]
    #[diagnostic(code(plan::not_built), help("build it with `cargo build --release --features {stage}`"))]
    NotBuilt {
        /// The stage.
        stage: &'static str,
        /// The whole word.
        word: String,
    },
    /// A stage that does not exist yet.
    #[error("`operation_mode: {word}` needs the stage `{stage}`, which is not available yet")]
    #[diagnostic(code(plan::not_yet), help("this program can run: {available}"))]
    NotYet {
        /// The stage.
        stage: &'static str,
        /// The whole word.
        word: String,
        /// Names of the stages there are.
        available: String,
    },
}

impl PlanError {
    /// The part of the word that is wrong, as it ends the word or stands in it for the last time, and what to say at it.
    #[must_use]
    pub fn part(&self) -> (String, &'static str) {
        match self {
            Self::UnknownMode { word, .. } => (word.clone(), "no mode"),
            Self::EmptyChain { .. } => ("chain_".to_owned(), "no stage behind it"),
            Self::UnknownLetter { letter, .. } => (letter.to_string(), "no stage"),
            Self::TrainNotFirst { .. } => ("t".to_owned(), "not first"),
            Self::NotBuilt { word, .. } => (word.clone(), "not built in"),
            Self::NotYet { word, .. } => (word.clone(), "not available yet"),
        }
    }
}
