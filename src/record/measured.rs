//! The numbers of a run, read quickly.

use super::{RecordError, Summary};
use contract::Event;
use fs_err as fs;
use serde::Deserialize;
use std::{borrow::Cow, io::ErrorKind, path::Path};

/// What the stages of the run in `folder` measured and how they failed. Lines of other kinds and lines that cannot be
/// understood are passed over, so that a thousand long runs are read in a second; [`super::history`] tells of them.
///
/// # Errors
/// When `events.jsonl` is there and cannot be read.
pub fn measured(folder: &Path) -> Result<Summary, RecordError> {
    let path = folder.join(super::EVENTS);
    match fs::read(&path) {
        Ok(bytes) => Ok(parse(&String::from_utf8_lossy(&bytes))),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(Summary::default()),
        Err(error) => Err(RecordError::io("read", path, error)),
    }
}

/// A metric's line, without what a comparison has no use for.
#[derive(Deserialize)]
struct Metric<'a> {
    #[serde(borrow)]
    stage: Cow<'a, str>,
    #[serde(borrow)]
    name: Cow<'a, str>,
    #[serde(default)]
    step: Option<u64>,
    /// Not finite is written as null.
    value: Option<f64>,
}

fn parse(text: &str) -> Summary {
    let mut summary = Summary::default();
    for line in text.lines() {
        match kind(line) {
            Some("metric") => {
                if let Ok(Metric { stage, name, step, value }) = serde_json::from_str(line) {
                    summary.measure(&stage, &name, step, value.unwrap_or(f64::NAN));
                }
            }
            Some("run_resumed" | "stage_started" | "cache_hit" | "stage_failed") => {
                if let Ok(event) = serde_json::from_str::<Event>(line) {
                    summary.hear(&event);
                }
            }
            _ => {}
        }
    }
    summary
}

/// The kind of a line's event. Quotes in texts are escaped, so the key can be nothing else.
fn kind(line: &str) -> Option<&str> {
    const KEY: &str = "\"event\":\"";
    let rest = &line[line.find(KEY)? + KEY.len()..];
    rest.split('"').next()
}

#[cfg(test)]
mod tests {
    use super::*;
    use contract::EventKind;

    fn line(stage: &str, kind: EventKind) -> String {
        let at = "2026-11-22T14:45:00Z".to_owned();
        let event = Event { seq: 1, at, stage: Some(stage.to_owned()), attempt: 1, cached: false, kind };
        serde_json::to_string(&event).unwrap() + "\n"
    }

    fn metric(name: &str, step: Option<u64>, value: f64) -> String {
        line("tr\"ain", EventKind::Metric { name: name.to_owned(), step, value })
    }

    fn started() -> String {
        line("tr\"ain", EventKind::StageStarted { fingerprint: "f".to_owned() })
    }

    #[test]
    fn the_numbers_are_those_of_the_whole_history_whatever_else_the_file_holds() {
        let note = EventKind::note(r#"{"event":"metric","name":"x","value":1}"#);
        let failed =
            EventKind::StageFailed { code: "a::b".to_owned(), message: "it broke".to_owned(), help: None };
        let text: String = [
            &*started(),
            &*metric("loss", Some(0), 9.0),
            &*metric("old", None, 9.0),
            &*started(),
            &*metric("loss", Some(0), 2.5),
            &*metric("loss", Some(1), f64::NAN),
            &*metric("a \"b\"\n", None, 1e-300),
            &*line("tr\"ain", note),
            &*line("evaluate", failed),
            "not json\n",
            &metric("cut", None, 1.0)[..40],
        ]
        .concat();
        let summary = parse(&text);
        let train = &summary.stages["tr\"ain"];
        assert_eq!(
            train.metrics.iter().map(|(name, value)| (name.as_str(), *value)).collect::<Vec<_>>(),
            [("a \"b\"\n", 1e-300)]
        );
        assert_eq!((train.series["loss"].first(), train.series["loss"].steps()), (Some((0, 2.5)), 2));
        assert_eq!(summary.stages["evaluate"].failure.as_ref().unwrap().message, "it broke");
    }
}
