//! What the stages may read of the configuration.

use crate::board::{BOARDS, Board};
use contract::{Config, Issue};
use serde::{Deserialize, Serialize};

const KEY: &str = "benchmarking.board";

/// What `estimate` may read of the configuration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EstimateSettings {
    /// The board to compare with, by the name in [`BOARDS`].
    pub board: Option<String>,
}

impl EstimateSettings {
    /// The settings that a configuration asks for.
    ///
    /// # Errors
    /// A missing section, a board that is not known.
    pub fn from_config(config: &Config) -> Result<Self, Vec<Issue>> {
        let Some(section) = &config.benchmarking else {
            let missing = Issue::missing("benchmarking", "estimate compares the model with a board");
            return Err(vec![missing.with_help(format!(
                "add `benchmarking: {{ board: STM32H747I-DISCO }}`, or `benchmarking: {{}}` to compare with none; {}",
                boards()
            ))]);
        };
        let board = match section.board.as_deref() {
            None => None,
            Some(name) => Some(Board::find(name).ok_or_else(|| vec![unknown(name)])?.name.to_owned()),
        };
        Ok(Self { board })
    }
}

/// What `measure` may read of the configuration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MeasureSettings {
    /// Threads that run the model: here they change the result.
    pub threads: usize,
}

/// More threads than any machine has cores for.
const MOST_THREADS: usize = 1024;

impl MeasureSettings {
    /// The settings that a configuration asks for.
    ///
    /// # Errors
    /// No threads, or too many.
    pub fn from_config(config: &Config) -> Result<Self, Vec<Issue>> {
        let threads = config.general.num_threads_tflite;
        if !(1..=MOST_THREADS).contains(&threads) {
            let message = format!("{threads} threads cannot run a model");
            let issue = Issue::invalid("general.num_threads_tflite", message);
            return Err(vec![issue.with_help(format!("a number from 1, the default, to {MOST_THREADS}"))]);
        }
        Ok(Self { threads })
    }
}

fn unknown(name: &str) -> Issue {
    let issue = Issue::invalid(KEY, format!("the board `{name}` is not known"));
    issue.with_help(match Board::nearest(name) {
        Some(nearest) => format!("did you mean `{nearest}`? {}", boards()),
        None => boards(),
    })
}

fn boards() -> String {
    format!("boards are {}", BOARDS.map(|board| board.name).join(", "))
}
