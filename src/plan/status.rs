//! What the store has of a plan already.

use super::{
    PerNode, Plan,
    keys::{self, Sources},
};
use crate::store::{Digest, Manifest, Store, StoreError, Stored};
use petgraph::graph::NodeIndex;
use std::sync::Arc;

/// What a run would do with a stage now.
#[derive(Debug, Clone, PartialEq)]
pub enum Status {
    /// Nothing: its result is stored.
    Hit(Arc<Manifest>),
    /// Run it: its inputs exist and the store has no result for them.
    Run,
    /// That depends on what these stages make.
    After(Vec<NodeIndex>),
}

/// The state of a stage before a run.
#[derive(Debug, Clone, PartialEq)]
pub struct StageState {
    /// Its recipe key.
    pub recipe: Digest,
    /// Its fingerprint, if all its inputs exist.
    pub fingerprint: Option<Digest>,
    /// What a run would do.
    pub status: Status,
    /// Why its stored result cannot be used, if there is one that cannot.
    pub damage: Option<String>,
    /// Why it would run in a few words, where that was asked for.
    pub reason: Option<String>,
}

impl StageState {
    /// Its result, if that is stored.
    #[must_use]
    pub fn hit(&self) -> Option<&Manifest> {
        match &self.status {
            Status::Hit(manifest) => Some(manifest),
            Status::Run | Status::After(_) => None,
        }
    }
}

/// The state of every stage of the plan, in plan order, by the [`recipes`](keys::recipes) of its stages.
///
/// # Errors
/// When the store cannot be read.
pub fn status(
    plan: &Plan,
    sources: &Sources,
    recipes: &PerNode<Digest>,
    store: &Store,
) -> Result<PerNode<StageState>, StoreError> {
    let mut states: PerNode<StageState> = PerNode::default();
    for (index, recipe) in recipes.iter() {
        let hit = |node| states.get(node).and_then(StageState::hit);
        let key = keys::key(plan, index, sources, &hit)?;
        let fingerprint = key.map(|key| key.fingerprint()).transpose()?;
        let stored = fingerprint.as_ref().map(|fingerprint| store.lookup(fingerprint)).transpose()?;
        let mut damage = None;
        let status = match stored {
            None => Status::After(plan.upstream(index).into_iter().filter(|up| hit(*up).is_none()).collect()),
            Some(Stored::Result(manifest)) => Status::Hit(Arc::new(*manifest)),
            Some(Stored::Nothing) => Status::Run,
            Some(Stored::Damaged(why)) => {
                damage = Some(why);
                Status::Run
            }
        };
        states.insert(index, StageState { recipe: *recipe, fingerprint, status, damage, reason: None });
    }
    Ok(states)
}
