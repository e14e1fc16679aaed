//! A look at what the same command looked at when it found nothing to do. While none of it has changed, neither the
//! configuration nor the plan need be made to know that again.

use super::prepare::{Configuration, Prepared};
use crate::{
    plan::{Plan, StageNode, keys::Sources},
    store::{Completion, Digest, Glance, Store, this_program},
};
use contract::{Looked, Registry, Source, SourceContent};
use std::{collections::BTreeSet, path::Path};

/// A configuration has less; `config` refuses what has more.
const MAX_BYTES: u64 = 4 << 20;

/// What a finished run of this command left, if a glance tells that it is still what the command would leave.
pub(crate) fn find(configuration: &Configuration, registry: &Registry) -> Option<Completion> {
    let (file, _) = configuration.request();
    // A pipe can be read only once, and that is for who reads the configuration.
    let found = fs_err::metadata(&file).ok()?;
    if !found.is_file() || found.len() > MAX_BYTES {
        return None;
    }
    let (text, _) = Digest::of_file(&file).ok()?;
    let store = Store::look(configuration.cache_dir().map(Path::to_owned)).ok()?;
    let key = store.glance(&command(configuration, registry, &text)?)?;
    let completion = store.completion(&key)?;
    tracing::debug!("that there is nothing to do is known at a glance");
    Some(completion)
}

/// Remembers what this command looked at before it came to the key of a completion.
pub(crate) fn remember(
    configuration: &Configuration,
    registry: &Registry,
    prepared: &Prepared,
    store: &Store,
    sources: &Sources,
    key: &Digest,
) {
    let text = Digest::of(prepared.loaded.text().as_bytes());
    let Some(command) = command(configuration, registry, &text) else { return };
    let is_download = |source: &Source| match &source.content {
        SourceContent::File(path) => store.is_download(path),
        _ => false,
    };
    // Whether a server has another file by now is not seen by looking at the copy.
    if prepared.plan.sources().any(|(_, source)| is_download(source)) {
        return;
    }
    let Some(glance) = glance(prepared, sources, key) else { return };
    if let Err(error) = store.save_glance(&command, &glance) {
        tracing::debug!(%error, "what a command looked at is not remembered");
    }
}

/// All that this command looked at; nothing where that is not known, or is not the same at another time.
fn glance(prepared: &Prepared, sources: &Sources, key: &Digest) -> Option<Glance> {
    let referred = prepared.loaded.referred().filter(|referred| !referred.time)?;
    let looked = looked(&prepared.plan)?;
    let variables: BTreeSet<&str> = referred
        .variables
        .iter()
        .chain(looked.iter().flat_map(|looked| &looked.variables))
        .map(String::as_str)
        .collect();
    let no_files: BTreeSet<&Path> =
        looked.iter().flat_map(|looked| &looked.no_files).map(|path| &**path).collect();
    Glance::of(*key, variables, sources.values(), no_files)
}

/// What the stages looked at; nothing where one of them does not say, or tells of the machine.
fn looked(plan: &Plan) -> Option<Vec<&Looked>> {
    fn looked(stage: &StageNode) -> Option<&Looked> {
        stage.looked.as_ref().filter(|_| stage.device.is_none())
    }
    plan.stages().map(|(_, stage)| looked(stage)).collect()
}

/// What is known of a command before its configuration is read: the program and its stages, the working directory, the file
/// with its text, and the changes.
fn command(configuration: &Configuration, registry: &Registry, text: &Digest) -> Option<Digest> {
    let (file, changes) = configuration.request();
    let stages: Vec<_> = registry.iter().map(|stage| (stage.name(), stage.version())).collect();
    let directory = std::env::current_dir().ok()?;
    let known = (this_program()?, stages, directory, file, text, changes);
    Digest::of_value(&("command", known)).ok()
}
