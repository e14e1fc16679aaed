//! Everything that can be known before hours of work.

use super::{machine, task};
use crate::{
    plan::{Binding, Plan, StageNode, StageState, Status, keys, keys::Sources},
    report::bytes,
    store::{Digest, InputKey, Manifest, Store, StoreError, free_space},
};
use contract::{Demand, Finding, Input, Machine, Preflight, Registry, Severity, Stage};
use petgraph::graph::NodeIndex;
use std::{
    collections::BTreeMap,
    io,
    path::{Path, PathBuf},
};

/// What preflight looks at.
pub struct Preflighting<'a> {
    /// The plan.
    pub plan: &'a Plan,
    /// The stages' implementations.
    pub registry: &'a Registry,
    /// Content of the sources.
    pub sources: &'a Sources,
    /// What the store has already.
    pub states: &'a BTreeMap<NodeIndex, StageState>,
    /// The store.
    pub store: &'a Store,
    /// Where the run folder will be.
    pub run_folder: &'a Path,
    /// Stages that work at a time.
    pub jobs: usize,
    /// Worker threads of a stage.
    pub threads: usize,
}

/// A finding and where it belongs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Located {
    /// The stage; none for the sources and the run as a whole.
    pub stage: Option<String>,
    /// What was found.
    pub finding: Finding,
}

/// Checks every stage, the machine, and the folders to be written. All findings in one report, in plan order.
///
/// # Errors
/// When the store cannot be read or written.
pub fn preflight(look: &Preflighting<'_>) -> Result<Vec<Located>, StoreError> {
    let mut found = Vec::new();
    for (_, source) in look.plan.sources() {
        found.extend(source.findings.iter().cloned().map(|finding| Located { stage: None, finding }));
    }
    let mut demands = Vec::new();
    for (index, stage) in look.plan.stages() {
        let Some(implementation) = look.registry.get(stage.stage) else { continue };
        let inputs = look.inputs(index, &mut found)?;
        let locate = |finding| Located { stage: Some(stage.name.clone()), finding };
        found.extend(look.check(stage, implementation, &inputs)?.into_iter().map(locate));
        let runs = !matches!(look.states.get(&index).map(|state| &state.status), Some(Status::Hit(_)));
        if runs {
            let demand = look.demand(stage, implementation, &inputs);
            found.extend(demand.findings.iter().cloned().map(locate));
            demands.push((stage.name.clone(), demand));
        }
    }
    found.extend(look.memory(&demands));
    found.extend(look.disk(&demands)?);
    found.extend(look.folders()?);
    Ok(without_repetition(found))
}

/// An input that exists already, and what it is in a key.
struct Existing {
    key: InputKey,
    input: Input,
}

impl Preflighting<'_> {
    /// The inputs of a stage that exist: its sources, and stored results that are sound. One that is damaged is not there;
    /// it is made again when the run gets to it.
    fn inputs(
        &self,
        index: NodeIndex,
        found: &mut Vec<Located>,
    ) -> Result<BTreeMap<String, Existing>, StoreError> {
        let mut inputs = BTreeMap::new();
        for binding in self.plan.bindings(index) {
            match self.input(&binding) {
                Ok(Some(existing)) => {
                    inputs.insert(binding.edge.port.to_owned(), existing);
                }
                Ok(None) => {}
                Err(error) if error.is_damage() => {
                    let finding =
                        Finding::warning("store::corrupt", format!("{error}; what made it runs again"));
                    let producer = self.plan.name(binding.producer).to_owned();
                    // Who looks next finds it missing: the same damage.
                    let told = |located: &Located| {
                        located.finding.code == finding.code && located.stage.as_ref() == Some(&producer)
                    };
                    if !found.iter().any(told) {
                        found.push(Located { stage: Some(producer), finding });
                    }
                }
                Err(error) => return Err(error),
            }
        }
        Ok(inputs)
    }

    fn input(&self, binding: &Binding) -> Result<Option<Existing>, StoreError> {
        let Binding { producer, edge } = binding;
        let mut results: BTreeMap<NodeIndex, &Manifest> = BTreeMap::new();
        let content =
            match (self.plan.source(*producer), self.states.get(producer).map(|state| &state.status)) {
                (Some(source), _) => task::source_content(&source.content),
                (None, Some(Status::Hit(manifest))) => {
                    let output = keys::output(manifest, edge.output.unwrap_or_default())?;
                    self.store.verify(&output.digest)?;
                    results.insert(*producer, manifest);
                    task::stored_content(&output.path, self.store.object_path(&output.digest))
                }
                (None, _) => return Ok(None),
            };
        let key = keys::input_key(binding, self.sources, &results)?;
        Ok(key.map(|key| Existing { key, input: Input { kind: edge.kind, content } }))
    }

    /// The stage's own check; a clean one is remembered, since it depends on nothing but what its digest covers.
    fn check(
        &self,
        stage: &StageNode,
        implementation: &dyn Stage,
        inputs: &BTreeMap<String, Existing>,
    ) -> Result<Vec<Finding>, StoreError> {
        let keys: BTreeMap<&str, &InputKey> =
            inputs.iter().map(|(port, input)| (port.as_str(), &input.key)).collect();
        let digest = Digest::of_value(&("preflight", stage.stage, stage.version, &stage.settings, keys))?;
        if let Some(findings) = self.store.verdict(&digest) {
            return Ok(findings);
        }
        let findings = implementation.preflight(&self.question(stage, inputs));
        self.store.save_verdict(&digest, &findings)?;
        Ok(findings)
    }

    fn demand(
        &self,
        stage: &StageNode,
        implementation: &dyn Stage,
        inputs: &BTreeMap<String, Existing>,
    ) -> Demand {
        let machine = Machine { memory: machine::available_memory().unwrap_or(u64::MAX) };
        implementation.demand(&self.question(stage, inputs), &machine)
    }

    fn question(&self, stage: &StageNode, inputs: &BTreeMap<String, Existing>) -> Preflight {
        Preflight {
            settings: stage.settings.clone(),
            inputs: inputs.iter().map(|(port, existing)| (port.clone(), existing.input.clone())).collect(),
            threads: self.threads,
        }
    }

    /// The stages that may work at one time must fit into memory together. A stage that says itself that it cannot run
    /// here knows the remedy better, so then this adds nothing.
    fn memory(&self, demands: &[(String, Demand)]) -> Option<Located> {
        let available = machine::available_memory()?;
        let refuses = |finding: &Finding| finding.severity == Severity::Error;
        if demands.iter().any(|(_, demand)| demand.findings.iter().any(refuses)) {
            return None;
        }
        let mut largest: Vec<&(String, Demand)> =
            demands.iter().filter(|(_, demand)| demand.memory > 0).collect();
        largest.sort_by_key(|(_, demand)| std::cmp::Reverse(demand.memory));
        largest.truncate(self.jobs);
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
            stage: largest.first().filter(|_| largest.len() == 1).map(|(name, _)| name.clone()),
            finding,
        })
    }

    /// Results go into the store and, copied, into the run folder.
    fn disk(&self, demands: &[(String, Demand)]) -> Result<Vec<Located>, StoreError> {
        let needed: u64 = demands.iter().map(|(_, demand)| demand.disk).sum();
        let places = [("the store", self.store.root()), ("the run folder", self.run_folder)];
        let shared = machine::file_system(places[0].1) == machine::file_system(places[1].1);
        let mut found = Vec::new();
        for (what, path) in places {
            let needed = if shared { 2 * needed } else { needed };
            let free = free_space(path)?;
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
        Ok(found)
    }

    /// Makes and removes something in both places, which is the only sure way to know.
    fn folders(&self) -> Result<Option<Located>, StoreError> {
        drop(self.store.attempt()?);
        let Err((folder, error)) = probe(self.run_folder) else { return Ok(None) };
        let message = format!(
            "the run folder `{}` cannot be made: `{}` cannot be written ({error})",
            self.run_folder.display(),
            folder.display()
        );
        let finding = Finding::error("record::read_only", message)
            .with_help("make the folder writable, or put the run folder elsewhere with hydra.run.dir=FOLDER");
        Ok(Some(Located { stage: None, finding }))
    }
}

/// Whether the nearest parent that exists takes a new folder.
fn probe(run_folder: &Path) -> Result<(), (PathBuf, io::Error)> {
    let absolute = std::path::absolute(run_folder).map_err(|error| (run_folder.to_owned(), error))?;
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
