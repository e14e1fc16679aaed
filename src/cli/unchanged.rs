//! A run of which nothing is to be done: the newest finished run of the same configuration still has everything.

use super::{Exit, Refusal, format::Format, format::print, prepare::Prepared};
use crate::{
    plan::PerNode,
    record::{self, Outcome, RunFolder},
    report::{JsonLines, unchanged},
    schedule::Subscriber,
    store::{Completion, Digest, Store, StoreError},
};
use contract::{Event, EventKind};
use std::path::Path;

/// What the files of a run depend on: the configuration as it was written and the changes to it, the environment variables
/// that these name, the working directory, by which paths go, and the recipe of each stage.
pub(crate) fn key(prepared: &Prepared, recipes: &PerNode<Digest>) -> Result<Digest, Refusal> {
    let directory =
        std::env::current_dir().map_err(|error| Refusal::System("tell the working directory", error))?;
    let Prepared { loaded, plan, .. } = prepared;
    let stages: Vec<_> = recipes.iter().map(|(index, recipe)| (plan.name(index), recipe)).collect();
    let program = env!("CARGO_PKG_VERSION");
    let written = (loaded.text(), loaded.overrides(), loaded.environment());
    let directory = directory.as_os_str().as_encoded_bytes();
    Ok(Digest::of_value(&("run", program, written, directory, stages))?)
}

/// Remembers what a run that is done left. That it cannot be remembered costs a look at everything next time.
pub(crate) fn remember(store: &Store, key: &Digest, folder: &RunFolder) {
    let Some(Ok(run)) = record::run(folder.path()).map(|found| found.record) else { return };
    if run.outcome != Outcome::Done {
        return;
    }
    let fingerprints = run.stages.iter().filter_map(|stage| stage.fingerprint);
    let files = run.stages.iter().flat_map(|stage| &stage.files);
    let files = files.map(|file| (file.path.clone(), file.digest, file.bytes));
    let completion = Completion::of(folder.path(), fingerprints, files).map_err(|error| StoreError::Io {
        action: "look at the files of",
        path: folder.path().to_owned(),
        source: error,
    });
    if let Err(error) = completion.and_then(|completion| store.save_completion(key, &completion)) {
        tracing::debug!(%error, "a finished run is not remembered");
    }
}

/// Says that there is nothing to do, and tells what the finished run measured.
pub(crate) fn tell(completion: &Completion, format: Format, quiet: bool) -> Result<Exit, Refusal> {
    let folder = completion.folder();
    let shown = std::env::current_dir().ok().and_then(|here| folder.strip_prefix(here).ok());
    let shown = shown.unwrap_or(folder);
    match format {
        Format::Text => {
            let events = if quiet || !record::has_metrics(folder)? {
                Vec::new()
            } else {
                record::history(folder)?.events
            };
            print(&unchanged(completion.results(), &shown.display().to_string(), &events))
        }
        Format::Json => {
            retell(folder)?;
            Ok(Exit::Done)
        }
    }
}

/// The events of a finished run as those of one that finds everything stored.
fn retell(folder: &Path) -> Result<(), Refusal> {
    let mut lines = JsonLines::default();
    let events = record::history(folder)?.events.into_iter().filter_map(as_stored);
    for (seq, event) in (0..).zip(events) {
        lines.event(&Event { seq, at: jiff::Timestamp::now().to_string(), ..event });
    }
    Ok(())
}

/// An event as a run tells it that finds its results stored; none of what such a run does not tell.
fn as_stored(event: Event) -> Option<Event> {
    let kind = match event.kind {
        EventKind::StageStarted { fingerprint } => EventKind::CacheHit { fingerprint },
        EventKind::RunFinished { outcome, .. } => EventKind::RunFinished { outcome, seconds: 0.0 },
        kind @ (EventKind::RunStarted { .. }
        | EventKind::StagePlanned { .. }
        | EventKind::CacheHit { .. }
        | EventKind::ArtifactPublished { .. }
        | EventKind::StageFinished { .. }) => kind,
        kind if event.stage.is_some() && kind.survives_a_hit() => kind,
        _ => return None,
    };
    let of_a_result = event.stage.is_some() && !matches!(kind, EventKind::StagePlanned { .. });
    Some(Event { kind, attempt: 0, cached: of_a_result, ..event })
}
