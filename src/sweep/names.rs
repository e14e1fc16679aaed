//! What the nodes of a merged plan are called.

use super::variant::text;
use crate::plan::{Merged, Node, PerNode};
use indexmap::{IndexMap, IndexSet};
use petgraph::graph::NodeIndex;
use serde_json::Value;

/// A longer name would not fit beside a progress bar.
const LONGEST: usize = 40;

/// Gives each node of the merged plan a name of its own: `train` where all variants share it, else with the swept values
/// that tell it from the others, `quantize[bits=4]`, or the number of its first variant, `quantize #3`, where that is
/// shorter. `done` are the values of variants of the same sweep that are not in the plan any more: what just one of
/// several variants still has says of which it is.
pub fn display_names(
    merged: &mut Merged,
    values: &[IndexMap<String, Value>],
    done: &[IndexMap<String, Value>],
) {
    let short = short_keys(&[values, done].concat());
    let mut named: IndexMap<String, Vec<NodeIndex>> = IndexMap::new();
    for member in merged.members.iter().flatten() {
        let nodes = named.entry(member.name.clone()).or_default();
        nodes.push(member.node);
    }
    let owners = merged.owners();
    for (name, nodes) in &mut named {
        let mut seen = IndexSet::new();
        nodes.retain(|node| seen.insert(*node));
        let labels = match nodes.as_slice() {
            [node] => {
                let variants = owners.get(*node).map(Vec::as_slice).unwrap_or_default();
                vec![own_label(variants, values, done, &short).map(Some)]
            }
            _ => labels(nodes, &owners, values, &short).into_iter().map(Some).collect(),
        };
        for (node, label) in nodes.iter().zip(labels) {
            if let Some(Node::Stage(stage)) = merged.plan.graph.node_weight_mut(*node) {
                let first =
                    owners.get(*node).and_then(|variants| variants.first()).copied().unwrap_or_default();
                stage.name = match label {
                    Some(Some(label)) => format!("{name}[{label}]"),
                    Some(None) => format!("{name} #{first}"),
                    None => continue,
                };
            }
        }
    }
}

/// The values that tell the one variant that has a node from those that are done; none where there is no such variant,
/// or they are too long.
fn own_label(
    owners: &[usize],
    values: &[IndexMap<String, Value>],
    done: &[IndexMap<String, Value>],
    short: &IndexMap<String, String>,
) -> Option<String> {
    let ([owner], false) = (owners, done.is_empty()) else { return None };
    let own = values.get(*owner)?;
    let others = || done.iter().chain(values);
    let tells = own.iter().filter(|(key, value)| others().any(|other| other.get(*key) != Some(value)));
    let shown = tells.map(|(key, value)| format!("{}={}", short.get(key).unwrap_or(key), text(value)));
    let label = shown.collect::<Vec<_>>().join(" ");
    (!label.is_empty() && label.chars().count() <= LONGEST).then_some(label)
}

/// The values that tell nodes of one name apart; none for all of them where these are too long or not enough.
fn labels(
    nodes: &[NodeIndex],
    owners: &PerNode<Vec<usize>>,
    values: &[IndexMap<String, Value>],
    short: &IndexMap<String, String>,
) -> Vec<Option<String>> {
    let value_of = |variant: &usize, key: &str| values.get(*variant).and_then(|values| values.get(key));
    let variants = |node: &NodeIndex| owners.get(*node).map(Vec::as_slice).unwrap_or_default();
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::{Link, Plan, StageNode};
    use contract::{Resources, Settings};
    use petgraph::graph::DiGraph;

    fn plan(train: &Value, quantize: &Value) -> Plan {
        let stage = |name: &str, value: &Value| {
            Node::Stage(StageNode {
                name: name.to_owned(),
                stage: "command",
                version: 1,
                settings: Settings::of(value),
                inputs: Vec::new(),
                outputs: Vec::new(),
                copies: Vec::new(),
                device: None,
                resources: Resources::default(),
                timeout: None,
                retries: 0,
                looked: None,
            })
        };
        let mut graph = DiGraph::new();
        let train = graph.add_node(stage("train", train));
        let quantize = graph.add_node(stage("quantize", quantize));
        graph.add_edge(train, quantize, Link::Order);
        Plan { operation_mode: "stages".to_owned(), graph }
    }

    /// The names of all nodes of variants with these values of `a.rate`, which `train` reads, and `b.bits`.
    fn names(variants: &[(Value, Value)]) -> Vec<String> {
        names_beside(variants, &[])
    }

    fn names_beside(variants: &[(Value, Value)], done: &[IndexMap<String, Value>]) -> Vec<String> {
        let plans = variants.iter().map(|(rate, bits)| (plan(rate, bits), 0));
        let mut merged = Merged::of(plans, "stages").expect("plain settings");
        let values: Vec<IndexMap<String, Value>> = variants
            .iter()
            .map(|(rate, bits)| {
                IndexMap::from([("a.rate".to_owned(), rate.clone()), ("b.bits".to_owned(), bits.clone())])
            })
            .collect();
        display_names(&mut merged, &values, done);
        merged.plan.stages().map(|(_, stage)| stage.name.clone()).collect()
    }

    #[test]
    fn nodes_are_named_by_the_values_that_tell_them_apart() {
        let grid: Vec<(Value, Value)> = [1, 2]
            .iter()
            .flat_map(|rate| [4, 8].map(|bits| (Value::from(*rate), Value::from(bits))))
            .collect();
        let expected = [
            "train[rate=1]",
            "quantize[rate=1 bits=4]",
            "quantize[rate=1 bits=8]",
            "train[rate=2]",
            "quantize[rate=2 bits=4]",
            "quantize[rate=2 bits=8]",
        ];
        assert_eq!(names(&grid), expected);
        let shared = [4, 8].map(|bits| (Value::from(1), Value::from(bits)));
        assert_eq!(names(&shared), ["train", "quantize[bits=4]", "quantize[bits=8]"]);
    }

    #[test]
    fn the_last_variant_of_a_sweep_that_goes_on_is_named_as_well() {
        let values = |rate: u32, bits: u32| {
            IndexMap::from([
                ("a.rate".to_owned(), Value::from(rate)),
                ("b.bits".to_owned(), Value::from(bits)),
            ])
        };
        let last = [(Value::from(1), Value::from(13))];
        assert_eq!(
            names_beside(&last, &[values(1, 4), values(1, 8)]),
            ["train[bits=13]", "quantize[bits=13]"]
        );
        assert_eq!(names(&last), ["train", "quantize"], "a sweep of one variant");
        let two = [4, 8].map(|bits| (Value::from(1), Value::from(bits)));
        assert_eq!(names_beside(&two, &[values(1, 13)]), ["train", "quantize[bits=4]", "quantize[bits=8]"]);
    }

    #[test]
    fn where_values_are_too_long_or_the_same_the_number_of_the_first_variant_tells() {
        let long = ["x".repeat(50), "y".repeat(50)].map(|text| (Value::from(1), Value::from(text)));
        assert_eq!(names(&long), ["train", "quantize #0", "quantize #1"]);
        // The texts are the same, the values are not.
        let alike = [Value::from(4), Value::from("4")].map(|bits| (Value::from(1), bits));
        assert_eq!(names(&alike), ["train", "quantize #0", "quantize #1"]);
    }

    #[test]
    fn keys_are_as_short_as_they_can_be_told_apart() {
        let keys = ["a.rate", "b.rate", "training.epochs", "epochs"];
        let values = IndexMap::from(keys.map(|key| (key.to_owned(), Value::Null)));
        let short: Vec<String> = short_keys(&[values]).into_values().collect();
        assert_eq!(short, ["a.rate", "b.rate", "training.epochs", "epochs"]);
        let values = IndexMap::from(["a.rate", "b.bits"].map(|key| (key.to_owned(), Value::Null)));
        assert_eq!(short_keys(&[values]).into_values().collect::<Vec<_>>(), ["rate", "bits"]);
    }
}
