//! The zip archive (`.keras`): `config.json`, `metadata.json` and `model.weights.h5`.

use super::{
    file::{corrupt, json},
    hdf5,
    network::{Described, Step},
};
use crate::FormatError;
use hdf5_pure::File;
use model::Tensor;
use serde_json::Value;
use std::{
    cell::RefCell,
    collections::BTreeMap,
    io::{Cursor, Read},
};
use zip::ZipArchive;

/// Entries of more bytes than this may not be this many times larger than they are in the archive: nothing that Keras
/// writes is, and a damaged or hostile file must not take any amount of memory.
const MOST_EXPANSION: (u64, u64) = (64 << 20, 100);

/// The weights of an opened `.keras` file.
pub(super) struct Archive {
    file: File,
    /// The list of layers at the top: Keras 2.12 had another name for it.
    root: &'static str,
    /// For each list of layers that was looked at, the groups of the layers that tell their names: Keras 2's do not.
    named: RefCell<BTreeMap<String, BTreeMap<String, String>>>,
}

impl Archive {
    /// The configuration, the version of Keras that wrote it if it says so, and the weights.
    pub(super) fn open(bytes: Vec<u8>) -> Result<(Value, Option<String>, Self), FormatError> {
        let mut zip = ZipArchive::new(Cursor::new(bytes)).map_err(|error| corrupt(error.to_string()))?;
        let config = entry(&mut zip, "config.json")?.ok_or_else(|| FormatError::Content {
            message: "it is a zip archive, but not a Keras model (no config.json)".into(),
            help: "save the whole model in Keras: `model.save(\"model.keras\")`".into(),
        })?;
        let config = json(&String::from_utf8_lossy(&config), "config.json")?;
        let version = match entry(&mut zip, "metadata.json")? {
            Some(metadata) => {
                let metadata = json(&String::from_utf8_lossy(&metadata), "metadata.json")?;
                metadata.get("keras_version").and_then(Value::as_str).map(str::to_owned)
            }
            None => None,
        };
        let weights = entry(&mut zip, "model.weights.h5")?.ok_or_else(|| FormatError::Content {
            message: "it has no model.weights.h5".into(),
            help: "save it with the usual kind of weights: `model.save(\"model.keras\")`".into(),
        })?;
        let file = hdf5::open(weights)?;
        let has = |name: &str| file.group(name).is_ok();
        let older = !has("layers") && has("_layer_checkpoint_dependencies");
        let root = if older { "_layer_checkpoint_dependencies" } else { "layers" };
        Ok((config, version, Self { file, root, named: RefCell::default() }))
    }

    /// The weights of one layer: datasets `0`, `1` ... of its group `vars`.
    pub(super) fn weights(
        &self,
        layer: &Described<'_>,
        shapes: &[(&'static str, Vec<usize>)],
    ) -> Result<Vec<Tensor>, String> {
        let place = self.place(&layer.path);
        let group = self.file.group(&format!("{place}/vars")).map_err(|error| error.to_string())?;
        let weight = |(index, (name, shape)): (usize, &(&'static str, Vec<usize>))| {
            let dataset = group.dataset(&index.to_string()).map_err(|error| format!("`{name}`: {error}"))?;
            hdf5::read(&dataset, shape)
                .map_err(|message| format!("{place}/vars/{index} (`{name}`): {message}"))
        };
        shapes.iter().enumerate().map(weight).collect()
    }

    /// The group of a layer: the one that tells its name, else the one that Keras gives a layer of its class and number.
    fn place(&self, path: &[Step]) -> String {
        let mut place = String::new();
        for step in path {
            let list = format!("{place}{}", self.root);
            let child = self.named(&list, &step.name).unwrap_or_else(|| step.stored.clone());
            place = format!("{list}/{child}/");
        }
        place.trim_end_matches('/').to_owned()
    }

    fn named(&self, list: &str, name: &str) -> Option<String> {
        let mut named = self.named.borrow_mut();
        let names = named.entry(list.to_owned()).or_insert_with(|| {
            let Ok(group) = self.file.group(list) else { return BTreeMap::new() };
            let children = group.groups().unwrap_or_default().into_iter();
            let told = |child: String| {
                let vars = group.group(&format!("{child}/vars")).ok()?;
                hdf5::text(&vars, "name").map(|name| (name, child))
            };
            children.filter_map(told).collect()
        });
        names.get(name).cloned()
    }
}

/// The bytes of an entry; none when there is none.
fn entry(zip: &mut ZipArchive<Cursor<Vec<u8>>>, name: &str) -> Result<Option<Vec<u8>>, FormatError> {
    let entry = match zip.by_name(name) {
        Ok(entry) => entry,
        Err(zip::result::ZipError::FileNotFound) => return Ok(None),
        Err(error) => return Err(corrupt(format!("{name}: {error}"))),
    };
    let (size, stored) = (entry.size(), entry.compressed_size());
    if size > MOST_EXPANSION.0 && size / MOST_EXPANSION.1 > stored {
        return Err(corrupt(format!("{name} is said to have {size} bytes in {stored} of the archive")));
    }
    let mut bytes = Vec::new();
    // One byte more than it may have, so that more is noticed.
    entry
        .take(size.saturating_add(1))
        .read_to_end(&mut bytes)
        .map_err(|error| corrupt(format!("{name}: {error}")))?;
    if bytes.len() as u64 == size {
        Ok(Some(bytes))
    } else {
        Err(corrupt(format!("{name} has {} of its {size} bytes", bytes.len())))
    }
}
