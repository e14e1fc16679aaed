//! From the graph to the plan of a [`Network`].

use super::{Kind, Network, Node, NormSlot, Slot};
use crate::{
    TrainError,
    ops::{Bounds, NormOptions, Resize, Window},
};
use model::{Activation, Data, Graph, Layer, Op, Padding};

impl Network {
    /// Plans the network of a float graph.
    ///
    /// A `ReLU` after a normalisation that nothing else reads becomes part of it, and zero padding becomes part of the
    /// unpadded convolution behind it.
    ///
    /// # Errors
    /// Layers of quantized graphs, windows larger than their input, weights that are missing.
    pub(crate) fn build(graph: &Graph) -> Result<Self, TrainError> {
        let mut builder = Builder {
            graph,
            readers: readers(graph),
            node_of: vec![0; graph.layers.len()],
            padding: vec![None; graph.layers.len()],
            network: Self { nodes: vec![], output: 0, parameters: vec![], norms: vec![] },
        };
        for index in 0..graph.layers.len() {
            builder.add_layer(index)?;
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

struct Builder<'a> {
    graph: &'a Graph,
    /// How many layers read each layer.
    readers: Vec<usize>,
    /// The node that gives each layer's output.
    node_of: Vec<usize>,
    /// Padding of a layer that its only reader takes over: `(before, after)` of height and width.
    padding: Vec<Option<Border>>,
    network: Network,
}

/// Kernel, strides, dilation, padding of a convolution.
type Geometry = ((usize, usize), (usize, usize), (usize, usize), Padding);
/// Zeros before and after, of height and width.
type Border = ((usize, usize), (usize, usize));

impl Builder<'_> {
    fn add_layer(&mut self, index: usize) -> Result<(), TrainError> {
        let layer = &self.graph.layers[index];
        let kind = match &layer.op {
            Op::Input => Kind::Input,
            Op::Conv2d(conv) => {
                let kernel_shape = weight_shape(layer, 0)?;
                let window = self.window(layer, (conv.kernel, conv.strides, conv.dilation, conv.padding))?;
                let kernel = self.parameter(index, 0);
                let bias = if conv.bias { Some(self.checked_parameter(index, 1)?) } else { None };
                let channels = *self.input_shape(layer, 0)?.last().unwrap_or(&0);
                if kernel_shape != [conv.kernel.0, conv.kernel.1, channels, conv.filters] {
                    return Err(problem(layer, format!("its kernel has shape {kernel_shape:?}")));
                }
                return self.push_with_activation(
                    index,
                    Kind::Conv { kernel, bias, window },
                    conv.activation,
                );
            }
            Op::DepthwiseConv2d(conv) => {
                let kernel_shape = weight_shape(layer, 0)?;
                let window = self.window(layer, (conv.kernel, conv.strides, conv.dilation, conv.padding))?;
                let kernel = self.parameter(index, 0);
                let bias = if conv.bias { Some(self.checked_parameter(index, 1)?) } else { None };
                let channels = *self.input_shape(layer, 0)?.last().unwrap_or(&0);
                if kernel_shape != [conv.kernel.0, conv.kernel.1, channels, conv.multiplier] {
                    return Err(problem(layer, format!("its kernel has shape {kernel_shape:?}")));
                }
                let kind = Kind::Depthwise { kernel, bias, window };
                return self.push_with_activation(index, kind, conv.activation);
            }
            Op::BatchNorm { scale: false, .. } | Op::BatchNorm { center: false, .. } => {
                return Err(problem(
                    layer,
                    "a BatchNormalization without scale or center cannot be trained yet",
                ));
            }
            Op::BatchNorm { momentum, epsilon, .. } => {
                for weight in 0..4 {
                    weight_shape(layer, weight)?;
                }
                let (gamma, beta) = (self.parameter(index, 0), self.parameter(index, 1));
                let momentum = decimal(*momentum);
                self.network.norms.push(NormSlot { layer: index, momentum, frozen: false, loaded: false });
                let norm = self.network.norms.len() - 1;
                Kind::Norm {
                    norm,
                    gamma,
                    beta,
                    options: NormOptions { epsilon: *epsilon, bounds: Bounds::NONE },
                }
            }
            Op::Relu { max_value } => return self.add_activation(index, Some(Bounds::relu(*max_value))),
            Op::Activation(Activation::Relu) => {
                return self.add_activation(index, Some(Bounds::relu(None)));
            }
            Op::Activation(Activation::Relu6) => {
                return self.add_activation(index, Some(Bounds::relu(Some(6.0))));
            }
            Op::Activation(Activation::Linear) => return self.add_activation(index, None),
            Op::Activation(Activation::Softmax) => Kind::Softmax,
            Op::Add { activation } => {
                if layer.inputs.len() != 2
                    || self.input_shape(layer, 0)? != layer.output.shape
                    || self.input_shape(layer, 1)? != layer.output.shape
                {
                    return Err(problem(
                        layer,
                        "other sums than of two tensors of one shape cannot be trained yet",
                    ));
                }
                return self.push_with_activation(index, Kind::Add, *activation);
            }
            Op::Concat => Kind::Concat,
            Op::ZeroPad2d { height, width } => {
                if self.only_reader_takes_padding(index) {
                    let input = self.input_layer(layer, 0)?;
                    self.padding[index] = Some((*height, *width));
                    self.node_of[index] = self.node_of[input];
                    return Ok(());
                }
                Kind::Pad { height: *height, width: *width }
            }
            Op::GlobalAveragePool { .. } => Kind::Pool,
            Op::Reshape { shape } => {
                Kind::Reshape { from: image_shape(self.input_shape(layer, 0)?), to: image_shape(shape) }
            }
            Op::Upsample { factor, interpolation } => {
                Kind::Resize(Resize { factor: *factor, interpolation: *interpolation })
            }
            Op::Dropout { rate } => {
                if !(0.0..1.0).contains(rate) {
                    return Err(problem(layer, format!("its rate is {rate}")));
                }
                Kind::Dropout { layer: layer.name.clone(), rate: *rate }
            }
            Op::Rescale { scale, offset } => Kind::Rescale { scale: *scale, offset: *offset },
            Op::Quantize | Op::Dequantize => {
                return Err(problem(layer, "it belongs to a quantized network"));
            }
            Op::Activation(activation) => {
                return Err(problem(
                    layer,
                    format!("the activation {} cannot be trained yet", activation.name()),
                ));
            }
            Op::SeparableConv2d(_)
            | Op::Conv2dTranspose(_)
            | Op::Dense(_)
            | Op::SlopedRelu { .. }
            | Op::LeakyRelu { .. }
            | Op::Prelu { .. }
            | Op::Softmax
            | Op::Multiply
            | Op::Crop2d { .. }
            | Op::MaxPool2d(_)
            | Op::AveragePool2d(_)
            | Op::Flatten
            | Op::Resize { .. }
            | Op::SpatialDropout2d { .. } => {
                return Err(problem(layer, format!("{} layers cannot be trained yet", layer.op.class())));
            }
        };
        self.push(index, kind);
        Ok(())
    }

    /// Adds the node of a layer.
    fn push(&mut self, index: usize, kind: Kind) {
        let inputs = self.graph.layers[index].inputs.iter().map(|input| self.node_of[input.0]).collect();
        self.network.nodes.push(Node { kind, inputs, uses: 0 });
        self.node_of[index] = self.network.nodes.len() - 1;
    }

    fn push_with_activation(
        &mut self,
        index: usize,
        kind: Kind,
        activation: Activation,
    ) -> Result<(), TrainError> {
        self.push(index, kind);
        let kind = match activation {
            Activation::Linear => return Ok(()),
            Activation::Relu => Kind::Clip(Bounds::relu(None)),
            Activation::Relu6 => Kind::Clip(Bounds::relu(Some(6.0))),
            Activation::Softmax => Kind::Softmax,
            other => {
                let message = format!("the activation {} cannot be trained yet", other.name());
                return Err(problem(&self.graph.layers[index], message));
            }
        };
        let inputs = vec![self.node_of[index]];
        self.network.nodes.push(Node { kind, inputs, uses: 0 });
        self.node_of[index] = self.network.nodes.len() - 1;
        Ok(())
    }

    fn add_activation(&mut self, index: usize, bounds: Option<Bounds>) -> Result<(), TrainError> {
        let input = self.input_layer(&self.graph.layers[index], 0)?;
        let node = self.node_of[input];
        let Some(bounds) = bounds else {
            self.node_of[index] = node;
            return Ok(());
        };
        let fuses = matches!(self.graph.layers[input].op, Op::BatchNorm { .. })
            && self.readers[input] == 1
            && self.graph.output.0 != input;
        match &mut self.network.nodes[node].kind {
            Kind::Norm { options, .. } if fuses => {
                options.bounds = bounds;
                self.node_of[index] = node;
            }
            _ => self.push(index, Kind::Clip(bounds)),
        }
        Ok(())
    }

    fn only_reader_takes_padding(&self, index: usize) -> bool {
        let mut readers =
            self.graph.layers.iter().filter(|layer| layer.inputs.iter().any(|input| input.0 == index));
        let takes = |layer: &Layer| match &layer.op {
            Op::Conv2d(conv) => conv.padding == Padding::Valid,
            Op::DepthwiseConv2d(conv) => conv.padding == Padding::Valid,
            _ => false,
        };
        self.graph.output.0 != index && readers.next().is_some_and(takes) && readers.next().is_none()
    }

    fn window(
        &self,
        layer: &Layer,
        (kernel, strides, dilation, padding): Geometry,
    ) -> Result<Window, TrainError> {
        let input = self.input_layer(layer, 0)?;
        if [kernel.0, kernel.1, strides.0, strides.1, dilation.0, dilation.1].contains(&0) {
            return Err(problem(layer, "a kernel side, stride or dilation is 0"));
        }
        let ((top, bottom), (left, right)) = match (self.padding[input], padding) {
            (Some(border), _) => border,
            (None, Padding::Valid) => ((0, 0), (0, 0)),
            (None, Padding::Same) => {
                let [height, width, _] = image_shape(self.input_shape(layer, 0)?);
                (
                    same_padding(height, kernel.0, strides.0, dilation.0),
                    same_padding(width, kernel.1, strides.1, dilation.1),
                )
            }
        };
        let window = Window { kernel, strides, dilation, before: (top, left), after: (bottom, right) };
        // The padded input's own shape is the graph's; the window reads what lies before the padding.
        let source = match self.padding[input] {
            Some(_) => self.input_layer(&self.graph.layers[input], 0)?,
            None => input,
        };
        let [height, width, _] = image_shape(&self.graph.layers[source].output.shape);
        match window.output((height, width)) {
            Some(_) => Ok(window),
            None => Err(problem(layer, format!("its window is larger than its {height}x{width} input"))),
        }
    }

    fn parameter(&mut self, layer: usize, weight: usize) -> usize {
        self.network.parameters.push(Slot { layer, weight, trainable: true });
        self.network.parameters.len() - 1
    }

    fn checked_parameter(&mut self, layer: usize, weight: usize) -> Result<usize, TrainError> {
        weight_shape(&self.graph.layers[layer], weight)?;
        Ok(self.parameter(layer, weight))
    }

    fn input_layer(&self, layer: &Layer, input: usize) -> Result<usize, TrainError> {
        match layer.inputs.get(input) {
            Some(id) if id.0 < self.graph.layers.len() => Ok(id.0),
            _ => Err(problem(layer, "it reads nothing")),
        }
    }

    fn input_shape(&self, layer: &Layer, input: usize) -> Result<&[usize], TrainError> {
        Ok(&self.graph.layers[self.input_layer(layer, input)?].output.shape)
    }
}

fn readers(graph: &Graph) -> Vec<usize> {
    let mut readers = vec![0; graph.layers.len()];
    for input in graph.layers.iter().flat_map(|layer| &layer.inputs) {
        if let Some(count) = readers.get_mut(input.0) {
            *count += 1;
        }
    }
    readers
}

/// Height, width and channels; a vector is a 1x1 image.
fn image_shape(shape: &[usize]) -> [usize; 3] {
    match shape {
        [height, width, channels] => [*height, *width, *channels],
        other => [1, 1, other.iter().product()],
    }
}

/// TensorFlow's `SAME` padding of one axis: before and after, the odd one after.
fn same_padding(input: usize, kernel: usize, stride: usize, dilation: usize) -> (usize, usize) {
    let reach = (kernel - 1) * dilation + 1;
    let needed = (input.div_ceil(stride).max(1) - 1) * stride + reach;
    let total = needed.saturating_sub(input);
    (total / 2, total - total / 2)
}

/// The number that was written where `value` was read: 0.999, not the nearest f32. Keras takes 1 minus it in double
/// precision, and the f32's would be wrong in the fifth digit.
fn decimal(value: f32) -> f64 {
    value.to_string().parse().unwrap_or_else(|_| f64::from(value))
}

fn weight_shape(layer: &Layer, weight: usize) -> Result<&[usize], TrainError> {
    match layer.weights.get(weight) {
        Some(tensor) if matches!(tensor.data, Data::F32(_)) => Ok(&tensor.shape),
        Some(_) => Err(problem(layer, "its weights are integers")),
        None => Err(problem(layer, "weights are missing")),
    }
}

fn problem(layer: &Layer, message: impl Into<String>) -> TrainError {
    TrainError::Layer { layer: layer.name.clone(), message: message.into() }
}
