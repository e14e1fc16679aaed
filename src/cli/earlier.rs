//! Earlier runs: what a stage is compared with, and what their configurations said.

use crate::{
    config::{self, Kept, Leaf, Loaded, ValueOrigin, load_kept},
    plan::{Against, Made, Reference, setting_differences, settings_size},
    record::{FoundRun, RunFolder, RunKeys, StageKey, StageState, Standing, read_keys, read_overrides},
    store::{Digest, Manifest, Store, Stored},
};
use jiff::{Timestamp, Zoned, tz::TimeZone};
use std::{
    cell::OnceCell,
    collections::BTreeMap,
    path::{Path, PathBuf},
};

/// How many stored results of a stage are candidates for the one that is most like it.
const CANDIDATES: usize = 64;

/// The runs that something is compared with, and the store behind them.
pub(super) struct Earlier<'a> {
    store: &'a Store,
    /// Its newest results by stage, once they are asked for.
    latest: OnceCell<BTreeMap<String, Vec<Manifest>>>,
    /// Newest first, each with its keys once they are asked for.
    runs: Vec<(FoundRun, OnceCell<Option<RunKeys>>)>,
    /// All runs that are there: who made a result.
    all: Vec<FoundRun>,
    /// When what is explained started; what comes later explains nothing.
    before: Option<Timestamp>,
    /// Whether the user named a run, so that nothing else is looked at.
    named: bool,
    /// The folder of the sweep that what is explained is a variant of.
    sweep: Option<PathBuf>,
}

impl<'a> Earlier<'a> {
    /// Among all runs that are there those before a point in time, or the one that was named.
    pub(super) fn new(
        store: &'a Store,
        all: Vec<FoundRun>,
        before: Option<Timestamp>,
        named: Option<FoundRun>,
    ) -> Self {
        let is_earlier =
            |run: &&FoundRun| before.is_none_or(|before| run.started.is_some_and(|at| at < before));
        let is_named = named.is_some();
        let runs = match named {
            Some(run) => vec![run],
            None => all.iter().filter(is_earlier).cloned().collect(),
        };
        let runs = runs.into_iter().map(|run| (run, OnceCell::new())).collect();
        Self { store, latest: OnceCell::new(), runs, all, before, named: is_named, sweep: None }
    }

    /// What is explained is this run: other variants of its sweep share the executions of stages with it.
    pub(super) fn of(mut self, run: &FoundRun) -> Self {
        self.sweep = run.path.parent().filter(|_| is_variant(run)).map(Path::to_owned);
        self
    }

    /// What a stage is compared with: the newest run in which its very result was there, else the newest in which a stage
    /// of that name started, else the stored result of the same stage that is most like it.
    pub(super) fn reference(&self, key: &StageKey) -> Option<Reference> {
        let had_it = |run: &FoundRun| {
            let stages = run.record.as_ref().map(|record| record.stages.as_slice()).unwrap_or_default();
            stages.iter().any(|stage| {
                stage.name == key.name
                    && stage.fingerprint.is_some()
                    && stage.fingerprint == key.fingerprint
                    && matches!(stage.state, StageState::Hit | StageState::Run)
            })
        };
        let same = self.runs.iter().filter(|(run, _)| had_it(run));
        let of_run = same.chain(&self.runs).find_map(|(run, keys)| self.in_run(run, keys, key));
        if of_run.is_some() || self.named {
            return of_run;
        }
        self.stored(key)
    }

    fn in_run(
        &self,
        run: &FoundRun,
        keys: &OnceCell<Option<RunKeys>>,
        wanted: &StageKey,
    ) -> Option<Reference> {
        let name = wanted.name.as_str();
        let record = run.record.as_ref().ok()?;
        let state = record.stages.iter().find(|stage| stage.name == name)?.state;
        if !self.named && matches!(state, StageState::Planned | StageState::Skipped) {
            return None;
        }
        let keys = keys.get_or_init(|| {
            let mut keys = read_keys(&run.path).ok()??;
            keys.complete(record, self.store);
            Some(keys)
        });
        let against = Against::Run {
            id: self::name(run),
            path: run.path.display().to_string(),
            started: run.started,
            state,
            standing: run.standing,
        };
        let key = keys.as_ref()?.stage(name)?.clone();
        let stored = || {
            let found = key.fingerprint.map(|fingerprint| self.store.lookup(&fingerprint));
            matches!(found, Some(Ok(Stored::Result(_))))
        };
        // Only of a stage that waits for others is it not known already.
        let stored = wanted.fingerprint.is_none() && stored();
        let shared = self.sweep.is_some()
            && self.sweep.as_deref() == run.path.parent()
            && state == StageState::Run
            && wanted.fingerprint.is_some()
            && wanted.fingerprint == key.fingerprint;
        Some(Reference { key, against, stored, shared })
    }

    /// The most similar of the newest results of the same stage, unless most of its settings are others: then it is other
    /// work.
    fn stored(&self, key: &StageKey) -> Option<Reference> {
        let created = |manifest: &Manifest| manifest.created.parse::<Timestamp>().ok();
        let is_earlier = |manifest: &Manifest| {
            self.before.is_none_or(|before| created(manifest).is_some_and(|at| at < before))
        };
        let latest = self.latest.get_or_init(|| {
            let mut latest: BTreeMap<String, Vec<Manifest>> = BTreeMap::new();
            for made in self.store.latest().filter(is_earlier) {
                let of_stage = latest.entry(made.key.stage.clone()).or_default();
                if of_stage.len() < CANDIDATES {
                    of_stage.push(made);
                }
            }
            latest
        });
        let others = |made: &Manifest| setting_differences(&made.key.settings, &key.settings).len();
        let candidates = latest.get(&key.stage)?.iter().map(|made| (others(made), made));
        let (others, made) = candidates.min_by_key(|(others, _)| *others)?;
        let reference = Reference {
            key: StageKey::of(made),
            against: Against::Stored { at: created(made) },
            stored: true,
            shared: false,
        };
        (others * 2 <= settings_size(&key.settings)).then_some(reference)
    }

    /// How a stored result came to be.
    pub(super) fn made(&self, fingerprint: Option<Digest>, manifest: &Manifest) -> Made {
        let at: Option<Timestamp> = manifest.created.parse().ok();
        let made = |run: &&FoundRun| {
            let Ok(record) = &run.record else { return false };
            let ended = record.finished.as_ref().and_then(|at| at.parse::<Timestamp>().ok());
            let within = run.started.zip(at).is_some_and(|(start, at)| start <= at)
                && (run.standing == Standing::Running || ended.zip(at).is_none_or(|(end, at)| at <= end));
            within
                && record.stages.iter().any(|stage| stage.fingerprint == fingerprint && fingerprint.is_some())
        };
        let ran = |run: &&FoundRun| {
            let stages = run.record.as_ref().map(|record| record.stages.as_slice()).unwrap_or_default();
            stages.iter().any(|stage| stage.fingerprint == fingerprint && stage.state == StageState::Run)
        };
        let makers: Vec<&FoundRun> = self.all.iter().filter(made).collect();
        let by = makers.iter().copied().find(|run| ran(run)).or(makers.last().copied());
        Made { at, seconds: manifest.seconds, by: by.map(name) }
    }

    /// The run that lies in a folder.
    pub(super) fn run(&self, path: &str) -> Option<&FoundRun> {
        self.runs.iter().map(|(run, _)| run).find(|run| run.path == Path::new(path))
    }
}

/// What a run is called: a variant of a sweep by the sweep's name too.
pub(super) fn name(run: &FoundRun) -> String {
    let sweep = run.path.parent().filter(|_| is_variant(run)).and_then(Path::file_name);
    sweep.map_or_else(|| run.id.clone(), |sweep| format!("{}/{}", sweep.display(), run.id))
}

/// Whether a run is a variant of a sweep.
pub(super) fn is_variant(run: &FoundRun) -> bool {
    run.path.parent().is_some_and(|parent| parent.join("sweep.json").is_file())
}

/// The configuration of a run.
pub(super) struct RunConfiguration {
    /// As it was resolved.
    pub(super) loaded: Loaded,
    /// The file that it was made of, as it is now.
    file: Option<Loaded>,
    /// The changes on its command line.
    overrides: Vec<String>,
}

impl RunConfiguration {
    /// Reads it back; none where it is not there any more.
    pub(super) fn of(run: &FoundRun) -> Option<Self> {
        let secrets = run.path.join(RunFolder::SECRETS);
        let kept =
            Kept { config: run.path.join(RunFolder::CONFIG), secrets: secrets.is_file().then_some(secrets) };
        let loaded = load_kept(&kept).ok()?;
        let started = run.started.map_or_else(Zoned::now, |at| at.to_zoned(TimeZone::system()));
        let overrides = read_overrides(&run.path).unwrap_or_default();
        let file = run.record.as_ref().ok().and_then(|record| {
            // Where another folder is the working directory now, the file is where it was.
            let directory = record.directory.as_deref().map(Path::new).unwrap_or(Path::new(""));
            let elsewhere = std::env::current_dir().is_ok_and(|here| here != directory);
            let file = if elsewhere { directory.join(&record.file) } else { record.file.clone().into() };
            let request = config::Request { file, overrides: overrides.clone(), started };
            config::load(&request).ok()
        });
        Some(Self { loaded, file, overrides })
    }

    /// Where a value came from: the file where that still says the same, else its command line, else the run's own copy.
    pub(super) fn origin(&self, leaf: &Leaf) -> ValueOrigin {
        if let Some(file) = self.file.as_ref().filter(|file| file.agrees(leaf, &self.loaded)) {
            return file.origin(leaf);
        }
        match self.overrides.iter().find(|change| leaf.is_set_by(change)) {
            Some(change) => ValueOrigin::CommandLine(change.clone()),
            None => self.loaded.origin(leaf),
        }
    }
}
