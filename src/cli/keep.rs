//! What a run keeps when it starts, so that it can be explained later.

use super::{Refusal, prepare::Known};
use crate::{
    plan::{Member, Plan, member_keys, run_keys},
    record::RunFolder,
};

/// What the stages depend on, into the run's folder, and what the data sets consist of, into the store.
pub(super) fn keep(plan: &Plan, known: &Known, folder: &RunFolder) -> Result<(), Refusal> {
    folder.write_keys(&run_keys(plan, &known.sources, &known.states))?;
    keep_listings(plan, known)
}

/// What the stages of one of several plans that have become one depend on.
pub(super) fn keep_member(
    plan: &Plan,
    members: &[Member],
    known: &Known,
    folder: &RunFolder,
) -> Result<(), Refusal> {
    Ok(folder.write_keys(&member_keys(plan, members, &known.sources, &known.states))?)
}

/// What the data sets consist of.
pub(super) fn keep_listings(plan: &Plan, known: &Known) -> Result<(), Refusal> {
    for (index, source) in plan.sources() {
        if let Some(digested) = known.sources.get(index) {
            known.store.keep_listing(source, digested)?;
        }
    }
    Ok(())
}
