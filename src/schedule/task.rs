//! One stage of a run: from its fingerprint to its files in the run folder.

use super::{
    Failure, Run,
    process::{self, Said},
    slots::Slots,
};
use crate::{
    plan::{StageNode, keys},
    record::{Published, RecordError, materialise},
    store::{
        Attempt, Digest, FingerprintLock, KeyDocument, Manifest, SourceDigest, StoreError, Stored, failpoint,
    },
};
use contract::{
    EventKind, Input, InputContent, Runtime, SourceContent, StageError,
    protocol::{self, Request},
};
use petgraph::graph::NodeIndex;
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

/// How often a lock that another process holds is tried.
const LOCK_POLL: Duration = Duration::from_millis(100);

/// A stage whose inputs all exist.
pub(super) struct Task<'a> {
    pub(super) run: &'a Run<'a>,
    pub(super) guard: &'a super::Guard,
    pub(super) slots: &'a Slots,
    pub(super) index: NodeIndex,
    pub(super) stage: &'a StageNode,
    /// Results of the stages before it.
    pub(super) results: BTreeMap<NodeIndex, Arc<Manifest>>,
    /// From 1.
    pub(super) attempt: u32,
    pub(super) tell: &'a dyn Fn(Told),
}

/// What a task tells while it works.
pub(super) enum Told {
    /// Something happened in this attempt.
    Event { attempt: u32, cached: bool, kind: EventKind },
    /// A line for the log.
    Text(String),
}

/// Why a task ends without a result.
pub(super) enum Stop {
    /// An input's object is damaged: the stage that made it must run again first.
    Damaged(NodeIndex),
    /// It failed or was cancelled.
    Failed(Failure),
}

impl<E: Into<Failure>> From<E> for Stop {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}

impl Task<'_> {
    /// Gets the stage's result: from the store, from another run that makes it right now, or by running the stage.
    pub(super) fn perform(&self) -> Result<Arc<Manifest>, Stop> {
        let key =
            keys::key(self.run.plan, self.index, self.run.sources, &self.results)?.ok_or_else(|| {
                StageError::failed(
                    "engine::not_ready",
                    format!("`{}` was started before its inputs exist", self.stage.name),
                )
            })?;
        let fingerprint = key.fingerprint()?;
        let mut warned = false;
        if let Some(manifest) = self.stored(&fingerprint, &mut warned)? {
            self.clear_behind(&manifest, &fingerprint)?;
            return Ok(manifest);
        }
        let mut waiting = false;
        loop {
            let cancelled = || self.run.cancellation.asked();
            let slot = self.slots.take(self.index.index(), cancelled).ok_or_else(Failure::cancelled)?;
            if let Some(lock) = self.run.store.try_lock(&fingerprint)? {
                // Whoever held the lock may have published since we looked.
                return match self.stored(&fingerprint, &mut warned)? {
                    Some(manifest) => {
                        self.clear_partial(&lock, &manifest);
                        Ok(manifest)
                    }
                    None => self.work(key, &lock),
                };
            }
            drop(slot);
            if !waiting {
                waiting = true;
                self.event(EventKind::Note {
                    message: "another run is making this very result; waiting for it".to_owned(),
                });
            }
            thread::sleep(LOCK_POLL);
        }
    }

    /// The stored result with its files in the run folder, if there is one and it is sound. That it is not is told once.
    fn stored(&self, fingerprint: &Digest, warned: &mut bool) -> Result<Option<Arc<Manifest>>, Stop> {
        let mut warn = |message: String| {
            if !std::mem::replace(warned, true) {
                self.event(EventKind::transient_warning(message));
            }
        };
        let manifest = match self.run.store.lookup(fingerprint)? {
            Stored::Result(manifest) => *manifest,
            Stored::Nothing => return Ok(None),
            Stored::Damaged(why) => {
                warn(why);
                return Ok(None);
            }
        };
        let published = match self.materialise(&manifest) {
            Ok(published) => published,
            Err(RecordError::Store(error)) if error.is_damage() => {
                warn(damage(&error));
                return Ok(None);
            }
            Err(error) => return Err(error.into()),
        };
        let tell = |kind| (self.tell)(Told::Event { attempt: 0, cached: true, kind });
        tell(EventKind::CacheHit { fingerprint: fingerprint.to_string() });
        manifest.events.iter().cloned().for_each(tell);
        published.into_iter().map(artifact).for_each(tell);
        tell(EventKind::StageFinished { seconds: manifest.seconds });
        Ok(Some(Arc::new(manifest)))
    }

    /// Runs the stage under the lock of its fingerprint and publishes what it made.
    fn work(&self, key: KeyDocument, lock: &FingerprintLock) -> Result<Arc<Manifest>, Stop> {
        let store = self.run.store;
        self.verify_inputs()?;
        let attempt = store.attempt()?;
        let request = self.request(&attempt, lock)?;
        self.event(EventKind::StageStarted { fingerprint: lock.fingerprint().to_string() });

        let started = Instant::now();
        let mut kept = Vec::new();
        let outputs = process::run(&request, self.guard, self.run.cancellation, &mut |said| match said {
            Said::Event(event) => {
                if event.survives_a_hit() {
                    kept.push(event.clone());
                }
                self.event(event);
            }
            Said::Text(line) => (self.tell)(Told::Text(line)),
        })?;
        let seconds = started.elapsed().as_secs_f64();

        self.check_sources()?;
        failpoint::hit("engine::before_publish");
        let kinds = self.stage.outputs.iter().map(|output| (output.name.clone().into_owned(), output.kind)).collect();
        let recipe = self.recipe()?;
        let manifest = store.publish(lock, key, recipe, &attempt, &outputs, &kinds, kept, seconds)?;
        failpoint::hit("engine::after_publish");
        let published = self.materialise(&manifest)?;
        failpoint::hit("engine::after_materialise");
        self.clear_partial(lock, &manifest);
        published.into_iter().map(artifact).for_each(|kind| self.event(kind));
        self.event(EventKind::StageFinished { seconds });
        Ok(Arc::new(manifest))
    }

    /// Removes the checkpoints of finished work.
    fn clear_partial(&self, lock: &FingerprintLock, manifest: &Manifest) {
        if let Err(error) = self.run.store.clear_partial(lock, manifest) {
            let message = format!("the checkpoints of finished work stay behind: {error}");
            self.event(EventKind::transient_warning(message));
        }
    }

    /// Removes the checkpoints that an engine left which died after it had published; whoever holds the lock now sees to
    /// them itself.
    fn clear_behind(&self, manifest: &Manifest, fingerprint: &Digest) -> Result<(), Stop> {
        if self.run.store.has_partial(fingerprint)
            && let Some(lock) = self.run.store.try_lock(fingerprint)?
        {
            self.clear_partial(&lock, manifest);
        }
        Ok(())
    }

    /// Compares the bytes of every input made by a stage with their digests: a corrupt model must not be worked on for
    /// hours, nor make a wrong result under a right key.
    fn verify_inputs(&self) -> Result<(), Stop> {
        for binding in self.run.plan.bindings(self.index) {
            let Some(manifest) = self.results.get(&binding.producer) else { continue };
            let output = keys::output(manifest, binding.edge.output.as_deref().unwrap_or_default())?;
            match self.run.store.verify(&output.digest) {
                Ok(()) => {}
                Err(error) if error.is_damage() => {
                    self.event(EventKind::transient_warning(damage(&error)));
                    return Err(Stop::Damaged(binding.producer));
                }
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    fn request(&self, attempt: &Attempt, lock: &FingerprintLock) -> Result<Request, Stop> {
        let live = attempt.folder().join("live");
        self.run.folder.link_live(self.run.layout, &self.stage.name, self.several(), &live)?;
        Ok(Request {
            protocol: protocol::VERSION,
            stage: self.stage.stage.to_owned(),
            settings: self.stage.settings.clone(),
            inputs: self.inputs()?,
            out: attempt.out().to_owned(),
            partial: self.run.store.partial(&lock.fingerprint())?,
            live: Some(live),
            runtime: Runtime { threads: self.run.threads, attempt: self.attempt },
        })
    }

    fn inputs(&self) -> Result<BTreeMap<String, Input>, StoreError> {
        let mut inputs = BTreeMap::new();
        for binding in self.run.plan.bindings(self.index) {
            let content = match (self.run.plan.source(binding.producer), self.results.get(&binding.producer))
            {
                (Some(source), _) => source_content(&source.content),
                (None, Some(manifest)) => {
                    let output = keys::output(manifest, binding.edge.output.as_deref().unwrap_or_default())?;
                    stored_content(&output.path, self.run.store.object_path(&output.digest))
                }
                (None, None) => continue,
            };
            inputs.insert(binding.edge.port.to_owned(), Input { kind: binding.edge.kind, content });
        }
        Ok(inputs)
    }

    /// A result made while its inputs changed belongs to no key, so nothing is published.
    fn check_sources(&self) -> Result<(), StageError> {
        for binding in self.run.plan.bindings(self.index) {
            let changed = self.run.sources.get(&binding.producer).and_then(SourceDigest::changed);
            if let Some(path) = changed {
                let path = std::path::absolute(&path).unwrap_or(path);
                return Err(StageError::failed(
                    "stage::input_changed",
                    format!(
                        "`{}` ({}) changed while `{}` was reading it, so its result is thrown away",
                        path.display(),
                        self.run.plan.name(binding.producer),
                        self.stage.name
                    ),
                )
                .with_help("run again once nothing writes to the inputs any more"));
            }
        }
        Ok(())
    }

    fn materialise(&self, manifest: &Manifest) -> Result<Vec<Published>, RecordError> {
        let Run { store, folder, layout, .. } = self.run;
        materialise(store, manifest, folder, layout, &self.stage.name, self.several())
    }

    fn recipe(&self) -> Result<Digest, StageError> {
        self.run.recipes.get(&self.index).copied().ok_or_else(|| {
            StageError::failed("engine::not_ready", format!("`{}` has no recipe", self.stage.name))
        })
    }

    fn several(&self) -> bool {
        self.stage.name != self.stage.stage
    }

    fn event(&self, kind: EventKind) {
        (self.tell)(Told::Event { attempt: self.attempt, cached: false, kind });
    }
}

fn damage(error: &StoreError) -> String {
    format!("{error}; what made it runs again")
}

fn artifact(file: Published) -> EventKind {
    EventKind::ArtifactPublished { path: file.path, digest: file.digest.to_string(), bytes: file.bytes }
}

/// How a stage sees a source: a single file as a file, everything else as a set.
pub(super) fn source_content(source: &SourceContent) -> InputContent {
    match source {
        SourceContent::File(path) => {
            let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            // The stage's process may one day have another working directory.
            let path = std::path::absolute(path).unwrap_or_else(|_| path.clone());
            InputContent::File { name, path }
        }
        set => InputContent::Source(set.clone()),
    }
}

/// How a stage sees what another stage made: under the name that it was given there.
pub(super) fn stored_content(path: &str, object: PathBuf) -> InputContent {
    let name = Path::new(path).file_name().map(|name| name.to_string_lossy().into_owned());
    InputContent::File { name: name.unwrap_or_default(), path: object }
}
