//! Tensors of a file: their types, scales and constant elements, all checked.

use super::super::schema::{slot, tensor_type};
use super::super::table::{Table, damaged};
use crate::FormatError;
use model::{Data, DataType, Quant, Tensor, TensorType};

/// The largest number of elements a tensor may have: with it no index computation overflows.
const MAX_ELEMENTS: usize = 1 << 31;
/// The largest rank.
const MAX_RANK: usize = 8;

/// A tensor of the file.
pub(super) struct FileTensor<'a> {
    pub(super) name: &'a str,
    pub(super) shape: Vec<usize>,
    code: i8,
    /// Its constant elements; empty for an activation.
    pub(super) data: &'a [u8],
    quant: Option<FileQuant>,
}

/// Scales as the file has them: the dimension in the file's own layout.
struct FileQuant {
    scales: Vec<f32>,
    zero_points: Vec<i32>,
    dimension: i32,
}

/// The tensors of a subgraph.
pub(super) fn read_tensors<'a>(
    model: &Table<'a>,
    subgraph: &Table<'a>,
) -> Result<Vec<FileTensor<'a>>, FormatError> {
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

impl FileTensor<'_> {
    /// The type of the layer that gives this tensor: without the batch.
    pub(super) fn output_type(&self) -> Result<TensorType, FormatError> {
        let Some((&batch, shape)) = self.shape.split_first() else {
            return Err(self.unsupported("a scalar activation is not supported"));
        };
        if batch != 1 {
            return Err(
                self.unsupported(format!("its batch is {batch}; convert the model with a fixed batch of 1"))
            );
        }
        let quant = match &self.quant {
            None => None,
            Some(quant) if quant.scales.len() == 1 => {
                Some(Quant::per_tensor(quant.scales[0], quant.zero_points[0]))
            }
            Some(_) => {
                return Err(self.unsupported("an activation with a scale per channel is not supported"));
            }
        };
        Ok(TensorType { data_type: self.data_type()?, shape: shape.to_vec(), quant })
    }

    /// Constant elements, in the file's layout.
    pub(super) fn constant(&self) -> Result<Tensor, FormatError> {
        let quant = self.quant.as_ref().map(|quant| self.constant_quant(quant)).transpose()?;
        Ok(Tensor { shape: self.shape.clone(), data: self.constant_data()?, quant })
    }

    fn constant_quant(&self, quant: &FileQuant) -> Result<Quant, FormatError> {
        let axis = match quant.scales.len() {
            1 => None,
            scales => {
                let axis = usize::try_from(quant.dimension).ok();
                let fits = |&axis: &usize| self.shape.get(axis) == Some(&scales);
                Some(axis.filter(fits).ok_or_else(|| {
                    damaged(format!(
                        "tensor `{}` of shape {:?} has {scales} scales along axis {}",
                        short(self.name),
                        self.shape,
                        quant.dimension
                    ))
                })?)
            }
        };
        Ok(Quant { scales: quant.scales.clone(), zero_points: quant.zero_points.clone(), axis })
    }

    fn constant_data(&self) -> Result<Data, FormatError> {
        let data_type = self.data_type()?;
        let size = match data_type {
            DataType::F32 | DataType::I32 => 4,
            DataType::I8 | DataType::U8 => 1,
        };
        let bytes = self.shape.iter().product::<usize>() * size;
        if self.data.len() != bytes {
            return Err(damaged(format!(
                "tensor `{}` of shape {:?} has {} bytes instead of {bytes}",
                short(self.name),
                self.shape,
                self.data.len()
            )));
        }
        let words = self.data.as_chunks::<4>().0.iter().copied();
        Ok(match data_type {
            DataType::F32 => Data::F32(words.map(f32::from_le_bytes).collect()),
            DataType::I32 => Data::I32(words.map(i32::from_le_bytes).collect()),
            DataType::U8 => Data::U8(self.data.to_vec()),
            DataType::I8 => Data::I8(self.data.iter().map(|&byte| byte.cast_signed()).collect()),
        })
    }

    fn data_type(&self) -> Result<DataType, FormatError> {
        match self.code {
            tensor_type::FLOAT32 => Ok(DataType::F32),
            tensor_type::INT32 => Ok(DataType::I32),
            tensor_type::UINT8 => Ok(DataType::U8),
            tensor_type::INT8 => Ok(DataType::I8),
            code => Err(self.unsupported(format!(
                "element type {code} is not supported; float32, int32, uint8 and int8 are"
            ))),
        }
    }

    fn unsupported(&self, message: impl Into<String>) -> FormatError {
        FormatError::unsupported(short(self.name), "tensor", message)
    }
}

/// The beginning of a tensor's name: converters join all the names they merged.
pub(super) fn short(name: &str) -> String {
    name.split(';').next().unwrap_or_default().chars().take(120).collect()
}
