//! What pictures of a plan have in common.

use super::{
    Node, PerNode, Plan, StageState, Status,
    text::{size, why, word},
};
use petgraph::graph::NodeIndex;

/// A node as it is drawn.
pub(super) struct Drawing {
    pub(super) index: NodeIndex,
    pub(super) shape: Shape,
    /// What is written in it.
    pub(super) lines: Vec<String>,
}

/// How a node looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    Source,
    Hit,
    Run,
    After,
}

impl Shape {
    pub(super) const ALL: [Self; 4] = [Self::Source, Self::Hit, Self::Run, Self::After];

    /// Its name.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Source => "source",
            Self::Hit => "hit",
            Self::Run => "run",
            Self::After => "after",
        }
    }

    /// Its colour: light, so that black text reads well on it, and of different lightness where hues are not seen.
    pub(super) fn colour(self) -> &'static str {
        match self {
            Self::Source => "#ffffff",
            Self::Hit => "#c7e9c0",
            Self::Run => "#fdae6b",
            Self::After => "#e5e5e5",
        }
    }
}

impl Drawing {
    /// All nodes, in the order of the plan.
    pub(super) fn nodes(plan: &Plan, states: &PerNode<StageState>) -> Vec<Self> {
        let drawing = |index| match &plan.graph[index] {
            Node::Source(source) => {
                let lines = [Some(source.label.clone()), size(source)];
                Some(Self { index, shape: Shape::Source, lines: lines.into_iter().flatten().collect() })
            }
            Node::Stage(stage) => {
                let state = states.get(index)?;
                let shape = match state.status {
                    Status::Hit(_) => Shape::Hit,
                    Status::Run => Shape::Run,
                    Status::After(_) => Shape::After,
                };
                Some(Self { index, shape, lines: vec![stage.name.clone(), word(plan, state), why(state)] })
            }
        };
        plan.graph.node_indices().filter_map(drawing).collect()
    }
}
