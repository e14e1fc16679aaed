//! Bilinear resizing in fixed point.

use crate::KernelError;
use crate::kernel::{Element, Kernel, Mismatch, Site, operand};
use crate::rows::for_rows;
use model::Data;

/// Bits of a position's fraction.
const BITS: u32 = 10;
const ONE: i64 = 1 << BITS;

/// Bilinear resizing with half-pixel centres; positions have 10 bits of fraction.
pub(crate) struct ResizeBilinear {
    channels: usize,
    input: [usize; 2],
    rows: Vec<Sample>,
    columns: Vec<Sample>,
}

/// Where an output element lies between two input elements.
#[derive(Debug, Clone, Copy)]
struct Sample {
    lower: usize,
    upper: usize,
    /// Weights of both in 1024ths.
    weights: [i64; 2],
}

impl ResizeBilinear {
    pub(crate) fn new(site: &Site<'_>) -> Result<Self, KernelError> {
        let [height, width, channels] = site.image(site.input()?)?;
        let [to_height, to_width, _] = site.image(site.output())?;
        Ok(Self {
            channels,
            input: [height, width],
            rows: samples(height, to_height),
            columns: samples(width, to_width),
        })
    }
}

fn samples(input: usize, output: usize) -> Vec<Sample> {
    let (input, output) = (input as i64, output as i64);
    let scale = (ONE * input + output / 2) / output;
    (0..output)
        .map(|position| {
            let place = position * scale + scale / 2 - ONE / 2;
            let lower = (place / ONE).max(0);
            let upper = ((place + ONE - 1) / ONE).min(input - 1);
            let fraction = place - ONE * lower;
            Sample {
                lower: lower.min(input - 1) as usize,
                upper: upper as usize,
                weights: [ONE - fraction, fraction],
            }
        })
        .collect()
}

impl Kernel for ResizeBilinear {
    fn run(&self, inputs: &[&Data], batch: usize) -> Result<Data, Mismatch> {
        let input = operand::<i8>(inputs)?;
        let [height, width] = self.input;
        let row_len = self.columns.len() * self.channels;
        let mut output = vec![0i8; batch * self.rows.len() * row_len];
        for_rows(&mut output, row_len, row_len * 4, |first, chunk| {
            for (row, output) in chunk.chunks_exact_mut(row_len).enumerate() {
                let (image, y) =
                    ((first + row) / self.rows.len(), self.rows[(first + row) % self.rows.len()]);
                let line = |y: usize| &input[(image * height + y) * width * self.channels..];
                let (above, below) = (line(y.lower), line(y.upper));
                for (output, x) in output.chunks_exact_mut(self.channels).zip(&self.columns) {
                    let (left, right) = (x.lower * self.channels, x.upper * self.channels);
                    for (channel, output) in output.iter_mut().enumerate() {
                        let value = |line: &[i8], column: usize| i64::from(line[column + channel]);
                        let sum = value(above, left) * y.weights[0] * x.weights[0]
                            + value(below, left) * y.weights[1] * x.weights[0]
                            + value(above, right) * y.weights[0] * x.weights[1]
                            + value(below, right) * y.weights[1] * x.weights[1];
                        *output = round(sum);
                    }
                }
            }
        });
        Ok(i8::data(output))
    }
}

/// To the nearest, halves away from zero.
fn round(sum: i64) -> i8 {
    let half = 1i64 << (2 * BITS - 1);
    ((sum + if sum > 0 { half } else { -half }) / (1 << (2 * BITS))) as i8
}
