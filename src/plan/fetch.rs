//! Sources that are elsewhere, before anything looks at them.

use super::{Node, Plan};
use crate::store::{Progress, Store, StoreError};

/// Fetches what the plan reads from http and https addresses; its sources are files from then on.
///
/// # Errors
/// What is wrong with each source that cannot be had.
pub fn fetch(plan: &mut Plan, store: &Store, progress: Progress<'_>) -> Result<(), Vec<StoreError>> {
    let mut errors = Vec::new();
    for node in plan.graph.node_weights_mut() {
        if let Node::Source(source) = node {
            errors.extend(store.fetch(source, progress).err());
        }
    }
    if errors.is_empty() { Ok(()) } else { Err(errors) }
}
