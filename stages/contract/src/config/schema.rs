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

/// Enumerations whose names are legal in any letter case, by the names of their types.
pub const ANY_LETTER_CASE: [&str; 5] =
    ["Quantizer", "QuantizationType", "PretrainedWeights", "Padding", "Ide"];

/// Keywords whose value is a mapping from names to schemas.
const NAMED: [&str; 2] = ["properties", "$defs"];
/// Keywords whose value is a list of schemas.
const LISTED: [&str; 3] = ["anyOf", "oneOf", "prefixItems"];
/// Keywords whose value is a schema.
const SINGLE: [&str; 2] = ["items", "additionalProperties"];

/// Lets in what users write, here and below.
fn loosen(schema: &mut Value) {
    let Value::Object(keywords) = schema else { return };
    for name in ANY_LETTER_CASE {
        if let Some(definition) = keywords.get_mut("$defs").and_then(|definitions| definitions.get_mut(name))
        {
            allow_letter_cases(definition);
        }
    }
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
    allow_other_types(keywords);
    allow_empty(keywords);
}

/// A value may be written in other ways than its type says.
fn allow_other_types(keywords: &mut Map<String, Value>) {
    // How many bits a number has is of no use to an editor.
    keywords.remove("format");
    if keywords.contains_key("const") || keywords.contains_key("pattern") {
        return;
    }
    if let Some(names) = keywords.remove("enum") {
        keywords.remove("type");
        keywords.insert("anyOf".to_owned(), json!([{"enum": names}, reference()]));
        return;
    }
    if let Some(variants) = keywords.remove("oneOf") {
        // Only one of them can hold all the same, and a reference is none of them.
        let mut variants = variants.as_array().cloned().unwrap_or_default();
        variants.push(reference());
        keywords.insert("anyOf".to_owned(), Value::Array(variants));
        return;
    }
    let Some(kind) = keywords.get_mut("type") else { return };
    let others: &[&str] = match kind.as_str().or_else(|| kind.get(0)?.as_str()) {
        // A word that looks like a number is text where text is wanted.
        Some("string") => &["number", "boolean"],
        Some("number" | "integer" | "boolean" | "array") => &["string"],
        _ => &[],
    };
    others.iter().for_each(|other| add_type(kind, other));
}

/// Keys that are not needed may be empty.
fn allow_empty(keywords: &mut Map<String, Value>) {
    let required = keywords.get("required").and_then(Value::as_array).cloned().unwrap_or_default();
    let properties = keywords.get_mut("properties").and_then(Value::as_object_mut).into_iter().flatten();
    for (name, property) in properties {
        let Some(keywords) = property.as_object_mut() else { continue };
        if required.iter().any(|needed| needed == name) {
            continue;
        }
        let empty = json!({"type": "null"});
        if let Some(kind) = keywords.get_mut("type") {
            add_type(kind, "null");
        } else if let Some(Value::Array(ways)) = keywords.get_mut("anyOf") {
            if !ways.contains(&empty) {
                ways.push(empty);
            }
        } else if let Some(definition) = keywords.remove("$ref") {
            keywords.insert("anyOf".to_owned(), json!([{"$ref": definition}, empty]));
        }
    }
}

fn add_type(kind: &mut Value, other: &str) {
    match kind {
        Value::Array(kinds) if kinds.iter().any(|kind| kind == other) => {}
        Value::Array(kinds) => kinds.push(json!(other)),
        kind if kind == other => {}
        kind => *kind = json!([kind.take(), other]),
    }
}

/// What a reference looks like.
fn reference() -> Value {
    json!({"type": "string", "pattern": r"\$\{.+\}"})
}

/// The names of an enumeration in any letter case.
fn allow_letter_cases(schema: &mut Value) {
    let names = |names: &Value| -> Vec<String> {
        names.as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
    };
    let variants = schema["oneOf"].as_array().into_iter().flatten();
    let mut found: Vec<String> = names(&schema["enum"]);
    found.extend(variants.filter_map(|variant| variant["const"].as_str()).map(str::to_owned));
    let any_case = |c: char| match c.is_ascii_alphabetic() {
        true => format!("[{}{}]", c.to_ascii_uppercase(), c.to_ascii_lowercase()),
        false => c.to_string(),
    };
    let patterns: Vec<String> = found.iter().map(|name| name.chars().map(any_case).collect()).collect();
    let pattern = json!({"type": "string", "pattern": format!("^({})$", patterns.join("|"))});
    let Some(keywords) = schema.as_object_mut() else { return };
    if let Some(Value::Array(variants)) = keywords.get_mut("oneOf") {
        variants.push(pattern);
    } else if let Some(names) = keywords.remove("enum") {
        keywords.remove("type");
        keywords.insert("oneOf".to_owned(), json!([{"enum": names}, pattern]));
    }
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
