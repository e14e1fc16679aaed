//! Where the results of a plan's stages go for people.

use crate::{
    plan::{PerNode, Plan},
    record::{Layout, Place, RunFolder},
};
use petgraph::graph::NodeIndex;

/// The places of each node: one run folder, or those of all variants of a sweep that share the node.
#[derive(Debug, Default)]
pub struct Places<'a>(PerNode<Vec<Place<'a>>>);

impl<'a> Places<'a> {
    /// All nodes of a plan have their files in one run folder.
    #[must_use]
    pub fn single(plan: &'a Plan, folder: &'a RunFolder, layout: &'a Layout) -> Self {
        let place = |(index, stage): (NodeIndex, &'a crate::plan::StageNode)| {
            let several = stage.name != stage.stage;
            (index, vec![Place { folder, layout, node: &stage.name, several }])
        };
        Self(plan.stages().map(place).collect())
    }

    /// Adds a place to a node. Its first place is the one that shows its files while it runs, so all places of a node have
    /// to name its files alike.
    pub fn add(&mut self, node: NodeIndex, place: Place<'a>) {
        self.0.place(node).get_or_insert_default().push(place);
    }

    /// The places of a node.
    #[must_use]
    pub fn of(&self, node: NodeIndex) -> &[Place<'a>] {
        self.0.get(node).map_or(&[], Vec::as_slice)
    }
}
