//! `pipeline resume`: go on with a run in its own folder, with its own configuration.

use super::{
    Exit, Refusal,
    format::{Format, print},
    keep::keep,
    launch::{Beginning, Launch, Options, cancellation, preflight},
    prepare::{Outside, Prepared, prepare_kept},
    runs::{DEFAULT, folder},
    sweep,
};
use crate::{
    config::Kept,
    plan::remember_in,
    record::{self, FoundRun, Lease, RecordError, RunFolder, RunRecord, Standing},
    report::{Journal, local},
    store::Engine,
};
use clap::ValueHint;
use contract::Registry;
use std::{
    io::{self, Write},
    path::{Path, PathBuf},
    time::Instant,
};

/// Go on with a run or sweep that was killed, cancelled, or failed: in its folder, with its configuration
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct ResumeArgs {
    /// The run or sweep: path of its folder, its name, or the beginning of its name [default: the newest that is not done]
    #[arg(value_hint = ValueHint::DirPath)]
    run: Option<String>,
    /// Folder of runs, or a configuration file whose runs are meant
    #[arg(long, value_name = "DIR|FILE", default_value = DEFAULT, value_hint = ValueHint::AnyPath)]
    dir: PathBuf,
    /// Where the working directory of the run is now, by which relative paths of its configuration go [default: where it
    /// was]
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    directory: Option<PathBuf>,
    /// Folder of stored results [default: the one that the run used]
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    cache_dir: Option<PathBuf>,
    #[command(flatten)]
    options: Options,
}

const EXAMPLES: &str = "\
Examples:
  pipeline resume                              the newest run that is not done
  pipeline resume 2026_11_22_16                the one whose name begins like this
  pipeline resume experiments_outputs/2026_11_22_16_52_55 --fail-fast

The configuration is the one that the run's folder keeps (.hydra), whatever became of the file.
Finished stages are taken from the store, and training goes on from its last checkpoint.
Exit codes: see `pipeline --help`.";

pub(crate) fn resume(args: &ResumeArgs, registry: &Registry) -> Result<Exit, Refusal> {
    if let Some(sweep) = sweep::meant(args.run.as_deref(), &folder(&args.dir)?)? {
        let (directory, cache_dir) = (args.directory.as_deref(), args.cache_dir.as_deref());
        let resuming = sweep::Resuming { folder: &sweep, directory, cache_dir, options: &args.options };
        return sweep::resume(&resuming, registry);
    }
    let started = Instant::now();
    let cancellation = cancellation()?;
    let ResumeArgs { options, .. } = args;
    let Some(mut held) = Held::find(args)? else { return Ok(Exit::Done) };
    let store = held.store(args.cache_dir.as_deref())?;
    held.enter(args.directory.as_deref())?;
    remember_in(store.clone());
    let mut prepared = held.prepare(registry)?;
    let outside = Outside::read_in(store, &mut prepared.plan);
    let hide = |refusal| prepared.hide(refusal);
    let known = outside.and_then(|outside| outside.known(&prepared.plan)).map_err(hide)?;
    let found = preflight(&prepared, &known, registry, options, held.folder.path()).map_err(hide)?;

    // From here on there is something to lose.
    cancellation.guard();
    let Held { folder, shown, lease, record, standing: after, .. } = held;
    let next = folder.mend()?;
    keep(&prepared.plan, &known, &folder)?;
    let record = record.resumed().in_store(&known.store);
    let journal = Journal::resume(folder.clone(), record, lease)?;
    let launch = Launch {
        started,
        prepared: &prepared,
        known: &known,
        registry,
        options,
        cancellation: &cancellation,
        found: &found,
    };
    Ok(launch.run(&folder, &shown, journal, Beginning::Resumed { next, after }))
}

/// A run that nobody else can go on with meanwhile.
struct Held {
    folder: RunFolder,
    /// Its folder as the user sees it, who may be elsewhere than the run was.
    shown: PathBuf,
    lease: Lease,
    record: RunRecord,
    /// How it stood.
    standing: Standing,
    /// What the user should know.
    notes: Vec<String>,
}

impl Held {
    /// Finds the run that is meant and holds it; none where it is done, which is said.
    fn find(args: &ResumeArgs) -> Result<Option<Self>, Refusal> {
        let place = folder(&args.dir)?;
        let found = match &args.run {
            Some(wanted) => record::find(Some(wanted), &place)?,
            None => record::find_unfinished(&place)?,
        };
        let done =
            |found: &FoundRun| say_done("run", &found.id, &found.path, args.options.format).map(|_| None);
        match found.standing {
            Standing::Done => return done(&found),
            Standing::Running => return Err(running(&found).into()),
            Standing::Unknown => return Err(unknown(&found).into()),
            Standing::Failed | Standing::Cancelled | Standing::Killed => {}
        }
        let folder = RunFolder::open(&found.path)?;
        let Some(lease) = folder.try_lease()? else { return Err(running(&found).into()) };
        // As it is now that nobody else changes it.
        let Some(now) = record::run(folder.path()) else { return Err(unknown(&found).into()) };
        let standing = match now.standing {
            Standing::Done => return done(&found),
            // It is this process that holds it.
            Standing::Running => Standing::Killed,
            standing => standing,
        };
        let Ok(mut record) = now.record else { return Err(unknown(&now).into()) };
        // Who comes now is told by whom it is held.
        record.engine = Some(Engine::this());
        folder.save(&record)?;
        Ok(Some(Self { folder, shown: found.path, lease, record, standing, notes: Vec::new() }))
    }

    /// The store: the one that is named, else the one that the run used.
    fn store(&mut self, named: Option<&Path>) -> Result<Option<PathBuf>, Refusal> {
        let (store, note) = store_of(named, self.record.store.as_ref().map(PathBuf::from), "run")?;
        self.notes.extend(note);
        Ok(store)
    }

    /// Goes to the working directory of the run.
    fn enter(&mut self, named: Option<&Path>) -> Result<(), Refusal> {
        let Some(directory) =
            named.map(Path::to_owned).or_else(|| self.record.directory.as_ref().map(PathBuf::from))
        else {
            self.notes.push(
                "run.json does not say in which directory this run was started; this one is taken".to_owned(),
            );
            return Ok(());
        };
        self.record.directory = Some(go_to(directory, &self.shown)?.to_string_lossy().into_owned());
        Ok(())
    }

    /// The configuration that the run's folder keeps, as a plan.
    fn prepare(&self, registry: &Registry) -> Result<Prepared, Refusal> {
        let path = |name| self.folder.path().join(name);
        let (config, secrets) = (path(RunFolder::CONFIG), path(RunFolder::SECRETS));
        if !config.exists() {
            let (path, file) = (self.shown.clone(), self.record.file.clone());
            return Err(RecordError::NoConfiguration { path, file }.into());
        }
        let kept = Kept { config, secrets: Some(secrets).filter(|secrets| secrets.exists()) };
        let mut prepared = prepare_kept(&kept, &self.record.file, registry)?;
        prepared.loaded.notes.extend(self.notes.iter().cloned());
        Ok(prepared)
    }
}

/// The store: the one that is named, else the one that a run or sweep used; and a note where that is gone.
pub(crate) fn store_of(
    named: Option<&Path>,
    used: Option<PathBuf>,
    what: &str,
) -> Result<(Option<PathBuf>, Option<String>), Refusal> {
    if let Some(named) = named {
        let absolute =
            std::path::absolute(named).map_err(|error| Refusal::System("find the store", error))?;
        return Ok((Some(absolute), None));
    }
    let gone = used.as_ref().filter(|used| !used.is_dir());
    let note = gone.map(|used| {
        let used = used.display();
        format!("the store that this {what} used, `{used}`, is gone; what it held is made again")
    });
    Ok((used.filter(|_| note.is_none()), note))
}

/// Goes to the working directory of a run or sweep, which people see as `shown`, and says where that is.
pub(crate) fn go_to(directory: PathBuf, shown: &Path) -> Result<PathBuf, Refusal> {
    std::env::set_current_dir(&directory).map_err(|source| RecordError::NoDirectory {
        directory,
        run: shown.display().to_string(),
        resume: record::resume_command(shown),
        source,
    })?;
    std::env::current_dir().map_err(|error| Refusal::System("tell the working directory", error))
}

/// Says that a run or sweep is done.
pub(crate) fn say_done(what: &str, id: &str, shown: &Path, format: Format) -> Result<Exit, Refusal> {
    let text = format!("{what} {id} is done, nothing is left to do; results are in {}\n", shown.display());
    match format {
        Format::Text => print(&text),
        // Standard output belongs to events, of which there are none.
        Format::Json => {
            io::stderr().lock().write_all(text.as_bytes()).ok();
            Ok(Exit::Done)
        }
    }
}

fn running(found: &FoundRun) -> RecordError {
    let record = found.record.as_ref().ok();
    let engine = record.and_then(|record| record.engine.as_ref());
    let since = record.map(|record| record.resumed.last().unwrap_or(&record.started));
    RecordError::Running {
        path: found.path.clone(),
        engine: engine.map_or_else(|| "another process".to_owned(), ToString::to_string),
        since: since.and_then(|at| at.parse().ok()).map_or_else(|| "its start".to_owned(), local),
    }
}

fn unknown(found: &FoundRun) -> RecordError {
    let what = match &found.record {
        Err(problem) => problem.clone(),
        Ok(_) => "whether its engine is alive cannot be told: the file system has no locks, or the file is another user's".to_owned(),
    };
    RecordError::NotReadable { path: found.path.clone(), what }
}
