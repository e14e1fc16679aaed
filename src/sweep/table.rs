//! The variants of a sweep, a line each.

use super::{names::short_keys, variant::text};
use crate::{
    record::{self, Outcome, RecordError, SweepRecord, VariantRecord, failure_line},
    report::columns,
};
use indexmap::{IndexMap, IndexSet};
use std::path::Path;

/// Metrics that have a column, at most.
const METRICS: usize = 4;

/// A variant and what it measured.
#[derive(Debug)]
pub struct Row<'a> {
    /// The variant.
    pub variant: &'a VariantRecord,
    /// Its numbers, in the order of the plan: stage, name, value.
    pub metrics: Vec<(String, String, f64)>,
    /// How it stands, in one or two words: of a killed sweep the record knows less than the variants' own runs.
    pub standing: &'static str,
}

impl<'a> Row<'a> {
    /// A variant that stands as the record says.
    pub(super) fn of(variant: &'a VariantRecord, metrics: Vec<(String, String, f64)>) -> Self {
        Row { variant, metrics, standing: variant.outcome.as_str() }
    }

    /// A variant of the sweep in `folder`, and what its run has kept of its numbers.
    ///
    /// # Errors
    /// When its events are there and cannot be read.
    pub fn kept(folder: &Path, variant: &'a VariantRecord) -> Result<Self, RecordError> {
        let own = folder.join(&variant.folder);
        let summary = record::measured(&own)?;
        let metrics = summary.stages.iter().flat_map(|(stage, told)| {
            told.metrics.iter().map(|(name, value)| (stage.clone(), name.clone(), *value))
        });
        let row = Self::of(variant, metrics.collect());
        match variant.outcome {
            Outcome::Running => {
                let standing = record::run(&own).map_or("not started", |run| run.standing.as_str());
                Ok(Row { standing, ..row })
            }
            _ => Ok(row),
        }
    }
}

/// A table of variants: swept values, main metrics, outcome; a failure's message in the place of numbers.
#[must_use]
pub fn sweep_table(sweep: &SweepRecord, rows: &[Row<'_>]) -> String {
    let values: Vec<_> = sweep.variants.iter().map(|variant| variant.values.clone()).collect();
    let short = short_keys(&values);
    let metrics = main_metrics(rows);
    let mut header = vec!["variant".to_owned()];
    header.extend(short.values().cloned());
    header.extend(metrics.iter().map(|(_, name)| name.clone()));
    header.push("outcome".to_owned());
    let cells = rows.iter().map(|row| {
        let value = |key: &String| row.variant.values.get(key).map(text).unwrap_or_default();
        let metric = |(stage, name): &(String, String)| {
            let known = row.metrics.iter().find(|(own, metric, _)| own == stage && metric == name);
            known.map(|(.., value)| crate::report::number(*value)).unwrap_or_default()
        };
        let outcome = match (&row.variant.outcome, &row.variant.error) {
            (Outcome::Failed, Some(error)) => {
                format!("failed: {}: {}", error.stage, failure_line(&error.stage, &error.message))
            }
            _ => row.standing.to_owned(),
        };
        let mut cells = vec![row.variant.folder.clone()];
        cells.extend(short.keys().map(value));
        cells.extend(metrics.iter().map(metric));
        cells.push(outcome);
        cells
    });
    let cells: Vec<Vec<String>> = cells.collect();
    let last = header.len() - 1;
    columns(&header, &cells, &(0..last).collect::<Vec<_>>())
}

/// The numbers that variants are known by: mIoU, else those of the last stage that measured something; those that are the
/// same in all variants tell nothing.
pub(super) fn main_metrics(rows: &[Row<'_>]) -> Vec<(String, String)> {
    let mut known: IndexMap<(String, String), IndexSet<u64>> = IndexMap::new();
    for (stage, name, value) in rows.iter().flat_map(|row| &row.metrics) {
        known.entry((stage.clone(), name.clone())).or_default().insert(value.to_bits());
    }
    let many = rows.iter().filter(|row| !row.metrics.is_empty()).count() > 1;
    let told = |(_, values): &(&(String, String), &IndexSet<u64>)| !many || values.len() > 1;
    let varying: Vec<&(String, String)> = known.iter().filter(told).map(|(name, _)| name).collect();
    let mut chosen: Vec<&(String, String)> =
        varying.iter().filter(|(_, name)| name.contains("miou")).copied().collect();
    if chosen.is_empty() {
        let last = varying.last().map(|(stage, _)| stage);
        chosen = varying.into_iter().filter(|(stage, _)| Some(stage) == last).collect();
    }
    chosen.into_iter().take(METRICS).cloned().collect()
}
