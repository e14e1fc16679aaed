//! What the nodes of a merged plan are called.

use super::variant::text;
use crate::plan::{Merged, Node};
use indexmap::{IndexMap, IndexSet};
use petgraph::graph::NodeIndex;
use serde_json::Value;
use std::collections::BTreeMap;

/// A longer name would not fit beside a progress bar.
const LONGEST: usize = 40;

/// Gives each node of the merged plan a name of its own: `train` where all variants share it, else with the swept values
/// that tell it from the others, `quantize[bits=4]`, or the number of its first variant, `quantize #3`, where that is
/// shorter.
pub fn display_names(merged: &mut Merged, values: &[IndexMap<String, Value>]) {
    let short = short_keys(values);
    let mut named: IndexMap<String, Vec<NodeIndex>> = IndexMap::new();
    for member in merged.members.iter().flatten() {
        let nodes = named.entry(member.name.clone()).or_default();
        nodes.push(member.node);
    }
    let owners = merged.owners();
    for (name, nodes) in &mut named {
        let mut seen = IndexSet::new();
        nodes.retain(|node| seen.insert(*node));
        if nodes.len() < 2 {
            continue;
        }
        let labels = labels(nodes, &owners, values, &short);
        for (node, label) in nodes.iter().zip(labels) {
            if let Some(Node::Stage(stage)) = merged.plan.graph.node_weight_mut(*node) {
                let first =
                    owners.get(node).and_then(|variants| variants.first()).copied().unwrap_or_default();
                stage.name = match label {
                    Some(label) => format!("{name}[{label}]"),
                    None => format!("{name} #{first}"),
                };
            }
        }
    }
}

/// The values that tell nodes of one name apart; none for all of them where these are too long or not enough.
fn labels(
    nodes: &[NodeIndex],
    owners: &BTreeMap<NodeIndex, Vec<usize>>,
    values: &[IndexMap<String, Value>],
    short: &IndexMap<String, String>,
) -> Vec<Option<String>> {
    let value_of = |variant: &usize, key: &str| values.get(*variant).and_then(|values| values.get(key));
    let variants = |node: &NodeIndex| owners.get(node).map(Vec::as_slice).unwrap_or_default();
    // A key says something of a node if all variants of the node have one value of it, and not all nodes the same.
    let tells = |key: &&String| {
        let mut found = IndexSet::new();
        let constant = nodes.iter().all(|node| {
            let mut own = variants(node).iter().map(|variant| value_of(variant, key));
            let first = own.next().flatten();
            found.insert(first.map(text));
            own.all(|value| value == first)
        });
        constant && found.len() > 1
    };
    let keys: Vec<&String> = short.keys().filter(tells).collect();
    let label = |node: &NodeIndex| {
        let first = variants(node).first();
        let shown = keys.iter().filter_map(|key| {
            let value = first.and_then(|variant| value_of(variant, key))?;
            Some(format!("{}={}", short.get(*key).unwrap_or(key), text(value)))
        });
        shown.collect::<Vec<_>>().join(" ")
    };
    let labels: Vec<String> = nodes.iter().map(label).collect();
    let distinct: IndexSet<&String> = labels.iter().collect();
    let fits = |label: &String| !label.is_empty() && label.chars().count() <= LONGEST;
    if distinct.len() < labels.len() || !labels.iter().all(fits) {
        return vec![None; nodes.len()];
    }
    labels.into_iter().map(Some).collect()
}

/// The swept keys, each with as few of its last parts as tell it from the others.
#[must_use]
pub fn short_keys(values: &[IndexMap<String, Value>]) -> IndexMap<String, String> {
    let keys: IndexSet<&String> = values.iter().flat_map(IndexMap::keys).collect();
    let end = |key: &str, parts: usize| {
        let all: Vec<&str> = key.split('.').collect();
        all[all.len().saturating_sub(parts)..].join(".")
    };
    let shortest = |key: &&String| {
        let parts = key.split('.').count();
        let is_own = |count: &usize| {
            let own = end(key, *count);
            keys.iter().filter(|other| end(other, *count) == own).count() == 1
        };
        let count = (1..=parts).find(is_own).unwrap_or(parts);
        ((*key).clone(), end(key, count))
    };
    keys.iter().map(shortest).collect()
}
