//! `pipeline runs`: the runs that are there.

use super::{
    Exit, Refusal,
    format::{Format, print},
};
use crate::{
    config,
    record::{self, FoundRun, RecordError, SweepRecord},
    report::{RunLine, run_list, run_list_json},
};
use clap::ValueHint;
use jiff::{Timestamp, Zoned, civil::DateTime, tz::TimeZone};
use std::{
    cmp::Reverse,
    collections::BTreeSet,
    path::{Path, PathBuf},
};

/// Where runs are put when a configuration does not say.
pub(super) const DEFAULT: &str = record::RUNS;

/// List the runs that are there, newest first
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct RunsArgs {
    /// Folder of runs, or a configuration file whose runs are meant
    #[arg(value_name = "DIR|FILE", default_value = DEFAULT, value_hint = ValueHint::AnyPath)]
    place: PathBuf,
    /// List so many at most
    #[arg(long, value_name = "N")]
    limit: Option<usize>,
    /// For people, or for programs
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

const EXAMPLES: &str = "\
Examples:
  pipeline runs
  pipeline runs chain_tqe.yaml --limit 5       runs in the folder where this file puts them
  pipeline runs results --format json | jq '.runs[] | select(.outcome == \"killed\") | .path'

Outcomes: running, done, failed, cancelled; killed where the process is gone without an end.";

pub(crate) fn runs(args: &RunsArgs) -> Result<Exit, Refusal> {
    let folder = folder(&args.place)?;
    let now = Timestamp::now();
    let found = if folder.is_dir() { listed(&folder)? } else { Vec::new() };
    let all = found.len();
    let line = |listed: &Listed| match listed {
        Listed::Run(run) => RunLine::of(run, now),
        Listed::Sweep(folder, sweep) => RunLine::of_sweep(folder, sweep, now),
        Listed::Lost(folder, error) => RunLine::of_lost_sweep(folder, error),
    };
    let lines: Vec<RunLine> = found.iter().take(args.limit.unwrap_or(all)).map(line).collect();
    match args.format {
        Format::Json => print(&run_list_json(&folder, &lines)),
        Format::Text if all == 0 => print(&format!("no runs in {}\n", folder.display())),
        Format::Text => {
            let printed = print(&run_list(&lines))?;
            for line in &lines {
                for problem in &line.problems {
                    eprintln!("note: {}: {problem}", line.path);
                }
            }
            let unfinished: Vec<&RunLine> = lines.iter().filter(|line| line.resume.is_some()).collect();
            if let Some((RunLine { id, resume: Some(resume), .. }, more)) = unfinished.split_first() {
                let which = if more.is_empty() { "it" } else { "the newest that is not done" };
                eprintln!("{id} is not done; to go on with {which}: {resume}");
            }
            if lines.len() < all {
                eprintln!("{} more; --limit {all} shows them all", all - lines.len());
            }
            Ok(printed)
        }
    }
}

/// What has a line.
enum Listed {
    Run(FoundRun),
    Sweep(PathBuf, SweepRecord),
    /// A sweep whose record cannot be read, and why.
    Lost(PathBuf, RecordError),
}

/// The runs and sweeps below a folder, newest first. The runs of a sweep are in its line, but where its own folder is asked
/// for.
fn listed(folder: &Path) -> Result<Vec<Listed>, Refusal> {
    let mut sweeps = record::sweeps(folder)?;
    sweeps.retain(|(path, _)| path != folder);
    let folders: BTreeSet<PathBuf> = sweeps.iter().map(|(path, _)| path.clone()).collect();
    let is_own = |run: &FoundRun| run.path.parent().is_some_and(|parent| folders.contains(parent));
    let runs = record::runs(folder)?.into_iter().filter(|run| !is_own(run));
    let runs = runs.map(|run| (run.started, Listed::Run(run)));
    let sweeps = sweeps
        .into_iter()
        .map(|(path, sweep)| (sweep.started.parse::<Timestamp>().ok(), Listed::Sweep(path, sweep)));
    let lost = record::lost_sweeps(folder)?.into_iter();
    let lost = lost.map(|(path, error)| (None, Listed::Lost(path, error)));
    let mut all: Vec<(Option<Timestamp>, Listed)> = runs.chain(sweeps).chain(lost).collect();
    all.sort_by_key(|(started, _)| Reverse(*started));
    Ok(all.into_iter().map(|(_, listed)| listed).collect())
}

/// The folder that is meant: a configuration stands for the one that holds its runs.
pub(super) fn folder(place: &Path) -> Result<PathBuf, Refusal> {
    if place.is_file() {
        return runs_of(place, &[]);
    }
    if !place.exists() && place != Path::new(DEFAULT) {
        return Err(RecordError::NoFolder { path: place.to_owned(), problem: "does not exist" }.into());
    }
    Ok(place.to_owned())
}

/// The folder below which all runs of a configuration lie: what `hydra.run.dir` has in common at two times that have
/// nothing in common, without the name of the run's own folder.
pub(super) fn runs_of(file: &Path, overrides: &[String]) -> Result<PathBuf, Refusal> {
    let dir = |started: DateTime| -> Result<PathBuf, Refusal> {
        let started: Zoned = started
            .to_zoned(TimeZone::UTC)
            .map_err(|error| Refusal::System("reckon with a time", std::io::Error::other(error)))?;
        let request = config::Request { file: file.to_owned(), overrides: overrides.to_vec(), started };
        Ok(PathBuf::from(config::load(&request)?.config.hydra.run.dir))
    };
    let (one, other) = (
        dir(DateTime::constant(2001, 1, 2, 3, 4, 5, 0))?,
        dir(DateTime::constant(2299, 11, 30, 16, 57, 48, 0))?,
    );
    let same = one.components().zip(other.components()).take_while(|(one, other)| one == other);
    let common: PathBuf = same.map(|(part, _)| part).collect();
    let parent = if common == one { one.parent().map(Path::to_owned).unwrap_or_default() } else { common };
    Ok(if parent.as_os_str().is_empty() { PathBuf::from(".") } else { parent })
}
