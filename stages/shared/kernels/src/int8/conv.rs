//! Convolution.

use super::dot::Columns;
use super::weights::{Requantize, kernel};
use crate::KernelError;
use crate::kernel::{Element, Kernel, Mismatch, Site, operand};
use crate::rows::for_rows;
use crate::window::Window;
use model::{Conv2d, Data};

/// Convolution with a scale for each output channel, or one for all.
pub(crate) struct Conv {
    window: Window,
    filters: usize,
    columns: Columns,
    requantize: Requantize,
    /// The input's zero point, what padding stands for.
    zero_point: i16,
}

impl Conv {
    pub(crate) fn new(site: &Site<'_>, conv: &Conv2d) -> Result<Self, KernelError> {
        let input = site.image(site.input()?)?;
        let output = site.image(site.output())?;
        let window = Window::new(input, output, conv.kernel, conv.strides, conv.dilation, conv.padding);
        let (_, zero_point) = site.quant(site.input()?)?;
        Ok(Self {
            window,
            filters: conv.filters,
            columns: Columns::new(kernel(site)?, window.len(), conv.filters),
            requantize: Requantize::new(site, conv.filters, conv.activation)?,
            zero_point: zero_point as i16,
        })
    }
}

impl Kernel for Conv {
    fn run(&self, inputs: &[&Data], batch: usize) -> Result<Data, Mismatch> {
        let input = operand::<i8>(inputs)?;
        let Window { rows, columns, channels } = self.window;
        let mut output = vec![0i8; batch * rows.output * columns.output * self.filters];
        let row_len = columns.output * self.filters;
        for_rows(&mut output, row_len, row_len * self.window.len(), |first, chunk| {
            let mut patch = vec![0i16; self.columns.len()];
            for (row, output) in chunk.chunks_exact_mut(row_len).enumerate() {
                let (image, y) = ((first + row) / rows.output, (first + row) % rows.output);
                let image = &input[image * self.window.image()..][..self.window.image()];
                for (x, output) in output.chunks_exact_mut(self.filters).enumerate() {
                    patch.fill(0);
                    self.window.taps(y, x, |tap, offset| {
                        let values = &image[offset..offset + channels];
                        for (patch, &value) in patch[tap * channels..].iter_mut().zip(values) {
                            *patch = i16::from(value) - self.zero_point;
                        }
                    });
                    self.columns.multiply(&patch, |filter, sum| {
                        output[filter] = self.requantize.apply(filter, sum);
                    });
                }
            }
        });
        Ok(i8::data(output))
    }
}
