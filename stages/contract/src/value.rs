//! Python literals and arithmetic, as users write them in strings: `1/127.5`, `(512, 512, 3)`, `1e-7`, `True`.
//!
//! The grammar is the part of Python's (reference manual, chapters 2.4 and 6) that stands for constants:
//!
//! ```text
//! literal  = item ["," items]                         a bare comma makes a tuple
//! item     = sum | string | True | False | None | "(" items ")" | "[" items "]"
//! sum      = product {("+" | "-") product}
//! product  = sign {("*" | "/" | "//" | "%") sign}
//! sign     = {"+" | "-"} power
//! power    = atom ["**" sign]                         so -2**2 is -4 and 2**3**2 is 512
//! atom     = number | "(" sum ")"
//! ```
//!
//! Whole numbers are exact up to 128 bits. Everything else of Python (names, calls, complex numbers, arithmetic on
//! anything but numbers) is refused with its position, and so are results that are not finite. Nothing is executed and
//! the work is bounded: text over [`MAX_LENGTH`] bytes or nested deeper than [`MAX_DEPTH`] is refused.
//!
//! Layer slices such as `(8, 110:121, -1)` are not literals but strings for [`slices`]; so are schedules, `lambda epoch,
//! lr: lr / 2`, for [`lambda`].

mod arithmetic;
mod error;
pub mod lambda;
mod number;
pub mod slices;

pub use error::LiteralError;

use arithmetic::{Fault, Number, Operator};
use std::fmt;

/// Longest text that is looked at, bytes.
pub const MAX_LENGTH: usize = 64 * 1024;

/// Deepest nesting of parentheses, brackets, signs and powers.
pub const MAX_DEPTH: usize = 64;

/// The value of a Python literal.
#[derive(Debug, Clone, PartialEq)]
pub enum Literal {
    /// `None`.
    None,
    /// `True` or `False`.
    Bool(bool),
    /// A whole number.
    Int(i128),
    /// A finite number that Python counts as `float`.
    Float(f64),
    /// A quoted string, escapes resolved.
    Str(String),
    /// A tuple or a list.
    List(Vec<Literal>),
}

/// Evaluates a literal: `(0.0001, 1/200)` is a list of two numbers.
///
/// # Errors
/// What cannot be read, and where.
pub fn literal(text: &str) -> Result<Literal, LiteralError> {
    if text.len() > MAX_LENGTH {
        return Err(LiteralError::TooLong { length: text.len() });
    }
    let mut reader = Reader { text, at: 0, depth: 0 };
    let first = reader.item()?;
    let value = match reader.peek() {
        Some(',') => Literal::List(reader.rest_of_items(vec![first], None)?),
        _ => first,
    };
    match reader.peek() {
        None => Ok(value),
        Some(_) => Err(reader.unexpected("the end")),
    }
}

/// Evaluates a number: `1/127.5` is 0.00784...
///
/// # Errors
/// What cannot be read, and where; a literal of another type.
pub fn number(text: &str) -> Result<f64, LiteralError> {
    match literal(text)? {
        Literal::Int(value) => Ok(value as f64),
        Literal::Float(value) => Ok(value),
        other => Err(LiteralError::Type { found: other.type_name(), wanted: "number" }),
    }
}

/// Evaluates a whole number; `64/2` and `1e3` count as whole.
///
/// # Errors
/// What cannot be read, and where; a literal of another type or with a fraction.
pub fn integer(text: &str) -> Result<i128, LiteralError> {
    match literal(text)? {
        Literal::Int(value) => Ok(value),
        // Beyond 2^53 a float no longer says which whole number was meant.
        Literal::Float(value) if value.fract() == 0.0 && value.abs() <= 2f64.powi(53) => Ok(value as i128),
        Literal::Float(_) => {
            Err(LiteralError::Type { found: "a number with a fraction", wanted: "whole number" })
        }
        other => Err(LiteralError::Type { found: other.type_name(), wanted: "whole number" }),
    }
}

impl Literal {
    /// The type with its article, for messages.
    #[must_use]
    pub fn type_name(&self) -> &'static str {
        match self {
            Self::None => "None",
            Self::Bool(_) => "a truth value",
            Self::Int(_) => "a whole number",
            Self::Float(_) => "a number",
            Self::Str(_) => "a string",
            Self::List(_) => "a list",
        }
    }
}

impl Literal {
    fn as_number(&self) -> Option<Number> {
        match *self {
            Self::Int(value) => Some(Number::Int(value)),
            Self::Float(value) => Some(Number::Float(value)),
            _ => None,
        }
    }
}

impl From<Number> for Literal {
    fn from(number: Number) -> Self {
        match number {
            Number::Int(value) => Self::Int(value),
            Number::Float(value) => Self::Float(value),
        }
    }
}

fn arithmetic(
    left: &Literal,
    operator: Operator,
    right: &Literal,
    at: usize,
) -> Result<Literal, LiteralError> {
    let symbol = operator.symbol();
    match (left.as_number(), right.as_number()) {
        (Some(left), Some(right)) => literal_result(operator.apply(left, right), symbol, at),
        _ => Err(LiteralError::Operand { at, operator: symbol }),
    }
}

/// A result that can stand as a value of a configuration: one that is finite and real.
fn literal_result(
    result: Result<Number, Fault>,
    operator: &'static str,
    at: usize,
) -> Result<Literal, LiteralError> {
    let what = match result {
        Ok(Number::Float(value)) if value.is_nan() => "not a real number",
        Ok(Number::Float(value)) if value.is_infinite() => "too large",
        Ok(number) => return Ok(number.into()),
        Err(Fault::ZeroDivision) => return Err(LiteralError::DivisionByZero { at }),
        Err(Fault::Complex | Fault::Domain | Fault::Fraction) => "not a real number",
        Err(Fault::Overflow | Fault::Wide) => "too large",
    };
    Err(LiteralError::Result { at, operator, what })
}

/// As Python's `repr` up to the type of brackets, so that reading it back gives the same value.
impl fmt::Display for Literal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.write_str("None"),
            Self::Bool(true) => f.write_str("True"),
            Self::Bool(false) => f.write_str("False"),
            Self::Int(value) => write!(f, "{value}"),
            Self::Float(value) => write!(f, "{value:?}"),
            Self::Str(value) => {
                f.write_str("'")?;
                for c in value.chars() {
                    match c {
                        '\\' => f.write_str("\\\\")?,
                        '\'' => f.write_str("\\'")?,
                        '\n' => f.write_str("\\n")?,
                        '\r' => f.write_str("\\r")?,
                        '\t' => f.write_str("\\t")?,
                        other => write!(f, "{other}")?,
                    }
                }
                f.write_str("'")
            }
            Self::List(items) => {
                f.write_str("[")?;
                for (index, item) in items.iter().enumerate() {
                    write!(f, "{}{item}", if index == 0 { "" } else { ", " })?;
                }
                f.write_str("]")
            }
        }
    }
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
    depth: usize,
}

impl Reader<'_> {
    /// The items of a tuple or list after the first ones, up to and without the closing bracket or the end.
    fn rest_of_items(
        &mut self,
        mut items: Vec<Literal>,
        close: Option<char>,
    ) -> Result<Vec<Literal>, LiteralError> {
        while self.take(',') {
            if self.peek() == close {
                break;
            }
            items.push(self.item()?);
        }
        Ok(items)
    }

    fn item(&mut self) -> Result<Literal, LiteralError> {
        self.deeper(|reader| {
            let mut left = reader.product()?;
            loop {
                let at = reader.at_next();
                let operator = match reader.peek() {
                    Some('+') => Operator::Add,
                    Some('-') => Operator::Subtract,
                    _ => return Ok(left),
                };
                reader.at = at + 1;
                let right = reader.product()?;
                left = arithmetic(&left, operator, &right, at)?;
            }
        })
    }

    fn product(&mut self) -> Result<Literal, LiteralError> {
        let mut left = self.sign()?;
        loop {
            let at = self.at_next();
            let operator = if self.next_is("//") {
                Operator::FloorDivide
            } else if self.next_is("**") {
                // A power binds to the atom before it; after anything else it cannot stand.
                return Ok(left);
            } else {
                match self.peek() {
                    Some('*') => Operator::Multiply,
                    Some('/') => Operator::Divide,
                    Some('%') => Operator::Remainder,
                    _ => return Ok(left),
                }
            };
            self.at = at + operator.symbol().len();
            let right = self.sign()?;
            left = arithmetic(&left, operator, &right, at)?;
        }
    }

    fn sign(&mut self) -> Result<Literal, LiteralError> {
        let at = self.at_next();
        let operator = match self.peek() {
            Some('+') => "+",
            Some('-') => "-",
            _ => return self.power(),
        };
        self.at = at + 1;
        let value = self.deeper(Self::sign)?;
        match value.as_number() {
            None => Err(LiteralError::Operand { at, operator }),
            Some(_) if operator == "+" => Ok(value),
            Some(number) => literal_result(number.negated(), operator, at),
        }
    }

    fn power(&mut self) -> Result<Literal, LiteralError> {
        let base = self.atom()?;
        let at = self.at_next();
        if !self.next_is("**") {
            return Ok(base);
        }
        self.at = at + 2;
        let exponent = self.deeper(Self::sign)?;
        arithmetic(&base, Operator::Power, &exponent, at)
    }

    fn atom(&mut self) -> Result<Literal, LiteralError> {
        match self.peek() {
            Some('(') => self.bracketed(')'),
            Some('[') => self.bracketed(']'),
            Some(quote @ ('\'' | '"')) => self.string(quote),
            Some(c) if c.is_ascii_digit() || c == '.' => self.number(),
            Some(c) if c.is_alphabetic() || c == '_' => self.name(),
            _ => Err(self.unexpected("a value")),
        }
    }

    fn bracketed(&mut self, close: char) -> Result<Literal, LiteralError> {
        self.at += 1;
        if self.take(close) {
            return Ok(Literal::List(Vec::new()));
        }
        let first = self.item()?;
        let tuple = close == ']' || self.peek() == Some(',');
        let value = if tuple { Literal::List(self.rest_of_items(vec![first], Some(close))?) } else { first };
        if self.take(close) {
            return Ok(value);
        }
        Err(self.unexpected(if close == ')' { "`,` or `)`" } else { "`,` or `]`" }))
    }

    fn name(&mut self) -> Result<Literal, LiteralError> {
        let word = self.word();
        let value = match word {
            "True" => Literal::Bool(true),
            "False" => Literal::Bool(false),
            "None" => Literal::None,
            _ => return Err(self.unexpected("a number, True, False, None or a quoted string")),
        };
        self.at += word.len();
        Ok(value)
    }

    /// Letters, digits and underscores from here.
    fn word(&self) -> &str {
        let rest = &self.text[self.at..];
        let end = rest.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(rest.len());
        &rest[..end]
    }

    fn number(&mut self) -> Result<Literal, LiteralError> {
        let at = self.at;
        let end = number::token_end(self.text, at);
        let text = &self.text[at..end];
        let refusal = |reason| LiteralError::Number { at, text: text.to_owned(), reason };
        let value = number::read_number(text).map_err(refusal)?;
        self.at = end;
        Ok(value.into())
    }

    fn string(&mut self, quote: char) -> Result<Literal, LiteralError> {
        let start = self.at;
        let mut chars = self.text[start + 1..].char_indices();
        let mut value = String::new();
        while let Some((offset, c)) = chars.next() {
            let at = start + 1 + offset;
            match c {
                c if c == quote => {
                    self.at = at + 1;
                    return Ok(Literal::Str(value));
                }
                '\\' => value.push(match chars.next() {
                    Some((_, 'n')) => '\n',
                    Some((_, 't')) => '\t',
                    Some((_, 'r')) => '\r',
                    Some((_, c @ ('\\' | '\'' | '"'))) => c,
                    _ => {
                        let reason = "only the escapes \\\\ \\' \\\" \\n \\r \\t are known here";
                        return Err(LiteralError::Text { at, reason });
                    }
                }),
                c => value.push(c),
            }
        }
        Err(LiteralError::Text { at: start, reason: "the string has no closing quote" })
    }

    fn deeper<T>(
        &mut self,
        read: impl FnOnce(&mut Self) -> Result<T, LiteralError>,
    ) -> Result<T, LiteralError> {
        if self.depth == MAX_DEPTH {
            return Err(LiteralError::TooDeep { at: self.at });
        }
        self.depth += 1;
        let result = read(self);
        self.depth -= 1;
        result
    }

    /// The next character that is not blank, which becomes the position.
    fn peek(&mut self) -> Option<char> {
        let rest = &self.text[self.at..];
        self.at += rest.len() - rest.trim_start().len();
        self.text[self.at..].chars().next()
    }

    fn at_next(&mut self) -> usize {
        self.peek();
        self.at
    }

    fn next_is(&self, token: &str) -> bool {
        self.text[self.at..].starts_with(token)
    }

    fn take(&mut self, c: char) -> bool {
        let found = self.peek() == Some(c);
        if found {
            self.at += c.len_utf8();
        }
        found
    }

    fn unexpected(&mut self, wanted: &'static str) -> LiteralError {
        let found = match self.peek() {
            None => "the end".to_owned(),
            Some(c) => match self.word() {
                "" => format!("`{c}`"),
                word => format!("`{}`", word.chars().take(40).collect::<String>()),
            },
        };
        LiteralError::Unexpected { at: self.at, found, wanted }
    }
}

#[cfg(test)]
mod tests;
