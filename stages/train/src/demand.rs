//! What a training needs of the machine.

use crate::{TrainSettings, checkpoint, optimizer::Optimizer};
use contract::config::Callback;
use contract::{Demand, Finding, Machine};
use model::{Graph, Layer, Op};

/// Bytes at the peak of a step for each byte that the layers put out: outputs that the backward pass reads, gradients on
/// their way back, and what the allocator has not given back yet. About 0.65 is measured.
const COPIES: u64 = 1;
/// Further copies of the network's output, the largest of all: its logits as the loss reads them, and their gradient.
const LOGITS: u64 = 2;
/// The program and its threads.
const BASE: u64 = 96 << 20;

/// Sizes of a training.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Sizes {
    /// Bytes of a step per image of the batch.
    pub(crate) per_image: u64,
    /// Bytes whatever the batch.
    pub(crate) fixed: u64,
    /// Numbers in the network.
    pub(crate) parameters: u64,
    /// Numbers that the training's state has for each of them.
    pub(crate) copies: u64,
}

impl Sizes {
    /// Sizes for a graph that is trained with these settings.
    pub(crate) fn new(graph: &Graph, settings: &TrainSettings) -> Self {
        let size = |layer: &Layer| product(&layer.output.shape);
        let outputs = graph.layers.iter().map(size).fold(0, u64::saturating_add);
        let logits = product(&graph.output_type().shape);
        let workspace = graph.layers.iter().map(|layer| workspace(graph, layer)).max().unwrap_or(0);
        let parameters = graph.parameters() as u64;
        let copies = copies(settings);
        Self {
            per_image: COPIES
                .saturating_mul(outputs)
                .saturating_add(LOGITS.saturating_mul(logits))
                .saturating_add(workspace)
                .saturating_mul(4),
            // The state, and the same as a checkpoint that is being written.
            fixed: parameters.saturating_mul(4 * 2).saturating_mul(copies).saturating_add(BASE),
            parameters,
            copies,
        }
    }

    /// Bytes that a training takes with batches of this size, besides what it may keep to save time.
    fn memory(&self, batch: usize, images: [usize; 2]) -> u64 {
        // A batch never holds more images than the larger set.
        let largest = images.into_iter().max().filter(|images| *images > 0).unwrap_or(usize::MAX);
        self.per_image.saturating_mul(batch.min(largest) as u64).saturating_add(self.fixed)
    }

    /// Bytes of `memory` that a training leaves for what it may keep; all there are where nobody knows how many.
    pub(crate) fn room(&self, memory: Option<u64>, batch: usize, images: [usize; 2]) -> u64 {
        memory.map_or(u64::MAX, |memory| memory.saturating_sub(self.memory(batch, images)))
    }
}

/// Numbers in a training's state for each of its network's: the weights, the optimizer's memory, the best weights, and
/// those that callbacks keep.
fn copies(settings: &TrainSettings) -> u64 {
    let keeps = |callback: &&Callback| match callback {
        Callback::EarlyStopping(stopping) => stopping.restore_best_weights,
        Callback::TerminateOnNaN(_) => true,
        _ => false,
    };
    let kept = settings.callbacks.iter().filter(keeps).count();
    (2 + Optimizer::slot_count(&settings.optimizer) + kept) as u64
}

/// Elements that a convolution takes for a moment for each image: its windows side by side, twice, and the image's part
/// of the kernel's gradient.
fn workspace(graph: &Graph, layer: &Layer) -> u64 {
    let Some(input) = layer.inputs.first() else { return 0 };
    let (input, output) = (&graph.layer(*input).output.shape, &layer.output.shape);
    let channels = input.last().copied().unwrap_or(0);
    let pixels = |shape: &[usize]| product(&shape[..shape.len().saturating_sub(1)]);
    let (kernel, channels, filters, positions) = match &layer.op {
        Op::Conv2d(conv) => (conv.kernel, channels, conv.filters, pixels(output)),
        Op::SeparableConv2d(conv) => {
            ((1, 1), channels.saturating_mul(conv.multiplier), conv.filters, pixels(output))
        }
        // The convolution that goes from its output to its input.
        Op::Conv2dTranspose(conv) => (conv.kernel, conv.filters, channels, pixels(input)),
        Op::Dense(dense) => ((1, 1), channels, dense.units, pixels(output)),
        _ => return 0,
    };
    let taps = product(&[kernel.0, kernel.1, channels]);
    let columns = if kernel == (1, 1) { 0 } else { taps.saturating_mul(positions) };
    columns.saturating_mul(2).saturating_add(taps.saturating_mul(filters as u64))
}

fn product(lengths: &[usize]) -> u64 {
    lengths.iter().fold(1, |product, length| product.saturating_mul(*length as u64))
}

/// The demand of a training of this network on sets of this many training and validation images.
pub(crate) fn demand(
    settings: &TrainSettings,
    graph: &Graph,
    images: [usize; 2],
    machine: &Machine,
) -> Demand {
    let sizes = Sizes::new(graph, settings);
    let memory = sizes.memory(settings.batch_size, images);
    let mut findings = Vec::new();
    if memory > machine.memory {
        let room = machine.memory.saturating_sub(sizes.fixed) / sizes.per_image.max(1);
        let mib = |bytes: u64| bytes.div_ceil(1 << 20);
        let message = format!(
            "training with batch_size {} needs about {} MiB of memory, and {} MiB can be had",
            settings.batch_size,
            mib(memory),
            mib(machine.memory)
        );
        let help = match room {
            0 => "even a batch of one image does not fit: use a smaller input or free memory".to_owned(),
            room => format!("the largest batch_size that fits is {room}"),
        };
        findings.push(Finding::error("train::memory", message).with_help(help));
    }
    // Two checkpoints and one being written; four models in the run folder and in the store, one of which holds the state.
    let models = sizes.parameters.saturating_mul(4).saturating_add(1 << 20).saturating_mul(8);
    let disk = checkpoint::size(sizes.parameters, sizes.copies).saturating_mul(5).saturating_add(models);
    Demand { memory, disk, findings }
}
