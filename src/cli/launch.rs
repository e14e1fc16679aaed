//! A run from its open folder to its conclusion: what `run` and `resume` have in common.

use super::{
    Exit, Refusal,
    format::Format,
    prepare::{Known, Prepared},
};
use crate::{
    plan::Plan,
    record::{EVENTS_FORMAT, RunFolder, Standing, resume_command},
    report::{self, Journal, JsonLines, Terminal},
    schedule::{
        self, Cancellation, Capacity, Ending, EventStream, Located, Places, Preflighting, Run, cores, stops,
    },
};
use contract::{Config, EventKind, Finding, Registry, Severity};
use std::{path::Path, time::Instant};

/// How stages are run and who is told; nothing of it changes a result.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Stages that may work at a time, each with its share of the threads [default: as many as the cores they take
    /// allow: train, quantize and evaluate take all, a command one]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    jobs: Option<u16>,
    /// Worker threads in all [default: the cores of this machine]. Results do not depend on it
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    threads: Option<u16>,
    /// Stop the other stages when one fails, instead of letting those finish that do not depend on it
    #[arg(long)]
    pub(crate) fail_fast: bool,
    /// Show warnings, errors and where the results are, nothing else
    #[arg(long, short)]
    pub(crate) quiet: bool,
    /// For people, or the lines of events.jsonl as they happen, and nothing else, on standard output
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub(crate) format: Format,
}

impl Options {
    /// What stages may hold of the machine.
    pub(crate) fn capacity(&self) -> Capacity {
        Capacity::new(self.threads.map_or_else(cores, usize::from), self.jobs.map(usize::from))
    }

    /// The people and programs who look at the run while it happens.
    fn listeners<'a>(&self, results: &Path, go_on: &str) -> EventStream<'a> {
        let terminal = |ending| Terminal::new(results.to_owned(), go_on.to_owned(), self.quiet, ending);
        match self.format {
            Format::Text => EventStream::new().with(terminal(report::Ending::Output)),
            Format::Json => {
                EventStream::new().with(JsonLines::default()).with(terminal(report::Ending::Error))
            }
        }
    }
}

/// Listens to the signals that end a run.
pub(crate) fn cancellation() -> Result<Cancellation, Refusal> {
    Cancellation::from_signals(Exit::Cancelled.code())
        .map_err(|error| Refusal::System("listen to signals", error))
}

/// What is to be checked before anything is made.
pub(crate) struct Checking<'a> {
    pub(crate) plan: &'a Plan,
    pub(crate) known: &'a Known,
    pub(crate) registry: &'a Registry,
    pub(crate) options: &'a Options,
    pub(crate) run_folder: &'a Path,
    /// Whether errors of one sort are all listed.
    pub(crate) list_all: bool,
}

impl Checking<'_> {
    /// Checks everything that can be known now; errors end the command before it has made anything.
    pub(crate) fn preflight(&self) -> Result<Vec<Located>, Refusal> {
        let found = schedule::preflight(&Preflighting {
            plan: self.plan,
            registry: self.registry,
            sources: &self.known.sources,
            states: &self.known.states,
            store: &self.known.store,
            run_folder: self.run_folder,
            capacity: self.options.capacity(),
            list_all: self.list_all,
        })?;
        if stops(&found) { Err(Refusal::Findings(found)) } else { Ok(found) }
    }
}

/// Whether a configuration wants all images listed that cannot be read.
pub(crate) fn lists_all(config: &Config) -> bool {
    config.dataset.as_ref().is_some_and(|dataset| dataset.check_image_files)
}

/// Preflight of a single run.
pub(crate) fn preflight(
    prepared: &Prepared,
    known: &Known,
    registry: &Registry,
    options: &Options,
    run_folder: &Path,
) -> Result<Vec<Located>, Refusal> {
    let list_all = lists_all(&prepared.loaded.config);
    Checking { plan: &prepared.plan, known, registry, options, run_folder, list_all }.preflight()
}

/// A run that is ready: nothing can be wrong any more but what happens.
pub(crate) struct Launch<'a> {
    /// When the command began.
    pub(crate) started: Instant,
    pub(crate) prepared: &'a Prepared,
    pub(crate) known: &'a Known,
    pub(crate) registry: &'a Registry,
    pub(crate) options: &'a Options,
    pub(crate) cancellation: &'a Cancellation,
    /// What preflight found, which is told.
    pub(crate) found: &'a [Located],
}

/// Where a run begins.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Beginning {
    /// With its first event.
    New,
    /// With this one, after others.
    Resumed {
        /// Its number.
        next: u64,
        /// How the run stood before.
        after: Standing,
    },
}

impl Beginning {
    /// The number of the first event.
    pub(crate) fn next(self) -> u64 {
        match self {
            Self::New => 0,
            Self::Resumed { next, .. } => next,
        }
    }

    /// The first event.
    pub(crate) fn event(self, folder: &RunFolder, plan: &Plan) -> EventKind {
        let (format, run, operation_mode) =
            (EVENTS_FORMAT, folder.id().to_owned(), plan.operation_mode.clone());
        match self {
            Self::New => EventKind::RunStarted { format, run, operation_mode },
            Self::Resumed { after, .. } => {
                EventKind::RunResumed { format, run, operation_mode, after: after.as_str().to_owned() }
            }
        }
    }
}

impl Launch<'_> {
    /// Runs it to its end in `folder`, which people see as `shown` and whose files `journal` writes.
    pub(crate) fn run(
        &self,
        folder: &RunFolder,
        shown: &Path,
        journal: Journal,
        beginning: Beginning,
    ) -> Exit {
        let Self { prepared, known, registry, cancellation, .. } = self;
        let secrets = prepared.loaded.secrets();
        let mut stream = self
            .options
            .listeners(shown, &self.how_to_go_on(shown, beginning))
            .starting_at(beginning.next())
            .hiding(|text| secrets.hide(text))
            .with(journal);
        self.announce(folder, beginning, &mut stream);
        let ending = schedule::run(
            &Run {
                plan: &prepared.plan,
                registry,
                sources: &known.sources,
                recipes: &known.states.iter().map(|(index, state)| (index, state.recipe)).collect(),
                store: &known.store,
                places: &Places::single(&prepared.plan, folder, &prepared.layout),
                capacity: self.options.capacity(),
                cancellation,
                fail_fast: self.options.fail_fast,
            },
            &mut stream,
        );
        conclude(&ending, self.started, &mut stream);
        Exit::of(&ending)
    }

    /// What to do when the run does not get done.
    fn how_to_go_on(&self, shown: &Path, beginning: Beginning) -> String {
        let resume = resume_command(shown);
        match (beginning, self.prepared.drawn_seed) {
            (Beginning::Resumed { .. }, _) => resume,
            (Beginning::New, None) => format!("{resume} (or the same command again)"),
            (Beginning::New, Some(seed)) => {
                format!("{resume} (or the same command with general.global_seed={seed}, which this run drew)")
            }
        }
    }

    /// The first events: the run, its stages, and what is worth knowing before they start.
    fn announce(&self, folder: &RunFolder, beginning: Beginning, stream: &mut EventStream<'_>) {
        let Self { prepared, found, .. } = self;
        let plan = &prepared.plan;
        stream.emit(None, false, beginning.event(folder, plan));
        for (index, stage) in plan.stages() {
            let after = plan.upstream(index).into_iter().map(|up| plan.name(up).to_owned()).collect();
            stream.emit(Some((&stage.name, 0)), false, EventKind::StagePlanned { after });
        }
        for note in &prepared.loaded.notes {
            stream.emit(None, false, EventKind::note(note.clone()));
        }
        if let Some(seed) = prepared.drawn_seed {
            let message = format!("general.global_seed is None; {seed} was drawn for this run");
            stream.emit(None, false, EventKind::note(message));
        }
        tell_found(found, stream);
    }
}

/// Tells what preflight found.
pub(crate) fn tell_found(found: &[Located], stream: &mut EventStream<'_>) {
    for Located { stage, finding } in found {
        stream.emit(stage.as_deref().map(|stage| (stage, 0)), false, finding_event(finding));
    }
}

fn finding_event(finding: &Finding) -> EventKind {
    let help = finding.help.as_ref().map(|help| format!(" ({help})")).unwrap_or_default();
    let message = format!("{}{help}", finding.message);
    match finding.severity {
        Severity::Note => EventKind::note(message),
        Severity::Warning | Severity::Error => EventKind::warning(message),
    }
}

/// The last events.
fn conclude(ending: &Ending, started: Instant, stream: &mut EventStream<'_>) {
    if !ending.skipped.is_empty() {
        let message = format!("not run: {}", ending.skipped.join(", "));
        stream.emit(None, false, EventKind::transient_warning(message));
    }
    let kind = EventKind::RunFinished {
        outcome: ending.outcome.as_str().to_owned(),
        seconds: started.elapsed().as_secs_f64(),
    };
    stream.emit(None, false, kind);
}
