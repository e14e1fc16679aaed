//! Tensors: typed elements with a shape and, when they stand for real numbers, their scale.

/// Element type of a [`Tensor`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DataType {
    /// 32-bit float.
    F32,
    /// Signed 8-bit integer.
    I8,
    /// Unsigned 8-bit integer.
    U8,
    /// Signed 32-bit integer.
    I32,
}

impl DataType {
    /// Size of an element.
    #[must_use]
    pub fn bytes(self) -> u64 {
        match self {
            Self::F32 | Self::I32 => 4,
            Self::I8 | Self::U8 => 1,
        }
    }
}

/// The elements of a [`Tensor`], row major.
#[derive(Debug, Clone, PartialEq)]
pub enum Data {
    /// 32-bit floats.
    F32(Vec<f32>),
    /// Signed bytes.
    I8(Vec<i8>),
    /// Unsigned bytes.
    U8(Vec<u8>),
    /// Signed 32-bit integers.
    I32(Vec<i32>),
}

impl Data {
    /// Number of elements.
    #[must_use]
    pub fn len(&self) -> usize {
        match self {
            Self::F32(v) => v.len(),
            Self::I8(v) => v.len(),
            Self::U8(v) => v.len(),
            Self::I32(v) => v.len(),
        }
    }

    /// Whether there are no elements.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Element type.
    #[must_use]
    pub fn data_type(&self) -> DataType {
        match self {
            Self::F32(_) => DataType::F32,
            Self::I8(_) => DataType::I8,
            Self::U8(_) => DataType::U8,
            Self::I32(_) => DataType::I32,
        }
    }
}

/// Affine quantization: `real = scale * (stored - zero_point)`, per tensor (one scale) or along one axis.
///
/// Source: LiteRT 8-bit quantization specification.
#[derive(Debug, Clone, PartialEq)]
pub struct Quant {
    /// One scale, or one per index of `axis`.
    pub scales: Vec<f32>,
    /// As many as scales.
    pub zero_points: Vec<i32>,
    /// The axis the scales run along, in this tensor's own layout; none for one scale.
    pub axis: Option<usize>,
}

impl Quant {
    /// One scale for the whole tensor.
    #[must_use]
    pub fn per_tensor(scale: f32, zero_point: i32) -> Self {
        Self { scales: vec![scale], zero_points: vec![zero_point], axis: None }
    }
}

/// Type of a layer's output: element type, shape without the batch, quantization.
#[derive(Debug, Clone, PartialEq)]
pub struct TensorType {
    /// Element type.
    pub data_type: DataType,
    /// Shape without the batch: `[height, width, channels]`, or `[channels]` after global pooling without kept axes.
    pub shape: Vec<usize>,
    /// What stored integers mean; none for floats.
    pub quant: Option<Quant>,
}

impl TensorType {
    /// A float tensor type.
    #[must_use]
    pub fn f32(shape: impl Into<Vec<usize>>) -> Self {
        Self { data_type: DataType::F32, shape: shape.into(), quant: None }
    }

    /// Number of elements of one image.
    #[must_use]
    pub fn len(&self) -> usize {
        self.shape.iter().product()
    }

    /// Whether there are no elements.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes of one image.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.len() as u64 * self.data_type.bytes()
    }
}

/// Elements with a shape. Activations carry the batch as first axis, weights have none.
#[derive(Debug, Clone, PartialEq)]
pub struct Tensor {
    /// Axes, outermost first.
    pub shape: Vec<usize>,
    /// The elements, row major.
    pub data: Data,
    /// What stored integers mean; none for floats.
    pub quant: Option<Quant>,
}

impl Tensor {
    /// A float tensor.
    ///
    /// # Panics
    /// When `shape` and `data` disagree on the number of elements.
    #[must_use]
    pub fn f32(shape: impl Into<Vec<usize>>, data: Vec<f32>) -> Self {
        let shape = shape.into();
        assert_eq!(
            shape.iter().product::<usize>(),
            data.len(),
            "shape {shape:?} against the number of elements"
        );
        Self { shape, data: Data::F32(data), quant: None }
    }

    /// The floats.
    #[must_use]
    pub fn as_f32(&self) -> Option<&[f32]> {
        match &self.data {
            Data::F32(values) => Some(values),
            _ => None,
        }
    }
}
