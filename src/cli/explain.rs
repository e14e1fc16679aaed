//! `pipeline explain`: why stages run.

use super::{
    Exit, Refusal,
    earlier::{Earlier, RunConfiguration},
    format::{Format, print},
    prepare::{Configuration, Known, know, prepare},
    refusal::hidden,
    runs::{DEFAULT, folder, runs_of},
};
use crate::{
    config::{Leaf, Loaded, Secrets},
    plan::{
        self, Against, Cause, Difference, Explanation, Happening, Plan, Projected, Reference, STAGES,
        StageState, Status, Subject, What, causes, entry_projections, params_change_configuration,
        projections, run_keys,
    },
    record::{self, Origin, RecordError, RunKeys, StageKey, StageState as Became, read_keys},
    report::{CauseView, ExplainView, KeyView, StageView},
    store::{Store, Stored},
};
use clap::ValueHint;
use contract::{Registry, suggest};
use petgraph::graph::NodeIndex;
use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

/// Say why each stage would run, or ran: what changed, from what to what, and on which line
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct ExplainArgs {
    /// A configuration file: what a run would do now; or a run, by its path or the beginning of its name: what happened in
    /// it [default: the newest run]
    #[arg(value_name = "FILE|RUN", value_hint = ValueHint::AnyPath)]
    target: Option<String>,
    /// A stage, to hear of it alone; and changes to the file as for `run`
    #[arg(value_name = "STAGE|KEY=VALUE", value_hint = ValueHint::Other)]
    rest: Vec<String>,
    /// Compare with this run [default: the newest before in which a stage of that name started]
    #[arg(long, value_name = "RUN", value_hint = ValueHint::DirPath)]
    against: Option<String>,
    /// Folder of runs, or a configuration file whose runs are meant, to find RUN in
    #[arg(long, value_name = "DIR|FILE", default_value = DEFAULT, value_hint = ValueHint::AnyPath)]
    dir: PathBuf,
    /// Folder of the configuration file, instead of FILE
    #[arg(long, value_name = "DIR", requires = "config_name", value_hint = ValueHint::DirPath)]
    config_path: Option<PathBuf>,
    /// Name of the configuration file, instead of FILE; .yaml may be left out
    #[arg(long, value_name = "NAME")]
    config_name: Option<String>,
    /// Folder of stored results [default: $PIPELINE_CACHE_DIR, else the user's cache folder]
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    cache_dir: Option<PathBuf>,
    /// For people, or for programs
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

const EXAMPLES: &str = "\
Examples:
  pipeline explain chain_tqe.yaml                      what a run would do now, and why
  pipeline explain chain_tqe.yaml train training.epochs=60
  pipeline explain                                     why the stages of the newest run ran
  pipeline explain 2026_11_22_16 quantize              ... of the run whose name begins like this
  pipeline explain chain_tqe.yaml --against 2026_11_20 compared with another run than the newest

A stage is compared with the newest earlier run that has one of its name, else with the stored
result that is most like it.";

pub(crate) fn explain(args: &ExplainArgs, registry: &Registry) -> Result<Exit, Refusal> {
    let asked = Asked::of(args);
    let (view, secrets) = match &asked.run {
        Some(run) => asked.of_run(args, run.as_deref(), registry)?,
        None => asked.of_file(args, registry)?,
    };
    print(&match args.format {
        Format::Text => secrets.hide(&view.text()),
        // Its maps have strings as keys, so it can be written.
        Format::Json => {
            serde_json::to_string_pretty(&hidden(view.json(), &secrets)).unwrap_or_default() + "\n"
        }
    })
}

/// What the command line means.
struct Asked {
    /// A run, by its name or the newest; none where a file is meant.
    run: Option<Option<String>>,
    stage: Option<String>,
    overrides: Vec<String>,
}

impl Asked {
    fn of(args: &ExplainArgs) -> Self {
        let is_change = |text: &&String| text.contains('=') || text.starts_with('~');
        // With the file named by an option, there is no other target.
        let own = args.target.iter().filter(|_| args.config_name.is_some());
        let words: Vec<&String> = own.chain(&args.rest).collect();
        let stage = words.iter().copied().find(|word| !is_change(word)).cloned();
        let overrides = words.into_iter().filter(is_change).cloned().collect();
        let target = args.target.as_deref().filter(|_| args.config_name.is_none());
        let is_file = |target: &str| {
            let path = Path::new(target);
            path.is_file() || [".yaml", ".yml", ".j2"].iter().any(|end| target.ends_with(end))
        };
        let run = match target {
            Some(target) => (!is_file(target)).then(|| Some(target.to_owned())),
            None => args.config_name.is_none().then_some(None),
        };
        Self { run, stage, overrides }
    }

    /// What a run would do now.
    fn of_file(&self, args: &ExplainArgs, registry: &Registry) -> Result<(ExplainView, Secrets), Refusal> {
        let configuration = Configuration::new(
            args.target.clone().filter(|_| args.config_name.is_none()),
            self.overrides.clone(),
            args.config_path.clone(),
            args.config_name.clone(),
            args.cache_dir.clone(),
        );
        let prepared = prepare(&configuration, registry)?;
        let known = know(&configuration, &prepared.plan).map_err(|refusal| prepared.hide(refusal))?;
        let (file, overrides) = configuration.request();
        let runs = runs_of(&file, &overrides)?;
        let all = if runs.is_dir() { record::runs(&runs)? } else { Vec::new() };
        let named = args.against.as_deref().map(|wanted| record::find(Some(wanted), &runs)).transpose()?;
        let earlier = Earlier::new(&known.store, all, None, named);
        let keys = run_keys(&prepared.plan, &known.sources, &known.states);
        let subjects = subjects(&prepared.plan, &known.states, keys, &earlier);
        let explaining = Explaining {
            store: &known.store,
            registry,
            earlier: &earlier,
            loaded: &prepared.loaded,
            run: None,
        };
        let (stages, mut secrets) = explaining.stages(subjects, self.stage.as_deref())?;
        let seed = prepared
            .drawn_seed
            .map(|_| "general.global_seed is None, so every run draws a seed of its own".to_owned());
        let view = ExplainView {
            subject: prepared.file.clone(),
            is_run: false,
            stages,
            notes: prepared.loaded.notes.iter().cloned().chain(seed).collect(),
        };
        secrets.add(prepared.loaded.secrets());
        Ok((view, secrets))
    }

    /// What happened in a run.
    fn of_run(
        &self,
        args: &ExplainArgs,
        wanted: Option<&str>,
        registry: &Registry,
    ) -> Result<(ExplainView, Secrets), Refusal> {
        if let Some(change) = self.overrides.first() {
            return Err(RecordError::NotChangeable { change: change.clone() }.into());
        }
        let runs = folder(&args.dir)?;
        let run = record::find(wanted, &runs)?;
        let not_readable = |what: &str| {
            Refusal::from(RecordError::NotReadable { path: run.path.clone(), what: what.to_owned() })
        };
        let record = run.record.as_ref().map_err(|error| not_readable(error))?;
        let keys = read_keys(&run.path)?;
        let mut keys = keys.ok_or_else(|| {
            not_readable("it was made by a program that did not keep what its stages depend on")
        })?;
        let store = Store::open(args.cache_dir.clone())?;
        keys.complete(record, &store);
        // Runs lie beside it when it is not among those of the folder.
        let beside = run.path.parent().filter(|_| !run.path.starts_with(&runs));
        let beside = beside
            .map_or(runs.as_path(), |parent| if parent == Path::new("") { Path::new(".") } else { parent });
        let all = record::runs(beside)?;
        let named = args.against.as_deref().map(|wanted| record::find(Some(wanted), beside)).transpose()?;
        let earlier = Earlier::new(&store, all, run.started, named);
        let configuration = RunConfiguration::of(&run);
        let mut subjects = Vec::new();
        for key in keys.stages {
            let became = record.stages.iter().find(|stage| stage.name == key.name).map(|stage| stage.state);
            let happening = match became {
                None | Some(Became::Planned | Became::Skipped) => Happening::NotStarted,
                Some(Became::Hit) => {
                    let manifest = key.fingerprint.and_then(|fingerprint| store.lookup(&fingerprint).ok());
                    let manifest = manifest.and_then(Stored::manifest);
                    Happening::Hit(manifest.map(|manifest| earlier.made(key.fingerprint, &manifest)))
                }
                state @ Some(_) => Happening::Runs(state),
            };
            subjects.push(Subject { key, happening });
        }
        let empty;
        let (loaded, own, run_configuration) = match &configuration {
            Some(configuration) => {
                (&configuration.loaded, configuration.loaded.secrets().clone(), Some(configuration))
            }
            None => {
                empty = nothing()?;
                (&empty, Secrets::default(), None)
            }
        };
        let explaining =
            Explaining { store: &store, registry, earlier: &earlier, loaded, run: run_configuration };
        let (stages, mut secrets) = explaining.stages(subjects, self.stage.as_deref())?;
        let view = ExplainView { subject: run.id.clone(), is_run: true, stages, notes: Vec::new() };
        secrets.add(&own);
        Ok((view, secrets))
    }
}

/// A configuration that says nothing.
fn nothing() -> Result<Loaded, Refusal> {
    Ok(crate::config::load_text("", "{}\n", &[], &jiff::Zoned::now())?)
}

/// The stages of a plan as a run would find them.
fn subjects(
    plan: &Plan,
    states: &BTreeMap<NodeIndex, StageState>,
    keys: RunKeys,
    earlier: &Earlier<'_>,
) -> Vec<Subject> {
    let happening = |state: &StageState| match &state.status {
        Status::Hit(manifest) => Happening::Hit(Some(earlier.made(state.fingerprint, manifest))),
        Status::Run => Happening::Runs(None),
        Status::After(stages) => {
            Happening::After(stages.iter().map(|&stage| plan.name(stage).to_owned()).collect())
        }
    };
    let stages = plan.stages().filter_map(|(index, _)| Some(happening(states.get(&index)?)));
    keys.stages.into_iter().zip(stages).map(|(key, happening)| Subject { key, happening }).collect()
}

/// All that is needed to explain stages.
struct Explaining<'a> {
    store: &'a Store,
    registry: &'a Registry,
    earlier: &'a Earlier<'a>,
    /// The configuration of what is explained.
    loaded: &'a Loaded,
    /// The same where that is a run, which knows where its values came from.
    run: Option<&'a RunConfiguration>,
}

impl Explaining<'_> {
    /// The stages, or the one that was asked for, with their causes; and what must not be shown of earlier runs.
    fn stages(
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
        let explained = plan::explain(subjects, &references, &|digest| self.store.listing(digest));
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

/// How a run that starts now keeps what its stages depend on.
pub(crate) fn keep(plan: &Plan, known: &Known, folder: &record::RunFolder) -> Result<(), Refusal> {
    folder.write_keys(&run_keys(plan, &known.sources, &known.states))?;
    for (index, source) in plan.sources() {
        if let Some(digested) = known.sources.get(&index) {
            known.store.keep_listing(source, digested)?;
        }
    }
    Ok(())
}
