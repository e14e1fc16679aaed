//! Keys of the plan's stages: recipes before anything has run, key documents once the inputs exist.

use super::{Binding, PerNode, Plan};
use crate::store::{
    Digest, InputKey, KeyDocument, Manifest, RecipeDocument, SourceDigest, StatCache, StoreError,
};
use petgraph::graph::NodeIndex;
use std::collections::BTreeMap;

/// Content of the plan's sources.
pub type Sources = PerNode<SourceDigest>;

/// Digests every source of the plan, as far as the cache does not know their files, and lets it remember them.
///
/// # Errors
/// What is wrong with each source that has no digest.
pub fn digest_sources(plan: &Plan, cache: &StatCache) -> Result<Sources, Vec<StoreError>> {
    let mut digests = Sources::default();
    let mut errors = Vec::new();
    for (index, source) in plan.sources() {
        match cache.source(source) {
            Ok(digest) => {
                digests.insert(index, digest);
            }
            Err(error) => errors.push(error),
        }
    }
    cache.save();
    if errors.is_empty() { Ok(digests) } else { Err(errors) }
}

/// The recipe key of each stage.
///
/// # Errors
/// When settings cannot be part of a key.
pub fn recipes(plan: &Plan, sources: &Sources) -> Result<PerNode<Digest>, StoreError> {
    let mut recipes: PerNode<Digest> = PerNode::default();
    for (index, stage) in plan.stages() {
        let mut inputs = BTreeMap::new();
        for Binding { producer, edge } in plan.bindings(index) {
            let digest = match (sources.get(producer), recipes.get(producer)) {
                (Some(source), _) => source.digest,
                // Which of the producer's outputs it is belongs to the recipe.
                (None, Some(recipe)) => Digest::of_value(&("output", recipe, &edge.output))?,
                // Producers come first in the plan, so there is one or the other.
                (None, None) => continue,
            };
            inputs.insert(edge.port, InputKey { kind: edge.kind, digest });
        }
        let document = RecipeDocument {
            stage: stage.stage.to_owned(),
            version: stage.version,
            settings: stage.settings.clone(),
            inputs,
            device: stage.device.clone(),
        };
        recipes.insert(index, document.recipe()?);
    }
    Ok(recipes)
}

/// The key document of a stage, if all its inputs exist: its sources, and the results that the stages before it have.
///
/// # Errors
/// When a stage's result lacks an output that it promised.
pub fn key<'a>(
    plan: &Plan,
    index: NodeIndex,
    sources: &Sources,
    result: &dyn Fn(NodeIndex) -> Option<&'a Manifest>,
) -> Result<Option<KeyDocument>, StoreError> {
    let Some(stage) = plan.stage(index) else { return Ok(None) };
    let mut inputs = BTreeMap::new();
    for binding in plan.bindings(index) {
        let Some(input) = input_key(&binding, sources, result)? else { return Ok(None) };
        inputs.insert(binding.edge.port, input);
    }
    Ok(Some(KeyDocument {
        stage: stage.stage.to_owned(),
        version: stage.version,
        settings: stage.settings.clone(),
        inputs,
        device: stage.device.clone(),
    }))
}

/// The key of one bound input, if it exists.
///
/// # Errors
/// When a stage's result lacks an output that it promised.
pub fn input_key<'a>(
    binding: &Binding,
    sources: &Sources,
    result: &dyn Fn(NodeIndex) -> Option<&'a Manifest>,
) -> Result<Option<InputKey>, StoreError> {
    let Binding { producer, edge } = binding;
    if let Some(source) = sources.get(*producer) {
        return Ok(Some(InputKey { kind: edge.kind, digest: source.digest }));
    }
    let Some(manifest) = result(*producer) else { return Ok(None) };
    let output = output(manifest, edge.output.as_deref().unwrap_or_default())?;
    InputKey::file(output.kind, &output.path, output.digest).map(Some)
}

/// An output of a result.
///
/// # Errors
/// When the result has none of that name.
pub fn output<'a>(manifest: &'a Manifest, port: &str) -> Result<&'a crate::store::OutputRecord, StoreError> {
    manifest.outputs.get(port).ok_or_else(|| StoreError::BadPort {
        port: port.to_owned(),
        what: format!("`{}` is not in its stored result", manifest.key.stage),
    })
}
