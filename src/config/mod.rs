//! From text to the typed configuration.
//!
//! Data flows top down through the modules:
//!
//! ```text
//! source       the file's bytes -> text -> tree of nodes, each with its place in the text (spans, merge keys)
//! template     of a *.yaml.j2, before it is read as YAML: the text that it stands for
//! overrides    changes from the command line, merged into the tree; their nodes point at the command line
//! interpolate  ${now:...}, ${oc.env:NAME}, ${section.key} -> text; what came from the environment stays marked
//! read         tree -> contract::Config, each value by the type that is wanted; all mistakes in one report
//! loaded       the result, which still knows where every key stands, so that later issues get a caret too
//! base         the same for many variants of one file: read once, loaded with the changes of each (space: values that
//!              stand for several; rows: a table of variants; gathered: the mistakes of all, each once)
//! write        tree -> YAML, secrets hidden
//! leaves       what two configurations differ in, and where these values stand
//! ```
//!
//! Every mistake becomes a [`ConfigError`] with a stable code, the place, what was found, what is legal.

mod base;
mod error;
mod gathered;
mod idle;
mod interpolate;
mod kept;
mod leaves;
mod loaded;
mod mangled;
mod node;
mod overrides;
mod path;
mod read;
mod rest;
mod rows;
mod secrets;
mod source;
mod space;
mod spans;
mod syntax;
mod template;
#[cfg(test)]
mod tests;
mod text;
mod write;
mod written;

pub use base::{Base, Key, Parameter, Section, Setting};
pub(crate) use contract::suggest;
pub use error::{Code, ConfigError, ConfigErrors};
pub use gathered::Gathered;
pub use interpolate::Referred;
pub use kept::{Kept, load_kept};
pub use leaves::{Leaf, ValueOrigin};
pub use loaded::{Loaded, Pointer, Request, load, load_text};
pub use rest::Rest;
pub use secrets::Secrets;
pub use space::Space;
pub use written::Choice;
