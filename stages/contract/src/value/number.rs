//! Number tokens and arithmetic with Python's rules.

use super::{Literal, LiteralError};

/// A number token by Python's rules (reference manual, 2.4.5 to 2.4.6).
pub(super) fn read_number(text: &str) -> Result<Literal, &'static str> {
    for (prefix, radix) in [("0x", 16), ("0o", 8), ("0b", 2)] {
        if text.get(..2).is_some_and(|start| start.eq_ignore_ascii_case(prefix)) {
            // One underscore may follow the prefix.
            let digits = text[2..].strip_prefix('_').unwrap_or(&text[2..]);
            let digits = without_underscores(digits, |c| c.is_digit(radix))?;
            return i128::from_str_radix(&digits, radix).map(Literal::Int).map_err(|_| "it is too large");
        }
    }
    if text.ends_with(['j', 'J']) {
        return Err("complex numbers have no use here");
    }
    if !text.contains(['.', 'e', 'E']) {
        let digits = without_underscores(text, |c| c.is_ascii_digit())?;
        if digits.len() > 1 && digits.starts_with('0') && digits.bytes().any(|b| b != b'0') {
            return Err("a whole number has no leading zeros");
        }
        return digits.parse().map(Literal::Int).map_err(|_| "it is too large");
    }
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (text, None),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    if whole.is_empty() && fraction.is_empty() {
        return Err("it has no digits");
    }
    let digits = |part: &str| match part {
        "" => Ok("0".to_owned()),
        part => without_underscores(part, |c| c.is_ascii_digit()),
    };
    let exponent = match exponent {
        None => "0".to_owned(),
        Some(exponent) => {
            let (sign, rest) = match exponent.strip_prefix('-') {
                Some(rest) => ("-", rest),
                None => ("", exponent.strip_prefix('+').unwrap_or(exponent)),
            };
            format!("{sign}{}", without_underscores(rest, |c| c.is_ascii_digit())?)
        }
    };
    let plain = format!("{}.{}e{exponent}", digits(whole)?, digits(fraction)?);
    match plain.parse::<f64>() {
        Ok(value) if value.is_finite() => Ok(Literal::Float(value)),
        _ => Err("it is too large"),
    }
}

/// Digits without the single underscores that Python allows between two of them.
fn without_underscores(text: &str, is_digit: impl Fn(char) -> bool) -> Result<String, &'static str> {
    if text.split('_').any(str::is_empty) {
        return Err("digits are missing");
    }
    let digits: String = text.chars().filter(|&c| c != '_').collect();
    if digits.chars().all(is_digit) { Ok(digits) } else { Err("it has other characters than digits") }
}

/// One operation with Python's rules for `int` and `float`.
pub(super) fn arithmetic(
    left: &Literal,
    operator: &'static str,
    right: &Literal,
    at: usize,
) -> Result<Literal, LiteralError> {
    use Literal::{Float, Int};
    let too_large = LiteralError::Result { at, operator, what: "too large" };
    if let (&Int(a), &Int(b)) = (left, right) {
        let exact = match operator {
            "+" => a.checked_add(b),
            "-" => a.checked_sub(b),
            "*" => a.checked_mul(b),
            "//" | "%" if b == 0 => return Err(LiteralError::DivisionByZero { at }),
            "//" => a.checked_div_euclid(b).and_then(|quotient| {
                // Python rounds towards minus infinity; the Euclidean quotient differs for negative divisors.
                let remainder = a.checked_rem_euclid(b)?;
                if b < 0 && remainder != 0 { quotient.checked_sub(1) } else { Some(quotient) }
            }),
            "%" => a
                .checked_rem_euclid(b)
                .map(|remainder| if b < 0 && remainder != 0 { remainder + b } else { remainder }),
            "**" if b >= 0 => whole_power(a, b),
            _ => return float_arithmetic(a as f64, operator, b as f64, at),
        };
        return exact.map(Int).ok_or(too_large);
    }
    let float = |value: &Literal| match *value {
        Int(value) => Ok(value as f64),
        Float(value) => Ok(value),
        _ => Err(LiteralError::Operand { at, operator }),
    };
    float_arithmetic(float(left)?, operator, float(right)?, at)
}

fn whole_power(base: i128, exponent: i128) -> Option<i128> {
    match (base, exponent) {
        (_, 0) | (1, _) => Some(1),
        (0, _) => Some(0),
        (-1, _) => Some(if exponent % 2 == 0 { 1 } else { -1 }),
        _ => base.checked_pow(u32::try_from(exponent).ok()?),
    }
}

fn float_arithmetic(a: f64, operator: &'static str, b: f64, at: usize) -> Result<Literal, LiteralError> {
    if b == 0.0 && matches!(operator, "/" | "//" | "%") || operator == "**" && a == 0.0 && b < 0.0 {
        return Err(LiteralError::DivisionByZero { at });
    }
    let value = match operator {
        "+" => a + b,
        "-" => a - b,
        "*" => a * b,
        "/" => a / b,
        "//" => floor_division(a, b).0,
        "%" => floor_division(a, b).1,
        _ => a.powf(b),
    };
    if value.is_finite() {
        return Ok(Literal::Float(value));
    }
    let what = if value.is_nan() { "not a real number" } else { "too large" };
    Err(LiteralError::Result { at, operator, what })
}

/// Quotient and remainder as CPython's `float.__divmod__` has them (Objects/floatobject.c): the remainder has the sign of
/// the divisor, and rounding never makes the two disagree. `b` is not 0.
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
