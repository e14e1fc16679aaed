//! Layers that change nothing outside training.

use super::patch::Patch;
use crate::{Activation, Graph, GraphError, Op};

/// Removes Dropout and linear activations.
///
/// # Errors
/// The graph is malformed.
pub fn drop_identity(graph: &Graph) -> Result<Graph, GraphError> {
    let mut patch = Patch::of(graph)?;
    for (id, layer) in patch.layers() {
        if matches!(
            layer.op,
            Op::Dropout { .. } | Op::SpatialDropout2d { .. } | Op::Activation(Activation::Linear)
        ) {
            let input = patch.sole_input(id)?;
            patch.remove(id, input);
        }
    }
    Ok(patch.apply())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::passes::evaluator::{Sketch, assert_same};

    #[test]
    fn dropout_and_linear_activations_go_also_in_a_row_and_at_the_end() {
        let mut sketch = Sketch::new([4, 4, 3]);
        sketch.dropout(0.5);
        sketch.activation(Activation::Linear);
        sketch.conv(2, 1, 1, true);
        sketch.dropout(0.1);
        sketch.op(Op::SpatialDropout2d { rate: 0.2 });
        let graph = sketch.finish();
        let dropped = drop_identity(&graph).expect("a valid graph");
        assert_eq!(dropped.layers.len(), 2);
        assert_same(&graph, &dropped);
    }
}
