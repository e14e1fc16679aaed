//! Arithmetic on numbers with CPython's results (Objects/longobject.c, Objects/floatobject.c).

use std::cmp::Ordering;
use thiserror::Error;

/// A number as Python has them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Number {
    /// Python's `int`, exact.
    Int(i128),
    /// Python's `float`.
    Float(f64),
}

/// An arithmetic operator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operator {
    Add,
    Subtract,
    Multiply,
    Divide,
    FloorDivide,
    Remainder,
    Power,
}

/// Why an operation has no result; in brackets Python's exception.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Fault {
    /// Division by zero, or zero to a negative power (ZeroDivisionError).
    #[error("divides by zero")]
    ZeroDivision,
    /// A number with a fraction that is too large (OverflowError).
    #[error("gives more than a number can hold, 1.8e308")]
    Overflow,
    /// A whole number of more than 127 bits. Python would go on.
    #[error("gives a whole number of more than 127 bits")]
    Wide,
    /// A negative number to a power with a fraction. Python would give a complex number.
    #[error("gives a complex number")]
    Complex,
    /// An argument for which a function has no value (ValueError).
    #[error("has no value there")]
    Domain,
    /// A number where only a whole number can stand (TypeError).
    #[error("wants a whole number of digits")]
    Fraction,
}

impl Number {
    /// As Python's `float()`, correctly rounded.
    pub(super) fn to_float(self) -> f64 {
        match self {
            Self::Int(value) => value as f64,
            Self::Float(value) => value,
        }
    }

    /// Compares by value: no whole number is rounded for it. `None` where one of the two is not a number.
    pub(super) fn compare(self, other: Self) -> Option<Ordering> {
        match (self, other) {
            (Self::Int(a), Self::Int(b)) => Some(a.cmp(&b)),
            (Self::Float(a), Self::Float(b)) => a.partial_cmp(&b),
            (Self::Int(a), Self::Float(b)) => compare_exactly(a, b),
            (Self::Float(a), Self::Int(b)) => compare_exactly(b, a).map(Ordering::reverse),
        }
    }

    /// Changes the sign.
    pub(super) fn negated(self) -> Result<Self, Fault> {
        match self {
            Self::Int(value) => value.checked_neg().map(Self::Int).ok_or(Fault::Wide),
            Self::Float(value) => Ok(Self::Float(-value)),
        }
    }
}

fn compare_exactly(whole: i128, float: f64) -> Option<Ordering> {
    // Rounding is monotonic, so it can turn an order into equality, never turn it round.
    let rounded = (whole as f64).partial_cmp(&float)?;
    // `as` saturates at 2^127 - 1, which is still below the float 2^127 that the largest numbers round to.
    let beyond = float >= 2f64.powi(127);
    Some(rounded.then_with(|| if beyond { Ordering::Less } else { whole.cmp(&(float as i128)) }))
}

impl Operator {
    /// As it is written.
    pub(super) fn symbol(self) -> &'static str {
        match self {
            Self::Add => "+",
            Self::Subtract => "-",
            Self::Multiply => "*",
            Self::Divide => "/",
            Self::FloorDivide => "//",
            Self::Remainder => "%",
            Self::Power => "**",
        }
    }

    /// `left operator right`. Two whole numbers give a whole number but for `/` and for negative powers.
    pub(super) fn apply(self, left: Number, right: Number) -> Result<Number, Fault> {
        match (left, right) {
            (Number::Int(a), Number::Int(b)) => self.apply_to_whole(a, b),
            _ => self.apply_to_floats(left.to_float(), right.to_float()).map(Number::Float),
        }
    }

    fn apply_to_whole(self, a: i128, b: i128) -> Result<Number, Fault> {
        let exact = match self {
            Self::Add => a.checked_add(b),
            Self::Subtract => a.checked_sub(b),
            Self::Multiply => a.checked_mul(b),
            Self::Divide | Self::FloorDivide | Self::Remainder if b == 0 => return Err(Fault::ZeroDivision),
            Self::Divide => return Ok(Number::Float(true_division(a, b))),
            // Python rounds towards minus infinity; the Euclidean division differs for negative divisors.
            Self::FloorDivide => a.checked_div_euclid(b).and_then(|quotient| {
                let rounded_up = b < 0 && a.checked_rem_euclid(b)? != 0;
                if rounded_up { quotient.checked_sub(1) } else { Some(quotient) }
            }),
            // Only the smallest number by -1 has no Euclidean remainder, and that one is 0.
            Self::Remainder => Some(match a.checked_rem_euclid(b) {
                Some(remainder) if b < 0 && remainder != 0 => remainder + b,
                remainder => remainder.unwrap_or(0),
            }),
            Self::Power if b >= 0 => whole_power(a, b),
            Self::Power => return power(a as f64, b as f64).map(Number::Float),
        };
        exact.map(Number::Int).ok_or(Fault::Wide)
    }

    fn apply_to_floats(self, a: f64, b: f64) -> Result<f64, Fault> {
        match self {
            Self::Add => Ok(a + b),
            Self::Subtract => Ok(a - b),
            Self::Multiply => Ok(a * b),
            Self::Divide | Self::FloorDivide | Self::Remainder if b == 0.0 => Err(Fault::ZeroDivision),
            Self::Divide => Ok(a / b),
            Self::FloorDivide => Ok(floor_division(a, b).0),
            Self::Remainder => Ok(floor_division(a, b).1),
            Self::Power => power(a, b),
        }
    }
}

/// The float nearest to `a / b`, ties to even, also where `a` or `b` is not a float itself. `b` is not 0.
fn true_division(a: i128, b: i128) -> f64 {
    let (numerator, divisor) = (a.unsigned_abs(), b.unsigned_abs());
    let mut quotient = numerator / divisor;
    let mut remainder = numerator % divisor;
    // 53 bits of the result and one to round by; what remains after them is or-ed into the last.
    let mut shift = 0;
    while quotient < 1 << 54 && remainder != 0 {
        remainder <<= 1;
        quotient = (quotient << 1) | u128::from(remainder >= divisor);
        remainder %= divisor;
        shift += 1;
    }
    let magnitude = (quotient | u128::from(remainder != 0)) as f64 / 2f64.powi(shift);
    if (a < 0) == (b < 0) { magnitude } else { -magnitude }
}

fn whole_power(base: i128, exponent: i128) -> Option<i128> {
    match (base, exponent) {
        (_, 0) | (1, _) => Some(1),
        (0, _) => Some(0),
        (-1, _) => Some(if exponent % 2 == 0 { 1 } else { -1 }),
        _ => base.checked_pow(u32::try_from(exponent).ok()?),
    }
}

fn power(a: f64, b: f64) -> Result<f64, Fault> {
    if a.is_finite() && b.is_finite() {
        if a == 0.0 && b < 0.0 {
            return Err(Fault::ZeroDivision);
        }
        if a < 0.0 && b.fract() != 0.0 {
            return Err(Fault::Complex);
        }
        let value = a.powf(b);
        return if value.is_finite() { Ok(value) } else { Err(Fault::Overflow) };
    }
    Ok(a.powf(b))
}

/// Quotient and remainder as `float.__divmod__` has them: the remainder has the sign of the divisor, and rounding never
/// makes the two disagree. `b` is not 0.
fn floor_division(a: f64, b: f64) -> (f64, f64) {
    let mut remainder = a % b;
    let mut quotient = (a - remainder) / b;
    if remainder == 0.0 {
        remainder = 0f64.copysign(b);
    } else if (b < 0.0) != (remainder < 0.0) {
        remainder += b;
        quotient -= 1.0;
    }
    if quotient == 0.0 {
        return (0f64.copysign(a / b), remainder);
    }
    let floor = quotient.floor();
    (if quotient - floor > 0.5 { floor + 1.0 } else { floor }, remainder)
}
