//! What can be wrong with a literal.

use super::{MAX_DEPTH, MAX_LENGTH};
use thiserror::Error;

/// Why a text is not a literal. Positions are byte offsets into the text.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum LiteralError {
    /// Something that cannot stand there.
    #[error("found {found} where {wanted} should be")]
    Unexpected {
        /// Where.
        at: usize,
        /// What stands there.
        found: String,
        /// What could.
        wanted: &'static str,
    },
    /// A number that Python does not read.
    #[error("`{text}` is not a number: {reason}")]
    Number {
        /// Where it starts.
        at: usize,
        /// The number.
        text: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A string that does not end, or an escape that is not known.
    #[error("{reason}")]
    Text {
        /// Where.
        at: usize,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// Arithmetic on something that is not a number.
    #[error("`{operator}` works on numbers only")]
    Operand {
        /// Where the operator is.
        at: usize,
        /// The operator.
        operator: &'static str,
    },
    /// A division by zero.
    #[error("division by zero")]
    DivisionByZero {
        /// Where the operator is.
        at: usize,
    },
    /// A result that is too large, or complex.
    #[error("the result of `{operator}` is {what}")]
    Result {
        /// Where the operator is.
        at: usize,
        /// The operator.
        operator: &'static str,
        /// What it is.
        what: &'static str,
    },
    /// A literal of another type than was asked for.
    #[error("found {found}, which is not a {wanted}")]
    Type {
        /// The type that was found.
        found: &'static str,
        /// The type that was asked for.
        wanted: &'static str,
    },
    /// Text over [`MAX_LENGTH`].
    #[error("{length} bytes are too long for a value (at most {MAX_LENGTH})")]
    TooLong {
        /// Its length, bytes.
        length: usize,
    },
    /// Nesting over [`MAX_DEPTH`].
    #[error("nested more than {MAX_DEPTH} deep")]
    TooDeep {
        /// Where the limit was met.
        at: usize,
    },
}

impl LiteralError {
    /// The byte offset of the mistake, where there is one place for it.
    #[must_use]
    pub fn at(&self) -> Option<usize> {
        match *self {
            Self::Unexpected { at, .. }
            | Self::Number { at, .. }
            | Self::Text { at, .. }
            | Self::Operand { at, .. }
            | Self::DivisionByZero { at }
            | Self::Result { at, .. }
            | Self::TooDeep { at } => Some(at),
            Self::Type { .. } | Self::TooLong { .. } => None,
        }
    }
}
