//! A change to a graph: what each pass returns in spirit.

use crate::{Graph, GraphError, Layer, LayerId, Tensor};

/// A graph under change. Layers are edited or removed in place, readers of a removed layer are pointed to another, and
/// [`Patch::apply`] closes the gaps; the order of what stays is kept, so it remains an order of execution.
pub(super) struct Patch<'a> {
    graph: &'a Graph,
    layers: Vec<Option<Layer>>,
    instead: Vec<LayerId>,
    readers: Vec<Vec<LayerId>>,
}

impl<'a> Patch<'a> {
    /// An empty change.
    ///
    /// # Errors
    /// The graph is malformed: a layer reads one that does not come before it.
    pub(super) fn of(graph: &'a Graph) -> Result<Self, GraphError> {
        let mut readers = vec![Vec::new(); graph.layers.len()];
        for (index, layer) in graph.layers.iter().enumerate() {
            for input in &layer.inputs {
                if input.0 >= index {
                    return Err(shape(layer, "reads a layer that does not come before it"));
                }
                readers[input.0].push(LayerId(index));
            }
        }
        if graph.output.0 >= graph.layers.len() {
            return Err(GraphError::Architecture(format!("model `{}` has no output layer", graph.name)));
        }
        Ok(Self {
            graph,
            layers: graph.layers.iter().cloned().map(Some).collect(),
            instead: (0..graph.layers.len()).map(LayerId).collect(),
            readers,
        })
    }

    /// The layers of the graph as it was.
    pub(super) fn layers(&self) -> impl Iterator<Item = (LayerId, &'a Layer)> + use<'a> {
        self.graph.layers.iter().enumerate().map(|(index, layer)| (LayerId(index), layer))
    }

    /// A layer as it was.
    pub(super) fn before(&self, id: LayerId) -> &'a Layer {
        self.graph.layer(id)
    }

    /// The only input of a layer.
    pub(super) fn sole_input(&self, id: LayerId) -> Result<LayerId, GraphError> {
        let layer = self.before(id);
        match layer.inputs[..] {
            [input] => Ok(input),
            _ => Err(shape(layer, format!("has {} inputs instead of one", layer.inputs.len()))),
        }
    }

    /// The only layer that sees the output of `id`; none when there are others, or when it is the network's output.
    pub(super) fn sole_reader(&self, id: LayerId) -> Option<LayerId> {
        match self.readers[id.0][..] {
            [reader] if id != self.graph.output => Some(reader),
            _ => None,
        }
    }

    /// The layer as it will be, unless it was removed.
    pub(super) fn edit(&mut self, id: LayerId) -> Option<&mut Layer> {
        self.layers[id.0].as_mut()
    }

    /// Takes `id` out; what read it reads `instead`, which comes before it.
    pub(super) fn remove(&mut self, id: LayerId, instead: LayerId) {
        self.layers[id.0] = None;
        self.instead[id.0] = instead;
    }

    /// The changed graph.
    pub(super) fn apply(self) -> Graph {
        // A removed layer points further back, so one sweep in order resolves chains of removals.
        let mut place = vec![LayerId(0); self.layers.len()];
        let mut layers = Vec::with_capacity(self.layers.len());
        for (index, layer) in self.layers.into_iter().enumerate() {
            let Some(mut layer) = layer else {
                place[index] = place[self.instead[index].0];
                continue;
            };
            for input in &mut layer.inputs {
                *input = place[input.0];
            }
            place[index] = LayerId(layers.len());
            layers.push(layer);
        }
        Graph { name: self.graph.name.clone(), layers, output: place[self.graph.output.0] }
    }
}

/// A layer that does not fit its operation.
pub(super) fn shape(layer: &Layer, message: impl Into<String>) -> GraphError {
    GraphError::Shape { layer: layer.name.clone(), message: message.into() }
}

/// The floats of weight `index` of a layer, which must have `shape`.
pub(super) fn weight<'l>(layer: &'l Layer, index: usize, wanted: &[usize]) -> Result<&'l [f32], GraphError> {
    let tensor = layer.weights.get(index).ok_or_else(|| {
        shape(layer, format!("has {} weights, number {} is missing", layer.weights.len(), index + 1))
    })?;
    floats(layer, tensor, &format!("weight {}", index + 1), wanted)
}

/// The floats of the weight of that name, which must have `shape`.
pub(super) fn named_weight<'l>(
    layer: &'l Layer,
    name: &str,
    wanted: &[usize],
) -> Result<&'l [f32], GraphError> {
    let tensor = layer.weight(name).ok_or_else(|| shape(layer, format!("has no {name}")))?;
    floats(layer, tensor, name, wanted)
}

fn floats<'l>(
    layer: &Layer,
    tensor: &'l Tensor,
    name: &str,
    wanted: &[usize],
) -> Result<&'l [f32], GraphError> {
    let values = tensor.as_f32().ok_or_else(|| shape(layer, format!("{name} is not a float tensor")))?;
    if tensor.shape != wanted || values.len() != wanted.iter().product::<usize>() {
        return Err(shape(layer, format!("{name} has the shape {:?} instead of {wanted:?}", tensor.shape)));
    }
    Ok(values)
}

/// Number of channels of a layer's output.
pub(super) fn channels(layer: &Layer) -> Result<usize, GraphError> {
    layer.output.shape.last().copied().ok_or_else(|| shape(layer, "has an output without axes"))
}
