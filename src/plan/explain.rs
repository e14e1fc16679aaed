//! Why a stage runs, or does not: its key beside the one of an earlier run.

use super::difference::{Difference, What, differences};
use crate::{
    record::{Found, Origin, StageKey, StageState, Standing},
    store::{Digest, SourceListing},
};
use jiff::Timestamp;
use std::collections::BTreeMap;

/// A stage that is to be explained.
#[derive(Debug, Clone, PartialEq)]
pub struct Subject {
    /// What it depends on.
    pub key: StageKey,
    /// What would become of it, or what became of it.
    pub happening: Happening,
}

/// What becomes of a stage.
#[derive(Debug, Clone, PartialEq)]
pub enum Happening {
    /// Its result is taken from the store.
    Hit(Option<Made>),
    /// It runs; in a run that is over or under way, with this outcome.
    Runs(Option<StageState>),
    /// That depends on what these stages make.
    After(Vec<String>),
    /// It did not start.
    NotStarted,
}

/// How a stored result came to be.
#[derive(Debug, Clone, PartialEq)]
pub struct Made {
    /// When.
    pub at: Option<Timestamp>,
    /// How many seconds that took.
    pub seconds: f64,
    /// The run that made it, if it is among those that are there.
    pub by: Option<String>,
}

/// What a stage is compared with.
#[derive(Debug, Clone, PartialEq)]
pub struct Reference {
    /// What that depended on.
    pub key: StageKey,
    /// Where it is from.
    pub against: Against,
    /// Whether its result is in the store, so that it is taken from there once its inputs are the same again.
    pub stored: bool,
    /// Whether that is the very same execution: of another variant of the same sweep.
    pub shared: bool,
}

/// Where the key is from that a stage is compared with.
#[derive(Debug, Clone, PartialEq)]
pub enum Against {
    /// An earlier run.
    Run {
        /// Its name.
        id: String,
        /// Its folder.
        path: String,
        /// When it started.
        started: Option<Timestamp>,
        /// What became of the stage there.
        state: StageState,
        /// How that run stands.
        standing: Standing,
    },
    /// A stored result.
    Stored {
        /// When it was made.
        at: Option<Timestamp>,
    },
}

/// Why a stage runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reason {
    /// There is nothing to compare it with.
    FirstTime,
    /// Something that it depends on is another.
    Changed,
    /// It ran once for several variants of a sweep; the reference is another of them.
    Shared,
    /// Nothing changed, and its result is not in the store any more.
    Removed,
    /// Nothing changed, and its stored result cannot be used.
    Damaged(String),
    /// Nothing changed, and the earlier run has made no result.
    Unfinished(&'static str),
    /// Nothing that is known changed; it depends on what these stages make.
    Upstream(Vec<String>),
}

/// Why a stage runs, or does not.
#[derive(Debug, Clone, PartialEq)]
pub struct Explanation {
    /// Its name in the plan.
    pub name: String,
    /// Its name in the registry.
    pub stage: String,
    /// What becomes of it.
    pub happening: Happening,
    /// Why it runs; none where it does not.
    pub reason: Option<Reason>,
    /// What it was compared with.
    pub against: Option<Against>,
    /// What its key does not have in common with that.
    pub differences: Vec<Difference>,
    /// The stages before it that made the same as before, although they ran again or changed.
    pub same_from: Vec<String>,
    /// Its fingerprint, where it is known.
    pub fingerprint: Option<Digest>,
}

/// Explains each stage by its reference, in their order.
#[must_use]
pub fn explain(
    subjects: Vec<Subject>,
    references: &BTreeMap<String, Reference>,
    listing: &dyn Fn(&Digest) -> Option<SourceListing>,
) -> Vec<Explanation> {
    let mut explained: Vec<Explanation> = Vec::with_capacity(subjects.len());
    // By name, whether it ran or was another.
    let mut stirred: BTreeMap<String, bool> = BTreeMap::new();
    for Subject { key, happening } in subjects {
        let reference = references.get(&key.name);
        let differences =
            reference.map(|reference| compared(&reference.key, &key, listing)).unwrap_or_default();
        let runs = matches!(happening, Happening::Runs(_));
        stirred.insert(key.name.clone(), runs || !differences.is_empty());
        let is_hit = matches!(happening, Happening::Hit(_));
        let same_from = match is_hit && reference.is_some() && differences.is_empty() {
            true => {
                makers(&key).filter(|name| stirred.get(*name) == Some(&true)).map(str::to_owned).collect()
            }
            false => Vec::new(),
        };
        explained.push(Explanation {
            reason: reason(&key, &happening, reference, &differences),
            against: reference.map(|reference| reference.against.clone()),
            name: key.name,
            stage: key.stage,
            happening,
            differences,
            same_from,
            fingerprint: key.fingerprint,
        });
    }
    explained
}

/// The differences of two keys. Fingerprints know best whether there are any, also where what an input was is forgotten.
fn compared(
    old: &StageKey,
    new: &StageKey,
    listing: &dyn Fn(&Digest) -> Option<SourceListing>,
) -> Vec<Difference> {
    let (Some(one), Some(two)) = (old.fingerprint, new.fingerprint) else {
        return differences(old, new, listing);
    };
    if one == two {
        return Vec::new();
    }
    let mut found = differences(old, new, listing);
    if found.is_empty() {
        let is_known = |port: &String| old.inputs.get(port).is_some_and(|input| input.digest.is_some());
        let unknown = new.inputs.iter().filter(|(port, input)| input.digest.is_none() || !is_known(port));
        found.extend(unknown.map(|(port, _)| Difference {
            what: What::Input(port.clone()),
            old: None,
            new: None,
            details: vec!["what it was is not known any more: the result that made it is gone".to_owned()],
        }));
    }
    found
}

/// The stages that make its inputs, each once.
fn makers(key: &StageKey) -> impl Iterator<Item = &str> {
    let names = key.inputs.values().filter_map(|input| match &input.from {
        Some(Origin::Stage { name, .. }) => Some(name.as_str()),
        _ => None,
    });
    names.collect::<std::collections::BTreeSet<_>>().into_iter()
}

fn reason(
    key: &StageKey,
    happening: &Happening,
    reference: Option<&Reference>,
    differences: &[Difference],
) -> Option<Reason> {
    let runs = match happening {
        Happening::Hit(_) | Happening::NotStarted => return None,
        Happening::Runs(_) => true,
        Happening::After(_) => false,
    };
    if let Found::Damaged(why) = &key.found {
        return Some(Reason::Damaged(why.clone()));
    }
    if !differences.is_empty() {
        return Some(Reason::Changed);
    }
    let Some(reference) = reference else { return Some(Reason::FirstTime) };
    if let (false, true, Happening::After(stages)) = (runs, reference.stored, happening) {
        return Some(Reason::Upstream(stages.clone()));
    }
    if reference.shared {
        return Some(Reason::Shared);
    }
    if key.found == Found::Result {
        let why = "its result was stored when the run began, and could not be used";
        return Some(Reason::Damaged(why.to_owned()));
    }
    let word = match &reference.against {
        Against::Stored { .. } => None,
        Against::Run { state, standing, .. } => match (state, standing) {
            (StageState::Hit | StageState::Run, _) => None,
            (StageState::Failed, _) => Some("failed"),
            (StageState::Cancelled, _) => Some("was stopped"),
            (StageState::Planned | StageState::Skipped, _) => Some("did not start"),
            (StageState::Running, Standing::Running) => Some("is running"),
            (StageState::Running, _) => Some("was killed"),
        },
    };
    Some(word.map_or(Reason::Removed, Reason::Unfinished))
}
