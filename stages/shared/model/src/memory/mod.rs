//! Where the tensors of a running network lie: its activation memory.
//!
//! A network on a small device has one arena, and every tensor a fixed place in it. [`Graph::memory_plan`](crate::Graph)
//! finds places in three steps: `sharing` says which tensors can have one block of memory (views, operations that work in
//! place, parts of a concatenation), `pack` gives blocks offsets so that those alive together do not overlap, `plan` puts
//! both together and moves blocks to a second memory where the first is too small.
//!
//! Time is counted in layers: at step `i` layer `i` reads its inputs and writes its output, which are all alive then.

mod pack;
mod plan;
mod sharing;
#[cfg(test)]
mod tests;

pub use plan::{MemoryPlan, PlacedBlock, PlacedTensor};
pub use sharing::Sharing;
