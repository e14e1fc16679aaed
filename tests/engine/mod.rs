//! The engine through real binaries: `pipeline` itself, and `tiny_chain`, the same engine with three stages that take
//! milliseconds (`tests/tiny_chain/stages.rs`).

mod sandbox;
#[path = "../tiny_chain/stages.rs"]
mod stages;

mod cancelled;
mod corrupt;
mod entries;
mod failing;
mod killed;
mod plans;
mod programs;
mod refused;
mod resources;
mod secrets;
mod stored;
mod timeouts;
mod together;
mod validated;
mod views;
