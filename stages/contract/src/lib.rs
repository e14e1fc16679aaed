//! What every stage promises the engine, and the configuration both read.
//!
//! A stage crate implements [`Stage`] and nothing else of the engine: it projects the typed [`config::Config`] into
//! [`Settings`], names the [`Source`]s it wants from outside, checks them in [`Stage::preflight`], and does its work in
//! [`Stage::run`] with no more than a [`StageContext`] in its hands. What is no work of a plan but a verb of its own is a
//! [`Tool`]. The engine finds both through a [`Registry`].
//!
//! Data flows one way: config -> settings + sources -> run -> artifacts + events.

mod address;
pub mod config;
mod context;
mod error;
mod event;
pub mod failpoint;
mod issue;
mod port;
mod processor;
pub mod protocol;
pub mod random;
mod registry;
mod settings;
mod source;
mod stage;
pub mod suggest;
mod tool;
pub mod value;

pub use address::Address;
pub use config::Config;
pub use context::{CancelToken, Input, InputContent, Runtime, StageContext};
pub use error::{Problem, StageError};
pub use event::{Event, EventKind, Progress};
pub use issue::{Finding, Issue, IssueKind, Severity};
pub use port::{ArtifactKind, InputPort, OutputPort};
pub use processor::processor;
pub use random::Random;
pub use registry::Registry;
pub use settings::Settings;
pub use source::{ImageEntry, Source, SourceContent};
pub use stage::{
    CommandLine, Cores, Declared, Demand, Entry, Looked, Machine, OutputCopy, Outputs, Preflight, Program,
    Resources, Stage, layout,
};
pub use tool::{Arguments, Block, Page, Parameter, ParameterKind, Tool};
