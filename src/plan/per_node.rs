//! Values by the nodes of a plan.

use petgraph::graph::NodeIndex;

/// A value for each of some nodes of a plan, in its order. A plan numbers its nodes without gaps, so they are places in a
/// list.
#[derive(Debug, Clone)]
pub struct PerNode<T>(Vec<Option<T>>);

impl<T> PerNode<T> {
    /// The value of a node.
    #[must_use]
    pub fn get(&self, node: NodeIndex) -> Option<&T> {
        self.0.get(node.index())?.as_ref()
    }

    /// The same, to be changed.
    pub fn get_mut(&mut self, node: NodeIndex) -> Option<&mut T> {
        self.0.get_mut(node.index())?.as_mut()
    }

    /// Gives a node its value.
    pub fn insert(&mut self, node: NodeIndex, value: T) {
        *self.place(node) = Some(value);
    }

    /// Where a node has its value, if it has one.
    pub fn place(&mut self, node: NodeIndex) -> &mut Option<T> {
        if self.0.len() <= node.index() {
            self.0.resize_with(node.index() + 1, || None);
        }
        &mut self.0[node.index()]
    }

    /// All nodes that have a value, with it.
    pub fn iter(&self) -> impl Iterator<Item = (NodeIndex, &T)> {
        let places = self.0.iter().enumerate();
        places.filter_map(|(position, value)| Some((NodeIndex::new(position), value.as_ref()?)))
    }

    /// All values.
    pub fn values(&self) -> impl Iterator<Item = &T> {
        self.0.iter().flatten()
    }

    /// The same, to be changed.
    pub fn values_mut(&mut self) -> impl Iterator<Item = &mut T> {
        self.0.iter_mut().flatten()
    }

    /// The same, to be kept.
    pub fn into_values(self) -> impl Iterator<Item = T> {
        self.0.into_iter().flatten()
    }
}

impl<T> Default for PerNode<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T> FromIterator<(NodeIndex, T)> for PerNode<T> {
    fn from_iter<I: IntoIterator<Item = (NodeIndex, T)>>(values: I) -> Self {
        let mut all = Self::default();
        values.into_iter().for_each(|(node, value)| all.insert(node, value));
        all
    }
}
