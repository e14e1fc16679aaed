//! The forward pass.

use super::{Kind, Network};
use crate::ops::{self, Bounds};
use burn::tensor::{Device, Tensor, TensorData, activation};
use contract::Random;
use rayon::prelude::*;

/// How a forward pass goes.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Mode<'a> {
    /// Dropout, and batch statistics but in frozen normalisations, which use the given ones; those of others are not read.
    Training(&'a Dropout<'a>, &'a [(Vec<f32>, Vec<f32>)]),
    /// Given statistics `(mean, variance)`, no dropout.
    Inference(&'a [(Vec<f32>, Vec<f32>)]),
}

/// What dropout masks are drawn from.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Dropout<'a> {
    /// The training's seed.
    pub(crate) seed: u64,
    /// Steps since the training began.
    pub(crate) step: u64,
    /// The samples of the batch, by their position in the set.
    pub(crate) samples: &'a [usize],
}

/// What a forward pass gives.
pub(crate) struct Passed {
    /// The network's output, `[batch, channels, height, width]`.
    pub(crate) output: Tensor<4>,
    /// Mean and biased variance of the batch at each normalisation; empty where given statistics were used.
    pub(crate) moments: Vec<(Vec<f32>, Vec<f32>)>,
}

impl Network {
    /// Runs the network on `input`, `[batch, channels, height, width]`.
    pub(crate) fn forward(&self, parameters: &[Tensor<1>], input: &Tensor<4>, mode: Mode<'_>) -> Passed {
        let device = input.device();
        let none = || Tensor::<1>::from_data(TensorData::new(Vec::<f32>::new(), [0]), &device);
        let bias = |index: &Option<usize>| index.map_or_else(none, |index| parameters[index].clone());
        let mut moments = vec![(vec![], vec![]); self.norms.len()];
        let mut outputs = Outputs { values: vec![None; self.nodes.len()], uses: vec![] };
        outputs.uses = self.nodes.iter().map(|node| node.uses).collect();
        for (index, node) in self.nodes.iter().enumerate() {
            let mut inputs: Vec<Tensor<4>> = node.inputs.iter().map(|input| outputs.take(*input)).collect();
            let mut first = || inputs.remove(0);
            let value = match &node.kind {
                Kind::Input => input.clone(),
                Kind::Conv { kernel, bias: index, window } => {
                    ops::conv(first(), parameters[*kernel].clone(), bias(index), *window)
                }
                Kind::Depthwise { kernel, bias: index, window } => {
                    ops::depthwise(first(), parameters[*kernel].clone(), bias(index), *window)
                }
                Kind::ConvTranspose { kernel, bias: index, transposed } => {
                    ops::conv_transpose(first(), parameters[*kernel].clone(), bias(index), *transposed)
                }
                Kind::Norm { norm, gamma, beta, options } => {
                    let input = first();
                    let channels = input.dims()[1];
                    let [gamma, beta] = [(gamma, 1.0), (beta, 0.0)].map(|(index, constant)| match index {
                        Some(index) => parameters[*index].clone(),
                        None => vector(&vec![constant; channels], &device),
                    });
                    match mode {
                        Mode::Training(..) if !self.norms[*norm].frozen => {
                            let (output, mean, variance) = ops::norm(input, gamma, beta, *options);
                            moments[*norm] = (floats(mean), floats(variance));
                            output
                        }
                        Mode::Training(_, statistics) | Mode::Inference(statistics) => {
                            let (mean, variance) = &statistics[*norm];
                            let [mean, variance] = [mean, variance].map(|values| vector(values, &device));
                            ops::norm_with(input, [gamma, beta, mean, variance], *options)
                        }
                    }
                }
                Kind::Clip(bounds) => ops::clip(first(), *bounds),
                Kind::Curve(curve) => ops::curve(first(), *curve),
                Kind::Gelu => activation::gelu(first()),
                Kind::Prelu { alpha, shape } => prelu(first(), parameters[*alpha].clone(), *shape),
                Kind::Softmax => activation::softmax(first(), 1),
                Kind::Add => combined(inputs, Tensor::add),
                Kind::Multiply => combined(inputs, Tensor::mul),
                Kind::Concat => Tensor::cat(inputs, 1),
                Kind::Pad { height, width } => first().pad((width.0, width.1, height.0, height.1), 0.0),
                Kind::Crop { start, size } => {
                    let input = first();
                    let [batch, channels, ..] = input.dims();
                    let (rows, columns) = (start.0..start.0 + size.0, start.1..start.1 + size.1);
                    input.slice([0..batch, 0..channels, rows, columns])
                }
                Kind::Pool(pool) => ops::pool(first(), *pool),
                Kind::Mean => {
                    let input = first();
                    let [batch, channels, height, width] = input.dims();
                    input
                        .reshape([batch, channels, height * width])
                        .mean_dim(2)
                        .reshape([batch, channels, 1, 1])
                }
                Kind::Reshape { from, to } => reshape(first(), *from, *to),
                Kind::Resize(resize) => ops::resize(first(), *resize),
                Kind::Dropout { layer, rate, channels } => match mode {
                    Mode::Training(dropout, _) if *rate > 0.0 => {
                        let input = first();
                        let mut shape = input.dims();
                        if *channels {
                            (shape[2], shape[3]) = (1, 1);
                        }
                        let mask = dropout.mask(layer, *rate, shape, &device);
                        input * mask
                    }
                    _ => first(),
                },
                Kind::Rescale { scale, offset } => first().mul_scalar(*scale).add_scalar(*offset),
            };
            outputs.values[index] = Some(value);
        }
        Passed { output: outputs.take(self.output), moments }
    }
}

/// Outputs of the nodes so far; each is let go with its last use.
struct Outputs {
    values: Vec<Option<Tensor<4>>>,
    uses: Vec<usize>,
}

impl Outputs {
    fn take(&mut self, node: usize) -> Tensor<4> {
        self.uses[node] -= 1;
        let value = if self.uses[node] == 0 { self.values[node].take() } else { self.values[node].clone() };
        value.expect("nodes run after the nodes they read")
    }
}

impl Dropout<'_> {
    /// Zeros where elements are dropped, `1 / (1 - rate)` elsewhere.
    fn mask(&self, layer: &str, rate: f32, shape: [usize; 4], device: &Device) -> Tensor<4> {
        let keep = 1.0 / (1.0 - rate);
        // The share of the 32-bit draws that drops.
        let threshold = (f64::from(rate) * 4_294_967_296.0) as u64;
        let purpose = format!("dropout/{layer}");
        let mut mask = vec![0f32; shape.iter().product()];
        mask.par_chunks_mut(shape[1] * shape[2] * shape[3]).zip(self.samples).for_each(|(mask, sample)| {
            let mut random = Random::new(self.seed, &purpose, self.step, *sample as u64);
            for value in mask {
                *value = if u64::from(random.next_u32()) < threshold { 0.0 } else { keep };
            }
        });
        Tensor::from_data(TensorData::new(mask, shape), device)
    }
}

/// The inputs joined one by one; axes of one element are repeated.
fn combined(inputs: Vec<Tensor<4>>, join: fn(Tensor<4>, Tensor<4>) -> Tensor<4>) -> Tensor<4> {
    inputs.into_iter().reduce(join).expect("a layer that joins reads something")
}

/// `max(x, 0) + alpha * min(x, 0)`, alpha of shape `[height, width, channels]`, 1 where it is shared.
fn prelu(input: Tensor<4>, alpha: Tensor<1>, [height, width, channels]: [usize; 3]) -> Tensor<4> {
    let alpha = alpha.reshape([1, height, width, channels]).permute([0, 3, 1, 2]);
    let below = Bounds { low: f32::NEG_INFINITY, high: 0.0 };
    ops::clip(input.clone(), Bounds::relu(None)) + alpha * ops::clip(input, below)
}

/// Reshapes as in the graph, where channels come last.
fn reshape(input: Tensor<4>, from: [usize; 3], to: [usize; 3]) -> Tensor<4> {
    let [batch, ..] = input.dims();
    if from[..2] == [1, 1] && to[..2] == [1, 1] {
        return input.reshape([batch, to[2], 1, 1]);
    }
    input.permute([0, 2, 3, 1]).reshape([batch, to[0], to[1], to[2]]).permute([0, 3, 1, 2])
}

pub(crate) fn vector(values: &[f32], device: &Device) -> Tensor<1> {
    Tensor::from_data(TensorData::new(values.to_vec(), [values.len()]), device)
}

/// The elements of a tensor of f32, which this crate's all are.
pub(crate) fn floats<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().try_into_vec().expect("a tensor of f32")
}
