//! The engine: a YAML file in, a report out.

pub mod plan;
pub mod record;
pub mod report;
pub mod schedule;
pub mod store;
