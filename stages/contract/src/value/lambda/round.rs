//! Python's `round`: to the nearest, ties to even, by the exact decimal value of the number.

use super::{
    super::arithmetic::{Fault, Number},
    function::whole,
};

/// `round(x)` is a whole number; `round(x, digits)` keeps the type of `x`.
pub(super) fn round(x: Number, digits: Option<Number>) -> Result<Number, Fault> {
    match (x, digits) {
        (_, Some(Number::Float(_))) => Err(Fault::Fraction),
        (_, None) => whole(x, f64::round_ties_even),
        (Number::Int(value), Some(Number::Int(digits))) => round_whole(value, digits).map(Number::Int),
        (Number::Float(value), Some(Number::Int(digits))) => round_float(value, digits).map(Number::Float),
    }
}

fn round_whole(value: i128, digits: i128) -> Result<i128, Fault> {
    if digits >= 0 {
        return Ok(value);
    }
    let unit = u32::try_from(digits.unsigned_abs()).ok().and_then(|zeros| 10i128.checked_pow(zeros));
    // 10^39, the first power that is too wide, is more than twice every number here.
    let Some(unit) = unit else { return Ok(0) };
    let (below, above_it) = (value.div_euclid(unit), value.rem_euclid(unit));
    let up = above_it > unit - above_it || above_it == unit - above_it && below % 2 != 0;
    (below + i128::from(up)).checked_mul(unit).ok_or(Fault::Wide)
}

fn round_float(value: f64, digits: i128) -> Result<f64, Fault> {
    // Beyond these bounds nothing is rounded, or nothing is left (Objects/floatobject.c, NDIGITS_MAX and NDIGITS_MIN).
    if !value.is_finite() || value == 0.0 || digits > 323 {
        return Ok(value);
    }
    if digits < -308 {
        return Ok(0.0 * value);
    }
    // All decimals of a float: at most 767 significant ones, then zeros.
    let exact = format!("{:.800e}", value.abs());
    let (mantissa, exponent) = exact.split_once('e').unwrap_or((&exact, "0"));
    let exponent: i128 = exponent.parse().unwrap_or(0);
    let rounded = match usize::try_from(exponent + digits) {
        // So many decimals of the mantissa are kept; the formatter rounds them half to even.
        Ok(kept) => format!("{:.*e}", kept.min(800), value.abs()),
        // The last kept digit stands right before the first one: half of it is 5 000..., and ties go to 0.
        Err(_) if exponent + digits == -1 && above_five(mantissa) => format!("1e{}", -digits),
        Err(_) => "0".to_owned(),
    };
    match rounded.parse::<f64>() {
        Ok(magnitude) if magnitude.is_finite() => Ok(magnitude.copysign(value)),
        _ => Err(Fault::Overflow),
    }
}

/// Whether a mantissa `d.ddd` is more than 5.
fn above_five(mantissa: &str) -> bool {
    let rest = mantissa.trim_start_matches('5');
    mantissa.starts_with(['6', '7', '8', '9'])
        || rest != mantissa && rest.bytes().any(|b| matches!(b, b'1'..=b'9'))
}
