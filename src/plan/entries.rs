//! The `stages` section becomes a plan: entries become nodes, what they name becomes edges.

use super::{
    Plan,
    compile::{Bound, Compiler, Producer, wrong_kind},
    graph::{Link, Node},
};
use contract::{
    ArtifactKind, Config, Cores, Declared, Entry, InputPort, Issue, IssueKind, Registry, Source,
    SourceContent, Stage,
    config::{Inputs, StageEntry, Stages},
    layout, suggest,
};
use petgraph::{
    graph::NodeIndex,
    visit::{Dfs, Reversed},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
};

/// The mode word that asks for the `stages` section.
pub const STAGES: &str = "stages";

/// The stage that runs programs, and needs no `uses` beside a `command`.
const COMMAND: &str = "command";

/// Builds the plan of the `stages` section. `config_of` gives the configuration of each entry, with its `params` applied
/// where they are changes to it.
///
/// # Errors
/// Every mistake in the entries, and all that their stages have to say against the configuration.
pub fn compile_stages<'a>(
    stages: &Stages,
    registry: &Registry,
    config_of: &dyn Fn(&str) -> &'a Config,
) -> Result<Plan, Vec<Issue>> {
    if stages.is_empty() {
        let help =
            "add an entry for each stage: `stages: {NAME: {command: ..., inputs: [...], outputs: [...]}}`";
        return Err(vec![
            Issue::missing(STAGES, "`operation_mode: stages` runs the entries of this section")
                .with_help(help),
        ]);
    }
    let chain = Chain { stages, registry };
    let mut building = Building { chain: &chain, compiler: Compiler::default(), nodes: BTreeMap::new() };
    building.compiler.report(chain.mistakes());
    match chain.order() {
        Ok(order) => order.into_iter().for_each(|(name, spec)| building.add(name, spec, config_of(name))),
        Err(circle) => building.compiler.report([vec![circle], chain.undeclarable()].concat()),
    }
    building.compiler.plan(STAGES)
}

/// Whether the `params` of an entry are changes to the configuration, which is what a stage is configured by that an entry
/// does not declare, rather than values of its own.
#[must_use]
pub fn params_change_configuration(name: &str, spec: &StageEntry, registry: &Registry) -> bool {
    let declared = |stage: &dyn Stage| stage.declare(&Entry { name, spec }).is_some();
    !spec.params.is_empty() && registry.get(uses(spec)).is_some_and(|stage| !declared(stage))
}

pub(super) fn uses(spec: &StageEntry) -> &str {
    spec.uses.as_deref().unwrap_or(COMMAND)
}

/// The entries, before there is a graph.
struct Chain<'a> {
    stages: &'a Stages,
    registry: &'a Registry,
}

impl<'a> Chain<'a> {
    /// What can be said of each entry alone.
    fn mistakes(&self) -> Vec<Issue> {
        let entries = self.stages.iter();
        entries
            .flat_map(|(name, spec)| bad_name(name).into_iter().chain(self.bad_entry(name, spec)))
            .collect()
    }

    /// Limits that allow nothing.
    fn bad_limits(name: &str, spec: &StageEntry) -> Option<Issue> {
        let cores = spec.resources.as_ref().and_then(|resources| resources.cores);
        let message = "a stage needs at least one core".to_owned();
        (cores == Some(0)).then(|| Issue::invalid(key(name, "resources.cores"), message))
    }

    /// What stages have to say against entries that cannot become nodes.
    fn undeclarable(&self) -> Vec<Issue> {
        let declare = |(name, spec): (&String, &StageEntry)| {
            let declared = self.registry.get(uses(spec))?.declare(&Entry { name, spec })?;
            declared.err().map(|issues| located(name, issues))
        };
        self.stages.iter().filter_map(declare).flatten().collect()
    }

    fn bad_entry(&self, name: &str, spec: &StageEntry) -> Vec<Issue> {
        let mut issues: Vec<Issue> = Self::bad_limits(name, spec).into_iter().collect();
        let known: Vec<&str> = self.registry.iter().map(Stage::name).collect();
        if !known.contains(&uses(spec)) {
            let (key, found) = (key(name, "uses"), uses(spec));
            let message = format!("there is no stage `{found}`");
            issues.push(Issue::invalid(key, message).with_help(suggest::help(found, "stages", &known)));
        }
        let names: Vec<&str> = self.stages.keys().map(String::as_str).collect();
        for (position, needed) in spec.needs.iter().enumerate() {
            let key = key(name, &format!("needs[{position}]"));
            if !self.stages.contains_key(needed) {
                let help = suggest::help(needed, "stages of this file", &names);
                issues
                    .push(Issue::invalid(key, format!("there is no stage `{needed}` here")).with_help(help));
            }
        }
        issues
    }

    /// The stage and its output that an input names: `STAGE/OUTPUT`. A path whose first part is a folder and a stage's
    /// name as well is meant as the folder when it starts with `./`.
    fn reference<'t>(&self, input: &'t str) -> Option<(&'t str, &'t str)> {
        input.split_once('/').filter(|(stage, _)| self.stages.contains_key(*stage))
    }

    /// The entries that an entry waits for, by position.
    fn waits_for(&self, spec: &StageEntry) -> BTreeSet<usize> {
        let read = spec.inputs.0.values().filter_map(|input| Some(self.reference(input)?.0));
        let needed = spec.needs.iter().map(String::as_str);
        read.chain(needed).filter_map(|name| self.stages.get_index_of(name)).collect()
    }

    /// The entries, each behind all that it waits for, otherwise as the file has them.
    fn order(&self) -> Result<Vec<(&'a str, &'a StageEntry)>, Issue> {
        let mut waiting: Vec<BTreeSet<usize>> =
            self.stages.values().map(|spec| self.waits_for(spec)).collect();
        let mut followers: Vec<Vec<usize>> = vec![Vec::new(); waiting.len()];
        for (follower, others) in waiting.iter().enumerate() {
            others.iter().for_each(|other| followers[*other].push(follower));
        }
        let mut ready: BTreeSet<usize> =
            (0..waiting.len()).filter(|index| waiting[*index].is_empty()).collect();
        let mut order = Vec::new();
        while let Some(next) = ready.pop_first() {
            order.extend(self.stages.get_index(next).map(|(name, spec)| (name.as_str(), spec)));
            for &follower in &followers[next] {
                waiting[follower].remove(&next);
                if waiting[follower].is_empty() {
                    ready.insert(follower);
                }
            }
        }
        if order.len() == waiting.len() { Ok(order) } else { Err(self.circle(&waiting)) }
    }

    /// A circle among entries of which each waits for another one of them.
    fn circle(&self, waiting: &[BTreeSet<usize>]) -> Issue {
        let name = |index: &usize| self.stages.get_index(*index).map_or("", |(name, _)| name.as_str());
        let mut path: Vec<usize> = waiting.iter().position(|others| !others.is_empty()).into_iter().collect();
        loop {
            let next = path.last().and_then(|last| waiting[*last].first().copied());
            let Some(next) = next else { break };
            if let Some(start) = path.iter().position(|known| *known == next) {
                path.drain(..start);
                break;
            }
            path.push(next);
        }
        let first = path.first().map_or("", name);
        let names = path.iter().skip(1).map(name).chain([first]).map(|name| format!("`{name}`"));
        let message = match path.len() {
            1 => format!("`{first}` waits for itself"),
            _ => format!("`{first}` waits for {}", names.collect::<Vec<_>>().join(", which waits for ")),
        };
        let help = "remove one of their `inputs` or `needs`: a chain has a beginning";
        Issue::new(IssueKind::Conflict, format!("{STAGES}.{first}"), message).with_help(help)
    }
}

/// What is wrong with a name: it is a folder in the run folder and a part of references.
fn bad_name(name: &str) -> Option<Issue> {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    let reserved = [layout::SAVED_MODELS, layout::LOGS, layout::QUANTIZED_MODELS, layout::STAGE];
    let problem = if reserved.contains(&name) {
        "is the name of a folder in the run folder"
    } else if name.chars().all(plain) && name.starts_with(|c: char| c.is_ascii_alphabetic()) {
        return None;
    } else {
        "has something else in it than letters, digits, `_` and `-`, or no letter in front"
    };
    let key =
        if name.contains(['.', '[']) { format!("{STAGES}[\"{name}\"]") } else { format!("{STAGES}.{name}") };
    Some(Issue::invalid(key, format!("`{name}` is no name for a stage: it {problem}")))
}

fn key(name: &str, rest: &str) -> String {
    format!("{STAGES}.{name}.{rest}")
}

/// Issues of a stage, whose keys are relative to the entry.
fn located(name: &str, issues: Vec<Issue>) -> Vec<Issue> {
    issues.into_iter().map(|issue| Issue { key: key(name, &issue.key), ..issue }).collect()
}

/// The plan in the making.
struct Building<'a> {
    chain: &'a Chain<'a>,
    compiler: Compiler,
    /// The node of each entry so far.
    nodes: BTreeMap<String, NodeIndex>,
}

impl Building<'_> {
    fn add(&mut self, name: &str, spec: &StageEntry, config: &Config) {
        let Some(stage) = self.chain.registry.get(uses(spec)) else { return };
        let upstream: Vec<NodeIndex> = {
            let positions = self.chain.waits_for(spec).into_iter();
            let names = positions.filter_map(|position| Some(self.chain.stages.get_index(position)?.0));
            names.filter_map(|name| self.nodes.get(name).copied()).collect()
        };
        let (work, bound) = match stage.declare(&Entry { name, spec }) {
            Some(Ok(mut work)) => {
                let bound = self.bind_declared(name, spec, stage, &mut work);
                (work, bound)
            }
            Some(Err(issues)) => {
                self.compiler.report(located(name, issues));
                return;
            }
            None => {
                self.compiler.report(foreign_keys(name, spec, stage));
                let work = self.compiler.projected(stage, config);
                let bound = self.bind_named(name, spec, stage, &work.inputs);
                let above = self.above(&upstream);
                let offers = |node| above.contains(&node);
                let told = self.compiler.issues();
                let bound = self.compiler.bind_all(stage, &work.inputs, config, offers, bound);
                self.compiler.amend(told, |issue| unbound_entry(name, issue));
                (work, bound)
            }
        };
        let node = self.compiler.add(stage, name.to_owned(), work, bound);
        for before in upstream {
            if !self.compiler.graph.contains_edge(before, node) {
                self.compiler.graph.add_edge(before, node, Link::Order);
            }
        }
        self.limit(node, spec);
        self.nodes.insert(name.to_owned(), node);
    }

    /// Everything that the nodes wait for, themselves included.
    fn above(&self, nodes: &[NodeIndex]) -> BTreeSet<NodeIndex> {
        let mut above = BTreeSet::new();
        for &node in nodes {
            let graph = Reversed(&self.compiler.graph);
            let mut search = Dfs::new(graph, node);
            while let Some(found) = search.next(graph) {
                above.insert(found);
            }
        }
        above
    }

    /// The ports of a declared stage: inputs that the entry names, and the stage's own sources.
    fn bind_declared(
        &mut self,
        name: &str,
        spec: &StageEntry,
        stage: &dyn Stage,
        work: &mut Declared,
    ) -> Vec<Bound> {
        let mut bound = self.bind_named(name, spec, stage, &work.inputs);
        for (port, source) in std::mem::take(&mut work.sources) {
            let producer = self.compiler.source(source);
            bound.push((port, producer));
        }
        bound
    }

    /// The inputs that the entry names.
    fn bind_named(
        &mut self,
        name: &str,
        spec: &StageEntry,
        stage: &dyn Stage,
        ports: &[InputPort],
    ) -> Vec<Bound> {
        let mut bound = Vec::new();
        for (port, input) in &spec.inputs.0 {
            let key = key(name, &Inputs::key(port));
            let Some(port) = ports.iter().find(|known| known.name == *port) else {
                self.compiler.report(vec![no_such_port(stage, port, ports, key)]);
                continue;
            };
            match self.producer(input, &key) {
                // Made by an entry with mistakes of its own.
                Ok(None) => {}
                Ok(Some(producer)) if port.accepts.contains(&producer.kind) => {
                    bound.push((port.name.clone().into_owned(), producer));
                }
                Ok(Some(producer)) => {
                    self.compiler.report(vec![wrong_kind(stage.name(), port, producer.kind, &key)]);
                }
                Err(issue) => self.compiler.report(vec![issue]),
            }
        }
        bound
    }

    /// What an input names: an output of another entry, or a file or folder from outside. Nothing of an entry that has no
    /// node, since there are mistakes in it.
    fn producer(&mut self, input: &str, key: &str) -> Result<Option<Producer>, Issue> {
        let Some((stage, output)) = self.chain.reference(input) else {
            let source = self.outside(input, key)?;
            return Ok(Some(self.compiler.source(source)));
        };
        let Some(node) = self.nodes.get(stage) else { return Ok(None) };
        let made: Vec<&Producer> = self.compiler.made_by(*node).collect();
        if let Some(found) = made.iter().find(|producer| producer.output.as_deref() == Some(output)) {
            return Ok(Some((*found).clone()));
        }
        let outputs: Vec<&str> = made.iter().filter_map(|producer| producer.output.as_deref()).collect();
        let message = format!("`{stage}` has no output `{output}`");
        let help = match outputs.is_empty() {
            true => format!("it has no outputs; a file in a folder of that name is written `./{input}`"),
            false => suggest::help(output, "its outputs", &outputs),
        };
        Err(Issue::invalid(key, message).with_help(help))
    }

    fn outside(&self, input: &str, key: &str) -> Result<Source, Issue> {
        let path = PathBuf::from(input);
        let content = match fs_err::metadata(&path) {
            Ok(found) if found.is_dir() => SourceContent::Folder(path.clone()),
            Ok(_) => SourceContent::File(path.clone()),
            Err(_) => return Err(self.not_there(input, key)),
        };
        let kind = ArtifactKind::of_file(&path);
        let label = input.to_owned();
        Ok(Source { kind, label, key: key.to_owned(), content, findings: Vec::new() })
    }

    fn not_there(&self, input: &str, key: &str) -> Issue {
        let resolved = std::path::absolute(input).unwrap_or_else(|_| PathBuf::from(input));
        let issue =
            Issue::new(IssueKind::Path, key, format!("the input `{}` does not exist", resolved.display()));
        let meant = input.split_once('/').and_then(|(stage, output)| {
            let name = suggest::nearest(stage, self.chain.stages.keys().map(String::as_str))?;
            Some(format!("did you mean `{name}/{output}`, an output of the stage `{name}`?"))
        });
        match meant {
            Some(help) => issue.with_help(help),
            None => issue.with_help("an output of another stage is written STAGE/OUTPUT"),
        }
    }

    /// What the entry says of the machine and of failures.
    fn limit(&mut self, node: NodeIndex, spec: &StageEntry) {
        let Some(Node::Stage(stage)) = self.compiler.graph.node_weight_mut(node) else { return };
        stage.timeout = spec.timeout.map(|span| span.0);
        stage.retries = spec.retries;
        let Some(wanted) = &spec.resources else { return };
        if let Some(cores) = wanted.cores {
            stage.resources.cores = Cores::Count(usize::from(cores));
        }
        if let Some(memory) = wanted.memory {
            stage.resources.memory = memory.0;
        }
        if let Some(exclusive) = wanted.exclusive {
            stage.resources.exclusive = exclusive;
        }
    }
}

/// A model that no key names is missed by an entry, which may have meant another entry's.
fn unbound_entry(name: &str, issue: Issue) -> Issue {
    if issue.kind != IssueKind::Missing || issue.key != "general.model_path" {
        return issue;
    }
    let help = "name the stage that makes it in `needs`, or write `inputs: {model: STAGE/OUTPUT}`; or name a file in \
                `general.model_path`";
    let message = format!("`{name}` has no model to start from: nothing that it waits for makes one");
    Issue::new(IssueKind::Missing, format!("{STAGES}.{name}"), message).with_help(help)
}

/// Keys of an entry that only a command has.
fn foreign_keys(name: &str, spec: &StageEntry, stage: &dyn Stage) -> Vec<Issue> {
    let outputs = stage.outputs().iter().map(|port| port.name.as_ref()).collect::<Vec<_>>().join(", ");
    let given = [
        ("command", spec.command.is_some(), "it is a stage of this program".to_owned()),
        ("outputs", !spec.outputs.is_empty(), format!("its outputs are: {outputs}")),
        ("environment", !spec.environment.is_empty(), "it reads no environment variables".to_owned()),
    ];
    let issue = |(what, _, why): &(&str, bool, String)| {
        let message = format!("`{}` has no `{what}`: {why}", stage.name());
        Issue::new(IssueKind::Conflict, key(name, what), message)
            .with_help(format!("remove it, or write `uses: {COMMAND}`"))
    };
    given.iter().filter(|(_, given, _)| *given).map(issue).collect()
}

fn no_such_port(stage: &dyn Stage, port: &str, ports: &[InputPort], key: String) -> Issue {
    let names: Vec<&str> = ports.iter().map(|port| port.name.as_ref()).collect();
    let message = format!("`{}` has no input `{port}`", stage.name());
    let help = suggest::help(port, "write `inputs: {NAME: FILE}`; its inputs", &names);
    Issue::invalid(key, message).with_help(help)
}
