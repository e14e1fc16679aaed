//! Numbers of things.

use std::fmt::Display;

/// So many of what has this name: `1 stage`, `2 stages`.
pub(crate) fn count(number: impl Display, what: &str) -> String {
    let number = number.to_string();
    let end = if number == "1" { "" } else { "s" };
    format!("{number} {what}{end}")
}
