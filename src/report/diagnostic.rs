//! Errors and findings for a terminal.

use crate::schedule::Located;
use contract::Severity;
use miette::{Diagnostic, GraphicalReportHandler, GraphicalTheme};
use std::{fmt, io::IsTerminal};

/// Whether standard error shows colours: on a terminal that has any, and unless `NO_COLOR` is set to something
/// (<https://no-color.org>).
#[must_use]
pub fn colour() -> bool {
    let wanted = std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    std::io::stderr().is_terminal() && wanted && !super::screen::dumb()
}

/// A diagnostic as text, with its code, its causes and its help.
#[must_use]
pub fn diagnostic(diagnostic: &dyn Diagnostic, colour: bool) -> String {
    let theme = if colour { GraphicalTheme::unicode() } else { GraphicalTheme::unicode_nocolor() };
    let handler = GraphicalReportHandler::new_themed(theme).with_width(100).with_links(false);
    let mut text = String::new();
    if handler.render_report(&mut text, diagnostic).is_err() {
        return format!("{diagnostic}\n");
    }
    text.lines().map(str::trim_end).collect::<Vec<_>>().join("\n") + "\n"
}

/// All findings of a preflight, and how many of them stop the run.
#[must_use]
pub fn findings(found: &[Located], colour: bool) -> String {
    let mut text: String = found.iter().map(|located| diagnostic(&Shown(located), colour) + "\n").collect();
    let errors = found.iter().filter(|located| located.finding.severity == Severity::Error).count();
    match errors {
        0 => {}
        1 => text.push_str("nothing was run because of this error\n"),
        _ => text.push_str(&format!("nothing was run because of these {errors} errors\n")),
    }
    text
}

#[derive(Debug)]
struct Shown<'a>(&'a Located);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0.stage {
            Some(stage) => write!(f, "{stage}: {}", self.0.finding.message),
            None => f.write_str(&self.0.finding.message),
        }
    }
}

impl std::error::Error for Shown<'_> {}

impl Diagnostic for Shown<'_> {
    fn code<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        Some(Box::new(&self.0.finding.code))
    }

    fn severity(&self) -> Option<miette::Severity> {
        Some(match self.0.finding.severity {
            Severity::Note => miette::Severity::Advice,
            Severity::Warning => miette::Severity::Warning,
            Severity::Error => miette::Severity::Error,
        })
    }

    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.0.finding.help.as_ref().map(|help| Box::new(help) as Box<dyn fmt::Display>)
    }
}
