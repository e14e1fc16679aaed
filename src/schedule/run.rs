//! The ready set: stages whose inputs exist start, the others wait.

use super::{
    Cancellation, EventStream, Failure, Guard, Reason,
    slots::Slots,
    task::{Stop, Task, Told},
};
use crate::{
    plan::{Plan, keys::Sources},
    record::{Layout, Outcome, RunFolder},
    store::{Digest, Manifest, Store},
};
use contract::EventKind;
use petgraph::graph::NodeIndex;
use std::{
    collections::BTreeMap,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc,
        mpsc::{self, RecvTimeoutError, Sender},
    },
    thread::{self, Scope},
    time::Duration,
};

/// How often the engine looks after its guard when nothing happens.
const LOOK_AROUND: Duration = Duration::from_millis(200);

/// How often a stage may be run again because its stored result is damaged.
const REBUILDS: u32 = 2;

/// What all stages of a run share.
pub struct Run<'a> {
    /// What to do.
    pub plan: &'a Plan,
    /// Content of its sources.
    pub sources: &'a Sources,
    /// Recipe keys of its stages.
    pub recipes: &'a BTreeMap<NodeIndex, Digest>,
    /// Where results are.
    pub store: &'a Store,
    /// Where results go for people.
    pub folder: &'a RunFolder,
    /// Names in there.
    pub layout: &'a Layout,
    /// Stages that work at a time.
    pub jobs: usize,
    /// Worker threads of each.
    pub threads: usize,
    /// Whether the user wants to stop.
    pub cancellation: &'a Cancellation,
}

/// How a run ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ending {
    /// In one word.
    pub outcome: Outcome,
    /// The stages that ended without a result, and why.
    pub failures: Vec<(String, Failure)>,
    /// The stages that could not start because of them.
    pub skipped: Vec<String>,
}

/// Runs the plan. A stage that fails stops those behind it; the others go on.
///
/// # Errors
/// When the guard cannot be started: then nothing has run.
pub fn run(run: &Run<'_>, stream: &mut EventStream<'_>) -> std::io::Result<Ending> {
    let guard = Guard::start()?;
    let slots = Slots::new(run.jobs);
    let (sender, messages) = mpsc::channel();
    let mut board = Board::new(run);
    let mut told = false;
    thread::scope(|scope| {
        loop {
            for index in board.ready() {
                let task = board.start(index);
                spawn(scope, run, &guard, &slots, task, sender.clone());
            }
            if board.running() == 0 {
                break;
            }
            match messages.recv_timeout(LOOK_AROUND) {
                Ok(Message::Told(index, told)) => board.pass_on(index, told, stream),
                Ok(Message::Ended(index, ended)) => board.end(index, ended, stream),
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {
                    look_after(&guard, &mut told, stream)
                }
            }
        }
    });
    board.tidy();
    Ok(board.ending())
}

/// What a task's thread sends.
enum Message {
    Told(NodeIndex, Told),
    Ended(NodeIndex, Result<Arc<Manifest>, Stop>),
}

/// A task before it has a thread.
struct Start {
    index: NodeIndex,
    results: BTreeMap<NodeIndex, Arc<Manifest>>,
    attempt: u32,
}

fn spawn<'scope, 'env>(
    scope: &'scope Scope<'scope, 'env>,
    run: &'env Run<'_>,
    guard: &'env Guard,
    slots: &'env Slots,
    start: Start,
    sender: Sender<Message>,
) {
    let Start { index, results, attempt } = start;
    let Some(stage) = run.plan.stage(index) else { return };
    slots.announce(index.index());
    scope.spawn(move || {
        // The receiver lives as long as a task runs.
        let tell = |told| drop(sender.send(Message::Told(index, told)));
        let task = Task { run, guard, slots, index, stage, results, attempt, tell: &tell };
        // A thread that just vanished would leave the run waiting for ever.
        let ended = catch_unwind(AssertUnwindSafe(|| task.perform()))
            .unwrap_or_else(|_| Err(Stop::Failed(Failure::bug(&stage.name))));
        slots.withdraw(index.index());
        sender.send(Message::Ended(index, ended)).ok();
    });
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

/// Where each stage stands.
struct Board<'a> {
    run: &'a Run<'a>,
    states: BTreeMap<NodeIndex, State>,
    attempts: BTreeMap<NodeIndex, u32>,
    rebuilds: BTreeMap<NodeIndex, u32>,
}

enum State {
    Waiting,
    Running,
    Done(Arc<Manifest>),
    Failed(Failure),
}

impl<'a> Board<'a> {
    fn new(run: &'a Run<'a>) -> Self {
        Self {
            run,
            states: run.plan.stages().map(|(index, _)| (index, State::Waiting)).collect(),
            attempts: BTreeMap::new(),
            rebuilds: BTreeMap::new(),
        }
    }

    /// The stages that can start now.
    fn ready(&self) -> Vec<NodeIndex> {
        if self.run.cancellation.asked() {
            return Vec::new();
        }
        let done = |index: &NodeIndex| matches!(self.states.get(index), Some(State::Done(_)));
        let waiting = self.states.iter().filter(|(_, state)| matches!(state, State::Waiting));
        waiting
            .map(|(index, _)| *index)
            .filter(|&index| self.run.plan.upstream(index).iter().all(done))
            .collect()
    }

    fn running(&self) -> usize {
        self.states.values().filter(|state| matches!(state, State::Running)).count()
    }

    fn start(&mut self, index: NodeIndex) -> Start {
        self.states.insert(index, State::Running);
        let attempt = self.attempts.entry(index).or_insert(0);
        *attempt += 1;
        let attempt = *attempt;
        let upstream = self.run.plan.upstream(index).into_iter();
        let results = upstream
            .filter_map(|index| match self.states.get(&index) {
                Some(State::Done(manifest)) => Some((index, Arc::clone(manifest))),
                _ => None,
            })
            .collect();
        Start { index, results, attempt }
    }

    fn pass_on(&self, index: NodeIndex, told: Told, stream: &mut EventStream<'_>) {
        let name = self.run.plan.name(index);
        match told {
            Told::Event { attempt, cached, kind } => stream.emit(Some((name, attempt)), cached, kind),
            Told::Text(line) => stream.text(name, &line),
        }
    }

    fn end(&mut self, index: NodeIndex, ended: Result<Arc<Manifest>, Stop>, stream: &mut EventStream<'_>) {
        let failure = match ended {
            Ok(manifest) => {
                self.states.insert(index, State::Done(manifest));
                return;
            }
            Err(Stop::Damaged(producer)) => match self.rebuild(producer) {
                Ok(()) => {
                    self.states.insert(index, State::Waiting);
                    return;
                }
                Err(failure) => failure,
            },
            Err(Stop::Failed(failure)) => failure,
        };
        let attempt = self.attempts.get(&index).copied().unwrap_or(0);
        stream.emit(Some((self.run.plan.name(index), attempt)), false, failure.event());
        self.states.insert(index, State::Failed(failure));
    }

    /// Puts a stage whose result is damaged back into the ready set.
    fn rebuild(&mut self, producer: NodeIndex) -> Result<(), Failure> {
        let rebuilds = self.rebuilds.entry(producer).or_insert(0);
        *rebuilds += 1;
        if *rebuilds > REBUILDS {
            let name = self.run.plan.name(producer);
            return Err(Failure {
                reason: Reason::Corrupt,
                code: "store::stays_corrupt".to_owned(),
                message: format!(
                    "the stored result of `{name}` was made again {REBUILDS} times and is corrupt each time it is read"
                ),
                help: Some(
                    "the disk or the memory of this machine does not keep what is written: check them, or name a store \
                     on another disk with PIPELINE_CACHE_DIR"
                        .to_owned(),
                ),
            });
        }
        // Two stages may find the same damage; the second finds the rebuilding under way.
        if matches!(self.states.get(&producer), Some(State::Done(_))) {
            self.states.insert(producer, State::Waiting);
        }
        Ok(())
    }

    /// Removes the folders that were made for stages to write into while they run and that none wrote into, so that a
    /// run of hits has the same folders.
    fn tidy(&self) {
        for (_, stage) in self.run.plan.stages() {
            let several = stage.name != stage.stage;
            for (_, place) in self.run.layout.roots(&stage.name, several) {
                for folder in std::path::Path::new(&place).ancestors().filter(|path| *path != "") {
                    // Fails where something is in it, which is the point.
                    rustix::fs::rmdir(self.run.folder.path().join(folder)).ok();
                }
            }
        }
    }

    fn ending(self) -> Ending {
        let mut failures = Vec::new();
        let mut skipped = Vec::new();
        for (index, state) in self.states {
            let name = self.run.plan.name(index).to_owned();
            match state {
                State::Failed(failure) => failures.push((name, failure)),
                State::Waiting | State::Running => skipped.push(name),
                State::Done(_) => {}
            }
        }
        let cancelled = |(_, failure): &(String, Failure)| failure.reason == Reason::Cancelled;
        let outcome = if failures.iter().any(|failure| !cancelled(failure)) {
            Outcome::Failed
        } else if !failures.is_empty() || !skipped.is_empty() {
            // Without a failure, only a cancelled run leaves a stage unstarted.
            Outcome::Cancelled
        } else {
            Outcome::Done
        };
        Ending { outcome, failures, skipped }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        plan::{Node, StageNode},
        store::KeyDocument,
    };
    use contract::Settings;
    use petgraph::graph::DiGraph;

    fn manifest() -> Arc<Manifest> {
        let key = KeyDocument {
            stage: "train".to_owned(),
            version: 1,
            settings: Settings::of(&()),
            inputs: BTreeMap::new(),
            device: None,
        };
        Arc::new(Manifest {
            format: 1,
            key,
            recipe: Digest::of(b""),
            outputs: BTreeMap::new(),
            files: Vec::new(),
            events: Vec::new(),
            seconds: 1.0,
            created: String::new(),
        })
    }

    #[test]
    fn a_result_that_is_corrupt_each_time_it_is_made_again_ends_the_run() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut graph = DiGraph::new();
        let index = graph.add_node(Node::Stage(StageNode {
            name: "train".to_owned(),
            stage: "train",
            version: 1,
            settings: Settings::of(&()),
            inputs: Vec::new(),
            outputs: Vec::new(),
            device: None,
            resources: contract::Resources::default(),
            timeout: None,
            retries: 0,
        }));
        let plan = Plan { operation_mode: "training".to_owned(), graph };
        let run = Run {
            plan: &plan,
            sources: &Sources::new(),
            recipes: &BTreeMap::new(),
            store: &Store::open(Some(folder.path().join("store"))).expect("a store"),
            folder: &RunFolder::create(&folder.path().join("run").to_string_lossy()).expect("a run folder"),
            layout: &Layout::default(),
            jobs: 1,
            threads: 1,
            cancellation: &Cancellation::default(),
        };
        let mut board = Board::new(&run);
        for _ in 0..REBUILDS {
            board.states.insert(index, State::Done(manifest()));
            assert!(board.ready().is_empty());
            assert!(board.rebuild(index).is_ok());
            assert_eq!(board.ready(), [index]);
        }
        board.states.insert(index, State::Done(manifest()));
        assert_eq!(board.rebuild(index).map_err(|failure| failure.reason), Err(Reason::Corrupt));
    }
}
