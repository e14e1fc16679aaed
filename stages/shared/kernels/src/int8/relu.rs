//! ReLU as a layer of its own.

use super::clamp::Clamp;
use super::multiplier::Multiplier;
use crate::KernelError;
use crate::kernel::{Element, Kernel, Mismatch, Site, operand};
use model::Data;

/// ReLU, with an upper bound or without; input and output may differ in scale.
pub(crate) struct Relu {
    /// The output of each of the 256 inputs.
    table: Vec<i8>,
}

impl Relu {
    pub(crate) fn new(site: &Site<'_>, max_value: Option<f32>) -> Result<Self, KernelError> {
        let (input_scale, input_zero) = site.quant(site.input()?)?;
        let (output_scale, output_zero) = site.quant(site.output())?;
        let multiplier = Multiplier::new(f64::from(input_scale) / f64::from(output_scale));
        let clamp = Clamp::of(max_value, output_scale, output_zero);
        let table = (0..=255u8)
            .map(|byte| {
                let value = i32::from(byte.cast_signed()) - input_zero;
                clamp.apply(multiplier.apply(value).saturating_add(output_zero))
            })
            .collect();
        Ok(Self { table })
    }
}

impl Kernel for Relu {
    fn run(&self, inputs: &[&Data], _: usize) -> Result<Data, Mismatch> {
        let values = operand::<i8>(inputs)?.iter();
        Ok(i8::data(values.map(|value| self.table[usize::from(value.cast_unsigned())]).collect()))
    }
}
