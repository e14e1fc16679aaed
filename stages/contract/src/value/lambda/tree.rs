//! What a schedule says, as a tree. Operators of one precedence lie side by side, so that its depth is bounded by the
//! nesting of the text and not by its length. Positions are byte offsets into the text.

use super::{
    super::arithmetic::{Number, Operator},
    function::Function,
};
use std::cmp::Ordering;

/// An expression.
#[derive(Debug, Clone)]
pub(super) enum Tree {
    /// `True` or `False`.
    Bool(bool),
    /// A number of the text, or a constant such as `math.pi`.
    Number(Number),
    /// The n-th parameter.
    Parameter(usize),
    /// `value if condition else value if condition else otherwise`.
    Conditional { branches: Vec<Branch>, otherwise: Box<Tree> },
    /// `a or b or ...`.
    Or(Vec<Tree>),
    /// `a and b and ...`.
    And(Vec<Tree>),
    /// `not a`.
    Not(Box<Tree>),
    /// `a < b < ...`.
    Compare { first: Box<Tree>, rest: Vec<(Comparison, Tree)> },
    /// `a + b - ...`: operators of one precedence, from left to right.
    Arithmetic { first: Box<Tree>, rest: Vec<(usize, Operator, Tree)> },
    /// `+a` or `-a`.
    Sign { at: usize, negative: bool, operand: Box<Tree> },
    /// `math.exp(a)`.
    Call { at: usize, function: Function, arguments: Vec<Tree> },
}

/// `value if condition else`.
#[derive(Debug, Clone)]
pub(super) struct Branch {
    pub(super) condition: Tree,
    pub(super) value: Tree,
}

/// A comparison operator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Comparison {
    Less,
    LessOrEqual,
    Equal,
    NotEqual,
    GreaterOrEqual,
    Greater,
}

impl Comparison {
    /// Whether two numbers in this order satisfy it; without an order (NaN) only `!=` holds.
    pub(super) fn holds(self, order: Option<Ordering>) -> bool {
        match self {
            Self::Less => order.is_some_and(Ordering::is_lt),
            Self::LessOrEqual => order.is_some_and(Ordering::is_le),
            Self::Equal => order.is_some_and(Ordering::is_eq),
            Self::NotEqual => order.is_none_or(Ordering::is_ne),
            Self::GreaterOrEqual => order.is_some_and(Ordering::is_ge),
            Self::Greater => order.is_some_and(Ordering::is_gt),
        }
    }
}
