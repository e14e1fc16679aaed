//! The plan for programs: `pipeline plan FILE --format json`.
//!
//! One object. Keys are only added; when one changes its meaning or goes, `format` grows.
//!
//! ```text
//! format           1
//! operation_mode   the mode word
//! counts           {stages, hit, run, after}
//! sources          what comes from outside, in the order of the plan:
//!   node             number of the node, unique in the plan
//!   name             what people call it; key: the configuration key it comes from
//!   kind             float_model, quantized_model, image_set, metrics, file
//!   content          {file: PATH} | {folder: PATH} | {images: COUNT} | {generated: {generator, parameters}}
//!   digest           of the content
//! stages           in an order in which they could run:
//!   node, name       as above; stage, version: which stage it is
//!   status           hit (stored), run (its inputs exist), after (depends on stages that must run)
//!   why              the same for people
//!   after            nodes of the stages it waits for, where status is after
//!   recipe           key of settings and of the recipes of its inputs, known before anything runs
//!   fingerprint      key of settings and of the content of its inputs; null until these exist
//!   settings         all it reads of the configuration
//!   inputs           [{port, kind, node, output}]: from which node, and which output of it (null for a source)
//!   needs            nodes that come first although nothing of theirs is read
//!   outputs          [{port, kind}], of a hit also {path, digest, bytes}
//!   made             {created, seconds} of a hit, else null
//! ```

use super::{Link, PerNode, Plan, StageNode, StageState, Status, keys::Sources, text::why};
use crate::store::{Digest, Manifest};
use contract::{ArtifactKind, Settings, Source, SourceContent};
use petgraph::{Direction, graph::NodeIndex, visit::EdgeRef};
use serde::Serialize;
use serde_json::{Map, Value};
use std::path::Path;

/// The version of the object.
const FORMAT: u32 = 1;

/// The plan as JSON, a line at its end.
#[must_use]
pub fn json(plan: &Plan, states: &PerNode<StageState>, sources: &Sources) -> String {
    let stages: Vec<StageView<'_>> = plan
        .stages()
        .filter_map(|(index, stage)| Some(StageView::of(plan, index, stage, states.get(index)?)))
        .collect();
    let count = |status: &str| stages.iter().filter(|stage| stage.status == status).count();
    let view = PlanView {
        format: FORMAT,
        operation_mode: &plan.operation_mode,
        counts: Counts { stages: stages.len(), hit: count("hit"), run: count("run"), after: count("after") },
        sources: plan
            .sources()
            .map(|(index, source)| {
                SourceView::of(index, source, sources.get(index).map(|known| known.digest))
            })
            .collect(),
        stages,
    };
    // Its maps have strings as keys, so it can be written.
    serde_json::to_string_pretty(&view).unwrap_or_default() + "\n"
}

#[derive(Serialize)]
struct PlanView<'a> {
    format: u32,
    operation_mode: &'a str,
    counts: Counts,
    sources: Vec<SourceView<'a>>,
    stages: Vec<StageView<'a>>,
}

#[derive(Serialize)]
struct Counts {
    stages: usize,
    hit: usize,
    run: usize,
    after: usize,
}

#[derive(Serialize)]
struct SourceView<'a> {
    node: usize,
    name: &'a str,
    key: &'a str,
    kind: ArtifactKind,
    content: ContentView<'a>,
    digest: Option<Digest>,
}

#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
enum ContentView<'a> {
    File(&'a Path),
    Folder(&'a Path),
    Remote(String),
    Images(usize),
    Generated { generator: &'a str, parameters: &'a Map<String, Value> },
}

#[derive(Serialize)]
struct StageView<'a> {
    node: usize,
    name: &'a str,
    stage: &'a str,
    version: u32,
    status: &'static str,
    why: String,
    after: Vec<usize>,
    recipe: Digest,
    fingerprint: Option<Digest>,
    settings: &'a Settings,
    inputs: Vec<InputView>,
    needs: Vec<usize>,
    outputs: Vec<OutputView<'a>>,
    made: Option<Made<'a>>,
}

#[derive(Serialize)]
struct InputView {
    port: String,
    kind: ArtifactKind,
    node: usize,
    output: Option<String>,
}

#[derive(Serialize)]
struct OutputView<'a> {
    port: &'a str,
    kind: ArtifactKind,
    #[serde(skip_serializing_if = "Option::is_none")]
    path: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    digest: Option<Digest>,
    #[serde(skip_serializing_if = "Option::is_none")]
    bytes: Option<u64>,
}

#[derive(Serialize)]
struct Made<'a> {
    created: &'a str,
    seconds: f64,
}

impl<'a> SourceView<'a> {
    fn of(index: NodeIndex, source: &'a Source, digest: Option<Digest>) -> Self {
        let content = match &source.content {
            SourceContent::File(path) => ContentView::File(path),
            SourceContent::Folder(path) => ContentView::Folder(path),
            SourceContent::Remote { address, .. } => ContentView::Remote(address.to_string()),
            SourceContent::Images(images) => ContentView::Images(images.len()),
            SourceContent::Generated { generator, parameters } => {
                ContentView::Generated { generator, parameters }
            }
        };
        Self {
            node: index.index(),
            name: &source.label,
            key: &source.key,
            kind: source.kind,
            content,
            digest,
        }
    }
}

impl<'a> StageView<'a> {
    fn of(plan: &Plan, index: NodeIndex, stage: &'a StageNode, state: &'a StageState) -> Self {
        let (status, manifest, after) = match &state.status {
            Status::Hit(manifest) => ("hit", Some(manifest.as_ref()), Vec::new()),
            Status::Run => ("run", None, Vec::new()),
            Status::After(stages) => ("after", None, stages.iter().map(|index| index.index()).collect()),
        };
        let inputs = plan.bindings(index).into_iter().map(|binding| InputView {
            port: binding.edge.port,
            kind: binding.edge.kind,
            node: binding.producer.index(),
            output: binding.edge.output,
        });
        let links = plan.graph.edges_directed(index, Direction::Incoming);
        let needs =
            links.filter(|link| matches!(link.weight(), Link::Order)).map(|link| link.source().index());
        Self {
            node: index.index(),
            name: &stage.name,
            stage: stage.stage,
            version: stage.version,
            status,
            why: why(state),
            after,
            recipe: state.recipe,
            fingerprint: state.fingerprint,
            settings: &stage.settings,
            inputs: inputs.collect(),
            needs: needs.collect(),
            outputs: stage
                .outputs
                .iter()
                .map(|port| OutputView::of(&port.name, port.kind, manifest))
                .collect(),
            made: manifest.map(|made| Made { created: &made.created, seconds: made.seconds }),
        }
    }
}

impl<'a> OutputView<'a> {
    fn of(port: &'a str, kind: ArtifactKind, manifest: Option<&'a Manifest>) -> Self {
        let stored = manifest.and_then(|manifest| manifest.outputs.get(port));
        Self {
            port,
            kind,
            path: stored.map(|stored| stored.path.as_str()),
            digest: stored.map(|stored| stored.digest),
            bytes: stored.map(|stored| stored.size),
        }
    }
}
