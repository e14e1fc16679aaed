//! Which tensors can have one block of memory.

use super::pack::{ALIGNMENT, Block};
use crate::{Activation, Graph, LayerId, Op};

/// Why a tensor has no memory of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sharing {
    /// It has memory of its own.
    Own,
    /// It is the same bytes as another tensor (Reshape).
    View(LayerId),
    /// It overwrites a tensor that nothing reads any more: each element is read before it is written.
    InPlace(LayerId),
    /// It is written straight into the concatenation that alone reads it, pixel by pixel beside the other parts.
    Part(LayerId),
}

/// Tensors by block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Groups {
    pub(super) blocks: Vec<Block>,
    /// The block of each layer's output.
    pub(super) block: Vec<usize>,
    pub(super) sharing: Vec<Sharing>,
    /// Where the tensor begins in its block.
    pub(super) start: Vec<u64>,
    /// First and last step of each tensor's own life.
    pub(super) life: Vec<(usize, usize)>,
}

impl Groups {
    /// Views and operations in place always; parts of concatenations only with `parts`, because a block of the
    /// concatenation's size from its first part on can take more memory than it saves.
    pub(super) fn of(graph: &Graph, parts: bool) -> Self {
        let mut tensors = Tensors::of(graph);
        tensors.join_views();
        tensors.join_in_place();
        if parts {
            tensors.join_parts();
        }
        tensors.finish()
    }
}

/// Groups of tensors in the making. A group is named by one of its tensors.
struct Tensors<'a> {
    graph: &'a Graph,
    group: Vec<usize>,
    sharing: Vec<Sharing>,
    start: Vec<u64>,
    life: Vec<(usize, usize)>,
}

impl<'a> Tensors<'a> {
    fn of(graph: &'a Graph) -> Self {
        let count = graph.layers.len();
        let mut life: Vec<(usize, usize)> = (0..count).map(|step| (step, step)).collect();
        for (step, layer) in graph.layers.iter().enumerate() {
            if layer.op == Op::Input {
                // The caller fills it before the first step.
                life[step].0 = 0;
            }
            for input in &layer.inputs {
                life[input.0].1 = step;
            }
        }
        // The caller reads it after the last step.
        life[graph.output.0].1 = count;
        let sharing = vec![Sharing::Own; count];
        Self { graph, group: (0..count).collect(), sharing, start: vec![0; count], life }
    }

    fn join_views(&mut self) {
        for (step, layer) in self.graph.layers.iter().enumerate() {
            if let (true, &[input]) = (is_view(&layer.op), &layer.inputs[..])
                && self.bytes(step) == self.bytes(input.0)
            {
                self.group[step] = self.group[input.0];
                self.sharing[step] = Sharing::View(input);
            }
        }
    }

    fn join_in_place(&mut self) {
        for (step, layer) in self.graph.layers.iter().enumerate() {
            if !is_element_wise(&layer.op) || self.sharing[step] != Sharing::Own {
                continue;
            }
            let dying = layer.inputs.iter().copied().find(|input| {
                // Elements that grow would run over those not read yet.
                self.last(self.group[input.0]) == step && self.bytes(step) <= self.bytes(input.0)
            });
            if let Some(input) = dying {
                self.join(step, self.group[input.0]);
                self.sharing[step] = Sharing::InPlace(input);
            }
        }
    }

    fn join_parts(&mut self) {
        for (step, layer) in self.graph.layers.iter().enumerate().filter(|(_, layer)| layer.op == Op::Concat)
        {
            let whole = layer.output.shape.last().copied().unwrap_or(0) as u64;
            let mut start = 0;
            for &input in &layer.inputs {
                let channels = self.graph.layer(input).output.shape.last().copied().unwrap_or(0) as u64;
                let pixel = layer.output.data_type.bytes() * channels;
                if self.can_be_part(input, LayerId(step)) && channels < whole {
                    self.join(input.0, self.group[step]);
                    self.sharing[input.0] = Sharing::Part(LayerId(step));
                    self.start[input.0] = start;
                }
                start += pixel;
            }
        }
    }

    /// Whether the concatenation reads `input` once and nothing else does, and nothing shares its memory. The network's
    /// own input is laid out by the caller.
    fn can_be_part(&self, input: LayerId, concat: LayerId) -> bool {
        let readers = self.graph.layers.iter().flat_map(|layer| &layer.inputs).filter(|read| **read == input);
        readers.count() == 1
            && self.life[input.0].1 == concat.0
            && self.graph.layer(input).op != Op::Input
            && self.graph.layer(input).output.data_type == self.graph.layer(concat).output.data_type
            && self.group.iter().filter(|group| **group == self.group[input.0]).count() == 1
    }

    /// Makes the group of `tensor` part of `group`.
    fn join(&mut self, tensor: usize, group: usize) {
        let joining = self.group[tensor];
        self.group.iter_mut().filter(|group| **group == joining).for_each(|member| *member = group);
    }

    /// The last step at which a group's memory is needed.
    fn last(&self, group: usize) -> usize {
        self.members(group).map(|tensor| self.life[tensor].1).max().unwrap_or(0)
    }

    fn members(&self, group: usize) -> impl Iterator<Item = usize> {
        (0..self.group.len()).filter(move |&tensor| self.group[tensor] == group)
    }

    fn bytes(&self, tensor: usize) -> u64 {
        self.graph.layers[tensor].output.bytes()
    }

    fn finish(self) -> Groups {
        let mut number = vec![None; self.group.len()];
        let mut blocks = Vec::new();
        let mut block = Vec::with_capacity(self.group.len());
        for &group in &self.group {
            let position = *number[group].get_or_insert_with(|| {
                let first = self.members(group).map(|tensor| self.life[tensor].0).min().unwrap_or(0);
                let bytes = self.members(group).map(|tensor| self.bytes(tensor)).max().unwrap_or(0);
                let bytes = bytes.next_multiple_of(ALIGNMENT);
                blocks.push(Block { bytes, first, last: self.last(group) });
                blocks.len() - 1
            });
            block.push(position);
        }
        Groups { blocks, block, sharing: self.sharing, start: self.start, life: self.life }
    }
}

/// Operations whose output is the bytes of their input.
fn is_view(op: &Op) -> bool {
    matches!(
        op,
        Op::Reshape { .. }
            | Op::Flatten
            | Op::Dropout { .. }
            | Op::SpatialDropout2d { .. }
            | Op::Activation(Activation::Linear)
    )
}

/// Operations that can write each element (softmax: each pixel) over the one it is made of.
fn is_element_wise(op: &Op) -> bool {
    matches!(
        op,
        Op::BatchNorm { .. }
            | Op::Relu { .. }
            | Op::SlopedRelu { .. }
            | Op::LeakyRelu { .. }
            | Op::Prelu { .. }
            | Op::Activation(_)
            | Op::Softmax
            | Op::Add { .. }
            | Op::Multiply
            | Op::Rescale { .. }
            | Op::Quantize
            | Op::Dequantize
    )
}
