//! A declarative pipeline engine for chained services: a YAML file in, a report out.
//!
//! Data flows through the modules in this order:
//!
//! - [`config`]: text becomes the typed configuration, in which every value knows its line
//! - [`plan`]: its mode word becomes a graph of stages and of what they read from outside
//! - [`schedule`]: stages whose inputs exist run, each in a process of its own
//! - [`store`]: what they make is kept under a key of everything it depends on, and never made twice
//! - [`record`]: the run folder: models, logs, figures, and what happened
//! - [`report`]: the same for eyes
//! - [`sweep`]: many variants of a configuration through all of this as one plan
//!
//! The engine knows stages only through the [`contract`]; [`stages`] lists the built-in ones. A program with own stages
//! calls [`main`] with a registry of its own.

mod cli;
pub mod config;
pub mod plan;
pub mod record;
pub mod report;
pub mod schedule;
mod several;
pub mod stages;
pub mod store;
pub mod sweep;

pub use cli::main;
