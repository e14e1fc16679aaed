//! Going on with a sweep.

use super::{launch::Launch, planned::Planned};
use crate::{
    cli::{
        Exit, Refusal,
        launch::{Beginning, Options, cancellation},
        prepare::{Known, Outside},
        resume::{go_to, say_done, store_of},
    },
    plan::member_keys,
    record::{self, Life, Origin, Outcome, RecordError, RunFolder, RunRecord, Standing, SweepRecord},
    report::count,
    schedule::Located,
    sweep::Followed,
};
use contract::{Finding, Registry};
use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    time::Instant,
};

/// How a sweep is gone on with.
pub(crate) struct Resuming<'a> {
    /// Its folder.
    pub(crate) folder: &'a Path,
    /// Where its working directory is now; none where it was.
    pub(crate) directory: Option<&'a Path>,
    /// The store; none for the one that it used.
    pub(crate) cache_dir: Option<&'a Path>,
    pub(crate) options: &'a Options,
}

/// Goes on with the variants of a sweep that are not done, in their folders, with the configurations that these keep.
pub(crate) fn resume(resuming: &Resuming<'_>, registry: &Registry) -> Result<Exit, Refusal> {
    let started = Instant::now();
    let cancellation = cancellation()?;
    let Resuming { folder: shown, options, .. } = *resuming;
    let folder = RunFolder::open(shown)?;
    let no_sweep = || RecordError::NoRuns { folder: shown.to_owned() };
    let Some(lease) = folder.try_lease()? else {
        let since =
            SweepRecord::read(folder.path())?.map_or_else(|| "its start".to_owned(), |known| known.started);
        let engine = "another process".to_owned();
        return Err(RecordError::Running { path: shown.to_owned(), engine, since }.into());
    };
    // As it is now that nobody else changes it.
    let mut record = SweepRecord::read(folder.path())?.ok_or_else(no_sweep)?;
    let after = match record.outcome {
        Outcome::Done => return say_done("sweep", &record.id, shown, options.format),
        Outcome::Failed => Standing::Failed,
        Outcome::Cancelled => Standing::Cancelled,
        Outcome::Running => Standing::Killed,
    };
    let cache_dir = store(resuming, &folder, &record)?;
    enter(resuming, &mut record)?;
    let left = left(&folder, &mut record)?;
    let mut planned = Planned::kept(&folder, &record, &left, registry)?;
    let hide = |refusal| Refusal::Hidden(Box::new(refusal), planned.secrets.clone());
    let outside = Outside::read_in(cache_dir, &mut planned.merged.plan).map_err(hide)?;
    let known = outside.known(&planned.merged.plan).map_err(hide)?;
    let mut found = planned.preflight(&known, registry, options, folder.path()).map_err(hide)?;
    found.extend(changed(&planned, &known, &record, &left)?);

    // From here on there is something to lose.
    cancellation.guard();
    let next = folder.mend()?;
    (record.outcome, record.finished) = (Outcome::Running, None);
    for Left { position, .. } in &left {
        let variant = &mut record.variants[*position];
        (variant.outcome, variant.error) = (Outcome::Running, None);
    }
    folder.save_sweep(&record)?;
    let folders: Vec<RunFolder> = left.iter().map(|left| left.folder.clone()).collect();
    planned.keep(&known, &folders)?;
    let mut followed = Vec::new();
    for (number, left) in left.iter().enumerate() {
        let variant = &planned.variants[number];
        let begun = match &left.run {
            Some((run, _)) => run.clone(),
            None => RunRecord::start(left.folder.id(), &variant.operation_mode, &record.file),
        };
        let after = left.run.as_ref().map(|(_, standing)| *standing);
        let begun = begun.in_store(&known.store);
        let members = &planned.merged.members[number];
        followed.push(Followed::new(left.position, variant, &folders[number], members, begun, after));
    }
    let launch = Launch {
        started,
        planned: &planned,
        known: &known,
        registry,
        options,
        cancellation: &cancellation,
        found: &found,
    };
    let exit = launch.run(&folder, shown, record, &folders, followed, Beginning::Resumed { next, after })?;
    drop(lease);
    Ok(exit)
}

/// A variant that is not done.
pub(super) struct Left {
    /// Its position in the record.
    pub(super) position: usize,
    pub(super) folder: RunFolder,
    /// Its run, if it has started, and how that stands.
    pub(super) run: Option<(RunRecord, Standing)>,
}

/// The variants that are not done. Of one that a killed engine left, its own run says how it ended.
fn left(sweep: &RunFolder, record: &mut SweepRecord) -> Result<Vec<Left>, Refusal> {
    let mut left = Vec::new();
    for (position, variant) in record.variants.iter_mut().enumerate() {
        let folder = RunFolder::open(&sweep.path().join(&variant.folder))?;
        let found = record::run(folder.path());
        if found.as_ref().is_some_and(|found| found.standing == Standing::Done) {
            (variant.outcome, variant.error) = (Outcome::Done, None);
            continue;
        }
        if record::life(folder.path()) == Life::Alive {
            // Somebody goes on with it alone.
            let (path, engine) = (folder.path().to_owned(), "another process".to_owned());
            let since = found.and_then(|found| Some(found.record.ok()?.started)).unwrap_or_default();
            return Err(RecordError::Running { path, engine, since }.into());
        }
        // It is this process that holds the sweep now.
        let before = |standing| if standing == Standing::Running { Standing::Killed } else { standing };
        let run = found.and_then(|found| Some((found.record.ok()?, before(found.standing))));
        left.push(Left { position, folder, run });
    }
    Ok(left)
}

/// Warnings of inputs that are not what they were when the sweep planned the variants that are left, while others are done.
fn changed(
    planned: &Planned,
    known: &Known,
    record: &SweepRecord,
    left: &[Left],
) -> Result<Vec<Located>, Refusal> {
    let done = record.count(Outcome::Done);
    let mut changed: BTreeSet<(String, String)> = BTreeSet::new();
    for (members, left) in planned.merged.members.iter().zip(left).filter(|_| done > 0) {
        let Some(before) = record::read_keys(left.folder.path())? else { continue };
        let now = member_keys(&planned.merged.plan, members, &known.sources, &known.states);
        for stage in &now.stages {
            let Some(before) = before.stage(&stage.name) else { continue };
            for (port, input) in &stage.inputs {
                let old = before.inputs.get(port).and_then(|input| input.digest);
                if let Some(Origin::Source { label, key, .. }) = &input.from
                    && old.zip(input.digest).is_some_and(|(old, now)| old != now)
                {
                    changed.insert((label.clone(), key.clone()));
                }
            }
        }
    }
    let warning = |(label, key): (String, String)| {
        let message = format!(
            "`{label}` ({key}) has changed since this sweep began: the results of {}, {} done, are of what it was \
             before, and those to come are of what it is now",
            count(done, "variant"),
            if done == 1 { "which is" } else { "which are" },
        );
        let finding = Finding::warning("sweep::mixed", message);
        let help = "to have all results of what it is now, run the sweep again instead";
        Located { stage: None, finding: finding.with_help(help) }
    };
    Ok(changed.into_iter().map(warning).collect())
}

/// The store: the one that is named, else the one that the sweep's runs used.
fn store(
    resuming: &Resuming<'_>,
    folder: &RunFolder,
    record: &SweepRecord,
) -> Result<Option<PathBuf>, Refusal> {
    let used = record.variants.iter().find_map(|variant| {
        let run = record::run(&folder.path().join(&variant.folder))?;
        run.record.ok()?.store.map(PathBuf::from)
    });
    let (store, note) = store_of(resuming.cache_dir, used, "sweep")?;
    if let Some(note) = note {
        eprintln!("note: {note}");
    }
    Ok(store)
}

/// Goes to the working directory of the sweep.
fn enter(resuming: &Resuming<'_>, record: &mut SweepRecord) -> Result<(), Refusal> {
    let directory = resuming.directory.map_or_else(|| record.directory.clone(), Path::to_owned);
    if !directory.as_os_str().is_empty() {
        record.directory = go_to(directory, resuming.folder)?;
    }
    Ok(())
}
