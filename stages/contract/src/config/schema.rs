//! The JSON schema of configuration files, for editors.

use super::{Bytes, Config, InOrder, Inputs, TimeSpan, Words};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::{Map, Value, json};
use std::borrow::Cow;

/// The JSON schema (draft 2020-12) of a configuration file as users write it: what the types say, and that a number, a
/// truth value or a list may be text (`1/127.5`, `yes`, `(96, 96, 3)`), that any value may be a reference (`${...}`), and
/// that a key that is not needed may be empty.
#[must_use]
pub fn schema() -> Value {
    let mut schema = schemars::schema_for!(Config).to_value();
    if let Some(root) = schema.as_object_mut() {
        root.insert("title".to_owned(), json!("Pipeline configuration"));
    }
    loosen(&mut schema);
    schema
}

/// Keywords whose value is a mapping from names to schemas.
const NAMED: [&str; 2] = ["properties", "$defs"];
/// Keywords whose value is a list of schemas.
const LISTED: [&str; 4] = ["anyOf", "oneOf", "allOf", "prefixItems"];
/// Keywords whose value is a schema.
const SINGLE: [&str; 2] = ["items", "additionalProperties"];

/// What a reference looks like.
fn reference() -> Value {
    json!({"type": "string", "pattern": "\\$\\{.+\\}"})
}

/// Lets in what users write, here and below.
fn loosen(schema: &mut Value) {
    let Value::Object(keywords) = schema else { return };
    for keyword in NAMED {
        for (_, below) in keywords.get_mut(keyword).and_then(Value::as_object_mut).into_iter().flatten() {
            loosen(below);
        }
    }
    for keyword in LISTED {
        for below in keywords.get_mut(keyword).and_then(Value::as_array_mut).into_iter().flatten() {
            loosen(below);
        }
    }
    for keyword in SINGLE {
        if let Some(below) = keywords.get_mut(keyword) {
            loosen(below);
        }
    }
    allow_empty(keywords);
    loosen_value(keywords);
}

/// Keys that are not needed may be empty.
fn allow_empty(keywords: &mut Map<String, Value>) {
    let required: Vec<Value> =
        keywords.get("required").and_then(Value::as_array).cloned().unwrap_or_default();
    let properties = keywords.get_mut("properties").and_then(Value::as_object_mut).into_iter().flatten();
    for (_, property) in properties.filter(|(name, _)| !required.contains(&json!(name))) {
        let empty = json!({"type": "null"});
        match property
            .as_object_mut()
            .and_then(|keywords| keywords.get_mut("anyOf"))
            .and_then(Value::as_array_mut)
        {
            Some(alternatives) if alternatives.contains(&empty) => {}
            Some(alternatives) => alternatives.push(empty),
            None => alternatives(property, vec![empty]),
        }
    }
}

/// A value may be written in other ways than its type says.
fn loosen_value(keywords: &mut Map<String, Value>) {
    let Some(kind) = keywords.get("type").and_then(named_type) else { return };
    let ways = match kind.as_str() {
        // A word that looks like a number is text where text is wanted.
        "string" if !keywords.contains_key("enum") && !keywords.contains_key("const") => {
            if !keywords.contains_key("pattern") {
                keywords.insert("type".to_owned(), json!(["string", "number", "boolean"]));
            }
            return;
        }
        "string" => vec![reference()],
        "number" | "integer" | "boolean" | "array" => vec![json!({"type": "string"})],
        _ => return,
    };
    let mut value = Value::Object(std::mem::take(keywords));
    alternatives(&mut value, ways);
    if let Value::Object(loosened) = value {
        *keywords = loosened;
    }
}

/// The type that is not null.
fn named_type(kind: &Value) -> Option<String> {
    match kind {
        Value::String(name) => Some(name.clone()),
        Value::Array(names) => names.iter().find(|name| **name != json!("null"))?.as_str().map(str::to_owned),
        _ => None,
    }
}

/// Keywords that say something to people, and stay where they are when a schema gets alternatives.
const SAYS: [&str; 5] = ["title", "description", "default", "$schema", "$defs"];

/// Puts alternatives beside a schema.
fn alternatives(schema: &mut Value, others: Vec<Value>) {
    let Value::Object(keywords) = std::mem::take(schema) else { return };
    let (outside, inside): (Map<_, _>, Map<_, _>) =
        keywords.into_iter().partition(|(keyword, _)| SAYS.contains(&keyword.as_str()));
    let mut outside = outside;
    let mut all = match inside.get("anyOf") {
        Some(Value::Array(all)) if inside.len() == 1 => all.clone(),
        _ => vec![Value::Object(inside)],
    };
    all.extend(others);
    outside.insert("anyOf".to_owned(), Value::Array(all));
    *schema = Value::Object(outside);
}

/// A mapping from the names of an enum's variants to their arguments.
impl<T: JsonSchema> JsonSchema for InOrder<T> {
    fn schema_name() -> Cow<'static, str> {
        format!("{}s", T::schema_name()).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let variants = T::json_schema(generator).to_value();
        let mut properties = Map::new();
        for variant in variants["oneOf"].as_array().into_iter().flatten() {
            for (name, arguments) in variant["properties"].as_object().into_iter().flatten() {
                let mut arguments = arguments.clone();
                if let (Some(arguments), Some(about)) =
                    (arguments.as_object_mut(), variant.get("description"))
                {
                    arguments.insert("description".to_owned(), about.clone());
                }
                properties.insert(name.clone(), arguments);
            }
        }
        json_schema!({"type": "object", "properties": properties, "additionalProperties": false})
    }
}

macro_rules! schemas {
    ($($type:ident: $schema:tt)*) => {
        $(impl JsonSchema for $type {
            fn inline_schema() -> bool {
                true
            }

            fn schema_name() -> Cow<'static, str> {
                stringify!($type).into()
            }

            fn json_schema(_generator: &mut SchemaGenerator) -> Schema {
                json_schema!($schema)
            }
        })*
    };
}

schemas! {
    Words: {"type": ["string", "array"], "items": {"type": "string"}}
    Inputs: {"type": ["string", "array", "object"], "items": {"type": "string"}}
    TimeSpan: {"type": "string"}
    Bytes: {"type": "string"}
}
