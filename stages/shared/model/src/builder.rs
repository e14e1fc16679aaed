//! Building a graph layer by layer.

use crate::{
    Graph, GraphError, Initializer, Layer, LayerId, Op, Tensor, TensorType, order::keras_order,
    shape::elements,
};
use std::collections::BTreeMap;

/// Builds a float [`Graph`]: names layers, infers shapes, makes weights, and sorts the layers as Keras does.
///
/// Layers may be added in any order in which each comes after those it reads; identifiers are valid within the builder
/// only, because [`finish`](GraphBuilder::finish) renumbers.
#[derive(Debug)]
pub struct GraphBuilder {
    name: String,
    layers: Vec<Layer>,
    names: BTreeMap<String, LayerId>,
}

impl GraphBuilder {
    /// A graph without layers.
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), layers: Vec::new(), names: BTreeMap::new() }
    }

    /// Adds the input. `shape` is `[height, width, channels]`, without the batch.
    ///
    /// # Errors
    /// A name in use, or a shape without elements.
    pub fn input(&mut self, name: impl Into<String>, shape: &[usize]) -> Result<LayerId, GraphError> {
        let name = name.into();
        match elements(shape) {
            Ok(0) => {
                return Err(GraphError::shape(name, format!("an input of shape {shape:?} has no elements")));
            }
            Ok(_) => {}
            Err(message) => return Err(GraphError::shape(name, message)),
        }
        self.push(Layer {
            name,
            op: Op::Input,
            inputs: Vec::new(),
            weights: Vec::new(),
            initializer: Initializer::default(),
            output: TensorType::f32(shape),
        })
    }

    /// Adds a layer with fresh weights: scales (gamma, moving variance) are 1, everything else 0.
    ///
    /// # Errors
    /// A name in use, or inputs that do not fit the operation.
    pub fn layer(
        &mut self,
        name: impl Into<String>,
        op: Op,
        inputs: &[LayerId],
        initializer: Initializer,
    ) -> Result<LayerId, GraphError> {
        let name = name.into();
        let output = self.infer(&name, &op, inputs)?;
        let weights = self.weight_shapes(&op, inputs).into_iter().map(|(weight, shape)| {
            let value = if matches!(weight, "gamma" | "moving_variance") { 1.0 } else { 0.0 };
            Tensor::f32(shape.clone(), vec![value; shape.iter().product()])
        });
        let weights = weights.collect();
        self.push(Layer { name, op, inputs: inputs.to_vec(), weights, initializer, output })
    }

    /// Adds a layer with weights from elsewhere, in Keras order.
    ///
    /// # Errors
    /// A name in use, inputs that do not fit the operation, or weights of other shapes than it needs.
    pub fn layer_with_weights(
        &mut self,
        name: impl Into<String>,
        op: Op,
        inputs: &[LayerId],
        initializer: Initializer,
        weights: Vec<Tensor>,
    ) -> Result<LayerId, GraphError> {
        let name = name.into();
        let output = self.infer(&name, &op, inputs)?;
        check_weights(&name, &self.weight_shapes(&op, inputs), &weights)?;
        self.push(Layer { name, op, inputs: inputs.to_vec(), weights, initializer, output })
    }

    /// Names and shapes of the weights that a layer with these inputs needs.
    #[must_use]
    pub fn weight_shapes(&self, op: &Op, inputs: &[LayerId]) -> Vec<(&'static str, Vec<usize>)> {
        inputs.first().map_or_else(Vec::new, |first| op.weight_shapes(self.shape(*first)))
    }

    /// Output shape of a layer that was added, without the batch.
    #[must_use]
    pub fn shape(&self, id: LayerId) -> &[usize] {
        &self.layers[id.0].output.shape
    }

    /// The layer of that name, if it was added.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<LayerId> {
        self.names.get(name).copied()
    }

    /// The graph that ends in `output`, its layers in Keras order. Layers that `output` does not depend on are left out, as
    /// Keras does.
    ///
    /// # Errors
    /// When the output depends on no input, or on more than one.
    pub fn finish(self, output: LayerId) -> Result<Graph, GraphError> {
        let order = keras_order(&self.layers, output);
        let mut position = vec![LayerId(0); self.layers.len()];
        for (new, old) in order.iter().enumerate() {
            position[old.0] = LayerId(new);
        }
        let mut kept: Vec<Option<Layer>> = self.layers.into_iter().map(Some).collect();
        let layers: Vec<Layer> = order.iter().filter_map(|id| kept[id.0].take()).collect();
        let mut graph = Graph { name: self.name, layers, output };
        graph.renumber(|id| position[id.0]);
        match graph.layers.iter().filter(|layer| layer.op == Op::Input).count() {
            1 => Ok(graph),
            count => Err(GraphError::Architecture(format!(
                "the network `{}` has {count} inputs; exactly one is supported",
                graph.name
            ))),
        }
    }

    fn infer(&self, name: &str, op: &Op, inputs: &[LayerId]) -> Result<TensorType, GraphError> {
        let shapes: Vec<&[usize]> = inputs.iter().map(|id| self.shape(*id)).collect();
        let shape = op.output_shape(&shapes).map_err(|message| GraphError::shape(name, message))?;
        Ok(TensorType::f32(shape))
    }

    fn push(&mut self, layer: Layer) -> Result<LayerId, GraphError> {
        let id = LayerId(self.layers.len());
        if self.names.insert(layer.name.clone(), id).is_some() {
            return Err(GraphError::shape(layer.name, "two layers have this name"));
        }
        self.layers.push(layer);
        Ok(id)
    }
}

/// Whether `weights` have the shapes an operation needs.
pub(crate) fn check_weights(
    layer: &str,
    needed: &[(&'static str, Vec<usize>)],
    weights: &[Tensor],
) -> Result<(), GraphError> {
    if needed.len() != weights.len() {
        let names: Vec<&str> = needed.iter().map(|(name, _)| *name).collect();
        return Err(GraphError::shape(
            layer,
            format!("has {} weights where {} are needed ({})", weights.len(), names.len(), names.join(", ")),
        ));
    }
    for ((name, shape), weight) in needed.iter().zip(weights) {
        if weight.shape != *shape || weight.data.len() != shape.iter().product::<usize>() {
            return Err(GraphError::shape(
                layer,
                format!("its {name} has the shape {:?} where {shape:?} is needed", weight.shape),
            ));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Activation;

    fn relu(name: &str, input: LayerId, builder: &mut GraphBuilder) -> LayerId {
        builder
            .layer(name, Op::Relu { max_value: None }, &[input], Initializer::default())
            .expect("ReLU fits every input")
    }

    #[test]
    fn layers_are_sorted_by_depth_and_then_by_the_walk_from_the_output() {
        let mut builder = GraphBuilder::new("diamond");
        let input = builder.input("in", &[2, 2, 1]).expect("a good input");
        let long = relu("long_1", input, &mut builder);
        let short = relu("short", input, &mut builder);
        let long = relu("long_2", long, &mut builder);
        relu("unused", long, &mut builder);
        let add = Op::Add { activation: Activation::Linear };
        let sum = builder.layer("sum", add, &[short, long], Initializer::default()).expect("same shapes");
        let graph = builder.finish(sum).expect("one input");
        let names: Vec<&str> = graph.layers.iter().map(|layer| layer.name.as_str()).collect();
        // `short` and `long_2` have one depth, and the walk meets the first argument of `sum` first.
        assert_eq!(names, ["in", "long_1", "short", "long_2", "sum"]);
        assert_eq!(graph.layers[4].inputs, [LayerId(2), LayerId(3)]);
        assert_eq!(graph.output, LayerId(4));
        assert_eq!(graph.check(), Ok(()));
    }

    #[test]
    fn a_name_used_twice_and_a_second_input_are_errors() {
        let mut builder = GraphBuilder::new("twice");
        let a = builder.input("a", &[1]).expect("a good input");
        assert!(builder.input("a", &[1]).is_err());
        let b = builder.input("b", &[1]).expect("a good input");
        let both = builder.layer("both", Op::Concat, &[a, b], Initializer::default()).expect("fits");
        assert!(builder.finish(both).is_err());
    }

    #[test]
    fn weights_of_another_shape_are_refused_by_name() {
        let mut builder = GraphBuilder::new("weights");
        let input = builder.input("in", &[4]).expect("a good input");
        let norm = Op::batch_norm(0.9, 1e-3);
        let mut weights = vec![Tensor::f32([4], vec![0.0; 4]); 4];
        weights[2] = Tensor::f32([3], vec![0.0; 3]);
        let refused = builder.layer_with_weights("bn", norm, &[input], Initializer::default(), weights);
        assert_eq!(
            refused.map_err(|error| error.to_string()),
            Err("layer `bn`: its moving_mean has the shape [3] where [4] is needed".into())
        );
    }
}
