//! Between numbers and integers: the network's borders.

use super::multiplier::Multiplier;
use crate::KernelError;
use crate::kernel::{Element, Kernel, Mismatch, Site, operand};
use model::{Data, DataType};
use std::marker::PhantomData;

/// Stored 8-bit integers.
trait Stored: Element {
    /// Smallest and largest.
    const RANGE: (i32, i32);
    fn to_i32(self) -> i32;
    /// From an integer within the range.
    fn from_i32(value: i32) -> Self;
}

impl Stored for i8 {
    const RANGE: (i32, i32) = (-128, 127);
    fn to_i32(self) -> i32 {
        i32::from(self)
    }
    fn from_i32(value: i32) -> Self {
        value as Self
    }
}

impl Stored for u8 {
    const RANGE: (i32, i32) = (0, 255);
    fn to_i32(self) -> i32 {
        i32::from(self)
    }
    fn from_i32(value: i32) -> Self {
        value as Self
    }
}

/// The kernel of a layer that gives integers, from floats or from other integers.
pub(crate) fn quantize(site: &Site<'_>) -> Result<Box<dyn Kernel>, KernelError> {
    let input = site.input()?.data_type;
    Ok(match (input, site.output().data_type) {
        (DataType::F32, DataType::I8) => Box::new(Quantize::<i8>::new(site)?),
        (DataType::F32, DataType::U8) => Box::new(Quantize::<u8>::new(site)?),
        (DataType::U8, DataType::I8) => Box::new(Rescale::<u8, i8>::new(site)?),
        (DataType::I8, DataType::I8) => Box::new(Rescale::<i8, i8>::new(site)?),
        (DataType::I8, DataType::U8) => Box::new(Rescale::<i8, u8>::new(site)?),
        (DataType::U8, DataType::U8) => Box::new(Rescale::<u8, u8>::new(site)?),
        (from, to) => return Err(site.error(format!("it cannot quantize {from:?} to {to:?}"))),
    })
}

/// The kernel of a layer that gives floats.
pub(crate) fn dequantize(site: &Site<'_>) -> Result<Box<dyn Kernel>, KernelError> {
    let input = site.input()?;
    let (scale, zero_point) = site.quant(input)?;
    match (input.data_type, site.output().data_type) {
        (DataType::I8, DataType::F32) => {
            Ok(Box::new(Dequantize::<i8> { scale, zero_point, stored: PhantomData }))
        }
        (DataType::U8, DataType::F32) => {
            Ok(Box::new(Dequantize::<u8> { scale, zero_point, stored: PhantomData }))
        }
        (from, to) => Err(site.error(format!("it cannot dequantize {from:?} to {to:?}"))),
    }
}

/// Floats to integers: divided by the scale, rounded with halves away from zero, moved by the zero point.
struct Quantize<T> {
    scale: f32,
    zero_point: i32,
    stored: PhantomData<T>,
}

impl<T: Stored> Quantize<T> {
    fn new(site: &Site<'_>) -> Result<Self, KernelError> {
        let (scale, zero_point) = site.quant(site.output())?;
        Ok(Self { scale, zero_point, stored: PhantomData })
    }
}

impl<T: Stored> Kernel for Quantize<T> {
    fn run(&self, inputs: &[&Data], _: usize) -> Result<Data, Mismatch> {
        let (low, high) = T::RANGE;
        let values = operand::<f32>(inputs)?.iter().map(|value| {
            let stored = ((value / self.scale).round() as i32).saturating_add(self.zero_point);
            T::from_i32(stored.clamp(low, high))
        });
        Ok(T::data(values.collect()))
    }
}

/// Integers to integers of another type, scale or zero point.
struct Rescale<I, O> {
    multiplier: Multiplier,
    input_zero: i32,
    output_zero: i32,
    types: PhantomData<(I, O)>,
}

impl<I: Stored, O: Stored> Rescale<I, O> {
    fn new(site: &Site<'_>) -> Result<Self, KernelError> {
        let (input_scale, input_zero) = site.quant(site.input()?)?;
        let (output_scale, output_zero) = site.quant(site.output())?;
        let multiplier = Multiplier::new(f64::from(input_scale) / f64::from(output_scale));
        Ok(Self { multiplier, input_zero, output_zero, types: PhantomData })
    }
}

impl<I: Stored, O: Stored> Kernel for Rescale<I, O> {
    fn run(&self, inputs: &[&Data], _: usize) -> Result<Data, Mismatch> {
        let (low, high) = O::RANGE;
        let values = operand::<I>(inputs)?.iter().map(|value| {
            let stored =
                self.multiplier.apply(value.to_i32() - self.input_zero).saturating_add(self.output_zero);
            O::from_i32(stored.clamp(low, high))
        });
        Ok(O::data(values.collect()))
    }
}

/// Integers to floats.
struct Dequantize<T> {
    scale: f32,
    zero_point: i32,
    stored: PhantomData<T>,
}

impl<T: Stored> Kernel for Dequantize<T> {
    fn run(&self, inputs: &[&Data], _: usize) -> Result<Data, Mismatch> {
        let values =
            operand::<T>(inputs)?.iter().map(|value| self.scale * (value.to_i32() - self.zero_point) as f32);
        Ok(f32::data(values.collect()))
    }
}
