//! What is kept of a run's stages to explain it later.

use super::{
    Binding, Member, PerNode, Plan, StageState, Status,
    keys::{self, Sources},
};
use crate::record::{Found, InputOrigin, Origin, RunKeys, StageKey};
use contract::SourceContent;
use petgraph::graph::NodeIndex;

/// The keys of all stages as far as they are known before a run, and what the store has of them.
#[must_use]
pub fn run_keys(plan: &Plan, sources: &Sources, states: &PerNode<StageState>) -> RunKeys {
    let stages = plan.stages().map(|(index, stage)| (index, stage.name.as_str())).collect();
    keys_of(plan, stages, &|index| plan.name(index), sources, states)
}

/// The same for one of several plans that have become one, whose stages have the names that it gives them.
#[must_use]
pub fn member_keys(
    plan: &Plan,
    members: &[Member],
    sources: &Sources,
    states: &PerNode<StageState>,
) -> RunKeys {
    let stages: Vec<(NodeIndex, &str)> =
        members.iter().map(|member| (member.node, member.name.as_str())).collect();
    let names: PerNode<&str> = stages.iter().copied().collect();
    let name = |index| names.get(index).copied().unwrap_or_else(|| plan.name(index));
    keys_of(plan, stages, &name, sources, states)
}

fn keys_of<'a>(
    plan: &'a Plan,
    stages: Vec<(NodeIndex, &'a str)>,
    name_of: &dyn Fn(NodeIndex) -> &'a str,
    sources: &Sources,
    states: &PerNode<StageState>,
) -> RunKeys {
    let hit = |node| states.get(node).and_then(StageState::hit);
    let key = |(index, name): (NodeIndex, &str)| {
        let stage = plan.stage(index)?;
        let input = |binding: Binding| {
            // A result without what it promised is no result; the run will say so.
            let key = keys::input_key(&binding, sources, &hit).ok().flatten();
            let from = Some(origin(plan, &binding, name_of));
            let input = InputOrigin { kind: binding.edge.kind, digest: key.map(|key| key.digest), from };
            (binding.edge.port, input)
        };
        let state = states.get(index);
        Some(StageKey {
            name: name.to_owned(),
            stage: stage.stage.to_owned(),
            version: stage.version,
            settings: stage.settings.clone(),
            device: stage.device.clone(),
            inputs: plan.bindings(index).into_iter().map(input).collect(),
            fingerprint: state.and_then(|state| state.fingerprint),
            found: state.map_or(Found::Unknown, found),
        })
    };
    RunKeys { format: RunKeys::FORMAT, stages: stages.into_iter().filter_map(key).collect() }
}

fn origin<'a>(plan: &Plan, binding: &Binding, name_of: &dyn Fn(NodeIndex) -> &'a str) -> Origin {
    match plan.source(binding.producer) {
        Some(source) => Origin::Source {
            label: source.label.clone(),
            key: source.key.clone(),
            path: match &source.content {
                SourceContent::File(path) | SourceContent::Folder(path) => Some(path.display().to_string()),
                SourceContent::Remote { address, .. } => Some(address.to_string()),
                SourceContent::Images(_) | SourceContent::Generated { .. } => None,
            },
        },
        None => Origin::Stage {
            name: name_of(binding.producer).to_owned(),
            output: binding.edge.output.clone().unwrap_or_default(),
        },
    }
}

fn found(state: &StageState) -> Found {
    match (&state.status, &state.damage) {
        (_, Some(damage)) => Found::Damaged(damage.clone()),
        (Status::Hit(_), None) => Found::Result,
        (Status::Run, None) => Found::Nothing,
        (Status::After(_), None) => Found::Unknown,
    }
}
