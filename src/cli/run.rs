//! `pipeline run`: do what a configuration says.

use super::{
    Exit, Refusal, glance,
    keep::keep,
    launch::{Beginning, Launch, Options, cancellation, preflight},
    prepare::{Configuration, Outside, Prepared, prepare},
    sweep, unchanged,
};
use crate::{
    record::{self, RunFolder, RunRecord},
    report::Journal,
    store::Completion,
};
use contract::Registry;
use std::time::Instant;

/// Run a configuration: what is stored is taken from the store, the rest is done
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct RunArgs {
    #[command(flatten)]
    configuration: Configuration,
    #[command(flatten)]
    options: Options,
    /// Make a new run folder also when a finished run of this configuration has all results already
    #[arg(long)]
    new_folder: bool,
    /// Run a variant for each of several values, as `pipeline sweep` does
    #[arg(long, short)]
    multirun: bool,
}

const EXAMPLES: &str = "\
Examples:
  pipeline run chain_tqe.yaml
  pipeline run chain_tqe.yaml training.epochs=60 +training.dropout=0.2 ~dataset.test_path
  pipeline run --config-path ./configs --config-name chain_tqe operation_mode=chain_eqe
  pipeline run chain_tqe.yaml --format json | jq -c 'select(.event == \"metric\")'

Ctrl-C asks the stages to stop, a second one ends them at once. Nothing that is finished is lost:
`pipeline resume` goes on with the run, and so does the same command.
Exit codes: see `pipeline --help`.";

pub(crate) fn run(args: &RunArgs, registry: &Registry) -> Result<Exit, Refusal> {
    if args.multirun {
        return sweep::run(&args.configuration, &args.options, false, registry);
    }
    let started = Instant::now();
    let cancellation = cancellation()?;
    let RunArgs { configuration, options, new_folder, .. } = args;
    let is_whole = |completion: &Completion| record::is_whole(completion.folder());
    if !new_folder && let Some(completion) = glance::find(configuration, registry).filter(is_whole) {
        return unchanged::tell(&completion, options.format, options.quiet);
    }
    let mut prepared = prepare(configuration, registry)?;
    let outside = Outside::read(configuration, &mut prepared.plan);
    let hide = |refusal| prepared.hide(refusal);
    let outside = outside.map_err(hide)?;
    let key = unchanged::key(&prepared, &outside.recipes)?;
    if !new_folder && let Some(completion) = outside.store.completion(&key).filter(is_whole) {
        glance::remember(configuration, registry, &prepared, &outside.store, &outside.sources, &key);
        prepared.tell_fetched();
        let told = unchanged::tell(&completion, options.format, options.quiet);
        // The process ends now; to take apart what describes a thousand stages would be a tenth of its time.
        std::mem::forget((prepared, outside));
        return told;
    }
    let known = outside.known(&prepared.plan).map_err(hide)?;
    let found = preflight(&prepared, &known, registry, options, prepared.run_folder()).map_err(hide)?;

    // From here on there is something to lose.
    cancellation.guard();
    let folder = start_folder(&prepared)?;
    keep(&prepared.plan, &known, &folder)?;
    let record =
        RunRecord::start(folder.id(), &prepared.plan.operation_mode, &prepared.file).in_store(&known.store);
    let journal = Journal::start(folder.clone(), record)?;
    let launch = Launch {
        started,
        prepared: &prepared,
        known: &known,
        registry,
        options,
        cancellation: &cancellation,
        found: &found,
    };
    let exit = launch.run(&folder, folder.path(), journal, Beginning::New);
    if exit == Exit::Done && prepared.drawn_seed.is_none() {
        unchanged::remember(&known.store, &key, &folder);
        glance::remember(configuration, registry, &prepared, &known.store, &known.sources, &key);
    }
    Ok(exit)
}

fn start_folder(prepared: &Prepared) -> Result<RunFolder, Refusal> {
    let folder = RunFolder::create(&prepared.loaded.config.hydra.run.dir)?;
    let loaded = &prepared.loaded;
    let (resolved, secrets) = loaded.to_keep();
    folder.keep_configuration(&resolved, loaded.overrides(), secrets.as_deref())?;
    Ok(folder)
}
