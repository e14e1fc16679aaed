//! `events.jsonl` read back, whatever state it is in.

use super::RecordError;
use contract::{Event, EventKind};
use fs_err as fs;
use serde_json::Value;
use std::{collections::BTreeMap, io::ErrorKind, path::Path};

/// The events of a run as far as they can be understood.
#[derive(Debug, Default, PartialEq)]
pub struct History {
    /// In the order they happened.
    pub events: Vec<Event>,
    /// What could not be understood, a sentence each.
    pub problems: Vec<String>,
}

/// Whether the run in `folder` has its own files.
#[must_use]
pub fn is_whole(folder: &Path) -> bool {
    [super::RECORD, super::EVENTS, super::LOG, ".hydra/config.yaml", ".hydra/overrides.yaml"]
        .iter()
        .all(|own| folder.join(own).is_file())
}

/// Whether the run in `folder` told any metric, without taking its events apart.
///
/// # Errors
/// When its events cannot be read.
pub fn has_metrics(folder: &Path) -> Result<bool, RecordError> {
    let path = folder.join(super::EVENTS);
    let text = fs::read(&path).map_err(|error| RecordError::io("read", path, error))?;
    Ok(String::from_utf8_lossy(&text).contains(r#""event":"metric""#))
}

/// The newest event format that this program knows.
pub const EVENTS_FORMAT: u32 = 1;

/// Reads the events of the run in `folder`. A killed engine may leave half a line, a newer program events of kinds that
/// this one does not know: both are told, and the rest is read.
///
/// # Errors
/// When the file is there and cannot be read.
pub fn history(folder: &Path) -> Result<History, RecordError> {
    let path = folder.join(super::EVENTS);
    let bytes = match fs::read(&path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let problems =
                vec![format!("there is no {}: what happened in this run is not known", super::EVENTS)];
            return Ok(History { events: Vec::new(), problems });
        }
        Err(error) => return Err(RecordError::io("read", path, error)),
    };
    Ok(parse(&String::from_utf8_lossy(&bytes)))
}

fn parse(text: &str) -> History {
    let mut history = History::default();
    let mut unknown: BTreeMap<String, usize> = BTreeMap::new();
    for (number, line) in text.split_inclusive('\n').enumerate() {
        let error = match serde_json::from_str::<Event>(line) {
            Ok(event) => {
                history.events.push(event);
                continue;
            }
            Err(error) => error,
        };
        match serde_json::from_str::<Value>(line) {
            Ok(value) => {
                let kind = value.get("event").and_then(Value::as_str).unwrap_or("without a name");
                *unknown.entry(kind.to_owned()).or_default() += 1;
            }
            Err(_) if !line.ends_with('\n') => {
                history.problems.push("the last event is cut off, as a killed engine leaves it".to_owned());
            }
            Err(_) => {
                history.problems.push(format!(
                    "line {} of {} is no event: {error}",
                    number + 1,
                    super::EVENTS
                ));
            }
        }
    }
    for (kind, count) in unknown {
        let events = if count == 1 { "1 event".to_owned() } else { format!("{count} events") };
        let problem = format!("{events} of the kind `{kind}` not understood: written by another version");
        history.problems.push(problem);
    }
    history.problems.extend(newer(&history.events));
    history
}

fn newer(events: &[Event]) -> Option<String> {
    events.iter().find_map(|event| match &event.kind {
        EventKind::RunStarted { format, .. } | EventKind::RunResumed { format, .. } if *format > EVENTS_FORMAT => Some(format!(
            "the events have format {format} and this program knows {EVENTS_FORMAT}: some may mean something else"
        )),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const STARTED: &str = r#"{"seq":0,"at":"2026-11-22T14:45:00Z","event":"run_started","format":1,"run":"r","operation_mode":"training"}"#;

    #[test]
    fn half_a_line_and_kinds_of_a_newer_program_are_told_and_the_rest_is_read() {
        let newer = r#"{"seq":1,"at":"2027-01-01T00:00:00Z","event":"teleported","to":"mars"}"#;
        let note = r#"{"seq":2,"at":"2027-01-01T00:00:00Z","stage":"train","event":"note","message":"m"}"#;
        let text = format!("{STARTED}\n{newer}\n{newer}\nnot json\n{note}\n{}", &note[..40]);
        let history = parse(&text);
        assert_eq!(history.events.len(), 2);
        insta::assert_snapshot!(history.problems.join("\n"), @r"
        line 4 of events.jsonl is no event: expected ident at line 1 column 2
        the last event is cut off, as a killed engine leaves it
        2 events of the kind `teleported` not understood: written by another version
        ");
        let format = parse(&STARTED.replace("\"format\":1", "\"format\":9"));
        assert_eq!(
            format.problems,
            ["the events have format 9 and this program knows 1: some may mean something else"]
        );
        assert_eq!(parse(STARTED).problems, Vec::<String>::new(), "a whole last line needs no end");
    }

    proptest! {
        #[test]
        fn however_a_file_is_cut_off_all_whole_events_are_read(at in 0usize..=STARTED.len() * 3 + 3) {
            let text = format!("{STARTED}\n{STARTED}\n{STARTED}\n");
            let history = parse(&text[..at]);
            prop_assert_eq!(history.events.len(), (at + 1) / (STARTED.len() + 1));
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            parse(&String::from_utf8_lossy(&bytes));
        }
    }
}
