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

/// How many experiments are made for a thousand stages and more; with fewer stages more are.
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
    let mut experiments = experiments(&leaves, &wanted);
    if experiments.len() > EXPERIMENTS.max(EXPERIMENTS * 1000 / wanted.len().max(1)) {
        experiments.clear();
    }
    let moved = |base, other, settings: &Projected| -> Moved {
        let moves = |experiment| moves(base, other, experiment, settings, &wanted, project);
        let mut moved = Moved(BTreeMap::new());
        for (leaf, stage, paths) in experiments.iter().flat_map(moves) {
            moved.0.entry(stage).or_default().push((leaf, paths));
        }
        moved
    };
    let forward = moved(old, new, &from);
    // Most settings have a cause already.
    let mut backward: Option<Moved> = None;
    let mut found = BTreeMap::new();
    for (stage, paths) in changed {
        for path in paths {
            let mut causes = forward.by(stage, path);
            if causes.is_empty() {
                causes = backward.get_or_insert_with(|| moved(new, old, &to)).by(stage, path);
            }
            let kept_anew = before.get(stage).zip(from.get(stage));
            let together = || leaves.iter().filter(|leaf| leaf.entry().is_none_or(|entry| entry == stage));
            let cause = if !causes.is_empty() {
                Cause::Values(causes)
            } else if kept_anew.is_some_and(|(kept, anew)| holds(&paths_of(kept, anew), path)) {
                Cause::Program
            } else if !from.contains_key(stage) || together().next().is_none() {
                Cause::Unknown
            } else {
                Cause::Together(together().cloned().collect())
            };
            found.insert((stage.clone(), path.clone()), cause);
        }
    }
    found
}

/// Values that are tried at once: one alone, or one of each entry of `stages`, since these move nothing of each other.
fn experiments<'a>(leaves: &'a [Leaf], wanted: &BTreeSet<&str>) -> Vec<Vec<&'a Leaf>> {
    let mut experiments = Vec::new();
    let mut entries: Vec<Vec<&Leaf>> = Vec::new();
    let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
    for leaf in leaves {
        match leaf.entry() {
            None => experiments.push(vec![leaf]),
            Some(entry) if wanted.contains(entry) => {
                let round = seen.entry(entry).or_default();
                if *round == entries.len() {
                    entries.push(Vec::new());
                }
                if let Some(others) = entries.get_mut(*round) {
                    others.push(leaf);
                }
                *round += 1;
            }
            Some(_) => {}
        }
    }
    experiments.extend(entries);
    experiments
}

/// By stage the values that move some of its settings, and the paths of these.
struct Moved(BTreeMap<String, Vec<(Leaf, Vec<String>)>>);

impl Moved {
    /// The values that move a setting.
    fn by(&self, stage: &str, path: &str) -> Vec<Leaf> {
        let moved = self.0.get(stage).map(Vec::as_slice).unwrap_or_default();
        moved.iter().filter(|(_, paths)| holds(paths, path)).map(|(leaf, _)| leaf.clone()).collect()
    }
}

/// Takes some values over, and says which settings of which stages that moves.
fn moves(
    base: &Loaded,
    other: &Loaded,
    experiment: &Vec<&Leaf>,
    settings: &Projected,
    wanted: &BTreeSet<&str>,
    project: &dyn Fn(&Loaded, &BTreeSet<&str>) -> Projected,
) -> Vec<(Leaf, String, Vec<String>)> {
    let Some(mixed) = base.with(experiment.iter().copied(), other) else {
        // One of them does not fit without others: each alone.
        return match experiment.len() {
            0 | 1 => Vec::new(),
            _ => {
                let alone = |leaf: &&Leaf| moves(base, other, &vec![*leaf], settings, wanted, project);
                experiment.iter().take(EXPERIMENTS).flat_map(alone).collect()
            }
        };
    };
    let entries: BTreeMap<&str, &Leaf> =
        experiment.iter().filter_map(|leaf| Some((leaf.entry()?, *leaf))).collect();
    let concerned = if entries.is_empty() { wanted.clone() } else { entries.keys().copied().collect() };
    let moved = project(&mixed, &concerned).into_iter().filter_map(|(stage, now)| {
        let paths = paths_of(settings.get(&stage)?, &now);
        let leaf = entries.get(stage.as_str()).or(experiment.first())?;
        (!paths.is_empty()).then(|| ((*leaf).clone(), stage, paths))
    });
    moved.collect()
}

/// Whether one of the paths is this one, a part of it, or holds it.
fn holds(paths: &[String], path: &str) -> bool {
    let within = |inner: &str, outer: &str| {
        inner.strip_prefix(outer).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
    };
    paths.iter().any(|known| within(known, path) || within(path, known))
}

fn paths_of(old: &Settings, new: &Settings) -> Vec<String> {
    let path = |difference: difference::Difference| match difference.what {
        What::Setting(path) => Some(path),
        _ => None,
    };
    difference::settings(old, new).into_iter().filter_map(path).collect()
}
