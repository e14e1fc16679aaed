//! The table for people.

use super::{
    cell::aligned,
    comparison::{Column, Comparison, Source, Subject},
    layout::{Mark, Strip, lay},
    row::{Row, RowError},
    times::timeless,
};
use crate::report::cells::{cut, fit, plain, width};
use figures::Better;
use indexmap::IndexMap;
use serde_json::Value;

/// What the table is written on.
#[derive(Debug, Clone, Copy)]
pub struct Page {
    /// Columns that a line may have; none where nobody counts them.
    pub columns: Option<usize>,
    /// Whether it shows bold letters.
    pub bold: bool,
}

impl Comparison {
    /// What the runs are, what they have in common, then a table of what differs.
    #[must_use]
    pub fn text(&self, page: Page) -> String {
        let mark = if page.bold { Mark::Bold } else { Mark::Star };
        let mut strips = vec![self.names()];
        strips.extend(self.outcomes());
        strips.extend(self.table().map(|column| self.strip(column)));
        let starred = !page.bold && strips.iter().any(|strip| strip.best.contains(&true));
        // Errors stand behind all else where there is room for them, below it where there is none.
        let errors = self.errors();
        let within = |strips: &[Strip]| {
            let text = lay(strips.to_vec(), None, mark);
            page.columns.is_none_or(|columns| text.lines().all(|line| width(line) <= columns))
        };
        let mut below = String::new();
        if let Some(errors) = errors {
            strips.push(errors);
            if !within(&strips) {
                below = strips.pop().map(|errors| self.below(&errors)).unwrap_or_default();
            }
        }
        let mut text = self.head() + &self.same(page.columns.unwrap_or(UNCOUNTED)) + "\n";
        text += &lay(strips, page.columns, mark);
        for more in [below, self.hidden()] {
            if !more.is_empty() {
                text += "\n";
                text += &more;
            }
        }
        if starred {
            text += "\n* the best of its column\n";
        }
        text
    }

    fn names(&self) -> Strip {
        let cells = self.rows().iter().map(|row| row.name.clone()).collect();
        Strip { heading: "run".to_owned(), cells, ..Strip::default() }
    }

    /// How each run ended, where one did not end well.
    fn outcomes(&self) -> Option<Strip> {
        let cells: Vec<String> = self.rows().iter().map(|row| row.outcome.to_owned()).collect();
        let told = cells.iter().any(|cell| cell != DONE);
        told.then(|| Strip { heading: "outcome".to_owned(), cells, ..Strip::default() })
    }

    fn errors(&self) -> Option<Strip> {
        let line = |row: &Row| row.error.as_ref().map(RowError::line).unwrap_or_default();
        let cells: Vec<String> = self.rows().iter().map(line).collect();
        let told = cells.iter().any(|cell| !cell.is_empty());
        told.then(|| Strip { heading: "error".to_owned(), cells, ..Strip::default() })
    }

    fn below(&self, errors: &Strip) -> String {
        let told = || self.rows().iter().zip(&errors.cells).filter(|(_, error)| !error.is_empty());
        let columns = told().map(|(row, _)| width(&row.name)).max().unwrap_or(0);
        let line = |(row, error): (&Row, &String)| format!("{}  {error}", fit(&row.name, columns));
        told().map(|told| plain(&line(told)).replace('\n', " ") + "\n").collect()
    }

    fn strip(&self, column: &Column) -> Strip {
        let cells = self.cells(column);
        let right = self.is_numeric(column);
        Strip { heading: column.short.clone(), cells, right, best: self.best(column) }
    }

    /// Whether a column holds numbers and nothing else.
    pub(super) fn is_numeric(&self, column: &Column) -> bool {
        let number = |row: &Row| column.parameter(row).is_none_or(|value| value.number().is_some());
        self.rows().iter().all(number)
    }

    /// The values of a column, one for each run.
    pub(super) fn cells(&self, column: &Column) -> Vec<String> {
        if column.is_parameter() {
            let shown =
                |row: &Row| column.parameter(row).map(|value| value.shown.clone()).unwrap_or_default();
            return self.rows().iter().map(shown).collect();
        }
        aligned(&self.rows().iter().map(|row| column.number(row)).collect::<Vec<_>>())
    }

    /// Which runs have the best value of a metric; none where all have it, or nobody knows which is better.
    pub(super) fn best(&self, column: &Column) -> Vec<bool> {
        let Some(better) = column.better.filter(|_| column.varies) else { return Vec::new() };
        let numbers =
            || self.rows.iter().filter_map(|row| column.number(row)).filter(|value| value.is_finite());
        let best = match better {
            Better::Higher => numbers().max_by(f64::total_cmp),
            Better::Lower => numbers().min_by(f64::total_cmp),
        };
        self.rows().iter().map(|row| best.is_some() && column.number(row) == best).collect()
    }

    /// `sweep 2026 of training.epochs: 12 runs of chain_tqe, 1 failed`.
    fn head(&self) -> String {
        let mut modes: Vec<&str> = self.rows.iter().filter_map(|row| row.mode.as_deref()).collect();
        modes.dedup();
        let of = match modes.as_slice() {
            [mode] => format!(" of {mode}"),
            _ => String::new(),
        };
        let sweep = match &self.subject {
            Subject::Sweep { id, keys } => format!("sweep {id} of {}: ", keys.join(", ")),
            Subject::Runs => String::new(),
        };
        let runs = if self.rows.len() == 1 { "run" } else { "runs" };
        plain(&format!("{sweep}{} {runs}{of}{}", self.rows.len(), self.not_done())).replace('\n', " ") + "\n"
    }

    /// `, 1 failed, 2 running`.
    pub(super) fn not_done(&self) -> String {
        let mut counts: IndexMap<&str, usize> = IndexMap::new();
        for row in self.rows.iter().filter(|row| row.outcome != DONE) {
            *counts.entry(row.outcome).or_default() += 1;
        }
        counts.iter().map(|(outcome, count)| format!(", {count} {outcome}")).collect()
    }

    /// What is the same in all runs, in one line.
    fn same(&self, columns: usize) -> String {
        let same: Vec<&Column> = self.columns.iter().filter(|column| column.is_same()).collect();
        if same.is_empty() || self.rows.len() < 2 {
            return String::new();
        }
        let value = |column: &Column| {
            self.rows.iter().find_map(|row| match column.parameter(row) {
                Some(parameter) => Some(match (row.started, &parameter.value) {
                    (Some(started), Value::String(text)) => timeless(text, started),
                    _ => parameter.shown.clone(),
                }),
                None => aligned(&[Some(column.number(row)?)]).pop(),
            })
        };
        let parts: Vec<String> = same
            .iter()
            .map(|column| {
                plain(&format!("{} {}", column.short, value(column).unwrap_or_default())).replace('\n', " ")
            })
            .collect();
        let mut line = "same: ".to_owned();
        for (index, part) in parts.iter().enumerate() {
            let left = parts.len() - index;
            let more = if index == 0 {
                format!("{left} values (--all)")
            } else {
                format!("and {left} more (--all)")
            };
            let after = if left == 1 { 0 } else { 2 + width(&more) };
            if width(&line) + width(part) + after > columns {
                line += &more;
                break;
            }
            line += part;
            line += if left == 1 { "" } else { ", " };
        }
        cut(&line, columns) + "\n"
    }

    fn hidden(&self) -> String {
        match self.rows.len() - self.rows().len() {
            0 => String::new(),
            more => format!("{more} more; --limit {} shows them all\n", self.rows.len()),
        }
    }
}

/// Columns of the line of what is the same where nobody counts them: it is there to be glanced at.
const UNCOUNTED: usize = 160;

/// The word of a run that ended well.
const DONE: &str = "done";

impl Column {
    fn is_same(&self) -> bool {
        !self.varies && !self.shown && matches!(self.source, Source::Parameter | Source::Metric)
    }
}
