//! The weights of a backbone from another model.

use super::StartError;
use crate::TrainError;
use formats::keras::{NamedShape, WeightsFile};
use model::{Graph, Layer, LayerId, Tensor};
use std::{collections::BTreeSet, path::Path};

/// Copies the weights of all layers up to `end` by name from the file at `path`, which users call `name`. Gives the
/// positions of these layers.
///
/// # Errors
/// A file that cannot be read; the first layer, in the order of the network, that is missing there or has another shape.
pub(super) fn take_over(
    graph: &mut Graph,
    end: &str,
    path: &Path,
    name: &str,
) -> Result<BTreeSet<usize>, TrainError> {
    let layers = up_to(graph, end);
    let needed: Vec<(usize, Vec<Needed>)> = layers
        .iter()
        .map(|position| (*position, needed(graph, LayerId(*position))))
        .filter(|(_, needed)| !needed.is_empty())
        .collect();
    let source = Weights::open(path, name)?;
    let names: Vec<&str> = needed.iter().map(|(position, _)| graph.layers[*position].name.as_str()).collect();
    let names = source.names(&names)?;
    for ((position, needed), there) in needed.iter().zip(names) {
        graph.layers[*position].weights = source.layer(&graph.layers[*position], &there, needed)?;
    }
    Ok(layers)
}

/// Where weights are found by the names of layers.
struct Weights {
    name: String,
    kind: Kind,
}

enum Kind {
    /// A Keras HDF5 file, of which the layers that are wanted are read, whatever its other layers are.
    File(WeightsFile),
    /// A model of another format.
    Graph(Graph),
}

/// Name and shape of one of a layer's weights.
type Needed = (&'static str, Vec<usize>);

impl Weights {
    fn open(path: &Path, name: &str) -> Result<Self, TrainError> {
        let extension = Path::new(name).extension().map(|text| text.to_string_lossy().to_ascii_lowercase());
        let kind = match extension.as_deref() {
            Some("h5" | "hdf5") => Kind::File(WeightsFile::open(path, name)?),
            _ => Kind::Graph(formats::read_model(path, name)?),
        };
        Ok(Self { name: format!("`{name}`"), kind })
    }

    /// What these layers are called there. A file in which not one of them is named was saved from a network with other
    /// names, as early weights of Keras were: its layers are taken one after the other, which is how Keras reads such a
    /// file. Their shapes tell whether they are the same.
    fn names(&self, layers: &[&str]) -> Result<Vec<String>, TrainError> {
        let same = || layers.iter().map(|layer| (*layer).to_owned()).collect();
        let Kind::File(file) = &self.kind else { return Ok(same()) };
        if file.layers().iter().any(|layer| layers.contains(&layer.as_str())) {
            return Ok(same());
        }
        let mut names = Vec::new();
        for layer in file.layers() {
            if file.has_weights(layer)? {
                names.push(layer.clone());
            }
        }
        // Where there are fewer, the first one that is missing is told by its own name.
        let missing = layers.iter().skip(names.len()).map(|layer| (*layer).to_owned());
        names.extend(missing.collect::<Vec<_>>());
        Ok(names)
    }

    /// The weights of a layer, which is called `there` in the file.
    fn layer(&self, layer: &Layer, there: &str, needed: &[Needed]) -> Result<Vec<Tensor>, TrainError> {
        let Some(found) = self.shapes(there, layer.op.class())? else {
            return Err(StartError::NoLayer { file: self.name.clone(), layer: layer.name.clone() }.into());
        };
        for (weight, wanted) in needed {
            let (file, layer) = (self.name.clone(), layer.name.clone());
            match found.iter().find(|(name, _)| name == weight) {
                Some((_, shape)) if shape == wanted => {}
                Some((_, shape)) => {
                    let (weight, found, wanted) = ((*weight).to_owned(), shape.clone(), wanted.clone());
                    return Err(StartError::OtherShape { file, layer, weight, found, wanted }.into());
                }
                None => return Err(StartError::NoWeight { file, layer, weight }.into()),
            }
        }
        match &self.kind {
            Kind::File(file) => Ok(file.weights(there, layer.op.class(), needed)?),
            Kind::Graph(graph) => {
                Ok(graph.find(there).map(|id| graph.layer(id).weights.clone()).unwrap_or_default())
            }
        }
    }

    fn shapes(&self, layer: &str, class: &str) -> Result<Option<Vec<NamedShape>>, TrainError> {
        match &self.kind {
            Kind::File(file) => Ok(file.shapes(layer, class)?),
            Kind::Graph(graph) => Ok(graph.find(layer).map(|id| {
                let needed = needed(graph, id);
                needed.into_iter().map(|(name, shape)| (name.to_owned(), shape)).collect()
            })),
        }
    }
}

fn needed(graph: &Graph, id: LayerId) -> Vec<Needed> {
    let layer = graph.layer(id);
    match layer.inputs.first() {
        Some(input) => layer.op.weight_shapes(&graph.layer(*input).output.shape),
        None => Vec::new(),
    }
}

/// Positions of the layer of this name and of all that it depends on.
fn up_to(graph: &Graph, end: &str) -> BTreeSet<usize> {
    let mut found: BTreeSet<usize> = graph.find(end).map(|id| id.0).into_iter().collect();
    let mut open: Vec<usize> = found.iter().copied().collect();
    while let Some(position) = open.pop() {
        for input in &graph.layers[position].inputs {
            if found.insert(input.0) {
                open.push(input.0);
            }
        }
    }
    found
}
