//! From the graph to the plan of a [`Network`].

use super::{
    Kind, Network, Node, NormSlot, Slot,
    geometry::{Border, Sliding, image, transposed},
};
use crate::{
    TrainError,
    ops::{Bounds, Curve, NormOptions, Pool, Pooling, Resize, Window},
};
use model::{Activation, Graph, Interpolation, Layer, Op, Padding};

impl Network {
    /// Plans the network of a float graph.
    ///
    /// A `ReLU` after a normalisation that nothing else reads becomes part of it, and zero padding becomes part of the
    /// unpadded convolution behind it.
    ///
    /// # Errors
    /// Graphs whose layers do not fit together, layers of quantized graphs, tensors of more than three axes.
    pub(crate) fn build(graph: &Graph) -> Result<Self, TrainError> {
        graph.check()?;
        let mut builder = Builder {
            graph,
            readers: readers(graph),
            node_of: vec![0; graph.layers.len()],
            padding: vec![None; graph.layers.len()],
            network: Self { nodes: vec![], output: 0, parameters: vec![], norms: vec![] },
        };
        for index in 0..graph.layers.len() {
            builder.node_of[index] = builder.add_layer(index)?;
        }
        let mut network = builder.network;
        network.output = builder.node_of[graph.output.0];
        for index in 0..network.nodes.len() {
            for input in network.nodes[index].inputs.clone() {
                network.nodes[input].uses += 1;
            }
        }
        network.nodes[network.output].uses += 1;
        Ok(network)
    }
}

/// Relies on [`Graph::check`]: inputs come before their readers, and shapes and weights are those of the operations.
struct Builder<'a> {
    graph: &'a Graph,
    /// How many layers read each layer.
    readers: Vec<usize>,
    /// The node that gives each layer's output.
    node_of: Vec<usize>,
    /// Padding of a layer that its only reader takes over.
    padding: Vec<Option<Border>>,
    network: Network,
}

impl Builder<'_> {
    /// Adds the nodes of a layer and gives the one of its output.
    fn add_layer(&mut self, index: usize) -> Result<usize, TrainError> {
        let graph = self.graph;
        let layer = &graph.layers[index];
        let shape = &layer.output.shape;
        if !(1..=3).contains(&shape.len()) {
            let message = format!("it gives {shape:?}, and only tensors of one to three axes are trained");
            return Err(problem(layer, message));
        }
        let mut activation = Activation::Linear;
        let kind = match &layer.op {
            Op::Input => Kind::Input,
            Op::Conv2d(conv) => {
                activation = conv.activation;
                let window = self.padded_window(layer, Sliding::from(conv));
                Kind::Conv { kernel: self.parameter(index, 0), bias: self.bias(index, 1, conv.bias), window }
            }
            Op::DepthwiseConv2d(conv) => {
                activation = conv.activation;
                let window = self.padded_window(layer, Sliding::from(conv));
                let (kernel, bias) = (self.parameter(index, 0), self.bias(index, 1, conv.bias));
                Kind::Depthwise { kernel, bias, window }
            }
            Op::SeparableConv2d(conv) => {
                let window = self.padded_window(layer, Sliding::from(&conv.depthwise()));
                let depthwise = Kind::Depthwise { kernel: self.parameter(index, 0), bias: None, window };
                let between = self.push(depthwise, self.inputs(layer));
                let pointwise = self.pointwise(index, 1, conv.bias);
                let node = self.push(pointwise, vec![between]);
                return Ok(self.activate(node, conv.activation));
            }
            Op::Conv2dTranspose(conv) => {
                activation = conv.activation;
                let input = self.image(layer, 0);
                let transposed = transposed(conv, input, image(shape));
                if transposed.window.output(transposed.out) != Some((input[0], input[1])) {
                    return Err(problem(layer, "no convolution goes from its output to its input"));
                }
                let (kernel, bias) = (self.parameter(index, 0), self.bias(index, 1, conv.bias));
                Kind::ConvTranspose { kernel, bias, transposed }
            }
            Op::Dense(dense) => {
                activation = dense.activation;
                self.pointwise(index, 0, dense.bias)
            }
            Op::BatchNorm { momentum, epsilon, scale, center } => {
                let gamma = scale.then(|| self.parameter(index, 0));
                let beta = center.then(|| self.parameter(index, usize::from(*scale)));
                let mean = usize::from(*scale) + usize::from(*center);
                let momentum = decimal(*momentum);
                let norm = self.network.norms.len();
                self.network.norms.push(NormSlot {
                    layer: index,
                    mean,
                    momentum,
                    frozen: false,
                    loaded: false,
                });
                let options = NormOptions { epsilon: *epsilon, bounds: Bounds::NONE };
                Kind::Norm { norm, gamma, beta, options }
            }
            Op::Relu { max_value } => return Ok(self.add_clip(layer, Bounds::relu(*max_value))),
            Op::SlopedRelu { max_value, negative_slope, threshold } => Kind::Curve(Curve::Sloped {
                high: max_value.unwrap_or(f32::INFINITY),
                slope: *negative_slope,
                threshold: *threshold,
            }),
            Op::LeakyRelu { slope } => Kind::Curve(Curve::leaky(*slope)),
            Op::Prelu { .. } => {
                Kind::Prelu { alpha: self.parameter(index, 0), shape: image(&layer.weights[0].shape) }
            }
            Op::Activation(Activation::Relu) => return Ok(self.add_clip(layer, Bounds::relu(None))),
            Op::Activation(Activation::Relu6) => return Ok(self.add_clip(layer, Bounds::relu(Some(6.0)))),
            Op::Activation(function) => {
                let input = self.node_of[layer.inputs[0].0];
                return Ok(self.activate(input, *function));
            }
            Op::Softmax => Kind::Softmax,
            Op::Add { activation: function } => {
                activation = *function;
                Kind::Add
            }
            Op::Multiply => Kind::Multiply,
            Op::Concat => Kind::Concat,
            Op::ZeroPad2d { height, width } => {
                if self.only_reader_takes_padding(index) {
                    self.padding[index] = Some((*height, *width));
                    return Ok(self.node_of[layer.inputs[0].0]);
                }
                Kind::Pad { height: *height, width: *width }
            }
            Op::Crop2d { height, width } => {
                Kind::Crop { start: (height.0, width.0), size: (shape[0], shape[1]) }
            }
            Op::MaxPool2d(pool) => {
                Kind::Pool(Pool { pooling: Pooling::Max, window: self.window(layer, Sliding::from(pool)) })
            }
            Op::AveragePool2d(pool) => Kind::Pool(Pool {
                pooling: Pooling::Average,
                window: self.window(layer, Sliding::from(pool)),
            }),
            Op::GlobalAveragePool { .. } => Kind::Mean,
            Op::Reshape { .. } | Op::Flatten => {
                Kind::Reshape { from: self.image(layer, 0), to: image(shape) }
            }
            Op::Upsample { interpolation, .. } | Op::Resize { interpolation, .. } => {
                resize(shape, *interpolation)
            }
            Op::Dropout { rate } | Op::SpatialDropout2d { rate } => {
                if !(0.0..1.0).contains(rate) {
                    return Err(problem(layer, format!("its rate is {rate}")));
                }
                let channels = matches!(layer.op, Op::SpatialDropout2d { .. });
                Kind::Dropout { layer: layer.name.clone(), rate: *rate, channels }
            }
            Op::Rescale { scale, offset } => Kind::Rescale { scale: *scale, offset: *offset },
            Op::Quantize | Op::Dequantize => {
                return Err(problem(layer, "it belongs to a quantized network"));
            }
        };
        let node = self.push(kind, self.inputs(layer));
        Ok(self.activate(node, activation))
    }

    fn push(&mut self, kind: Kind, inputs: Vec<usize>) -> usize {
        self.network.nodes.push(Node { kind, inputs, uses: 0 });
        self.network.nodes.len() - 1
    }

    /// Adds an activation behind a node, and gives the node with its output.
    fn activate(&mut self, node: usize, activation: Activation) -> usize {
        let kind = match activation {
            Activation::Linear => return node,
            Activation::Relu => Kind::Clip(Bounds::relu(None)),
            Activation::Relu6 => Kind::Clip(Bounds::relu(Some(6.0))),
            Activation::Softmax => Kind::Softmax,
            Activation::Gelu => Kind::Gelu,
            Activation::Sigmoid => Kind::Curve(Curve::Sigmoid),
            Activation::Tanh => Kind::Curve(Curve::Tanh),
            Activation::Elu => Kind::Curve(Curve::Elu),
            Activation::Silu => Kind::Curve(Curve::Silu),
            Activation::HardSigmoid => Kind::Curve(Curve::HardSigmoid),
            Activation::HardSilu => Kind::Curve(Curve::HardSilu),
            Activation::Softplus => Kind::Curve(Curve::Softplus),
            Activation::LeakyRelu => Kind::Curve(Curve::leaky(Activation::LEAKY_SLOPE)),
            Activation::Exponential => Kind::Curve(Curve::Exponential),
        };
        self.push(kind, vec![node])
    }

    /// Adds the clipping of a layer, to the normalisation in front of it where there is one for it alone.
    fn add_clip(&mut self, layer: &Layer, bounds: Bounds) -> usize {
        let input = layer.inputs[0].0;
        let node = self.node_of[input];
        let fuses = matches!(self.graph.layers[input].op, Op::BatchNorm { .. })
            && self.readers[input] == 1
            && self.graph.output.0 != input;
        match &mut self.network.nodes[node].kind {
            Kind::Norm { options, .. } if fuses => {
                options.bounds = bounds;
                node
            }
            _ => self.push(Kind::Clip(bounds), vec![node]),
        }
    }

    /// A matrix product over the channels, whose kernel is weight `weight` of the layer and whose bias comes behind it.
    fn pointwise(&mut self, index: usize, weight: usize, bias: bool) -> Kind {
        let window = Sliding::POINTWISE.over([1, 1, 1]);
        Kind::Conv { kernel: self.parameter(index, weight), bias: self.bias(index, weight + 1, bias), window }
    }

    fn only_reader_takes_padding(&self, index: usize) -> bool {
        let mut readers =
            self.graph.layers.iter().filter(|layer| layer.inputs.iter().any(|input| input.0 == index));
        let takes = |layer: &Layer| match &layer.op {
            Op::Conv2d(conv) => conv.padding == Padding::Valid,
            Op::DepthwiseConv2d(conv) => conv.padding == Padding::Valid,
            Op::SeparableConv2d(conv) => conv.padding == Padding::Valid,
            _ => false,
        };
        self.graph.output.0 != index && readers.next().is_some_and(takes) && readers.next().is_none()
    }

    /// The window of a convolution, with the padding that it takes over.
    fn padded_window(&self, layer: &Layer, sliding: Sliding) -> Window {
        match self.padding[layer.inputs[0].0] {
            Some(border) => sliding.with_border(border),
            None => self.window(layer, sliding),
        }
    }

    fn window(&self, layer: &Layer, sliding: Sliding) -> Window {
        sliding.over(self.image(layer, 0))
    }

    fn parameter(&mut self, layer: usize, weight: usize) -> usize {
        self.network.parameters.push(Slot { layer, weight, trainable: true });
        self.network.parameters.len() - 1
    }

    fn bias(&mut self, layer: usize, weight: usize, there: bool) -> Option<usize> {
        there.then(|| self.parameter(layer, weight))
    }

    /// The nodes that a layer reads.
    fn inputs(&self, layer: &Layer) -> Vec<usize> {
        layer.inputs.iter().map(|input| self.node_of[input.0]).collect()
    }

    /// Height, width and channels of what a layer reads.
    fn image(&self, layer: &Layer, input: usize) -> [usize; 3] {
        image(&self.graph.layers[layer.inputs[input].0].output.shape)
    }
}

fn readers(graph: &Graph) -> Vec<usize> {
    let mut readers = vec![0; graph.layers.len()];
    for input in graph.layers.iter().flat_map(|layer| &layer.inputs) {
        readers[input.0] += 1;
    }
    readers
}

fn resize(shape: &[usize], interpolation: Interpolation) -> Kind {
    let [height, width, _] = image(shape);
    Kind::Resize(Resize { size: (height, width), interpolation })
}

/// The number that was written where `value` was read: 0.999, not the nearest f32. Keras takes 1 minus it in double
/// precision, and the f32's would be wrong in the fifth digit.
fn decimal(value: f32) -> f64 {
    value.to_string().parse().unwrap_or_else(|_| f64::from(value))
}

fn problem(layer: &Layer, message: impl Into<String>) -> TrainError {
    TrainError::Layer { layer: layer.name.clone(), message: message.into() }
}
