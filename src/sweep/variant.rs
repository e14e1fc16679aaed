//! A variant, ready to run.

use crate::{
    config::{Loaded, Setting},
    record::{Layout, VariantRecord},
};
use indexmap::IndexMap;
use serde_json::Value;

/// What is kept of a variant once it is planned.
#[derive(Debug)]
pub struct Variant {
    /// The mode word.
    pub operation_mode: String,
    /// All changes that make it.
    pub overrides: Vec<String>,
    /// The value of each swept key.
    pub values: IndexMap<String, Value>,
    /// The resolved configuration.
    pub config: String,
    /// The same with secrets, where it differs.
    pub secrets: Option<String>,
    /// Names in its run folder.
    pub layout: Layout,
    /// What the user should know of its configuration.
    pub notes: Vec<String>,
}

impl Variant {
    /// What is kept of a loaded configuration.
    #[must_use]
    pub fn of(loaded: &Loaded, settings: &[Setting], operation_mode: &str, layout: Layout) -> Self {
        let value = |setting: &Setting| (setting.key.name(), setting.choice.json());
        let (config, secrets) = loaded.to_keep();
        Self {
            operation_mode: operation_mode.to_owned(),
            overrides: loaded.overrides().to_vec(),
            values: settings.iter().map(value).collect(),
            config,
            secrets,
            layout,
            notes: loaded.notes.clone(),
        }
    }

    /// The same of a variant that a sweep has kept.
    #[must_use]
    pub fn kept(loaded: &Loaded, record: &VariantRecord, operation_mode: &str, layout: Layout) -> Self {
        Self {
            overrides: record.overrides.clone(),
            values: record.values.clone(),
            ..Self::of(loaded, &[], operation_mode, layout)
        }
    }
}

/// Values in one line: `epochs=2 bits=4`, the keys as short as they can be told apart.
#[must_use]
pub(super) fn label(values: &IndexMap<String, Value>, short: &IndexMap<String, String>) -> String {
    let shown = values.iter().map(|(key, value)| {
        let key = short.get(key).unwrap_or(key);
        format!("{key}={}", text(value))
    });
    shown.collect::<Vec<_>>().join(" ")
}

/// A value for people.
#[must_use]
pub(crate) fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => "None".to_owned(),
        other => other.to_string(),
    }
}
