//! `pipeline sweep`: many variants of a configuration as one plan.

mod launch;
mod planned;
mod resumed;
mod shown;
mod unread;

pub(crate) use resumed::{Resuming, resume};
pub(crate) use shown::{meant, newest, show};

use crate::{
    cli::{
        Exit, Refusal,
        format::{Format, print},
        launch::{Beginning, Options, cancellation},
        prepare::{Configuration, Outside, with_rules},
        refusal::hidden,
    },
    config::{self, Base},
    record::{RunFolder, RunRecord},
    sweep::{Followed, Variant, sweep_record},
};
use contract::{Finding, Registry};
use launch::Launch;
use planned::Planned;
use std::{path::Path, time::Instant};

/// Run variants of a configuration as one plan: what they share is done once
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct SweepArgs {
    #[command(flatten)]
    configuration: Configuration,
    #[command(flatten)]
    options: Options,
    /// Show the variants and what would run, and run nothing
    #[arg(long)]
    dry_run: bool,
}

const EXAMPLES: &str = "\
Examples:
  pipeline sweep chain_tqe.yaml training.model.alpha=0.35,0.5 'training.epochs=range(10,40,10)'
  pipeline sweep chain_tqe.yaml --dry-run                   the variants of its `sweep` section
  pipeline sweep chain_tqe.yaml sweep.method=random sweep.count=20 \\
      'training.optimizer.Adam.learning_rate=loguniform(1e-4,1e-1)'
  pipeline compare experiments_outputs/2026_11_22_21_00_00  what came of it

Values: a,b,c; choice(a,b); range(START,END,STEP) without END; for random also uniform(a,b) and loguniform(a,b).
--dry-run prints a line and a table, with --quiet the line alone, with --format json one object:
  {format, operation_mode, counts: {variants, stages, hit, run, after},
  variants: [{variant, overrides, values, stages: [{name, status}]}]}
where a status is hit (stored), run, or after (it depends on stages that must run).
A failed variant leaves the others alone; --fail-fast stops them. Ctrl-C and `pipeline resume` as for a run.
Exit codes: see `pipeline --help`.";

pub(crate) fn sweep(args: &SweepArgs, registry: &Registry) -> Result<Exit, Refusal> {
    run(&args.configuration, &args.options, args.dry_run, registry)
}

/// Runs all variants, or shows them.
pub(crate) fn run(
    configuration: &Configuration,
    options: &Options,
    dry_run: bool,
    registry: &Registry,
) -> Result<Exit, Refusal> {
    let started = Instant::now();
    let cancellation = cancellation()?;
    let (file, overrides) = configuration.request();
    let name = file.display().to_string();
    let request = config::Request { file, overrides, started: jiff::Zoned::now() };
    let base = Base::read(&request).map_err(|errors| with_rules(errors, registry))?;
    let mut planned = Planned::of(&base, registry)?;
    let hide = |refusal| Refusal::Hidden(Box::new(refusal), planned.secrets.clone());
    let outside = Outside::read(configuration, &mut planned.merged.plan).map_err(hide)?;
    let known = outside.known(&planned.merged.plan).map_err(hide)?;
    let dir = match base.sweep_dir()? {
        Some(dir) => dir,
        None => planned.run_dir.clone(),
    };
    let found = planned.preflight(&known, registry, options, Path::new(&dir)).map_err(hide)?;
    if dry_run {
        for Finding { message, .. } in &planned.findings {
            eprintln!("warning: {}", planned.secrets.hide(message));
        }
        return print(&match options.format {
            Format::Json => format!("{:#}\n", hidden(planned.json(&known), &planned.secrets)),
            Format::Text if options.quiet => planned.line(&known),
            Format::Text => planned.secrets.hide(&planned.text(&known)),
        });
    }

    // From here on there is something to lose.
    cancellation.guard();
    let folder = RunFolder::create(&dir)?;
    let lease = folder.lease()?;
    let mut folders = Vec::new();
    for (number, variant) in planned.variants.iter().enumerate() {
        folders.push(variant_folder(&folder, number, variant)?);
    }
    planned.keep(&known, &folders)?;
    let directory =
        std::env::current_dir().map_err(|error| Refusal::System("tell the working directory", error))?;
    let record = sweep_record(&folder, &name, directory, &planned.variants);
    folder.save_sweep(&record)?;
    let begun = |number: usize, folder: &RunFolder| {
        let record = RunRecord::start(folder.id(), &planned.variants[number].operation_mode, &name);
        record.in_store(&known.store)
    };
    let followed = folders.iter().zip(&planned.variants).zip(&planned.merged.members).enumerate();
    let followed = followed
        .map(|(number, ((folder, variant), members))| {
            Followed::new(number, variant, folder, members, begun(number, folder), None)
        })
        .collect();
    let launch = Launch {
        started,
        planned: &planned,
        known: &known,
        registry,
        options,
        cancellation: &cancellation,
        found: &found,
    };
    let exit = launch.run(&folder, folder.path(), record, &folders, followed, Beginning::New)?;
    drop(lease);
    Ok(exit)
}

/// The run folder of a variant with its configuration.
fn variant_folder(sweep: &RunFolder, number: usize, variant: &Variant) -> Result<RunFolder, Refusal> {
    let path = sweep.path().join(number.to_string());
    let folder = RunFolder::create(&path.to_string_lossy())?;
    folder.keep_configuration(&variant.config, &variant.overrides, variant.secrets.as_deref())?;
    Ok(folder)
}
