//! Everything that can be known before hours of work.

use super::{Capacity, Failure, capacity::Claim, machine, task};
use crate::{
    plan::{Binding, PerNode, Plan, StageNode, StageState, keys, keys::Sources},
    report::bytes,
    store::{Digest, InputKey, Manifest, Store, StoreError, free_space},
};
use contract::{Demand, Finding, Input, Machine, Preflight, Registry, Severity, SourceContent, Stage};
use petgraph::graph::NodeIndex;
use std::{
    collections::BTreeMap,
    io,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

/// The code of a damaged stored result.
const DAMAGE: &str = "store::corrupt";

/// Version of the checks: grows whenever a stage's preflight looks at more than before, since what was found clean then may
/// not be now.
const CHECKS: u32 = 1;

/// A check that finds nothing in less time is not remembered.
const WORTH_REMEMBERING: Duration = Duration::from_millis(1);

/// What preflight looks at.
pub struct Preflighting<'a> {
    /// The plan.
    pub plan: &'a Plan,
    /// The stages' implementations.
    pub registry: &'a Registry,
    /// Content of the sources.
    pub sources: &'a Sources,
    /// What the store has already.
    pub states: &'a PerNode<StageState>,
    /// The store.
    pub store: &'a Store,
    /// Where the run folder will be.
    pub run_folder: &'a Path,
    /// What its stages may hold of the machine.
    pub capacity: Capacity,
    /// Whether errors of one sort are all listed.
    pub list_all: bool,
}

/// A finding and where it belongs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Located {
    /// The stage; none for the sources and the run as a whole.
    pub stage: Option<String>,
    /// What was found.
    pub finding: Finding,
}

/// Checks every stage that will run, the machine, and the folders to be written. All findings in one report, in plan
/// order.
///
/// # Errors
/// When settings cannot be part of a key.
pub fn preflight(look: &Preflighting<'_>) -> Result<Vec<Located>, StoreError> {
    let mut found = Vec::new();
    for (_, source) in look.plan.sources() {
        found.extend(source.findings.iter().cloned().map(|finding| Located { stage: None, finding }));
    }
    let unsound = look.unsound();
    found.extend(unsound.values().cloned());
    let machine = Machine { memory: machine::available_memory().unwrap_or(u64::MAX) };
    let mut demands = Vec::new();
    for (index, stage) in look.plan.stages() {
        let Some(implementation) = look.registry.get(stage.stage) else { continue };
        let locate = |finding| Located { stage: Some(stage.name.clone()), finding };
        let digest = look.verdict_digest(index, stage)?;
        let remembered = look.store.verdict(&digest);
        let Some(inputs) = look.inputs_of_running(index, &unsound) else {
            // Nothing will be read for work that is stored; what its check found belongs to its result all the same.
            found.extend(remembered.unwrap_or_default().into_iter().map(locate));
            continue;
        };
        let question = look.question(stage, inputs);
        let findings = match remembered {
            Some(findings) => findings,
            None => look.check(index, implementation, &question, &digest),
        };
        found.extend(findings.into_iter().map(locate));
        let demand = implementation.demand(&question, &machine);
        found.extend(demand.findings.iter().cloned().map(locate));
        demands.push((stage, demand));
    }
    found.extend(demands.iter().filter_map(|(stage, _)| claimed_memory(stage)));
    found.extend(look.memory(&demands));
    found.extend(look.disk(&demands, &unsound));
    found.extend(look.folders());
    found.extend(look.copies());
    Ok(without_repetition(found))
}

impl Preflighting<'_> {
    /// The stored result of a stage, sound or not.
    fn stored(&self, index: NodeIndex) -> Option<&Manifest> {
        self.states.get(index).and_then(StageState::hit)
    }

    /// What a verdict on a stage depends on: the stage, its settings, and the content of the inputs that exist.
    fn verdict_digest(&self, index: NodeIndex, stage: &StageNode) -> Result<Digest, StoreError> {
        let mut inputs: BTreeMap<String, InputKey> = BTreeMap::new();
        for binding in self.plan.bindings(index) {
            if let Some(key) = keys::input_key(&binding, self.sources, &|node| self.stored(node))? {
                inputs.insert(binding.edge.port, key);
            }
        }
        Digest::of_value(&("preflight", CHECKS, stage.stage, stage.version, &stage.settings, inputs))
    }

    /// The stored results that stages which will run are to read and that cannot be read, with what to tell of each. One
    /// that is damaged is made again, so its stage will run too, and what that reads is looked at in turn: plan order
    /// backwards, as every stage stands behind what it reads.
    fn unsound(&self) -> PerNode<Located> {
        let mut unsound = PerNode::default();
        let indices: Vec<NodeIndex> = self.plan.stages().map(|(index, _)| index).collect();
        for index in indices.into_iter().rev() {
            if self.hit(index, &unsound).is_some() {
                continue;
            }
            for Binding { producer, edge } in self.plan.bindings(index) {
                let Some(manifest) = self.hit(producer, &unsound) else { continue };
                let output = keys::output(manifest, edge.output.as_deref().unwrap_or_default());
                let Err(error) = output.and_then(|output| self.store.verify(&output.digest)) else {
                    continue;
                };
                let finding = if error.is_damage() {
                    Finding::warning(DAMAGE, format!("{error}; what made it runs again"))
                } else {
                    trouble(error)
                };
                let stage = Some(self.plan.name(producer).to_owned());
                unsound.insert(producer, Located { stage, finding });
            }
        }
        unsound
    }

    /// The stored result of a stage, if it can be used.
    fn hit(&self, index: NodeIndex, unsound: &PerNode<Located>) -> Option<&Manifest> {
        self.stored(index).filter(|_| unsound.get(index).is_none())
    }

    /// The inputs that exist of a stage that will run: its sources, and stored results that are sound. None for a stage
    /// whose result is stored.
    fn inputs_of_running(
        &self,
        index: NodeIndex,
        unsound: &PerNode<Located>,
    ) -> Option<BTreeMap<String, Input>> {
        if self.hit(index, unsound).is_some() {
            return None;
        }
        let bindings = self.plan.bindings(index).into_iter();
        let inputs = bindings.filter_map(|Binding { producer, edge }| {
            let content = match (self.plan.source(producer), self.hit(producer, unsound)) {
                (Some(source), _) => task::source_content(&source.content),
                (None, Some(manifest)) => {
                    let output = manifest.outputs.get(edge.output.as_deref().unwrap_or_default())?;
                    task::stored_content(&output.path, self.store.object_path(&output.digest))
                }
                (None, None) => return None,
            };
            Some((edge.port, Input { kind: edge.kind, content }))
        });
        Some(inputs.collect())
    }

    fn question(&self, stage: &StageNode, inputs: BTreeMap<String, Input>) -> Preflight {
        Preflight {
            settings: stage.settings.clone(),
            inputs,
            threads: self.capacity.claim(&stage.resources).cores,
            list_all: self.list_all,
        }
    }

    /// The stage's own check. A clean one is remembered if it saw all that its digest covers, since it depends on nothing
    /// else; but for one that is done again sooner than it is read back.
    fn check(
        &self,
        index: NodeIndex,
        implementation: &dyn Stage,
        question: &Preflight,
        digest: &Digest,
    ) -> Vec<Finding> {
        let started = Instant::now();
        let findings = implementation.preflight(question);
        let is_there = |binding: &Binding| {
            let producer = binding.producer;
            self.sources.get(producer).is_some() || self.stored(producer).is_some()
        };
        let is_worth_it = !findings.is_empty() || started.elapsed() >= WORTH_REMEMBERING;
        let bindings = self.plan.bindings(index);
        let saw_all = || bindings.iter().filter(|binding| is_there(binding)).count() == question.inputs.len();
        if is_worth_it && saw_all() {
            // Not to remember costs a check the next time, no more.
            if let Err(error) = self.store.save_verdict(digest, &findings) {
                tracing::warn!(%error, "a preflight is not remembered");
            }
        }
        findings
    }

    /// The stages that may work at one time must fit into memory together. A stage that says itself that it cannot run
    /// here knows the remedy better, so then this adds nothing. What an entry claims with `resources.memory` is given out
    /// by the scheduler, and not looked at here.
    fn memory(&self, demands: &[(&StageNode, Demand)]) -> Option<Located> {
        let available = machine::available_memory()?;
        let refuses = |finding: &Finding| finding.severity == Severity::Error;
        if demands.iter().any(|(_, demand)| demand.findings.iter().any(refuses)) {
            return None;
        }
        let mut all: Vec<&(&StageNode, Demand)> =
            demands.iter().filter(|(_, demand)| demand.memory > 0).collect();
        all.sort_by_key(|(_, demand)| std::cmp::Reverse(demand.memory));
        let mut claims: Vec<Claim> = Vec::new();
        let mut largest = Vec::new();
        for (stage, demand) in all {
            claims.push(self.capacity.claim(&stage.resources));
            match self.capacity.has_room_for(&claims) {
                true => largest.push((&stage.name, demand)),
                false => drop(claims.pop()),
            }
        }
        let needed: u64 = largest.iter().map(|(_, demand)| demand.memory).sum();
        if needed <= available {
            return None;
        }
        let names = largest.iter().map(|(name, _)| format!("`{name}`")).collect::<Vec<_>>().join(" and ");
        let help = match largest.len() {
            1 => "make the batch, the input size or the model smaller, or end other programs",
            _ => "run with a smaller --jobs, or end other programs",
        };
        let message =
            format!("{names} need about {} of memory, and {} can be had", bytes(needed), bytes(available));
        let finding = Finding::error("machine::memory", message).with_help(help);
        Some(Located {
            stage: largest.first().filter(|_| largest.len() == 1).map(|(name, _)| (*name).clone()),
            finding,
        })
    }

    /// Results go into the store and, copied, into the run folder; stored ones only there.
    fn disk(&self, demands: &[(&StageNode, Demand)], unsound: &PerNode<Located>) -> Vec<Located> {
        let made: u64 = demands.iter().map(|(_, demand)| demand.disk).sum();
        let hits = self.plan.stages().filter_map(|(index, _)| self.hit(index, unsound));
        let stored: u64 = hits.flat_map(|manifest| &manifest.files).map(|file| file.size).sum();
        let places =
            [("the store", self.store.root(), made), ("the run folder", self.run_folder, made + stored)];
        let shared = machine::file_system(places[0].1) == machine::file_system(places[1].1);
        let mut found = Vec::new();
        for (what, path, needed) in places {
            let needed = if shared { 2 * made + stored } else { needed };
            let free = match free_space(path) {
                Ok(free) => free,
                Err(error) => {
                    found.push(Located { stage: None, finding: trouble(error) });
                    continue;
                }
            };
            if needed > free {
                let message = format!(
                    "this run needs about {} on the disk of {what} (`{}`), and {} are free",
                    bytes(needed),
                    path.display(),
                    bytes(free)
                );
                let help = "free some space, or put the store (PIPELINE_CACHE_DIR) and the run folder (hydra.run.dir) \
                            on another disk";
                let finding = Finding::error("machine::disk", message).with_help(help);
                found.push(Located { stage: None, finding });
            }
            if shared {
                break;
            }
        }
        found
    }

    /// Makes and removes something in both places, which is the only sure way to know.
    fn folders(&self) -> Vec<Located> {
        let store = self.store.attempt().err().map(trouble);
        let findings = store.into_iter().chain(self.run_folder_finding());
        findings.map(|finding| Located { stage: None, finding }).collect()
    }

    /// Places outside of the run folder for outputs: each can be written, has one output, and is not read by this plan.
    fn copies(&self) -> Vec<Located> {
        let mut found = Vec::new();
        let mut taken: BTreeMap<PathBuf, &str> = BTreeMap::new();
        for (_, stage) in self.plan.stages() {
            for copy in &stage.copies {
                let (key, path, place) = (&copy.key, copy.path.display(), identity(&copy.path));
                let reads = self.plan.sources().find(|(_, source)| match &source.content {
                    SourceContent::File(file) => identity(file) == place,
                    _ => false,
                });
                let finding = if let Some(other) = taken.insert(place.clone(), &stage.name) {
                    let message =
                        format!("`{other}` and `{}` would both write `{path}` (`{key}`)", stage.name);
                    let help = "give each a file of its own, or leave the key out: all models are in their run folders";
                    Finding::error("record::copy_clash", message).with_help(help)
                } else if let Some((_, source)) = reads {
                    let message =
                        format!("`{key}` would overwrite `{path}`, which this run reads (`{}`)", source.key);
                    Finding::error("record::copy_clash", message).with_help("name another file")
                } else if copy.path.is_dir() {
                    let message = format!("`{key}` is to be a file, and `{}` is a folder", place.display());
                    Finding::error("record::copy", message).with_help("name a file in it")
                } else if let Err((folder, error)) = probe(&copy.path) {
                    let message = format!(
                        "the file `{}` of `{key}` cannot be made: `{}` cannot be written ({})",
                        place.display(),
                        folder.display(),
                        error.kind()
                    );
                    Finding::error("record::copy", message)
                        .with_help("make the folder writable, or name a file elsewhere")
                } else {
                    continue;
                };
                found.push(Located { stage: Some(stage.name.clone()), finding });
            }
        }
        found
    }

    fn run_folder_finding(&self) -> Option<Finding> {
        let (folder, error) = probe(self.run_folder).err()?;
        let message = format!(
            "the run folder `{}` cannot be made: `{}` cannot be written ({error})",
            self.run_folder.display(),
            folder.display()
        );
        let help = "make the folder writable, or put the run folder elsewhere with hydra.run.dir=FOLDER";
        Some(Finding::error("record::read_only", message).with_help(help))
    }
}

/// A file by what it is, whether or not it is there yet: `./a.h5` and `a.h5` are one.
fn identity(path: &Path) -> PathBuf {
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let folder = absolute.parent().and_then(|folder| fs_err::canonicalize(folder).ok());
    match (fs_err::canonicalize(&absolute), folder, absolute.file_name()) {
        (Ok(there), ..) => there,
        (Err(_), Some(folder), Some(name)) => folder.join(name),
        _ => absolute,
    }
}

/// A stage that claims more memory than the machine has can never have it.
fn claimed_memory(stage: &StageNode) -> Option<Located> {
    let claimed = Some(stage.resources.memory).filter(|claimed| *claimed > 0)?;
    let total = machine::total_memory().filter(|total| claimed > *total)?;
    let message = format!(
        "`{}` claims {} of memory, and this machine has {}",
        stage.name,
        bytes(claimed),
        bytes(total)
    );
    let help = format!(
        "lower `stages.{}.resources.memory` to what it really needs, or run it on a machine with more",
        stage.name
    );
    let finding = Finding::error("machine::memory", message).with_help(help);
    Some(Located { stage: Some(stage.name.clone()), finding })
}

/// A store that does not do what it must stops the run, but hides nothing else that was found.
fn trouble(error: StoreError) -> Finding {
    let Failure { code, message, help, .. } = error.into();
    Finding { severity: Severity::Error, code, message, help }
}

/// Whether the nearest parent that exists takes something new.
fn probe(path: &Path) -> Result<(), (PathBuf, io::Error)> {
    let absolute = std::path::absolute(path).map_err(|error| (path.to_owned(), error))?;
    let existing = absolute.ancestors().skip(1).find(|folder| folder.exists()).unwrap_or(Path::new("/"));
    let probe = tempfile::Builder::new().prefix(".pipeline-probe-").tempdir_in(existing);
    probe.and_then(tempfile::TempDir::close).map_err(|error| (existing.to_owned(), error))
}

/// Each finding once: two evaluations of one set find the same.
fn without_repetition(found: Vec<Located>) -> Vec<Located> {
    let mut kept: Vec<Located> = Vec::with_capacity(found.len());
    for located in found {
        if kept.iter().all(|other| other.finding != located.finding) {
            kept.push(located);
        }
    }
    kept
}

/// Whether anything found stops the run.
#[must_use]
pub fn stops(found: &[Located]) -> bool {
    found.iter().any(|located| located.finding.severity == Severity::Error)
}
