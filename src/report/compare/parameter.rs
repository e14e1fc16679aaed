//! The parameters of a run: the leaves of its resolved configuration.

use super::times::timeless;
use contract::value::{Literal, literal};
use indexmap::IndexMap;
use jiff::Timestamp;
use serde_json::{Number, Value};
use serde_yaml::Value as Yaml;

/// Sections that say where results go and what a sweep tries; neither is a parameter of a run.
const NOT_PARAMETERS: [&str; 2] = ["hydra", "sweep"];

/// Whole numbers up to here are the same as floats.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// A value in a configuration.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Parameter {
    /// In one line, as the file has it.
    pub(super) shown: String,
    /// What it stands for: `1/4`, `0.25` and `2.5e-1` are one number, `(96, 96, 3)` and `[96, 96, 3]` one list.
    pub(super) value: Value,
}

impl Parameter {
    pub(super) fn number(&self) -> Option<f64> {
        self.value.as_f64()
    }
}

/// The leaves of a configuration by dotted key, in the order of the file. A list is one value; null is as good as absent.
/// What is left of a value without the run's own `started` decides whether it differs from another's.
pub(super) fn parameters(yaml: &str) -> Result<IndexMap<String, Parameter>, String> {
    let root: Yaml = serde_yaml::from_str(yaml).map_err(|error| error.to_string())?;
    let mut found = IndexMap::new();
    collect(String::new(), &root, &mut found);
    Ok(found)
}

fn collect(key: String, node: &Yaml, found: &mut IndexMap<String, Parameter>) {
    match node {
        Yaml::Mapping(entries) if !entries.is_empty() => {
            for (name, node) in entries {
                let name = flow(name);
                if key.is_empty() && NOT_PARAMETERS.contains(&name.as_str()) {
                    continue;
                }
                collect(if key.is_empty() { name } else { format!("{key}.{name}") }, node, found);
            }
        }
        Yaml::Null => {}
        node => drop(found.insert(key, Parameter { shown: flow(node), value: meant(node) })),
    }
}

/// The parameter that a value in JSON is, as records of sweeps have it.
pub(super) fn of_json(value: &Value) -> Option<Parameter> {
    let yaml = serde_yaml::to_value(value).ok().filter(|yaml| !yaml.is_null())?;
    Some(Parameter { shown: flow(&yaml), value: meant(&yaml) })
}

/// The value without the times of the run itself: what is compared.
pub(super) fn compared(parameter: &Parameter, started: Option<Timestamp>) -> Value {
    match (&parameter.value, started) {
        (Value::String(text), Some(started)) => timeless(text, started).into(),
        (value, _) => value.clone(),
    }
}

/// YAML on one line.
fn flow(node: &Yaml) -> String {
    let list = |items: &mut dyn Iterator<Item = String>| items.collect::<Vec<_>>().join(", ");
    match node {
        Yaml::Null => "null".to_owned(),
        Yaml::Bool(value) => value.to_string(),
        Yaml::Number(value) => value.to_string(),
        Yaml::String(text) => text.clone(),
        Yaml::Sequence(items) => format!("[{}]", list(&mut items.iter().map(flow))),
        Yaml::Mapping(entries) => {
            let entry = |(name, value)| format!("{}: {}", flow(name), flow(value));
            format!("{{{}}}", list(&mut entries.iter().map(entry)))
        }
        Yaml::Tagged(tagged) => format!("{} {}", tagged.tag, flow(&tagged.value)),
    }
}

fn meant(node: &Yaml) -> Value {
    match node {
        Yaml::Null => Value::Null,
        Yaml::Bool(value) => (*value).into(),
        Yaml::Number(number) => match (number.as_i64(), number.as_u64(), number.as_f64()) {
            (Some(value), ..) => value.into(),
            (_, Some(value), _) => value.into(),
            (.., Some(value)) => float(value),
            _ => number.to_string().into(),
        },
        Yaml::String(text) => written(text).unwrap_or_else(|| text.as_str().into()),
        Yaml::Sequence(items) => items.iter().map(meant).collect(),
        Yaml::Mapping(entries) => entries.iter().map(|(name, value)| (flow(name), meant(value))).collect(),
        Yaml::Tagged(tagged) => meant(&tagged.value),
    }
}

/// What a text in Python's language stands for. A quoted string in it is text like any other.
fn written(text: &str) -> Option<Value> {
    let begins = |c: char| c.is_ascii_digit() || matches!(c, '(' | '[' | '+' | '-' | '.');
    if !text.starts_with(begins) && !matches!(text, "True" | "False") {
        return None;
    }
    literal(text).ok().and_then(|value| json(&value))
}

fn json(literal: &Literal) -> Option<Value> {
    Some(match literal {
        Literal::None => Value::Null,
        Literal::Bool(value) => (*value).into(),
        Literal::Int(value) => Number::from_i128(*value)?.into(),
        Literal::Float(value) => float(*value),
        Literal::Str(text) => text.as_str().into(),
        Literal::List(items) => items.iter().map(json).collect::<Option<Vec<_>>>()?.into(),
    })
}

fn float(value: f64) -> Value {
    if value.fract() == 0.0 && value.abs() <= EXACT { (value as i64).into() } else { value.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(yaml: &str) -> Vec<(String, String, Value)> {
        let found = parameters(yaml).unwrap();
        found.into_iter().map(|(key, found)| (key, found.shown, found.value)).collect()
    }

    #[test]
    fn leaves_are_parameters_lists_are_one_value_and_places_of_results_are_none() {
        let yaml = "
general: {project_name: x, gpu_memory_limit: null}
training:
  epochs: 20
  optimizer: {Adam: {learning_rate: 1e-3}}
  frozen_layers: []
dataset:
  class_names: [road, sky]
stages: {a: {command: 'run {outputs}', outputs: [{name: b}], params: {}}}
hydra: {run: {dir: out/2026}}
sweep: {training.epochs: [1, 2]}
";
        let shown: Vec<String> = values(yaml)
            .into_iter()
            .map(|(key, shown, value)| format!("{key} = {shown} = {value}"))
            .collect();
        insta::assert_snapshot!("leaves", shown.join("\n"));
    }

    #[test]
    fn values_are_the_same_however_they_are_written() {
        let value = |text: &str| values(&format!("k: {text}\n")).remove(0).2;
        for same in [
            &["0.25", "1/4", "2.5e-1", "'0.25'"][..],
            &["2", "2.0", "4/2", "'2'"],
            &["(96, 96, 3)", "[96, 96, 3]", "'[96,96,3]'"],
            &["true", "True", "'True'"],
            &["1e-3", "0.001", "1/1000"],
        ] {
            assert!(same.iter().all(|text| value(text) == value(same[0])), "{same:?}");
        }
        let different =
            ["0.25", "0.26", "abc", "(96, 96)", "[96, 96, 3]", "${oc.env:TOKEN}", "-1/0", "1_000 a"];
        for (index, one) in different.iter().enumerate() {
            assert!(different[index + 1..].iter().all(|other| value(one) != value(other)), "{one}");
        }
        assert!(parameters("a: [").is_err());
    }
}
