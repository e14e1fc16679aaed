//! Runs beside each other: what differs in their configurations against what they measured.
//!
//! [`Row`] is what a run has to say, read from its folder. [`Comparison`] finds the columns: parameters, which are the leaves
//! of the resolved configurations, and metrics; which of them differ, and which value is the best. `text`, `csv`, `json`,
//! `markdown` and `picture` show it.

mod better;
mod cell;
mod comparison;
mod csv;
mod error;
mod json;
mod layout;
mod markdown;
mod names;
mod parameter;
mod picture;
mod row;
mod text;
mod times;

#[cfg(test)]
mod tests;

pub use comparison::{Choice, Comparison, Subject};
pub use error::CompareError;
pub use row::{Row, together};
pub use text::Page;
