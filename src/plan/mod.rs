//! From the mode word to a plan: a directed acyclic graph of stages and of what they read from outside.
//!
//! - [`Word`]: `chain_tqe` as letters, and the letters as stages of the registry
//! - [`compile`]: stages with their settings, their ports bound to producers on their left or to sources
//! - [`compile_stages`]: the entries of the `stages` section instead of a word
//! - [`Plan`]: the graph, and questions to it; [`Merged`]: many of them as one
//! - [`keys`]: recipe keys, and key documents once the inputs exist
//! - [`status`]: what the store has of it already
//! - [`explain`]: why a stage runs, by what its key and an earlier one do not have in common
//! - [`text`], [`dot`], [`mermaid`], [`json`]: the plan for people, as pictures, and for programs
//!
//! Nothing here runs a stage or writes a file.

mod cause;
mod compile;
mod difference;
mod dot;
mod drawing;
mod entries;
mod error;
mod explain;
mod fetch;
mod graph;
mod host;
mod json;
mod kept;
pub mod keys;
mod merge;
mod mermaid;
mod per_node;
mod projection;
mod status;
mod text;
mod word;

pub use cause::{Cause, Projected, causes};
pub use compile::compile;
pub use difference::{
    Difference, What, arrow, differences, settings as setting_differences, size as settings_size,
};
pub use dot::dot;
use drawing::{Drawing, Shape};
pub use entries::{STAGES, compile_stages, params_change_configuration};
pub use error::PlanError;
pub use explain::{Against, Explanation, Happening, Made, Reason, Reference, Subject, explain};
pub use fetch::fetch;
pub use graph::{Binding, Edge, Link, Node, Plan, StageNode};
pub(crate) use host::remember_in;
pub use json::json;
pub use kept::{member_keys, run_keys};
pub use merge::{Member, Merged};
pub use mermaid::mermaid;
pub use per_node::PerNode;
pub use projection::{entry_projections, projections};
pub use status::{StageState, Status, status};
pub use text::text;
pub use word::Word;
