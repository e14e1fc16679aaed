//! BatchNorm into the convolution before it.

use super::{
    affine::Affine,
    patch::{Patch, shape, weight},
};
use crate::{Activation, Graph, GraphError, Layer, Op, Tensor};

/// Folds each BatchNorm into the convolution it follows, whose bias appears, in double precision (Jacob et al., arXiv
/// 1712.05877, section 3.2, with moving statistics). Where there is no such convolution, or others see its output too,
/// BatchNorm on a feature map becomes a 1x1 depthwise convolution.
///
/// # Errors
/// A layer's weights do not fit its operation.
pub fn fold_batch_norm(graph: &Graph) -> Result<Graph, GraphError> {
    let mut patch = Patch::of(graph)?;
    for (id, layer) in patch.layers() {
        let Op::BatchNorm { epsilon, .. } = layer.op else { continue };
        let affine = Affine::of_batch_norm(layer, epsilon)?;
        let producer = patch.sole_input(id)?;
        let folded = match patch.sole_reader(producer) {
            Some(_) => folded(patch.before(producer), &affine)?,
            None => None,
        };
        if let Some(folded) = folded {
            if let Some(slot) = patch.edit(producer) {
                *slot = folded;
            }
            patch.remove(id, producer);
        } else if layer.output.shape.len() == 3
            && let Some(layer) = patch.edit(id)
        {
            affine.become_depthwise(layer);
        }
    }
    Ok(patch.apply())
}

/// The convolution with the factors and offsets inside; none for other layers, and behind a fused activation.
fn folded(layer: &Layer, affine: &Affine) -> Result<Option<Layer>, GraphError> {
    let mut folded = layer.clone();
    // Channels are the inner index of both kernels once a depthwise kernel's last two axes are read as one.
    let (kernel_shape, had_bias) = match &mut folded.op {
        Op::Conv2d(conv) if conv.activation == Activation::Linear => {
            let depth = layer.weights.first().and_then(|kernel| kernel.shape.get(2)).copied().unwrap_or(0);
            let had_bias = std::mem::replace(&mut conv.bias, true);
            ([conv.kernel.0, conv.kernel.1, depth, conv.filters], had_bias)
        }
        Op::DepthwiseConv2d(conv) if conv.activation == Activation::Linear && conv.multiplier > 0 => {
            let depth = affine.scale.len() / conv.multiplier;
            let had_bias = std::mem::replace(&mut conv.bias, true);
            ([conv.kernel.0, conv.kernel.1, depth, conv.multiplier], had_bias)
        }
        _ => return Ok(None),
    };
    let channels = affine.scale.len();
    let kernel = weight(layer, 0, &kernel_shape)?;
    if channels == 0 || !kernel.len().is_multiple_of(channels) {
        return Err(shape(layer, format!("does not give the {channels} channels that BatchNorm takes")));
    }
    let kernel = kernel
        .chunks_exact(channels)
        .flat_map(|row| row.iter().zip(&affine.scale).map(|(&w, &scale)| (f64::from(w) * scale) as f32))
        .collect();
    let bias: Vec<f32> = if had_bias {
        weight(layer, 1, &[channels])?
            .iter()
            .zip(affine.scale.iter().zip(&affine.offset))
            .map(|(&bias, (&scale, &offset))| (f64::from(bias) * scale + offset) as f32)
            .collect()
    } else {
        affine.offset.iter().map(|&offset| offset as f32).collect()
    };
    folded.weights = vec![Tensor::f32(kernel_shape, kernel), Tensor::f32([channels], bias)];
    Ok(Some(folded))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::passes::evaluator::{Sketch, assert_same};

    #[test]
    fn batch_norm_goes_into_the_convolution_before_it_and_a_bias_appears() {
        for bias in [false, true] {
            let mut sketch = Sketch::new([6, 5, 3]);
            sketch.conv(4, 3, 2, bias);
            sketch.batch_norm();
            sketch.depthwise(3, 1, bias);
            sketch.batch_norm();
            let graph = sketch.finish();
            let folded = fold_batch_norm(&graph).expect("a valid graph");
            assert_same(&graph, &folded);
            assert_eq!(folded.layers.len(), 3, "both BatchNorm layers are gone");
            assert!(folded.layers.iter().skip(1).all(|layer| layer.weights.len() == 2), "kernel and bias");
        }
    }

    #[test]
    fn a_depthwise_multiplier_scales_each_of_its_channels() {
        let mut sketch = Sketch::new([5, 5, 3]);
        sketch.depthwise_times(2);
        sketch.batch_norm();
        let graph = sketch.finish();
        let folded = fold_batch_norm(&graph).expect("a valid graph");
        assert_same(&graph, &folded);
        assert_eq!(folded.layers.len(), 2);
    }

    #[test]
    fn batch_norm_whose_convolution_is_seen_by_others_becomes_a_depthwise_convolution() {
        let mut sketch = Sketch::new([4, 4, 3]);
        let conv = sketch.conv(3, 1, 1, false);
        let norm = sketch.batch_norm();
        sketch.add(conv, norm);
        let graph = sketch.finish();
        let folded = fold_batch_norm(&graph).expect("a valid graph");
        assert_same(&graph, &folded);
        assert!(matches!(folded.layer(norm).op, Op::DepthwiseConv2d(_)));
    }

    #[test]
    fn batch_norm_behind_an_activation_stays_behind_it() {
        let mut sketch = Sketch::new([4, 4, 3]);
        sketch.conv(3, 1, 1, false);
        sketch.relu(Some(6.0));
        sketch.batch_norm();
        let graph = sketch.finish();
        assert_same(&graph, &fold_batch_norm(&graph).expect("a valid graph"));
    }

    #[test]
    fn weights_of_a_wrong_shape_are_an_error_that_names_the_layer() {
        let mut sketch = Sketch::new([4, 4, 3]);
        sketch.conv(3, 1, 1, false);
        let norm = sketch.batch_norm();
        let mut graph = sketch.finish();
        graph.layers[norm.0].weights[2] = Tensor::f32([2], vec![0.0; 2]);
        let error = fold_batch_norm(&graph).expect_err("two means for three channels");
        assert!(error.to_string().contains(&graph.layers[norm.0].name), "{error}");
    }
}
