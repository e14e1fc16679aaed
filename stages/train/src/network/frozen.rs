//! Layers that a training leaves as they are: `training.frozen_layers`.

use super::Network;
use crate::TrainError;
use contract::value::slices::LayerSlices;
use model::{Graph, Op};
use std::collections::BTreeSet;

/// Frozen layers of a graph, by position; the input is layer 0.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct FrozenLayers(BTreeSet<usize>);

impl FrozenLayers {
    /// The layers of `graph` that `slices` names, in Python's syntax; none of them where there is no text.
    ///
    /// # Errors
    /// A text that names no layers, an index for which there is no layer, and slices that leave nothing to train.
    pub(crate) fn resolve(slices: Option<&str>, graph: &Graph) -> Result<Self, TrainError> {
        let Some(text) = slices else { return Ok(Self::default()) };
        let layers = graph.layers.len();
        let frozen = Self(LayerSlices::parse(text)?.resolve(layers)?.into_iter().collect());
        let trainable: Vec<usize> =
            (0..layers).filter(|layer| trainable_weights(graph, *layer) > 0).collect();
        match trainable.last() {
            Some(last) if trainable.iter().all(|layer| frozen.contains(*layer)) => {
                Err(TrainError::NothingTrained {
                    slices: text.to_owned(),
                    layers,
                    last: *last,
                    name: graph.layers[*last].name.clone(),
                })
            }
            _ => Ok(frozen),
        }
    }

    /// Whether the layer at this position is frozen.
    pub(crate) fn contains(&self, layer: usize) -> bool {
        self.0.contains(&layer)
    }

    /// Whether no layer is.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Weights of a layer that gradients move.
fn trainable_weights(graph: &Graph, layer: usize) -> usize {
    let layer = &graph.layers[layer];
    let statistics = if matches!(layer.op, Op::BatchNorm { .. }) { 2 } else { 0 };
    layer.weights.len().saturating_sub(statistics)
}

impl Network {
    /// Leaves these layers as they are from now on, as Keras does with `trainable = False`: their parameters get no
    /// gradient, and their normalisations use the moving statistics in training too, which stay.
    pub(crate) fn freeze(&mut self, frozen: &FrozenLayers) {
        for slot in &mut self.parameters {
            slot.trainable = !frozen.contains(slot.layer);
        }
        for norm in &mut self.norms {
            norm.frozen = frozen.contains(norm.layer);
        }
    }

    /// Whether each parameter trains.
    pub(crate) fn trainable(&self) -> Vec<bool> {
        self.parameters.iter().map(|slot| slot.trainable).collect()
    }
}
