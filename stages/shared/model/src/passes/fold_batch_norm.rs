//! BatchNorm into the convolution before it.

use super::{
    affine::Affine,
    patch::{Patch, shape, weight},
};
use crate::{Activation, Graph, GraphError, Layer, Op, Tensor};

/// Folds each BatchNorm into the convolution or dense layer it follows, whose bias appears, in double precision (Jacob et al., arXiv
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

/// The layer with the factors and offsets inside; none for other layers, and behind a fused activation.
fn folded(layer: &Layer, affine: &Affine) -> Result<Option<Layer>, GraphError> {
    let mut folded = layer.clone();
    let channels = affine.scale.len();
    let depth =
        |axis: usize| layer.weights.first().and_then(|kernel| kernel.shape.get(axis)).copied().unwrap_or(0);
    // A kernel is a list of runs of weights that go to channels one after the other. In a depthwise kernel these are its
    // last two axes, read as one; in a transposed one each channel has `run` weights together.
    let (kernel_shape, run, bias) = match &mut folded.op {
        Op::Conv2d(conv) if conv.activation == Activation::Linear => {
            (vec![conv.kernel.0, conv.kernel.1, depth(2), conv.filters], 1, &mut conv.bias)
        }
        Op::DepthwiseConv2d(conv) if conv.activation == Activation::Linear && conv.multiplier > 0 => {
            let depth = channels / conv.multiplier;
            (vec![conv.kernel.0, conv.kernel.1, depth, conv.multiplier], 1, &mut conv.bias)
        }
        Op::Conv2dTranspose(conv) if conv.activation == Activation::Linear => {
            (vec![conv.kernel.0, conv.kernel.1, conv.filters, depth(3)], depth(3), &mut conv.bias)
        }
        Op::Dense(dense) if dense.activation == Activation::Linear => {
            (vec![depth(0), dense.units], 1, &mut dense.bias)
        }
        _ => return Ok(None),
    };
    let had_bias = std::mem::replace(bias, true);
    let kernel = weight(layer, 0, &kernel_shape)?;
    if channels == 0 || run == 0 || !kernel.len().is_multiple_of(channels * run) {
        return Err(shape(layer, format!("does not give the {channels} channels that BatchNorm takes")));
    }
    let scaled = |(place, &w): (usize, &f32)| (f64::from(w) * affine.scale[place / run % channels]) as f32;
    let kernel = kernel.iter().enumerate().map(scaled).collect();
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
    use crate::{
        Conv2dTranspose, Dense, Padding,
        passes::evaluator::{Sketch, assert_same},
    };

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
    fn transposed_convolutions_and_dense_layers_take_it_too() {
        for (bias, padding) in [(false, Padding::Same), (true, Padding::Valid)] {
            let mut sketch = Sketch::new([3, 4, 5]);
            sketch.op(Op::Conv2dTranspose(Conv2dTranspose {
                filters: 3,
                kernel: (3, 2),
                strides: (2, 3),
                dilation: (1, 1),
                padding,
                output_padding: None,
                bias,
                activation: Activation::Linear,
            }));
            sketch.batch_norm();
            sketch.op(Op::Flatten);
            sketch.op(Op::Dense(Dense { units: 4, bias, activation: Activation::Linear }));
            sketch.batch_norm();
            let graph = sketch.finish();
            let folded = fold_batch_norm(&graph).expect("a valid graph");
            assert_same(&graph, &folded);
            assert_eq!(folded.layers.len(), 4, "both BatchNorm layers are gone");
        }
    }

    #[test]
    fn batch_norm_without_gamma_or_beta_is_folded_by_what_it_has() {
        for (scale, center) in [(false, true), (true, false), (false, false)] {
            let norm = Op::BatchNorm { momentum: 0.9, epsilon: 1e-3, scale, center };
            let mut sketch = Sketch::new([4, 4, 3]);
            sketch.conv(4, 3, 1, true);
            sketch.op(norm.clone());
            sketch.relu(None);
            sketch.op(norm);
            let graph = sketch.finish();
            let folded = fold_batch_norm(&graph).expect("a valid graph");
            assert_same(&graph, &folded);
            assert_eq!(folded.layers.len(), 4);
            assert!(matches!(folded.layers[3].op, Op::DepthwiseConv2d(_)));
        }
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
