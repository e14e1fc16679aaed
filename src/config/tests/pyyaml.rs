//! Scalars mean what they mean to PyYAML followed by a pass over its strings, as in the original, or are refused.

use crate::config::{node::Node, read, source, text::Text};

/// Why a value differs, and whether one that was seen is such a one.
type Difference = (&'static str, fn(&Seen<'_>) -> bool);

/// Where a value is another one than in the original, or refused: why, and for which.
const DIFFERENCES: &[Difference] = &[
    (
        "for the original every text but an empty one is true, `nO` and 'off' too; here it is what it says",
        |seen| {
            let truth = match seen.word().as_deref() {
                Some("yes" | "on" | "true") => true,
                Some("no" | "off" | "false") => false,
                _ => return false,
            };
            seen.what == "a truth value" && seen.ours == Value::Bool(truth)
        },
    ),
    (
        "nothing, none and null are an absent key, in any letter case and in quotes: no name is meant",
        |seen| {
            let is_none = seen.word().is_some_and(|word| matches!(word.as_str(), "" | "none" | "null"));
            is_none && seen.ours == Value::Nothing
        },
    ),
    ("010 is eight to PyYAML and ten to people, and an error to Python", |seen| {
        seen.refused_of(&["010", "-010", "+010", "007", "0_10", "01_0"])
    }),
    ("1:30 is ninety to PyYAML, a sexagesimal number that nobody means", |seen| {
        seen.refused_of(&[
            "190:20:30",
            "190:20:30.15",
            "1:30",
            "-1:30",
            "1:30.5",
            "1:2:3:4",
            "12:30:45",
            "24:00",
        ])
    }),
    ("underscores stand between digits, as in Python", |seen| {
        seen.refused_of(&["1__000", "1_", "5._", "5_.0"])
    }),
    ("PyYAML refuses text that only looks like a date or a key of its own", |seen| {
        let text = Value::Text(seen.scalar.to_owned());
        seen.what == "text" && ["2026-13-45", "="].contains(&seen.scalar) && seen.ours == text
    }),
    ("no number of a configuration has more than 64 bits", |seen| {
        seen.refused_of(&["18446744073709551616"])
            || seen.what == "text" && seen.scalar == "18446744073709551616"
    }),
];

/// What a scalar is where a type is wanted.
struct Seen<'a> {
    scalar: &'a str,
    what: &'static str,
    /// For PyYAML, before the pass over strings.
    first: &'a Value,
    ours: Value,
}

impl Seen<'_> {
    /// The text of what PyYAML takes for text, in small letters.
    fn word(&self) -> Option<String> {
        match self.first {
            Value::Text(text) => Some(text.trim().to_ascii_lowercase()),
            _ => None,
        }
    }

    fn refused_of(&self, scalars: &[&str]) -> bool {
        self.what != "text" && self.ours == Value::Refused && scalars.contains(&self.scalar)
    }
}

/// A value without parts, or that there is none.
#[derive(Debug, Clone, PartialEq)]
enum Value {
    Nothing,
    Bool(bool),
    Int(i128),
    Float(f64),
    Text(String),
    /// Something else, such as a date.
    Other,
    Refused,
}

impl Value {
    fn from_golden(text: &str) -> Self {
        match text.split_once(' ').unwrap_or((text, "")) {
            ("null", _) => Self::Nothing,
            ("bool", value) => Self::Bool(value.parse().expect("a truth value")),
            ("int", value) => Self::Int(value.parse().expect("a whole number")),
            ("float", value) => Self::Float(value.parse().expect("a number")),
            ("str", value) => Self::Text(serde_json::from_str(value).expect("JSON")),
            ("other", _) => Self::Other,
            ("error", _) => Self::Refused,
            _ => panic!("{text}"),
        }
    }
}

/// The types that may be wanted.
const TYPES: [&str; 4] = ["a truth value", "a whole number", "a number", "text"];

fn refused() -> [Value; 4] {
    std::array::from_fn(|_| Value::Refused)
}

/// The values that a scalar has where each of the types is wanted.
fn read_as(node: &Node) -> [Value; 4] {
    fn value<'de, T: serde::Deserialize<'de>>(node: &Node, make: impl Fn(T) -> Value) -> Value {
        match read::value::<Option<T>>(node) {
            Ok(Some(value)) => make(value),
            Ok(None) => Value::Nothing,
            Err(_) => Value::Refused,
        }
    }
    [
        value(node, Value::Bool),
        value(node, |number: i64| Value::Int(number.into())),
        value(node, Value::Float),
        value(node, Value::Text),
    ]
}

/// What it should be where a type is wanted, by what Python makes of it before and after the pass over strings.
fn wanted(what: &str, first: &Value, second: &Value, written: &str) -> Value {
    match (what, second) {
        (_, Value::Nothing) => Value::Nothing,
        ("a truth value", Value::Bool(_)) => second.clone(),
        ("a whole number", Value::Int(number)) if i64::try_from(*number).is_ok() => second.clone(),
        // What is whole is a whole number however it is written.
        ("a whole number", Value::Float(number)) if number.fract() == 0.0 && number.abs() < 9e15 => {
            Value::Int(*number as i128)
        }
        ("a number", Value::Int(number)) => Value::Float(*number as f64),
        ("a number", Value::Float(number)) if number.is_finite() => second.clone(),
        // Text stays as it is written, where it would be a number in the original and `1.10` would lose its zero.
        ("text", _) if *first == Value::Refused => Value::Refused,
        ("text", _) => match first {
            Value::Text(_) => first.clone(),
            _ => Value::Text(written.to_owned()),
        },
        _ => Value::Refused,
    }
}

#[test]
fn scalars_mean_what_they_mean_in_python() {
    let golden = include_str!("golden/pyyaml.tsv");
    let mut told = Vec::new();
    let (mut equal, mut used) = (0, vec![0; DIFFERENCES.len()]);
    for line in golden.lines().skip(1) {
        let fields: Vec<&str> = line.split('\t').collect();
        let [scalar, first, second] = fields[..] else { panic!("{line}") };
        let scalar: String = serde_json::from_str(scalar).expect("JSON");
        let (first, second) = (Value::from_golden(first), Value::from_golden(second));
        let text = Text::new("scalar.yaml", format!("k: {scalar}\n"));
        let read = source::parse(&text, 0).ok().filter(|(_, mistakes)| mistakes.is_empty());
        let node = read.as_ref().and_then(|(root, _)| Some(&root.entry("k")?.value));
        let written = scalar.split(" #").next().unwrap_or_default();
        for (what, ours) in TYPES.into_iter().zip(node.map_or_else(refused, read_as)) {
            let python = wanted(what, &first, &second, written);
            if ours == python {
                equal += 1;
                continue;
            }
            let seen = Seen { scalar: &scalar, what, first: &first, ours };
            match DIFFERENCES.iter().position(|(_, is_known)| is_known(&seen)) {
                Some(index) => used[index] += 1,
                None => told.push(format!("{scalar:?} as {what}: {:?}, Python {python:?}", seen.ours)),
            }
        }
    }
    assert!(told.is_empty(), "{}", told.join("\n"));
    for ((reason, _), count) in DIFFERENCES.iter().zip(&used) {
        assert!(*count > 0, "no longer different: {reason}");
    }
    assert!(equal > 1500, "{equal}");
}
