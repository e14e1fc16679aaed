//! The graph and its layers.

use crate::{Op, Tensor, TensorType};
use thiserror::Error;

/// Position of a layer in [`Graph::layers`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LayerId(pub usize);

/// A network: layers in Keras order, each after the layers it reads.
#[derive(Debug, Clone, PartialEq)]
pub struct Graph {
    /// Name of the model.
    pub name: String,
    /// The layers. Their order is that of Keras' `model.layers`, which is also an order of execution.
    pub layers: Vec<Layer>,
    /// The layer whose output is the network's.
    pub output: LayerId,
}

/// A node of the graph.
#[derive(Debug, Clone, PartialEq)]
pub struct Layer {
    /// Keras name, unique in the graph.
    pub name: String,
    /// What it computes.
    pub op: Op,
    /// What it reads.
    pub inputs: Vec<LayerId>,
    /// Its weights in Keras order; see [`Op`] for each operation's.
    pub weights: Vec<Tensor>,
    /// How its kernel starts before training.
    pub initializer: Initializer,
    /// What it gives.
    pub output: TensorType,
}

impl Layer {
    /// The weight of that name (see [`Op::weight_shapes`]): a BatchNorm without `gamma` has none.
    #[must_use]
    pub fn weight(&self, name: &str) -> Option<&Tensor> {
        // Names do not depend on the shape that the layer reads.
        let position = self.op.weight_shapes(&[1]).iter().position(|(weight, _)| *weight == name)?;
        self.weights.get(position)
    }
}

/// How a kernel starts before training: Keras' initialisers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Initializer {
    /// Uniform within `sqrt(6 / (fan_in + fan_out))` (Glorot and Bengio 2010); Keras' default.
    #[default]
    GlorotUniform,
    /// Truncated normal of variance `2 / fan_in` (He et al., arXiv 1502.01852).
    HeNormal,
}

/// Why a graph cannot be built.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum GraphError {
    /// A layer's inputs do not fit its operation.
    #[error("layer `{layer}`: {message}")]
    Shape {
        /// Its name.
        layer: String,
        /// What does not fit.
        message: String,
    },
    /// Arguments that no network of this architecture has.
    #[error("{0}")]
    Architecture(String),
}

impl GraphError {
    /// A layer that does not fit its inputs.
    pub fn shape(layer: impl Into<String>, message: impl Into<String>) -> Self {
        Self::Shape { layer: layer.into(), message: message.into() }
    }
}

impl Graph {
    /// The layer at `id`.
    #[must_use]
    pub fn layer(&self, id: LayerId) -> &Layer {
        &self.layers[id.0]
    }

    /// The layer of that name.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<LayerId> {
        self.layers.iter().position(|layer| layer.name == name).map(LayerId)
    }

    /// The input layer.
    #[must_use]
    pub fn input(&self) -> Option<LayerId> {
        self.layers.iter().position(|layer| layer.op == Op::Input).map(LayerId)
    }

    /// Names every layer that a layer or the output refers to by its new place in the list.
    pub(crate) fn renumber(&mut self, moved: impl Fn(LayerId) -> LayerId) {
        let references = self.layers.iter_mut().flat_map(|layer| &mut layer.inputs);
        references.chain([&mut self.output]).for_each(|id| *id = moved(*id));
    }

    /// Type of the network's output.
    #[must_use]
    pub fn output_type(&self) -> &TensorType {
        &self.layer(self.output).output
    }

    /// Number of weights, moving statistics included.
    #[must_use]
    pub fn parameters(&self) -> usize {
        self.layers.iter().flat_map(|layer| &layer.weights).map(|weight| weight.data.len()).sum()
    }
}
