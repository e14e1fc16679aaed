//! Figures as SVG text: learning curves, confusion matrices, memory plans.
//!
//! The same arguments give the same bytes. Text uses the viewer's own sans-serif font; the layout leaves room for fonts a
//! little wider than usual. Nothing here reads or writes files.

mod axis;
mod curves;
mod matrix;
mod memory;
mod svg;

pub use curves::{Series, curves};
pub use matrix::confusion_matrix;
pub use memory::{MemoryBlock, memory_plan};
