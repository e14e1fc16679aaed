//! What a layer becomes: a kernel with packed weights, chosen by operation and element types.

use crate::{KernelError, float, int8, movement};
use model::{Activation, Data, DataType, Graph, Interpolation, Layer, LayerId, Op, Quant, TensorType};

/// A layer ready to run.
pub(crate) trait Kernel: Send + Sync {
    /// The output for `batch` images; inputs have as many.
    fn run(&self, inputs: &[&Data], batch: usize) -> Result<Data, Mismatch>;
}

/// A kernel was handed elements of another type than it was prepared for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Mismatch;

/// Element types that kernels work on.
pub(crate) trait Element: Copy + Send + Sync + 'static {
    fn slice(data: &Data) -> Result<&[Self], Mismatch>;
    fn data(values: Vec<Self>) -> Data;
}

macro_rules! element {
    ($type:ty, $variant:ident) => {
        impl Element for $type {
            fn slice(data: &Data) -> Result<&[Self], Mismatch> {
                match data {
                    Data::$variant(values) => Ok(values),
                    _ => Err(Mismatch),
                }
            }
            fn data(values: Vec<Self>) -> Data {
                Data::$variant(values)
            }
        }
    };
}
element!(f32, F32);
element!(i8, I8);
element!(u8, U8);

/// The one operand of a kernel that reads one.
pub(crate) fn operand<'a, T: Element>(inputs: &[&'a Data]) -> Result<&'a [T], Mismatch> {
    T::slice(inputs.first().ok_or(Mismatch)?)
}

/// A layer with the types around it.
pub(crate) struct Site<'a> {
    pub(crate) layer: &'a Layer,
    pub(crate) inputs: Vec<&'a TensorType>,
}

impl<'a> Site<'a> {
    pub(crate) fn new(graph: &'a Graph, id: LayerId) -> Self {
        let layer = graph.layer(id);
        Self { layer, inputs: layer.inputs.iter().map(|&input| &graph.layer(input).output).collect() }
    }

    pub(crate) fn output(&self) -> &'a TensorType {
        &self.layer.output
    }

    /// The first operand's type.
    pub(crate) fn input(&self) -> Result<&'a TensorType, KernelError> {
        self.inputs.first().copied().ok_or_else(|| self.error("it reads nothing"))
    }

    /// Height, width and channels of a type.
    pub(crate) fn image(&self, tensor: &TensorType) -> Result<[usize; 3], KernelError> {
        tensor.shape[..]
            .try_into()
            .map_err(|_| self.error(format!("it needs [height, width, channels], not {:?}", tensor.shape)))
    }

    /// Scale and zero point of a type that has one of each.
    pub(crate) fn quant(&self, tensor: &TensorType) -> Result<(f32, i32), KernelError> {
        match &tensor.quant {
            Some(Quant { scales, zero_points, axis: None })
                if scales.len() == 1 && zero_points.len() == 1 =>
            {
                let (scale, zero_point) = (scales[0], zero_points[0]);
                let range = match tensor.data_type {
                    DataType::U8 => 0..=255,
                    _ => -128..=127,
                };
                if !(scale.is_normal() && scale > 0.0 && range.contains(&zero_point)) {
                    return Err(self.error(format!(
                        "scale {scale} and zero point {zero_point} are no quantization of 8-bit integers"
                    )));
                }
                Ok((scale, zero_point))
            }
            Some(_) => Err(self.error("activations need one scale for the whole tensor")),
            None => Err(self.error("its integers have no scale")),
        }
    }

    /// That all operands and the output mean their integers in the same way.
    pub(crate) fn same_quant(&self) -> Result<(), KernelError> {
        let output = self.quant(self.output())?;
        for input in &self.inputs {
            let input = self.quant(input)?;
            if input != output {
                return Err(self.error(format!(
                    "operands and output need the same scale and zero point; they have {input:?} and {output:?}"
                )));
            }
        }
        Ok(())
    }

    pub(crate) fn error(&self, message: impl Into<String>) -> KernelError {
        KernelError::Layer { layer: self.layer.name.clone(), message: message.into() }
    }
}

/// The kernel of a layer; none for an input.
pub(crate) fn prepare(site: &Site<'_>) -> Result<Option<Box<dyn Kernel>>, KernelError> {
    let op = &site.layer.op;
    if *op == Op::Input {
        if matches!(site.output().data_type, DataType::I8 | DataType::U8) {
            site.quant(site.output())?;
        }
        return Ok(None);
    }
    match op {
        Op::Quantize => return int8::quantize(site).map(Some),
        Op::Dequantize => return int8::dequantize(site).map(Some),
        _ => {}
    }
    let output = site.output().data_type;
    if let Some(other) = site.inputs.iter().find(|input| input.data_type != output) {
        return Err(site.error(format!(
            "it reads {:?} and gives {output:?}; only quantization changes the element type",
            other.data_type
        )));
    }
    let kernel = match output {
        DataType::F32 => prepare_float(site)?,
        DataType::I8 => prepare_int8(site)?,
        other => {
            return Err(site.error(format!(
                "there are kernels for float and int8, none for {other:?}, which only a network's border may have"
            )));
        }
    };
    Ok(Some(kernel))
}

fn prepare_float(site: &Site<'_>) -> Result<Box<dyn Kernel>, KernelError> {
    Ok(match &site.layer.op {
        Op::Conv2d(conv) => Box::new(float::Conv::new(site, conv)?),
        Op::DepthwiseConv2d(conv) => Box::new(float::DepthwiseConv::new(site, conv)?),
        Op::SeparableConv2d(conv) => Box::new(float::SeparableConv::new(site, conv)?),
        Op::Conv2dTranspose(conv) => Box::new(float::ConvTranspose::new(site, conv)?),
        Op::Dense(dense) => Box::new(float::DenseProduct::new(site, dense)?),
        Op::BatchNorm { epsilon, .. } => Box::new(float::BatchNorm::new(site, *epsilon)?),
        Op::Relu { max_value } => Box::new(float::Relu { max_value: *max_value }),
        &Op::SlopedRelu { max_value, negative_slope, threshold } => {
            Box::new(float::SlopedRelu { max_value, negative_slope, threshold })
        }
        Op::LeakyRelu { slope } => Box::new(float::LeakyRelu { slope: *slope }),
        Op::Prelu { .. } => Box::new(float::Prelu::new(site)?),
        Op::Activation(activation) => Box::new(float::Activate::new(site, *activation)),
        Op::Softmax => Box::new(float::Activate::new(site, Activation::Softmax)),
        Op::Add { activation } => Box::new(float::Join::sum(site, *activation)),
        Op::Multiply => Box::new(float::Join::product(site)),
        Op::MaxPool2d(pool) => Box::new(float::Pool::new(site, pool, float::Pooled::Max)?),
        Op::AveragePool2d(pool) => Box::new(float::Pool::new(site, pool, float::Pooled::Mean)?),
        Op::GlobalAveragePool { .. } => Box::new(float::GlobalAveragePool::new(site)?),
        Op::Upsample { interpolation: Interpolation::Bilinear, .. }
        | Op::Resize { interpolation: Interpolation::Bilinear, .. } => {
            Box::new(float::ResizeBilinear::new(site)?)
        }
        Op::Rescale { scale, offset } => Box::new(float::Rescale { scale: *scale, offset: *offset }),
        _ => movement::prepare::<f32>(site, 0.0)?,
    })
}

fn prepare_int8(site: &Site<'_>) -> Result<Box<dyn Kernel>, KernelError> {
    Ok(match &site.layer.op {
        Op::Conv2d(conv) => Box::new(int8::Conv::new(site, conv)?),
        Op::DepthwiseConv2d(conv) => Box::new(int8::DepthwiseConv::new(site, conv)?),
        Op::Relu { max_value } => Box::new(int8::Relu::new(site, *max_value)?),
        Op::Activation(Activation::Relu) => Box::new(int8::Relu::new(site, None)?),
        Op::Activation(Activation::Relu6) => Box::new(int8::Relu::new(site, Some(6.0))?),
        Op::Activation(Activation::Softmax) | Op::Softmax => {
            return Err(
                site.error("there is no int8 softmax here: leave it out, the largest logit is the class")
            );
        }
        Op::Add { activation } => Box::new(int8::Add::new(site, *activation)?),
        Op::GlobalAveragePool { .. } => Box::new(int8::Mean::new(site)?),
        Op::Upsample { interpolation: Interpolation::Bilinear, .. } => {
            site.same_quant()?;
            Box::new(int8::ResizeBilinear::new(site)?)
        }
        Op::BatchNorm { .. } => return Err(site.error("fold batch normalisation before quantizing")),
        Op::Rescale { .. } => return Err(site.error("fold rescaling before quantizing")),
        op @ (Op::SeparableConv2d(_)
        | Op::Conv2dTranspose(_)
        | Op::Dense(_)
        | Op::SlopedRelu { .. }
        | Op::LeakyRelu { .. }
        | Op::Prelu { .. }
        | Op::Activation(_)
        | Op::Multiply
        | Op::MaxPool2d(_)
        | Op::AveragePool2d(_)
        | Op::Resize { interpolation: Interpolation::Bilinear, .. })
            if *op != Op::Activation(Activation::Linear) =>
        {
            return Err(site.error(format!("there is no int8 kernel for {} layers yet", op.class())));
        }
        _ => {
            site.same_quant()?;
            let (_, zero_point) = site.quant(site.output())?;
            movement::prepare::<i8>(site, zero_point as i8)?
        }
    })
}
