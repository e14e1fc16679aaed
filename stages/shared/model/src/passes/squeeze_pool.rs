//! Global pooling that keeps its axes.

use super::patch::Patch;
use crate::{Graph, GraphError, Op};

/// Replaces global average pooling to `[C]` followed by a Reshape to `[1, 1, C]` by pooling that keeps its axes, as
/// devices compute it (one MEAN).
///
/// # Errors
/// The graph is malformed.
pub fn squeeze_pool(graph: &Graph) -> Result<Graph, GraphError> {
    let mut patch = Patch::of(graph)?;
    for (id, layer) in patch.layers() {
        let Op::Reshape { shape } = &layer.op else { continue };
        let pool = patch.sole_input(id)?;
        let pooled = patch.before(pool);
        if pooled.op != (Op::GlobalAveragePool { keep_dims: false })
            || patch.sole_reader(pool).is_none()
            || !matches!(shape[..], [1, 1, channels] if pooled.output.shape == [channels])
        {
            continue;
        }
        if let Some(pool) = patch.edit(pool) {
            pool.op = Op::GlobalAveragePool { keep_dims: true };
            pool.output.shape.clone_from(shape);
        }
        patch.remove(id, pool);
    }
    Ok(patch.apply())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::passes::evaluator::{Sketch, assert_same};

    #[test]
    fn pooling_and_reshape_become_pooling_that_keeps_its_axes() {
        let mut sketch = Sketch::new([4, 5, 3]);
        sketch.pool();
        sketch.reshape(&[1, 1, 3]);
        sketch.conv(2, 1, 1, true);
        let graph = sketch.finish();
        let squeezed = squeeze_pool(&graph).expect("a valid graph");
        assert_eq!(squeezed.layers.len(), 3);
        assert_eq!(squeezed.layers[1].output.shape, [1, 1, 3]);
        assert_same(&graph, &squeezed);
    }

    #[test]
    fn a_reshape_to_another_shape_stays() {
        let mut sketch = Sketch::new([4, 5, 4]);
        sketch.pool();
        sketch.reshape(&[2, 1, 2]);
        let graph = sketch.finish();
        assert_eq!(squeeze_pool(&graph).expect("a valid graph"), graph);
    }
}
