//! What a line means that a user's program prints on standard output.
//!
//! A program in any language reports by printing one JSON object a line:
//!
//! ```text
//! {"event": "progress", "label": "epoch 3", "done": 3, "total": 10, "note": "loss 0.51"}
//! {"event": "metric", "name": "loss", "value": 0.51, "step": 3}
//! {"event": "figure", "title": "learning curve", "path": "curve.svg"}
//! {"event": "note", "message": "it fits"}
//! {"event": "warning", "message": "2 rows were skipped"}
//! {"event": "artifact", "output": "model.h5", "path": "epoch_3/model.h5"}
//! ```
//!
//! `label`, `note` and `step` may be left out. A metric's value is a number, or null where it is not finite. Paths are below
//! `$PIPELINE_OUT`, or absolute in it. A figure is one of the program's files, shown as a picture. An artifact says where an
//! output lies that is not under its own name. Every other line is text for the log; one with a word that is nearly one of
//! these is text as well, and a warning says so.

use contract::{EventKind, Progress, suggest};
use serde::Deserialize;
use std::path::{Component, Path};

/// The words that make a line an event.
const KINDS: [&str; 6] = ["progress", "metric", "figure", "note", "warning", "artifact"];

/// How much of a line is quoted.
const QUOTED: usize = 200;

/// What a line means.
#[derive(Debug, PartialEq)]
pub(super) enum SaidLine {
    /// Something happened.
    Event(EventKind),
    /// The output of this name lies at this path below the output folder.
    Artifact {
        /// The output.
        output: String,
        /// The path.
        path: String,
    },
    /// It is meant as an event and is none; this says why.
    Malformed(String),
    /// It is text.
    Text,
}

#[derive(Deserialize)]
#[serde(tag = "event", rename_all = "snake_case", deny_unknown_fields)]
enum Printed {
    Progress {
        #[serde(default)]
        label: String,
        done: u64,
        total: u64,
        note: Option<String>,
    },
    Metric {
        name: String,
        // A metric without a value is a mistake, one that is null is a number that is not finite.
        #[serde(deserialize_with = "Deserialize::deserialize")]
        value: Option<f64>,
        step: Option<u64>,
    },
    Figure {
        title: String,
        path: String,
    },
    Note {
        message: String,
    },
    Warning {
        message: String,
    },
    Artifact {
        output: String,
        path: String,
    },
}

impl SaidLine {
    /// Reads a line of a program whose output folder is `out`.
    pub(super) fn read(line: &str, out: &Path) -> Self {
        match word(line) {
            None => return Self::Text,
            Some(word) if KINDS.contains(&word.as_str()) => {}
            Some(word) => return mistyped(&word, line),
        }
        match serde_json::from_str(line)
            .map_err(|error| error.to_string())
            .and_then(|said| meaning(said, out))
        {
            Ok(said) => said,
            Err(why) => {
                let finite = !line.contains("NaN") && !line.contains("Infinity");
                let hint = if finite { "" } else { "; a number that is not finite is written as null" };
                let line = quoted(line);
                Self::Malformed(format!("this line is meant as an event and is none ({why}{hint}): {line}"))
            }
        }
    }
}

fn meaning(printed: Printed, out: &Path) -> Result<SaidLine, String> {
    Ok(SaidLine::Event(match printed {
        Printed::Progress { label, done, total, note } => {
            EventKind::Progress(Progress { label, done, total, note })
        }
        Printed::Metric { name, value, step } => {
            EventKind::Metric { name, step, value: value.unwrap_or(f64::NAN) }
        }
        Printed::Figure { title, path } => EventKind::Figure { title, path: file(&path, out)? },
        Printed::Note { message } => EventKind::note(message),
        Printed::Warning { message } => EventKind::warning(message),
        Printed::Artifact { output, path } => {
            return Ok(SaidLine::Artifact { output, path: file(&path, out)? });
        }
    }))
}

/// The word of a line that may be an event: that of an object's `event`, or how the line begins where the rest is broken.
fn word(line: &str) -> Option<String> {
    if !line.trim_start().starts_with('{') {
        return None;
    }
    match serde_json::from_str::<serde_json::Value>(line) {
        Ok(object) => object.get("event")?.as_str().map(str::to_owned),
        Err(_) => beginning(line).map(str::to_owned),
    }
}

/// A word that is none of ours: near one it is a slip, else one of a program that logs JSON for somebody else.
fn mistyped(word: &str, line: &str) -> SaidLine {
    match suggest::nearest(word, KINDS) {
        Some(near) => SaidLine::Malformed(format!(
            "this line is no event: there is no kind `{word}`, did you mean `{near}`? {}",
            quoted(line)
        )),
        None => SaidLine::Text,
    }
}

/// The word of a line that begins as `{"event": "word"`.
fn beginning(line: &str) -> Option<&str> {
    let rest = line.trim_start().strip_prefix('{')?.trim_start().strip_prefix("\"event\"")?;
    let rest = rest.trim_start().strip_prefix(':')?.trim_start().strip_prefix('"')?;
    rest.split_once('"').map(|(word, _)| word)
}

/// The path below `out` of a file that is there.
fn file(path: &str, out: &Path) -> Result<String, String> {
    let below = Path::new(path);
    let below = below.strip_prefix(out).unwrap_or(below);
    let is_inside = below.components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir));
    if !is_inside || !out.join(below).is_file() {
        return Err(format!("there is no file `{path}` in $PIPELINE_OUT"));
    }
    let parts = below.components().filter(|part| *part != Component::CurDir);
    let parts: Option<Vec<&str>> = parts.map(|part| part.as_os_str().to_str()).collect();
    Ok(parts.unwrap_or_default().join("/"))
}

fn quoted(line: &str) -> String {
    match line.char_indices().nth(QUOTED) {
        Some((end, _)) => format!("{}...", &line[..end]),
        None => line.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> SaidLine {
        SaidLine::read(line, Path::new("/out"))
    }

    fn why(line: &str) -> String {
        match read(line) {
            SaidLine::Malformed(why) => why,
            other => panic!("{line}: {other:?}"),
        }
    }

    #[test]
    fn each_event_of_the_documentation_is_one() {
        let folder = tempfile::tempdir().expect("a folder");
        let out = folder.path();
        fs_err::create_dir(out.join("epoch_3")).expect("a folder");
        for file in ["curve.svg", "epoch_3/model.h5"] {
            fs_err::write(out.join(file), "").expect("a file");
        }
        let documented: Vec<&str> =
            include_str!("said_line.rs").lines().filter_map(|line| line.strip_prefix("//! {")).collect();
        assert_eq!(documented.len(), KINDS.len());
        for rest in documented {
            let line = format!("{{{rest}");
            let read = SaidLine::read(&line, out);
            assert!(matches!(read, SaidLine::Event(_) | SaidLine::Artifact { .. }), "{line}: {read:?}");
        }
        let absolute = format!(r#"{{"event":"figure","title":"t","path":"{}/./curve.svg"}}"#, out.display());
        let figure = EventKind::Figure { title: "t".to_owned(), path: "curve.svg".to_owned() };
        assert_eq!(SaidLine::read(&absolute, out), SaidLine::Event(figure));
    }

    #[test]
    fn other_lines_are_text_even_when_they_are_json() {
        for line in [
            "",
            "epoch 3",
            "{",
            "[1, 2]",
            r#"{"level": "info", "event": "user logged in"}"#,
            r#"{"event": 3}"#,
            r#"{"event": {"event": "note", "message": "m"}}"#,
            r#"{"event": "run_finished", "outcome": "done", "seconds": 1}"#,
            r#"{"event": "stage_failed", "code": "c", "message": "m"}"#,
            r#"{"event": "artifact_published", "path": "x", "digest": "00", "bytes": 1}"#,
        ] {
            assert_eq!(read(line), SaidLine::Text, "{line}");
        }
    }

    #[test]
    fn a_malformed_event_is_told_with_its_mistake_and_quoted() {
        let line = r#"{"event": "metric", "name": "loss"}"#;
        let expected = format!("this line is meant as an event and is none (missing field `value`): {line}");
        assert_eq!(why(line), expected);
        assert!(
            why(r#"{"event": "metric", "name": "loss", "value": 1, "epoch": 3}"#)
                .contains("unknown field `epoch`")
        );
        assert!(why(r#"{ "event" :"note", "message": "cut o"#).contains("EOF while parsing a string"));
        assert!(
            why(r#"{"event": "progress", "label": "x", "done": -1, "total": 2}"#).contains("invalid value")
        );
        assert!(why(r#"{"event": "metric", "name": "loss", "value": NaN}"#).contains("is written as null"));
        assert!(why(r#"{"event": "metric", "name": "loss", "value": 1e999}"#).contains("out of range"));
        for path in ["../x", "/etc/passwd", "not_there.svg", ""] {
            let line = format!(r#"{{"event": "figure", "title": "t", "path": "{path}"}}"#);
            assert!(why(&line).contains("there is no file"), "{path}");
        }
        assert!(why(&format!(r#"{{"event": "note", "{}"#, "ä".repeat(1000))).ends_with("ä..."));
    }

    #[test]
    fn a_word_that_is_nearly_one_is_told_with_the_one_it_is_near() {
        let line = r#"{"event": "metrc", "name": "loss", "value": 0.5}"#;
        let told = "this line is no event: there is no kind `metrc`, did you mean `metric`? ";
        assert_eq!(why(line), format!("{told}{line}"));
        assert!(why(r#"{"event": "Warnings", "message": "m"}"#).contains("did you mean `warning`?"));
        assert!(why(r#"{"event": "artefact", "output"#).contains("did you mean `artifact`?"));
    }

    #[test]
    fn a_metric_that_is_not_finite_is_null() {
        let SaidLine::Event(EventKind::Metric { value, step, .. }) =
            read(r#"{"event": "metric", "name": "loss", "value": null}"#)
        else {
            panic!("a metric")
        };
        assert!(value.is_nan() && step.is_none());
    }

    proptest::proptest! {
        #[test]
        fn no_line_is_too_strange(line in r#"(\{"event": ?"(metric|figure|note)")?.{0,60}"#) {
            read(&line);
        }
    }
}
