//! Number tokens by Python's rules (reference manual, 2.4.4 to 2.4.6).

use super::arithmetic::Number;

/// The end of the token that starts at `at`: all that Python's tokenizer could see as one number, and letters that touch
/// it, so that a message shows the whole of it.
pub(super) fn token_end(text: &str, at: usize) -> usize {
    let token = &text.as_bytes()[at..];
    let hexadecimal = token.get(..2).is_some_and(|start| start.eq_ignore_ascii_case(b"0x"));
    let ends_number = |index: usize| {
        let exponent_sign = matches!(token[index], b'+' | b'-')
            && matches!(token[..index], [.., b'0'..=b'9' | b'.' | b'_', b'e' | b'E'])
            && !hexadecimal;
        !(token[index].is_ascii_alphanumeric() || matches!(token[index], b'.' | b'_') || exponent_sign)
    };
    at + (0..token.len()).find(|&index| ends_number(index)).unwrap_or(token.len())
}

/// The value of a token.
pub(super) fn read_number(text: &str) -> Result<Number, &'static str> {
    for (prefix, radix) in [("0x", 16), ("0o", 8), ("0b", 2)] {
        if text.get(..2).is_some_and(|start| start.eq_ignore_ascii_case(prefix)) {
            // One underscore may follow the prefix.
            let digits = text[2..].strip_prefix('_').unwrap_or(&text[2..]);
            let digits = without_underscores(digits, |c| c.is_digit(radix))?;
            return i128::from_str_radix(&digits, radix).map(Number::Int).map_err(|_| "it is too large");
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
        return digits.parse().map(Number::Int).map_err(|_| "it is too large");
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
        Ok(value) if value.is_finite() => Ok(Number::Float(value)),
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
