//! What a run has to say.

use super::parameter::{Parameter, of_json, parameters};
use crate::{
    record::{
        FailureRecord, FoundRun, Outcome, Series, Summary, SweepRecord, VariantRecord, failure_line,
        measured, run,
    },
    several,
};
use fs_err as fs;
use indexmap::IndexMap;
use jiff::Timestamp;
use serde::Serialize;
use std::{
    collections::BTreeSet,
    io::ErrorKind,
    path::{Component, Path, PathBuf},
};

/// A run in a comparison.
#[derive(Debug)]
pub struct Row {
    /// What it is called among the others.
    pub(super) name: String,
    /// Its folder.
    pub(super) folder: PathBuf,
    /// How it stands, in one word.
    pub(super) outcome: &'static str,
    /// The mode word.
    pub(super) mode: Option<String>,
    /// The configuration file, as it was named.
    pub(super) file: Option<String>,
    pub(super) started: Option<Timestamp>,
    /// Why it has no result.
    pub(super) error: Option<RowError>,
    pub(super) parameters: IndexMap<String, Parameter>,
    /// Whether these are all, so that one that is not there is not set.
    pub(super) whole: bool,
    /// The last value of each number that is no series, by `STAGE.NAME`.
    pub(super) metrics: IndexMap<String, f64>,
    pub(super) series: IndexMap<String, Series>,
    /// What could not be read of it, a sentence each.
    pub(super) problems: Vec<String>,
}

/// Why a run has no result.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct RowError {
    /// The stage that failed, where it was one.
    pub(super) stage: Option<String>,
    /// Stable code.
    pub(super) code: String,
    /// What happened.
    pub(super) message: String,
    /// What to do about it.
    pub(super) help: Option<String>,
}

impl RowError {
    /// In one line.
    pub(super) fn line(&self) -> String {
        let of = self.stage.as_ref().map(|stage| format!("{stage}: ")).unwrap_or_default();
        let line = failure_line(self.stage.as_deref().unwrap_or_default(), &self.message);
        format!("{of}{line} [{}]", self.code)
    }
}

/// What a word says of a variant that has no run folder yet.
const NOT_STARTED: &str = "not started";

impl Row {
    /// Looks into the runs, in this order.
    #[must_use]
    pub fn of_runs(runs: &[FoundRun]) -> Vec<Self> {
        several::answers(runs, 1, Self::of)
    }

    /// Looks into the variants of the sweep in `folder`, also those that have not started.
    #[must_use]
    pub fn of_sweep(folder: &Path, sweep: &SweepRecord) -> Vec<Self> {
        several::answers(&sweep.variants, 1, |variant| Self::of_variant(folder, sweep, variant))
    }

    fn of(run: &FoundRun) -> Self {
        let mut problems = Vec::new();
        let mut note = |problem: String| problems.push(problem);
        let record = run.record.as_ref().inspect_err(|problem| note((*problem).clone())).ok();
        let summary = measured(&run.path).map_err(|error| note(error.to_string())).unwrap_or_default();
        let parameters = read_parameters(&run.path).map_err(&mut note).ok();
        let whole = parameters.is_some();
        let mut row = Self {
            name: run.id.clone(),
            folder: run.path.clone(),
            outcome: run.standing.as_str(),
            mode: record.map(|record| record.operation_mode.clone()),
            file: record.map(|record| record.file.clone()),
            started: run.started,
            error: failure(&summary),
            parameters: parameters.unwrap_or_default(),
            whole,
            metrics: IndexMap::new(),
            series: IndexMap::new(),
            problems,
        };
        for (stage, told) in summary.stages {
            let name = |metric: &str| format!("{stage}.{metric}");
            row.metrics.extend(told.metrics.iter().map(|(metric, value)| (name(metric), *value)));
            row.series.extend(told.series.into_iter().map(|(metric, series)| (name(&metric), series)));
        }
        row
    }

    fn of_variant(sweep_folder: &Path, sweep: &SweepRecord, variant: &VariantRecord) -> Self {
        let folder = sweep_folder.join(&variant.folder);
        let mut row = match run(&folder) {
            Some(run) => Self::of(&run),
            None => Self {
                name: String::new(),
                folder,
                outcome: match variant.outcome {
                    Outcome::Running => NOT_STARTED,
                    ended => ended.as_str(),
                },
                mode: Some(sweep.operation_mode.clone()),
                file: Some(sweep.file.clone()),
                started: None,
                error: None,
                parameters: IndexMap::new(),
                whole: false,
                metrics: IndexMap::new(),
                series: IndexMap::new(),
                problems: Vec::new(),
            },
        };
        row.name.clone_from(&variant.folder);
        if !row.whole {
            let swept = variant.values.iter().filter_map(|(key, value)| Some((key.clone(), of_json(value)?)));
            row.parameters = swept.collect();
        }
        if row.error.is_none() {
            row.error = variant.error.as_ref().map(|error| RowError {
                stage: Some(error.stage.clone()),
                code: error.code.clone(),
                message: error.message.clone(),
                help: None,
            });
        }
        row
    }
}

/// The first failure that is no cancellation.
fn failure(summary: &Summary) -> Option<RowError> {
    summary.stages.iter().find_map(|(stage, told)| {
        let FailureRecord { code, message, help } = told.failure.clone()?;
        (code != "cancelled").then(|| RowError { stage: Some(stage.clone()), code, message, help })
    })
}

fn read_parameters(folder: &Path) -> Result<IndexMap<String, Parameter>, String> {
    const CONFIG: &str = ".hydra/config.yaml";
    match fs::read_to_string(folder.join(CONFIG)) {
        Ok(yaml) => parameters(&yaml).map_err(|error| format!("{CONFIG} cannot be read: {error}")),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            Err(format!("there is no {CONFIG}: its parameters are not known"))
        }
        Err(error) => Err(error.to_string()),
    }
}

/// The rows of several places, each run once, with the shortest ends of their folders that tell them apart as names.
#[must_use]
pub fn together(rows: impl IntoIterator<Item = Row>) -> Vec<Row> {
    let mut known = BTreeSet::new();
    // A run may be named twice, by itself and by its folder.
    let is_new =
        |row: &Row| known.insert(fs::canonicalize(&row.folder).unwrap_or_else(|_| row.folder.clone()));
    let mut rows: Vec<Row> = rows.into_iter().filter(is_new).collect();
    let parts: Vec<Vec<String>> = rows.iter().map(|row| parts(&row.folder)).collect();
    let most = parts.iter().map(Vec::len).max().unwrap_or(0);
    let names = |count: usize| -> Vec<String> {
        parts.iter().map(|parts| parts[parts.len().saturating_sub(count)..].join("/")).collect()
    };
    let distinct = |names: &Vec<String>| {
        let mut sorted: Vec<&String> = names.iter().collect();
        sorted.sort_unstable();
        sorted.windows(2).all(|pair| pair[0] != pair[1])
    };
    let names = (1..=most).map(names).find(distinct).unwrap_or_else(|| names(most));
    for (row, name) in rows.iter_mut().zip(names) {
        row.name = name;
    }
    rows
}

fn parts(folder: &Path) -> Vec<String> {
    let absolute = std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned());
    let named = |part| match part {
        Component::Normal(part) => Some(part.to_string_lossy().into_owned()),
        _ => None,
    };
    absolute.components().filter_map(named).collect()
}
