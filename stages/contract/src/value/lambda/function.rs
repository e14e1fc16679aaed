//! The functions and constants a schedule may use, with CPython's results and exceptions (Modules/mathmodule.c).

use super::{
    super::arithmetic::{Fault, Number, Operator},
    evaluate::Value,
    round::round,
};
use std::{cmp::Ordering, ops::RangeInclusive};

/// A legal function.
#[derive(Debug, Clone, Copy)]
pub(super) struct Function {
    /// As it is called: `math.exp`.
    pub(super) name: &'static str,
    body: Body,
}

/// What it does, by the number of its arguments.
#[derive(Debug, Clone, Copy)]
enum Body {
    One(fn(Number) -> Result<Number, Fault>),
    OneOrTwo(fn(Number, Option<Number>) -> Result<Number, Fault>),
    Two(fn(Number, Number) -> Result<Number, Fault>),
    /// The first of two or more arguments that no other one is in this order to.
    Extreme(Ordering),
}

/// All functions, as they are listed in help.
pub(super) const FUNCTIONS: [Function; 17] = [
    Function { name: "min", body: Body::Extreme(Ordering::Less) },
    Function { name: "max", body: Body::Extreme(Ordering::Greater) },
    Function { name: "abs", body: Body::One(abs) },
    Function { name: "round", body: Body::OneOrTwo(round) },
    Function { name: "int", body: Body::One(|x| whole(x, f64::trunc)) },
    Function { name: "float", body: Body::One(|x| Ok(Number::Float(x.to_float()))) },
    Function { name: "math.exp", body: Body::One(|x| real(x, f64::exp, Fault::Overflow)) },
    Function { name: "math.pow", body: Body::Two(pow) },
    Function { name: "math.sqrt", body: Body::One(|x| real(x, f64::sqrt, Fault::Domain)) },
    Function { name: "math.log", body: Body::OneOrTwo(log) },
    Function { name: "math.log2", body: Body::One(|x| real(x, f64::log2, Fault::Domain)) },
    Function { name: "math.log10", body: Body::One(|x| real(x, f64::log10, Fault::Domain)) },
    Function { name: "math.cos", body: Body::One(|x| real(x, f64::cos, Fault::Domain)) },
    Function { name: "math.sin", body: Body::One(|x| real(x, f64::sin, Fault::Domain)) },
    Function { name: "math.tan", body: Body::One(|x| real(x, f64::tan, Fault::Domain)) },
    Function { name: "math.floor", body: Body::One(|x| whole(x, f64::floor)) },
    Function { name: "math.ceil", body: Body::One(|x| whole(x, f64::ceil)) },
];

/// All constants.
pub(super) const CONSTANTS: [(&str, f64); 2] =
    [("math.pi", std::f64::consts::PI), ("math.e", std::f64::consts::E)];

/// All legal names but those of the parameters.
pub(super) fn names<'a>() -> impl Iterator<Item = &'a str> {
    FUNCTIONS.iter().map(|function| -> &'a str { function.name }).chain(CONSTANTS.map(|(name, _)| name))
}

impl Function {
    /// How many arguments it takes.
    pub(super) fn arity(&self) -> RangeInclusive<usize> {
        match self.body {
            Body::One(_) => 1..=1,
            Body::OneOrTwo(_) => 1..=2,
            Body::Two(_) => 2..=2,
            Body::Extreme(_) => 2..=usize::MAX,
        }
    }

    /// How many arguments it takes, for messages.
    pub(super) fn arity_in_words(&self) -> &'static str {
        match self.body {
            Body::One(_) => "one number",
            Body::OneOrTwo(_) => "one or two numbers",
            Body::Two(_) => "two numbers",
            Body::Extreme(_) => "two or more numbers",
        }
    }

    /// Its value.
    pub(super) fn apply(&self, arguments: &[Value]) -> Result<Value, Fault> {
        let result = match (self.body, arguments) {
            (Body::One(f), [a]) => f(a.number()),
            (Body::OneOrTwo(f), [a]) => f(a.number(), None),
            (Body::OneOrTwo(f), [a, b]) => f(a.number(), Some(b.number())),
            (Body::Two(f), [a, b]) => f(a.number(), b.number()),
            (Body::Extreme(order), [first, rest @ ..]) => return Ok(extreme(order, *first, rest)),
            // The parser lets no other number of arguments through.
            _ => Err(Fault::Domain),
        };
        result.map(Value::Number)
    }
}

fn extreme(order: Ordering, first: Value, rest: &[Value]) -> Value {
    let better = |best: Value, value: &Value| {
        if value.number().compare(best.number()) == Some(order) { *value } else { best }
    };
    rest.iter().fold(first, better)
}

fn abs(x: Number) -> Result<Number, Fault> {
    match x {
        Number::Int(value) => value.checked_abs().map(Number::Int).ok_or(Fault::Wide),
        Number::Float(value) => Ok(Number::Float(value.abs())),
    }
}

/// A whole number by one way of rounding.
pub(super) fn whole(x: Number, rounded: fn(f64) -> f64) -> Result<Number, Fault> {
    match x {
        Number::Int(_) => Ok(x),
        Number::Float(value) if value.is_nan() => Err(Fault::Domain),
        Number::Float(value) if value.is_infinite() => Err(Fault::Overflow),
        Number::Float(value) if !(-2f64.powi(127)..2f64.powi(127)).contains(&value) => Err(Fault::Wide),
        Number::Float(value) => Ok(Number::Int(rounded(value) as i128)),
    }
}

/// A function of one real number; `infinite` says what it is when the result for a finite number is not finite.
fn real(x: Number, function: fn(f64) -> f64, infinite: Fault) -> Result<Number, Fault> {
    let x = x.to_float();
    let value = function(x);
    if value.is_nan() && !x.is_nan() {
        return Err(Fault::Domain);
    }
    if value.is_infinite() && x.is_finite() { Err(infinite) } else { Ok(Number::Float(value)) }
}

fn log(x: Number, base: Option<Number>) -> Result<Number, Fault> {
    let natural = |x| real(x, f64::ln, Fault::Domain);
    let numerator = natural(x)?;
    match base {
        None => Ok(numerator),
        Some(base) => Operator::Divide.apply(numerator, natural(base)?),
    }
}

/// `math.pow`, which knows no whole and no complex numbers.
fn pow(x: Number, y: Number) -> Result<Number, Fault> {
    let (x, y) = (x.to_float(), y.to_float());
    let value = x.powf(y);
    if x.is_finite() && y.is_finite() && !value.is_finite() {
        return Err(if value.is_nan() || x == 0.0 { Fault::Domain } else { Fault::Overflow });
    }
    Ok(Number::Float(value))
}
