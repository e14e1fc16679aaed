//! One stage of a run: from its fingerprint to its files in the run folder.

use super::{
    Failure, Run, exclusive::MachineLock, external::External, process::Said, stage_process,
    stopping::Stopping,
};
use crate::{
    plan::{StageNode, keys},
    record::{Place, Published, RecordError, copy_out, materialise},
    store::{
        Attempt, Digest, FingerprintLock, Holder, KeyDocument, Manifest, SourceDigest, Store, StoreError,
        Stored, failpoint,
    },
};
use contract::{
    EventKind, Input, InputContent, Outputs, Runtime, SourceContent, StageError,
    protocol::{self, Request},
};
use petgraph::graph::NodeIndex;
use std::{
    collections::BTreeMap,
    io,
    path::{Path, PathBuf},
    sync::Arc,
    time::Instant,
};

/// A stage whose inputs all exist.
pub(super) struct Task<'a> {
    pub(super) run: &'a Run<'a>,
    pub(super) guard: &'a super::Guard,
    pub(super) index: NodeIndex,
    pub(super) stage: &'a StageNode,
    /// Results of the stages before it.
    pub(super) results: Vec<(NodeIndex, Arc<Manifest>)>,
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
    /// It has folders in the run folder to write into while it works.
    Live,
    /// The stored result cannot be used, for this reason.
    Damage(String),
}

/// Why a task ends without a result.
pub(super) enum Stop {
    /// An input's object is damaged: the stage that made it must run again first.
    Damaged(NodeIndex),
    /// It must wait for something, holding nothing.
    Busy(Busy),
    /// The stage itself failed or was cancelled.
    Work(Failure),
    /// What is around it failed.
    Failed(Failure),
}

impl<E: Into<Failure>> From<E> for Stop {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}

/// What the store says of a stage whose inputs all exist.
pub(super) enum Look {
    /// Its result is there, with its files in the run folder.
    Hit(Arc<Manifest>),
    /// There is no result.
    Miss,
    /// It must wait.
    Busy(Busy),
}

/// What a stage waits for that is not of its own run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Busy {
    /// The result of this fingerprint is being made by another run, or by another stage of this one.
    Result(Digest),
    /// Another run measures time on this machine.
    Machine,
}

impl Busy {
    /// What to tell the user, once.
    pub(super) fn note(&self, store: &Store) -> String {
        match self {
            Self::Result(fingerprint) => match store.holder(fingerprint) {
                Some(holder) => format!("this very result is being made by {holder}; waiting for it"),
                None => "this very result is being made elsewhere; waiting for it".to_owned(),
            },
            Self::Machine => match MachineLock::holder() {
                Some(holder) => {
                    format!("time is being measured on this machine by {holder}; waiting for its end")
                }
                None => "another run measures time on this machine; waiting for its end".to_owned(),
            },
        }
    }

    /// Whether it is over. The lock that tells is given back at once: who wants it may need other things first.
    pub(super) fn is_over(&self, store: &Store) -> bool {
        // An error is told by who takes the lock in earnest.
        match self {
            Self::Result(fingerprint) => !matches!(store.try_lock(fingerprint), Ok(None)),
            Self::Machine => !matches!(MachineLock::take(), Ok(None)),
        }
    }
}

impl Task<'_> {
    /// Asks the store for the stage's result.
    pub(super) fn look(&self) -> Result<Look, Stop> {
        let fingerprint = self.key()?.fingerprint()?;
        if let Some(manifest) = self.stored(&fingerprint)? {
            self.clear_behind(&manifest, &fingerprint)?;
            return Ok(Look::Hit(manifest));
        }
        let busy = Busy::Result(fingerprint);
        Ok(if busy.is_over(self.run.store) { Look::Miss } else { Look::Busy(busy) })
    }

    /// Runs the stage, unless its result has appeared in the meantime. Every lock that it needs is tried, and nothing is
    /// held by who does not get all.
    pub(super) fn work(&self, cores: usize) -> Result<Arc<Manifest>, Stop> {
        let key = self.key()?;
        let fingerprint = key.fingerprint()?;
        let machine = match self.stage.resources.exclusive {
            true => Some(MachineLock::take()?.ok_or(Stop::Busy(Busy::Machine))?),
            false => None,
        };
        let lock = self.run.store.try_lock(&fingerprint)?;
        let lock = lock.ok_or(Stop::Busy(Busy::Result(fingerprint)))?;
        // Whoever held the lock may have published since we looked.
        match self.stored(&fingerprint)? {
            Some(manifest) => {
                self.clear_partial(&lock, &manifest);
                Ok(manifest)
            }
            None => {
                let holder = self.holder();
                machine.iter().for_each(|machine| machine.sign(&holder));
                lock.sign(&holder);
                self.make(key, &lock, cores).inspect_err(|_| self.run.store.tidy_partial(&lock))
            }
        }
    }

    /// What those are told who wait for this result, or for the machine.
    fn holder(&self) -> Holder {
        match self.run.places.of(self.index).first() {
            Some(place) => Holder::this(place.node, place.folder.path()),
            None => Holder::this(&self.stage.name, Path::new("")),
        }
    }

    /// The result of a stage before it.
    fn result(&self, node: NodeIndex) -> Option<&Manifest> {
        self.results.iter().find(|(known, _)| *known == node).map(|(_, manifest)| manifest.as_ref())
    }

    fn key(&self) -> Result<KeyDocument, Stop> {
        let key = keys::key(self.run.plan, self.index, self.run.sources, &|node| self.result(node))?;
        Ok(key.ok_or_else(|| {
            StageError::failed(
                "engine::not_ready",
                format!("`{}` was started before its inputs exist", self.stage.name),
            )
        })?)
    }

    /// The stored result with its files in the run folder, if there is one and it is sound.
    fn stored(&self, fingerprint: &Digest) -> Result<Option<Arc<Manifest>>, Stop> {
        let manifest = match self.run.store.lookup(fingerprint)? {
            Stored::Result(manifest) => *manifest,
            Stored::Nothing => return Ok(None),
            Stored::Damaged(why) => {
                (self.tell)(Told::Damage(why));
                return Ok(None);
            }
        };
        let published = match self.materialise(&manifest, None) {
            Ok(published) => published,
            Err(RecordError::Store(error)) if error.is_damage() => {
                (self.tell)(Told::Damage(damage(&error)));
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
    fn make(&self, key: KeyDocument, lock: &FingerprintLock, cores: usize) -> Result<Arc<Manifest>, Stop> {
        let store = self.run.store;
        self.verify_inputs()?;
        let attempt = store.attempt()?;
        let request = self.request(&attempt, lock, cores)?;
        self.event(EventKind::StageStarted { fingerprint: lock.fingerprint().to_string() });

        let started = Instant::now();
        let mut kept = Vec::new();
        let outputs = self.run_process(request, &attempt, &mut |said| match said {
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
        let kinds =
            self.stage.outputs.iter().map(|output| (output.name.clone().into_owned(), output.kind)).collect();
        let recipe = self.recipe()?;
        let manifest = store.publish(lock, key, recipe, &attempt, &outputs, &kinds, kept, seconds)?;
        failpoint::hit("engine::after_publish");
        let published = self.materialise(&manifest, Some(attempt.out()))?;
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
            let Some(manifest) = self.result(binding.producer) else { continue };
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

    /// Does the stage's work, in a process of this program or by the program that the stage names.
    fn run_process(
        &self,
        request: Request,
        attempt: &Attempt,
        said: &mut dyn FnMut(Said),
    ) -> Result<Outputs, Stop> {
        let name = &self.stage.name;
        let implementation = self.run.registry.get(self.stage.stage).ok_or_else(|| {
            StageError::failed(
                "engine::no_stage",
                format!("this program has no stage `{}`", self.stage.stage),
            )
        })?;
        let program = implementation.program(&request)?;
        let stopping = || Stopping::new(self.run.cancellation, self.stage.timeout);
        let ended = if let Some(program) = &program {
            let request_file = attempt.folder().join("request.json");
            // Values in it may be secrets; the store keeps the folders of attempts for its owner alone.
            fs_err::write(&request_file, serde_json::to_vec(&request).map_err(io::Error::from)?)?;
            External {
                name,
                program,
                request: &request,
                request_file: &request_file,
                outputs: &self.stage.outputs,
            }
            .run(self.guard, &mut stopping(), said)
        } else {
            let live = attempt.folder().join("live");
            let shown = self.run.places.of(self.index).first();
            if let Some(Place { folder, layout, node, several }) = shown {
                (self.tell)(Told::Live);
                folder.link_live(layout, node, *several, &live)?;
            }
            let request = Request { live: shown.map(|_| live), ..request };
            stage_process::run(name, &request, self.guard, &mut stopping(), said)
        };
        ended.map_err(|error| Stop::Work(error.into()))
    }

    fn request(&self, attempt: &Attempt, lock: &FingerprintLock, cores: usize) -> Result<Request, Stop> {
        Ok(Request {
            protocol: protocol::VERSION,
            stage: self.stage.stage.to_owned(),
            settings: self.stage.settings.clone(),
            inputs: self.inputs(attempt)?,
            out: attempt.out().to_owned(),
            partial: self.run.store.partial(&lock.fingerprint())?,
            live: None,
            runtime: Runtime { threads: cores, attempt: self.attempt },
        })
    }

    fn inputs(&self, attempt: &Attempt) -> Result<BTreeMap<String, Input>, Stop> {
        let mut inputs = BTreeMap::new();
        let links = attempt.folder().join("inputs");
        for (position, binding) in self.run.plan.bindings(self.index).into_iter().enumerate() {
            let content = match (self.run.plan.source(binding.producer), self.result(binding.producer)) {
                (Some(source), _) => source_content(&source.content),
                (None, Some(manifest)) => {
                    let output = keys::output(manifest, binding.edge.output.as_deref().unwrap_or_default())?;
                    let object = self.run.store.object_path(&output.digest);
                    linked(stored_content(&output.path, object), &links, position)?
                }
                (None, None) => continue,
            };
            inputs.insert(binding.edge.port, Input { kind: binding.edge.kind, content });
        }
        Ok(inputs)
    }

    /// A result made while its inputs changed belongs to no key, so nothing is published.
    fn check_sources(&self) -> Result<(), StageError> {
        for binding in self.run.plan.bindings(self.index) {
            let changed = self.run.sources.get(binding.producer).and_then(SourceDigest::changed);
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

    /// Puts the files of a result at all its places, which name them alike: those in `made`, if they have just been made
    /// there, at the first. Outputs that users want elsewhere too are copied there.
    fn materialise(&self, manifest: &Manifest, made: Option<&Path>) -> Result<Vec<Published>, RecordError> {
        let mut published = Vec::new();
        for (position, place) in self.run.places.of(self.index).iter().enumerate() {
            let made = made.filter(|_| position == 0);
            published = materialise(self.run.store, manifest, place, made)?;
        }
        for copy in &self.stage.copies {
            let output = keys::output(manifest, &copy.output)?;
            published.push(copy_out(self.run.store, output, &copy.path)?);
        }
        Ok(published)
    }

    fn recipe(&self) -> Result<Digest, StageError> {
        self.run.recipes.get(self.index).copied().ok_or_else(|| {
            StageError::failed("engine::not_ready", format!("`{}` has no recipe", self.stage.name))
        })
    }

    fn event(&self, kind: EventKind) {
        (self.tell)(Told::Event { attempt: self.attempt, cached: false, kind });
    }
}

/// The same file under its own name in `folder`, or beside it where another input has that name: programs tell the format
/// of a file by its name, and an object of the store has none.
fn linked(content: InputContent, folder: &Path, position: usize) -> io::Result<InputContent> {
    let (name, path) = match content {
        InputContent::File { name, path } if !name.is_empty() => (name, path),
        content => return Ok(content),
    };
    let link_in = |folder: &Path| {
        let link = folder.join(&name);
        std::os::unix::fs::symlink(&path, &link).map(|()| link)
    };
    let made = match link_in(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            fs_err::create_dir_all(folder)?;
            link_in(folder)
        }
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            let folder = folder.with_file_name(format!("inputs-{position}"));
            fs_err::create_dir_all(&folder)?;
            link_in(&folder)
        }
        made => made,
    };
    made.map(|path| InputContent::File { name, path })
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
        SourceContent::Folder(path) => {
            let path = std::path::absolute(path).unwrap_or_else(|_| path.clone());
            InputContent::Source(SourceContent::Folder(path))
        }
        set => InputContent::Source(set.clone()),
    }
}

/// How a stage sees what another stage made: under the name that it was given there.
pub(super) fn stored_content(path: &str, object: PathBuf) -> InputContent {
    let name = Path::new(path).file_name().map(|name| name.to_string_lossy().into_owned());
    InputContent::File { name: name.unwrap_or_default(), path: object }
}
