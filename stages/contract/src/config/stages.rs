//! `stages`: own chains of own programs, for `operation_mode: stages`.

use super::Untyped;
use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{
    Deserialize, Deserializer, Serialize,
    de::{self, MapAccess, SeqAccess, Visitor},
};
use std::{fmt, time::Duration};

/// The `stages` section: entries by name, in any order.
pub type Stages = IndexMap<String, StageEntry>;

/// One stage of an own chain.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct StageEntry {
    /// What works: `command`, or a stage of this program such as `train` or `quantize`. `command` where it is not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uses: Option<String>,
    /// The command line of `uses: command`: text for the shell, or a list of a program and its arguments.
    /// `{inputs.NAME}`, `{outputs.NAME}` and `{params.NAME}` stand for paths and values.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub command: Option<Words>,
    /// Files it reads: paths, or `STAGE/PATH` for an output of another stage; a list, or a mapping that names them.
    #[serde(skip_serializing_if = "Inputs::is_empty")]
    pub inputs: Inputs,
    /// Files it writes, below the folder `$PIPELINE_OUT`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub outputs: Vec<String>,
    /// Stages that must be done before it starts.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub needs: Vec<String>,
    /// Values for a command: text without quotes that is a Python literal or arithmetic is its value, so `1/4` is 0.25. For
    /// a stage of this program changes to the configuration, by dotted key.
    #[serde(skip_serializing_if = "Untyped::is_empty")]
    pub params: Untyped,
    /// Names of environment variables that a command gets, with the values they have; a changed value is another result.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub environment: Vec<String>,
    /// What it holds of the machine while it works.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resources: Option<EntryResources>,
    /// How long it may take: seconds, or a number with a unit (`90 s`, `10 min`, `2 h`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout: Option<TimeSpan>,
    /// How often it is tried again when it fails.
    pub retries: u32,
}

/// What an own stage holds of the machine while it works.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct EntryResources {
    /// Processor cores; 1 for a command, all for a stage of this program.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cores: Option<u16>,
    /// Memory: bytes, or a number with a unit (`500 MB`, `2 GiB`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory: Option<Bytes>,
    /// Whether nothing else may run on this machine meanwhile.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exclusive: Option<bool>,
}

/// Text for a shell, or words: a program and its arguments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Words {
    /// A line for `sh -c`.
    Shell(String),
    /// A program and its arguments, which no shell reads.
    List(Vec<String>),
}

/// Inputs of an own stage: names and where they come from, in file order. Inputs of a list are called by their positions,
/// `0`, `1` ..., so that no path is part of a name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Inputs(pub IndexMap<String, String>);

impl Inputs {
    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The key of an input below its entry: `inputs[0]`, `inputs.data`.
    #[must_use]
    pub fn key(name: &str) -> String {
        match name.parse::<usize>() {
            Ok(position) => format!("inputs[{position}]"),
            Err(_) => format!("inputs.{name}"),
        }
    }
}

/// The name under which a deserializer is asked for something that is one text or several: it shows lists as sequences,
/// mappings as maps and everything else as the text that was written.
pub const ONE_OR_MANY: &str = "OneOrMany";

impl<'de> Deserialize<'de> for Words {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct OneOrMany;
        impl<'de> Visitor<'de> for OneOrMany {
            type Value = Words;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a command line, or a list of a program and its arguments")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Words, E> {
                Ok(Words::Shell(text.to_owned()))
            }

            fn visit_unit<E: de::Error>(self) -> Result<Words, E> {
                Ok(Words::Shell(String::new()))
            }

            fn visit_newtype_struct<D: Deserializer<'de>>(self, deserializer: D) -> Result<Words, D::Error> {
                deserializer.deserialize_any(self)
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Words, A::Error> {
                let mut words = Vec::new();
                while let Some(word) = items.next_element()? {
                    words.push(word);
                }
                Ok(Words::List(words))
            }
        }
        deserializer.deserialize_newtype_struct(ONE_OR_MANY, OneOrMany)
    }
}

impl Serialize for Words {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Shell(line) => serializer.serialize_str(line),
            Self::List(words) => words.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Inputs {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct OneOrMany;
        impl<'de> Visitor<'de> for OneOrMany {
            type Value = Inputs;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of files, or a mapping from names to files")
            }

            fn visit_unit<E: de::Error>(self) -> Result<Inputs, E> {
                Ok(Inputs::default())
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Inputs, E> {
                Ok(Inputs(IndexMap::from([("0".to_owned(), text.to_owned())])))
            }

            fn visit_newtype_struct<D: Deserializer<'de>>(self, deserializer: D) -> Result<Inputs, D::Error> {
                deserializer.deserialize_any(self)
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Inputs, A::Error> {
                let mut inputs = IndexMap::new();
                while let Some(path) = items.next_element()? {
                    inputs.insert(inputs.len().to_string(), path);
                }
                Ok(Inputs(inputs))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Inputs, A::Error> {
                let mut inputs = IndexMap::new();
                while let Some((name, path)) = entries.next_entry()? {
                    inputs.insert(name, path);
                }
                Ok(Inputs(inputs))
            }
        }
        deserializer.deserialize_newtype_struct(ONE_OR_MANY, OneOrMany)
    }
}

impl Serialize for Inputs {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

/// A span of time in whole milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimeSpan(pub Duration);

/// An amount of memory in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bytes(pub u64);

/// Units of time, milliseconds each.
const TIME_UNITS: &[(&str, u64)] = &[
    ("", 1000),
    ("ms", 1),
    ("s", 1000),
    ("min", 60_000),
    ("m", 60_000),
    ("h", 3_600_000),
    ("d", 86_400_000),
];

/// Units of memory, bytes each.
const MEMORY_UNITS: &[(&str, u64)] = &[
    ("", 1),
    ("B", 1),
    ("kB", 1000),
    ("KB", 1000),
    ("MB", 1_000_000),
    ("GB", 1_000_000_000),
    ("TB", 1_000_000_000_000),
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
    ("TiB", 1 << 40),
];

/// A number with a unit, in whole smallest units, rounded up.
fn quantity(text: &str, units: &[(&str, u64)]) -> Option<u64> {
    let text = text.trim();
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    let number: f64 = number.parse().ok()?;
    let (_, factor) = units.iter().find(|(name, _)| *name == unit.trim())?;
    let amount = (number * *factor as f64).ceil();
    // Beyond this a float skips whole numbers, and no machine has or waits that much.
    (1.0..9.0e15).contains(&amount).then_some(amount as u64)
}

/// Reads a quantity in whole smallest units.
struct Quantity {
    units: &'static [(&'static str, u64)],
    what: &'static str,
}

const TIME: Quantity = Quantity { units: TIME_UNITS, what: "a time such as 90 s, 10 min or 2 h" };
const MEMORY: Quantity =
    Quantity { units: MEMORY_UNITS, what: "an amount of memory such as 500 MB or 2 GiB" };

impl Visitor<'_> for Quantity {
    type Value = u64;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.what)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<u64, E> {
        // A deserializer that only asks which keys there are has no text.
        if text.is_empty() {
            return Ok(0);
        }
        quantity(text, self.units).ok_or_else(|| E::custom(format!("must be {}", self.what)))
    }
}

impl<'de> Deserialize<'de> for TimeSpan {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(TIME).map(|time| Self(Duration::from_millis(time)))
    }
}

impl Serialize for TimeSpan {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0.as_secs_f64().to_string())
    }
}

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(MEMORY).map(Self)
    }
}

impl Serialize for Bytes {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quantity_is_a_number_with_a_unit_it_knows() {
        let time = |text| quantity(text, TIME_UNITS);
        assert_eq!(time("90"), Some(90_000));
        assert_eq!(time("1.5 min"), Some(90_000));
        assert_eq!(time(" 2h "), Some(7_200_000));
        assert_eq!(time("0.1 s"), Some(100));
        for text in ["", "s", "-1 s", "0", "1 week", "1e3", "1 2 s", "99999999999999999999 h"] {
            assert_eq!(time(text), None, "{text}");
        }
        assert_eq!(quantity("2 GiB", MEMORY_UNITS), Some(2 << 30));
        assert_eq!(quantity("500MB", MEMORY_UNITS), Some(500_000_000));
    }
}
