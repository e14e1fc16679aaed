//! The settings of a plan's stages without the plan: no file is looked for, so that a configuration whose data set is gone
//! has them too.

use super::{Word, compile::names, entries};
use contract::{Config, Entry, Registry, Settings, config::Stages};
use std::collections::BTreeMap;

/// The settings of the stages of a mode word by their names in its plan; a stage whose section has mistakes is left out.
#[must_use]
pub fn projections(word: &str, registry: &Registry, config: &Config) -> BTreeMap<String, Settings> {
    let stages = Word::parse(word, registry).and_then(|word| word.stages(registry)).unwrap_or_default();
    let settings = stages.iter().map(|stage| stage.settings(config).ok());
    names(&stages).into_iter().zip(settings).filter_map(|(name, settings)| Some((name, settings?))).collect()
}

/// The settings of those entries of the `stages` section that are `wanted`; `config_of` gives the configuration of each.
#[must_use]
pub fn entry_projections(
    stages: &Stages,
    registry: &Registry,
    wanted: &dyn Fn(&str) -> bool,
    config_of: &dyn Fn(&str) -> Option<Config>,
) -> BTreeMap<String, Settings> {
    let settings = |(name, spec): (&String, _)| {
        let stage = registry.get(entries::uses(spec)).filter(|_| wanted(name))?;
        let settings = match stage.declare(&Entry { name, spec }) {
            Some(declared) => declared.ok()?.settings,
            None => stage.settings(&config_of(name)?).ok()?,
        };
        Some((name.clone(), settings))
    };
    stages.iter().filter_map(settings).collect()
}
