//! Layers that are others in another form.

use super::patch::{shape, weight};
use crate::{
    Activation, Conv2d, Graph, GraphError, Initializer, Layer, LayerId, Op, Padding, Tensor, TensorType,
};

/// Writes layers as the simpler ones that compute the same, which later passes and formats know:
///
/// - `SeparableConv2d` as a depthwise and a 1x1 convolution;
/// - `Dense` on a feature map as a 1x1 convolution;
/// - a sum of several inputs as sums of two;
/// - average pooling over the whole map as global pooling;
/// - `Resize` by whole factors as `Upsample`;
/// - `Softmax` as an activation, `Flatten` as Reshape, ReLUs by the plainest of their layers.
///
/// # Errors
/// The graph is malformed: inputs or weights do not fit.
pub fn plain_layers(graph: &Graph) -> Result<Graph, GraphError> {
    let mut plain = Plain { graph, layers: Vec::with_capacity(graph.layers.len()), place: Vec::new() };
    for layer in &graph.layers {
        let place = |input: &LayerId| plain.place.get(input.0).copied();
        let inputs = layer.inputs.iter().map(place).collect::<Option<_>>();
        let inputs = inputs.ok_or_else(|| shape(layer, "reads a layer that does not come before it"))?;
        let place = plain.add(Layer { inputs, ..layer.clone() })?;
        plain.place.push(place);
    }
    let output = plain.place.get(graph.output.0).copied();
    let output = output
        .ok_or_else(|| GraphError::Architecture(format!("model `{}` has no output layer", graph.name)))?;
    Ok(Graph { name: graph.name.clone(), layers: plain.layers, output })
}

/// The graph under construction: its layers, and for each layer of the one before the layer that gives its output.
struct Plain<'a> {
    graph: &'a Graph,
    layers: Vec<Layer>,
    place: Vec<LayerId>,
}

impl Plain<'_> {
    /// Adds what `layer`, which reads the new graph, is in plain layers.
    fn add(&mut self, mut layer: Layer) -> Result<LayerId, GraphError> {
        match &layer.op {
            Op::SeparableConv2d(_) => return self.add_separable(layer),
            Op::Add { .. } if layer.inputs.len() > 2 => return self.add_sums(layer),
            Op::Dense(dense) if layer.output.shape.len() == 3 => {
                let conv = Conv2d {
                    filters: dense.units,
                    kernel: (1, 1),
                    strides: (1, 1),
                    dilation: (1, 1),
                    padding: Padding::Valid,
                    bias: dense.bias,
                    activation: dense.activation,
                };
                let features = self.shape(layer.inputs.first()).last().copied().unwrap_or(0);
                let kernel = weight(&layer, 0, &[features, dense.units])?.to_vec();
                layer.weights[0] = Tensor::f32([1, 1, features, dense.units], kernel);
                layer.op = Op::Conv2d(conv);
            }
            _ => {
                if let Some(op) = self.plain(&layer) {
                    layer.op = op;
                }
            }
        }
        Ok(self.push(layer))
    }

    /// The plainer operation that `layer` is without a change of its weights; none where there is none.
    fn plain(&self, layer: &Layer) -> Option<Op> {
        let input = self.shape(layer.inputs.first());
        match &layer.op {
            Op::Softmax => Some(Op::Activation(Activation::Softmax)),
            Op::Flatten => Some(Op::Reshape { shape: layer.output.shape.clone() }),
            Op::SlopedRelu { max_value: None, negative_slope, threshold: 0.0 } => {
                Some(Op::LeakyRelu { slope: *negative_slope })
            }
            Op::LeakyRelu { slope: 0.0 } => Some(Op::Relu { max_value: None }),
            Op::AveragePool2d(pool)
                if pool.padding == Padding::Valid
                    && input.get(..2) == Some(&[pool.window.0, pool.window.1][..]) =>
            {
                Some(Op::GlobalAveragePool { keep_dims: true })
            }
            Op::Resize { size, interpolation } => {
                let factor = |from: usize, to: usize| to.is_multiple_of(from).then(|| to / from);
                let [height, width, _] = <[usize; 3]>::try_from(input).ok()?;
                let factor = (factor(height, size.0)?, factor(width, size.1)?);
                Some(Op::Upsample { factor, interpolation: *interpolation })
            }
            _ => None,
        }
    }

    fn add_separable(&mut self, layer: Layer) -> Result<LayerId, GraphError> {
        let Op::SeparableConv2d(conv) = layer.op else { return Ok(self.push(layer)) };
        let channels = self.shape(layer.inputs.first()).last().copied().unwrap_or(0);
        let kernel_shape = [conv.kernel.0, conv.kernel.1, channels, conv.multiplier];
        let kernel = weight(&layer, 0, &kernel_shape)?.to_vec();
        let [height, width, _] = layer.output.shape[..] else {
            return Err(shape(&layer, "does not give a feature map"));
        };
        let between = [height, width, channels * conv.multiplier];
        let depthwise = Layer {
            name: self.free_name(format!("{}_depthwise", layer.name)),
            op: Op::DepthwiseConv2d(conv.depthwise()),
            inputs: layer.inputs.clone(),
            weights: vec![Tensor::f32(kernel_shape, kernel)],
            initializer: layer.initializer,
            output: TensorType::f32(between),
        };
        let depthwise = self.push(depthwise);
        let weights = layer.weights[1..].to_vec();
        let op = Op::Conv2d(conv.pointwise());
        Ok(self.push(Layer { op, inputs: vec![depthwise], weights, ..layer }))
    }

    /// `((a + b) + c) + ...`; the last sum has the layer's name and activation.
    fn add_sums(&mut self, layer: Layer) -> Result<LayerId, GraphError> {
        let (Some((&last, others)), Some(&first)) = (layer.inputs.split_last(), layer.inputs.first()) else {
            return Err(shape(&layer, "has no inputs"));
        };
        let mut sum = first;
        for (number, &next) in others.iter().enumerate().skip(1) {
            let op = Op::Add { activation: Activation::Linear };
            let output = op
                .output_shape(&[self.shape(Some(&sum)), self.shape(Some(&next))])
                .map_err(|message| shape(&layer, message))?;
            let name = self.free_name(format!("{}_part_{number}", layer.name));
            sum = self.push(Layer {
                name,
                op,
                inputs: vec![sum, next],
                weights: Vec::new(),
                initializer: Initializer::default(),
                output: TensorType::f32(output),
            });
        }
        Ok(self.push(Layer { inputs: vec![sum, last], ..layer }))
    }

    fn push(&mut self, layer: Layer) -> LayerId {
        self.layers.push(layer);
        LayerId(self.layers.len() - 1)
    }

    fn shape(&self, id: Option<&LayerId>) -> &[usize] {
        id.map_or(&[][..], |id| &self.layers[id.0].output.shape)
    }

    /// The name, or a longer one where it is taken.
    fn free_name(&self, mut name: String) -> String {
        while self.graph.find(&name).is_some() || self.layers.iter().any(|layer| layer.name == name) {
            name.push('_');
        }
        name
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Dense, Interpolation, Pool2d, SeparableConv2d,
        passes::evaluator::{Sketch, assert_same},
    };

    fn ops(graph: &Graph) -> Vec<&'static str> {
        graph.layers.iter().map(|layer| layer.op.class()).collect()
    }

    #[test]
    fn a_separable_convolution_becomes_two() {
        for bias in [false, true] {
            let mut sketch = Sketch::new([6, 5, 3]);
            sketch.op(Op::SeparableConv2d(SeparableConv2d {
                filters: 4,
                multiplier: 2,
                kernel: (3, 2),
                strides: (2, 2),
                dilation: (1, 1),
                padding: Padding::Same,
                bias,
                activation: Activation::Relu,
            }));
            sketch.batch_norm();
            let graph = sketch.finish();
            let plain = plain_layers(&graph).expect("a valid graph");
            assert_eq!(ops(&plain), ["InputLayer", "DepthwiseConv2D", "Conv2D", "BatchNormalization"]);
            assert_eq!(plain.check(), Ok(()));
            assert_eq!(plain.macs(), graph.macs());
            assert_same(&graph, &plain);
        }
    }

    #[test]
    fn a_dense_layer_on_a_map_is_a_convolution_and_on_a_vector_it_stays() {
        let mut sketch = Sketch::new([3, 2, 4]);
        let dense = Op::Dense(Dense { units: 5, bias: true, activation: Activation::Linear });
        sketch.op(dense.clone());
        sketch.op(Op::Flatten);
        sketch.op(dense);
        let graph = sketch.finish();
        let plain = plain_layers(&graph).expect("a valid graph");
        assert_eq!(ops(&plain), ["InputLayer", "Conv2D", "Reshape", "Dense"]);
        assert_same(&graph, &plain);
    }

    #[test]
    fn a_sum_of_several_is_sums_of_two_and_keeps_its_activation() {
        let mut sketch = Sketch::new([3, 2, 4]);
        let parts: Vec<LayerId> = (0..4)
            .map(|_| {
                sketch.select(LayerId(0));
                sketch.conv(4, 1, 1, true)
            })
            .collect();
        sketch.op_of(Op::Add { activation: Activation::Relu }, &parts);
        let graph = sketch.finish();
        let plain = plain_layers(&graph).expect("a valid graph");
        assert_eq!(ops(&plain)[5..], ["Add", "Add", "Add"]);
        assert_eq!(plain.check(), Ok(()));
        assert_same(&graph, &plain);
    }

    #[test]
    fn pooling_and_resizing_become_what_devices_know() {
        let mut sketch = Sketch::new([4, 2, 3]);
        let pool = Pool2d { window: (4, 2), strides: (4, 2), padding: Padding::Valid };
        sketch.op(Op::AveragePool2d(pool));
        sketch.op(Op::Resize { size: (3, 2), interpolation: Interpolation::Nearest });
        sketch.op(Op::Resize { size: (4, 2), interpolation: Interpolation::Nearest });
        sketch.op(Op::SlopedRelu { max_value: None, negative_slope: 0.5, threshold: 0.0 });
        sketch.op(Op::LeakyRelu { slope: 0.0 });
        let graph = sketch.finish();
        let plain = plain_layers(&graph).expect("a valid graph");
        let wanted =
            ["InputLayer", "GlobalAveragePooling2D", "UpSampling2D", "Resizing", "LeakyReLU", "ReLU"];
        assert_eq!(ops(&plain), wanted);
        assert_same(&graph, &plain);
    }

    #[test]
    fn a_taken_name_is_avoided() {
        let mut sketch = Sketch::new([3, 2, 4]);
        let a = sketch.conv(4, 1, 1, true);
        sketch.op_of(Op::Add { activation: Activation::Linear }, &[a, a, LayerId(0)]);
        let mut graph = sketch.finish();
        graph.layers[1].name = "layer_2_part_1".into();
        let plain = plain_layers(&graph).expect("a valid graph");
        assert_eq!(plain.check(), Ok(()));
    }
}
