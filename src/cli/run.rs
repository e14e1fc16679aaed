//! `pipeline run`: do what a configuration says.

use super::{
    Exit, Refusal,
    format::Format,
    prepare::{Configuration, Known, Prepared, know, prepare},
};
use crate::{
    record::{EVENTS_FORMAT, Outcome, RunFolder, RunRecord},
    report::{self, Journal, JsonLines, Terminal},
    schedule::{
        self, Cancellation, Capacity, Ending, EventStream, Located, Places, Preflighting, Run, cores, stops,
    },
};
use contract::{EventKind, Registry, Severity};
use std::{path::Path, time::Instant};

/// Run a configuration: what is stored is taken from the store, the rest is done
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct RunArgs {
    #[command(flatten)]
    configuration: Configuration,
    /// Stages that may work at a time, each with its share of the threads [default: as many as the cores they take
    /// allow: train, quantize and evaluate take all, a command one]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    jobs: Option<u16>,
    /// Worker threads in all [default: the cores of this machine]. Results do not depend on it
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    threads: Option<u16>,
    /// Show warnings, errors and where the results are, nothing else
    #[arg(long, short)]
    quiet: bool,
    /// For people, or the lines of events.jsonl as they happen, and nothing else, on standard output
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

const EXAMPLES: &str = "\
Examples:
  pipeline run chain_tqe.yaml
  pipeline run chain_tqe.yaml training.epochs=60 +training.dropout=0.2 ~dataset.test_path
  pipeline run --config-path ./configs --config-name chain_tqe operation_mode=chain_eqe
  pipeline run chain_tqe.yaml --format json | jq -c 'select(.event == \"metric\")'

Ctrl-C asks the stages to stop, and nothing that is finished is lost: the same command goes on.
Exit codes: see `pipeline --help`.";

pub(crate) fn run(args: &RunArgs, registry: &Registry) -> Result<Exit, Refusal> {
    let started = Instant::now();
    let cancellation = match Cancellation::from_signals(Exit::Cancelled.code()) {
        Ok(cancellation) => cancellation,
        Err(error) => return Err(Refusal::System("listen to signals", error)),
    };
    let prepared = prepare(&args.configuration, registry)?;
    let threads = args.threads.map_or_else(cores, usize::from);
    let capacity = Capacity::new(threads, args.jobs.map(usize::from));
    let known = know(&args.configuration, &prepared.plan).map_err(|refusal| prepared.hide(refusal))?;
    let found = preflight(&prepared, &known, registry, capacity).map_err(|refusal| prepared.hide(refusal))?;

    // From here on there is something to lose.
    cancellation.guard();
    let folder = start_folder(&prepared)?;
    let recipes = known.states.iter().map(|(index, state)| (*index, state.recipe)).collect();
    let record = RunRecord::start(folder.id(), &prepared.plan.operation_mode, &prepared.file);
    let secrets = prepared.loaded.secrets();
    let mut stream = listeners(args, folder.path())
        .hiding(|text| secrets.hide(text))
        .with(Journal::start(folder.clone(), record)?);
    announce(&prepared, &folder, &found, &mut stream);
    let ending = schedule::run(
        &Run {
            plan: &prepared.plan,
            registry,
            sources: &known.sources,
            recipes: &recipes,
            store: &known.store,
            places: &Places::single(&prepared.plan, &folder, &prepared.layout),
            capacity,
            cancellation: &cancellation,
        },
        &mut stream,
    )
    .unwrap_or_else(|error| without_guard(&error, &mut stream));
    conclude(&ending, prepared.drawn_seed, started, &mut stream);
    Ok(Exit::of(&ending))
}

/// Who looks at the run while it happens.
fn listeners<'a>(args: &RunArgs, results: &Path) -> EventStream<'a> {
    let terminal = |ending| Terminal::new(results.to_owned(), args.quiet, ending);
    match args.format {
        Format::Text => EventStream::new().with(terminal(report::Ending::Output)),
        Format::Json => EventStream::new().with(JsonLines::default()).with(terminal(report::Ending::Error)),
    }
}

/// Checks everything that can be known now; errors end the command before it has made anything.
fn preflight(
    prepared: &Prepared,
    known: &Known,
    registry: &Registry,
    capacity: Capacity,
) -> Result<Vec<Located>, Refusal> {
    let found = schedule::preflight(&Preflighting {
        plan: &prepared.plan,
        registry,
        sources: &known.sources,
        states: &known.states,
        store: &known.store,
        run_folder: Path::new(&prepared.loaded.config.hydra.run.dir),
        capacity,
        list_all: prepared.loaded.config.dataset.as_ref().is_some_and(|dataset| dataset.check_image_files),
    })?;
    if stops(&found) { Err(Refusal::Findings(found)) } else { Ok(found) }
}

fn start_folder(prepared: &Prepared) -> Result<RunFolder, Refusal> {
    let folder = RunFolder::create(&prepared.loaded.config.hydra.run.dir)?;
    folder.write_config(&prepared.loaded.resolved_yaml())?;
    folder.write_overrides(prepared.loaded.overrides())?;
    if let Some(secrets) = prepared.loaded.secrets_to_keep() {
        folder.write_secrets(&secrets)?;
    }
    Ok(folder)
}

/// The first events: the run, its stages, and what is worth knowing before they start.
fn announce(prepared: &Prepared, folder: &RunFolder, found: &[Located], stream: &mut EventStream<'_>) {
    let plan = &prepared.plan;
    stream.emit(
        None,
        false,
        EventKind::RunStarted {
            format: EVENTS_FORMAT,
            run: folder.id().to_owned(),
            operation_mode: plan.operation_mode.clone(),
        },
    );
    for (index, stage) in plan.stages() {
        let after = plan.upstream(index).into_iter().map(|up| plan.name(up).to_owned()).collect();
        stream.emit(Some((&stage.name, 0)), false, EventKind::StagePlanned { after });
    }
    for note in &prepared.loaded.notes {
        stream.emit(None, false, EventKind::Note { message: note.clone() });
    }
    if let Some(seed) = prepared.drawn_seed {
        let message = format!("general.global_seed is None; {seed} was drawn for this run");
        stream.emit(None, false, EventKind::Note { message });
    }
    for Located { stage, finding } in found {
        let help = finding.help.as_ref().map(|help| format!(" ({help})")).unwrap_or_default();
        let message = format!("{}{help}", finding.message);
        let kind = match finding.severity {
            Severity::Note => EventKind::Note { message },
            Severity::Warning | Severity::Error => EventKind::warning(message),
        };
        stream.emit(stage.as_deref().map(|stage| (stage, 0)), false, kind);
    }
}

/// The last events.
fn conclude(ending: &Ending, drawn_seed: Option<u64>, started: Instant, stream: &mut EventStream<'_>) {
    if !ending.skipped.is_empty() {
        let message = format!("not run: {}", ending.skipped.join(", "));
        stream.emit(None, false, EventKind::transient_warning(message));
    }
    let again = match drawn_seed {
        None => "the same command again".to_owned(),
        Some(seed) => format!("the same command with general.global_seed={seed}, which this run drew,"),
    };
    let message = match ending.outcome {
        Outcome::Cancelled => {
            Some(format!("stopped. Nothing that is finished is lost: {again} goes on from here"))
        }
        // Without a seed to name, the failures' own help says it.
        Outcome::Failed if drawn_seed.is_some() => {
            Some(format!("nothing that is finished is lost: {again} goes on from here"))
        }
        _ => None,
    };
    if let Some(message) = message {
        stream.emit(None, false, EventKind::transient_warning(message));
    }
    let kind = EventKind::RunFinished {
        outcome: ending.outcome.as_str().to_owned(),
        seconds: started.elapsed().as_secs_f64(),
    };
    stream.emit(None, false, kind);
}

fn without_guard(error: &std::io::Error, stream: &mut EventStream<'_>) -> Ending {
    let message = format!("the guard process cannot be started, so no stage can be run safely: {error}");
    stream.emit(None, false, EventKind::transient_warning(message));
    Ending { outcome: Outcome::Failed, failures: Vec::new(), skipped: Vec::new() }
}
