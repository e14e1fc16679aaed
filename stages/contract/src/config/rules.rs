//! Rules on values: what a number may be, beside its type.

use crate::Issue;
use std::fmt::Display;

/// What a number may be, and how that is said.
#[derive(Clone, Copy)]
pub(super) struct Bounds {
    legal: fn(f64) -> bool,
    says: &'static str,
}

/// Any finite number; all numbers of a file are.
pub(super) const ANY: Bounds = Bounds { legal: f64::is_finite, says: "finite" };
pub(super) const POSITIVE: Bounds = Bounds { legal: |v| v > 0.0 && v.is_finite(), says: "larger than 0" };
pub(super) const NOT_NEGATIVE: Bounds = Bounds { legal: |v| v >= 0.0 && v.is_finite(), says: "at least 0" };
pub(super) const NOT_POSITIVE: Bounds = Bounds { legal: |v| v <= 0.0 && v.is_finite(), says: "at most 0" };
pub(super) const SHARE: Bounds =
    Bounds { legal: |v| (0.0..=1.0).contains(&v), says: "at least 0 and at most 1" };
pub(super) const BELOW_ONE: Bounds =
    Bounds { legal: |v| (0.0..1.0).contains(&v), says: "at least 0 and below 1" };
/// Counts that start at one, such as steps that something is divided by.
pub(super) const FROM_ONE: Bounds = Bounds { legal: |v| v >= 1.0 && v.is_finite(), says: "at least 1" };
pub(super) const FROM_TWO: Bounds = Bounds { legal: |v| v >= 2.0 && v.is_finite(), says: "at least 2" };

impl Bounds {
    /// Bounds of its own.
    pub(super) const fn new(legal: fn(f64) -> bool, says: &'static str) -> Self {
        Self { legal, says }
    }

    pub(super) fn admit(self, value: f64) -> bool {
        (self.legal)(value)
    }

    pub(super) fn says(self) -> &'static str {
        self.says
    }
}

/// Collects what is wrong with the values under one key.
pub(super) struct Rules {
    key: String,
    issues: Vec<Issue>,
}

impl Rules {
    pub(super) fn under(key: impl Into<String>) -> Self {
        Self { key: key.into(), issues: Vec::new() }
    }

    pub(super) fn key(&self, name: &str) -> String {
        format!("{}.{name}", self.key)
    }

    /// A number and its bounds.
    pub(super) fn number(&mut self, name: &str, value: impl Into<f64>, bounds: Bounds) -> &mut Self {
        let value = value.into();
        self.require(name, bounds.admit(value), format_args!("{name} is {value}; it is {}", bounds.says()))
    }

    /// A value that is wrong unless `legal`.
    pub(super) fn require(&mut self, name: &str, legal: bool, message: impl Display) -> &mut Self {
        if !legal {
            self.issues.push(Issue::invalid(self.key(name), message.to_string()));
        }
        self
    }

    /// An issue that is said in another way.
    pub(super) fn push(&mut self, issue: Issue) -> &mut Self {
        self.issues.push(issue);
        self
    }

    pub(super) fn into_issues(self) -> Vec<Issue> {
        self.issues
    }
}
