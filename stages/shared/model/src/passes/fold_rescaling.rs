//! Rescale layers as convolutions.

use super::{
    affine::Affine,
    patch::{Patch, channels},
};
use crate::{Graph, GraphError, Op};

/// Turns each Rescale of a feature map into a 1x1 depthwise convolution, which quantizes like any other.
///
/// # Errors
/// The graph is malformed.
pub fn fold_rescaling(graph: &Graph) -> Result<Graph, GraphError> {
    let mut patch = Patch::of(graph)?;
    for (id, layer) in patch.layers() {
        if let Op::Rescale { scale, offset } = layer.op
            && layer.output.shape.len() == 3
        {
            let affine = Affine::uniform(channels(layer)?, scale, offset);
            if let Some(layer) = patch.edit(id) {
                affine.become_depthwise(layer);
            }
        }
    }
    Ok(patch.apply())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::passes::{
        evaluator::{Sketch, assert_same},
        with_rescaling,
    };

    #[test]
    fn a_rescaled_network_computes_the_same_with_a_convolution_in_its_place() {
        let mut sketch = Sketch::new([4, 4, 3]);
        sketch.conv(3, 3, 1, true);
        let graph = with_rescaling(&sketch.finish(), 0.5, -1.0).expect("a valid graph");
        let folded = fold_rescaling(&graph).expect("a valid graph");
        assert!(folded.layers.iter().all(|layer| !matches!(layer.op, Op::Rescale { .. })));
        assert_same(&graph, &folded);
    }
}
