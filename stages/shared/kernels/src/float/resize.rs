//! Bilinear resizing.

use crate::KernelError;
use crate::kernel::{Element, Kernel, Mismatch, Site, operand};
use crate::rows::for_rows;
use model::Data;

/// Bilinear resizing with half-pixel centres.
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
    weights: [f32; 2],
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
    let scale = input as f32 / output as f32;
    (0..output)
        .map(|position| {
            let place = (position as f32 + 0.5) * scale - 0.5;
            let lower = (place.floor().max(0.0) as usize).min(input - 1);
            let upper = (place.ceil().max(0.0) as usize).min(input - 1);
            let fraction = place - lower as f32;
            Sample { lower, upper, weights: [1.0 - fraction, fraction] }
        })
        .collect()
}

impl Kernel for ResizeBilinear {
    fn run(&self, inputs: &[&Data], batch: usize) -> Result<Data, Mismatch> {
        let input = operand::<f32>(inputs)?;
        let [height, width] = self.input;
        let row_len = self.columns.len() * self.channels;
        let mut output = vec![0.0f32; batch * self.rows.len() * row_len];
        for_rows(&mut output, row_len, row_len * 4, |first, chunk| {
            for (row, output) in chunk.chunks_exact_mut(row_len).enumerate() {
                let (image, y) =
                    ((first + row) / self.rows.len(), self.rows[(first + row) % self.rows.len()]);
                let line = |y: usize| &input[(image * height + y) * width * self.channels..];
                let (above, below) = (line(y.lower), line(y.upper));
                for (output, x) in output.chunks_exact_mut(self.channels).zip(&self.columns) {
                    let (left, right) = (x.lower * self.channels, x.upper * self.channels);
                    let corners = above[left..left + self.channels]
                        .iter()
                        .zip(&below[left..left + self.channels])
                        .zip(&above[right..right + self.channels])
                        .zip(&below[right..right + self.channels]);
                    for (output, (((above_left, below_left), above_right), below_right)) in
                        output.iter_mut().zip(corners)
                    {
                        *output = above_left * y.weights[0] * x.weights[0]
                            + below_left * y.weights[1] * x.weights[0]
                            + above_right * y.weights[0] * x.weights[1]
                            + below_right * y.weights[1] * x.weights[1];
                    }
                }
            }
        });
        Ok(f32::data(output))
    }
}
