//! What a network takes: multiply-accumulates and flash, layer by layer.

use model::{Data, DataType, Graph, LayerId, Op, Tensor};

/// Flash that a scale of integer weights takes: a 32-bit multiplier and a 32-bit shift, as CMSIS-NN and TensorFlow Lite
/// Micro keep them.
const SCALE: u64 = 8;

/// Flash of weights by what they are, bytes. Code and the network's structure are not part of it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Flash {
    /// Kernels: 4 bytes a weight in float networks, 1 in int8 ones.
    pub(crate) kernels: u64,
    /// Biases: 4 bytes each, float or 32-bit integer.
    pub(crate) biases: u64,
    /// Scales of integer weights, one a channel where weights are quantized per channel.
    pub(crate) scales: u64,
}

impl Flash {
    pub(crate) fn of(weights: &[Tensor]) -> Self {
        weights.iter().map(Self::of_tensor).fold(Self::default(), Self::plus)
    }

    fn of_tensor(tensor: &Tensor) -> Self {
        let bytes = tensor.data.len() as u64 * tensor.data.data_type().bytes();
        // Kernels have four axes here, whatever the operation; biases one.
        let (kernels, biases) = if tensor.shape.len() > 1 { (bytes, 0) } else { (0, bytes) };
        let scaled = matches!(tensor.data, Data::I8(_) | Data::U8(_));
        let scales = tensor.quant.as_ref().filter(|_| scaled).map_or(0, |quant| quant.scales.len() as u64);
        Self { kernels, biases, scales: scales * SCALE }
    }

    fn plus(self, other: Self) -> Self {
        Self {
            kernels: self.kernels + other.kernels,
            biases: self.biases + other.biases,
            scales: self.scales + other.scales,
        }
    }

    pub(crate) fn bytes(self) -> u64 {
        self.kernels + self.biases + self.scales
    }
}

/// What a layer takes.
pub(crate) struct LayerCost<'a> {
    pub(crate) name: &'a str,
    pub(crate) operation: &'static str,
    pub(crate) output: &'a [usize],
    pub(crate) data_type: DataType,
    pub(crate) macs: u64,
    pub(crate) parameters: u64,
    pub(crate) flash: Flash,
    /// Bytes of its output.
    pub(crate) activation: u64,
}

/// What a network takes.
pub(crate) struct Cost<'a> {
    pub(crate) layers: Vec<LayerCost<'a>>,
}

impl<'a> Cost<'a> {
    pub(crate) fn of(graph: &'a Graph) -> Self {
        let layer = |position: usize| {
            let layer = &graph.layers[position];
            LayerCost {
                name: &layer.name,
                operation: operation(&layer.op),
                output: &layer.output.shape,
                data_type: layer.output.data_type,
                macs: graph.layer_macs(LayerId(position)),
                parameters: layer.weights.iter().map(|weight| weight.data.len() as u64).sum(),
                flash: Flash::of(&layer.weights),
                activation: layer.output.bytes(),
            }
        };
        Self { layers: (0..graph.layers.len()).map(layer).collect() }
    }

    pub(crate) fn macs(&self) -> u64 {
        self.layers.iter().map(|layer| layer.macs).sum()
    }

    pub(crate) fn parameters(&self) -> u64 {
        self.layers.iter().map(|layer| layer.parameters).sum()
    }

    pub(crate) fn flash(&self) -> Flash {
        self.layers.iter().map(|layer| layer.flash).fold(Flash::default(), Flash::plus)
    }
}

/// The operation's name as tables show it: that of the Keras layer or TensorFlow Lite operator.
pub(crate) fn operation(op: &Op) -> &'static str {
    match op {
        Op::Input => "Input",
        op => op.class(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::Quant;

    #[test]
    fn int8_weights_take_a_byte_biases_four_and_each_scale_eight() {
        let quant = Quant { scales: vec![0.1; 4], zero_points: vec![0; 4], axis: Some(3) };
        let kernel = Tensor { shape: vec![3, 3, 2, 4], data: Data::I8(vec![1; 72]), quant: Some(quant) };
        let quant = Quant { scales: vec![0.1; 4], zero_points: vec![0; 4], axis: Some(0) };
        let bias = Tensor { shape: vec![4], data: Data::I32(vec![1; 4]), quant: Some(quant) };
        let flash = Flash::of(&[kernel, bias]);
        assert_eq!(flash, Flash { kernels: 72, biases: 16, scales: 32 });
        assert_eq!(flash.bytes(), 120);
    }

    #[test]
    fn float_weights_take_four_bytes_and_have_no_scales() {
        let weights = [Tensor::f32([3, 3, 2, 4], vec![0.0; 72]), Tensor::f32([4], vec![0.0; 4])];
        assert_eq!(Flash::of(&weights), Flash { kernels: 288, biases: 16, scales: 0 });
    }
}
