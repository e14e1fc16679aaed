//! The board: where each stage of a run stands, and what starts next.
//!
//! A stage is *waiting* for those before it, then *ready*; a thread *looks* whether the store has its result; else it is
//! *queued* for its share of the machine, and *works* once it has it. While another run makes its very result, or has the
//! machine for itself, it is *parked*: it holds nothing, and looks again when that is over.

use super::{
    Ending, Failure, Reason, Run,
    admission::Admission,
    run::Message,
    task::{Busy, Look, Stop, Told},
};
use crate::{
    plan::{PerNode, StageNode},
    record::{Outcome, Place},
    schedule::EventStream,
    store::Manifest,
};
use contract::EventKind;
use petgraph::graph::NodeIndex;
use std::{
    collections::BTreeSet,
    sync::Arc,
    time::{Duration, Instant},
};

/// How often it is looked whether a parked stage can go on.
const PARKED_POLL: Duration = Duration::from_millis(100);

/// How often a stage may be run again because its stored result is damaged.
const REBUILDS: u32 = 2;

/// Where each stage stands.
pub(super) struct Board<'a> {
    run: &'a Run<'a>,
    stages: PerNode<Standing<'a>>,
    admission: Admission,
    /// Waiting stages for which something may have changed.
    hopeful: BTreeSet<NodeIndex>,
    /// Those that are ready.
    ready: BTreeSet<NodeIndex>,
    /// Those that are parked.
    parked: BTreeSet<NodeIndex>,
    /// Threads that look at the store.
    looking: usize,
    /// How many stages are on their way.
    moving: usize,
    /// Stages that give back what they hold once those that can start because of them are announced.
    leaving: BTreeSet<NodeIndex>,
    /// Whether something happened since stages were started last.
    changed: bool,
    looked_at_parked: Instant,
    /// The stage whose failure stops all others.
    gave_up: Option<String>,
    told: Stopping,
}

/// What the user was told of the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stopping {
    Nothing,
    Asked,
    Insisted,
}

/// One stage.
struct Standing<'a> {
    stage: &'a StageNode,
    /// The stages that it waits for.
    upstream: Vec<NodeIndex>,
    /// The stages that wait for it.
    downstream: Vec<NodeIndex>,
    state: State,
    /// How often it was started.
    attempts: u32,
    /// How often it failed and was tried again.
    retries: u32,
    /// How often its damaged result was made again.
    rebuilds: u32,
    /// Whether folders were made for it to write into while it works.
    live: bool,
    /// Whether the user was told that its stored result cannot be used.
    damage_told: bool,
    /// What the user was told that it waits for.
    busy_told: Option<Busy>,
}

enum State {
    Waiting,
    Ready,
    Looking,
    Queued,
    Parked(Busy),
    Working,
    Done(Arc<Manifest>),
    Failed(Failure),
}

/// A piece of work before it has a thread.
pub(super) struct Start<'a> {
    pub(super) index: NodeIndex,
    pub(super) stage: &'a StageNode,
    /// Results of the stages before it.
    pub(super) results: Vec<(NodeIndex, Arc<Manifest>)>,
    /// From 1.
    pub(super) attempt: u32,
    pub(super) phase: Phase,
}

/// What a thread does for a stage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    /// Asks the store.
    Look,
    /// Does the work.
    Work {
        /// Worker threads to use.
        cores: usize,
    },
}

impl<'a> Board<'a> {
    /// No stage has started.
    pub(super) fn new(run: &'a Run<'a>) -> Self {
        let standing = |(index, stage)| {
            let standing = Standing {
                stage,
                upstream: run.plan.upstream(index),
                downstream: run.plan.downstream(index),
                state: State::Waiting,
                attempts: 0,
                retries: 0,
                rebuilds: 0,
                live: false,
                damage_told: false,
                busy_told: None,
            };
            (index, standing)
        };
        Self {
            run,
            stages: run.plan.stages().map(standing).collect(),
            admission: Admission::new(run.capacity),
            hopeful: run.plan.stages().map(|(index, _)| index).collect(),
            ready: BTreeSet::new(),
            parked: BTreeSet::new(),
            looking: 0,
            moving: 0,
            leaving: BTreeSet::new(),
            changed: true,
            looked_at_parked: Instant::now(),
            gave_up: None,
            told: Stopping::Nothing,
        }
    }

    /// What can start now, in plan order. Nothing does any more once the user wants to stop.
    pub(super) fn advance(&mut self) -> Vec<Start<'a>> {
        if self.run.cancellation.asked() {
            self.withdraw();
            return Vec::new();
        }
        self.look_at_parked();
        if !std::mem::take(&mut self.changed) {
            return Vec::new();
        }
        self.announce();
        for index in std::mem::take(&mut self.leaving) {
            self.admission.leave(index.index());
        }
        let mut starts = self.start_looking();
        for (position, cores) in self.admission.admit() {
            let index = NodeIndex::new(position);
            self.set(index, State::Working);
            let Some(standing) = self.stages.get_mut(index) else { continue };
            standing.attempts += 1;
            starts.extend(self.start(index, Phase::Work { cores }));
        }
        starts
    }

    /// Whether nothing goes on and nothing will.
    pub(super) fn is_idle(&self) -> bool {
        self.moving == 0
    }

    /// How long nothing needs to be done when nothing happens.
    pub(super) fn patience(&self) -> Duration {
        if self.parked.is_empty() { Duration::MAX } else { PARKED_POLL }
    }

    /// Notes what a thread sends.
    pub(super) fn hear(&mut self, message: Message, stream: &mut EventStream<'_>) {
        // Before what comes of it.
        self.tell_stopping(stream);
        match message {
            Message::Told(index, told) => self.pass_on(index, told, stream),
            Message::Looked(index, looked) => self.looked(index, looked, stream),
            Message::Worked(index, worked) => self.worked(index, worked, stream),
        }
    }

    /// Passes on what a stage's thread tells.
    fn pass_on(&mut self, index: NodeIndex, told: Told, stream: &mut EventStream<'_>) {
        let Some(standing) = self.stages.get_mut(index) else { return };
        let name = &standing.stage.name;
        match told {
            Told::Event { attempt, cached, kind } => stream.emit(Some((name, attempt)), cached, kind),
            Told::Text(line) => stream.text(name, &line),
            Told::Live => standing.live = true,
            Told::Damage(why) => {
                if !std::mem::replace(&mut standing.damage_told, true) {
                    let warning = EventKind::transient_warning(why);
                    stream.emit(Some((name, standing.attempts)), false, warning);
                }
            }
        }
    }

    /// Notes what the store says of a stage.
    fn looked(&mut self, index: NodeIndex, looked: Result<Look, Stop>, stream: &mut EventStream<'_>) {
        self.looking -= 1;
        match looked {
            Ok(Look::Hit(manifest)) => self.end(index, State::Done(manifest)),
            // While it looked, the stage that it reads from was sent back to make a damaged result again.
            Ok(Look::Miss | Look::Busy(_)) if !self.has_its_inputs(index) => self.end(index, State::Waiting),
            Ok(Look::Miss) => {
                self.changed = true;
                self.admission.queue(index.index());
                self.set(index, State::Queued);
            }
            Ok(Look::Busy(busy)) => self.park(index, busy, stream),
            Err(stop) => self.stop(index, stop, stream),
        }
    }

    /// Notes how a stage's work ended.
    fn worked(
        &mut self,
        index: NodeIndex,
        worked: Result<Arc<Manifest>, Stop>,
        stream: &mut EventStream<'_>,
    ) {
        match worked {
            Ok(manifest) => self.end(index, State::Done(manifest)),
            Err(stop) => self.stop(index, stop, stream),
        }
    }

    fn stop(&mut self, index: NodeIndex, stop: Stop, stream: &mut EventStream<'_>) {
        let failure = match stop {
            Stop::Busy(busy) => {
                // It did not start after all.
                if let Some(standing) = self.stages.get_mut(index) {
                    standing.attempts -= 1;
                }
                return self.park(index, busy, stream);
            }
            Stop::Damaged(producer) => match self.rebuild(producer) {
                Ok(()) => return self.end(index, State::Waiting),
                Err(failure) => failure,
            },
            Stop::Work(failure) => match self.retry(index, failure, stream) {
                Ok(()) => return self.end(index, State::Waiting),
                Err(failure) => failure,
            },
            Stop::Failed(failure) => failure,
        };
        if let Some(standing) = self.stages.get(index) {
            let attempt = Some((standing.stage.name.as_str(), standing.attempts));
            stream.emit(attempt, false, failure.event());
            if self.run.fail_fast && failure.reason != Reason::Cancelled && !self.run.cancellation.asked() {
                self.gave_up = Some(standing.stage.name.clone());
                self.run.cancellation.ask();
            }
        }
        self.end(index, State::Failed(failure));
    }

    /// Tells that the run stops and what it waits for, then that it does not wait any more.
    pub(super) fn tell_stopping(&mut self, stream: &mut EventStream<'_>) {
        let now = match (self.run.cancellation.insisted(), self.run.cancellation.asked()) {
            (true, _) => Stopping::Insisted,
            (false, true) => Stopping::Asked,
            (false, false) => return,
        };
        if std::mem::replace(&mut self.told, now) == now {
            return;
        }
        let working: Vec<&StageNode> = self
            .stages
            .values()
            .filter(|standing| matches!(standing.state, State::Working))
            .map(|standing| standing.stage)
            .collect();
        let stopping = match &self.gave_up {
            Some(stage) => format!("stopping, since `{stage}` failed and --fail-fast is given"),
            None => "stopping".to_owned(),
        };
        let (names, them) = (listed(working.iter().copied()), if working.len() == 1 { "it" } else { "them" });
        let message = match now {
            // Those that it is about have ended already.
            Stopping::Insisted if working.is_empty() => return,
            Stopping::Insisted => format!("ending {names} now"),
            _ if working.is_empty() => stopping,
            _ => format!("{stopping}: {}; Ctrl-C again ends {them} now", self.what_is_awaited(&working)),
        };
        stream.emit(None, false, EventKind::note(message));
    }

    /// What the stages at work do before the run ends.
    fn what_is_awaited(&self, working: &[&StageNode]) -> String {
        let saves = |stage: &StageNode| {
            self.run.registry.get(stage.stage).is_some_and(contract::Stage::saves_checkpoints)
        };
        let (saving, others): (Vec<&StageNode>, Vec<&StageNode>) =
            working.iter().partition(|stage| saves(stage));
        let saving = match saving.as_slice() {
            [] => None,
            [stage] => Some(format!("{} saves a checkpoint", stage.name)),
            stages => Some(format!("{} save checkpoints", listed(stages.iter().copied()))),
        };
        let others = (!others.is_empty()).then(|| format!("waiting for {}", listed(others.into_iter())));
        saving.into_iter().chain(others).collect::<Vec<_>>().join(", ")
    }

    /// A stage holds nothing any more.
    fn end(&mut self, index: NodeIndex, state: State) {
        self.changed = true;
        self.leaving.insert(index);
        self.set(index, state);
    }

    fn park(&mut self, index: NodeIndex, busy: Busy, stream: &mut EventStream<'_>) {
        self.changed = true;
        self.admission.park(index.index());
        self.set(index, State::Parked(busy));
        let Some(standing) = self.stages.get_mut(index) else { return };
        if standing.busy_told.replace(busy) != Some(busy) {
            let note = EventKind::note(busy.note(self.run.store));
            stream.emit(Some((&standing.stage.name, standing.attempts)), false, note);
        }
    }

    /// Whether a stage that failed is tried again, which is told.
    fn retry(
        &mut self,
        index: NodeIndex,
        failure: Failure,
        stream: &mut EventStream<'_>,
    ) -> Result<(), Failure> {
        let Some(standing) = self.stages.get_mut(index) else { return Err(failure) };
        let allowed = standing.stage.retries;
        let in_vain = failure.reason != Reason::Failed || self.run.cancellation.asked();
        if in_vain || standing.retries >= allowed {
            return Err(failure);
        }
        standing.retries += 1;
        let message = format!(
            "try {} of {} failed and it is tried again: {} ({})",
            standing.retries,
            u64::from(allowed) + 1,
            failure.message,
            failure.code
        );
        let attempt = Some((standing.stage.name.as_str(), standing.attempts));
        stream.emit(attempt, false, EventKind::transient_warning(message));
        Ok(())
    }

    /// Puts a stage whose result is damaged back to the start, and with it those that wait with that result in hand.
    fn rebuild(&mut self, producer: NodeIndex) -> Result<(), Failure> {
        let Some(standing) = self.stages.get_mut(producer) else { return Ok(()) };
        // Several stages may find the same damage; the others find the rebuilding under way.
        if !matches!(standing.state, State::Done(_)) {
            return Ok(());
        }
        standing.rebuilds += 1;
        if standing.rebuilds > REBUILDS {
            let name = &standing.stage.name;
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
        standing.damage_told = false;
        self.set(producer, State::Waiting);
        let holds = |(index, standing): (NodeIndex, &Standing<'_>)| {
            let held = matches!(standing.state, State::Ready | State::Queued | State::Parked(_));
            (held && standing.upstream.contains(&producer)).then_some(index)
        };
        let holders: Vec<NodeIndex> = self.stages.iter().filter_map(holds).collect();
        holders.into_iter().for_each(|index| self.end(index, State::Waiting));
        Ok(())
    }

    /// Announces the stages whose inputs exist now.
    fn announce(&mut self) {
        for index in self.complete() {
            self.set(index, State::Ready);
            let Some(standing) = self.stages.get(index) else { continue };
            let claim = self.run.capacity.claim(&standing.stage.resources);
            self.admission.announce(index.index(), claim);
            self.leaving.remove(&index);
        }
    }

    /// The waiting stages that have nothing to wait for, in plan order.
    fn complete(&mut self) -> Vec<NodeIndex> {
        let is_waiting = |index: &NodeIndex| {
            matches!(self.stages.get(*index).map(|standing| &standing.state), Some(State::Waiting))
        };
        let hopeful = std::mem::take(&mut self.hopeful).into_iter();
        hopeful.filter(|index| is_waiting(index) && self.has_its_inputs(*index)).collect()
    }

    /// Whether all stages are done that a stage waits for.
    fn has_its_inputs(&self, index: NodeIndex) -> bool {
        let done =
            |index: &NodeIndex| matches!(self.stages.get(*index).map(|up| &up.state), Some(State::Done(_)));
        self.stages.get(index).is_some_and(|standing| standing.upstream.iter().all(done))
    }

    /// Lets ready stages look at the store, the first ones first and not more at a time than there are cores.
    fn start_looking(&mut self) -> Vec<Start<'a>> {
        let free = self.run.capacity.cores().saturating_sub(self.looking);
        let next: Vec<NodeIndex> = self.ready.iter().copied().take(free).collect();
        self.looking += next.len();
        next.iter().for_each(|index| self.set(*index, State::Looking));
        next.into_iter().filter_map(|index| self.start(index, Phase::Look)).collect()
    }

    /// Parked stages whose reason to wait is over look again.
    fn look_at_parked(&mut self) {
        if self.looked_at_parked.elapsed() < PARKED_POLL {
            return;
        }
        self.looked_at_parked = Instant::now();
        let is_over = |index: &NodeIndex| match self.stages.get(*index).map(|standing| &standing.state) {
            Some(State::Parked(busy)) => busy.is_over(self.run.store),
            _ => false,
        };
        let over: Vec<NodeIndex> = self.parked.iter().copied().filter(is_over).collect();
        for index in over {
            // It is announced again, in its place.
            self.changed = true;
            self.set(index, State::Waiting);
        }
    }

    /// The user wants to stop: what has no thread will not get one.
    fn withdraw(&mut self) {
        let idle = |(index, standing): (NodeIndex, &Standing<'_>)| {
            matches!(standing.state, State::Ready | State::Queued | State::Parked(_)).then_some(index)
        };
        let idle: Vec<NodeIndex> = self.stages.iter().filter_map(idle).collect();
        idle.into_iter().for_each(|index| self.set(index, State::Waiting));
    }

    fn start(&self, index: NodeIndex, phase: Phase) -> Option<Start<'a>> {
        let standing = self.stages.get(index)?;
        let result = |index: &NodeIndex| match &self.stages.get(*index)?.state {
            State::Done(manifest) => Some((*index, Arc::clone(manifest))),
            _ => None,
        };
        let results = standing.upstream.iter().filter_map(result).collect();
        Some(Start { index, stage: standing.stage, results, attempt: standing.attempts, phase })
    }

    /// The only way from one state to another: it keeps the sets and counts that go by states.
    fn set(&mut self, index: NodeIndex, state: State) {
        let Some(standing) = self.stages.get_mut(index) else { return };
        let moves = |state: &State| !matches!(state, State::Waiting | State::Done(_) | State::Failed(_));
        self.moving += usize::from(moves(&state));
        self.moving -= usize::from(moves(&standing.state));
        match standing.state {
            State::Ready => drop(self.ready.remove(&index)),
            State::Parked(_) => drop(self.parked.remove(&index)),
            _ => {}
        }
        match &state {
            State::Ready => drop(self.ready.insert(index)),
            State::Parked(_) => drop(self.parked.insert(index)),
            State::Waiting => drop(self.hopeful.insert(index)),
            State::Done(_) => self.hopeful.extend(&standing.downstream),
            _ => {}
        }
        standing.state = state;
    }

    /// Removes the folders that were made for stages to write into while they run and that none wrote into, so that a
    /// run of hits has the same folders.
    pub(super) fn tidy(&self) {
        for (index, _) in self.stages.iter().filter(|(_, standing)| standing.live) {
            let Some(Place { folder, layout, node, several }) = self.run.places.of(index).first() else {
                continue;
            };
            for (_, root) in layout.roots(node, *several) {
                for below in std::path::Path::new(&root).ancestors().filter(|path| *path != "") {
                    // Fails where something is in it, which is the point.
                    rustix::fs::rmdir(folder.path().join(below)).ok();
                }
            }
        }
    }

    /// How the run ended.
    pub(super) fn ending(self) -> Ending {
        let mut failures = Vec::new();
        let mut skipped = Vec::new();
        for standing in self.stages.into_values() {
            let name = standing.stage.name.clone();
            match standing.state {
                State::Failed(failure) => failures.push((name, failure)),
                State::Done(_) => {}
                _ => skipped.push(name),
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

/// Names as people list them.
fn listed<'a>(stages: impl Iterator<Item = &'a StageNode>) -> String {
    let names: Vec<&str> = stages.map(|stage| stage.name.as_str()).collect();
    match names.split_last() {
        Some((last, [])) => (*last).to_owned(),
        Some((last, before)) => format!("{} and {last}", before.join(", ")),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        plan::{Node, Plan, keys::Sources},
        schedule::{Cancellation, Capacity, Places},
        store::{Digest, KeyDocument, Store},
    };
    use contract::{Registry, Settings};
    use petgraph::graph::DiGraph;
    use std::collections::BTreeMap;

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
            copies: Vec::new(),
            device: None,
            resources: contract::Resources::default(),
            timeout: None,
            retries: 0,
            looked: None,
        }));
        let plan = Plan { operation_mode: "training".to_owned(), graph };
        let run = Run {
            plan: &plan,
            registry: &Registry::new(),
            sources: &Sources::default(),
            recipes: &PerNode::default(),
            store: &Store::open(Some(folder.path().join("store"))).expect("a store"),
            places: &Places::default(),
            capacity: Capacity::new(1, None),
            cancellation: &Cancellation::default(),
            fail_fast: false,
        };
        let mut board = Board::new(&run);
        for _ in 0..REBUILDS {
            board.set(index, State::Done(manifest()));
            assert!(board.complete().is_empty());
            assert!(board.rebuild(index).is_ok());
            assert!(board.rebuild(index).is_ok(), "found by another stage as well, it is one damage");
            assert_eq!(board.complete(), [index]);
        }
        board.set(index, State::Done(manifest()));
        assert_eq!(board.rebuild(index).map_err(|failure| failure.reason), Err(Reason::Corrupt));
    }
}
