//! The values of texts for which no type is wanted, as the `params` of a user's own program are.

use super::refusal::Refusal;
use crate::config::node::Scalar;
use contract::value::{self, Literal};
use serde::{
    de::{Deserializer, IntoDeserializer, Visitor, value::SeqDeserializer},
    forward_to_deserialize_any,
};

/// The value of a Python literal.
pub(super) struct Untyped(Literal);

impl Untyped {
    /// The value of a text without quotes: `1/127.5`, `1_000`, `(512, 512, 3)`, `None`. Nothing of one that is just text, and
    /// of a date, though it could be read as a subtraction.
    pub(super) fn of(scalar: &Scalar) -> Option<Self> {
        let text = scalar.text.trim();
        if scalar.quoted || is_date(text) {
            return None;
        }
        match value::literal(text).ok()? {
            // A number that is none elsewhere.
            Literal::Int(value) if i64::try_from(value).is_err() && u64::try_from(value).is_err() => None,
            literal => Some(Self(literal)),
        }
    }
}

/// `2026-11-22`.
fn is_date(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    let digits = |part: &str, most: usize| {
        (1..=most).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit())
    };
    matches!(parts.as_slice(), [year, month, day] if year.len() == 4 && digits(year, 4) && digits(month, 2) && digits(day, 2))
}

impl<'de> Deserializer<'de> for Untyped {
    type Error = Refusal;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refusal> {
        match self.0 {
            Literal::None => visitor.visit_unit(),
            Literal::Bool(value) => visitor.visit_bool(value),
            Literal::Int(value) => match (u64::try_from(value), i64::try_from(value)) {
                (Ok(value), _) => visitor.visit_u64(value),
                (_, Ok(value)) => visitor.visit_i64(value),
                _ => visitor.visit_f64(value as f64),
            },
            Literal::Float(value) => visitor.visit_f64(value),
            Literal::Str(text) => visitor.visit_string(text),
            Literal::List(items) => visitor.visit_seq(SeqDeserializer::new(items.into_iter().map(Self))),
        }
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

impl IntoDeserializer<'_, Refusal> for Untyped {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}
