//! From a graph to the file: a list of tensors, constants and operators first, their bytes after.

use super::schema::{activation, operator, options, padding, slot};
use super::weights;
use crate::FormatError;
use emit::Emitter;
use model::{
    Activation, Conv2d, Data, DataType, DepthwiseConv2d, Graph, Interpolation, Layer, LayerId, Op, Padding,
    Quant, Tensor, TensorType,
};

mod emit;

/// Writes a graph as a `.tflite` file in the form the converter gives for a fixed batch of 1. The same graph gives the
/// same bytes.
///
/// Batch normalisation must be folded, dropout and rescaling dropped; standalone activations and paddings are written as
/// operators of their own.
///
/// # Errors
/// [`FormatError::Unsupported`] naming the layer that has no operator in this form or lacks its quantization.
pub fn write(graph: &Graph) -> Result<Vec<u8>, FormatError> {
    let mut file = File { tensors: Vec::new(), operators: Vec::new(), input: 0, outputs: Vec::new() };
    for layer in &graph.layers {
        file.layer(graph, layer)?;
    }
    let output = file.outputs.get(graph.output.0).copied().ok_or_else(|| FormatError::Content {
        message: format!("the output of graph `{}` is no layer of it", graph.name),
        help: "this is a bug of the pass that built the graph".into(),
    })?;
    Emitter::default().model(&graph.name, &file, output)
}

/// What a file holds.
struct File {
    tensors: Vec<FileTensor>,
    operators: Vec<Operator>,
    input: usize,
    /// For each layer, the tensor it gives.
    outputs: Vec<usize>,
}

/// A tensor of the file.
struct FileTensor {
    name: String,
    shape: Vec<usize>,
    data_type: DataType,
    quant: Option<Quant>,
    data: Option<Data>,
}

/// An operator of the file.
struct Operator {
    code: i32,
    version: i32,
    inputs: Vec<usize>,
    output: usize,
    options: Options,
}

/// The option table of an operator: its kind, and the slots that may differ from their defaults.
struct Options {
    kind: u8,
    slots: Vec<(usize, Slot)>,
}

/// A value in an option table, with the default that is not stored.
enum Slot {
    I8(i8, i8),
    I32(i32, i32),
    Bool(bool, bool),
    F32(f32, f32),
    I32s(Vec<i32>),
}

impl File {
    fn layer(&mut self, graph: &Graph, layer: &Layer) -> Result<(), FormatError> {
        let refuse = |message: &str| Err(FormatError::unsupported(&layer.name, class(&layer.op), message));
        let inputs: Vec<usize> = layer
            .inputs
            .iter()
            .map(|&LayerId(id)| self.outputs.get(id).copied())
            .collect::<Option<_>>()
            .ok_or_else(|| {
                FormatError::unsupported(
                    &layer.name,
                    class(&layer.op),
                    "it reads a layer that comes after it",
                )
            })?;
        if layer.op == Op::Input {
            if !self.outputs.is_empty() {
                return refuse("only the first layer may be an input");
            }
            self.input = self.activation(layer)?;
            self.outputs.push(self.input);
            return Ok(());
        }
        let arity_fits = match layer.op {
            Op::Add { .. } => inputs.len() == 2,
            Op::Concat => !inputs.is_empty(),
            _ => inputs.len() == 1,
        };
        if !arity_fits {
            return refuse(&format!("it has {} inputs", inputs.len()));
        }
        let same = |input: &LayerId| graph.layers[input.0].output.shape == layer.output.shape;
        if matches!(layer.op, Op::Add { .. }) && !layer.inputs.iter().all(same) {
            return refuse("sums of tensors of different shapes are not in TFLite files here yet");
        }
        let source = &graph.layers[layer.inputs[0].0].output;
        let int8 = usize::from(layer.output.data_type != DataType::F32);
        // Versions of the same operator for floats and for integers.
        let version = |float: i32, integer: i32| [float, integer][int8];

        let (code, version, constants, options) = match &layer.op {
            Op::Conv2d(conv) => (
                operator::CONV_2D,
                version(1, 3),
                self.conv_weights(layer, conv)?,
                conv_options(layer, conv)?,
            ),
            Op::DepthwiseConv2d(conv) => {
                let dilated = i32::from(conv.dilation != (1, 1));
                (
                    operator::DEPTHWISE_CONV_2D,
                    version(1 + dilated, 3),
                    self.depthwise_weights(layer, conv)?,
                    depthwise_options(layer, conv)?,
                )
            }
            Op::Add { activation } => {
                let slots = vec![
                    (slot::add::ACTIVATION, Slot::I8(fused(layer, *activation)?, 0)),
                    (slot::add::POT_SCALE_INT16, Slot::Bool(true, true)),
                ];
                (operator::ADD, version(1, 2), vec![], Options { kind: options::ADD, slots })
            }
            Op::Concat => {
                let slots = vec![
                    (slot::concatenation::AXIS, Slot::I32(-1, 0)),
                    (slot::concatenation::ACTIVATION, Slot::I8(activation::NONE, 0)),
                ];
                (
                    operator::CONCATENATION,
                    version(1, 2),
                    vec![],
                    Options { kind: options::CONCATENATION, slots },
                )
            }
            Op::GlobalAveragePool { keep_dims } => {
                let axes = self.integers(layer, "axes", &[2], vec![1, 2]);
                let slots = vec![(slot::reducer::KEEP_DIMS, Slot::Bool(*keep_dims, false))];
                (operator::MEAN, version(1, 2), vec![axes], Options { kind: options::REDUCER, slots })
            }
            Op::Upsample { interpolation, .. } => self.resize(layer, *interpolation)?,
            Op::ZeroPad2d { height, width } => {
                let sizes = [0, 0, height.0, height.1, width.0, width.1, 0, 0];
                let sizes = sizes.iter().map(|&n| int32(layer, n)).collect::<Result<_, _>>()?;
                let paddings = self.integers(layer, "paddings", &[4, 2], sizes);
                (operator::PAD, version(1, 2), vec![paddings], Options::none())
            }
            Op::Reshape { shape } => {
                let sizes = std::iter::once(Ok(1)).chain(shape.iter().map(|&n| int32(layer, n)));
                let sizes: Vec<i32> = sizes.collect::<Result<_, _>>()?;
                let tensor = self.integers(layer, "shape", &[sizes.len()], sizes.clone());
                let slots = vec![(slot::reshape::NEW_SHAPE, Slot::I32s(sizes))];
                (operator::RESHAPE, 1, vec![tensor], Options { kind: options::RESHAPE, slots })
            }
            Op::Relu { max_value: None } | Op::Activation(Activation::Relu) => {
                (operator::RELU, version(1, 2), vec![], Options::none())
            }
            Op::Relu { max_value: Some(6.0) } | Op::Activation(Activation::Relu6) => {
                (operator::RELU6, version(1, 2), vec![], Options::none())
            }
            Op::Activation(Activation::Softmax) => {
                let slots = vec![(slot::softmax::BETA, Slot::F32(1.0, 0.0))];
                (operator::SOFTMAX, version(1, 2), vec![], Options { kind: options::SOFTMAX, slots })
            }
            Op::Quantize => (operator::QUANTIZE, 1, vec![], Options::none()),
            Op::Dequantize => {
                let version = if source.data_type == DataType::I8 { 2 } else { 1 };
                (operator::DEQUANTIZE, version, vec![], Options::none())
            }
            Op::Input => return refuse("only the first layer may be an input"),
            Op::Relu { .. } => return refuse("only 6 can be its upper bound in this format"),
            Op::BatchNorm { .. } => return refuse("fold it into the convolution before it first"),
            Op::Dropout { .. } | Op::Activation(Activation::Linear) => {
                return refuse("it computes nothing outside training: drop it first");
            }
            Op::Rescale { .. } => return refuse("rescale images before they enter the network"),
            Op::Activation(activation) => {
                return refuse(&format!(
                    "the activation {} is not in TFLite files here yet",
                    activation.name()
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
                return refuse("layers of this class are not in TFLite files here yet");
            }
        };
        let output = self.activation(layer)?;
        self.outputs.push(output);
        let inputs = inputs.into_iter().chain(constants).collect();
        self.operators.push(Operator { code, version, inputs, output, options });
        Ok(())
    }

    /// The tensor that a layer gives.
    fn activation(&mut self, layer: &Layer) -> Result<usize, FormatError> {
        let TensorType { data_type, shape, quant } = &layer.output;
        if matches!(data_type, DataType::I8 | DataType::U8) && quant.is_none() {
            return Err(FormatError::unsupported(
                &layer.name,
                class(&layer.op),
                "it gives 8-bit integers without a scale: calibrate and quantize it first",
            ));
        }
        for &size in shape {
            int32(layer, size)?;
        }
        let shape = std::iter::once(1).chain(shape.iter().copied()).collect();
        Ok(self.tensor(FileTensor {
            name: layer.name.clone(),
            shape,
            data_type: *data_type,
            quant: quant.clone(),
            data: None,
        }))
    }

    fn constant(&mut self, layer: &Layer, what: &str, tensor: Tensor) -> usize {
        self.tensor(FileTensor {
            name: format!("{}/{what}", layer.name),
            data_type: tensor.data.data_type(),
            shape: tensor.shape,
            quant: tensor.quant,
            data: Some(tensor.data),
        })
    }

    fn integers(&mut self, layer: &Layer, what: &str, shape: &[usize], values: Vec<i32>) -> usize {
        self.constant(layer, what, Tensor { shape: shape.to_vec(), data: Data::I32(values), quant: None })
    }

    fn tensor(&mut self, tensor: FileTensor) -> usize {
        self.tensors.push(tensor);
        self.tensors.len() - 1
    }

    fn conv_weights(&mut self, layer: &Layer, conv: &Conv2d) -> Result<Vec<usize>, FormatError> {
        let kernel = layer.weights.first().and_then(weights::to_ohwi);
        self.kernel_and_bias(layer, kernel, conv.bias)
    }

    fn depthwise_weights(
        &mut self,
        layer: &Layer,
        conv: &DepthwiseConv2d,
    ) -> Result<Vec<usize>, FormatError> {
        let kernel = layer.weights.first().and_then(weights::to_1hwc);
        self.kernel_and_bias(layer, kernel, conv.bias)
    }

    fn kernel_and_bias(
        &mut self,
        layer: &Layer,
        kernel: Option<Tensor>,
        bias: bool,
    ) -> Result<Vec<usize>, FormatError> {
        let expected = 1 + usize::from(bias);
        let Some(kernel) = kernel.filter(|_| layer.weights.len() == expected) else {
            return Err(FormatError::unsupported(
                &layer.name,
                class(&layer.op),
                "its weights are not a kernel of 4 axes, scaled along its output channels, and a bias if it has one",
            ));
        };
        let mut tensors = vec![self.constant(layer, "kernel", kernel)];
        if let Some(bias) = layer.weights.get(1) {
            tensors.push(self.constant(layer, "bias", bias.clone()));
        }
        Ok(tensors)
    }

    fn resize(
        &mut self,
        layer: &Layer,
        interpolation: Interpolation,
    ) -> Result<(i32, i32, Vec<usize>, Options), FormatError> {
        let &[height, width, _] = &layer.output.shape[..] else {
            return Err(FormatError::unsupported(&layer.name, class(&layer.op), "its output is no image"));
        };
        let size = self.integers(layer, "size", &[2], vec![int32(layer, height)?, int32(layer, width)?]);
        let half = Slot::Bool(true, false);
        let (code, kind, slot) = match interpolation {
            Interpolation::Bilinear => (
                operator::RESIZE_BILINEAR,
                options::RESIZE_BILINEAR,
                slot::resize_bilinear::HALF_PIXEL_CENTERS,
            ),
            Interpolation::Nearest => (
                operator::RESIZE_NEAREST_NEIGHBOR,
                options::RESIZE_NEAREST_NEIGHBOR,
                slot::resize_nearest_neighbor::HALF_PIXEL_CENTERS,
            ),
        };
        // Version 3 brought half-pixel centres to both.
        Ok((code, 3, vec![size], Options { kind, slots: vec![(slot, half)] }))
    }
}

impl Options {
    fn none() -> Self {
        Self { kind: options::NONE, slots: Vec::new() }
    }
}

fn conv_options(layer: &Layer, conv: &Conv2d) -> Result<Options, FormatError> {
    let slots = vec![
        (slot::conv_2d::PADDING, Slot::I8(padding_code(conv.padding), 0)),
        (slot::conv_2d::STRIDE_W, Slot::I32(int32(layer, conv.strides.1)?, 0)),
        (slot::conv_2d::STRIDE_H, Slot::I32(int32(layer, conv.strides.0)?, 0)),
        (slot::conv_2d::ACTIVATION, Slot::I8(fused(layer, conv.activation)?, 0)),
        (slot::conv_2d::DILATION_W, Slot::I32(int32(layer, conv.dilation.1)?, 1)),
        (slot::conv_2d::DILATION_H, Slot::I32(int32(layer, conv.dilation.0)?, 1)),
    ];
    Ok(Options { kind: options::CONV_2D, slots })
}

fn depthwise_options(layer: &Layer, conv: &DepthwiseConv2d) -> Result<Options, FormatError> {
    let slots = vec![
        (slot::depthwise_conv_2d::PADDING, Slot::I8(padding_code(conv.padding), 0)),
        (slot::depthwise_conv_2d::STRIDE_W, Slot::I32(int32(layer, conv.strides.1)?, 0)),
        (slot::depthwise_conv_2d::STRIDE_H, Slot::I32(int32(layer, conv.strides.0)?, 0)),
        (slot::depthwise_conv_2d::MULTIPLIER, Slot::I32(int32(layer, conv.multiplier)?, 0)),
        (slot::depthwise_conv_2d::ACTIVATION, Slot::I8(fused(layer, conv.activation)?, 0)),
        (slot::depthwise_conv_2d::DILATION_W, Slot::I32(int32(layer, conv.dilation.1)?, 1)),
        (slot::depthwise_conv_2d::DILATION_H, Slot::I32(int32(layer, conv.dilation.0)?, 1)),
    ];
    Ok(Options { kind: options::DEPTHWISE_CONV_2D, slots })
}

fn padding_code(padding: Padding) -> i8 {
    match padding {
        Padding::Same => padding::SAME,
        Padding::Valid => padding::VALID,
    }
}

fn fused(layer: &Layer, activation: Activation) -> Result<i8, FormatError> {
    match activation {
        Activation::Linear => Ok(activation::NONE),
        Activation::Relu => Ok(activation::RELU),
        Activation::Relu6 => Ok(activation::RELU6),
        other => Err(FormatError::unsupported(
            &layer.name,
            class(&layer.op),
            format!("{} cannot be fused to it in this format: make it a layer of its own", other.name()),
        )),
    }
}

fn int32(layer: &Layer, value: usize) -> Result<i32, FormatError> {
    i32::try_from(value).map_err(|_| {
        FormatError::unsupported(
            &layer.name,
            class(&layer.op),
            format!("{value} does not fit the format's 32 bits"),
        )
    })
}

/// What messages call a layer: its Keras class, or the operator that Keras has none for.
fn class(op: &Op) -> &'static str {
    match op {
        Op::Quantize => "QUANTIZE",
        Op::Dequantize => "DEQUANTIZE",
        op => op.class(),
    }
}
