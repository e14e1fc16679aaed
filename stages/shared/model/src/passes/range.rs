//! The values a layer's output takes.

use crate::LayerId;
use std::collections::BTreeMap;

/// Smallest and largest value of a tensor.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Range {
    /// Smallest.
    pub min: f32,
    /// Largest.
    pub max: f32,
}

/// Ranges by layer of one graph.
pub type Ranges = BTreeMap<LayerId, Range>;

impl Range {
    /// The range of `values`; none when there are none. A value that is not a number makes both bounds NaN, so that it is
    /// found rather than skipped.
    #[must_use]
    pub fn of(values: &[f32]) -> Option<Self> {
        let first = *values.first()?;
        let mut range = Self { min: first, max: first };
        let mut nan = false;
        for &value in values {
            range = Self { min: range.min.min(value), max: range.max.max(value) };
            nan |= value.is_nan();
        }
        Some(if nan { Self { min: f32::NAN, max: f32::NAN } } else { range })
    }

    /// The smallest range that holds both. The order of unions does not matter.
    #[must_use]
    pub fn union(self, other: Self) -> Self {
        if [self.min, self.max, other.min, other.max].iter().any(|bound| bound.is_nan()) {
            return Self { min: f32::NAN, max: f32::NAN };
        }
        Self { min: self.min.min(other.min), max: self.max.max(other.max) }
    }

    /// Whether both bounds are finite numbers.
    #[must_use]
    pub fn is_finite(self) -> bool {
        self.min.is_finite() && self.max.is_finite()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_holds_all_values_and_one_nan_spoils_it() {
        assert_eq!(Range::of(&[1.0, -2.0, 0.5]), Some(Range { min: -2.0, max: 1.0 }));
        assert_eq!(Range::of(&[]), None);
        let spoilt = Range::of(&[1.0, f32::NAN, 2.0]).expect("three values");
        assert!(!spoilt.is_finite());
        assert!(!spoilt.union(Range { min: 0.0, max: 1.0 }).is_finite());
        assert!(!Range { min: 0.0, max: 1.0 }.union(spoilt).is_finite());
    }
}
