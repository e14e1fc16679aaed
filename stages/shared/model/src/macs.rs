//! The cost of a network.

use crate::{Data, Graph, LayerId, Op};

impl Graph {
    /// Multiply-accumulates of the convolutions and dense layers for one image, taps on the padding included, as is usual in the literature.
    #[must_use]
    pub fn macs(&self) -> u64 {
        (0..self.layers.len()).map(|position| self.layer_macs(LayerId(position))).sum()
    }

    /// Multiply-accumulates of one layer for one image; 0 for everything but convolutions and dense layers.
    #[must_use]
    pub fn layer_macs(&self, id: LayerId) -> u64 {
        let layer = self.layer(id);
        let input = layer.inputs.first().map_or(&[][..], |input| &self.layer(*input).output.shape);
        let channels = input.last().copied().unwrap_or(0) as u64;
        let elements = layer.output.len() as u64;
        let area = |kernel: (usize, usize)| (kernel.0 * kernel.1) as u64;
        match &layer.op {
            Op::Conv2d(conv) => area(conv.kernel) * channels * elements,
            Op::DepthwiseConv2d(conv) => area(conv.kernel) * elements,
            Op::SeparableConv2d(conv) => {
                let between = channels * conv.multiplier as u64;
                let pixels = elements / (conv.filters as u64).max(1);
                area(conv.kernel) * between * pixels + between * elements
            }
            // Each input element meets every tap of every filter.
            Op::Conv2dTranspose(conv) => {
                area(conv.kernel)
                    * conv.filters as u64
                    * input.iter().map(|size| *size as u64).product::<u64>()
            }
            Op::Dense(_) => channels * elements,
            _ => 0,
        }
    }

    /// The most bytes that the outputs of layers take at once for one image, when each is dropped after its last reader.
    #[must_use]
    pub fn peak_activations(&self) -> u64 {
        let bytes = |layer: usize| self.layers[layer].output.bytes();
        let mut last: Vec<usize> = (0..self.layers.len()).collect();
        for (position, layer) in self.layers.iter().enumerate() {
            for input in &layer.inputs {
                last[input.0] = position;
            }
        }
        let (mut live, mut peak) = (0, 0);
        for position in 0..self.layers.len() {
            live += bytes(position);
            peak = peak.max(live);
            let done = (0..=position).filter(|&layer| last[layer] == position && layer != self.output.0);
            live -= done.map(bytes).sum::<u64>();
        }
        peak
    }

    /// Bytes of all weights.
    #[must_use]
    pub fn weight_bytes(&self) -> u64 {
        let bytes = |data: &Data| data.len() as u64 * data.data_type().bytes();
        self.layers.iter().flat_map(|layer| &layer.weights).map(|weight| bytes(&weight.data)).sum()
    }
}

#[cfg(test)]
mod tests {
    use crate::{Activation, GraphBuilder, Initializer, Op};

    #[test]
    fn an_output_takes_memory_until_its_last_reader_is_done() {
        let mut builder = GraphBuilder::new("n");
        let image = builder.input("image", &[2, 2, 3]).expect("an input");
        let relu = Op::Activation(Activation::Relu);
        let a = builder.layer("a", relu.clone(), &[image], Initializer::default()).expect("a layer");
        let b = builder.layer("b", relu, &[a], Initializer::default()).expect("a layer");
        let both = builder.layer("both", Op::Concat, &[b, image], Initializer::default()).expect("a layer");
        let graph = builder.finish(both).expect("a network");
        // While `both` (24 elements) is made, `b` and the image (12 each) are there, `a` is not.
        assert_eq!((graph.peak_activations(), graph.weight_bytes()), (48 * 4, 0));
    }
}
