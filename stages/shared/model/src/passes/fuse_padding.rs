//! Explicit zero padding into the convolution behind it.

use super::patch::Patch;
use crate::{Graph, GraphError, Op, Padding};

/// Removes a ZeroPad2d in front of a VALID convolution that SAME padding of the unpadded map equals on all four sides:
/// Keras' padding before stride-2 convolutions.
///
/// # Errors
/// The graph is malformed.
pub fn fuse_padding(graph: &Graph) -> Result<Graph, GraphError> {
    let mut patch = Patch::of(graph)?;
    for (id, layer) in patch.layers() {
        let Op::ZeroPad2d { height, width } = layer.op else { continue };
        let input = patch.sole_input(id)?;
        let [rows, columns, _] = patch.before(input).output.shape[..] else { continue };
        let Some(reader) = patch.sole_reader(id) else { continue };
        let (kernel, strides, dilation, padding) = match patch.edit(reader).map(|layer| &mut layer.op) {
            Some(Op::Conv2d(conv)) => (conv.kernel, conv.strides, conv.dilation, &mut conv.padding),
            Some(Op::DepthwiseConv2d(conv)) => (conv.kernel, conv.strides, conv.dilation, &mut conv.padding),
            _ => continue,
        };
        if *padding == Padding::Valid
            && same_padding(rows, kernel.0, strides.0, dilation.0) == Some(height)
            && same_padding(columns, kernel.1, strides.1, dilation.1) == Some(width)
        {
            *padding = Padding::Same;
            patch.remove(id, input);
        }
    }
    Ok(patch.apply())
}

/// Zeros before and after one axis under SAME padding; none when that many zeros would not give VALID the same output
/// size (a stride larger than the kernel), or for arguments that no convolution has.
fn same_padding(size: usize, kernel: usize, stride: usize, dilation: usize) -> Option<(usize, usize)> {
    let reach = kernel.checked_sub(1)?.checked_mul(dilation)?.checked_add(1)?;
    if size == 0 || stride == 0 {
        return None;
    }
    let last_tap = (size.div_ceil(stride) - 1) * stride + reach;
    let total = last_tap.saturating_sub(size);
    let valid = (size + total).checked_sub(reach)? / stride + 1;
    (valid == size.div_ceil(stride)).then_some((total / 2, total - total / 2))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::passes::evaluator::{Sketch, assert_same};

    fn padded(size: usize, pad: (usize, usize), kernel: usize, depthwise: bool) -> Graph {
        let mut sketch = Sketch::new([size, size, 2]);
        sketch.zero_pad(pad, pad);
        if depthwise {
            sketch.valid_depthwise(kernel, 2)
        } else {
            sketch.valid_conv(3, kernel, 2)
        };
        sketch.finish()
    }

    #[test]
    fn keras_padding_of_even_and_odd_maps_before_stride_two_becomes_same() {
        for depthwise in [false, true] {
            for (size, pad) in [(8, (0, 1)), (7, (1, 1))] {
                let graph = padded(size, pad, 3, depthwise);
                let fused = fuse_padding(&graph).expect("a valid graph");
                assert_eq!(fused.layers.len(), 2, "size {size}");
                assert_same(&graph, &fused);
            }
        }
    }

    #[test]
    fn padding_that_same_would_put_elsewhere_stays() {
        for (size, pad) in [(8, (1, 0)), (8, (1, 1)), (7, (0, 1)), (7, (0, 2))] {
            let graph = padded(size, pad, 3, true);
            assert_eq!(fuse_padding(&graph).expect("a valid graph"), graph, "size {size}, padding {pad:?}");
        }
    }

    #[test]
    fn padding_that_others_read_stays() {
        let mut sketch = Sketch::new([8, 8, 2]);
        let pad = sketch.zero_pad((0, 1), (0, 1));
        let left = sketch.valid_depthwise(3, 2);
        sketch.select(pad);
        let right = sketch.valid_depthwise(3, 2);
        sketch.add(left, right);
        let graph = sketch.finish();
        assert_eq!(fuse_padding(&graph).expect("a valid graph"), graph);
    }
}
