//! Multiplying integers by real numbers with integers: the heart of quantized arithmetic.

/// A positive real number as `significand * 2^(shift - 31)`, the significand of 31 bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Multiplier {
    significand: i32,
    shift: i32,
}

impl Multiplier {
    /// The nearest multiplier of a non-negative finite number. Below 2^-32 it is 0.
    pub(crate) fn new(real: f64) -> Self {
        if real == 0.0 {
            return Self { significand: 0, shift: 0 };
        }
        let (fraction, mut shift) = split(real);
        let mut significand = (fraction * (1i64 << 31) as f64).round() as i64;
        if significand == 1 << 31 {
            significand /= 2;
            shift += 1;
        }
        if shift < -31 {
            return Self { significand: 0, shift: 0 };
        }
        // Beyond 2^30 every product saturates or wraps in the reference; no network has such scales.
        Self { significand: significand as i32, shift: shift.min(30) }
    }

    /// This multiplier divided by a count: the mean's, where the reference divides the significand.
    pub(crate) fn divided_by(self, count: usize) -> Self {
        let count = count.max(1) as i64;
        let shift = (63 - count.leading_zeros() as i32).min(32).min(31 + self.shift);
        let significand = (i64::from(self.significand) << shift) / count;
        Self { significand: significand as i32, shift: self.shift - shift }
    }

    /// `value` times this, rounded twice as gemmlowp does: the doubled high half of the product to the nearest, then the
    /// shift to the right to the nearest, halves away from zero.
    pub(crate) fn apply(self, value: i32) -> i32 {
        let left = self.shift.max(0);
        let right = (-self.shift).max(0);
        divide_by_power(doubled_high_half(value.wrapping_shl(left as u32), self.significand), right)
    }
}

/// `real` as a fraction in [0.5, 1) and a power of two: C's `frexp`, for positive finite numbers.
fn split(real: f64) -> (f64, i32) {
    const BIAS: i32 = 1022;
    let exponent = |bits: u64| ((bits >> 52) & 0x7ff) as i32;
    let (bits, below) = match exponent(real.to_bits()) {
        // A subnormal: scale it up first.
        0 => ((real * (1u64 << 54) as f64).to_bits(), 54),
        _ => (real.to_bits(), 0),
    };
    let fraction = f64::from_bits((bits & !(0x7ff << 52)) | ((BIAS as u64) << 52));
    (fraction, exponent(bits) - BIAS - below)
}

/// The high 32 bits of `2 * a * b`, rounded to the nearest, halves up. (The reference adds a nudge of the product's sign
/// and divides towards zero, which is the same.)
fn doubled_high_half(a: i32, b: i32) -> i32 {
    if a == i32::MIN && b == i32::MIN {
        return i32::MAX;
    }
    ((i64::from(a) * i64::from(b) + (1 << 30)) >> 31) as i32
}

/// `value / 2^exponent` to the nearest, halves away from zero.
fn divide_by_power(value: i32, exponent: i32) -> i32 {
    let mask = ((1i64 << exponent) - 1) as i32;
    let remainder = value & mask;
    let threshold = (mask >> 1) + i32::from(value < 0);
    value.wrapping_shr(exponent.min(31) as u32) + i32::from(remainder > threshold)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn known_numbers_have_known_multipliers() {
        assert_eq!(Multiplier::new(1.0), Multiplier { significand: 1 << 30, shift: 1 });
        assert_eq!(Multiplier::new(0.5), Multiplier { significand: 1 << 30, shift: 0 });
        assert_eq!(Multiplier::new(0.75), Multiplier { significand: 3 << 29, shift: 0 });
        assert_eq!(Multiplier::new(0.0), Multiplier { significand: 0, shift: 0 });
        assert_eq!(Multiplier::new(1e-12), Multiplier { significand: 0, shift: 0 });
        // Rounds up to the next power of two.
        assert_eq!(Multiplier::new(1.0 - 1e-12), Multiplier { significand: 1 << 30, shift: 1 });
        assert_eq!(Multiplier::new(f64::from_bits(3)), Multiplier { significand: 0, shift: 0 });
    }

    #[test]
    fn halves_are_rounded_away_from_zero() {
        let half = Multiplier::new(0.5);
        assert_eq!([-3, -2, -1, 0, 1, 2, 3].map(|v| half.apply(v)), [-1, -1, 0, 0, 1, 1, 2]);
        let eighth = Multiplier::new(0.125);
        assert_eq!([-12, -4, 4, 12, 20].map(|v| eighth.apply(v)), [-2, -1, 1, 2, 3]);
    }

    proptest! {
        #[test]
        fn the_high_half_is_the_one_of_a_nudged_division(a in any::<i32>(), b in any::<i32>()) {
            prop_assume!(a != i32::MIN || b != i32::MIN);
            let product = i64::from(a) * i64::from(b);
            let nudge = if product >= 0 { 1 << 30 } else { 1 - (1 << 30) };
            prop_assert_eq!(i64::from(doubled_high_half(a, b)), (product + nudge) / (1 << 31));
        }

        /// Two roundings of half a step each, and the significand's own 2^-31, bound the error.
        #[test]
        fn products_are_within_a_step_of_the_real_ones(
            value in -(1i32 << 26)..(1 << 26),
            real in prop_oneof![1e-8f64..1.0, 1.0f64..16.0],
        ) {
            let exact = f64::from(value) * real;
            let result = f64::from(Multiplier::new(real).apply(value));
            prop_assert!((result - exact).abs() <= 1.0 + exact.abs() * 2f64.powi(-30), "{result} for {exact}");
        }

        #[test]
        fn products_keep_the_order(real in 1e-6f64..1.0, a in any::<i32>(), b in any::<i32>()) {
            let multiplier = Multiplier::new(real);
            let (low, high) = (a.min(b), a.max(b));
            prop_assert!(multiplier.apply(low) <= multiplier.apply(high));
        }

        #[test]
        fn fractions_and_powers_give_the_number_back(real in prop_oneof![f64::MIN_POSITIVE..1e300, 1e-320f64..1e-300]) {
            let (fraction, power) = split(real);
            prop_assert!((0.5..1.0).contains(&fraction));
            // In two steps: the power alone may be outside the range of f64.
            let (half, rest) = (power / 2, power - power / 2);
            prop_assert_eq!(fraction * 2f64.powi(half) * 2f64.powi(rest), real);
        }

        #[test]
        fn no_value_panics(value in any::<i32>(), real in 0.0f64..1e12, count in 0usize..1 << 40) {
            let multiplier = Multiplier::new(real);
            multiplier.apply(value);
            multiplier.divided_by(count).apply(value);
        }
    }
}
