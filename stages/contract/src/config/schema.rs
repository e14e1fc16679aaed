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
    if let Some(definitions) = schema.get_mut("$defs").and_then(Value::as_object_mut) {
        definitions.iter_mut().for_each(|(name, definition)| adapt(name, definition));
    }
    loosen(&mut schema);
    schema
}

/// What the reader of files does with some types besides what they say themselves.
fn adapt(name: &str, definition: &mut Value) {
    match name {
        name if ANY_LETTER_CASE.contains(&name) => allow_letter_cases(definition),
        "Optimizer" => allow_name_alone(definition),
        "ModelSpec" => allow_template_arguments(definition),
        "Hsv" => allow_other_spelling(definition),
        // Hydra's own keys are accepted with a note.
        "Hydra" | "HydraRun" => {
            definition.as_object_mut().and_then(|keywords| keywords.remove("additionalProperties"));
        }
        _ => {}
    }
}

/// A name, or a mapping from one name to arguments that may be empty.
fn allow_name_alone(definition: &mut Value) {
    let properties = by_name(definition);
    let names: Vec<String> = properties.keys().cloned().collect();
    let Some(keywords) = definition.as_object_mut() else { return };
    let arguments = json!({
        "type": "object",
        "properties": properties,
        "additionalProperties": false,
        "minProperties": 1,
        "maxProperties": 1,
    });
    keywords.insert("oneOf".to_owned(), json!([{"enum": names}, arguments]));
}

/// Other keys of a custom model are arguments of its template; its name may be said by `general.model_type`.
fn allow_template_arguments(definition: &mut Value) {
    let properties = definition["properties"].as_object().into_iter().flatten();
    let names: Vec<String> = properties.map(|(name, _)| name.clone()).collect();
    let Some(keywords) = definition.as_object_mut() else { return };
    keywords.remove("additionalProperties");
    if let Some(Value::Array(required)) = keywords.get_mut("required") {
        required.retain(|key| key != "name");
    }
    keywords.insert("if".to_owned(), json!({"properties": {"name": {"const": "custom"}}}));
    keywords.insert("else".to_owned(), json!({"propertyNames": {"enum": names}}));
}

/// `hue_delta` may be called `delta_hue`, and so on.
fn allow_other_spelling(definition: &mut Value) {
    let Some(keywords) = definition.as_object_mut() else { return };
    let needed = keywords.remove("required").and_then(|names| names.as_array().cloned()).unwrap_or_default();
    let Some(Value::Object(properties)) = keywords.get_mut("properties") else { return };
    let mut spellings = Vec::new();
    for name in needed.iter().filter_map(Value::as_str) {
        let Some(channel) = name.strip_suffix("_delta") else { continue };
        let other = format!("delta_{channel}");
        spellings.push(json!({"oneOf": [{"required": [name]}, {"required": [other]}]}));
        if let Some(property) = properties.get(name).cloned() {
            properties.insert(other, property);
        }
    }
    keywords.insert("allOf".to_owned(), Value::Array(spellings));
}

/// The arguments of each variant of an enum whose variants all have some.
fn by_name(variants: &Value) -> Map<String, Value> {
    let mut properties = Map::new();
    for variant in variants["oneOf"].as_array().into_iter().flatten() {
        for (name, arguments) in variant["properties"].as_object().into_iter().flatten() {
            let mut arguments = arguments.clone();
            if let (Some(arguments), Some(about)) = (arguments.as_object_mut(), variant.get("description")) {
                arguments.insert("description".to_owned(), about.clone());
            }
            properties.insert(name.clone(), arguments);
        }
    }
    properties
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
        let none = json!({"type": "string", "pattern": "^([Nn][Oo][Nn][Ee]|[Nn][Uu][Ll][Ll])$"});
        if let Some(kind) = keywords.get_mut("type") {
            add_type(kind, "null");
        } else if let Some(Value::Array(ways)) = keywords.get_mut("anyOf") {
            ways.retain(|way| *way != empty);
            ways.extend([empty, none]);
        } else if let Some(definition) = keywords.remove("$ref") {
            keywords.insert("anyOf".to_owned(), json!([{"$ref": definition}, empty, none]));
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
        let properties = by_name(&T::json_schema(generator).to_value());
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
