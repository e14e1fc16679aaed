//! Every mistake that can be told is in a snapshot, so that somebody has read it as a user does.

use crate::config::Code;
use std::path::{Path, PathBuf};

fn folder(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src/config").join(path)
}

fn texts(folder: &Path, end: &str) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    for entry in fs_err::read_dir(folder).expect("a folder").flatten() {
        let path = entry.path();
        if path.is_dir() && !path.ends_with("tests") {
            found.extend(texts(&path, end));
        } else if path.to_string_lossy().ends_with(end) {
            let text = fs_err::read_to_string(&path).expect("a file");
            found.push((path, text));
        }
    }
    found
}

/// The snapshots as running text: what a terminal's width broke is whole again.
fn snapshots() -> Vec<String> {
    let files = texts(&folder("tests/snapshots"), ".snap");
    files.iter().map(|(_, text)| squeezed(&text.replace('│', " ").replace("\\\"", "\""))).collect()
}

fn squeezed(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn every_code_is_in_a_snapshot() {
    let snapshots = snapshots();
    for code in Code::ALL {
        assert!(snapshots.iter().any(|text| text.contains(code.as_str())), "{}", code.as_str());
    }
}

/// Messages that no snapshot can hold, each with its reason.
const EXEMPT: &[&str] = &[
    // The system's own words.
    "cannot be read: ",
    // What serde says of its own accord: no type of the configuration makes it.
    "`{}`: {}, found {}",
    // Cannot happen with the defaults that there are.
    "a default cannot be resolved",
];

/// The texts of messages are found in the source: the first literal in a call that makes an error, or in the `let message`
/// before it.
#[test]
fn every_message_is_in_a_snapshot() {
    let snapshots = snapshots();
    let mut missing = Vec::new();
    let mut count = 0;
    for (file, source) in texts(&folder(""), ".rs") {
        for template in messages(&source) {
            count += 1;
            let pieces: Vec<String> = pieces(&template);
            let is_exempt = EXEMPT.iter().any(|exempt| template.contains(exempt));
            if !is_exempt && !snapshots.iter().any(|text| holds(text, &pieces)) {
                missing.push(format!("{}: {template}", file.display()));
            }
        }
    }
    assert!(count > 50, "{count}");
    assert!(missing.is_empty(), "no snapshot has\n{}", missing.join("\n"));
}

/// The templates of all messages in a source file.
fn messages(source: &str) -> Vec<String> {
    let mut found = Vec::new();
    for maker in
        ["ConfigError::new(", "at.error(", "error(message", "let message = ", "let message =\n", "must_be("]
    {
        for (at, _) in source.match_indices(maker) {
            let after = &source[at + maker.len()..];
            let end =
                after.find(';').unwrap_or(after.len()).min(after.find("\n    }\n").unwrap_or(after.len()));
            let is_let = maker.starts_with("let");
            let mut literals = literals(&after[..end.min(600)]).into_iter().filter(|text| text.contains(' '));
            if is_let {
                found.extend(literals);
            } else if maker == "ConfigError::new(" || maker == "at.error(" {
                // A message that is a variable was found at its `let`.
                let argument = after.split_once(',').map_or("", |(_, rest)| rest.trim_start());
                if argument.starts_with(['"', 'f']) {
                    found.extend(literals.next());
                }
            }
        }
    }
    found
}

/// The string literals of a piece of source.
fn literals(source: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut rest = source;
    while let Some(start) = rest.find('"') {
        let mut text = String::new();
        let mut characters = rest[start + 1..].char_indices();
        let mut end = rest.len();
        while let Some((at, c)) = characters.next() {
            match c {
                '"' => {
                    end = start + 1 + at + 1;
                    break;
                }
                '\\' => match characters.next() {
                    Some((_, '\n')) => text.push(' '),
                    Some((_, c)) => text.push(c),
                    None => {}
                },
                c => text.push(c),
            }
        }
        found.push(squeezed(&text));
        rest = rest.get(end..).unwrap_or("");
    }
    found
}

/// What stands between the places of values.
fn pieces(template: &str) -> Vec<String> {
    let mut pieces = vec![String::new()];
    let mut depth = 0;
    for c in template.replace("{{", "\u{1}").replace("}}", "\u{2}").chars() {
        match c {
            '{' => depth += 1,
            '}' => {
                depth -= 1;
                pieces.push(String::new());
            }
            c if depth == 0 => {
                let c = match c {
                    '\u{1}' => '{',
                    '\u{2}' => '}',
                    c => c,
                };
                pieces.last_mut().expect("a piece").push(c);
            }
            _ => {}
        }
    }
    pieces.iter().map(|piece| piece.trim().to_owned()).filter(|piece| !piece.is_empty()).collect()
}

/// Whether a text has all pieces in their order.
fn holds(text: &str, pieces: &[String]) -> bool {
    let mut rest = text;
    pieces.iter().all(|piece| match rest.find(piece.as_str()) {
        Some(at) => {
            rest = &rest[at + piece.len()..];
            true
        }
        None => false,
    })
}
