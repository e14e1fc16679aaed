//! Whether a graph is sound.

use crate::{Graph, GraphError, LayerId, Op, builder::check_weights};
use std::collections::BTreeSet;

impl Graph {
    /// Checks what every user of a graph relies on: names are unique, layers come after those they read, shapes and weights
    /// are those of their operations, and the output exists.
    ///
    /// # Errors
    /// The first layer that is not sound.
    pub fn check(&self) -> Result<(), GraphError> {
        let mut names = BTreeSet::new();
        for (position, layer) in self.layers.iter().enumerate() {
            if !names.insert(&layer.name) {
                return Err(GraphError::shape(&layer.name, "two layers have this name"));
            }
            if let Some(late) = layer.inputs.iter().find(|input| input.0 >= position) {
                let message =
                    format!("reads the layer at position {}, which does not come before it", late.0);
                return Err(GraphError::shape(&layer.name, message));
            }
            self.check_shapes(LayerId(position))?;
        }
        if self.output.0 >= self.layers.len() {
            return Err(GraphError::Architecture(format!("the network `{}` has no output layer", self.name)));
        }
        Ok(())
    }

    fn check_shapes(&self, id: LayerId) -> Result<(), GraphError> {
        let layer = self.layer(id);
        let inputs: Vec<&[usize]> =
            layer.inputs.iter().map(|input| self.layer(*input).output.shape.as_slice()).collect();
        if layer.op == Op::Input {
            return if inputs.is_empty() {
                Ok(())
            } else {
                Err(GraphError::shape(&layer.name, "an input reads nothing"))
            };
        }
        let shape =
            layer.op.output_shape(&inputs).map_err(|message| GraphError::shape(&layer.name, message))?;
        if shape != layer.output.shape {
            let message = format!("its output is said to be {:?} and is {shape:?}", layer.output.shape);
            return Err(GraphError::shape(&layer.name, message));
        }
        let needed = inputs.first().map_or_else(Vec::new, |first| layer.op.weight_shapes(first));
        check_weights(&layer.name, &needed, &layer.weights)
    }
}
