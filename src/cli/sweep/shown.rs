//! Finding a sweep, and showing it.

use crate::{
    cli::{
        Exit, Refusal,
        format::{Format, print},
    },
    record::{self, Life, Outcome, RecordError, SweepRecord},
    report::{self, RunLine},
    sweep::{Row, sweep_table},
};
use std::path::{Path, PathBuf};

/// The sweep that is meant: the path of its folder, or the beginning of the name of just one sweep below `place` and of no
/// run. Without `wanted`, the newest that is over and not done, where that is newer than all such runs but its own.
pub(crate) fn meant(wanted: Option<&str>, place: &Path) -> Result<Option<PathBuf>, Refusal> {
    if let Some(wanted) = wanted
        && SweepRecord::read(Path::new(wanted))?.is_some()
    {
        return Ok(Some(PathBuf::from(wanted)));
    }
    let sweeps = if place.is_dir() { record::sweeps(place)? } else { Vec::new() };
    if sweeps.is_empty() {
        return Ok(None);
    }
    let runs = record::runs(place)?;
    let is_own = |run: &record::FoundRun| is_variant(run, &sweeps);
    let Some(wanted) = wanted else {
        let is_left = |(folder, known): &&(PathBuf, SweepRecord)| {
            known.outcome != Outcome::Done && record::life(folder) == Life::Gone
        };
        let run = runs.iter().find(|run| run.standing.is_unfinished() && !is_own(run));
        let newest = sweeps.iter().find(is_left);
        let started = |(_, known): &(PathBuf, SweepRecord)| known.started.parse::<jiff::Timestamp>().ok();
        let newest = newest.filter(|sweep| run.is_none_or(|run| run.started <= started(sweep)));
        return Ok(newest.map(|(folder, _)| folder.clone()));
    };
    let mut exact = sweeps.iter().filter(|(_, known)| known.id == wanted);
    let mut fitting = sweeps.iter().filter(|(_, known)| known.id.starts_with(wanted));
    let is_run = runs.iter().any(|run| run.id.starts_with(wanted) && !is_own(run));
    let found = match (exact.next(), fitting.next(), fitting.next()) {
        (Some(sweep), ..) => Some(sweep),
        (None, Some(sweep), None) if !is_run && !wanted.is_empty() => Some(sweep),
        _ => None,
    };
    Ok(found.map(|(folder, _)| folder.clone()))
}

/// The sweep that `show` is to show: as for [`meant`], and without `wanted` the newest, where no run but its own is newer.
pub(crate) fn newest(wanted: Option<&str>, place: &Path) -> Result<Option<PathBuf>, Refusal> {
    if wanted.is_some() || !place.is_dir() {
        return meant(wanted, place);
    }
    let sweeps = record::sweeps(place)?;
    let Some((folder, sweep)) = sweeps.first() else { return Ok(None) };
    let started = sweep.started.parse::<jiff::Timestamp>().ok();
    let newer = record::runs(place)?.iter().any(|run| run.started > started && !is_variant(run, &sweeps));
    Ok(Some(folder.clone()).filter(|_| !newer))
}

/// Whether a run is a variant of one of these sweeps.
fn is_variant(run: &record::FoundRun, sweeps: &[(PathBuf, SweepRecord)]) -> bool {
    sweeps.iter().any(|(folder, _)| Some(folder.as_path()) == run.path.parent())
}

/// Shows a sweep: its variants with what they measured.
pub(crate) fn show(folder: &Path, format: Format) -> Result<Exit, Refusal> {
    let no_sweep = || RecordError::NoRuns { folder: folder.to_owned() };
    let record = SweepRecord::read(folder)?.ok_or_else(no_sweep)?;
    let mut rows = Vec::new();
    for variant in &record.variants {
        rows.push(Row::kept(folder, variant)?);
    }
    if format == Format::Json {
        let metrics: Vec<_> = rows.iter().map(|row| &row.metrics).collect();
        let standings: Vec<_> = rows.iter().map(|row| row.standing).collect();
        let view =
            serde_json::json!({"format": 1, "sweep": record, "metrics": metrics, "standings": standings});
        return print(&format!("{view:#}\n"));
    }
    let line = RunLine::of_sweep(folder, &record, jiff::Timestamp::now());
    let SweepRecord { id, operation_mode, file, .. } = &record;
    let took =
        line.seconds.map(|seconds| format!(" after {}", report::duration(seconds))).unwrap_or_default();
    let resume = line.resume.map(|resume| format!("to go on with it: {resume}\n")).unwrap_or_default();
    print(&format!(
        "sweep {id}: {operation_mode}, {file}\n{}{took}\n\n{}\ncompare them: pipeline compare {}\n{resume}",
        line.outcome.as_str(),
        sweep_table(&record, &rows),
        folder.display()
    ))
}
