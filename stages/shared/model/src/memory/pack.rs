//! Offsets for blocks with lifetimes: offline dynamic storage allocation, which is NP-hard.
//!
//! Blocks are placed one after the other, each into a gap between those it meets in time. Several orders are tried, the
//! greedy ones of Pisarchyk and Lee (arXiv 2001.03288) among them, and the best is improved by moving whatever sticks out
//! at the top to the front of the order, until nothing lower is possible or [`ROUNDS`] are over.

/// Blocks start at multiples of this many bytes: the largest vector that kernels load, and what TensorFlow Lite Micro uses.
pub(super) const ALIGNMENT: u64 = 16;

/// Improvements tried at most when no order reaches the lower bound.
const MOST_ROUNDS: usize = 256;
/// Pairs of blocks looked at in all improvements together, so that a network of thousands of layers is planned in seconds.
const MOST_PAIRS: usize = 1 << 28;

/// Memory that is needed from one step to another, both included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Block {
    /// Size, a multiple of [`ALIGNMENT`].
    pub(super) bytes: u64,
    pub(super) first: usize,
    pub(super) last: usize,
}

/// Places for all blocks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Packing {
    /// One for each block, in their order.
    pub(super) offsets: Vec<u64>,
    /// Memory in all: the highest end of a block.
    pub(super) bytes: u64,
}

impl Block {
    fn meets(&self, other: &Self) -> bool {
        self.first <= other.last && other.first <= self.last
    }

    fn steps(&self) -> u64 {
        (self.last - self.first + 1) as u64
    }
}

/// Bytes of the blocks alive at each step. No packing is lower than the largest of them.
pub(super) fn live(blocks: &[Block]) -> Vec<u64> {
    let steps = blocks.iter().map(|block| block.last + 1).max().unwrap_or(0);
    let alive = |step: usize| blocks.iter().filter(move |block| block.first <= step && step <= block.last);
    (0..steps).map(|step| alive(step).map(|block| block.bytes).sum()).collect()
}

/// Places all blocks.
pub(super) fn pack(blocks: &[Block]) -> Packing {
    let bound = live(blocks).into_iter().max().unwrap_or(0);
    let mut order: Vec<usize> = (0..blocks.len()).collect();
    let mut gap = Gap::Lowest;
    let mut best = place(blocks, &order, gap);
    for other in orders(blocks) {
        for other_gap in [Gap::Tightest, Gap::Lowest] {
            let packing = place(blocks, &other, other_gap);
            if packing.bytes < best.bytes {
                (best, order, gap) = (packing, other.clone(), other_gap);
            }
        }
    }
    let mut packing = best.clone();
    let rounds = (MOST_PAIRS / (blocks.len() * blocks.len()).max(1)).min(MOST_ROUNDS);
    for _ in 0..rounds {
        if best.bytes == bound {
            break;
        }
        let (top, rest): (Vec<usize>, Vec<usize>) =
            order.iter().partition(|&&block| packing.offsets[block] + blocks[block].bytes == packing.bytes);
        order = top.into_iter().chain(rest).collect();
        packing = place(blocks, &order, gap);
        if packing.bytes < best.bytes {
            best = packing.clone();
        }
    }
    best
}

/// Which gap a block goes into.
#[derive(Debug, Clone, Copy)]
enum Gap {
    /// The one that leaves the least unused.
    Tightest,
    /// The one at the lowest offset.
    Lowest,
}

/// What blocks are ordered by: the second decides between equals.
type Key<'a> = &'a dyn Fn(&Block) -> (u64, u64);

/// Orders to try besides that of the blocks themselves: the largest first, by size, by the fullest step of their lives, by
/// length of life, by both. Equals stay in the order of the blocks.
fn orders(blocks: &[Block]) -> Vec<Vec<usize>> {
    let live = live(blocks);
    let breadth = |block: &Block| live[block.first..=block.last].iter().copied().max().unwrap_or(0);
    let keys: [Key<'_>; 4] = [
        &|block| (block.bytes, block.steps()),
        &|block| (breadth(block), block.bytes),
        &|block| (block.steps(), block.bytes),
        &|block| (block.bytes * block.steps(), block.bytes),
    ];
    let falling = |key: &Key<'_>| {
        let mut order: Vec<usize> = (0..blocks.len()).collect();
        order.sort_by_key(|&block| std::cmp::Reverse(key(&blocks[block])));
        order
    };
    keys.iter().map(falling).collect()
}

/// Places blocks one after the other.
fn place(blocks: &[Block], order: &[usize], gap: Gap) -> Packing {
    let mut packing = Packing { offsets: vec![0; blocks.len()], bytes: 0 };
    // By offset.
    let mut placed: Vec<usize> = Vec::with_capacity(blocks.len());
    for &block in order {
        let offset = find(blocks, &packing.offsets, &placed, &blocks[block], gap);
        packing.offsets[block] = offset;
        packing.bytes = packing.bytes.max(offset + blocks[block].bytes);
        let position = placed.partition_point(|&other| packing.offsets[other] <= offset);
        placed.insert(position, block);
    }
    packing
}

/// The offset of a block among those placed already.
fn find(blocks: &[Block], offsets: &[u64], placed: &[usize], block: &Block, gap: Gap) -> u64 {
    let mut end = 0;
    let mut tightest: Option<(u64, u64)> = None;
    for &other in placed.iter().filter(|&&other| blocks[other].meets(block)) {
        let free = offsets[other].saturating_sub(end);
        if free >= block.bytes {
            if matches!(gap, Gap::Lowest) {
                return end;
            }
            if tightest.is_none_or(|(least, _)| free < least) {
                tightest = Some((free, end));
            }
        }
        end = end.max(offsets[other] + blocks[other].bytes);
    }
    tightest.map_or(end, |(_, offset)| offset)
}

#[cfg(test)]
mod tests {
    use super::*;
    use contract::Random;

    fn blocks(case: u64, count: usize) -> Vec<Block> {
        let mut random = Random::new(5, "blocks", case, 0);
        let mut below = |bound: u64| (random.uniform_in(0.0, bound as f64)) as u64;
        (0..count)
            .map(|_| {
                let first = below(8) as usize;
                Block { bytes: (1 + below(9)) * ALIGNMENT, first, last: first + below(4) as usize }
            })
            .collect()
    }

    fn assert_sound(blocks: &[Block], packing: &Packing) {
        for (a, left) in blocks.iter().enumerate() {
            assert!(packing.offsets[a] + left.bytes <= packing.bytes);
            for (b, right) in blocks.iter().enumerate().skip(a + 1).filter(|(_, right)| left.meets(right)) {
                let (low, high) = (packing.offsets[a], packing.offsets[b]);
                assert!(low + left.bytes <= high || high + right.bytes <= low, "{left:?} over {right:?}");
            }
        }
        assert!(packing.bytes >= live(blocks).into_iter().max().unwrap_or(0));
    }

    /// The least memory there is: some order of lowest gaps gives it, that of the offsets of a best packing.
    fn optimum(blocks: &[Block]) -> u64 {
        fn permutations(blocks: &[Block], order: &mut Vec<usize>, least: &mut u64) {
            if order.len() == blocks.len() {
                *least = (*least).min(place(blocks, order, Gap::Lowest).bytes);
                return;
            }
            for block in 0..blocks.len() {
                if !order.contains(&block) {
                    order.push(block);
                    permutations(blocks, order, least);
                    order.pop();
                }
            }
        }
        let mut least = u64::MAX;
        permutations(blocks, &mut Vec::new(), &mut least);
        least
    }

    #[test]
    fn blocks_alive_together_never_overlap() {
        for case in 0..300 {
            let blocks = blocks(case, 1 + case as usize % 40);
            assert_sound(&blocks, &pack(&blocks));
        }
    }

    #[test]
    fn few_blocks_are_packed_as_tightly_as_any_order_could() {
        for case in 0..200 {
            let blocks = blocks(case, 6);
            assert_eq!(pack(&blocks).bytes, optimum(&blocks), "case {case}: {blocks:?}");
        }
    }

    #[test]
    fn a_gap_is_used_before_the_memory_grows() {
        let block = |units: u64, first, last| Block { bytes: units * ALIGNMENT, first, last };
        // The second makes room for the fourth, below the third.
        let blocks = [block(1, 0, 9), block(3, 0, 1), block(2, 1, 9), block(3, 2, 3)];
        assert_eq!(pack(&blocks).bytes, 6 * ALIGNMENT);
        assert_eq!(pack(&[]), Packing { offsets: vec![], bytes: 0 });
    }
}
