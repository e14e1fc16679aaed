//! The engine through real binaries: `pipeline` itself, and `tiny_chain`, the same engine with three stages that take
//! milliseconds (`tests/tiny_chain/stages.rs`).

mod sandbox;
#[path = "../tiny_chain/stages.rs"]
mod stages;

mod cancelled;
mod care;
mod compared;
mod copied;
mod corrupt;
mod cosmetic;
pub(crate) mod disturbed;
mod entries;
mod explained;
mod failing;
pub(crate) mod full_disk;
mod killed;
mod plans;
mod programs;
mod refused;
mod resources;
mod resumed;
mod secrets;
mod stored;
mod sweeps;
mod timeouts;
mod together;
mod unchanged;
mod validated;
mod views;
