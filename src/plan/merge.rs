//! Many plans as one: work that several of them have in common is one node.
//!
//! Nodes are the same when they have the same recipe (stage, version, settings, device, the same inputs), the same name in
//! their own plans, the same places for their files, and wait for the same nodes. So the merged plan makes the same
//! results as each plan alone, and a shared beginning once. Nodes of equal recipe that differ in name stay apart; which of
//! them comes second finds the first one's result in the store.

use super::{
    PerNode, Plan,
    graph::{Link, Node, StageNode},
};
use crate::store::{Digest, StoreError};
use contract::{Cores, Source};
use petgraph::{
    Direction,
    graph::{DiGraph, NodeIndex},
    visit::EdgeRef,
};
use std::collections::BTreeMap;

/// Plans that have become one.
#[derive(Debug)]
pub struct Merged {
    /// The plan. Its nodes are in the order of the plans they come from first.
    pub plan: Plan,
    /// The stages of each plan, in its order.
    pub members: Vec<Vec<Member>>,
}

/// A stage of one of the plans.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// Its node in the merged plan.
    pub node: NodeIndex,
    /// What its own plan calls it.
    pub name: String,
    /// Whether its own plan has several nodes of this stage.
    pub several: bool,
    /// The stages that it waits for, by their names in its own plan.
    pub after: Vec<String>,
}

impl Merged {
    /// Merges plans. Those with the same `place` put their files under the same names.
    ///
    /// # Errors
    /// When settings cannot be part of a key.
    pub fn of(plans: impl IntoIterator<Item = (Plan, usize)>, mode: &str) -> Result<Self, StoreError> {
        let mut merging = Merging::default();
        for (plan, place) in plans {
            merging.add(plan, place)?;
        }
        let plan = Plan { operation_mode: mode.to_owned(), graph: merging.graph };
        Ok(Self { plan, members: merging.members })
    }

    /// The plans that each node of the merged plan belongs to, in order.
    #[must_use]
    pub fn owners(&self) -> PerNode<Vec<usize>> {
        let mut owners: PerNode<Vec<usize>> = PerNode::default();
        for (position, members) in self.members.iter().enumerate() {
            for member in members {
                owners.place(member.node).get_or_insert_default().push(position);
            }
        }
        owners
    }
}

#[derive(Default)]
struct Merging {
    graph: DiGraph<Node, Link>,
    /// Nodes of stages, by all that makes them the same.
    stages: BTreeMap<Digest, NodeIndex>,
    /// Nodes of sources by what they are called; the one that was asked for last comes first.
    sources: BTreeMap<String, Vec<NodeIndex>>,
    members: Vec<Vec<Member>>,
}

impl Merging {
    fn add(&mut self, plan: Plan, place: usize) -> Result<(), StoreError> {
        let graph = plan.graph;
        let mut incoming: Vec<Vec<(NodeIndex, Link)>> = graph
            .node_indices()
            .map(|index| {
                let edges = graph.edges_directed(index, Direction::Incoming);
                edges.map(|edge| (edge.source(), edge.weight().clone())).collect()
            })
            .collect();
        // A plan's nodes stand behind what they wait for, so all those have their nodes already.
        let mut merged: Vec<NodeIndex> = Vec::with_capacity(incoming.len());
        let mut names: Vec<Option<String>> = Vec::with_capacity(incoming.len());
        let mut members = Vec::new();
        for (node, incoming) in graph.into_nodes_edges().0.into_iter().zip(&mut incoming) {
            let mut edges: Vec<(NodeIndex, Link)> = Vec::with_capacity(incoming.len());
            let mut after: Vec<(NodeIndex, &String)> = Vec::new();
            for (from, link) in incoming.drain(..) {
                let Some(producer) = merged.get(from.index()) else { continue };
                after.extend(names.get(from.index()).and_then(Option::as_ref).map(|name| (from, name)));
                edges.push((*producer, link));
            }
            after.sort();
            after.dedup();
            let index = match node.weight {
                Node::Source(source) => {
                    names.push(None);
                    self.source(source)
                }
                Node::Stage(stage) => {
                    let after = after.into_iter().map(|(_, name)| name.clone()).collect();
                    let name = stage.name.clone();
                    names.push(Some(name.clone()));
                    let several = stage.name != stage.stage;
                    let node = self.stage(stage, edges, place)?;
                    members.push(Member { node, name, several, after });
                    node
                }
            };
            merged.push(index);
        }
        self.members.push(members);
        Ok(())
    }

    fn stage(
        &mut self,
        stage: StageNode,
        mut edges: Vec<(NodeIndex, Link)>,
        place: usize,
    ) -> Result<NodeIndex, StoreError> {
        edges.sort_by(|(a, one), (b, other)| a.cmp(b).then_with(|| port(one).cmp(&port(other))));
        let key = same(&stage, &edges, place)?;
        if let Some(known) = self.stages.get(&key) {
            return Ok(*known);
        }
        let node = self.graph.add_node(Node::Stage(stage));
        for (producer, link) in edges {
            self.graph.add_edge(producer, node, link);
        }
        self.stages.insert(key, node);
        Ok(node)
    }

    /// The node of a source; one of equal content is the same node, with the findings of both.
    fn source(&mut self, source: Source) -> NodeIndex {
        let known = self.sources.entry(source.label.clone()).or_default();
        let same = |index: &NodeIndex| match &self.graph[*index] {
            Node::Source(other) => other.kind == source.kind && other.content == source.content,
            Node::Stage(_) => false,
        };
        let Some(position) = known.iter().position(same) else {
            let node = self.graph.add_node(Node::Source(source));
            known.insert(0, node);
            return node;
        };
        known.swap(0, position);
        let node = known[0];
        if let Node::Source(known) = &mut self.graph[node] {
            for finding in source.findings {
                if !known.findings.contains(&finding) {
                    known.findings.push(finding);
                }
            }
        }
        node
    }
}

fn port(link: &Link) -> Option<&str> {
    match link {
        Link::Data(edge) => Some(&edge.port),
        Link::Order => None,
    }
}

/// All that makes two stages one node.
fn same(stage: &StageNode, edges: &[(NodeIndex, Link)], place: usize) -> Result<Digest, StoreError> {
    let inputs: Vec<_> = edges
        .iter()
        .map(|(producer, link)| match link {
            Link::Data(edge) => (producer.index(), Some((&edge.port, edge.kind, &edge.output))),
            Link::Order => (producer.index(), None),
        })
        .collect();
    let cores = match stage.resources.cores {
        Cores::All => None,
        Cores::Count(count) => Some(count),
    };
    let limits = (cores, stage.resources.memory, stage.resources.exclusive, stage.timeout, stage.retries);
    let recipe = (stage.stage, stage.version, &stage.settings, &stage.device, inputs);
    let copies: Vec<_> = stage.copies.iter().map(|copy| (&copy.output, &copy.path)).collect();
    Digest::of_value(&(&stage.name, place, copies, recipe, limits))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::Edge;
    use contract::{ArtifactKind, Resources, Settings, SourceContent};

    fn stage(name: &str, value: u32) -> Node {
        Node::Stage(StageNode {
            name: name.to_owned(),
            stage: "command",
            version: 1,
            settings: Settings::of(&value),
            inputs: Vec::new(),
            outputs: Vec::new(),
            copies: Vec::new(),
            device: None,
            resources: Resources::default(),
            timeout: None,
            retries: 0,
            looked: None,
        })
    }

    fn data(port: &str) -> Link {
        Link::Data(Edge { port: port.to_owned(), kind: ArtifactKind::File, output: Some("out".to_owned()) })
    }

    /// A file, `train` on it, `quantize` on that, `evaluate` on both.
    fn chain(train: u32, quantize: u32, names: [&str; 3]) -> Plan {
        let mut graph = DiGraph::new();
        let source = graph.add_node(Node::Source(Source {
            kind: ArtifactKind::File,
            label: "points".to_owned(),
            key: "stages.train.inputs".to_owned(),
            content: SourceContent::File("points.csv".into()),
            findings: Vec::new(),
        }));
        let train = graph.add_node(stage(names[0], train));
        let quantize = graph.add_node(stage(names[1], quantize));
        let evaluate = graph.add_node(stage(names[2], 0));
        graph.add_edge(source, train, data("points"));
        graph.add_edge(train, quantize, data("model"));
        graph.add_edge(quantize, evaluate, data("model"));
        graph.add_edge(train, evaluate, Link::Order);
        Plan { operation_mode: "stages".to_owned(), graph }
    }

    const NAMES: [&str; 3] = ["train", "quantize", "evaluate"];

    fn merged(plans: Vec<(Plan, usize)>) -> Merged {
        Merged::of(plans, "stages").expect("plain settings")
    }

    #[test]
    fn a_shared_beginning_is_one_node_and_everything_behind_a_difference_is_not() {
        let merged = merged(vec![(chain(1, 1, NAMES), 0), (chain(1, 2, NAMES), 0), (chain(2, 2, NAMES), 0)]);
        let owners = merged.owners();
        let owners: Vec<(&str, Vec<usize>)> =
            owners.iter().map(|(node, owners)| (merged.plan.name(node), owners.clone())).collect();
        let expected = [
            ("train", vec![0, 1]),
            ("quantize", vec![0]),
            ("evaluate", vec![0]),
            ("quantize", vec![1]),
            ("evaluate", vec![1]),
            ("train", vec![2]),
            ("quantize", vec![2]),
            ("evaluate", vec![2]),
        ];
        assert_eq!(owners, expected);
        assert_eq!(merged.plan.sources().count(), 1, "one file is one source");
        let evaluate = merged.members[1][2].node;
        let upstream: Vec<&str> =
            merged.plan.upstream(evaluate).into_iter().map(|node| merged.plan.name(node)).collect();
        assert_eq!(upstream, ["train", "quantize"]);
        assert_eq!(merged.plan.upstream(evaluate)[1], merged.members[1][1].node);
        assert_eq!(merged.members[1][2].after, ["train", "quantize"]);
    }

    #[test]
    fn the_order_of_a_merged_plan_puts_each_node_behind_what_it_waits_for() {
        let merged = merged(vec![(chain(1, 1, NAMES), 0), (chain(2, 1, NAMES), 0), (chain(1, 3, NAMES), 0)]);
        for edge in merged.plan.graph.edge_references() {
            assert!(edge.source() < edge.target());
        }
    }

    #[test]
    fn nodes_of_other_names_or_other_places_stay_apart() {
        let other = ["train", "quantize-1", "evaluate"];
        let one = merged(vec![(chain(1, 1, NAMES), 0), (chain(1, 1, other), 0)]);
        assert_eq!(one.plan.stages().count(), 5, "what waits for another name is another as well");
        assert_eq!(merged(vec![(chain(1, 1, NAMES), 0), (chain(1, 1, NAMES), 1)]).plan.stages().count(), 6);
        assert_eq!(merged(vec![(chain(1, 1, NAMES), 0), (chain(1, 1, NAMES), 0)]).plan.stages().count(), 3);
    }
}
