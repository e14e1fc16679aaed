//! Kernels that move elements and compute nothing, for any element type.

use crate::KernelError;
use crate::kernel::{Element, Kernel, Mismatch, Site, operand};
use model::{Activation, Data, Interpolation, Op};

/// The kernel of a layer that moves elements; `zero` stands for the number 0.
pub(crate) fn prepare<T: Element>(site: &Site<'_>, zero: T) -> Result<Box<dyn Kernel>, KernelError> {
    Ok(match &site.layer.op {
        Op::Concat => {
            let sizes = site.inputs.iter().map(|input| input.shape.last().copied().unwrap_or(1)).collect();
            Box::new(Concat::<T> { sizes, elements: std::marker::PhantomData })
        }
        Op::ZeroPad2d { height, width } => {
            let [_, columns, channels] = site.image(site.input()?)?;
            let [rows, padded, _] = site.image(site.output())?;
            Box::new(Pad {
                zero,
                top: height.0,
                rows: rows - height.0 - height.1,
                output: rows * padded * channels,
                row: padded * channels,
                left: width.0 * channels,
                input_row: columns * channels,
            })
        }
        Op::Upsample { factor, interpolation: Interpolation::Nearest } => {
            let [height, width, channels] = site.image(site.input()?)?;
            Box::new(Repeat::<T> {
                height,
                width,
                channels,
                factor: *factor,
                elements: std::marker::PhantomData,
            })
        }
        Op::Crop2d { height, width } => {
            let [rows, columns, channels] = site.image(site.input()?)?;
            let [kept_rows, kept_columns, _] = site.image(site.output())?;
            Box::new(Crop::<T> {
                image: rows * columns * channels,
                row: columns * channels,
                top: height.0,
                rows: kept_rows,
                left: width.0 * channels,
                kept: kept_columns * channels,
                elements: std::marker::PhantomData,
            })
        }
        Op::Resize { interpolation: Interpolation::Nearest, .. } => {
            let [height, width, channels] = site.image(site.input()?)?;
            let [to_height, to_width, _] = site.image(site.output())?;
            Box::new(Pick::<T> {
                image: height * width * channels,
                row: width * channels,
                channels,
                rows: nearest(height, to_height),
                columns: nearest(width, to_width),
                elements: std::marker::PhantomData,
            })
        }
        Op::Reshape { .. }
        | Op::Flatten
        | Op::Dropout { .. }
        | Op::SpatialDropout2d { .. }
        | Op::Activation(Activation::Linear) => {
            Box::new(Identity::<T> { elements: std::marker::PhantomData })
        }
        op => return Err(site.error(format!("there is no kernel for {op:?}"))),
    })
}

/// The same elements.
struct Identity<T> {
    elements: std::marker::PhantomData<T>,
}

impl<T: Element> Kernel for Identity<T> {
    fn run(&self, inputs: &[&Data], _: usize) -> Result<Data, Mismatch> {
        Ok(T::data(operand::<T>(inputs)?.to_vec()))
    }
}

/// Concatenation along the last axis.
struct Concat<T> {
    /// Elements of each operand's last axis.
    sizes: Vec<usize>,
    elements: std::marker::PhantomData<T>,
}

impl<T: Element> Kernel for Concat<T> {
    fn run(&self, inputs: &[&Data], _: usize) -> Result<Data, Mismatch> {
        let inputs: Vec<&[T]> = inputs.iter().map(|&data| T::slice(data)).collect::<Result<_, _>>()?;
        let mut output = Vec::with_capacity(inputs.iter().map(|input| input.len()).sum());
        let mut pieces: Vec<_> =
            inputs.iter().zip(&self.sizes).map(|(input, &size)| input.chunks_exact(size)).collect();
        while let Some(first) = pieces.first_mut().and_then(Iterator::next) {
            output.extend_from_slice(first);
            for piece in pieces.iter_mut().skip(1) {
                output.extend_from_slice(piece.next().ok_or(Mismatch)?);
            }
        }
        Ok(T::data(output))
    }
}

/// Zeros around height and width. Sizes are in elements.
struct Pad<T> {
    zero: T,
    top: usize,
    rows: usize,
    output: usize,
    row: usize,
    left: usize,
    input_row: usize,
}

impl<T: Element> Kernel for Pad<T> {
    fn run(&self, inputs: &[&Data], batch: usize) -> Result<Data, Mismatch> {
        let input = operand::<T>(inputs)?;
        let mut output = vec![self.zero; batch * self.output];
        let images = output.chunks_exact_mut(self.output).zip(input.chunks_exact(self.rows * self.input_row));
        for (image, input) in images {
            let rows = image.chunks_exact_mut(self.row).skip(self.top);
            for (row, input) in rows.zip(input.chunks_exact(self.input_row)) {
                row[self.left..self.left + self.input_row].copy_from_slice(input);
            }
        }
        Ok(T::data(output))
    }
}

/// The inner part of height and width. Sizes are in elements.
struct Crop<T> {
    /// Of the input.
    image: usize,
    row: usize,
    top: usize,
    rows: usize,
    left: usize,
    kept: usize,
    elements: std::marker::PhantomData<T>,
}

impl<T: Element> Kernel for Crop<T> {
    fn run(&self, inputs: &[&Data], batch: usize) -> Result<Data, Mismatch> {
        let input = operand::<T>(inputs)?;
        let mut output = Vec::with_capacity(batch * self.rows * self.kept);
        for image in input.chunks_exact(self.image) {
            for row in image.chunks_exact(self.row).skip(self.top).take(self.rows) {
                output.extend_from_slice(&row[self.left..self.left + self.kept]);
            }
        }
        Ok(T::data(output))
    }
}

/// For each element of a resized axis, the element of the input that lies nearest, with half-pixel centres. In 32-bit
/// floats, as TensorFlow computes it.
fn nearest(input: usize, output: usize) -> Vec<usize> {
    let scale = input as f32 / output as f32;
    let place = |position: usize| ((position as f32 + 0.5) * scale).floor() as usize;
    (0..output).map(|position| place(position).min(input - 1)).collect()
}

/// Chosen rows and columns.
struct Pick<T> {
    /// Elements of an input image.
    image: usize,
    /// Elements of an input row.
    row: usize,
    channels: usize,
    rows: Vec<usize>,
    columns: Vec<usize>,
    elements: std::marker::PhantomData<T>,
}

impl<T: Element> Kernel for Pick<T> {
    fn run(&self, inputs: &[&Data], batch: usize) -> Result<Data, Mismatch> {
        let input = operand::<T>(inputs)?;
        let mut output = Vec::with_capacity(batch * self.rows.len() * self.columns.len() * self.channels);
        for image in input.chunks_exact(self.image) {
            for row in &self.rows {
                for column in &self.columns {
                    let start = row * self.row + column * self.channels;
                    output.extend_from_slice(&image[start..start + self.channels]);
                }
            }
        }
        Ok(T::data(output))
    }
}

/// Nearest-neighbour enlargement by whole factors: with half-pixel centres each element is repeated.
struct Repeat<T> {
    height: usize,
    width: usize,
    channels: usize,
    factor: (usize, usize),
    elements: std::marker::PhantomData<T>,
}

impl<T: Element> Kernel for Repeat<T> {
    fn run(&self, inputs: &[&Data], batch: usize) -> Result<Data, Mismatch> {
        let input = operand::<T>(inputs)?;
        let (down, right) = self.factor;
        let mut output = Vec::with_capacity(input.len() * down * right);
        for row in input.chunks_exact(self.width * self.channels).take(batch * self.height) {
            let start = output.len();
            for pixel in row.chunks_exact(self.channels) {
                for _ in 0..right {
                    output.extend_from_slice(pixel);
                }
            }
            let end = output.len();
            for _ in 1..down {
                output.extend_from_within(start..end);
            }
        }
        Ok(T::data(output))
    }
}
