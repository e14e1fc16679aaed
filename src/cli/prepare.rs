//! What `run` and `plan` have in common: from the command line to a plan and its state in the store.

use super::Refusal;
use crate::{
    config::{self, ConfigErrors, Kept, Loaded},
    plan::{
        PerNode, Plan, PlanError, STAGES, StageState, Word, compile, compile_stages, fetch, keys,
        keys::Sources, params_change_configuration, remember_in, status,
    },
    record::Layout,
    report::{
        cells::cut,
        fetching,
        screen::{columns, moves, screen},
    },
    store::{Digest, FETCHED, OLD_DOWNLOAD, StatCache, Store, StoreError},
};
use clap::ValueHint;
use contract::{Finding, Issue, Registry};
use std::{
    collections::BTreeMap,
    hash::{BuildHasher, RandomState},
    path::{Path, PathBuf},
};

/// Which configuration, and what is changed in it.
#[derive(Debug, clap::Args)]
pub(crate) struct Configuration {
    /// The configuration file
    #[arg(value_name = "FILE", required_unless_present = "config_name", value_hint = ValueHint::FilePath)]
    file: Option<String>,
    /// Changes to it: section.key=value, +section.key=value to add, ~section.key to remove
    #[arg(value_name = "KEY=VALUE", value_hint = ValueHint::Other)]
    overrides: Vec<String>,
    /// Folder of the configuration file, instead of FILE
    #[arg(long, value_name = "DIR", requires = "config_name", value_hint = ValueHint::DirPath)]
    config_path: Option<PathBuf>,
    /// Name of the configuration file, instead of FILE; .yaml may be left out
    #[arg(long, value_name = "NAME")]
    config_name: Option<String>,
    /// Folder of stored results [default: $PIPELINE_CACHE_DIR, else the user's cache folder]
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    cache_dir: Option<PathBuf>,
}

impl Configuration {
    /// A file, or a name in a folder, with changes.
    pub(crate) fn new(
        file: Option<String>,
        overrides: Vec<String>,
        config_path: Option<PathBuf>,
        config_name: Option<String>,
        cache_dir: Option<PathBuf>,
    ) -> Self {
        Self { file, overrides, config_path, config_name, cache_dir }
    }

    /// The folder of stored results that was asked for.
    pub(crate) fn cache_dir(&self) -> Option<&Path> {
        self.cache_dir.as_deref()
    }

    /// The file and the changes, whichever way they were named.
    pub(crate) fn request(&self) -> (PathBuf, Vec<String>) {
        let Some(name) = &self.config_name else {
            return (PathBuf::from(self.file.clone().unwrap_or_default()), self.overrides.clone());
        };
        // With the file named by an option, every plain argument is a change.
        let overrides = self.file.iter().chain(&self.overrides).cloned().collect();
        (named(self.config_path.as_deref(), name), overrides)
    }
}

/// The file of `--config-path` and `--config-name`, whose `.yaml` may be left out.
pub(crate) fn named(folder: Option<&Path>, name: &str) -> PathBuf {
    let file = folder.unwrap_or(Path::new("")).join(name);
    let is_whole = [".yaml", ".yml", ".j2"].iter().any(|end| name.ends_with(end)) || file.is_file();
    if is_whole { file } else { folder.unwrap_or(Path::new("")).join(format!("{name}.yaml")) }
}

/// A configuration that makes a plan.
pub(crate) struct Prepared {
    pub(crate) file: String,
    pub(crate) loaded: Loaded,
    /// The seed, where the file leaves it to chance: the same command draws another.
    pub(crate) drawn_seed: Option<u64>,
    pub(crate) plan: Plan,
    pub(crate) layout: Layout,
}

impl Prepared {
    /// The run folder that the configuration names.
    pub(crate) fn run_folder(&self) -> &Path {
        Path::new(&self.loaded.config.hydra.run.dir)
    }

    /// Says what was fetched, or could not be asked for, where no preflight does.
    pub(crate) fn tell_fetched(&self) {
        let findings = self.plan.sources().flat_map(|(_, source)| &source.findings);
        for Finding { code, message, .. } in findings {
            let severity = match code.as_str() {
                OLD_DOWNLOAD => "warning",
                FETCHED => "note",
                _ => continue,
            };
            eprintln!("{severity}: {}", self.loaded.secrets().hide(message));
        }
    }

    /// What is wrong, without the configuration's secrets.
    pub(crate) fn hide(&self, refusal: Refusal) -> Refusal {
        refusal.hidden(&self.loaded)
    }
}

/// Reads the configuration and compiles its mode word. Touches no file but the configuration's, and looks for those it
/// names.
pub(crate) fn prepare(configuration: &Configuration, registry: &Registry) -> Result<Prepared, Refusal> {
    remember_in(configuration.cache_dir.clone());
    let (file, overrides) = configuration.request();
    let name = file.display().to_string();
    let request = config::Request { file, overrides, started: jiff::Zoned::now() };
    let loaded = config::load(&request).map_err(|errors| with_rules(errors, registry))?;
    prepared(name, loaded, registry)
}

/// The same of the configuration that an earlier run of `file` has kept.
pub(crate) fn prepare_kept(kept: &Kept, file: &str, registry: &Registry) -> Result<Prepared, Refusal> {
    prepared(file.to_owned(), config::load_kept(kept)?, registry)
}

fn prepared(file: String, mut loaded: Loaded, registry: &Registry) -> Result<Prepared, Refusal> {
    let drawn_seed = loaded.config.general.global_seed.is_none().then(draw_seed);
    if let Some(seed) = drawn_seed {
        loaded.set_seed(seed);
    }
    let plan = plan_of(&loaded, registry).map_err(|refusal| refusal.hidden(&loaded))?;
    let layout = layout(&loaded.config).map_err(|refusal| refusal.hidden(&loaded))?;
    Ok(Prepared { file, loaded, drawn_seed, plan, layout })
}

/// Mistakes in reading a configuration, and what the planned stages have to say of the rest of it.
pub(crate) fn with_rules(mut errors: ConfigErrors, registry: &Registry) -> Refusal {
    let Some(rest) = errors.take_rest() else { return errors.into() };
    match plan_of(&rest.loaded, registry) {
        Err(Refusal::Config(more)) => Refusal::from(errors.and(rest.unrelated(more))).hidden(&rest.loaded),
        _ => errors.into(),
    }
}

/// The plan of the mode word. Looks for files that the configuration names, and reads none.
pub(crate) fn plan_of(loaded: &Loaded, registry: &Registry) -> Result<Plan, Refusal> {
    let mode = loaded.config.operation_mode.clone().ok_or_else(|| {
        let help = "say what to do: operation_mode: chain_tqe, or training, quantization, evaluation";
        let issue = Issue::missing("operation_mode", "without it there is nothing to run").with_help(help);
        loaded.errors(vec![issue])
    })?;
    let refuse = |error: PlanError| {
        let pointer = loaded.pointer("operation_mode", &error.part().0);
        Refusal::Plan(error, pointer)
    };
    if mode.trim() == STAGES {
        return entries(loaded, registry);
    }
    let word = Word::parse(&mode, registry).map_err(refuse)?;
    let stages = word.stages(registry).map_err(refuse)?;
    Ok(compile(&word, &stages, &loaded.config).map_err(|issues| loaded.errors(issues))?)
}

/// The plan of the `stages` section.
fn entries(loaded: &Loaded, registry: &Registry) -> Result<Plan, Refusal> {
    let mut changed = BTreeMap::new();
    for (name, spec) in &loaded.config.stages {
        if params_change_configuration(name, spec, registry) {
            changed.insert(name.as_str(), loaded.with_params(name)?);
        }
    }
    let config_of = |name: &str| changed.get(name).unwrap_or(&loaded.config);
    let plan = compile_stages(&loaded.config.stages, registry, &config_of);
    plan.map_err(|issues| loaded.errors(issues).into())
}

/// The store, the content of the sources, and what the store has of the plan.
pub(crate) struct Known {
    pub(crate) store: Store,
    pub(crate) sources: Sources,
    pub(crate) states: PerNode<StageState>,
}

/// Fetches what is elsewhere, reads everything from outside once to know its digest, and looks into the store.
pub(crate) fn know(configuration: &Configuration, plan: &mut Plan) -> Result<Known, Refusal> {
    Outside::read(configuration, plan)?.known(plan)
}

/// The store, the content of the sources, and what follows from it for each stage.
pub(crate) struct Outside {
    pub(crate) store: Store,
    pub(crate) sources: Sources,
    /// Recipe keys.
    pub(crate) recipes: PerNode<Digest>,
}

impl Outside {
    /// Fetches what is elsewhere, and reads everything from outside once to know its digest.
    pub(crate) fn read(configuration: &Configuration, plan: &mut Plan) -> Result<Self, Refusal> {
        Self::read_in(configuration.cache_dir.clone(), plan)
    }

    /// The same with the store at `root`, else where the environment says.
    pub(crate) fn read_in(root: Option<PathBuf>, plan: &mut Plan) -> Result<Self, Refusal> {
        let store = Store::open(root)?;
        fetched(plan, &store)?;
        let sources = keys::digest_sources(plan, &StatCache::of(&store))?;
        let recipes = keys::recipes(plan, &sources)?;
        Ok(Self { store, sources, recipes })
    }

    /// Looks what the store has of each stage.
    pub(crate) fn known(self, plan: &Plan) -> Result<Known, Refusal> {
        let Self { store, sources, recipes } = self;
        let states = status(plan, &sources, &recipes, &store)?;
        Ok(Known { store, sources, states })
    }
}

/// Fetches what the plan reads from elsewhere, and shows how far that is.
fn fetched(plan: &mut Plan, store: &Store) -> Result<(), Vec<StoreError>> {
    let (shown, mut drawn) = (moves(), false);
    let fetched = fetch(plan, store, &mut |address, bytes, total| {
        if shown {
            screen().show(vec![cut(&fetching(address, bytes, total), columns())]);
            drawn = true;
        }
    });
    if drawn {
        screen().show(Vec::new());
    }
    fetched
}

pub(crate) fn layout(config: &contract::Config) -> Result<Layout, Refusal> {
    let export = config.quantization.as_ref().map(|section| section.export_dir.as_str());
    let general = &config.general;
    let export = export.unwrap_or(contract::layout::QUANTIZED_MODELS);
    Ok(Layout::new(&general.saved_models_dir, &general.logs_dir, export)?)
}

/// A seed from the system's own randomness, small enough to be copied by hand.
pub(crate) fn draw_seed() -> u64 {
    RandomState::new().hash_one("global_seed") & 0x7FFF_FFFF
}
