//! The plan: a place for every tensor.

use super::{
    Sharing,
    pack::{Block, Packing, live, pack},
    sharing::Groups,
};
use crate::{Graph, LayerId};

/// A place for every tensor of a network: its input, its output, and all between, for one image.
///
/// Weights and scratch memory of kernels are not part of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemoryPlan {
    /// The output of each layer, in the graph's order.
    pub tensors: Vec<PlacedTensor>,
    /// Memory that tensors lie in.
    pub blocks: Vec<PlacedBlock>,
    /// Size of the arena.
    pub bytes: u64,
    /// Size of a second arena in larger, slower memory; 0 unless the first was limited.
    pub external_bytes: u64,
    /// What the blocks of the first arena take at the step where they take most. No plan with these blocks has a smaller
    /// arena, so `bytes - lower_bound` is the most that a better packing could save.
    pub lower_bound: u64,
}

/// The place of a layer's output.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlacedTensor {
    /// The layer.
    pub layer: LayerId,
    /// The block it lies in, a position in [`MemoryPlan::blocks`].
    pub block: usize,
    /// Where it begins in its arena.
    pub offset: u64,
    /// Its size.
    pub bytes: u64,
    /// The step that writes it; 0 for an input.
    pub first: usize,
    /// The step that reads it last; the last step for the network's output.
    pub last: usize,
    /// Whose memory it has.
    pub sharing: Sharing,
}

/// Memory from one step to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PlacedBlock {
    /// Whether it lies in the second arena.
    pub external: bool,
    /// Where it begins in its arena.
    pub offset: u64,
    /// Its size, rounded up to 16 bytes.
    pub bytes: u64,
    /// The first step that needs it.
    pub first: usize,
    /// The last step that needs it.
    pub last: usize,
}

impl Graph {
    /// Plans the memory of one image in the graph's order of execution, for a graph that [`check`](Self::check) accepts.
    #[must_use]
    pub fn memory_plan(&self) -> MemoryPlan {
        self.memory_plan_within(u64::MAX)
    }

    /// The same with an arena of at most `limit` bytes. What does not fit goes to a second one: while the arena is too
    /// small, the largest block at the step that needs most memory.
    #[must_use]
    pub fn memory_plan_within(&self, limit: u64) -> MemoryPlan {
        let plans = [false, true].map(|parts| MemoryPlan::of(self, &Groups::of(self, parts), limit));
        let [plain, with_parts] = plans;
        let size = |plan: &MemoryPlan| (plan.external_bytes, plan.bytes);
        if size(&with_parts) < size(&plain) { with_parts } else { plain }
    }
}

impl MemoryPlan {
    fn of(graph: &Graph, groups: &Groups, limit: u64) -> Self {
        let external = spill(&groups.blocks, limit);
        let internal = Arena::of(&groups.blocks, &external, false);
        let second = Arena::of(&groups.blocks, &external, true);
        let mut blocks: Vec<PlacedBlock> = groups.blocks.iter().map(PlacedBlock::unplaced).collect();
        let last_step = graph.layers.len().saturating_sub(1);
        for (arena, is_external) in [(&internal, false), (&second, true)] {
            for (&number, &offset) in arena.numbers.iter().zip(&arena.packing.offsets) {
                let block = &mut blocks[number];
                *block =
                    PlacedBlock { external: is_external, offset, last: block.last.min(last_step), ..*block };
            }
        }
        let tensor = |(position, layer): (usize, &crate::Layer)| PlacedTensor {
            layer: LayerId(position),
            block: groups.block[position],
            offset: blocks[groups.block[position]].offset + groups.start[position],
            bytes: layer.output.bytes(),
            first: groups.life[position].0,
            last: groups.life[position].1.min(last_step),
            sharing: groups.sharing[position],
        };
        Self {
            tensors: graph.layers.iter().enumerate().map(tensor).collect(),
            bytes: internal.packing.bytes,
            external_bytes: second.packing.bytes,
            lower_bound: live(&internal.blocks).into_iter().max().unwrap_or(0),
            blocks,
        }
    }

    /// The step at which the blocks of the first arena take most, and how much.
    #[must_use]
    pub fn peak(&self) -> (usize, u64) {
        let blocks: Vec<Block> = self
            .blocks
            .iter()
            .filter(|block| !block.external)
            .map(|block| Block { bytes: block.bytes, first: block.first, last: block.last })
            .collect();
        first_largest(&live(&blocks)).unwrap_or((0, 0))
    }
}

impl PlacedBlock {
    fn unplaced(block: &Block) -> Self {
        Self { external: false, offset: 0, bytes: block.bytes, first: block.first, last: block.last }
    }
}

/// The blocks of one memory.
struct Arena {
    numbers: Vec<usize>,
    blocks: Vec<Block>,
    packing: Packing,
}

impl Arena {
    fn of(all: &[Block], external: &[bool], wanted: bool) -> Self {
        let numbers: Vec<usize> = (0..all.len()).filter(|&number| external[number] == wanted).collect();
        let blocks: Vec<Block> = numbers.iter().map(|&number| all[number]).collect();
        let packing = pack(&blocks);
        Self { numbers, blocks, packing }
    }
}

/// Which blocks have to leave an arena of at most `limit` bytes. While the blocks at some step are too many, it is the
/// largest at the step that needs most; where they would fit and only their packing is too high, the largest of those that
/// stick out. Of equals the first goes.
fn spill(all: &[Block], limit: u64) -> Vec<bool> {
    let mut external = vec![false; all.len()];
    let largest = |blocks: &mut dyn Iterator<Item = usize>| {
        blocks.max_by_key(|&number| (all[number].bytes, std::cmp::Reverse(number)))
    };
    loop {
        let kept: Vec<usize> = (0..all.len()).filter(|&number| !external[number]).collect();
        let blocks: Vec<Block> = kept.iter().map(|&number| all[number]).collect();
        let leaving = match first_largest(&live(&blocks)) {
            Some((step, bytes)) if bytes > limit => {
                let alive = |number: &usize| all[*number].first <= step && step <= all[*number].last;
                largest(&mut kept.iter().copied().filter(alive))
            }
            _ => {
                let packing = pack(&blocks);
                let over = |(number, offset): (&usize, &u64)| {
                    (offset + all[*number].bytes > limit).then_some(*number)
                };
                largest(&mut kept.iter().zip(&packing.offsets).filter_map(over))
            }
        };
        match leaving {
            Some(block) => external[block] = true,
            None => return external,
        }
    }
}

fn first_largest(values: &[u64]) -> Option<(usize, u64)> {
    let largest = *values.iter().max()?;
    values.iter().position(|&value| value == largest).map(|step| (step, largest))
}
