//! From the mode word to a plan: a directed acyclic graph of stages and of what they read from outside.
//!
//! - [`Word`]: `chain_tqe` as letters, and the letters as stages of the registry
//! - [`compile`]: stages with their settings, their ports bound to producers on their left or to sources
//! - [`Plan`]: the graph, and questions to it
//! - [`keys`]: recipe keys, and key documents once the inputs exist
//! - [`status`]: what the store has of it already
//! - [`text`]: the plan as a table for people
//!
//! Nothing here runs a stage or writes a file.

mod compile;
mod error;
mod graph;
mod host;
pub mod keys;
mod status;
mod text;
mod word;

pub use compile::compile;
pub use error::PlanError;
pub use graph::{Binding, Edge, Link, Node, Plan, StageNode};
pub use status::{StageState, Status, status};
pub use text::text;
pub use word::Word;
