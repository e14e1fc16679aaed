//! The stages of a configuration or a run beside those of earlier runs, and the values of the configuration that the
//! differences come from.

use super::{
    Refusal,
    earlier::{Earlier, RunConfiguration},
};
use crate::{
    config::{Leaf, Loaded, Secrets},
    plan::{
        self, Against, Cause, Difference, Explanation, Happening, Projected, Reference, STAGES, Subject,
        What, causes, entry_projections, params_change_configuration, projections,
    },
    record::{Origin, RecordError, StageKey},
    report::{CauseView, KeyView, StageView},
    store::{Digest, SourceListing, Store},
};
use contract::{Registry, suggest};
use std::collections::{BTreeMap, BTreeSet};

/// All that is needed to explain stages.
pub(super) struct Explaining<'a> {
    pub(super) store: &'a Store,
    pub(super) registry: &'a Registry,
    pub(super) earlier: &'a Earlier<'a>,
    /// The configuration of what is explained.
    pub(super) loaded: &'a Loaded,
    /// What the sources of a plan consist of, which may not be kept yet.
    pub(super) listings: BTreeMap<Digest, SourceListing>,
    /// The same where that is a run, which knows where its values came from.
    pub(super) run: Option<&'a RunConfiguration>,
}

impl Explaining<'_> {
    /// The stages, or the one that was asked for, with their causes; and what must not be shown of earlier runs.
    pub(super) fn stages(
        &self,
        subjects: Vec<Subject>,
        wanted: Option<&str>,
    ) -> Result<(Vec<StageView>, Secrets), Refusal> {
        let names: Vec<String> = subjects.iter().map(|subject| subject.key.name.clone()).collect();
        if let Some(wanted) = wanted.filter(|wanted| names.iter().all(|name| name != wanted)) {
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            let help = suggest::help(wanted, "its stages", &names);
            return Err(RecordError::UnknownStage { wanted: wanted.to_owned(), help }.into());
        }
        let inputs: BTreeMap<String, StageKey> =
            subjects.iter().map(|subject| (subject.key.name.clone(), subject.key.clone())).collect();
        let references: BTreeMap<String, Reference> = subjects
            .iter()
            .filter_map(|subject| Some((subject.key.name.clone(), self.earlier.reference(&subject.key)?)))
            .collect();
        let listing =
            |digest: &Digest| self.listings.get(digest).cloned().or_else(|| self.store.listing(digest));
        let explained = plan::explain(subjects, &references, &listing);
        let mut explained: Vec<Explanation> =
            explained.into_iter().filter(|stage| wanted.is_none_or(|wanted| stage.name == wanted)).collect();
        // What a stored result does not have in common with an older one explains nothing.
        for stage in &mut explained {
            if matches!(stage.happening, Happening::Hit(_) | Happening::NotStarted) {
                stage.differences.clear();
            }
        }
        let mut views: BTreeMap<String, Vec<CauseView>> = BTreeMap::new();
        let mut secrets = Secrets::default();
        let mut runs: BTreeMap<&str, Vec<&Explanation>> = BTreeMap::new();
        for stage in explained.iter().filter(|stage| !stage.differences.is_empty()) {
            match &stage.against {
                Some(Against::Run { path, .. }) => runs.entry(path).or_default().push(stage),
                _ => {
                    let causes = stage
                        .differences
                        .iter()
                        .map(|difference| self.input(&inputs, stage, difference, None));
                    views.insert(stage.name.clone(), causes.collect());
                }
            }
        }
        for (path, stages) in runs {
            let configuration = self.earlier.run(path).and_then(RunConfiguration::of);
            if let Some(configuration) = &configuration {
                secrets.add(configuration.loaded.secrets());
            }
            self.causes(&stages, &references, &inputs, configuration.as_ref(), &mut views);
        }
        let view = |explanation: Explanation| {
            let causes = views.remove(&explanation.name).unwrap_or_default();
            StageView { explanation, causes }
        };
        Ok((explained.into_iter().map(view).collect(), secrets))
    }

    /// The causes of the differences of stages that are compared with one run.
    fn causes(
        &self,
        stages: &[&Explanation],
        references: &BTreeMap<String, Reference>,
        keys: &BTreeMap<String, StageKey>,
        old: Option<&RunConfiguration>,
        views: &mut BTreeMap<String, Vec<CauseView>>,
    ) {
        let path = |difference: &Difference| match &difference.what {
            What::Setting(path) => Some(path.clone()),
            _ => None,
        };
        let changed: BTreeMap<String, Vec<String>> = stages
            .iter()
            .map(|stage| (stage.name.clone(), stage.differences.iter().filter_map(path).collect::<Vec<_>>()))
            .filter(|(_, paths)| !paths.is_empty())
            .collect();
        let before: Projected = changed
            .keys()
            .filter_map(|name| Some((name.clone(), references.get(name)?.key.settings.clone())))
            .collect();
        let project = |loaded: &Loaded, wanted: &BTreeSet<&str>| projected(loaded, self.registry, wanted);
        let found = match old {
            Some(old) if !changed.is_empty() => causes(&old.loaded, self.loaded, &before, &changed, &project),
            _ => BTreeMap::new(),
        };
        for stage in stages {
            let cause = |difference: &Difference| match &difference.what {
                What::Setting(path) => match (found.get(&(stage.name.clone(), path.clone())), old) {
                    (Some(Cause::Values(leaves)), Some(old)) => {
                        CauseView::Values(leaves.iter().map(|leaf| self.key(leaf, Some(old))).collect())
                    }
                    (Some(Cause::Together(leaves)), Some(old)) => {
                        CauseView::Together(leaves.iter().map(|leaf| self.key(leaf, Some(old))).collect())
                    }
                    (Some(Cause::Program), _) => CauseView::Program,
                    _ => CauseView::None,
                },
                _ => self.input(keys, stage, difference, old),
            };
            views.insert(stage.name.clone(), stage.differences.iter().map(cause).collect());
        }
    }

    /// The key that names an input from outside.
    fn input(
        &self,
        keys: &BTreeMap<String, StageKey>,
        stage: &Explanation,
        difference: &Difference,
        old: Option<&RunConfiguration>,
    ) -> CauseView {
        let What::Input(port) = &difference.what else { return CauseView::None };
        let input = keys.get(&stage.name).and_then(|key| key.inputs.get(port));
        match input.and_then(|input| input.from.as_ref()) {
            Some(Origin::Source { key, .. }) => match Leaf::parse(key) {
                Some(leaf) => CauseView::Values(vec![self.key(&leaf, old)]),
                None => CauseView::None,
            },
            _ => CauseView::None,
        }
    }

    fn key(&self, leaf: &Leaf, old: Option<&RunConfiguration>) -> KeyView {
        KeyView {
            key: leaf.key(),
            old: old.and_then(|old| old.loaded.brief(leaf)),
            new: self.loaded.brief(leaf),
            was: old.map(|old| old.origin(leaf)),
            from: self.run.map_or_else(|| self.loaded.origin(leaf), |run| run.origin(leaf)),
        }
    }
}

/// The settings of some stages by a configuration.
fn projected(loaded: &Loaded, registry: &Registry, wanted: &BTreeSet<&str>) -> Projected {
    let config = &loaded.config;
    let mode = config.operation_mode.as_deref().unwrap_or_default();
    if mode.trim() != STAGES {
        let mut all = projections(mode, registry, config);
        all.retain(|name, _| wanted.contains(name.as_str()));
        return all;
    }
    let config_of = |name: &str| {
        let changes =
            config.stages.get(name).is_some_and(|spec| params_change_configuration(name, spec, registry));
        if changes { loaded.with_params(name).ok() } else { Some(config.clone()) }
    };
    entry_projections(&config.stages, registry, &|name| wanted.contains(name), &config_of)
}
