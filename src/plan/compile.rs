//! Stages become nodes, ports become edges.

use super::{
    Word,
    graph::{Edge, Link, Node, Plan, StageNode},
    host,
};
use contract::{
    ArtifactKind, Config, Declared, InputPort, Issue, IssueKind, OutputPort, Settings, Source, SourceContent,
    Stage,
};
use petgraph::graph::{DiGraph, NodeIndex};
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

/// Builds the plan of `word`, whose stages are `stages` in order.
///
/// # Errors
/// Everything that any stage has to say against the configuration, each mistake once.
pub fn compile(word: &Word, stages: &[&dyn Stage], config: &Config) -> Result<Plan, Vec<Issue>> {
    let mut compiler = Compiler::default();
    for (stage, name) in stages.iter().zip(names(stages)) {
        let work = compiler.projected(*stage, config);
        let bound = compiler.bind_all(*stage, &work.inputs, config, |_| true, Vec::new());
        compiler.add(*stage, name, work, bound);
    }
    compiler.plan(word.text())
}

/// The plain name where a stage is single, `evaluate-1`, `evaluate-2` in order otherwise.
pub(super) fn names(stages: &[&dyn Stage]) -> Vec<String> {
    let count = |stages: &[&dyn Stage], name| stages.iter().filter(|stage| stage.name() == name).count();
    stages
        .iter()
        .enumerate()
        .map(|(position, stage)| match count(stages, stage.name()) {
            1 => stage.name().to_owned(),
            _ => format!("{}-{}", stage.name(), 1 + count(&stages[..position], stage.name())),
        })
        .collect()
}

/// A plan in the making.
#[derive(Default)]
pub(super) struct Compiler {
    pub(super) graph: DiGraph<Node, Link>,
    /// Every output so far, in the order in which nodes were added.
    producers: Vec<Producer>,
    /// The sources so far by what is told first of them; a thousand stages may each have their own.
    sources: BTreeMap<PathBuf, Vec<NodeIndex>>,
    issues: Vec<Issue>,
}

/// Where something of a kind comes from: a stage's output, or a source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Producer {
    pub(super) node: NodeIndex,
    pub(super) output: Option<String>,
    pub(super) kind: ArtifactKind,
}

/// A port and what feeds it.
pub(super) type Bound = (String, Producer);

impl Compiler {
    /// The plan, unless there were mistakes.
    pub(super) fn plan(self, operation_mode: &str) -> Result<Plan, Vec<Issue>> {
        match self.issues.is_empty() {
            true => Ok(Plan { operation_mode: operation_mode.to_owned(), graph: self.graph }),
            false => Err(self.issues),
        }
    }

    /// What a stage with ports of its own becomes by the configuration.
    pub(super) fn projected(&mut self, stage: &dyn Stage, config: &Config) -> Declared {
        let settings = stage.settings(config).unwrap_or_else(|issues| {
            self.report(issues);
            // Its ports are still bound, so that one run of the compiler shows every mistake.
            Settings::of(&())
        });
        Declared {
            settings,
            inputs: stage.inputs().to_vec(),
            outputs: stage.outputs().to_vec(),
            sources: Default::default(),
            copies: stage.copies(config),
            looked: None,
        }
    }

    /// Adds a stage behind everything that feeds it.
    pub(super) fn add(
        &mut self,
        stage: &dyn Stage,
        name: String,
        work: Declared,
        bound: Vec<Bound>,
    ) -> NodeIndex {
        let outputs: Vec<OutputPort> = work.outputs;
        let node = self.graph.add_node(Node::Stage(StageNode {
            name,
            stage: stage.name(),
            version: stage.version(),
            device: stage.measures_host().then(host::description),
            resources: stage.resources(&work.settings),
            settings: work.settings,
            inputs: work.inputs,
            outputs: outputs.clone(),
            copies: work.copies,
            timeout: None,
            retries: 0,
            looked: work.looked,
        }));
        for (port, Producer { node: producer, output, kind }) in bound {
            self.graph.add_edge(producer, node, Link::Data(Edge { port, kind, output }));
        }
        let made = outputs.into_iter().map(|OutputPort { name, kind }| Producer {
            node,
            output: Some(name.into_owned()),
            kind,
        });
        self.producers.extend(made);
        node
    }

    /// Binds the ports of a stage to producers among the nodes that `offers` admits, and to what the configuration names.
    /// Those in `bound` are bound already. An optional port that would get what another port has already stays unbound: a
    /// model is not its own reference.
    pub(super) fn bind_all(
        &mut self,
        stage: &dyn Stage,
        ports: &[InputPort],
        config: &Config,
        offers: impl Fn(NodeIndex) -> bool,
        mut bound: Vec<Bound>,
    ) -> Vec<Bound> {
        let free = |port: &&InputPort| bound.iter().all(|(name, _)| *name != port.name);
        let (optional, required): (Vec<_>, Vec<_>) =
            ports.iter().filter(free).partition(|port| port.optional);
        for port in required.into_iter().chain(optional) {
            let Some(producer) = self.bind(stage, port, config, &offers) else { continue };
            let taken = bound.iter().any(|(_, other)| *other == producer);
            if !(port.optional && taken) {
                bound.push((port.name.clone().into_owned(), producer));
            }
        }
        bound
    }

    /// The nearest producer of a kind that the port accepts, unless it wants one that is named; else what the configuration
    /// names.
    fn bind(
        &mut self,
        stage: &dyn Stage,
        port: &InputPort,
        config: &Config,
        offers: &impl Fn(NodeIndex) -> bool,
    ) -> Option<Producer> {
        let fits = |producer: &&Producer| {
            !port.named && port.accepts.contains(&producer.kind) && offers(producer.node)
        };
        if let Some(producer) = self.producers.iter().rev().find(fits) {
            return Some(producer.clone());
        }
        match stage.source(&port.name, config) {
            Ok(Some(source)) if port.accepts.contains(&source.kind) => Some(self.source(source)),
            Ok(Some(source)) => {
                self.report(vec![wrong_kind(stage.name(), port, source.kind, &source.key)]);
                None
            }
            Ok(None) if port.optional => None,
            Ok(None) => {
                self.report(vec![unbound(stage, port)]);
                None
            }
            Err(issues) => {
                self.report(issues);
                None
            }
        }
    }

    /// The outputs of a node.
    pub(super) fn made_by(&self, node: NodeIndex) -> impl Iterator<Item = &Producer> {
        // Nodes are numbered as they are added.
        let from = self.producers.partition_point(|producer| producer.node < node);
        self.producers[from..].iter().take_while(move |producer| producer.node == node)
    }

    /// The node of a source; one of equal content is the same node, with the findings of both.
    pub(super) fn source(&mut self, source: Source) -> Producer {
        let kind = source.kind;
        let alike = self.sources.entry(handle(&source.content).to_owned()).or_default();
        let known = alike.iter().copied().find(|&index| match &self.graph[index] {
            Node::Source(other) => other.kind == source.kind && other.content == source.content,
            Node::Stage(_) => false,
        });
        let Some(node) = known else {
            let node = self.graph.add_node(Node::Source(source));
            alike.push(node);
            return Producer { node, output: None, kind };
        };
        if let Node::Source(known) = &mut self.graph[node] {
            for finding in source.findings {
                if !known.findings.contains(&finding) {
                    known.findings.push(finding);
                }
            }
        }
        Producer { node, output: None, kind }
    }

    /// How many mistakes there are.
    pub(super) fn issues(&self) -> usize {
        self.issues.len()
    }

    /// Says the mistakes from the `from`th on in other words.
    pub(super) fn amend(&mut self, from: usize, amend: impl Fn(Issue) -> Issue) {
        let later = self.issues.split_off(from);
        self.report(later.into_iter().map(amend).collect());
    }

    pub(super) fn report(&mut self, issues: Vec<Issue>) {
        for issue in issues {
            if !self.issues.contains(&issue) {
                self.issues.push(issue);
            }
        }
    }
}

/// What most sources differ in.
fn handle(content: &SourceContent) -> &Path {
    match content {
        SourceContent::File(path) | SourceContent::Folder(path) => path,
        SourceContent::Images(entries) => entries.first().map_or(Path::new(""), |entry| &entry.image),
        SourceContent::Remote { address, .. } => Path::new(address.as_str()),
        SourceContent::Generated { generator, .. } => Path::new(generator),
    }
}

/// Says at `key` that something of another kind feeds the port.
pub(super) fn wrong_kind(stage: &str, port: &InputPort, found: ArtifactKind, key: &str) -> Issue {
    Issue::invalid(key, format!("`{stage}` works on a {}, and this is a {found}", kinds(port)))
}

fn unbound(stage: &dyn Stage, port: &InputPort) -> Issue {
    let (name, accepts) = (stage.name(), kinds(port));
    let port = &port.name;
    Issue::new(
        IssueKind::Missing,
        "operation_mode",
        format!(
            "`{name}` has nothing at its input `{port}`: no stage before it makes a {accepts}, and the file names none"
        ),
    )
}

fn kinds(port: &InputPort) -> String {
    port.accepts.iter().map(ToString::to_string).collect::<Vec<_>>().join(" or ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use contract::Finding;

    #[test]
    fn a_source_that_two_stages_name_has_the_findings_of_both_once() {
        let mut compiler = Compiler::default();
        let source = |findings: &[&str]| Source {
            kind: ArtifactKind::FloatModel,
            label: "model".to_owned(),
            key: "general.model_path".to_owned(),
            content: SourceContent::File("model.h5".into()),
            findings: findings.iter().map(|message| Finding::note("code", *message)).collect(),
        };
        let first = compiler.source(source(&["a", "b"]));
        assert!(compiler.source(source(&["b", "c"])) == first);
        let Node::Source(merged) = &compiler.graph[first.node] else { panic!("a source") };
        assert_eq!(merged.findings, source(&["a", "b", "c"]).findings);
    }
}
