//! `pipeline cache`: how much is stored, whether it is sound, and clearing what nobody uses.

use super::{
    Exit, Refusal,
    format::{Format, print},
};
use crate::{
    report::{
        cache,
        screen::{moves, screen},
    },
    store::{Bound, Bounds, Checking, Part, Store},
};
use clap::{Subcommand, ValueHint};
use std::{
    path::PathBuf,
    sync::atomic::{AtomicU64, Ordering},
    time::SystemTime,
};

/// Look after the stored results: count, check, clear
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct CacheArgs {
    #[command(subcommand)]
    care: Care,
}

#[derive(Debug, Subcommand)]
enum Care {
    Stats(StatsArgs),
    Verify(VerifyArgs),
    Gc(GcArgs),
}

/// Show how much is stored, and when it was used
#[derive(Debug, clap::Args)]
#[command(after_help = STATS_EXAMPLES)]
struct StatsArgs {
    #[command(flatten)]
    common: Common,
}

/// Read everything that is stored and remove what is corrupt, so that it is made again
#[derive(Debug, clap::Args)]
#[command(after_help = VERIFY_EXAMPLES)]
struct VerifyArgs {
    #[command(flatten)]
    common: Common,
}

/// Clear results away: those used longest ago first, then what no result needs any more
#[derive(Debug, clap::Args)]
#[command(after_help = GC_EXAMPLES)]
struct GcArgs {
    /// Keep the store below this size: 20GB, 500 MB, 2 GiB, 0, off [default: $PIPELINE_CACHE_SIZE, else 20GB]
    #[arg(long, value_name = "SIZE", value_parser = Bound::parse)]
    keep_size: Option<Bound>,
    /// Clear also what was not used for so many days
    #[arg(long, value_name = "N")]
    keep_days: Option<u32>,
    /// Say what would be removed, and remove nothing
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    common: Common,
}

#[derive(Debug, clap::Args)]
struct Common {
    /// For people, or for programs
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// Folder of stored results [default: $PIPELINE_CACHE_DIR, else the user's cache folder]
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    cache_dir: Option<PathBuf>,
}

const EXAMPLES: &str = "\
Examples:
  pipeline cache stats
  pipeline cache verify
  pipeline cache gc --keep-size 5GB --dry-run

The store keeps itself below 20 GB: at the end of a run what was used longest ago goes.
PIPELINE_CACHE_SIZE sets another bound, such as 50GB, or off.";

const STATS_EXAMPLES: &str = "\
Examples:
  pipeline cache stats
  pipeline cache stats --format json | jq '.parts.objects.bytes'

The parts, which programs find under the same words with `_` between them:
  objects        contents of files, each once
  results        what stages made: which files, metrics and figures
  checkpoints    of unfinished work, which goes on from there
  downloads      copies of models that the configuration names by their addresses
  verdicts       checks before a run that found no error, not to be done again
  listings       which files data sets consist of
  finished runs  what `pipeline run` compares to say that there is nothing to do
  stat cache     digests of inputs, so that files that did not change are not read again
  locks          of results, so that two runs do not make the same one at once

A result is used when it is made and when a run finds it; all else has the age of its file.";

const VERIFY_EXAMPLES: &str = "\
Examples:
  pipeline cache verify
  pipeline cache verify --format json | jq -r '.bad_results[].stage'

A corrupt file is also found without this, when a run uses it; and made again.
Exit codes: 0 if all is sound, 14 if something was corrupt; it is removed, so the next time is 0.";

const GC_EXAMPLES: &str = "\
Examples:
  pipeline cache gc                        down to the bound, which runs keep by themselves
  pipeline cache gc --keep-size 5GB --dry-run
  pipeline cache gc --keep-days 30 --keep-size off
  pipeline cache gc --keep-size 0          all that no run uses now

It is safe while runs are in progress, also of other projects: what a run has found or made stays
until the run ends, and checkpoints of unfinished work stay for 14 days at least. It never touches
run folders: their files are copies. What is gone is made again when it is needed.";

pub(crate) fn cache(args: &CacheArgs) -> Result<Exit, Refusal> {
    match &args.care {
        Care::Stats(args) => stats(&args.common),
        Care::Verify(args) => verify(&args.common),
        Care::Gc(args) => gc(args),
    }
}

fn stats(common: &Common) -> Result<Exit, Refusal> {
    let (store, bound) = (Store::look(common.cache_dir.clone())?, Bound::from_environment()?);
    let usage = store.usage()?;
    print(&match common.format {
        Format::Text => cache::usage(store.root(), &usage, bound, SystemTime::now()),
        Format::Json => cache::usage_json(store.root(), &usage, bound),
    })
}

fn verify(common: &Common) -> Result<Exit, Refusal> {
    let store = Store::open(common.cache_dir.clone())?;
    let all = store.usage()?.get(&Part::Objects).map_or(0, |amount| amount.bytes);
    let (done, shown) = (AtomicU64::new(0), moves());
    let tell = |Checking { bytes, .. }| {
        let done = done.fetch_add(bytes, Ordering::Relaxed) + bytes;
        if shown {
            screen().show(vec![cache::checking(done, all)]);
        }
    };
    let checked = store.check(&tell);
    if shown {
        screen().show(Vec::new());
    }
    let checked = checked?;
    print(&match common.format {
        Format::Text => cache::checked(store.root(), &checked),
        Format::Json => cache::checked_json(store.root(), &checked),
    })?;
    Ok(if checked.is_sound() { Exit::Done } else { Exit::CorruptStore })
}

fn gc(args: &GcArgs) -> Result<Exit, Refusal> {
    let GcArgs { keep_size, keep_days, dry_run, common } = args;
    let store = Store::open(common.cache_dir.clone())?;
    let bound = keep_size.map_or_else(Bound::from_environment, Ok)?;
    let bounds = Bounds { bytes: bound.bytes(), days: *keep_days };
    let cleared = store.clear(bounds, *dry_run)?;
    print(&match common.format {
        Format::Text => cache::cleared(store.root(), &cleared, *dry_run),
        Format::Json => cache::cleared_json(store.root(), &cleared, *dry_run),
    })
}
