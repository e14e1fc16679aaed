//! Activations into the layers before them.

use super::patch::Patch;
use crate::{Activation, Graph, GraphError, Op};

/// Fuses ReLU and ReLU6 into the convolution or Add whose output nothing else sees.
///
/// # Errors
/// The graph is malformed.
pub fn fuse_activation(graph: &Graph) -> Result<Graph, GraphError> {
    let mut patch = Patch::of(graph)?;
    for (id, layer) in patch.layers() {
        let Some(activation) = clipping(&layer.op) else { continue };
        let producer = patch.sole_input(id)?;
        if patch.sole_reader(producer).is_none() {
            continue;
        }
        let slot = match patch.edit(producer).map(|layer| &mut layer.op) {
            Some(Op::Conv2d(conv)) => &mut conv.activation,
            Some(Op::DepthwiseConv2d(conv)) => &mut conv.activation,
            Some(Op::Add { activation }) => activation,
            _ => continue,
        };
        if *slot == Activation::Linear {
            *slot = activation;
            patch.remove(id, producer);
        }
    }
    Ok(patch.apply())
}

/// The fusable activation that a layer stands for.
fn clipping(op: &Op) -> Option<Activation> {
    match op {
        Op::Relu { max_value: None } | Op::Activation(Activation::Relu) => Some(Activation::Relu),
        Op::Activation(Activation::Relu6) => Some(Activation::Relu6),
        Op::Relu { max_value: Some(max) } if max.to_bits() == 6.0_f32.to_bits() => Some(Activation::Relu6),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::passes::evaluator::{Sketch, assert_same};

    #[test]
    fn relu_and_relu6_go_into_convolutions_and_sums() {
        let mut sketch = Sketch::new([5, 5, 3]);
        sketch.conv(4, 3, 1, true);
        let left = sketch.relu(None);
        sketch.depthwise(3, 1, true);
        let right = sketch.relu(Some(6.0));
        sketch.add(left, right);
        sketch.activation(Activation::Relu);
        let graph = sketch.finish();
        let fused = fuse_activation(&graph).expect("a valid graph");
        assert_same(&graph, &fused);
        assert_eq!(fused.layers.len(), 4, "input, two convolutions, sum");
        assert_eq!(fused.layers[3].op, Op::Add { activation: Activation::Relu });
    }

    #[test]
    fn an_activation_stays_where_others_see_the_output_before_it() {
        let mut sketch = Sketch::new([5, 5, 3]);
        let conv = sketch.conv(3, 3, 1, true);
        let relu = sketch.relu(None);
        sketch.add(conv, relu);
        let graph = sketch.finish();
        let fused = fuse_activation(&graph).expect("a valid graph");
        assert_eq!(fused, graph);
    }

    #[test]
    fn bounds_other_than_six_and_softmax_are_not_fused() {
        let mut sketch = Sketch::new([5, 5, 3]);
        sketch.conv(3, 3, 1, true);
        sketch.relu(Some(4.0));
        sketch.conv(3, 1, 1, true);
        sketch.activation(Activation::Softmax);
        let graph = sketch.finish();
        assert_eq!(fuse_activation(&graph).expect("a valid graph"), graph);
    }
}
