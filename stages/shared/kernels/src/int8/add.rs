//! Sum of two tensors.

use super::clamp::Clamp;
use super::multiplier::Multiplier;
use crate::KernelError;
use crate::kernel::{Element, Kernel, Mismatch, Site};
use model::{Activation, Data};

/// Bits that operands are shifted to the left before they are brought to a common scale.
const LEFT_SHIFT: u32 = 20;

/// Sum of two tensors, each with a scale of its own, at twice the larger scale.
pub(crate) struct Add {
    operands: [(Multiplier, i32); 2],
    output: Multiplier,
    zero_point: i32,
    clamp: Clamp,
}

impl Add {
    pub(crate) fn new(site: &Site<'_>, activation: Activation) -> Result<Self, KernelError> {
        let [a, b] = site.inputs[..] else {
            return Err(site.error("it adds two inputs"));
        };
        if a.shape != b.shape {
            return Err(site.error(format!(
                "it adds {:?} and {:?}; there is no int8 kernel that repeats axes yet",
                a.shape, b.shape
            )));
        }
        let ((scale_a, zero_a), (scale_b, zero_b)) = (site.quant(a)?, site.quant(b)?);
        let (scale, zero_point) = site.quant(site.output())?;
        let common = 2.0 * f64::from(scale_a.max(scale_b));
        let operand = |scale: f32, zero: i32| (Multiplier::new(f64::from(scale) / common), zero);
        Ok(Self {
            operands: [operand(scale_a, zero_a), operand(scale_b, zero_b)],
            output: Multiplier::new(common / (f64::from(1 << LEFT_SHIFT) * f64::from(scale))),
            zero_point,
            clamp: Clamp::new(site, activation, scale, zero_point)?,
        })
    }
}

impl Kernel for Add {
    fn run(&self, inputs: &[&Data], _: usize) -> Result<Data, Mismatch> {
        let [a, b] = inputs[..] else { return Err(Mismatch) };
        // An operand has 256 values: their common-scale forms are looked up.
        let [table_a, table_b] = self.operands.map(|(multiplier, zero_point)| {
            std::array::from_fn::<i32, 256, _>(|byte| {
                let value = i32::from((byte as u8).cast_signed()) - zero_point;
                multiplier.apply(value << LEFT_SHIFT)
            })
        });
        let sums = i8::slice(a)?.iter().zip(i8::slice(b)?).map(|(&a, &b)| {
            let sum = table_a[usize::from(a.cast_unsigned())] + table_b[usize::from(b.cast_unsigned())];
            self.clamp.apply(self.output.apply(sum).saturating_add(self.zero_point))
        });
        Ok(i8::data(sums.collect()))
    }
}
