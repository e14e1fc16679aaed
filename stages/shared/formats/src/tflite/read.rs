//! From the file to a graph.

use super::schema::{self, activation, operator, padding, slot};
use super::table::{Table, Vector, damaged};
use super::weights;
use crate::FormatError;
use model::{
    Activation, Conv2d, Data, DepthwiseConv2d, Graph, Initializer, Interpolation, Layer, LayerId, Op,
    Padding, Tensor,
};
use std::collections::BTreeSet;
use tensor::{FileTensor, read_tensors, short};

mod tensor;

/// Reads a `.tflite` file.
///
/// # Errors
/// [`FormatError::Corrupt`] when the bytes are no whole TFLite file, [`FormatError::Unsupported`] naming the operator and
/// tensor when it holds something a [`Graph`] cannot express, such as the batch-independent form of dilated convolutions
/// (`SPACE_TO_BATCH_ND`), [`FormatError::Content`] for more than one input, output or subgraph.
pub fn read(bytes: &[u8]) -> Result<Graph, FormatError> {
    let model = Table::root(bytes, schema::IDENTIFIER)?;
    let version = model.u32(slot::model::VERSION, 0)?;
    if version != schema::VERSION {
        return Err(content(
            format!("the TFLite schema of the file is version {version}"),
            "version 3 is supported: convert the model again with a current converter",
        ));
    }
    let subgraphs = model.vector(slot::model::SUBGRAPHS)?.tables()?;
    let [subgraph] = subgraphs[..] else {
        return Err(content(
            format!("the model has {} subgraphs", subgraphs.len()),
            "models with one subgraph are supported: convert without control flow",
        ));
    };
    let operator_codes = model.vector(slot::model::OPERATOR_CODES)?.tables()?;
    let tensors = read_tensors(&model, &subgraph)?;
    let mut reader =
        Reader { producers: vec![None; tensors.len()], tensors, layers: Vec::new(), names: BTreeSet::new() };

    let input = single("input", subgraph.vector(slot::subgraph::INPUTS)?)?;
    reader.add(Op::Input, Vec::new(), Vec::new(), input)?;
    for operator in subgraph.vector(slot::subgraph::OPERATORS)?.tables()? {
        reader.operator(&operator, &operator_codes)?;
    }
    let output = single("output", subgraph.vector(slot::subgraph::OUTPUTS)?)?;
    let output = reader.producer(output)?.ok_or_else(|| damaged("nothing gives the model's output"))?;
    let graph =
        Graph { name: subgraph.string(slot::subgraph::NAME)?.to_owned(), layers: reader.layers, output };
    // Shapes in a file are claims: this holds them against what the operators make of their inputs.
    graph.check()?;
    Ok(graph)
}

/// The graph under construction.
struct Reader<'a> {
    tensors: Vec<FileTensor<'a>>,
    /// For each tensor, the layer that gives it.
    producers: Vec<Option<LayerId>>,
    layers: Vec<Layer>,
    names: BTreeSet<String>,
}

/// One operator: its name, and what it reads and gives.
struct Node<'a> {
    name: &'static str,
    inputs: Vec<i32>,
    output: usize,
    options: Option<Table<'a>>,
}

impl<'a> Reader<'a> {
    fn operator(&mut self, table: &Table<'a>, codes: &[Table<'a>]) -> Result<(), FormatError> {
        let index = table.u32(slot::operator::OPCODE_INDEX, 0)? as usize;
        let code = codes
            .get(index)
            .ok_or_else(|| damaged(format!("an operator has code number {index} of {}", codes.len())))?;
        // Older writers fill only the deprecated byte, newer codes exceed it: the larger one is the code.
        let code = code
            .i32(slot::operator_code::BUILTIN_CODE, 0)?
            .max(i32::from(code.i8(slot::operator_code::DEPRECATED_BUILTIN_CODE, 0)?));
        let name = usize::try_from(code)
            .ok()
            .and_then(|code| schema::OPERATOR_NAMES.get(code))
            .ok_or_else(|| damaged(format!("operator code {code} is unknown")))?;
        let node = Node {
            name,
            inputs: table.vector(slot::operator::INPUTS)?.i32s()?,
            output: single("output of an operator", table.vector(slot::operator::OUTPUTS)?)?,
            options: table.table(slot::operator::OPTIONS)?,
        };
        self.tensor(node.output)?;
        match code {
            operator::CONV_2D => self.conv_2d(&node),
            operator::DEPTHWISE_CONV_2D => self.depthwise_conv_2d(&node),
            operator::ADD => self.add_op(&node),
            operator::CONCATENATION => self.concatenation(&node),
            operator::MEAN => self.mean(&node),
            operator::RESIZE_BILINEAR => self.resize(&node, Interpolation::Bilinear),
            operator::RESIZE_NEAREST_NEIGHBOR => self.resize(&node, Interpolation::Nearest),
            operator::PAD => self.pad(&node),
            operator::RESHAPE => self.reshape(&node),
            operator::SOFTMAX => self.softmax(&node),
            operator::RELU => self.unary(&node, Op::Relu { max_value: None }),
            operator::RELU6 => self.unary(&node, Op::Relu { max_value: Some(6.0) }),
            operator::QUANTIZE => self.unary(&node, Op::Quantize),
            operator::DEQUANTIZE => self.unary(&node, Op::Dequantize),
            _ => Err(self.unsupported(
                &node,
                "this operator is not supported; convert the model with a fixed batch of 1, which folds \
                 normalisation and keeps dilated convolutions whole",
            )),
        }
    }

    fn conv_2d(&mut self, node: &Node<'a>) -> Result<(), FormatError> {
        let options = self.options(node)?;
        let input = self.activation_input(node, 0)?;
        let kernel = self.constant(node, 1)?;
        let (kernel, dimension) = weights::to_hwio(&kernel).ok_or_else(|| {
            self.unsupported(node, "its kernel is not of 4 axes with scales along the first")
        })?;
        let bias = self.optional_bias(node)?;
        let [h, w, _, filters] = dimension;
        let op = Conv2d {
            filters,
            kernel: (h, w),
            strides: self.pair(node, &options, slot::conv_2d::STRIDE_H, slot::conv_2d::STRIDE_W, 0)?,
            dilation: self.pair(node, &options, slot::conv_2d::DILATION_H, slot::conv_2d::DILATION_W, 1)?,
            padding: self.padding(node, options.i8(slot::conv_2d::PADDING, 0)?)?,
            bias: bias.is_some(),
            activation: self.activation(node, options.i8(slot::conv_2d::ACTIVATION, 0)?)?,
        };
        let weights = std::iter::once(kernel).chain(bias).collect();
        self.add(Op::Conv2d(op), vec![input], weights, node.output)
    }

    fn depthwise_conv_2d(&mut self, node: &Node<'a>) -> Result<(), FormatError> {
        let options = self.options(node)?;
        let input = self.activation_input(node, 0)?;
        let channels = self.layers[input.0].output.shape.last().copied().unwrap_or(0);
        let kernel = self.constant(node, 1)?;
        let (kernel, dimension) = weights::to_hwcm(kernel, channels).ok_or_else(|| {
            self.unsupported(
                node,
                "its kernel is not [1, height, width, channels] for its input, with scales along the channels",
            )
        })?;
        let bias = self.optional_bias(node)?;
        let [h, w, _, multiplier] = dimension;
        let op = DepthwiseConv2d {
            multiplier,
            kernel: (h, w),
            strides: self.pair(
                node,
                &options,
                slot::depthwise_conv_2d::STRIDE_H,
                slot::depthwise_conv_2d::STRIDE_W,
                0,
            )?,
            dilation: self.pair(
                node,
                &options,
                slot::depthwise_conv_2d::DILATION_H,
                slot::depthwise_conv_2d::DILATION_W,
                1,
            )?,
            padding: self.padding(node, options.i8(slot::depthwise_conv_2d::PADDING, 0)?)?,
            bias: bias.is_some(),
            activation: self.activation(node, options.i8(slot::depthwise_conv_2d::ACTIVATION, 0)?)?,
        };
        let weights = std::iter::once(kernel).chain(bias).collect();
        self.add(Op::DepthwiseConv2d(op), vec![input], weights, node.output)
    }

    fn add_op(&mut self, node: &Node<'a>) -> Result<(), FormatError> {
        let inputs = vec![self.activation_input(node, 0)?, self.activation_input(node, 1)?];
        let code = match node.options {
            Some(options) => options.i8(slot::add::ACTIVATION, 0)?,
            None => activation::NONE,
        };
        let activation = self.activation(node, code)?;
        self.add(Op::Add { activation }, inputs, Vec::new(), node.output)
    }

    fn concatenation(&mut self, node: &Node<'a>) -> Result<(), FormatError> {
        let options = self.options(node)?;
        let rank = self.tensor(node.output)?.shape.len();
        let axis = options.i32(slot::concatenation::AXIS, 0)?;
        if axis != -1 && usize::try_from(axis).ok() != rank.checked_sub(1) {
            return Err(self.unsupported(node, "it does not run along the channels"));
        }
        if options.i8(slot::concatenation::ACTIVATION, 0)? != activation::NONE {
            return Err(self.unsupported(node, "an activation fused to it is not supported"));
        }
        let inputs =
            (0..node.inputs.len()).map(|i| self.activation_input(node, i)).collect::<Result<_, _>>()?;
        self.add(Op::Concat, inputs, Vec::new(), node.output)
    }

    fn mean(&mut self, node: &Node<'a>) -> Result<(), FormatError> {
        let input = self.activation_input(node, 0)?;
        let mut axes = self.integers(node, 1)?;
        for axis in &mut axes {
            if *axis < 0 {
                *axis = axis.wrapping_add(4);
            }
        }
        axes.sort_unstable();
        if axes != [1, 2] || self.layers[input.0].output.shape.len() != 3 {
            return Err(self.unsupported(node, "only the mean over height and width is supported"));
        }
        let keep_dims = match node.options {
            Some(options) => options.bool(slot::reducer::KEEP_DIMS, false)?,
            None => false,
        };
        self.add(Op::GlobalAveragePool { keep_dims }, vec![input], Vec::new(), node.output)
    }

    fn resize(&mut self, node: &Node<'a>, interpolation: Interpolation) -> Result<(), FormatError> {
        let options = self.options(node)?;
        let (align, half) = match interpolation {
            Interpolation::Bilinear => {
                (slot::resize_bilinear::ALIGN_CORNERS, slot::resize_bilinear::HALF_PIXEL_CENTERS)
            }
            Interpolation::Nearest => (
                slot::resize_nearest_neighbor::ALIGN_CORNERS,
                slot::resize_nearest_neighbor::HALF_PIXEL_CENTERS,
            ),
        };
        if options.bool(align, false)? || !options.bool(half, false)? {
            return Err(self.unsupported(node, "only half-pixel centres are supported"));
        }
        let input = self.activation_input(node, 0)?;
        let size = self.integers(node, 1)?;
        let factor = match (&self.layers[input.0].output.shape[..], &size[..]) {
            (&[h, w, _], &[height, width]) => whole_factor(h, height).zip(whole_factor(w, width)),
            _ => None,
        };
        let Some(factor) = factor else {
            return Err(self.unsupported(node, "only enlarging images by whole factors is supported"));
        };
        self.add(Op::Upsample { factor, interpolation }, vec![input], Vec::new(), node.output)
    }

    fn pad(&mut self, node: &Node<'a>) -> Result<(), FormatError> {
        let input = self.activation_input(node, 0)?;
        let sizes: Option<Vec<usize>> =
            self.integers(node, 1)?.iter().map(|&n| usize::try_from(n).ok()).collect();
        let Some(&[0, 0, top, bottom, left, right, 0, 0]) = sizes.as_deref() else {
            return Err(self.unsupported(node, "only padding of height and width is supported"));
        };
        let op = Op::ZeroPad2d { height: (top, bottom), width: (left, right) };
        self.add(op, vec![input], Vec::new(), node.output)
    }

    fn reshape(&mut self, node: &Node<'a>) -> Result<(), FormatError> {
        let input = self.activation_input(node, 0)?;
        let shape = self.tensor(node.output)?.shape.get(1..).unwrap_or_default().to_vec();
        self.add(Op::Reshape { shape }, vec![input], Vec::new(), node.output)
    }

    fn softmax(&mut self, node: &Node<'a>) -> Result<(), FormatError> {
        let beta = self.options(node)?.f32(slot::softmax::BETA, 0.0)?;
        if beta != 1.0 {
            return Err(self.unsupported(node, "only beta = 1 is supported"));
        }
        self.unary(node, Op::Activation(Activation::Softmax))
    }

    fn unary(&mut self, node: &Node<'a>, op: Op) -> Result<(), FormatError> {
        let input = self.activation_input(node, 0)?;
        self.add(op, vec![input], Vec::new(), node.output)
    }

    /// Appends the layer that gives the tensor `output`.
    fn add(
        &mut self,
        op: Op,
        inputs: Vec<LayerId>,
        weights: Vec<Tensor>,
        output: usize,
    ) -> Result<(), FormatError> {
        let tensor = self.tensor(output)?;
        if self.producers[output].is_some() {
            return Err(damaged(format!("two operators give tensor `{}`", short(tensor.name))));
        }
        let (given_name, output_type) = (tensor.name, tensor.output_type()?);
        // Names are unique in a graph, but need not be in a file.
        let mut name = given_name.to_owned();
        while name.is_empty() || !self.names.insert(name.clone()) {
            name = format!("{given_name}_{}", self.names.len());
        }
        self.producers[output] = Some(LayerId(self.layers.len()));
        let initializer = Initializer::default();
        self.layers.push(Layer { name, op, inputs, weights, initializer, output: output_type });
        Ok(())
    }

    fn tensor(&self, index: usize) -> Result<&FileTensor<'a>, FormatError> {
        self.tensors
            .get(index)
            .ok_or_else(|| damaged(format!("tensor {index} of {} is used", self.tensors.len())))
    }

    fn producer(&self, tensor: usize) -> Result<Option<LayerId>, FormatError> {
        self.tensor(tensor)?;
        Ok(self.producers[tensor])
    }

    /// The tensor an operator reads at `position`; none when left out (-1 in the file).
    fn input(&self, node: &Node<'a>, position: usize) -> Option<usize> {
        node.inputs.get(position).and_then(|&index| usize::try_from(index).ok())
    }

    /// The layer that gives the operand at `position`.
    fn activation_input(&self, node: &Node<'a>, position: usize) -> Result<LayerId, FormatError> {
        let Some(tensor) = self.input(node, position) else {
            return Err(damaged(format!("{} lacks its operand {position}", node.name)));
        };
        if let Some(layer) = self.producer(tensor)? {
            return Ok(layer);
        }
        if self.tensor(tensor)?.data.is_empty() {
            return Err(damaged(format!("{} reads tensor {tensor} before anything gives it", node.name)));
        }
        Err(self.unsupported(
            node,
            "a constant operand is not supported; convert the model with a fixed batch of 1, which folds \
             normalisation into convolutions",
        ))
    }

    /// The weights at `position`, in the file's layout.
    fn constant(&self, node: &Node<'a>, position: usize) -> Result<Tensor, FormatError> {
        let Some(tensor) = self.input(node, position) else {
            return Err(damaged(format!("{} lacks its operand {position}", node.name)));
        };
        self.tensor(tensor)?.constant()
    }

    /// A convolution's bias; none when left out.
    fn optional_bias(&self, node: &Node<'a>) -> Result<Option<Tensor>, FormatError> {
        self.input(node, 2).map(|_| self.constant(node, 2)).transpose()
    }

    /// Constant `int32` elements: sizes, axes, paddings.
    fn integers(&self, node: &Node<'a>, position: usize) -> Result<Vec<i32>, FormatError> {
        match self.constant(node, position)?.data {
            Data::I32(values) => Ok(values),
            _ => Err(self.unsupported(node, &format!("its operand {position} is not a constant of int32"))),
        }
    }

    fn options(&self, node: &Node<'a>) -> Result<Table<'a>, FormatError> {
        node.options.ok_or_else(|| damaged(format!("{} has no options", node.name)))
    }

    /// Two positive integers: for height, then width.
    fn pair(
        &self,
        node: &Node<'a>,
        options: &Table<'a>,
        height: usize,
        width: usize,
        default: i32,
    ) -> Result<(usize, usize), FormatError> {
        let one = |slot| -> Result<usize, FormatError> {
            let value = options.i32(slot, default)?;
            usize::try_from(value)
                .ok()
                .filter(|&v| v > 0 && v <= 1 << 20)
                .ok_or_else(|| damaged(format!("{} has a stride or dilation of {value}", node.name)))
        };
        Ok((one(height)?, one(width)?))
    }

    fn padding(&self, node: &Node<'a>, code: i8) -> Result<Padding, FormatError> {
        match code {
            padding::SAME => Ok(Padding::Same),
            padding::VALID => Ok(Padding::Valid),
            _ => Err(damaged(format!("{} has padding code {code}", node.name))),
        }
    }

    fn activation(&self, node: &Node<'a>, code: i8) -> Result<Activation, FormatError> {
        match code {
            activation::NONE => Ok(Activation::Linear),
            activation::RELU => Ok(Activation::Relu),
            activation::RELU6 => Ok(Activation::Relu6),
            _ => Err(self.unsupported(node, "only ReLU and ReLU6 may be fused to it")),
        }
    }

    fn unsupported(&self, node: &Node<'a>, message: &str) -> FormatError {
        let name = self.tensors.get(node.output).map_or("", |tensor| tensor.name);
        FormatError::unsupported(short(name), node.name, message)
    }
}

fn single(what: &str, indices: Vector<'_>) -> Result<usize, FormatError> {
    let indices = indices.i32s()?;
    match indices[..] {
        [index] => usize::try_from(index).map_err(|_| damaged(format!("the {what} is tensor {index}"))),
        _ => Err(content(
            format!("there are {} tensors where one {what} is expected", indices.len()),
            "models with one input and one output are supported",
        )),
    }
}

fn whole_factor(from: usize, to: i32) -> Option<usize> {
    let to = usize::try_from(to).ok()?;
    (from > 0 && to > 0 && to % from == 0).then(|| to / from)
}

fn content(message: impl Into<String>, help: impl Into<String>) -> FormatError {
    FormatError::Content { message: message.into(), help: help.into() }
}
