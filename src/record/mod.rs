//! The run folder: what a run leaves for people.
//!
//! ```text
//! run.json                 what ran, with which result (replaced atomically)
//! events.jsonl             every event but progress, one JSON object a line
//! stm32ai_main.log         the same for people
//! .hydra/keys.json         what its stages depend on, to explain them later
//! .hydra/config.yaml       the resolved configuration, .hydra/overrides.yaml the command line's changes to it
//! saved_models/ ...        copies of the stages' files (see [`Layout`])
//! ```
//!
//! Looking back: [`runs`] and [`find`] find run folders and know by their lease whether the engine is alive, [`history`]
//! reads events in whatever state they are, [`Summary`] adds them up.

mod command;
mod describe;
mod error;
mod events;
mod failure_line;
mod folder;
mod found;
mod history;
mod keys;
mod layout;
mod lease;
mod log;
mod materialise;
mod measured;
mod reopen;
mod run;
mod summary;
mod sweep;
mod sweeps;

#[cfg(test)]
mod tests;

pub use command::{RUNS, resume_command};
pub use describe::describe;
pub(crate) use describe::stood;
pub use error::RecordError;
pub use events::EventLog;
pub(crate) use failure_line::LAST_WORDS;
pub use failure_line::failure_line;
pub use folder::{RunFolder, read_overrides};
pub use found::{FoundRun, Standing, find, find_unfinished, run, runs};
pub use history::{EVENTS_FORMAT, History, has_metrics, history, is_whole};
pub use keys::{Found, InputOrigin, Origin, RunKeys, StageKey, read_keys};
pub use layout::Layout;
pub use lease::{Lease, Life, life};
pub use log::RunLog;
pub use materialise::{Place, copy_out, materialise};
pub use measured::measured;
pub use run::{Outcome, Published, RunRecord, StageRecord, StageState};
pub use summary::{FailureRecord, Series, StageSummary, Summary};
pub use sweep::{SweepRecord, VariantError, VariantRecord};
pub use sweeps::{lost_sweeps, sweeps};

/// The run's record.
const RECORD: &str = "run.json";
/// Its events.
const EVENTS: &str = "events.jsonl";
/// The same in words.
const LOG: &str = "stm32ai_main.log";
