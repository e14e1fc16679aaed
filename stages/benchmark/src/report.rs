//! What `estimate` tells: metrics, log lines, tables, a figure.
//!
//! In the stage's folder:
//!
//! - `metrics.json`, all figures in bytes;
//! - `layers.csv`, a row for each layer in order of execution, whose number is the step in the plan;
//! - `memory_plan.csv`, a row for each layer's output: its place in the arena, the first and last step that need it, and
//!   whose memory it shares;
//! - `memory_plan.svg`, the arena over time.

use crate::{
    cost::{Cost, Flash, operation},
    fit::{Fit, Share, kib},
    network::Network,
};
use contract::{EventKind, StageContext, layout};
use figures::{MemoryBlock, memory_plan};
use model::{DataType, Graph, LayerId, MemoryPlan, Sharing};
use serde::Serialize;
use std::{fmt::Write, io};

/// Version of `metrics.json`.
const FORMAT: u32 = 1;
/// Name of the file of the port `metrics`, below the stage's folder.
pub(crate) const METRICS_FILE: &str = "metrics.json";

/// What was found out about a model.
pub(crate) struct Estimated<'a> {
    pub(crate) network: &'a Network,
    pub(crate) cost: Cost<'a>,
    pub(crate) plan: MemoryPlan,
}

impl<'a> Estimated<'a> {
    pub(crate) fn of(network: &'a Network) -> Self {
        Self { network, cost: Cost::of(&network.graph), plan: network.graph.memory_plan() }
    }

    fn graph(&self) -> &'a Graph {
        &self.network.graph
    }

    /// The layer at whose step most memory is needed.
    fn peak(&self) -> &'a str {
        &self.graph().layer(LayerId(self.plan.peak().0)).name
    }
}

/// `metrics.json`.
#[derive(Serialize)]
struct MetricsFile<'a> {
    format: u32,
    /// `float` or `int8`.
    model: &'static str,
    macs: u64,
    /// Of the network as deployed: BatchNorm is folded.
    parameters: u64,
    flash: FlashBytes,
    ram: Ram<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    board: Option<BoardFit>,
}

#[derive(Serialize)]
struct FlashBytes {
    weights: u64,
    kernels: u64,
    biases: u64,
    scales: u64,
}

#[derive(Serialize)]
struct Ram<'a> {
    activations: u64,
    /// No plan with the same shared memory takes less.
    lower_bound: u64,
    /// Part of the activations.
    input: u64,
    /// Part of the activations.
    output: u64,
    /// The layer that needs most.
    peak: &'a str,
}

#[derive(Serialize)]
struct BoardFit {
    name: &'static str,
    core: &'static str,
    clock_mhz: u32,
    source: &'static str,
    fits: bool,
    ram: Share,
    #[serde(skip_serializing_if = "Option::is_none")]
    flash: Option<Share>,
}

/// Writes the stage's files and sends its metrics.
pub(crate) fn report(estimated: &Estimated<'_>, fit: Option<&Fit>, context: &StageContext) -> io::Result<()> {
    let folder = context.out.join(layout::STAGE);
    fs_err::create_dir_all(&folder)?;
    tell(estimated, fit, context);
    fs_err::write(folder.join("layers.csv"), layers_csv(&estimated.cost))?;
    fs_err::write(folder.join("memory_plan.csv"), plan_csv(estimated.graph(), &estimated.plan))?;
    fs_err::write(folder.join("memory_plan.svg"), draw(estimated))?;
    context.emit(EventKind::Figure {
        title: format!("Memory plan of the {} model", estimated.network.kind.name()),
        path: format!("{}/memory_plan.svg", layout::STAGE),
    });
    let mut json = serde_json::to_string_pretty(&MetricsFile::of(estimated, fit)).map_err(io::Error::from)?;
    json.push('\n');
    fs_err::write(folder.join(METRICS_FILE), json)
}

/// Metrics and lines, named and worded as the original has them.
fn tell(estimated: &Estimated<'_>, fit: Option<&Fit>, context: &StageContext) {
    let Estimated { network, cost, plan } = estimated;
    let flash = cost.flash();
    let millions = cost.macs() as f64 / 1e6;
    context.note(format!(
        "the built-in estimator looks at the {} model; no ST tool and no cloud is used, whatever `tools` names",
        network.kind.name()
    ));
    context.note(format!("[INFO] : RAM Activations : {:.2} (KiB)", kib(plan.bytes)));
    context.note(format!("[INFO] : Flash weights : {:.2} (KiB)", kib(flash.bytes())));
    context.note(format!("[INFO] : MACCs : {millions:.3} (M)"));
    context.metric("RAM Activations KiB", kib(plan.bytes));
    context.metric("Flash weights KiB", kib(flash.bytes()));
    context.metric("MACCs M", millions);
    context.note(format!("RAM is fullest at layer {}", estimated.peak()));
    match fit.map(|fit| fit.advice(network.kind).ok_or_else(|| fit.line())) {
        Some(Ok(advice)) => context.warn(advice),
        Some(Err(line)) => context.note(line),
        None => {}
    }
}

impl<'a> MetricsFile<'a> {
    fn of(estimated: &Estimated<'a>, fit: Option<&Fit>) -> Self {
        let Estimated { network, cost, plan } = estimated;
        let graph = &network.graph;
        let flash = cost.flash();
        let Flash { kernels, biases, scales } = flash;
        let input = graph.input().map_or(0, |input| graph.layer(input).output.bytes());
        Self {
            format: FORMAT,
            model: network.kind.name(),
            macs: cost.macs(),
            parameters: cost.parameters(),
            flash: FlashBytes { weights: flash.bytes(), kernels, biases, scales },
            ram: Ram {
                activations: plan.bytes,
                lower_bound: plan.lower_bound,
                input,
                output: graph.output_type().bytes(),
                peak: estimated.peak(),
            },
            board: fit.map(|fit| BoardFit {
                name: fit.board.name,
                core: fit.board.core,
                clock_mhz: fit.board.clock_mhz,
                source: fit.board.source,
                fits: fit.fits(),
                ram: fit.ram,
                flash: fit.flash,
            }),
        }
    }
}

fn layers_csv(cost: &Cost<'_>) -> String {
    let mut csv =
        "step,layer,operation,output,element,macs,parameters,flash_bytes,activation_bytes\n".to_owned();
    for (step, layer) in cost.layers.iter().enumerate() {
        let shape: Vec<String> = layer.output.iter().map(usize::to_string).collect();
        let _ = writeln!(
            csv,
            "{step},{},{},{},{},{},{},{},{}",
            quoted(layer.name),
            layer.operation,
            shape.join("x"),
            element(layer.data_type),
            layer.macs,
            layer.parameters,
            layer.flash.bytes(),
            layer.activation
        );
    }
    csv
}

fn plan_csv(graph: &Graph, plan: &MemoryPlan) -> String {
    let mut csv = "layer,offset,bytes,first_step,last_step,shares,with\n".to_owned();
    for tensor in &plan.tensors {
        let (how, with) = match tensor.sharing {
            Sharing::Own => ("", None),
            Sharing::View(of) => ("same bytes", Some(of)),
            Sharing::InPlace(of) => ("in place", Some(of)),
            Sharing::Part(of) => ("part of", Some(of)),
        };
        let name = |id: LayerId| quoted(&graph.layer(id).name);
        let _ = writeln!(
            csv,
            "{},{},{},{},{},{how},{}",
            name(tensor.layer),
            tensor.offset,
            tensor.bytes,
            tensor.first,
            tensor.last,
            with.map(name).unwrap_or_default()
        );
    }
    csv
}

fn draw(estimated: &Estimated<'_>) -> String {
    let Estimated { network, plan, .. } = estimated;
    let blocks: Vec<MemoryBlock> = plan
        .blocks
        .iter()
        .enumerate()
        .map(|(number, block)| {
            let tensors = plan.tensors.iter().filter(|tensor| tensor.block == number);
            let largest = tensors.max_by_key(|tensor| (tensor.bytes, std::cmp::Reverse(tensor.layer)));
            let layer = largest.map(|tensor| network.graph.layer(tensor.layer));
            MemoryBlock {
                name: layer.map(|layer| layer.name.clone()).unwrap_or_default(),
                kind: layer.map(|layer| operation(&layer.op).to_owned()).unwrap_or_default(),
                steps: (block.first, block.last),
                offset: block.offset,
                bytes: block.bytes,
            }
        })
        .collect();
    memory_plan(&format!("Activation memory of the {} model", network.kind.name()), &blocks)
}

pub(crate) fn element(data_type: DataType) -> &'static str {
    match data_type {
        DataType::F32 => "float32",
        DataType::I8 => "int8",
        DataType::U8 => "uint8",
        DataType::I32 => "int32",
    }
}

/// A cell as RFC 4180 has it.
fn quoted(cell: &str) -> String {
    if cell.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", cell.replace('"', "\"\""))
    } else {
        cell.to_owned()
    }
}
