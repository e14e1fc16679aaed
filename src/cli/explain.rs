//! `pipeline explain`: why stages run.

use super::{
    Exit, Refusal,
    causes::Explaining,
    earlier::{Earlier, RunConfiguration, is_variant, name},
    format::{Format, print},
    prepare::{Configuration, Known, Prepared, know, prepare},
    refusal::hidden,
    runs::{DEFAULT, folder, runs_of},
};
use crate::{
    config::{Loaded, Secrets},
    plan::{Happening, PerNode, Plan, StageState, Status, Subject, run_keys},
    record::{self, RecordError, RunKeys, StageState as Became, read_keys},
    report::{ExplainView, StageView},
    store::{SourceListing, Store, Stored},
};
use clap::ValueHint;
use contract::Registry;
use std::{
    collections::BTreeMap,
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
    let (mut view, secrets) = match &asked.run {
        Some(run) => asked.of_run(args, run.as_deref(), registry)?,
        None => asked.of_file(args, registry)?,
    };
    view.hide(&|text| secrets.hide(text));
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
        let mut prepared = prepare(&configuration, registry)?;
        let known =
            know(&configuration, &mut prepared.plan).map_err(|refusal| refusal.hidden(&prepared.loaded))?;
        prepared.tell_fetched();
        let (stages, mut secrets) = views(
            &configuration,
            &prepared,
            &known,
            registry,
            args.against.as_deref(),
            self.stage.as_deref(),
        )?;
        let seed = prepared
            .drawn_seed
            .map(|_| "general.global_seed is None, so every run draws a seed of its own".to_owned());
        let view = ExplainView {
            subject: prepared.file.clone(),
            path: None,
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
        // Its own store, where it says which and that is there.
        let own = record.store.as_ref().map(PathBuf::from).filter(|store| store.is_dir());
        let store = Store::open(args.cache_dir.clone().or(own))?;
        keys.complete(record, &store);
        // Runs lie beside it, or beside its sweep, when it is not among those of the folder.
        let parent = |path: &Path| match path.parent() {
            Some(parent) if parent != Path::new("") => parent.to_owned(),
            _ => PathBuf::from("."),
        };
        let beside = match run.path.starts_with(&runs) {
            true => runs,
            false if is_variant(&run) => parent(&parent(&run.path)),
            false => parent(&run.path),
        };
        let beside = beside.as_path();
        let all = record::runs(beside)?;
        let named = args.against.as_deref().map(|wanted| record::find(Some(wanted), beside)).transpose()?;
        let earlier = Earlier::new(&store, all, run.started, named).of(&run);
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
        let explaining = Explaining {
            store: &store,
            registry,
            earlier: &earlier,
            loaded,
            listings: BTreeMap::new(),
            run: run_configuration,
        };
        let (stages, mut secrets) = explaining.stages(subjects, self.stage.as_deref())?;
        let view = ExplainView {
            subject: name(&run),
            path: Some(run.path.display().to_string()),
            stages,
            notes: Vec::new(),
        };
        secrets.add(&own);
        Ok((view, secrets))
    }
}

/// Why the stages of a plan would run, or the one that is wanted; and what must not be shown of earlier runs.
pub(super) fn views(
    configuration: &Configuration,
    prepared: &Prepared,
    known: &Known,
    registry: &Registry,
    against: Option<&str>,
    wanted: Option<&str>,
) -> Result<(Vec<StageView>, Secrets), Refusal> {
    let (file, overrides) = configuration.request();
    let runs = runs_of(&file, &overrides)?;
    let all = if runs.is_dir() { record::runs(&runs)? } else { Vec::new() };
    let named = against.map(|wanted| record::find(Some(wanted), &runs)).transpose()?;
    let earlier = Earlier::new(&known.store, all, None, named);
    let keys = run_keys(&prepared.plan, &known.sources, &known.states);
    let subjects = subjects(&prepared.plan, &known.states, keys, &earlier);
    let loaded = &prepared.loaded;
    let listing = |(index, source)| {
        let digested = known.sources.get(index)?;
        Some((digested.digest, SourceListing::of(source, digested)?))
    };
    let listings = prepared.plan.sources().filter_map(listing).collect();
    Explaining { store: &known.store, registry, earlier: &earlier, loaded, listings, run: None }
        .stages(subjects, wanted)
}

/// A configuration that says nothing.
fn nothing() -> Result<Loaded, Refusal> {
    Ok(crate::config::load_text("", "{}\n", &[], &jiff::Zoned::now())?)
}

/// The stages of a plan as a run would find them.
fn subjects(plan: &Plan, states: &PerNode<StageState>, keys: RunKeys, earlier: &Earlier<'_>) -> Vec<Subject> {
    let happening = |state: &StageState| match &state.status {
        Status::Hit(manifest) => Happening::Hit(Some(earlier.made(state.fingerprint, manifest))),
        Status::Run => Happening::Runs(None),
        Status::After(stages) => {
            Happening::After(stages.iter().map(|&stage| plan.name(stage).to_owned()).collect())
        }
    };
    let stages = plan.stages().filter_map(|(index, _)| Some(happening(states.get(index)?)));
    keys.stages.into_iter().zip(stages).map(|(key, happening)| Subject { key, happening }).collect()
}
