//! The runs that are there, one a line.

use super::{cells::plain, duration, metrics::number, table};
use crate::record::{
    FoundRun, Life, Outcome, RecordError, StageState, Standing, Summary, SweepRecord, history, life,
    resume_command,
};
use jiff::{Timestamp, tz::TimeZone};
use serde::Serialize;
use std::path::Path;

/// The version of the JSON object.
const FORMAT: u32 = 1;

/// Metrics of a run that are shown in its line, at most.
const HEADLINES: usize = 3;

/// A run in a list.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RunLine {
    /// Name of its folder.
    pub id: String,
    /// The folder.
    pub path: String,
    /// How it stands.
    pub outcome: Standing,
    /// The mode word.
    pub mode: Option<String>,
    /// The configuration file, as it was named.
    pub file: Option<String>,
    /// When it started, RFC 3339, UTC.
    pub started: Option<Timestamp>,
    /// When it was resumed, each time.
    pub resumed: Vec<Timestamp>,
    /// When it ended.
    pub finished: Option<Timestamp>,
    /// Seconds from its start to its end, to now if it runs, to its last sign of life if it was killed; without the time
    /// between an end and its being resumed.
    pub seconds: Option<f64>,
    /// The numbers it is known by.
    pub metrics: Vec<Headline>,
    /// The stages without a result.
    pub unfinished: Vec<Unfinished>,
    /// How its variants ended, where it is a sweep.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub variants: Option<Variants>,
    /// The command that goes on with it, where it is over and not done.
    pub resume: Option<String>,
    /// What could not be read of it.
    pub problems: Vec<String>,
}

/// A number that a run is known by.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Headline {
    stage: String,
    name: String,
    value: f64,
}

/// A stage without a result.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Unfinished {
    stage: String,
    state: StageState,
}

/// How the variants of a sweep ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Variants {
    /// All of them.
    pub all: usize,
    /// Those with all results.
    pub done: usize,
    /// Those of which a stage failed.
    pub failed: usize,
}

impl RunLine {
    /// The line of the sweep in `folder`.
    #[must_use]
    pub fn of_sweep(folder: &Path, sweep: &SweepRecord, now: Timestamp) -> Self {
        let standing = match (sweep.outcome, life(folder)) {
            (Outcome::Done, _) => Standing::Done,
            (Outcome::Failed, _) => Standing::Failed,
            (Outcome::Cancelled, _) => Standing::Cancelled,
            (Outcome::Running, Life::Alive) => Standing::Running,
            (Outcome::Running, Life::Gone) => Standing::Killed,
            (Outcome::Running, Life::Unknown) => Standing::Unknown,
        };
        let started: Option<Timestamp> = sweep.started.parse().ok();
        let finished: Option<Timestamp> = sweep.finished.as_ref().and_then(|at| at.parse().ok());
        let end = if standing == Standing::Running { Some(now) } else { finished };
        let variants = Variants {
            all: sweep.variants.len(),
            done: sweep.count(Outcome::Done),
            failed: sweep.count(Outcome::Failed),
        };
        Self {
            id: sweep.id.clone(),
            path: folder.display().to_string(),
            outcome: standing,
            mode: Some(sweep.operation_mode.clone()),
            file: Some(sweep.file.clone()),
            started,
            resumed: Vec::new(),
            finished,
            seconds: started.zip(end).map(|(start, end)| end.duration_since(start).as_secs_f64()),
            metrics: Vec::new(),
            unfinished: Vec::new(),
            variants: Some(variants),
            resume: standing.is_unfinished().then(|| resume_command(folder)),
            problems: Vec::new(),
        }
    }

    /// The line of the sweep in `folder` whose record cannot be read.
    #[must_use]
    pub fn of_lost_sweep(folder: &Path, error: &RecordError) -> Self {
        let name = |folder: &Path| folder.file_name().map(|name| name.to_string_lossy().into_owned());
        Self {
            id: name(folder).unwrap_or_default(),
            path: folder.display().to_string(),
            outcome: Standing::Unknown,
            mode: None,
            file: None,
            started: None,
            resumed: Vec::new(),
            finished: None,
            seconds: None,
            metrics: Vec::new(),
            unfinished: Vec::new(),
            variants: None,
            resume: None,
            problems: vec![format!("{}; its variants are listed as runs", whole(error))],
        }
    }

    /// Looks into a run.
    #[must_use]
    pub fn of(run: &FoundRun, now: Timestamp) -> Self {
        let mut problems = Vec::new();
        let summary = match history(&run.path) {
            Ok(history) => {
                problems.extend(history.problems);
                Summary::of(&history.events)
            }
            Err(error) => {
                problems.push(error.to_string());
                Summary::default()
            }
        };
        let record = run.record.as_ref().inspect_err(|problem| problems.insert(0, (*problem).clone())).ok();
        let finished: Option<Timestamp> =
            record.and_then(|record| record.finished.as_ref()).and_then(|at| at.parse().ok());
        let end = match run.standing {
            Standing::Running => Some(now),
            _ => finished.or(summary.last_sign),
        };
        let resumed = record.map(|record| record.resumed.as_slice()).unwrap_or_default().iter();
        let unfinished = record.map(|record| record.stages.as_slice()).unwrap_or_default().iter();
        Self {
            id: run.id.clone(),
            path: run.path.display().to_string(),
            outcome: run.standing,
            mode: record.map(|record| record.operation_mode.clone()),
            file: record.map(|record| record.file.clone()),
            started: run.started,
            resumed: resumed.filter_map(|at| at.parse().ok()).collect(),
            finished,
            seconds: run
                .started
                .zip(end)
                .map(|(start, end)| end.duration_since(start).saturating_sub(summary.rested).as_secs_f64()),
            metrics: headlines(&summary),
            unfinished: unfinished
                .filter(|stage| !matches!(stage.state, StageState::Hit | StageState::Run))
                .map(|stage| Unfinished { stage: stage.name.clone(), state: stage.state })
                .collect(),
            variants: None,
            resume: run.standing.is_unfinished().then(|| resume_command(&run.path)),
            problems,
        }
    }

    fn cells(&self) -> [String; 6] {
        let metrics = self.metrics.iter().map(|known| format!("{} {}", known.name, number(known.value)));
        let unfinished = self.unfinished.iter().map(|known| known.stage.as_str());
        [
            self.id.clone(),
            self.started.map(local).unwrap_or_default(),
            self.mode.clone().unwrap_or_default(),
            self.outcome.as_str().to_owned(),
            self.seconds.map(duration).unwrap_or_default(),
            match (self.variants, self.unfinished.is_empty()) {
                (Some(Variants { all, done, failed: 0 }), _) => format!("{done} of {all} variants done"),
                (Some(Variants { all, done, failed }), _) => {
                    format!("{done} of {all} variants done, {failed} failed")
                }
                (None, true) => metrics.collect::<Vec<_>>().join(", "),
                (None, false) => format!("not done: {}", unfinished.collect::<Vec<_>>().join(", ")),
            },
        ]
        .map(|cell| plain(&cell))
    }
}

/// An error with all its causes, in one line.
fn whole(error: &RecordError) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(next) = cause {
        text.push_str(&format!(": {next}"));
        cause = next.source();
    }
    text
}

/// What a segmentation network is known by is its mIoU; a run without one by what its last stage measured.
fn headlines(summary: &Summary) -> Vec<Headline> {
    let all = || {
        summary.stages.iter().flat_map(|(stage, told)| {
            let metrics = told.metrics.iter();
            metrics.map(|(name, value)| Headline { stage: stage.clone(), name: name.clone(), value: *value })
        })
    };
    let mut chosen: Vec<Headline> = all().filter(|known| known.name.contains("miou")).collect();
    if chosen.is_empty() {
        let last = all().last().map(|known| known.stage);
        chosen = all().filter(|known| Some(&known.stage) == last.as_ref()).collect();
    }
    chosen.truncate(HEADLINES);
    chosen
}

/// A point in time for people, by the clock on their wall.
#[must_use]
pub fn local(at: Timestamp) -> String {
    at.to_zoned(TimeZone::system()).strftime("%Y-%m-%d %H:%M:%S").to_string()
}

/// The runs as a table.
#[must_use]
pub fn run_list(runs: &[RunLine]) -> String {
    let rows: Vec<[String; 6]> = runs.iter().map(RunLine::cells).collect();
    table(["run", "started", "mode", "outcome", "took", "result"], &rows, &[4])
}

/// The runs as JSON: `{"format": 1, "folder": .., "runs": [..]}`, the runs as in [`RunLine`], newest first.
#[must_use]
pub fn run_list_json(folder: &Path, runs: &[RunLine]) -> String {
    #[derive(Serialize)]
    struct List<'a> {
        format: u32,
        folder: String,
        runs: &'a [RunLine],
    }
    let list = List { format: FORMAT, folder: folder.display().to_string(), runs };
    // Its maps have strings as keys, so it can be written.
    serde_json::to_string_pretty(&list).unwrap_or_default() + "\n"
}
