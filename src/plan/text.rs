//! The plan as a table for people.

use super::{
    PerNode, Plan,
    status::{StageState, Status},
};
use crate::report::{duration, table};
use contract::{Source, SourceContent};
use petgraph::graph::NodeIndex;

/// One line a stage: what a run would do with it, what it reads, and why.
#[must_use]
pub fn text(plan: &Plan, states: &PerNode<StageState>) -> String {
    let rows: Vec<[String; 4]> = plan
        .stages()
        .filter_map(|(index, stage)| {
            let state = states.get(index)?;
            Some([stage.name.clone(), word(plan, state), inputs(plan, index), why(state)])
        })
        .collect();
    let count = |wanted: fn(&Status) -> bool| states.values().filter(|state| wanted(&state.status)).count();
    let hits = count(|status| matches!(status, Status::Hit(_)));
    let runs = count(|status| matches!(status, Status::Run));
    let later = count(|status| matches!(status, Status::After(_)));
    let stages = match states.values().count() {
        1 => "1 stage".to_owned(),
        count => format!("{count} stages"),
    };
    let table = table(["stage", "status", "inputs", "why"], &rows, &[]);
    format!(
        "{}: {stages}, {hits} stored, {runs} to run, {later} depending on others\n\n{table}",
        plan.operation_mode
    )
}

/// What a run would do with a stage.
pub(super) fn word(plan: &Plan, state: &StageState) -> String {
    match &state.status {
        Status::Hit(_) => "hit".to_owned(),
        Status::Run => "run".to_owned(),
        Status::After(stages) => format!("after {}", names(plan, stages)),
    }
}

/// Why it would.
pub(super) fn why(state: &StageState) -> String {
    if let Some(reason) = &state.reason {
        return reason.clone();
    }
    match &state.status {
        Status::Hit(manifest) => {
            let day = manifest.created.split('T').next().unwrap_or_default();
            format!("made on {day} in {}", duration(manifest.seconds))
        }
        Status::Run if state.damage.is_some() => state.damage.clone().unwrap_or_default(),
        Status::Run => "no stored result for these settings and inputs".to_owned(),
        Status::After(_) => "its inputs are not made yet".to_owned(),
    }
}

/// `model: train, calibration_set: training set (183 images)`.
fn inputs(plan: &Plan, index: NodeIndex) -> String {
    let shown = plan.bindings(index).into_iter().map(|binding| {
        let producer = plan.name(binding.producer);
        let size = plan.source(binding.producer).and_then(size).map(|size| format!(" ({size})"));
        let size = size.unwrap_or_default();
        format!("{}: {producer}{size}", binding.edge.port)
    });
    shown.collect::<Vec<_>>().join(", ")
}

/// How much of a source there is, or what makes it.
pub(super) fn size(source: &Source) -> Option<String> {
    match &source.content {
        SourceContent::Images(images) => Some(format!("{} images", images.len())),
        SourceContent::Generated { generator, .. } => Some(generator.clone()),
        SourceContent::File(_) | SourceContent::Folder(_) | SourceContent::Remote { .. } => None,
    }
}

fn names(plan: &Plan, stages: &[NodeIndex]) -> String {
    stages.iter().map(|&index| plan.name(index)).collect::<Vec<_>>().join(", ")
}
