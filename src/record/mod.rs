//! The run folder: what a run leaves for people.
//!
//! ```text
//! run.json                 what ran, with which result (replaced atomically)
//! events.jsonl             every event but progress, one JSON object a line
//! stm32ai_main.log         the same for people
//! .hydra/config.yaml       the resolved configuration, .hydra/overrides.yaml the command line's changes to it
//! saved_models/ ...        copies of the stages' files (see [`Layout`])
//! ```

mod describe;
mod error;
mod events;
mod folder;
mod layout;
mod log;
mod materialise;
mod run;

#[cfg(test)]
mod tests;

pub use describe::describe;
pub use error::RecordError;
pub use events::EventLog;
pub use folder::RunFolder;
pub use layout::Layout;
pub use log::RunLog;
pub use materialise::materialise;
pub use run::{Outcome, Published, RunRecord, StageRecord, StageState};
