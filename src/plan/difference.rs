//! What two keys of a stage do not have in common, field by field.

use crate::{
    record::{InputOrigin, Origin, StageKey},
    store::{Digest, FileState, ImageListing, SourceListing},
};
use contract::Settings;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// A field of a key that has another value than before.
#[derive(Debug, Clone, PartialEq)]
pub struct Difference {
    /// Which.
    pub what: What,
    /// Its value before; none where there was none.
    pub old: Option<Value>,
    /// Its value now.
    pub new: Option<Value>,
    /// More of it, a sentence each: which files of a data set.
    pub details: Vec<String>,
}

/// A field of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    /// A setting, by its path in the settings.
    Setting(String),
    /// The version of the stage.
    Version,
    /// A part of the device class: the processor, its cores, the program.
    Device(&'static str),
    /// An input, by its port.
    Input(String),
}

/// How many names of files are told.
const TOLD: usize = 5;

/// The differences of two keys: settings first, then the version, the device, and the inputs. An input that is not made
/// yet is none.
#[must_use]
pub fn differences(
    old: &StageKey,
    new: &StageKey,
    listing: &dyn Fn(&Digest) -> Option<SourceListing>,
) -> Vec<Difference> {
    let mut found = settings(&old.settings, &new.settings);
    if (old.stage.as_str(), old.version) != (new.stage.as_str(), new.version) {
        let (what, details) = (What::Version, Vec::new());
        let name = |key: &StageKey| match old.stage == new.stage {
            true => Value::from(key.version),
            false => format!("{} {}", key.stage, key.version).into(),
        };
        found.push(Difference { what, old: Some(name(old)), new: Some(name(new)), details });
    }
    found.extend(device(old.device.as_deref(), new.device.as_deref()));
    let ports: BTreeSet<&String> = old.inputs.keys().chain(new.inputs.keys()).collect();
    for port in ports {
        found.extend(input(port, old.inputs.get(port), new.inputs.get(port), listing));
    }
    found
}

/// The differences of two settings by their paths: `optimizer.Adam.learning_rate`, `class_names[2]`.
#[must_use]
pub fn settings(old: &Settings, new: &Settings) -> Vec<Difference> {
    let mut found = Vec::new();
    values(Some(&value(old)), Some(&value(new)), "", &mut found);
    found
}

/// The number of values in some settings.
#[must_use]
pub fn size(settings: &Settings) -> usize {
    fn count(value: &Value) -> usize {
        match value {
            Value::Array(items) => items.iter().map(count).sum(),
            Value::Object(fields) => fields.values().map(count).sum(),
            _ => 1,
        }
    }
    count(&value(settings))
}

fn value(settings: &Settings) -> Value {
    // Settings are JSON, so they can be read as that.
    settings.parse().unwrap_or_default()
}

fn values(old: Option<&Value>, new: Option<&Value>, path: &str, found: &mut Vec<Difference>) {
    match (old, new) {
        (Some(Value::Object(old)), Some(Value::Object(new)))
            if path.is_empty() || old.keys().any(|key| new.contains_key(key)) =>
        {
            let gone = old.keys().filter(|key| !new.contains_key(*key));
            for key in new.keys().chain(gone) {
                let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                values(old.get(key), new.get(key), &path, found);
            }
        }
        (Some(Value::Array(old)), Some(Value::Array(new))) if old.len() == new.len() => {
            for (index, (old, new)) in old.iter().zip(new).enumerate() {
                values(Some(old), Some(new), &format!("{path}[{index}]"), found);
            }
        }
        (old, new) if old == new => {}
        (old, new) => {
            // An option that is not set is the same as one that is set to nothing.
            let set = |value: Option<&Value>| value.filter(|value| !value.is_null()).cloned();
            let what = What::Setting(path.to_owned());
            found.push(Difference { what, old: set(old), new: set(new), details: Vec::new() });
        }
    }
}

/// The parts of a device class, as `plan::host` puts them together.
fn device(old: Option<&str>, new: Option<&str>) -> Vec<Difference> {
    if old == new {
        return Vec::new();
    }
    let parts = |text: Option<&str>| -> Vec<String> {
        text.map(|text| text.split("; ").map(str::to_owned).collect()).unwrap_or_default()
    };
    let (old, new) = (parts(old), parts(new));
    let names = ["processor", "cores", "program"];
    let part = |(index, name): (usize, &&'static str)| {
        let (old, new) = (old.get(index), new.get(index));
        let difference = || Difference {
            what: What::Device(name),
            old: old.cloned().map(Value::from),
            new: new.cloned().map(Value::from),
            details: Vec::new(),
        };
        (old != new).then(difference)
    };
    names.iter().enumerate().filter_map(part).collect()
}

fn input(
    port: &str,
    old: Option<&InputOrigin>,
    new: Option<&InputOrigin>,
    listing: &dyn Fn(&Digest) -> Option<SourceListing>,
) -> Option<Difference> {
    let digest = |input: Option<&InputOrigin>| input.and_then(|input| input.digest);
    let details = match (old, new) {
        (Some(before), Some(now)) => match (before.digest, now.digest) {
            (_, None) => return None,
            (Some(one), Some(two)) if one == two && before.kind == now.kind => return None,
            (None, Some(_)) => {
                vec!["what it was before is not known any more: the result that made it is gone".to_owned()]
            }
            (Some(one), Some(two)) => changed(before, now, listing(&one), listing(&two)),
        },
        (None, Some(now)) => vec![format!("it was not bound before, and now comes from {}", named(now))],
        (Some(before), None) => vec![format!("it came from {}, and is not bound any more", named(before))],
        (None, None) => return None,
    };
    let value = |digest: Option<Digest>| digest.map(|digest| digest.to_string().into());
    let what = What::Input(port.to_owned());
    Some(Difference { what, old: value(digest(old)), new: value(digest(new)), details })
}

/// What users call the origin of an input.
fn named(input: &InputOrigin) -> String {
    match &input.from {
        Some(Origin::Source { label, .. }) => label.clone(),
        Some(Origin::Stage { name, .. }) => format!("`{name}`"),
        None => "elsewhere".to_owned(),
    }
}

fn changed(
    before: &InputOrigin,
    now: &InputOrigin,
    old: Option<SourceListing>,
    new: Option<SourceListing>,
) -> Vec<String> {
    match (&before.from, &now.from) {
        (Some(Origin::Stage { name: one, .. }), Some(Origin::Stage { name: two, output })) => {
            let from = if one == two { String::new() } else { format!(", and before it was `{one}`") };
            return vec![format!("`{two}` made another `{output}`{from}")];
        }
        (Some(one), Some(two)) if std::mem::discriminant(one) != std::mem::discriminant(two) => {
            return vec![format!("it came from {}, and now comes from {}", named(before), named(now))];
        }
        _ => {}
    }
    match (old, new) {
        (Some(SourceListing::Folder(old)), Some(SourceListing::Folder(new))) => {
            let old = old.iter().map(|(name, digest)| (name.as_str(), *digest)).collect();
            let new = new.iter().map(|(name, digest)| (name.as_str(), *digest)).collect();
            files("file", "files", &old, &new)
        }
        (Some(SourceListing::Images(old)), Some(SourceListing::Images(new))) => images(&old, &new),
        (Some(SourceListing::Generated(_, old)), Some(SourceListing::Generated(_, new))) => {
            let mut found = Vec::new();
            values(Some(&old.into()), Some(&new.into()), "", &mut found);
            let told = |difference: Difference| match difference.what {
                What::Setting(path) => format!("{path} {}", arrow(&difference.old, &difference.new)),
                _ => String::new(),
            };
            found.into_iter().map(told).collect()
        }
        (None, None) => vec![match &now.from {
            Some(Origin::Source { path: Some(path), .. }) => format!("the content of {path} changed"),
            _ => "its content changed".to_owned(),
        }],
        _ => vec![format!("{} is of another content", named(now))],
    }
}

/// `4 -> 5`.
#[must_use]
pub fn arrow(old: &Option<Value>, new: &Option<Value>) -> String {
    // What both of a secret's values are shown as.
    if old == new {
        return format!("{} -> another value", brief(old.as_ref()));
    }
    format!("{} -> {}", brief(old.as_ref()), brief(new.as_ref()))
}

/// A value in a few words.
fn brief(value: Option<&Value>) -> String {
    const LONGEST: usize = 48;
    let text = match value {
        None => return "not set".to_owned(),
        Some(Value::String(text)) if !text.is_empty() && text.trim() == text && !text.contains('\n') => {
            text.clone()
        }
        Some(value) => value.to_string(),
    };
    crate::report::cells::cut(&text, LONGEST)
}

fn images(old: &[ImageListing], new: &[ImageListing]) -> Vec<String> {
    fn states(images: &[ImageListing]) -> BTreeMap<&str, (FileState, FileState)> {
        images.iter().map(|image| (image.id.as_str(), (image.image, image.mask))).collect()
    }
    let found = files("image", "images", &states(old), &states(new));
    if found.is_empty() { vec!["the same images in another order".to_owned()] } else { found }
}

/// `2 images of 367 changed: a, b`, and the same for what was added and removed.
fn files<T: PartialEq>(
    one: &str,
    several: &str,
    old: &BTreeMap<&str, T>,
    new: &BTreeMap<&str, T>,
) -> Vec<String> {
    let of = |names: &[&str], what: &str| {
        let count = names.len();
        let noun = if count == 1 { one } else { several };
        let shown = names.iter().take(TOLD).copied().collect::<Vec<_>>().join(", ");
        let more = if count > TOLD { format!(" and {} more", count - TOLD) } else { String::new() };
        (count > 0).then(|| format!("{count} {noun} {what}: {shown}{more}"))
    };
    let changed: Vec<&str> = new
        .iter()
        .filter(|(name, state)| old.get(*name).is_some_and(|before| before != *state))
        .map(|(name, _)| *name)
        .collect();
    let added: Vec<&str> = new.keys().filter(|name| !old.contains_key(*name)).copied().collect();
    let removed: Vec<&str> = old.keys().filter(|name| !new.contains_key(*name)).copied().collect();
    let told =
        [of(&changed, &format!("of {} changed", new.len())), of(&added, "added"), of(&removed, "removed")];
    told.into_iter().flatten().collect()
}
