//! The plan as a graph.

use contract::{ArtifactKind, InputPort, Looked, OutputCopy, OutputPort, Resources, Settings, Source};
use petgraph::{
    Direction,
    graph::{DiGraph, NodeIndex},
    visit::EdgeRef,
};
use std::time::Duration;

/// What a run is going to do: stages, the sources they read, and which output feeds which port.
#[derive(Debug)]
pub struct Plan {
    /// The mode word it comes from.
    pub operation_mode: String,
    /// Nodes in the order of the mode word, each behind everything it waits for; so indices are a topological order.
    pub graph: DiGraph<Node, Link>,
}

/// A node of a [`Plan`].
#[derive(Debug)]
pub enum Node {
    /// Work.
    Stage(StageNode),
    /// Something from outside.
    Source(Source),
}

/// A stage with everything that decides its result but its inputs.
#[derive(Debug)]
pub struct StageNode {
    /// Unique in the plan: the stage's own name, or `evaluate-1`, `evaluate-2` where there are several.
    pub name: String,
    /// Name in the registry.
    pub stage: &'static str,
    /// [`contract::Stage::version`].
    pub version: u32,
    /// What it may read of the configuration.
    pub settings: Settings,
    /// What it takes in.
    pub inputs: Vec<InputPort>,
    /// What it gives out.
    pub outputs: Vec<OutputPort>,
    /// Where outputs go besides the run folder.
    pub copies: Vec<OutputCopy>,
    /// The machine and the program, where its result tells of them.
    pub device: Option<String>,
    /// What it holds of the machine while it works.
    pub resources: Resources,
    /// How long it may take.
    pub timeout: Option<Duration>,
    /// How often it is tried again when it fails.
    pub retries: u32,
    /// What was looked at to find all this out, beside the configuration and the content of sources; `None` where that is
    /// not known.
    pub looked: Option<Looked>,
}

/// Why one node comes before another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Link {
    /// The second reads what the first makes.
    Data(Edge),
    /// The file says so (`needs`); it is part of no key.
    Order,
}

/// What flows from a producer to a consumer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edge {
    /// The consumer's port.
    pub port: String,
    /// What flows.
    pub kind: ArtifactKind,
    /// The producer's output; none from a source.
    pub output: Option<String>,
}

/// A bound port of a stage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Binding {
    /// Where it comes from.
    pub producer: NodeIndex,
    /// Which port, and what.
    pub edge: Edge,
}

impl Plan {
    /// The stages in the order of the mode word.
    pub fn stages(&self) -> impl Iterator<Item = (NodeIndex, &StageNode)> {
        self.graph.node_indices().filter_map(|index| Some((index, self.stage(index)?)))
    }

    /// The sources.
    pub fn sources(&self) -> impl Iterator<Item = (NodeIndex, &Source)> {
        self.graph.node_indices().filter_map(|index| Some((index, self.source(index)?)))
    }

    /// The stage at `index`; none at a source.
    #[must_use]
    pub fn stage(&self, index: NodeIndex) -> Option<&StageNode> {
        match self.graph.node_weight(index) {
            Some(Node::Stage(stage)) => Some(stage),
            _ => None,
        }
    }

    /// The source at `index`; none at a stage.
    #[must_use]
    pub fn source(&self, index: NodeIndex) -> Option<&Source> {
        match self.graph.node_weight(index) {
            Some(Node::Source(source)) => Some(source),
            _ => None,
        }
    }

    /// What users call the node: a stage's name or a source's label.
    #[must_use]
    pub fn name(&self, index: NodeIndex) -> &str {
        match &self.graph[index] {
            Node::Stage(stage) => &stage.name,
            Node::Source(source) => &source.label,
        }
    }

    /// The bound ports of a stage, in the order the stage declares them.
    #[must_use]
    pub fn bindings(&self, index: NodeIndex) -> Vec<Binding> {
        let Some(stage) = self.stage(index) else { return Vec::new() };
        let mut bindings: Vec<Binding> = self
            .graph
            .edges_directed(index, Direction::Incoming)
            .filter_map(|edge| match edge.weight() {
                Link::Data(flow) => Some(Binding { producer: edge.source(), edge: flow.clone() }),
                Link::Order => None,
            })
            .collect();
        bindings.sort_by_key(|binding| stage.inputs.iter().position(|port| port.name == binding.edge.port));
        bindings
    }

    /// The stages that `index` waits for, each once, in plan order.
    #[must_use]
    pub fn upstream(&self, index: NodeIndex) -> Vec<NodeIndex> {
        self.neighbours(index, Direction::Incoming)
    }

    /// The stages that wait for `index`, each once, in plan order.
    #[must_use]
    pub fn downstream(&self, index: NodeIndex) -> Vec<NodeIndex> {
        self.neighbours(index, Direction::Outgoing)
    }

    fn neighbours(&self, index: NodeIndex, direction: Direction) -> Vec<NodeIndex> {
        let mut stages: Vec<NodeIndex> = self
            .graph
            .neighbors_directed(index, direction)
            .filter(|&neighbour| self.stage(neighbour).is_some())
            .collect();
        stages.sort();
        stages.dedup();
        stages
    }
}
