//! `pipeline sweep`: many variants of a configuration as one plan.

use super::{
    Exit, Refusal,
    format::{Format, print},
    keep::{keep_listings, keep_member},
    launch::{Options, cancellation, finding_event},
    prepare::{Configuration, Known, Outside, draw_seed, layout, plan_of, with_rules},
};
use crate::{
    config::{self, Base, Gathered, Kept, Loaded, Secrets},
    plan::{Merged, Plan, Status},
    record::{
        self, EVENTS_FORMAT, Layout, Life, Outcome, RecordError, RunFolder, RunRecord, Standing, SweepRecord,
        VariantRecord, resume_command,
    },
    report::{self, RunLine},
    schedule::{self, Cancellation, EventStream, Located, Place, Places, Preflighting, Run, stops},
    sweep::{
        Follow, Followed, Lines, Row, Screen, Variant, combine, display_names, short_keys, sweep_record,
        sweep_table,
    },
};
use contract::{EventKind, Registry};
use std::{
    path::{Path, PathBuf},
    time::Instant,
};

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
    let planned = Planned::of(&base, registry)?;
    let hide = |refusal| Refusal::Hidden(Box::new(refusal), planned.secrets.clone());
    let outside = Outside::read(configuration, &planned.merged.plan).map_err(hide)?;
    let known = outside.known(&planned.merged.plan).map_err(hide)?;
    let dir = match base.sweep_dir()? {
        Some(dir) => dir,
        None => planned.run_dir.clone(),
    };
    let found = planned.preflight(&known, registry, options, Path::new(&dir)).map_err(hide)?;
    if dry_run {
        return print(&planned.secrets.hide(&planned.text(&known)));
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
    let exit = launch.run(&folder, folder.path(), record, &folders, followed, None)?;
    drop(lease);
    Ok(exit)
}

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
    let is_own = |run: &&record::FoundRun| {
        let parent = run.path.parent();
        sweeps.iter().any(|(folder, _)| Some(folder.as_path()) == parent)
    };
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
    let is_run = runs.iter().any(|run| run.id.starts_with(wanted) && !is_own(&run));
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
    let is_own = |run: &record::FoundRun| {
        let parent = run.path.parent();
        sweeps.iter().any(|(folder, _)| Some(folder.as_path()) == parent)
    };
    let newer = record::runs(place)?.iter().any(|run| run.started > started && !is_own(run));
    Ok(Some(folder.clone()).filter(|_| !newer))
}

/// Shows a sweep: its variants with what they measured.
pub(crate) fn show(folder: &Path, format: Format) -> Result<Exit, Refusal> {
    let no_sweep = || RecordError::NoRuns { folder: folder.to_owned() };
    let record = SweepRecord::read(folder)?.ok_or_else(no_sweep)?;
    let mut rows = Vec::new();
    for variant in &record.variants {
        let summary = record::measured(&folder.join(&variant.folder))?;
        let metrics = summary.stages.iter().flat_map(|(stage, told)| {
            told.metrics.iter().map(|(name, value)| (stage.clone(), name.clone(), *value))
        });
        rows.push(Row { variant, metrics: metrics.collect() });
    }
    if format == Format::Json {
        let metrics: Vec<_> = rows.iter().map(|row| &row.metrics).collect();
        let view = serde_json::json!({"format": 1, "sweep": record, "metrics": metrics});
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
        Outcome::Done => {
            let text = format!(
                "sweep {} is done, nothing is left to do; results are in {}\n",
                record.id,
                shown.display()
            );
            return print(&text);
        }
        Outcome::Failed => Standing::Failed,
        Outcome::Cancelled => Standing::Cancelled,
        Outcome::Running => Standing::Killed,
    };
    let cache_dir = store_of(resuming, &folder, &record)?;
    enter(resuming, &mut record)?;
    let left = left(&folder, &mut record)?;
    let planned = Planned::kept(&folder, &record, &left, registry)?;
    let hide = |refusal| Refusal::Hidden(Box::new(refusal), planned.secrets.clone());
    let outside = Outside::read_in(cache_dir, &planned.merged.plan).map_err(hide)?;
    let known = outside.known(&planned.merged.plan).map_err(hide)?;
    let found = planned.preflight(&known, registry, options, folder.path()).map_err(hide)?;

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
    let exit = launch.run(&folder, shown, record, &folders, followed, Some((after, next)))?;
    drop(lease);
    Ok(exit)
}

/// A variant that is not done.
struct Left {
    /// Its position in the record.
    position: usize,
    folder: RunFolder,
    /// Its run, if it has started, and how that stands.
    run: Option<(RunRecord, Standing)>,
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
        // It is this process that holds the sweep now.
        let before = |standing| if standing == Standing::Running { Standing::Killed } else { standing };
        let run = found.and_then(|found| Some((found.record.ok()?, before(found.standing))));
        left.push(Left { position, folder, run });
    }
    Ok(left)
}

/// The store: the one that is named, else the one that the sweep's runs used.
fn store_of(
    resuming: &Resuming<'_>,
    folder: &RunFolder,
    record: &SweepRecord,
) -> Result<Option<PathBuf>, Refusal> {
    if let Some(named) = resuming.cache_dir {
        let absolute =
            std::path::absolute(named).map_err(|error| Refusal::System("find the store", error))?;
        return Ok(Some(absolute));
    }
    let used = record.variants.iter().find_map(|variant| {
        let run = record::run(&folder.path().join(&variant.folder))?;
        run.record.ok()?.store.map(PathBuf::from)
    });
    Ok(used.filter(|used| used.is_dir()))
}

/// Goes to the working directory of the sweep.
fn enter(resuming: &Resuming<'_>, record: &mut SweepRecord) -> Result<(), Refusal> {
    let directory = resuming.directory.map_or_else(|| record.directory.clone(), Path::to_owned);
    if directory.as_os_str().is_empty() {
        return Ok(());
    }
    std::env::set_current_dir(&directory).map_err(|source| RecordError::NoDirectory {
        directory,
        run: resuming.folder.display().to_string(),
        resume: resume_command(resuming.folder),
        source,
    })?;
    record.directory =
        std::env::current_dir().map_err(|error| Refusal::System("tell the working directory", error))?;
    Ok(())
}

/// The run folder of a variant with its configuration.
fn variant_folder(sweep: &RunFolder, number: usize, variant: &Variant) -> Result<RunFolder, Refusal> {
    let path = sweep.path().join(number.to_string());
    let folder = RunFolder::create(&path.to_string_lossy())?;
    folder.write_config(&variant.config)?;
    folder.write_overrides(&variant.overrides)?;
    if let Some(secrets) = &variant.secrets {
        folder.write_secrets(secrets)?;
    }
    Ok(folder)
}

/// All variants, and their plans as one.
struct Planned {
    variants: Vec<Variant>,
    merged: Merged,
    /// The variants' different layouts, and which one each has.
    layouts: Vec<Layout>,
    layout_of: Vec<usize>,
    secrets: Secrets,
    drawn_seed: Option<u64>,
    /// `hydra.run.dir` of the first variant.
    run_dir: String,
    list_all: bool,
}

impl Planned {
    /// Loads and plans each variant; all mistakes in one report.
    fn of(base: &Base, registry: &Registry) -> Result<Self, Refusal> {
        let settings = combine(base)?;
        let seed = draw_seed();
        let mut gathered = Gathered::default();
        let mut making = Making::default();
        for (number, settings) in settings.iter().enumerate() {
            let mut loaded = match base.load(settings) {
                Ok(loaded) => loaded,
                Err(errors) => {
                    gathered.add(number, errors);
                    continue;
                }
            };
            if loaded.config.general.global_seed.is_none() {
                loaded.set_seed(seed);
                making.drawn_seed = Some(seed);
            }
            match plan_of(&loaded, registry) {
                Ok(plan) => {
                    let layout = layout(&loaded.config).map_err(|refusal| refusal.hidden(&loaded))?;
                    let variant = Variant::of(&loaded, settings, &plan.operation_mode, layout.clone());
                    making.add(&loaded, variant, plan, layout);
                }
                Err(Refusal::Config(errors)) => gathered.add(number, errors),
                Err(refusal) => return Err(refusal.hidden(&loaded)),
            }
        }
        if !gathered.is_empty() {
            let describe = |number: usize| {
                let texts: Vec<String> = settings[number].iter().map(config::Setting::text).collect();
                format!("{number} ({})", texts.join(" "))
            };
            return Err(gathered.report(settings.len(), describe).into());
        }
        making.planned()
    }

    /// The same of variants that a sweep keeps in its folder.
    fn kept(
        folder: &RunFolder,
        record: &SweepRecord,
        left: &[Left],
        registry: &Registry,
    ) -> Result<Self, Refusal> {
        let mut gathered = Gathered::default();
        let mut making = Making::default();
        for Left { position, folder: own, .. } in left {
            let known: &VariantRecord = &record.variants[*position];
            let path = |name| own.path().join(name);
            let (config, secrets) = (path(RunFolder::CONFIG), path(RunFolder::SECRETS));
            if !config.exists() {
                let (path, file) = (folder.path().join(&known.folder), record.file.clone());
                return Err(RecordError::NoConfiguration { path, file }.into());
            }
            let kept = Kept { config, secrets: Some(secrets).filter(|secrets| secrets.exists()) };
            let loaded = match config::load_kept(&kept) {
                Ok(loaded) => loaded,
                Err(errors) => {
                    gathered.add(*position, errors);
                    continue;
                }
            };
            match plan_of(&loaded, registry) {
                Ok(plan) => {
                    let layout = layout(&loaded.config).map_err(|refusal| refusal.hidden(&loaded))?;
                    let variant = Variant::kept(&loaded, known, &plan.operation_mode, layout.clone());
                    making.add(&loaded, variant, plan, layout);
                }
                Err(Refusal::Config(errors)) => gathered.add(*position, errors),
                Err(refusal) => return Err(refusal.hidden(&loaded)),
            }
        }
        if !gathered.is_empty() {
            let describe = |number: usize| record.variants[number].folder.clone();
            return Err(gathered.report(left.len(), describe).into());
        }
        making.planned()
    }

    fn preflight(
        &self,
        known: &Known,
        registry: &Registry,
        options: &Options,
        folder: &Path,
    ) -> Result<Vec<Located>, Refusal> {
        let found = schedule::preflight(&Preflighting {
            plan: &self.merged.plan,
            registry,
            sources: &known.sources,
            states: &known.states,
            store: &known.store,
            run_folder: folder,
            capacity: options.capacity(),
            list_all: self.list_all,
        })?;
        if stops(&found) { Err(Refusal::Findings(found)) } else { Ok(found) }
    }

    /// What each variant keeps so that it can be explained later.
    fn keep(&self, known: &Known, folders: &[RunFolder]) -> Result<(), Refusal> {
        for (members, folder) in self.merged.members.iter().zip(folders) {
            keep_member(&self.merged.plan, members, known, folder)?;
        }
        keep_listings(&self.merged.plan, known)
    }

    /// What would run.
    fn text(&self, known: &Known) -> String {
        let count =
            |wanted: fn(&Status) -> bool| known.states.values().filter(|state| wanted(&state.status)).count();
        let (hits, runs) =
            (count(|status| matches!(status, Status::Hit(_))), count(|status| matches!(status, Status::Run)));
        let alone: usize = self.merged.members.iter().map(Vec::len).sum();
        let nodes = known.states.len();
        let shared = if nodes < alone { format!(" ({alone} one by one)") } else { String::new() };
        let values: Vec<_> = self.variants.iter().map(|variant| variant.values.clone()).collect();
        let short = short_keys(&values);
        let mut header = vec!["variant".to_owned()];
        header.extend(short.values().cloned());
        header.push("stages".to_owned());
        let rows: Vec<Vec<String>> = self
            .variants
            .iter()
            .zip(&self.merged.members)
            .enumerate()
            .map(|(number, (variant, members))| {
                let mut row = vec![number.to_string()];
                row.extend(
                    short
                        .keys()
                        .map(|key| variant.values.get(key).map(crate::sweep::shown).unwrap_or_default()),
                );
                let stages = members.iter().map(|member| {
                    let state = known.states.get(&member.node).map(|state| &state.status);
                    let word = if matches!(state, Some(Status::Hit(_))) { "stored" } else { "run" };
                    format!("{} {word}", member.name)
                });
                row.push(stages.collect::<Vec<_>>().join(", "));
                row
            })
            .collect();
        let right: Vec<usize> = (0..header.len() - 1).collect();
        format!(
            "{}: {} variants, {nodes} stages{shared}, {hits} stored, {runs} to run, {} depending on others\n\n{}",
            self.merged.plan.operation_mode,
            self.variants.len(),
            nodes - hits - runs,
            report::columns(&header, &rows, &right)
        )
    }
}

/// Variants that are being planned.
#[derive(Default)]
struct Making {
    variants: Vec<Variant>,
    plans: Vec<(Plan, usize)>,
    layouts: Vec<Layout>,
    secrets: Secrets,
    drawn_seed: Option<u64>,
    run_dir: Option<String>,
    list_all: bool,
}

impl Making {
    fn add(&mut self, loaded: &Loaded, variant: Variant, plan: Plan, layout: Layout) {
        let known = self.layouts.iter().position(|other| *other == layout);
        let place = known.unwrap_or_else(|| {
            self.layouts.push(layout);
            self.layouts.len() - 1
        });
        self.secrets.add(loaded.secrets());
        self.run_dir.get_or_insert_with(|| loaded.config.hydra.run.dir.clone());
        self.list_all |= loaded.config.dataset.as_ref().is_some_and(|dataset| dataset.check_image_files);
        self.variants.push(variant);
        self.plans.push((plan, place));
    }

    fn planned(self) -> Result<Planned, Refusal> {
        let layout_of = self.plans.iter().map(|(_, place)| *place).collect();
        let mut modes: Vec<&str> = self.plans.iter().map(|(plan, _)| plan.operation_mode.as_str()).collect();
        modes.dedup();
        let mode = modes.join(", ");
        let mut merged = Merged::of(self.plans, &mode)?;
        let values: Vec<_> = self.variants.iter().map(|variant| variant.values.clone()).collect();
        display_names(&mut merged, &values);
        Ok(Planned {
            variants: self.variants,
            merged,
            layouts: self.layouts,
            layout_of,
            secrets: self.secrets,
            drawn_seed: self.drawn_seed,
            run_dir: self.run_dir.unwrap_or_default(),
            list_all: self.list_all,
        })
    }
}

/// A sweep that is ready.
struct Launch<'a> {
    started: Instant,
    planned: &'a Planned,
    known: &'a Known,
    registry: &'a Registry,
    options: &'a Options,
    cancellation: &'a Cancellation,
    found: &'a [Located],
}

impl Launch<'_> {
    /// Runs it to its end.
    fn run(
        &self,
        folder: &RunFolder,
        shown: &Path,
        record: SweepRecord,
        folders: &[RunFolder],
        followed: Vec<Followed<'_>>,
        after: Option<(Standing, u64)>,
    ) -> Result<Exit, Refusal> {
        let Self { planned, known, registry, options, cancellation, .. } = self;
        let plan = &planned.merged.plan;
        let values: Vec<_> = record.variants.iter().map(|variant| variant.values.clone()).collect();
        let ending = match options.format {
            Format::Text => report::Ending::Output,
            Format::Json => report::Ending::Error,
        };
        let lines = Lines::open(folder.path(), options.format == Format::Json)
            .map_err(|error| Refusal::System("write the events of the sweep", error))?;
        let screen = Screen::new(
            shown.to_owned(),
            options.quiet,
            ending,
            record.variants.len(),
            plan.stages().count(),
            short_keys(&values),
            record.count(Outcome::Done),
        );
        let name = |member: &crate::plan::Member| plan.name(member.node).to_owned();
        let follow = Follow::new(folder, record, followed, name, screen, lines);
        let mut places = Places::default();
        for (number, members) in planned.merged.members.iter().enumerate() {
            let Some((folder, layout)) =
                folders.get(number).zip(planned.layouts.get(planned.layout_of[number]))
            else {
                continue;
            };
            for member in members {
                places
                    .add(member.node, Place { folder, layout, node: &member.name, several: member.several });
            }
        }
        let secrets = &planned.secrets;
        let next = after.map_or(0, |(_, next)| next);
        let stream = EventStream::new().starting_at(next).hiding(|text| secrets.hide(text));
        let mut stream = stream.with(follow);
        self.announce(folder, after.map(|(after, _)| after), &mut stream);
        let ending = schedule::run(
            &Run {
                plan,
                registry,
                sources: &known.sources,
                recipes: &known.states.iter().map(|(index, state)| (*index, state.recipe)).collect(),
                store: &known.store,
                places: &places,
                capacity: options.capacity(),
                cancellation,
                fail_fast: options.fail_fast,
            },
            &mut stream,
        );
        let seconds = self.started.elapsed().as_secs_f64();
        let outcome = ending.outcome.as_str().to_owned();
        stream.emit(None, false, EventKind::RunFinished { outcome, seconds });
        Ok(Exit::of(&ending))
    }

    /// The first events.
    fn announce(&self, folder: &RunFolder, after: Option<Standing>, stream: &mut EventStream<'_>) {
        let Self { planned, found, .. } = self;
        let plan = &planned.merged.plan;
        let (format, run, operation_mode) =
            (EVENTS_FORMAT, folder.id().to_owned(), plan.operation_mode.clone());
        let first = match after {
            None => EventKind::RunStarted { format, run, operation_mode },
            Some(after) => {
                EventKind::RunResumed { format, run, operation_mode, after: after.as_str().to_owned() }
            }
        };
        stream.emit(None, false, first);
        let mut told: Vec<&String> = Vec::new();
        for note in planned.variants.iter().flat_map(|variant| &variant.notes) {
            if !told.contains(&note) {
                told.push(note);
                stream.emit(None, false, EventKind::Note { message: note.clone() });
            }
        }
        if let Some(seed) = planned.drawn_seed {
            let message =
                format!("general.global_seed is None; {seed} was drawn for all variants of this sweep");
            stream.emit(None, false, EventKind::Note { message });
        }
        for located in *found {
            let stage = located.stage.as_deref().map(|stage| (stage, 0));
            stream.emit(stage, false, finding_event(&located.finding));
        }
    }
}
