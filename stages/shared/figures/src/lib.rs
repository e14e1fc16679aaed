//! Figures as SVG text: learning curves, confusion matrices, memory plans, scatters.
//!
//! The same arguments give the same bytes. Text uses the viewer's own sans-serif font; the layout leaves room for fonts a
//! little wider than usual. Nothing here reads or writes files.

mod axis;
mod curves;
mod front;
mod labels;
mod matrix;
mod memory;
mod scatter;
mod svg;

pub use curves::{Series, curves};
pub use front::{Better, pareto_front};
pub use matrix::confusion_matrix;
pub use memory::{MemoryBlock, memory_plan};
pub use scatter::{Point, Quantity, Scatter, scatter};
