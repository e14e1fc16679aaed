//! What the events of a run come to.

use contract::{Event, EventKind};
use indexmap::IndexMap;
use jiff::{SignedDuration, Timestamp};
use serde::{Serialize, Serializer, ser::SerializeMap};
use std::collections::BTreeMap;

/// A run by its stages.
#[derive(Debug, Default, PartialEq)]
pub struct Summary {
    /// The stages in the order of the plan.
    pub stages: IndexMap<String, StageSummary>,
    /// Warnings that are about no stage.
    pub warnings: Vec<String>,
    /// When the last event happened.
    pub last_sign: Option<Timestamp>,
    /// How long nobody worked on it, from an end, or a last sign of life, until it was resumed.
    pub rested: SignedDuration,
}

/// What a stage told.
#[derive(Debug, Default, PartialEq)]
pub struct StageSummary {
    /// The last value of each number that is no series.
    pub metrics: IndexMap<String, f64>,
    /// The series.
    pub series: IndexMap<String, Series>,
    /// What the user should know of.
    pub warnings: Vec<String>,
    /// Why it has no result.
    pub failure: Option<FailureRecord>,
}

/// How a stage failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FailureRecord {
    /// Stable code.
    pub code: String,
    /// What happened.
    pub message: String,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub help: Option<String>,
}

/// Values by step.
#[derive(Debug, Default, Clone, PartialEq)]
pub struct Series(BTreeMap<u64, f64>);

/// A value of a series, and its step.
type Point = (u64, f64);

impl Series {
    /// How many steps have a value.
    #[must_use]
    pub fn steps(&self) -> usize {
        self.0.len()
    }

    /// The first value.
    #[must_use]
    pub fn first(&self) -> Option<Point> {
        self.points().next()
    }

    /// The last value.
    #[must_use]
    pub fn last(&self) -> Option<Point> {
        self.points().next_back()
    }

    /// The smallest value, at its first step.
    #[must_use]
    pub fn smallest(&self) -> Option<Point> {
        self.points().filter(|point| !point.1.is_nan()).min_by(|a, b| a.1.total_cmp(&b.1))
    }

    /// The largest value, at its first step.
    #[must_use]
    pub fn largest(&self) -> Option<Point> {
        // Of equal ones `max_by` would take the last.
        self.points().filter(|point| !point.1.is_nan()).rev().max_by(|a, b| a.1.total_cmp(&b.1))
    }

    fn points(&self) -> impl DoubleEndedIterator<Item = Point> {
        self.0.iter().map(|(step, value)| (*step, *value))
    }
}

impl Serialize for Series {
    /// `{"steps": 20, "first": {"step": 0, "value": 0.9}, "smallest": .., "largest": .., "last": ..}`.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct At {
            step: u64,
            value: f64,
        }
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("steps", &self.steps())?;
        for (name, point) in [
            ("first", self.first()),
            ("smallest", self.smallest()),
            ("largest", self.largest()),
            ("last", self.last()),
        ] {
            map.serialize_entry(name, &point.map(|(step, value)| At { step, value }))?;
        }
        map.end()
    }
}

impl Summary {
    /// Adds up the events of a run.
    #[must_use]
    pub fn of(events: &[Event]) -> Self {
        let mut summary = Self::default();
        for event in events {
            summary.hear(event);
        }
        summary
    }

    pub(super) fn hear(&mut self, event: &Event) {
        let before = self.last_sign;
        self.last_sign = event.at.parse().ok().or(before);
        match (&event.stage, &event.kind) {
            (None, EventKind::RunResumed { .. }) => {
                let rest = before.zip(self.last_sign).map(|(before, now)| now.duration_since(before));
                self.rested = self.rested.saturating_add(rest.unwrap_or_default());
                // All that still holds is told again from here on.
                self.warnings.clear();
                self.stages.values_mut().for_each(StageSummary::resume);
            }
            (Some(stage), _) => self.stages.entry(stage.clone()).or_default().hear(event),
            (None, EventKind::Warning { message, .. }) => self.warnings.push(message.clone()),
            (None, _) => {}
        }
    }

    /// Adds a number that a stage measured.
    pub(super) fn measure(&mut self, stage: &str, name: &str, step: Option<u64>, value: f64) {
        match self.stages.get_mut(stage) {
            Some(told) => told.measure(name, step, value),
            None => self.stages.entry(stage.to_owned()).or_default().measure(name, step, value),
        }
    }
}

impl StageSummary {
    /// The run is resumed, and all stages of it start over.
    fn resume(&mut self) {
        let failure = self.failure.take().filter(|failure| failure.code != "cancelled");
        *self = Self::default();
        self.warnings.extend(failure.map(|FailureRecord { code, message, .. }| {
            format!("before the run was resumed it failed: {message} [{code}]")
        }));
    }

    fn hear(&mut self, event: &Event) {
        match &event.kind {
            // Told again from here on.
            EventKind::StageStarted { .. } | EventKind::CacheHit { .. } => {
                self.metrics.clear();
                self.series.clear();
                if let Some(FailureRecord { code, message, .. }) = self.failure.take() {
                    self.warnings.push(format!("an attempt before the last failed: {message} [{code}]"));
                }
            }
            EventKind::Metric { name, step, value } => self.measure(name, *step, *value),
            EventKind::Warning { message, .. } if !self.warnings.contains(message) => {
                self.warnings.push(message.clone());
            }
            EventKind::StageFailed { code, message, help } => {
                let (code, message, help) = (code.clone(), message.clone(), help.clone());
                self.failure = Some(FailureRecord { code, message, help });
            }
            _ => {}
        }
    }

    fn measure(&mut self, name: &str, step: Option<u64>, value: f64) {
        match step {
            None => drop(self.metrics.insert(name.to_owned(), value)),
            Some(step) => match self.series.get_mut(name) {
                Some(series) => drop(series.0.insert(step, value)),
                None => drop(self.series.entry(name.to_owned()).or_default().0.insert(step, value)),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(kind: EventKind) -> Event {
        let at = "2026-11-22T14:45:00Z".to_owned();
        Event { seq: 0, at, stage: Some("train".to_owned()), attempt: 1, cached: false, kind }
    }

    fn metric(step: Option<u64>, value: f64) -> Event {
        event(EventKind::Metric { name: "loss".to_owned(), step, value })
    }

    fn started() -> Event {
        event(EventKind::StageStarted { fingerprint: "f".to_owned() })
    }

    #[test]
    fn a_series_knows_its_first_smallest_largest_and_last_value() -> serde_json::Result<()> {
        let values = [(0, 3.0), (1, 1.0), (2, f64::NAN), (3, 1.0), (4, 3.0)];
        let events: Vec<Event> = values.map(|(step, value)| metric(Some(step), value)).into();
        let series = &Summary::of(&events).stages["train"].series["loss"];
        assert_eq!(series.steps(), 5);
        assert_eq!((series.first(), series.last()), (Some((0, 3.0)), Some((4, 3.0))));
        assert_eq!((series.smallest(), series.largest()), (Some((1, 1.0)), Some((0, 3.0))));
        let json = r#"{"steps":5,"first":{"step":0,"value":3.0},"smallest":{"step":1,"value":1.0},"largest":{"step":0,"value":3.0},"last":{"step":4,"value":3.0}}"#;
        assert_eq!(serde_json::to_string(series)?, json);
        Ok(())
    }

    #[test]
    fn a_resumed_run_is_what_it_is_since_then_and_its_rest_is_no_work() {
        let of_run = |at: &str, kind| Event { stage: None, at: at.to_owned(), ..event(kind) };
        let failed = event(EventKind::StageFailed {
            code: "a::b".to_owned(),
            message: "it broke".to_owned(),
            help: None,
        });
        let resumed = EventKind::RunResumed {
            format: 1,
            run: "r".to_owned(),
            operation_mode: "training".to_owned(),
            after: "failed".to_owned(),
        };
        let warning = EventKind::transient_warning("not run: evaluate");
        let events = [
            started(),
            metric(None, 9.0),
            failed,
            of_run("2026-11-22T14:45:10Z", warning),
            of_run("2026-11-22T15:45:10Z", resumed),
            event(EventKind::StagePlanned { after: Vec::new() }),
        ];
        let summary = Summary::of(&events);
        let stage = &summary.stages["train"];
        assert_eq!((stage.metrics.len(), &stage.failure, summary.warnings.len()), (0, &None, 0));
        assert_eq!(stage.warnings, ["before the run was resumed it failed: it broke [a::b]"]);
        assert_eq!(summary.rested, SignedDuration::from_hours(1));
    }

    #[test]
    fn a_new_attempt_tells_its_numbers_again_and_the_old_failure_becomes_a_warning() {
        let failed = event(EventKind::StageFailed {
            code: "a::b".to_owned(),
            message: "it broke".to_owned(),
            help: None,
        });
        let events =
            [started(), metric(Some(0), 9.0), metric(None, 9.0), failed, started(), metric(None, 1.0)];
        let stage = &Summary::of(&events).stages["train"];
        assert_eq!((stage.metrics.get("loss"), stage.series.len()), (Some(&1.0), 0));
        assert_eq!(stage.warnings, ["an attempt before the last failed: it broke [a::b]"]);
        assert_eq!(stage.failure, None);
    }
}
