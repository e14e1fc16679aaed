//! Running a plan: one thread holds the board, a crew of others does the work.

use super::{
    Cancellation, Capacity, EventStream, Failure, Guard, Places,
    board::{Board, Phase, Start},
    crew::Crew,
    task::{Look, Stop, Task, Told},
};
use crate::{
    plan::{PerNode, Plan, keys::Sources},
    record::Outcome,
    report::cache::cleared_note,
    store::{Bound, Digest, Manifest, Store},
};
use contract::{EventKind, Registry};
use petgraph::graph::NodeIndex;
use std::{
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc,
        mpsc::{self, SyncSender},
    },
    time::{Duration, Instant},
};

/// How often the engine looks after its guard, and whether the user wants to stop.
const LOOK_AROUND: Duration = Duration::from_millis(200);

/// Messages that wait to be handled; stages that talk faster than their words are written down wait.
const BACKLOG: usize = 1024;

/// What all stages of a run share.
pub struct Run<'a> {
    /// What to do.
    pub plan: &'a Plan,
    /// The stages' implementations.
    pub registry: &'a Registry,
    /// Content of its sources.
    pub sources: &'a Sources,
    /// Recipe keys of its stages.
    pub recipes: &'a PerNode<Digest>,
    /// Where results are.
    pub store: &'a Store,
    /// Where results go for people.
    pub places: &'a Places<'a>,
    /// What its stages may hold of the machine.
    pub capacity: Capacity,
    /// Whether the user wants to stop.
    pub cancellation: &'a Cancellation,
    /// Whether a failure stops the other stages, as the user would.
    pub fail_fast: bool,
}

/// How a run ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ending {
    /// In one word.
    pub outcome: Outcome,
    /// The stages that ended without a result, and why.
    pub failures: Vec<(String, Failure)>,
    /// The stages that did not start: because of a failure, or since the user stopped the run.
    pub skipped: Vec<String>,
}

/// Runs the plan. A stage that fails stops those behind it; the others go on.
pub fn run(run: &Run<'_>, stream: &mut EventStream<'_>) -> Ending {
    hold(run, stream);
    let guard = Guard::default();
    let (sender, messages) = mpsc::sync_channel(BACKLOG);
    let perform = |start| perform(run, &guard, start, &sender);
    let crew = Crew::new();
    let mut board = Board::new(run);
    let mut looked_around = Instant::now();
    let mut told = false;
    std::thread::scope(|scope| {
        // Should this thread panic, then no other waits for ever to be heard.
        let messages = messages;
        let _dismissal = crew.dismissal();
        loop {
            board.tell_stopping(stream);
            for start in board.advance() {
                if let Err((start, error)) = crew.give(start, scope, &perform) {
                    board.hear(start.without_thread(&error), stream);
                }
            }
            if board.is_idle() {
                break;
            }
            // `perform` holds a sender, so without a message it is the time that is over.
            if let Ok(message) = messages.try_recv() {
                board.hear(message, stream);
            } else {
                stream.pause();
                if let Ok(message) = messages.recv_timeout(board.patience().min(LOOK_AROUND)) {
                    board.hear(message, stream);
                }
            }
            if looked_around.elapsed() >= LOOK_AROUND {
                looked_around = Instant::now();
                look_after(&guard, &mut told, stream);
                stream.tick();
            }
        }
    });
    board.tidy();
    keep_within_bound(run, stream);
    board.ending()
}

/// Keeps results that the run finds or makes from being cleared away under it.
fn hold(run: &Run<'_>, stream: &mut EventStream<'_>) {
    if let Err(error) = run.store.hold() {
        let message = format!("what this run uses is not safe from `pipeline cache gc`: {error}");
        stream.emit(None, false, EventKind::transient_warning(message));
    }
}

/// Clears the store if it has grown beyond its bound, until it is done or the user waits for the end.
fn keep_within_bound(run: &Run<'_>, stream: &mut EventStream<'_>) {
    if run.cancellation.asked() {
        return;
    }
    let stopped = || run.cancellation.asked();
    let kept =
        Bound::from_environment().and_then(|bound| Ok((bound, run.store.keep_within(bound, &stopped)?)));
    let kind = match kept {
        Ok((Bound::Bytes(most), Some(cleared))) => EventKind::note(cleared_note(&cleared, most)),
        Ok(_) => return,
        Err(error) => {
            EventKind::transient_warning(format!("the store is not kept within its bound: {error}"))
        }
    };
    stream.emit(None, false, kind);
}

/// What a task's thread sends.
pub(super) enum Message {
    /// Something happened in its stage.
    Told(NodeIndex, Told),
    /// What the store says of its stage.
    Looked(NodeIndex, Result<Look, Stop>),
    /// How its stage's work ended.
    Worked(NodeIndex, Result<Arc<Manifest>, Stop>),
}

fn perform(run: &Run<'_>, guard: &Guard, start: Start<'_>, sender: &SyncSender<Message>) {
    let Start { index, stage, results, attempt, phase } = start;
    // The receiver lives as long as a task runs.
    let tell = |told| drop(sender.send(Message::Told(index, told)));
    let task = Task { run, guard, index, stage, results, attempt, tell: &tell };
    // A thread that just vanished would leave the run waiting for ever.
    let bug = || Stop::Failed(Failure::bug(&stage.name));
    let message = match phase {
        Phase::Look => {
            let looked = catch_unwind(AssertUnwindSafe(|| task.look()));
            Message::Looked(index, looked.unwrap_or_else(|_| Err(bug())))
        }
        Phase::Work { cores } => {
            let worked = catch_unwind(AssertUnwindSafe(|| task.work(cores)));
            Message::Worked(index, worked.unwrap_or_else(|_| Err(bug())))
        }
    };
    sender.send(message).ok();
}

impl Start<'_> {
    /// How it ends when there is no thread for it.
    fn without_thread(&self, error: &io::Error) -> Message {
        let stop = Stop::Failed(Failure::no_thread(&self.stage.name, error));
        match self.phase {
            Phase::Look => Message::Looked(self.index, Err(stop)),
            Phase::Work { .. } => Message::Worked(self.index, Err(stop)),
        }
    }
}

/// Replaces the guard when it died. That it cannot be replaced is told once.
fn look_after(guard: &Guard, told: &mut bool, stream: &mut EventStream<'_>) {
    let message = match guard.revive() {
        Ok(false) => return,
        Ok(true) => "the guard process died; a new one is in its place".to_owned(),
        Err(_) if *told => return,
        // The next stage that starts fails for it; those that run watch the engine themselves.
        Err(error) => {
            *told = true;
            format!("the guard process died and cannot be started again: {error}")
        }
    };
    stream.emit(None, false, EventKind::transient_warning(message));
}
