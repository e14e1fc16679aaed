//! The cost of a network.

use crate::{Graph, LayerId, Op};

impl Graph {
    /// Multiply-accumulates of the convolutions for one image, taps on the padding included, as is usual in the literature.
    #[must_use]
    pub fn macs(&self) -> u64 {
        (0..self.layers.len()).map(|position| self.layer_macs(LayerId(position))).sum()
    }

    /// Multiply-accumulates of one layer for one image; 0 for everything but convolutions.
    #[must_use]
    pub fn layer_macs(&self, id: LayerId) -> u64 {
        let layer = self.layer(id);
        let taps = match &layer.op {
            Op::Conv2d(conv) => {
                let input = layer.inputs.first().and_then(|input| self.layer(*input).output.shape.last());
                conv.kernel.0 * conv.kernel.1 * input.copied().unwrap_or(0)
            }
            Op::DepthwiseConv2d(conv) => conv.kernel.0 * conv.kernel.1,
            _ => 0,
        };
        taps as u64 * layer.output.len() as u64
    }
}
