//! A file of variants: CSV with keys as headings, a YAML list, or a JSON object a line.

use super::{
    base::{Setting, cells, row},
    error::{Code, ConfigError},
    node::{Content, Kind},
    source,
    text::{Place, Text},
    written::Written,
};
use std::{path::Path, sync::Arc};

/// The variants of a file.
pub(super) fn read(path: &Path) -> Result<Vec<Vec<Setting>>, Vec<ConfigError>> {
    let reader: fn(&Arc<Text>) -> Rows = match path.extension().and_then(|end| end.to_str()) {
        Some("csv") => table,
        Some("yaml" | "yml") => list,
        Some("jsonl") => lines,
        _ => {
            let message = format!("`{}` is no file of variants", path.display());
            let help =
                "write `.csv` with keys as headings, `.yaml` with a list, or `.jsonl` with an object a line";
            return Err(vec![ConfigError::new(Code::InvalidValue, message).help(help.to_owned())]);
        }
    };
    if !path.exists() {
        let full = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        let message = format!("there is no file of variants `{}`", path.display());
        let help = format!("looked for {}", full.display());
        return Err(vec![ConfigError::new(Code::Path, message).help(help)]);
    }
    let rows = reader(&source::read(path).map_err(|error| vec![error])?)?;
    if rows.is_empty() {
        let message = format!("`{}` has no variant in it", path.display());
        return Err(vec![ConfigError::new(Code::InvalidValue, message)]);
    }
    Ok(rows)
}

type Rows = Result<Vec<Vec<Setting>>, Vec<ConfigError>>;

/// All rows, or all mistakes.
fn collect(rows: impl Iterator<Item = Result<Vec<Setting>, ConfigError>>) -> Rows {
    let (mut good, mut bad) = (Vec::new(), Vec::new());
    for row in rows {
        match row {
            Ok(row) => good.push(row),
            Err(error) => bad.push(error),
        }
    }
    if bad.is_empty() { Ok(good) } else { Err(bad) }
}

fn list(text: &Arc<Text>) -> Rows {
    let (root, mistakes) = source::parse(text, 0).map_err(|error| vec![error])?;
    if !mistakes.is_empty() {
        return Err(mistakes);
    }
    match &root.content {
        Content::List(items) => collect(items.iter().map(row)),
        Content::Scalar(scalar) if scalar.kind == Kind::Null => Ok(Vec::new()),
        _ => Err(vec![
            ConfigError::new(
                Code::InvalidValue,
                format!("a file of variants is a list, found {}", root.describe()),
            )
            .at(root.place.as_ref(), "no list")
            .help("write `- {training.epochs: 1}`, a line for each variant".to_owned()),
        ]),
    }
}

fn lines(text: &Arc<Text>) -> Rows {
    let lines = text.content.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    collect(lines.map(|(number, line)| {
        let line = Text::new(format!("{} line {}", text.name, number + 1), line);
        let (root, mistakes) = source::parse(&line, 0)?;
        mistakes.into_iter().next().map_or(Ok(()), Err)?;
        row(&root)
    }))
}

fn table(text: &Arc<Text>) -> Rows {
    let mut records = records(text).map_err(|error| vec![error])?.into_iter();
    let Some(headings) = records.next() else { return Ok(Vec::new()) };
    let places: Vec<Place> = headings
        .iter()
        .filter(|(written, _)| !written.text.is_empty())
        .map(|(_, place)| place.clone())
        .collect();
    if places.len() < headings.len() {
        let message = "a heading is empty: it is the key of its column";
        let place = headings.iter().find(|(written, _)| written.text.is_empty()).map(|(_, place)| place);
        return Err(vec![ConfigError::new(Code::InvalidValue, message).at(place, "here")]);
    }
    collect(records.map(|record| {
        if record.len() != places.len() {
            let message = format!("a row of {} below {} headings", record.len(), places.len());
            let place = record.last().map(|(_, place)| place);
            return Err(ConfigError::new(Code::InvalidValue, message)
                .at(place, "the last one")
                .help("a cell with a comma in it has double quotes".to_owned()));
        }
        let row: Vec<Written> = record.into_iter().map(|(written, _)| written).collect();
        cells(&places, &row)
    }))
}

/// The cells of a CSV text (RFC 4180), without blanks around them, with their places.
fn records(text: &Arc<Text>) -> Result<Vec<Vec<(Written, Place)>>, ConfigError> {
    let bytes = text.content.as_bytes();
    let (mut records, mut record, mut start) = (Vec::new(), Vec::new(), 0);
    while start < bytes.len() {
        let blank = bytes[start..].iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
        let from = start + blank;
        let (inner, mut end) = match bytes.get(from) {
            Some(b'"') => {
                let close = closing(bytes, from + 1).ok_or_else(|| {
                    ConfigError::new(Code::Syntax, "`\"` is never closed")
                        .at(Some(&Place::new(text, from..from + 1)), "opened here")
                })?;
                (from + 1..close, close + 1)
            }
            _ => {
                let length = bytes[from..].iter().take_while(|byte| !matches!(byte, b',' | b'\n')).count();
                (from..from + length, from + length)
            }
        };
        while bytes.get(end).is_some_and(|byte| matches!(byte, b' ' | b'\t' | b'\r')) {
            end += 1;
        }
        let place = Place::new(text, inner.clone());
        let trimmed = Written::at(place).part(0..inner.len());
        let written = trimmed.unquoted();
        record.push((written, Place::new(text, inner)));
        match bytes.get(end) {
            Some(b',') => {
                start = end + 1;
                // A comma at the end of the file has an empty cell behind it.
                if start == bytes.len() {
                    record
                        .push((Written::at(Place::new(text, start..start)), Place::new(text, start..start)));
                }
            }
            Some(b'\n') | None => {
                let is_blank = record.len() == 1 && record[0].0.text.is_empty();
                let whole = std::mem::take(&mut record);
                if !is_blank {
                    records.push(whole);
                }
                start = end + 1;
            }
            Some(_) => {
                return Err(ConfigError::new(Code::Syntax, "text behind a closing quote")
                    .at(Some(&Place::new(text, end..end + 1)), "no comma"));
            }
        }
    }
    if !record.is_empty() {
        records.push(record);
    }
    Ok(records)
}

/// Where a cell in quotes ends; a doubled quote is one in the text.
fn closing(bytes: &[u8], mut at: usize) -> Option<usize> {
    loop {
        at += bytes.get(at..)?.iter().position(|byte| *byte == b'"')?;
        if bytes.get(at + 1) != Some(&b'"') {
            return Some(at);
        }
        at += 2;
    }
}
