//! What a training needs of the machine.

use crate::{TrainError, TrainSettings, batches::resident_bytes, checkpoint};
use contract::{Demand, Finding, Machine};
use model::{Graph, Op};

/// Bytes at the peak of a step for each byte that the layers put out: outputs that the backward pass reads, gradients on
/// their way back, and what the allocator has not given back yet. About 0.65 is measured.
const COPIES: u64 = 1;
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
}

impl Sizes {
    /// Sizes for a graph and two sets.
    pub(crate) fn new(graph: &Graph, shape: (usize, usize, usize), images: [usize; 2]) -> Self {
        let outputs: usize = graph.layers.iter().map(|layer| layer.output.len()).sum();
        let unfolded = graph.layers.iter().map(|layer| unfolded(graph, layer)).max().unwrap_or(0);
        let parameters = graph.parameters() as u64;
        let kept: u64 = images.iter().map(|images| resident_bytes(*images, shape)).sum();
        Self {
            per_image: 4 * (COPIES * outputs as u64 + 2 * unfolded as u64),
            // Weights, gradients, two moments, the best weights, and a checkpoint or model being written.
            fixed: BASE + kept + 4 * parameters * 8,
            parameters,
        }
    }

    fn memory(&self, batch: usize) -> u64 {
        self.fixed + self.per_image * batch as u64
    }
}

/// Elements that a convolution's windows take side by side.
fn unfolded(graph: &Graph, layer: &model::Layer) -> usize {
    match (&layer.op, layer.inputs.first(), layer.output.shape.as_slice()) {
        (Op::Conv2d(conv), Some(input), [height, width, _]) if conv.kernel != (1, 1) => {
            let channels = graph.layer(*input).output.shape.last().copied().unwrap_or(0);
            conv.kernel.0 * conv.kernel.1 * channels * height * width
        }
        _ => 0,
    }
}

/// The demand of a training on sets of this many training and validation images.
///
/// # Errors
/// A network that cannot be built.
pub(crate) fn demand(
    settings: &TrainSettings,
    images: [usize; 2],
    machine: &Machine,
) -> Result<Demand, TrainError> {
    let sizes = Sizes::new(&settings.graph()?, settings.model.input_shape(), images);
    // A batch never holds more images than the larger set.
    let largest = images.iter().copied().max().filter(|images| *images > 0).unwrap_or(usize::MAX);
    let memory = sizes.memory(settings.batch_size.min(largest));
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
    // Two checkpoints and one being written; three models in the run folder and in the store.
    let disk = 3 * checkpoint::size(sizes.parameters) + 6 * (4 * sizes.parameters + (1 << 20));
    Ok(Demand { memory, disk, findings })
}
