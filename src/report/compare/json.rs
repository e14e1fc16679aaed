//! The whole comparison for programs.

use super::{
    comparison::{Column, Comparison, Subject},
    row::{Row, RowError},
};
use crate::record::Series;
use figures::Better;
use indexmap::IndexMap;
use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;

/// The version of the JSON object.
const FORMAT: u32 = 1;

#[derive(Serialize)]
struct Document<'a> {
    format: u32,
    sweep: Option<Sweep<'a>>,
    parameters: Vec<Heading<'a>>,
    metrics: Vec<Heading<'a>>,
    runs: Vec<Run<'a>>,
}

#[derive(Serialize)]
struct Sweep<'a> {
    id: &'a str,
    keys: &'a [String],
}

#[derive(Serialize)]
struct Heading<'a> {
    name: &'a str,
    /// `higher`, `lower`, or null where nobody knows.
    #[serde(skip_serializing_if = "Option::is_none")]
    better: Option<Option<&'static str>>,
    differs: bool,
}

#[derive(Serialize)]
struct Run<'a> {
    run: &'a str,
    folder: String,
    outcome: &'static str,
    mode: Option<&'a str>,
    file: Option<&'a str>,
    started: Option<Timestamp>,
    error: Option<&'a RowError>,
    parameters: IndexMap<&'a str, &'a Value>,
    metrics: IndexMap<&'a str, f64>,
    series: IndexMap<&'a str, &'a Series>,
    problems: &'a [String],
}

impl Comparison {
    /// Everything that is known of the runs, whatever is in the table: `{"format": 1, "sweep": .., "parameters": [..],
    /// "metrics": [..], "runs": [..]}`. Numbers have all their digits; one that is not finite is null.
    #[must_use]
    pub fn json(&self) -> String {
        let sweep = match &self.subject {
            Subject::Sweep { id, keys } => Some(Sweep { id, keys }),
            Subject::Runs => None,
        };
        let headings = |parameters: bool| {
            self.columns
                .iter()
                .filter(move |column| column.is_parameter() == parameters)
                .map(heading)
                .collect()
        };
        let document = Document {
            format: FORMAT,
            sweep,
            parameters: headings(true),
            metrics: headings(false),
            runs: self.rows().iter().map(run).collect(),
        };
        // Its maps have strings as keys, so it can be written.
        serde_json::to_string_pretty(&document).unwrap_or_default() + "\n"
    }
}

fn heading(column: &Column) -> Heading<'_> {
    let better = column.better.map(|better| match better {
        Better::Higher => "higher",
        Better::Lower => "lower",
    });
    Heading { name: &column.name, better: (!column.is_parameter()).then_some(better), differs: column.varies }
}

fn run(row: &Row) -> Run<'_> {
    Run {
        run: &row.name,
        folder: row.folder.display().to_string(),
        outcome: row.outcome,
        mode: row.mode.as_deref(),
        file: row.file.as_deref(),
        started: row.started,
        error: row.error.as_ref(),
        parameters: row.parameters.iter().map(|(name, found)| (name.as_str(), &found.value)).collect(),
        metrics: row.metrics.iter().map(|(name, value)| (name.as_str(), *value)).collect(),
        series: row.series.iter().map(|(name, series)| (name.as_str(), series)).collect(),
        problems: &row.problems,
    }
}
