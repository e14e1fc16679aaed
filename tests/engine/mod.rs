//! The engine through real binaries: `pipeline` itself, and `tiny_chain`, the same engine with three stages that take
//! milliseconds (`tests/tiny_chain/stages.rs`).

mod sandbox;
#[path = "../tiny_chain/stages.rs"]
mod stages;

mod cancelled;
mod corrupt;
mod failing;
mod killed;
mod plans;
mod refused;
mod stored;
mod together;
