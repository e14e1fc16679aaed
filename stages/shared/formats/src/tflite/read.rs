//! From the file to a graph.

use super::schema::{self, activation, operator, padding, slot, tensor_type};
use super::table::{Table, Vector, damaged};
use super::weights;
use crate::FormatError;
use model::{
    Activation, Conv2d, Data, DataType, DepthwiseConv2d, Graph, Initializer, Interpolation, Layer, LayerId,
    Op, Padding, Quant, Tensor, TensorType,
};
use std::collections::BTreeSet;

/// The largest number of elements a tensor may have: with it no index computation overflows.
const MAX_ELEMENTS: usize = 1 << 31;
/// The largest rank.
const MAX_RANK: usize = 8;

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
    let graph = Graph { name: subgraph.string(slot::subgraph::NAME)?.to_owned(), layers: reader.layers, output };
    // Shapes in a file are claims: this holds them against what the operators make of their inputs.
    graph.check()?;
    Ok(graph)
}

/// A tensor of the file.
struct FileTensor<'a> {
    name: &'a str,
    shape: Vec<usize>,
    code: i8,
    /// Its constant elements; empty for an activation.
    data: &'a [u8],
    quant: Option<FileQuant>,
}

/// Scales as the file has them: the dimension in the file's own layout.
struct FileQuant {
    scales: Vec<f32>,
    zero_points: Vec<i32>,
    dimension: i32,
}

fn read_tensors<'a>(model: &Table<'a>, subgraph: &Table<'a>) -> Result<Vec<FileTensor<'a>>, FormatError> {
    let buffers = model.vector(slot::model::BUFFERS)?.tables()?;
    let tensors = subgraph.vector(slot::subgraph::TENSORS)?.tables()?;
    tensors.iter().map(|tensor| read_tensor(tensor, &buffers)).collect()
}

fn read_tensor<'a>(tensor: &Table<'a>, buffers: &[Table<'a>]) -> Result<FileTensor<'a>, FormatError> {
    let name = tensor.string(slot::tensor::NAME)?;
    let shape = tensor.vector(slot::tensor::SHAPE)?;
    if shape.len() > MAX_RANK {
        return Err(damaged(format!("tensor `{}` has {} axes", short(name), shape.len())));
    }
    let shape = shape.i32s()?;
    let bad_shape = || damaged(format!("tensor `{}` has shape {shape:?}", short(name)));
    let sizes: Vec<usize> =
        shape.iter().map(|&d| usize::try_from(d)).collect::<Result<_, _>>().map_err(|_| bad_shape())?;
    // Checked on factors of at least 1: a zero must not hide a product that overflows.
    sizes
        .iter()
        .try_fold(1usize, |product, &d| product.checked_mul(d.max(1)))
        .filter(|&product| product <= MAX_ELEMENTS)
        .ok_or_else(bad_shape)?;

    let buffer = tensor.u32(slot::tensor::BUFFER, 0)? as usize;
    let buffer = buffers.get(buffer).ok_or_else(|| {
        damaged(format!("tensor `{}` is in buffer {buffer} of {}", short(name), buffers.len()))
    })?;
    if buffer.u64(slot::buffer::OFFSET, 0)? > 1 {
        return Err(FormatError::unsupported(
            short(name),
            "buffer",
            "weights kept behind the model (files over 2 GB) are not supported",
        ));
    }
    if tensor.table(slot::tensor::SPARSITY)?.is_some() {
        return Err(FormatError::unsupported(short(name), "tensor", "sparse weights are not supported"));
    }
    if tensor.bool(slot::tensor::IS_VARIABLE, false)? {
        return Err(FormatError::unsupported(short(name), "tensor", "variable tensors are not supported"));
    }
    Ok(FileTensor {
        name,
        shape: sizes,
        code: tensor.i8(slot::tensor::TYPE, 0)?,
        data: buffer.vector(slot::buffer::DATA)?.bytes()?,
        quant: tensor.table(slot::tensor::QUANTIZATION)?.map(|q| read_quant(name, &q)).transpose()?.flatten(),
    })
}

fn read_quant(name: &str, table: &Table<'_>) -> Result<Option<FileQuant>, FormatError> {
    let scales = table.vector(slot::quantization::SCALE)?.f32s()?;
    if scales.is_empty() {
        return Ok(None);
    }
    if table.table(slot::quantization::DETAILS)?.is_some() {
        return Err(FormatError::unsupported(
            short(name),
            "tensor",
            "its kind of quantization is not supported",
        ));
    }
    let zero_points = table.vector(slot::quantization::ZERO_POINT)?.i64s()?;
    let zero_points: Vec<i32> = if zero_points.is_empty() {
        vec![0; scales.len()]
    } else {
        zero_points
            .iter()
            .map(|&z| i32::try_from(z))
            .collect::<Result<_, _>>()
            .map_err(|_| damaged(format!("tensor `{}` has a zero point beyond 32 bits", short(name))))?
    };
    if zero_points.len() != scales.len() || scales.iter().any(|s| !s.is_finite() || *s <= 0.0) {
        return Err(damaged(format!(
            "tensor `{}` has {} scales, not all positive numbers, or {} zero points",
            short(name),
            scales.len(),
            zero_points.len()
        )));
    }
    Ok(Some(FileQuant { scales, zero_points, dimension: table.i32(slot::quantization::DIMENSION, 0)? }))
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
        let (given_name, output_type) = (tensor.name, output_type(tensor)?);
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
        let tensor = self.tensor(tensor)?;
        let data = constant_data(tensor)?;
        let quant = match &tensor.quant {
            Some(quant) if quant.scales.len() == 1 => Some(Quant {
                scales: quant.scales.clone(),
                zero_points: quant.zero_points.clone(),
                axis: None,
            }),
            Some(quant) => {
                let axis = usize::try_from(quant.dimension)
                    .ok()
                    .filter(|&axis| tensor.shape.get(axis) == Some(&quant.scales.len()))
                    .ok_or_else(|| {
                        damaged(format!(
                            "tensor `{}` of shape {:?} has {} scales along axis {}",
                            short(tensor.name),
                            tensor.shape,
                            quant.scales.len(),
                            quant.dimension
                        ))
                    })?;
                Some(Quant {
                    scales: quant.scales.clone(),
                    zero_points: quant.zero_points.clone(),
                    axis: Some(axis),
                })
            }
            None => None,
        };
        Ok(Tensor { shape: tensor.shape.clone(), data, quant })
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

/// What a layer gives: the tensor's type without the batch.
fn output_type(tensor: &FileTensor<'_>) -> Result<TensorType, FormatError> {
    let name = short(tensor.name);
    let Some((&batch, shape)) = tensor.shape.split_first() else {
        return Err(FormatError::unsupported(name, "tensor", "a scalar activation is not supported"));
    };
    if batch != 1 {
        return Err(FormatError::unsupported(
            name,
            "tensor",
            format!("its batch is {batch}; convert the model with a fixed batch of 1"),
        ));
    }
    let data_type = data_type(tensor)?;
    let quant = match &tensor.quant {
        None => None,
        Some(quant) if quant.scales.len() == 1 => {
            Some(Quant::per_tensor(quant.scales[0], quant.zero_points[0]))
        }
        Some(_) => {
            return Err(FormatError::unsupported(
                name,
                "tensor",
                "an activation with a scale per channel is not supported",
            ));
        }
    };
    Ok(TensorType { data_type, shape: shape.to_vec(), quant })
}

fn data_type(tensor: &FileTensor<'_>) -> Result<DataType, FormatError> {
    match tensor.code {
        tensor_type::FLOAT32 => Ok(DataType::F32),
        tensor_type::INT32 => Ok(DataType::I32),
        tensor_type::UINT8 => Ok(DataType::U8),
        tensor_type::INT8 => Ok(DataType::I8),
        code => Err(FormatError::unsupported(
            short(tensor.name),
            "tensor",
            format!("element type {code} is not supported; float32, int32, uint8 and int8 are"),
        )),
    }
}

fn constant_data(tensor: &FileTensor<'_>) -> Result<Data, FormatError> {
    let data_type = data_type(tensor)?;
    let size = match data_type {
        DataType::F32 | DataType::I32 => 4,
        DataType::I8 | DataType::U8 => 1,
    };
    let elements: usize = tensor.shape.iter().product();
    if tensor.data.len() != elements * size {
        return Err(damaged(format!(
            "tensor `{}` of shape {:?} has {} bytes instead of {}",
            short(tensor.name),
            tensor.shape,
            tensor.data.len(),
            elements * size
        )));
    }
    let words = tensor.data.as_chunks::<4>().0.iter().copied();
    Ok(match data_type {
        DataType::F32 => Data::F32(words.map(f32::from_le_bytes).collect()),
        DataType::I32 => Data::I32(words.map(i32::from_le_bytes).collect()),
        DataType::U8 => Data::U8(tensor.data.to_vec()),
        DataType::I8 => Data::I8(tensor.data.iter().map(|&byte| byte.cast_signed()).collect()),
    })
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

/// The beginning of a tensor's name: converters join all the names they merged.
fn short(name: &str) -> String {
    name.split(';').next().unwrap_or_default().chars().take(120).collect()
}
