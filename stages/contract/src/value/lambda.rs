//! Learning-rate schedules as Keras' LearningRateScheduler takes them: `lambda epoch, lr: lr * 0.9 if epoch > 5 else lr`.
//!
//! The grammar is the part of Python's (reference manual, chapter 6) that works on numbers:
//!
//! ```text
//! lambda      = "lambda" name ["," name] ":" expression      one parameter is the epoch, the second the rate before it
//! expression  = or {"if" or "else" expression}
//! or          = and {"or" and}
//! and         = not {"and" not}
//! not         = {"not"} comparison
//! comparison  = sum {("<" | "<=" | "==" | "!=" | ">=" | ">") sum}        1 < a < 3 is 1 < a and a < 3
//! sum         = product {("+" | "-") product}
//! product     = sign {("*" | "/" | "//" | "%") sign}
//! sign        = {"+" | "-"} power
//! power       = atom ["**" sign]                              so -2**2 is -4 and 2**3**2 is 512
//! atom        = number | name | "True" | "False" | "(" expression ")" | function "(" expression {"," expression} ")"
//! ```
//!
//! A newline is a blank. Results are CPython's: whole numbers are exact (to 127 bits; Python knows no bound), numbers with
//! a fraction are rounded once an operation, and what raises an exception there is an error here. A name that is not legal
//! is refused where the schedule is read, not when it is called. Nothing but arithmetic can be reached, and the work is
//! bounded: text over [`MAX_LENGTH`](super::MAX_LENGTH) bytes or nested deeper than [`MAX_DEPTH`](super::MAX_DEPTH) is
//! refused.
//!
//! The text becomes tokens (`lexer`), these a tree (`parser`, `tree`), and that a number (`evaluate`, `function`).

mod error;
mod evaluate;
mod function;
mod lexer;
mod parser;
mod round;
mod tree;

pub use super::arithmetic::Fault;
pub use error::LambdaError;

use super::arithmetic::Number;
use evaluate::Value;
use std::fmt;
use tree::Tree;

/// A schedule that was read.
#[derive(Debug, Clone)]
pub struct Lambda {
    text: String,
    body: Tree,
}

impl Lambda {
    /// Reads `lambda epoch, lr: <expression>`; the parameters may have any names, the second may be missing.
    ///
    /// # Errors
    /// What cannot be read, and where.
    pub fn parse(text: &str) -> Result<Self, LambdaError> {
        let body = parser::parse(text)?;
        Ok(Self { text: text.split_whitespace().collect::<Vec<_>>().join(" "), body })
    }

    /// The learning rate of a 0-based epoch, from the rate `lr` before it.
    ///
    /// # Errors
    /// What Python has an exception for, and where; a result that is no finite number.
    pub fn call(&self, epoch: u64, lr: f64) -> Result<f64, LambdaError> {
        let arguments = [Number::Int(epoch.into()), Number::Float(lr)];
        match evaluate::evaluate(&self.body, &arguments)? {
            Value::Number(number) if number.to_float().is_finite() => Ok(number.to_float()),
            other => Err(LambdaError::Result { found: other.to_string() }),
        }
    }
}

/// In one line: as it was written, but one blank for each run of blanks and newlines.
impl fmt::Display for Lambda {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests;
