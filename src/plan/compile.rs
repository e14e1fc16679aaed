//! Stages become nodes, ports become edges.

use super::{
    Word,
    graph::{Edge, Node, Plan, StageNode},
};
use contract::{ArtifactKind, Config, InputPort, Issue, IssueKind, Settings, Source, Stage};
use petgraph::graph::{DiGraph, NodeIndex};

/// Builds the plan of `word`, whose stages are `stages` in order.
///
/// # Errors
/// Everything that any stage has to say against the configuration, each mistake once.
pub fn compile(word: &Word, stages: &[&dyn Stage], config: &Config) -> Result<Plan, Vec<Issue>> {
    let mut compiler = Compiler { config, graph: DiGraph::new(), producers: Vec::new(), issues: Vec::new() };
    for (stage, name) in stages.iter().zip(names(stages)) {
        compiler.add(*stage, name);
    }
    if compiler.issues.is_empty() {
        Ok(Plan { operation_mode: word.text().to_owned(), graph: compiler.graph })
    } else {
        Err(compiler.issues)
    }
}

/// The plain name where a stage is single, `evaluate-1`, `evaluate-2` in order otherwise.
fn names(stages: &[&dyn Stage]) -> Vec<String> {
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

struct Compiler<'a> {
    config: &'a Config,
    graph: DiGraph<Node, Edge>,
    /// Every output so far, in the order of the word.
    producers: Vec<Producer>,
    issues: Vec<Issue>,
}

/// Where something of a kind comes from: a stage's output, or a source.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Producer {
    node: NodeIndex,
    output: Option<&'static str>,
    kind: ArtifactKind,
}

impl Compiler<'_> {
    fn add(&mut self, stage: &dyn Stage, name: String) {
        let settings = stage.settings(self.config).unwrap_or_else(|issues| {
            self.report(issues);
            // Its ports are still bound, so that one run of the compiler shows every mistake.
            Settings::of(&())
        });
        let bound = self.bind_all(stage);
        let node = self.graph.add_node(Node::Stage(StageNode {
            name,
            stage: stage.name(),
            version: stage.version(),
            settings,
            inputs: stage.inputs(),
            outputs: stage.outputs(),
        }));
        for (port, producer) in bound {
            let edge = Edge { port: port.name, kind: producer.kind, output: producer.output };
            self.graph.add_edge(producer.node, node, edge);
        }
        let outputs = stage.outputs().iter();
        self.producers.extend(outputs.map(|output| Producer {
            node,
            output: Some(output.name),
            kind: output.kind,
        }));
    }

    /// Binds the ports of a stage. An optional port that would get what another port has already stays unbound: a model is
    /// not its own reference.
    fn bind_all(&mut self, stage: &dyn Stage) -> Vec<(&'static InputPort, Producer)> {
        let (optional, required): (Vec<_>, Vec<_>) = stage.inputs().iter().partition(|port| port.optional);
        let mut bound: Vec<(&'static InputPort, Producer)> = Vec::new();
        for port in required.into_iter().chain(optional) {
            let Some(producer) = self.bind(stage, port) else { continue };
            let taken = bound.iter().any(|(_, other)| *other == producer);
            if !(port.optional && taken) {
                bound.push((port, producer));
            }
        }
        bound
    }

    /// The nearest producer to the left of a kind that the port accepts, else what the configuration names.
    fn bind(&mut self, stage: &dyn Stage, port: &InputPort) -> Option<Producer> {
        let nearest = self.producers.iter().rev().find(|producer| port.accepts.contains(&producer.kind));
        if let Some(producer) = nearest {
            return Some(*producer);
        }
        match stage.source(port.name, self.config) {
            Ok(Some(source)) if port.accepts.contains(&source.kind) => Some(self.source(source)),
            Ok(Some(source)) => {
                self.report(vec![wrong_kind(stage, port, &source)]);
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

    /// The node of a source; one of equal content is the same node, with the findings of both.
    fn source(&mut self, source: Source) -> Producer {
        let kind = source.kind;
        let known = self.graph.node_indices().find(|&index| match &self.graph[index] {
            Node::Source(other) => other.kind == source.kind && other.content == source.content,
            Node::Stage(_) => false,
        });
        let Some(node) = known else {
            return Producer { node: self.graph.add_node(Node::Source(source)), output: None, kind };
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

    fn report(&mut self, issues: Vec<Issue>) {
        for issue in issues {
            if !self.issues.contains(&issue) {
                self.issues.push(issue);
            }
        }
    }
}

fn wrong_kind(stage: &dyn Stage, port: &InputPort, source: &Source) -> Issue {
    let (name, accepts, found) = (stage.name(), kinds(port), source.kind);
    Issue::invalid(source.key.clone(), format!("`{name}` works on a {accepts}, and this is a {found}"))
}

fn unbound(stage: &dyn Stage, port: &InputPort) -> Issue {
    let (name, port, accepts) = (stage.name(), port.name, kinds(port));
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
    use contract::{Finding, SourceContent};

    #[test]
    fn a_source_that_two_stages_name_has_the_findings_of_both_once() {
        let config = Config::default();
        let mut compiler =
            Compiler { config: &config, graph: DiGraph::new(), producers: Vec::new(), issues: Vec::new() };
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
