//! Ranges that a random value is drawn from: a pair, or one value that stands for a pair.

use super::rules::{Bounds, Rules};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{DeserializeOwned, Error, IntoDeserializer, SeqAccess, Visitor, value::F64Deserializer},
};
use std::{borrow::Cow, fmt, marker::PhantomData};

/// The name under which a deserializer is asked for a number or a pair of numbers: it shows a sequence of one or two.
pub const ONE_OR_PAIR: &str = "OneOrPair";
/// The name under which a deserializer is asked for a pair of numbers: it shows a sequence of two.
pub const PAIR: &str = "Pair";

/// A range that a random value is drawn from. In the file it is a pair whose second number is the larger, or, where `S`
/// says what one value stands for, a value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Range<S, T = f64> {
    /// Lower end.
    pub low: T,
    /// Upper end.
    pub high: T,
    spread: PhantomData<S>,
}

/// What a single value stands for.
pub trait Spread<T> {
    /// The words for it, after "a number v stands for"; none where only a pair is legal.
    const MEANING: Option<&'static str>;

    /// The range of a value.
    fn around(value: T) -> Option<(T, T)>;

    /// Whether both ends may be the same: one value that changes nothing, or the only value.
    fn may_be_a_point(_value: T) -> bool {
        false
    }
}

/// v stands for (-v, v).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Symmetric;
/// v stands for (1-v, 1+v).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AroundOne;
/// v stands for (0, v).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FromZero;
/// v stands for v.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Exactly;
/// Only pairs are legal.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PairOnly;

impl Spread<f64> for Symmetric {
    const MEANING: Option<&'static str> = Some("(-v, v)");

    fn around(value: f64) -> Option<(f64, f64)> {
        Some((-value, value))
    }

    fn may_be_a_point(value: f64) -> bool {
        value == 0.0
    }
}

impl Spread<f64> for AroundOne {
    const MEANING: Option<&'static str> = Some("(1-v, 1+v)");

    fn around(value: f64) -> Option<(f64, f64)> {
        Some((1.0 - value, 1.0 + value))
    }

    fn may_be_a_point(value: f64) -> bool {
        value == 1.0
    }
}

impl Spread<f64> for FromZero {
    const MEANING: Option<&'static str> = Some("(0, v)");

    fn around(value: f64) -> Option<(f64, f64)> {
        Some((0.0, value))
    }

    fn may_be_a_point(value: f64) -> bool {
        value == 0.0
    }
}

impl<T: Copy> Spread<T> for Exactly {
    const MEANING: Option<&'static str> = Some("itself");

    fn around(value: T) -> Option<(T, T)> {
        Some((value, value))
    }

    fn may_be_a_point(_value: T) -> bool {
        true
    }
}

impl<T> Spread<T> for PairOnly {
    const MEANING: Option<&'static str> = None;

    fn around(_value: T) -> Option<(T, T)> {
        None
    }
}

/// The numbers of a range.
pub trait Number:
    Copy + PartialOrd + Default + Into<f64> + fmt::Display + DeserializeOwned + Serialize
{
    /// The word of JSON Schema for it.
    const TYPE: &'static str;
}

impl Number for f64 {
    const TYPE: &'static str = "number";
}

impl Number for u32 {
    const TYPE: &'static str = "integer";
}

impl<S, T> Range<S, T> {
    /// From `low` to `high`.
    pub const fn new(low: T, high: T) -> Self {
        Self { low, high, spread: PhantomData }
    }
}

impl<S: Spread<T>, T: Number> Range<S, T> {
    /// What is wrong with it as the argument `name`.
    pub(super) fn check(&self, name: &str, bounds: Bounds, rules: &mut Rules) {
        let (low, high) = (self.low, self.high);
        if low > high || low == high && !S::may_be_a_point(low) {
            let of_one = match S::MEANING {
                Some(meaning) => format!(", and a single v, which stands for {meaning}, is not negative"),
                None => String::new(),
            };
            let message = format!(
                "the range from {low} to {high} is empty: the second of a pair is the larger{of_one}"
            );
            rules.require(name, false, message);
        } else if let Some(end) = [low, high].into_iter().find(|end| !bounds.admit((*end).into())) {
            let says = bounds.says();
            let message = format!("the range from {low} to {high} holds {end}; each value of it is {says}");
            rules.require(name, false, message);
        }
    }
}

impl<S, T: Serialize> Serialize for Range<S, T> {
    fn serialize<Z: Serializer>(&self, serializer: Z) -> Result<Z::Ok, Z::Error> {
        (&self.low, &self.high).serialize(serializer)
    }
}

impl<'de, S: Spread<T>, T: Number> Deserialize<'de> for Range<S, T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let shape = if S::MEANING.is_some() { ONE_OR_PAIR } else { PAIR };
        deserializer.deserialize_newtype_struct(shape, Ends(PhantomData))
    }
}

struct Ends<S, T>(PhantomData<(S, T)>);

impl<S: Spread<T>, T: Number> Ends<S, T> {
    fn around<E: Error>(value: T) -> Result<Range<S, T>, E> {
        let (low, high) = S::around(value).ok_or_else(|| E::custom("must be a pair of numbers"))?;
        Ok(Range::new(low, high))
    }

    fn number<E: Error>(value: f64) -> Result<Range<S, T>, E> {
        let number: F64Deserializer<E> = value.into_deserializer();
        Self::around(T::deserialize(number)?)
    }
}

impl<'de, S: Spread<T>, T: Number> Visitor<'de> for Ends<S, T> {
    type Value = Range<S, T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if S::MEANING.is_some() { "a number or a pair of numbers" } else { "a pair of numbers" })
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }

    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        Ok(Range::new(T::default(), T::default()))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Self::Value, E> {
        Self::number(value)
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Self::Value, E> {
        self.visit_i64(i64::try_from(value).map_err(E::custom)?)
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Self::Value, E> {
        let number: serde::de::value::I64Deserializer<E> = value.into_deserializer();
        Self::around(T::deserialize(number)?)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut ends: A) -> Result<Self::Value, A::Error> {
        let first = ends.next_element()?.ok_or_else(|| A::Error::invalid_length(0, &self))?;
        let Some(second) = ends.next_element()? else { return Self::around(first) };
        match ends.next_element::<T>()? {
            None => Ok(Range::new(first, second)),
            Some(_) => Err(A::Error::invalid_length(3, &self)),
        }
    }
}

impl<S: Spread<T>, T: Number> JsonSchema for Range<S, T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Range".into()
    }

    fn json_schema(_generator: &mut SchemaGenerator) -> Schema {
        let pair = json_schema!({
            "type": "array", "items": {"type": T::TYPE}, "minItems": 2, "maxItems": 2
        });
        match S::MEANING {
            Some(_) => json_schema!({"anyOf": [{"type": T::TYPE}, pair]}),
            None => pair,
        }
    }
}
