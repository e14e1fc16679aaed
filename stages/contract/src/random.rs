//! The one source of random draws: a counter-based generator.
//!
//! A draw depends on the seed, a purpose, and two coordinates (epoch and sample, layer and element), never on what was
//! drawn before elsewhere. So an interrupted training goes on with the draws it would have made, on any number of
//! threads. The generator is Philox4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011).

/// A stream of random numbers.
#[derive(Debug, Clone)]
pub struct Random {
    key: [u32; 2],
    /// The stream's coordinates in the two high words, the position in the stream in the two low ones.
    counter: [u32; 4],
    block: [u32; 4],
    used: usize,
}

impl Random {
    /// The stream of `purpose` at the coordinates `(a, b)`, each of which must fit 32 bits in practice; larger ones fold.
    #[must_use]
    pub fn new(seed: u64, purpose: &str, a: u64, b: u64) -> Self {
        let key = seed ^ fnv1a(purpose);
        Self {
            key: [key as u32, (key >> 32) as u32],
            counter: [0, 0, fold(a), fold(b)],
            block: [0; 4],
            used: 4,
        }
    }

    /// 32 random bits.
    pub fn next_u32(&mut self) -> u32 {
        if self.used == 4 {
            self.block = philox4x32_10(self.counter, self.key);
            self.used = 0;
            let position = (u64::from(self.counter[1]) << 32 | u64::from(self.counter[0])).wrapping_add(1);
            self.counter[0] = position as u32;
            self.counter[1] = (position >> 32) as u32;
        }
        self.used += 1;
        self.block[self.used - 1]
    }

    /// 64 random bits.
    pub fn next_u64(&mut self) -> u64 {
        u64::from(self.next_u32()) << 32 | u64::from(self.next_u32())
    }

    /// Uniform in `[0, 1)`, 53 bits.
    pub fn uniform(&mut self) -> f64 {
        (self.next_u64() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// Uniform in `[low, high)`.
    pub fn uniform_in(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.uniform()
    }

    /// Uniform in `0..bound`, without bias (Lemire, arXiv 1805.10941). 0 for a bound of 0.
    pub fn below(&mut self, bound: u32) -> u32 {
        if bound == 0 {
            return 0;
        }
        let threshold = bound.wrapping_neg() % bound;
        loop {
            let product = u64::from(self.next_u32()) * u64::from(bound);
            if product as u32 >= threshold {
                return (product >> 32) as u32;
            }
        }
    }

    /// Standard normal (Box and Muller 1958; the second value is not kept, so that every call advances alike).
    pub fn normal(&mut self) -> f64 {
        let radius = (-2.0 * (1.0 - self.uniform()).ln()).sqrt();
        radius * (std::f64::consts::TAU * self.uniform()).cos()
    }

    /// Standard normal, redrawn outside two standard deviations, as Keras' initialisers do.
    pub fn truncated_normal(&mut self) -> f64 {
        loop {
            let draw = self.normal();
            if draw.abs() <= 2.0 {
                return draw;
            }
        }
    }

    /// Puts `items` in random order (Fisher and Yates).
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            let other = self.below(u32::try_from(last + 1).unwrap_or(u32::MAX)) as usize;
            items.swap(last, other);
        }
    }
}

fn fold(coordinate: u64) -> u32 {
    (coordinate ^ (coordinate >> 32).wrapping_mul(0x9E37_79B9)) as u32
}

/// FNV-1a, 64 bits: spreads the purposes over the key space.
fn fnv1a(text: &str) -> u64 {
    text.bytes()
        .fold(0xCBF2_9CE4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3))
}

fn philox4x32_10(mut counter: [u32; 4], mut key: [u32; 2]) -> [u32; 4] {
    for round in 0..10 {
        if round > 0 {
            key = [key[0].wrapping_add(0x9E37_79B9), key[1].wrapping_add(0xBB67_AE85)];
        }
        let (low, high) = (u64::from(counter[0]) * 0xD251_1F53, u64::from(counter[2]) * 0xCD9E_8D57);
        counter = [
            (high >> 32) as u32 ^ counter[1] ^ key[0],
            high as u32,
            (low >> 32) as u32 ^ counter[3] ^ key[1],
            low as u32,
        ];
    }
    counter
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The known-answer vectors that the authors' Random123 library ships (`kat_vectors`, philox4x32 10).
    #[test]
    fn philox_gives_the_published_known_answers() {
        assert_eq!(philox4x32_10([0; 4], [0; 2]), [0x6627_E8D5, 0xE169_C58D, 0xBC57_AC4C, 0x9B00_DBD8]);
        assert_eq!(
            philox4x32_10([u32::MAX; 4], [u32::MAX; 2]),
            [0x408F_276D, 0x41C8_3B0E, 0xA20B_C7C6, 0x6D54_51FD]
        );
    }

    #[test]
    fn streams_of_other_purposes_and_coordinates_differ_and_the_same_one_repeats() {
        let draw = |purpose, a, b| Random::new(7, purpose, a, b).next_u64();
        assert_eq!(draw("shuffle", 1, 2), draw("shuffle", 1, 2));
        assert_ne!(draw("shuffle", 1, 2), draw("shuffle", 2, 1));
        assert_ne!(draw("shuffle", 1, 2), draw("dropout", 1, 2));
    }

    #[test]
    fn normal_draws_have_mean_zero_and_deviation_one() {
        let mut random = Random::new(1, "test", 0, 0);
        let draws: Vec<f64> = (0..20_000).map(|_| random.normal()).collect();
        let mean = draws.iter().sum::<f64>() / draws.len() as f64;
        let variance = draws.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / draws.len() as f64;
        assert!(mean.abs() < 0.03 && (variance - 1.0).abs() < 0.05, "mean {mean}, variance {variance}");
    }
}
