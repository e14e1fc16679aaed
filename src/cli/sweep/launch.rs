//! A sweep from its open folder to its conclusion.

use super::planned::Planned;
use crate::{
    cli::{
        Exit, Refusal,
        format::Format,
        launch::{Beginning, Options, tell_found},
        prepare::Known,
    },
    record::{Outcome, Place, RunFolder, SweepRecord},
    report,
    schedule::{self, Cancellation, EventStream, Located, Places, Run},
    sweep::{Follow, Followed, Lines, Screen, short_keys},
};
use contract::{EventKind, Registry};
use std::{path::Path, time::Instant};

/// A sweep that is ready.
pub(super) struct Launch<'a> {
    pub(super) started: Instant,
    pub(super) planned: &'a Planned,
    pub(super) known: &'a Known,
    pub(super) registry: &'a Registry,
    pub(super) options: &'a Options,
    pub(super) cancellation: &'a Cancellation,
    pub(super) found: &'a [Located],
}

impl Launch<'_> {
    /// Runs it to its end.
    pub(super) fn run(
        &self,
        folder: &RunFolder,
        shown: &Path,
        record: SweepRecord,
        folders: &[RunFolder],
        followed: Vec<Followed<'_>>,
        beginning: Beginning,
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
        let stream = EventStream::new().starting_at(beginning.next()).hiding(|text| secrets.hide(text));
        let mut stream = stream.with(follow);
        self.announce(folder, beginning, &mut stream);
        let ending = schedule::run(
            &Run {
                plan,
                registry,
                sources: &known.sources,
                recipes: &known.states.iter().map(|(index, state)| (index, state.recipe)).collect(),
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
    fn announce(&self, folder: &RunFolder, beginning: Beginning, stream: &mut EventStream<'_>) {
        let Self { planned, found, .. } = self;
        stream.emit(None, false, beginning.event(folder, &planned.merged.plan));
        let mut told: Vec<&String> = Vec::new();
        for note in planned.variants.iter().flat_map(|variant| &variant.notes) {
            if !told.contains(&note) {
                told.push(note);
                stream.emit(None, false, EventKind::note(note.clone()));
            }
        }
        if let Some(seed) = planned.drawn_seed {
            let message =
                format!("general.global_seed is None; {seed} was drawn for all variants of this sweep");
            stream.emit(None, false, EventKind::note(message));
        }
        tell_found(found, stream);
    }
}
