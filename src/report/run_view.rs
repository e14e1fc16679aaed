//! One run, whole.

use super::{
    bytes,
    cells::plain,
    duration,
    metrics::{Metrics, number},
    run_list::{RunLine, local},
    table,
};
use crate::record::{
    FailureRecord, FoundRun, Published, Series, StageState, Standing, Summary, history, read_overrides,
};
use contract::{Event, EventKind};
use indexmap::IndexMap;
use jiff::Timestamp;
use serde::Serialize;
use std::collections::BTreeMap;

/// The version of the JSON object.
const FORMAT: u32 = 1;

/// A run with all that is known of it.
#[derive(Debug, Serialize)]
pub struct RunView {
    format: u32,
    run: RunLine,
    overrides: Vec<String>,
    stages: Vec<StageView>,
    /// Warnings that are about no stage.
    warnings: Vec<String>,
}

#[derive(Debug, Serialize)]
struct StageView {
    name: String,
    /// `hit`, `ran`, `failed`, `cancelled`, `skipped`, `running`, `killed`, or `waiting`.
    outcome: &'static str,
    seconds: Option<f64>,
    fingerprint: Option<String>,
    /// The stages whose results it works on.
    after: Vec<String>,
    metrics: IndexMap<String, f64>,
    series: IndexMap<String, Series>,
    warnings: Vec<String>,
    failure: Option<FailureRecord>,
    artifacts: Vec<Published>,
}

impl RunView {
    /// Looks into a run.
    #[must_use]
    pub fn of(run: &FoundRun, now: Timestamp) -> Self {
        let mut line = RunLine::of(run, now);
        let events = history(&run.path).map(|history| history.events).unwrap_or_default();
        let mut summary = Summary::of(&events);
        let mut after = upstream(&events);
        let overrides = read_overrides(&run.path).unwrap_or_else(|error| {
            line.problems.push(error.to_string());
            Vec::new()
        });
        let records = run.record.as_ref().map(|record| record.stages.as_slice()).unwrap_or_default();
        let mut stages = Vec::new();
        for record in records {
            let told = summary.stages.shift_remove(&record.name).unwrap_or_default();
            stages.push(StageView {
                name: record.name.clone(),
                outcome: outcome(record.state, run.standing),
                seconds: record.seconds,
                fingerprint: record.fingerprint.map(|digest| digest.to_string()),
                after: after.remove(record.name.as_str()).unwrap_or_default(),
                metrics: told.metrics,
                series: told.series,
                warnings: told.warnings,
                failure: told.failure.filter(|failure| failure.code != "cancelled"),
                artifacts: record.files.clone(),
            });
        }
        Self { format: FORMAT, run: line, overrides, stages, warnings: summary.warnings }
    }

    /// The view as JSON, a line at its end.
    #[must_use]
    pub fn json(&self) -> String {
        // Its maps have strings as keys, so it can be written.
        serde_json::to_string_pretty(self).unwrap_or_default() + "\n"
    }

    /// The view for people.
    #[must_use]
    pub fn text(&self) -> String {
        let parts = [
            self.head(),
            self.outcomes(),
            self.failures(),
            self.warnings(),
            self.metrics(),
            self.series(),
            self.artifacts(),
        ];
        let parts: Vec<String> = parts.into_iter().filter(|part| !part.is_empty()).collect();
        plain(&parts.join("\n"))
    }

    fn head(&self) -> String {
        let RunLine { id, path, outcome, mode, file, started, finished, seconds, .. } = &self.run;
        let RunLine { resumed, resume, problems, .. } = &self.run;
        let times = match resumed.len() {
            0 | 1 => String::new(),
            times => format!(" ({times} times in all)"),
        };
        let known = [
            ("run", Some(id.clone())),
            ("folder", Some(path.clone())),
            ("mode", mode.clone()),
            ("file", file.clone()),
            ("overrides", (!self.overrides.is_empty()).then(|| self.overrides.join(" "))),
            ("started", started.map(local)),
            ("resumed", resumed.last().map(|at| local(*at) + &times)),
            ("ended", finished.map(local)),
            ("outcome", Some(self.ending(*outcome, *seconds))),
            ("to go on", resume.clone()),
        ];
        let lines = known.into_iter().filter_map(|(name, value)| Some(format!("{name:<9}  {}\n", value?)));
        let problems = problems.iter().map(|problem| format!("note: {problem}\n"));
        lines.chain(problems).collect()
    }

    fn ending(&self, outcome: Standing, seconds: Option<f64>) -> String {
        let word = outcome.as_str();
        match (outcome, seconds.map(duration)) {
            (_, None) => word.to_owned(),
            (Standing::Running, Some(took)) => format!("running since {took}"),
            (Standing::Killed, Some(took)) => {
                format!("killed: its last sign of life came after {took}")
            }
            (Standing::Done, Some(took)) => format!("done in {took}"),
            (_, Some(took)) => format!("{word} after {took}"),
        }
    }

    fn outcomes(&self) -> String {
        let row = |stage: &StageView| {
            let fingerprint = stage.fingerprint.as_deref().unwrap_or_default();
            [
                stage.name.clone(),
                stage.outcome.to_owned(),
                stage.seconds.map(duration).unwrap_or_default(),
                fingerprint.chars().take(12).collect(),
            ]
        };
        let rows: Vec<[String; 4]> = self.stages.iter().map(row).collect();
        titled(["stage", "outcome", "took", "fingerprint"], &rows, &[2])
    }

    fn failures(&self) -> String {
        let failed = self.stages.iter().filter_map(|stage| Some((stage, stage.failure.as_ref()?)));
        let line = |(stage, failure): (&StageView, &FailureRecord)| {
            let help = failure.help.as_ref().map(|help| format!("  help: {}\n", indented(help)));
            let FailureRecord { code, message, .. } = failure;
            format!("{} failed: {} [{code}]\n{}", stage.name, indented(message), help.unwrap_or_default())
        };
        failed.map(line).collect()
    }

    fn warnings(&self) -> String {
        let of_run = self.warnings.iter().map(|warning| format!("warning: {}\n", indented(warning)));
        let of_stages = self.stages.iter().flat_map(|stage| {
            stage.warnings.iter().map(|warning| format!("{}: warning: {}\n", stage.name, indented(warning)))
        });
        of_stages.chain(of_run).collect()
    }

    fn metrics(&self) -> String {
        let nodes = self.stages.iter();
        Metrics::of(nodes.map(|node| (node.name.clone(), node.after.clone(), node.metrics.clone()))).table()
    }

    fn series(&self) -> String {
        let rows = self.stages.iter().flat_map(|stage| {
            stage.series.iter().map(|(name, series)| {
                let at = |point: Option<(u64, f64)>| {
                    point.map(|(step, value)| format!("{} ({step})", number(value))).unwrap_or_default()
                };
                [
                    stage.name.clone(),
                    name.clone(),
                    series.steps().to_string(),
                    at(series.first()),
                    at(series.smallest()),
                    at(series.largest()),
                    at(series.last()),
                ]
            })
        });
        let header = ["stage", "series", "steps", "first (step)", "smallest", "largest", "last"];
        titled(header, &rows.collect::<Vec<_>>(), &[2, 3, 4, 5, 6])
    }

    fn artifacts(&self) -> String {
        let rows = self.stages.iter().flat_map(|stage| {
            stage.artifacts.iter().map(|file| [stage.name.clone(), file.path.clone(), bytes(file.bytes)])
        });
        titled(["stage", "file", "size"], &rows.collect::<Vec<_>>(), &[2])
    }
}

/// What each stage of the plan waits for, as it was last told.
fn upstream(events: &[Event]) -> BTreeMap<&str, Vec<String>> {
    let planned = events.iter().filter_map(|event| match &event.kind {
        EventKind::StagePlanned { after } => Some((event.stage.as_deref()?, after.clone())),
        _ => None,
    });
    planned.collect()
}

fn titled<const N: usize>(header: [&str; N], rows: &[[String; N]], right: &[usize]) -> String {
    if rows.is_empty() { String::new() } else { table(header, rows, right) }
}

/// Lines behind the first belong to it.
fn indented(text: &str) -> String {
    text.trim_end().replace('\n', "\n    ")
}

/// What became of a stage, in a run that stands like this.
fn outcome(state: StageState, standing: Standing) -> &'static str {
    match (state, standing) {
        (StageState::Hit, _) => "hit",
        (StageState::Run, _) => "ran",
        (StageState::Failed, _) => "failed",
        (StageState::Cancelled, _) => "cancelled",
        (StageState::Skipped, _) => "skipped",
        (StageState::Running, Standing::Running | Standing::Unknown) => "running",
        (StageState::Planned, Standing::Running | Standing::Unknown) => "waiting",
        (StageState::Running, _) => "killed",
        (StageState::Planned, _) => "not started",
    }
}
