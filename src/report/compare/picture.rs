//! The runs as points.

use super::{
    comparison::{Column, Comparison, Subject},
    error::CompareError,
    names::words,
    row::Row,
};
use figures::{Point, Quantity, Scatter, scatter};
use indexmap::IndexMap;

/// Values that a label has at most; more parameters than that are told by the run's name.
const VALUES: usize = 4;

impl Comparison {
    /// A scatter of two columns as SVG, one across and the other up: metrics, or parameters that are numbers. A name may end
    /// in `:min` or `:max`, which says what is better of it.
    ///
    /// # Errors
    /// A name that is no column's, or that of several; no run with both.
    pub fn picture(&self, across: &str, up: &str) -> Result<String, CompareError> {
        let (x, y) = (self.axis(across)?, self.axis(up)?);
        let both = |row: &Row| {
            let number = |axis: &Axis| axis.column.number(row).filter(|value| value.is_finite());
            Some((number(&x)?, number(&y)?))
        };
        let swept = self.swept();
        let points: Vec<Point> = self
            .rows
            .iter()
            .filter_map(|row| {
                let (x, y) = both(row)?;
                Some(Point { x, y, label: label(row, &swept), about: about(row, &swept) })
            })
            .collect();
        if points.is_empty() {
            let name = |axis: &Axis| axis.column.short.clone();
            return Err(CompareError::NothingToDraw { x: name(&x), y: name(&y) });
        }
        let missing: Vec<&Row> = self.rows.iter().filter(|row| both(row).is_none()).collect();
        let mut caption = vec![self.drawn(points.len())];
        caption.extend(not_drawn(&missing));
        caption.extend((!swept.is_empty()).then(|| {
            let names: Vec<&str> = swept.iter().map(|column| column.short.as_str()).collect();
            format!("labels: {}", names.join(", "))
        }));
        Ok(scatter(&Scatter {
            title: format!("{} against {}", y.column.short, x.column.short),
            caption,
            x: x.quantity(),
            y: y.quantity(),
            points,
        }))
    }

    fn axis(&self, wanted: &str) -> Result<Axis<'_>, CompareError> {
        let (name, better) = match wanted.rsplit_once(':') {
            Some((name, "min")) => (name, Some(figures::Better::Lower)),
            Some((name, "max")) => (name, Some(figures::Better::Higher)),
            _ => (wanted, None),
        };
        let column = self.column(name)?;
        Ok(Axis { column, better: better.or(column.better) })
    }

    /// What tells the runs apart: the swept keys, or the parameters that differ. None where a label would be too long.
    fn swept(&self) -> Vec<&Column> {
        let differing = self.columns.iter().filter(|column| column.is_parameter() && column.varies);
        let swept: Vec<&Column> = match &self.subject {
            Subject::Sweep { keys, .. } => differing.filter(|column| keys.contains(&column.name)).collect(),
            Subject::Runs => differing.collect(),
        };
        if swept.len() <= VALUES { swept } else { Vec::new() }
    }

    /// `12 runs of sweep X`.
    fn drawn(&self, count: usize) -> String {
        let runs = if count == 1 { "run" } else { "runs" };
        match &self.subject {
            Subject::Sweep { id, .. } => format!("{count} {runs} of sweep {id}"),
            Subject::Runs => format!("{count} {runs}"),
        }
    }
}

/// `not drawn, without these numbers: 2 failed, 1 running`.
fn not_drawn(missing: &[&Row]) -> Option<String> {
    let mut counts: IndexMap<&str, usize> = IndexMap::new();
    for row in missing {
        *counts.entry(row.outcome).or_default() += 1;
    }
    let counts: Vec<String> = counts.iter().map(|(outcome, count)| format!("{count} {outcome}")).collect();
    (!counts.is_empty()).then(|| format!("not drawn, without these numbers: {}", counts.join(", ")))
}

struct Axis<'a> {
    column: &'a Column,
    better: Option<figures::Better>,
}

impl Axis<'_> {
    /// The name, with a unit that stands in it in brackets.
    fn quantity(&self) -> Quantity {
        let name = &self.column.short;
        let unit = words(name).last().and_then(|last| UNITS.iter().find(|(word, _)| word == last));
        let label = match unit {
            Some((word, unit)) if name.len() > word.len() => {
                let before = name[..name.len() - word.len()].trim_end_matches([' ', '_', '.', '-']);
                format!("{before} ({unit})")
            }
            _ => name.clone(),
        };
        Quantity { label, better: self.better }
    }
}

/// Last words of names that are units, and how these are written.
const UNITS: &[(&str, &str)] = &[
    ("b", "B"),
    ("bytes", "B"),
    ("kb", "kB"),
    ("kib", "KiB"),
    ("mb", "MB"),
    ("mib", "MiB"),
    ("m", "millions"),
    ("ms", "ms"),
    ("s", "s"),
    ("seconds", "s"),
    ("us", "µs"),
];

fn label(row: &Row, swept: &[&Column]) -> String {
    if swept.is_empty() {
        return row.name.clone();
    }
    let value = |column: &&Column| column.parameter(row).map_or("–", |value| value.shown.as_str()).to_owned();
    swept.iter().map(value).collect::<Vec<_>>().join(", ")
}

fn about(row: &Row, swept: &[&Column]) -> String {
    let value = |column: &&Column| {
        let value = column.parameter(row).map_or("–", |value| value.shown.as_str());
        format!(", {} {value}", column.short)
    };
    row.name.clone() + &swept.iter().map(value).collect::<String>()
}
