//! A tree to a value, by Python's rules.

use super::{
    super::arithmetic::{Fault, Number, Operator},
    LambdaError,
    function::Function,
    tree::{Comparison, Tree},
};
use std::fmt;

/// What an expression can be.
#[derive(Debug, Clone, Copy)]
pub(super) enum Value {
    /// A truth value; in arithmetic it is 0 or 1.
    Bool(bool),
    /// A number.
    Number(Number),
}

/// The value of an expression. The recursion is bounded, because the tree's depth is.
pub(super) fn evaluate(tree: &Tree, parameters: &[Number]) -> Result<Value, LambdaError> {
    let value = |tree| evaluate(tree, parameters);
    match tree {
        Tree::Bool(truth) => Ok(Value::Bool(*truth)),
        Tree::Number(number) => Ok(Value::Number(*number)),
        // The parser gives no other index than those of the parameters.
        Tree::Parameter(index) => {
            Ok(Value::Number(parameters.get(*index).copied().unwrap_or(Number::Int(0))))
        }
        Tree::Conditional { branches, otherwise } => {
            for branch in branches {
                if value(&branch.condition)?.is_true() {
                    return value(&branch.value);
                }
            }
            value(otherwise)
        }
        Tree::Or(operands) => first_that(operands, true, parameters),
        Tree::And(operands) => first_that(operands, false, parameters),
        Tree::Not(operand) => Ok(Value::Bool(!value(operand)?.is_true())),
        Tree::Compare { first, rest } => compare(value(first)?, rest, parameters).map(Value::Bool),
        Tree::Arithmetic { first, rest } => {
            let mut left = value(first)?;
            for (at, operator, right) in rest {
                left = arithmetic(*at, left, *operator, value(right)?)?;
            }
            Ok(left)
        }
        Tree::Sign { at, negative, operand } => sign(*at, *negative, value(operand)?),
        Tree::Call { at, function, arguments } => {
            let arguments = arguments.iter().map(value).collect::<Result<Vec<_>, _>>()?;
            call(*at, function, &arguments)
        }
    }
}

/// The first operand whose truth is `wanted`, else the last: what `or` and `and` are in Python.
fn first_that(operands: &[Tree], wanted: bool, parameters: &[Number]) -> Result<Value, LambdaError> {
    let mut last = Value::Bool(!wanted);
    for operand in operands {
        last = evaluate(operand, parameters)?;
        if last.is_true() == wanted {
            break;
        }
    }
    Ok(last)
}

fn compare(first: Value, rest: &[(Comparison, Tree)], parameters: &[Number]) -> Result<bool, LambdaError> {
    let mut left = first;
    for (comparison, right) in rest {
        let right = evaluate(right, parameters)?;
        if !comparison.holds(left.number().compare(right.number())) {
            return Ok(false);
        }
        left = right;
    }
    Ok(true)
}

fn arithmetic(at: usize, left: Value, operator: Operator, right: Value) -> Result<Value, LambdaError> {
    let failed = |fault: Fault| {
        let symbol = operator.symbol();
        let operation = match left.to_string() {
            // Without parentheses Python would read another operation.
            left if operator == Operator::Power && left.starts_with('-') => {
                format!("({left}) {symbol} {right}")
            }
            left => format!("{left} {symbol} {right}"),
        };
        LambdaError::Arithmetic { at, operation, fault }
    };
    operator.apply(left.number(), right.number()).map(Value::Number).map_err(failed)
}

fn sign(at: usize, negative: bool, operand: Value) -> Result<Value, LambdaError> {
    let number = operand.number();
    let result = if negative { number.negated() } else { Ok(number) };
    let failed = |fault: Fault| LambdaError::Arithmetic { at, operation: format!("-{operand}"), fault };
    result.map(Value::Number).map_err(failed)
}

fn call(at: usize, function: &Function, arguments: &[Value]) -> Result<Value, LambdaError> {
    function.apply(arguments).map_err(|fault| {
        let arguments = arguments.iter().map(Value::to_string).collect::<Vec<_>>();
        LambdaError::Arithmetic {
            at,
            operation: format!("{}({})", function.name, arguments.join(", ")),
            fault,
        }
    })
}

impl Value {
    /// The number that stands for it in arithmetic.
    pub(super) fn number(self) -> Number {
        match self {
            Self::Bool(truth) => Number::Int(truth.into()),
            Self::Number(number) => number,
        }
    }

    fn is_true(self) -> bool {
        match self {
            Self::Bool(truth) => truth,
            Self::Number(Number::Int(value)) => value != 0,
            Self::Number(Number::Float(value)) => value != 0.0,
        }
    }
}

/// Nearly Python's `repr`.
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bool(true) => f.write_str("True"),
            Self::Bool(false) => f.write_str("False"),
            Self::Number(Number::Int(value)) => write!(f, "{value}"),
            Self::Number(Number::Float(value)) => write!(f, "{value:?}"),
        }
    }
}
