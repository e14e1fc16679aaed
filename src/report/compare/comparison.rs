//! Which columns there are, which of them differ, and in which order the runs stand.

use super::{
    better::better,
    error::CompareError,
    names::{meant, shortened},
    parameter::{Parameter, compared},
    row::Row,
};
use figures::Better;
use indexmap::IndexSet;
use serde_json::Value;
use std::cmp::Ordering;

/// What the runs are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subject {
    /// The variants of a sweep.
    Sweep {
        /// Its folder's name.
        id: String,
        /// The swept keys.
        keys: Vec<String>,
    },
    /// Runs that have nothing more in common.
    Runs,
}

/// What is wanted of a comparison.
#[derive(Debug, Clone, Default)]
pub struct Choice {
    /// What is the same in all runs as well.
    pub all: bool,
    /// Only these parameters.
    pub parameters: Vec<String>,
    /// Only these metrics.
    pub metrics: Vec<String>,
    /// The column by which the runs are sorted.
    pub sort: Option<String>,
    /// The larger first, or the smaller; without it the better first, a parameter's smaller first.
    pub descending: Option<bool>,
    /// So many runs at most.
    pub limit: Option<usize>,
}

/// Runs beside each other.
#[derive(Debug)]
pub struct Comparison {
    pub(super) subject: Subject,
    /// All runs, those to show first.
    pub(super) rows: Vec<Row>,
    /// How many to show.
    pub(super) shown: usize,
    /// Parameters, then metrics.
    pub(super) columns: Vec<Column>,
}

/// A parameter or a metric of the runs.
#[derive(Debug)]
pub(super) struct Column {
    /// Its whole name.
    pub(super) name: String,
    /// The shortest that tells it from the others.
    pub(super) short: String,
    pub(super) source: Source,
    /// Which way it is better.
    pub(super) better: Option<Better>,
    /// Whether two runs differ in it.
    pub(super) varies: bool,
    /// Whether it is in the table.
    pub(super) shown: bool,
}

/// Where a column's values are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Source {
    Parameter,
    Metric,
    /// The best value of a series.
    Best,
    /// Its last.
    Last,
}

impl Column {
    pub(super) fn is_parameter(&self) -> bool {
        self.source == Source::Parameter
    }

    /// A run's parameter.
    pub(super) fn parameter<'a>(&self, row: &'a Row) -> Option<&'a Parameter> {
        if self.is_parameter() { row.parameters.get(&self.name) } else { None }
    }

    /// A run's number, as far as there is one.
    pub(super) fn number(&self, row: &Row) -> Option<f64> {
        let series = |end: &str| row.series.get(self.name.strip_suffix(end)?);
        match self.source {
            Source::Parameter => row.parameters.get(&self.name)?.number(),
            Source::Metric => row.metrics.get(&self.name).copied(),
            Source::Last => series(LAST)?.last().map(|(_, value)| value),
            Source::Best => match self.better? {
                Better::Higher => series(BEST)?.largest(),
                Better::Lower => series(BEST)?.smallest(),
            }
            .map(|(_, value)| value),
        }
    }
}

/// Ends of the names of columns that come from a series.
const BEST: &str = " best";
const LAST: &str = " last";

impl Comparison {
    /// Compares rows.
    ///
    /// # Errors
    /// A name in the choice that is no column's, or that of several.
    pub fn new(subject: Subject, rows: Vec<Row>, choice: &Choice) -> Result<Self, CompareError> {
        let shown = choice.limit.unwrap_or(rows.len()).min(rows.len());
        let mut comparison = Self { columns: columns(&rows), subject, rows, shown };
        comparison.choose(choice)?;
        if let Some(sort) = &choice.sort {
            comparison.sort(sort, choice.descending)?;
        }
        Ok(comparison)
    }

    /// What could not be read, a sentence each, with the run's name.
    pub fn problems(&self) -> impl Iterator<Item = String> {
        let of = |row: &Row, problem: &String| format!("{}: {problem}", row.folder.display());
        self.rows.iter().flat_map(move |row| row.problems.iter().map(move |problem| of(row, problem)))
    }

    pub(super) fn rows(&self) -> &[Row] {
        self.rows.get(..self.shown).unwrap_or_default()
    }

    /// The columns of the table.
    pub(super) fn table(&self) -> impl Iterator<Item = &Column> {
        self.columns.iter().filter(|column| column.shown)
    }

    /// The column that is meant.
    ///
    /// # Errors
    /// That none is, or several are.
    pub(super) fn column(&self, wanted: &str) -> Result<&Column, CompareError> {
        self.position(wanted).map(|index| &self.columns[index])
    }

    fn position(&self, wanted: &str) -> Result<usize, CompareError> {
        // What is in the table goes before what is not.
        match self.among(wanted, "column", |column| column.shown) {
            Err(CompareError::UnknownName { .. }) => self.among(wanted, "column", |_| true),
            found => found,
        }
    }

    /// The position of the column that is meant among some.
    fn among(
        &self,
        wanted: &str,
        what: &'static str,
        some: impl Fn(&Column) -> bool,
    ) -> Result<usize, CompareError> {
        let indices: Vec<usize> =
            (0..self.columns.len()).filter(|index| some(&self.columns[*index])).collect();
        let names: Vec<String> = indices.iter().map(|index| self.columns[*index].name.clone()).collect();
        meant(wanted, what, &names).map(|found| indices[found])
    }

    fn choose(&mut self, choice: &Choice) -> Result<(), CompareError> {
        let single = self.rows.len() == 1;
        let with_values: IndexSet<String> =
            self.rows.iter().flat_map(|row| row.metrics.keys()).map(|name| stage(name).to_owned()).collect();
        for column in &mut self.columns {
            // A series is one thing too many where its stage says what came of it.
            let usual = match column.source {
                Source::Parameter | Source::Metric => true,
                Source::Best => !with_values.contains(stage(&column.name)),
                Source::Last => !with_values.contains(stage(&column.name)) && column.better.is_none(),
            };
            let differs = column.varies || single && !column.is_parameter();
            column.shown = choice.all || usual && differs;
        }
        for (wanted, parameters, what) in
            [(&choice.parameters, true, "parameter"), (&choice.metrics, false, "metric")]
        {
            if wanted.is_empty() {
                continue;
            }
            let of_kind = |column: &Column| column.is_parameter() == parameters;
            let found: Vec<usize> =
                wanted.iter().map(|name| self.among(name, what, of_kind)).collect::<Result<_, _>>()?;
            for (index, column) in self.columns.iter_mut().enumerate().filter(|(_, column)| of_kind(column)) {
                column.shown = found.contains(&index);
            }
        }
        Ok(())
    }

    fn sort(&mut self, wanted: &str, descending: Option<bool>) -> Result<(), CompareError> {
        let position = self.position(wanted)?;
        let column = &mut self.columns[position];
        column.shown = true;
        let descending = descending.unwrap_or(column.better == Some(Better::Higher));
        self.rows.sort_by(|one, other| order(column, one, other, descending));
        Ok(())
    }
}

/// Runs without a value come last.
fn order(column: &Column, one: &Row, other: &Row, descending: bool) -> Ordering {
    let number = |row: &Row| column.number(row).filter(|value| !value.is_nan());
    let text = |row: &Row| column.parameter(row).map(|parameter| parameter.shown.clone());
    let last = |has: bool| if has { 0 } else { 1 };
    let (a, b) = (number(one), number(other));
    let directed = |order: Ordering| if descending { order.reverse() } else { order };
    let by_number = last(a.is_some())
        .cmp(&last(b.is_some()))
        .then_with(|| directed(a.unwrap_or_default().total_cmp(&b.unwrap_or_default())));
    by_number.then_with(|| {
        let (a, b) = (text(one), text(other));
        last(a.is_some()).cmp(&last(b.is_some())).then_with(|| directed(a.cmp(&b)))
    })
}

/// The stage of a metric's whole name.
fn stage(name: &str) -> &str {
    name.split_once('.').map_or(name, |(stage, _)| stage)
}

fn columns(rows: &[Row]) -> Vec<Column> {
    let mut parameters: IndexSet<&str> = IndexSet::new();
    let mut metrics: IndexSet<(&str, bool)> = IndexSet::new();
    for row in rows {
        parameters.extend(row.parameters.keys().map(String::as_str));
        metrics.extend(row.metrics.keys().map(|name| (name.as_str(), false)));
        metrics.extend(row.series.keys().map(|name| (name.as_str(), true)));
    }
    let column = |name: String, source: Source, better: Option<Better>| Column {
        short: String::new(),
        name,
        source,
        better,
        varies: false,
        shown: false,
    };
    let mut columns: Vec<Column> =
        parameters.into_iter().map(|name| column(name.to_owned(), Source::Parameter, None)).collect();
    for (name, is_series) in metrics {
        // A stage may be called `score` and measure a slope.
        let better = better(name.split_once('.').map_or(name, |(_, metric)| metric));
        if !is_series {
            columns.push(column(name.to_owned(), Source::Metric, better));
            continue;
        }
        if better.is_some() {
            columns.push(column(format!("{name}{BEST}"), Source::Best, better));
        }
        columns.push(column(format!("{name}{LAST}"), Source::Last, better));
    }
    let names: Vec<String> = columns.iter().map(|column| column.name.clone()).collect();
    for (column, short) in columns.iter_mut().zip(shortened(&names)) {
        column.varies =
            if column.is_parameter() { parameter_varies(column, rows) } else { metric_varies(column, rows) };
        column.short = short;
    }
    columns
}

/// Whether two runs have another value; one that is not set in a whole configuration is a value like any other.
fn parameter_varies(column: &Column, rows: &[Row]) -> bool {
    let value = |row: &Row| match column.parameter(row) {
        Some(parameter) => Some(compared(parameter, row.started)),
        None => row.whole.then_some(Value::Null),
    };
    let mut known = rows.iter().filter_map(value);
    known.next().is_some_and(|first| known.any(|other| other != first))
}

/// Whether two of the runs that have this number have another. A failed one without it does not make it worth a column.
fn metric_varies(column: &Column, rows: &[Row]) -> bool {
    let mut known = rows.iter().filter_map(|row| column.number(row)).map(f64::to_bits);
    known.next().is_some_and(|first| known.any(|other| other != first))
}
