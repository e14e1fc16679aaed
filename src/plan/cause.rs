//! Which values of a configuration a difference of settings comes from.
//!
//! Settings are a projection of the configuration that the engine knows nothing about, so this is found out by experiment:
//! one value at a time is taken over from the new configuration into the old one, and one at a time from the old one into the
//! new one; what then moves the setting is a cause.

use crate::config::{Leaf, Loaded};
use contract::Settings;
use std::collections::{BTreeMap, BTreeSet};

use super::difference::{self, What};

/// The settings of stages by their names.
pub type Projected = BTreeMap<String, Settings>;

/// Why a setting has another value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cause {
    /// Each of these values alone moves it.
    Values(Vec<Leaf>),
    /// None alone does, and these are all that the configurations differ in.
    Together(Vec<Leaf>),
    /// The same configuration has other settings in this program.
    Program,
    /// That could not be found out.
    Unknown,
}

/// How many values are tried for a thousand stages and more; with fewer stages more are.
const EXPERIMENTS: usize = 40;

/// Finds the causes of changed settings, by stage and path. `before` are the settings as they were kept, `changed` the paths
/// at which those of `new` differ from them; `project` gives the settings of some stages by a configuration.
pub fn causes(
    old: &Loaded,
    new: &Loaded,
    before: &Projected,
    changed: &BTreeMap<String, Vec<String>>,
    project: &dyn Fn(&Loaded, &BTreeSet<&str>) -> Projected,
) -> BTreeMap<(String, String), Cause> {
    let wanted: BTreeSet<&str> = changed.keys().map(String::as_str).collect();
    let (from, to) = (project(old, &wanted), project(new, &wanted));
    let leaves = new.differences(old);
    let most = EXPERIMENTS.max(EXPERIMENTS * 1000 / wanted.len().max(1));
    let too_many = leaves.len() > most;
    let tried = if too_many { &[] } else { leaves.as_slice() };
    let moved = |base: &Loaded, other: &Loaded, settings: &Projected| -> Vec<Moved> {
        tried.iter().map(|leaf| moves(base, other, leaf, settings, &wanted, project)).collect()
    };
    let forward = moved(old, new, &from);
    // Most settings have a cause already.
    let mut backward: Option<Vec<Moved>> = None;
    let mut found = BTreeMap::new();
    for (stage, paths) in changed {
        for path in paths {
            let by = |moved: &[Moved]| -> Vec<Leaf> {
                let hits = tried.iter().zip(moved).filter(|(_, moved)| moved.holds(stage, path));
                hits.map(|(leaf, _)| leaf.clone()).collect()
            };
            let mut causes = by(&forward);
            if causes.is_empty() {
                causes = by(backward.get_or_insert_with(|| moved(new, old, &to)));
            }
            let kept_anew = before.get(stage).zip(from.get(stage));
            let cause = if !causes.is_empty() {
                Cause::Values(causes)
            } else if kept_anew.is_some_and(|(kept, anew)| holds(&paths_of(kept, anew), path)) {
                Cause::Program
            } else if leaves.is_empty() || !from.contains_key(stage) {
                Cause::Unknown
            } else {
                Cause::Together(leaves.clone())
            };
            found.insert((stage.clone(), path.clone()), cause);
        }
    }
    found
}

/// The paths of settings that a value moves, by stage.
struct Moved(BTreeMap<String, Vec<String>>);

impl Moved {
    fn holds(&self, stage: &str, path: &str) -> bool {
        self.0.get(stage).is_some_and(|paths| holds(paths, path))
    }
}

/// Whether one of the paths is this one, a part of it, or holds it.
fn holds(paths: &[String], path: &str) -> bool {
    let within = |inner: &str, outer: &str| {
        inner.strip_prefix(outer).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
    };
    paths.iter().any(|known| within(known, path) || within(path, known))
}

fn moves(
    base: &Loaded,
    other: &Loaded,
    leaf: &Leaf,
    settings: &Projected,
    wanted: &BTreeSet<&str>,
    project: &dyn Fn(&Loaded, &BTreeSet<&str>) -> Projected,
) -> Moved {
    let Some(mixed) = base.with(leaf, other) else { return Moved(BTreeMap::new()) };
    let mixed = project(&mixed, wanted);
    let paths =
        mixed.iter().filter_map(|(stage, now)| Some((stage.clone(), paths_of(settings.get(stage)?, now))));
    Moved(paths.collect())
}

fn paths_of(old: &Settings, new: &Settings) -> Vec<String> {
    let path = |difference: difference::Difference| match difference.what {
        What::Setting(path) => Some(path),
        _ => None,
    };
    difference::settings(old, new).into_iter().filter_map(path).collect()
}
