//! numpy's legacy random permutation, so that a split holds the same images as the original's.
//!
//! Mersenne Twister MT19937 (Matsumoto and Nishimura, ACM TOMACS 8(1), 1998) seeded by one integer, and the shuffle of
//! `numpy.random.RandomState`: Fisher and Yates from the end, each index drawn by masking and rejection.

const WORDS: usize = 624;
const SHIFT: usize = 397;

/// `numpy.random.RandomState(seed).permutation(n)`.
///
/// Positions are drawn with 32 bits, so `n` is below 2^32; no list of files comes near.
pub(crate) fn permutation(seed: u32, n: usize) -> Vec<usize> {
    let mut twister = Twister::new(seed);
    let mut order: Vec<usize> = (0..n).collect();
    for last in (1..n).rev() {
        let other = twister.interval(u32::try_from(last).unwrap_or(u32::MAX));
        order.swap(last, other as usize);
    }
    order
}

struct Twister {
    state: [u32; WORDS],
    used: usize,
}

impl Twister {
    fn new(seed: u32) -> Self {
        let mut state = [0; WORDS];
        let mut word = seed;
        for (index, slot) in (1u32..).zip(state.iter_mut()) {
            *slot = word;
            word = (word ^ (word >> 30)).wrapping_mul(1_812_433_253).wrapping_add(index);
        }
        Self { state, used: WORDS }
    }

    /// Uniform in `0..=max`.
    fn interval(&mut self, max: u32) -> u32 {
        if max == 0 {
            return 0;
        }
        let mask = u32::MAX >> max.leading_zeros();
        loop {
            let draw = self.next_u32() & mask;
            if draw <= max {
                return draw;
            }
        }
    }

    fn next_u32(&mut self) -> u32 {
        if self.used == WORDS {
            self.twist();
        }
        let mut word = self.state[self.used];
        self.used += 1;
        word ^= word >> 11;
        word ^= (word << 7) & 0x9D2C_5680;
        word ^= (word << 15) & 0xEFC6_0000;
        word ^ (word >> 18)
    }

    fn twist(&mut self) {
        for index in 0..WORDS {
            let joined = (self.state[index] & 0x8000_0000) | (self.state[(index + 1) % WORDS] & 0x7FFF_FFFF);
            let mixed = (joined >> 1) ^ if joined & 1 == 1 { 0x9908_B0DF } else { 0 };
            self.state[index] = self.state[(index + SHIFT) % WORDS] ^ mixed;
        }
        self.used = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_permutation_is_that_of_numpy() {
        for golden in include_str!("../tests/golden/permutation.txt").lines().filter(|l| !l.starts_with('#'))
        {
            let numbers: Vec<usize> =
                golden.split_whitespace().map(|n| n.parse().expect("a number")).collect();
            let [seed, n, order @ ..] = &numbers[..] else { panic!("too short: {golden}") };
            let ours = permutation(u32::try_from(*seed).expect("a seed"), *n);
            assert_eq!(&ours[..order.len()], order, "seed {seed}, n {n}");
        }
    }

    #[test]
    fn every_position_is_drawn_once() {
        let mut order = permutation(123, 1000);
        order.sort_unstable();
        assert_eq!(order, (0..1000).collect::<Vec<_>>());
        assert!(permutation(5, 0).is_empty());
    }
}
