//! Weights before training.

use crate::{Graph, Initializer, Layer, LayerId, Tensor};
use contract::Random;

/// Standard deviation of a standard normal truncated at two deviations: Keras divides by it, so that the truncated draws
/// have the wanted variance (`keras/src/initializers/random_initializers.py`, `VarianceScaling`).
const TRUNCATED_DEVIATION: f64 = 0.879_625_661_034_239_8;

/// Draws fresh weights for every layer: kernels by the layer's [`Initializer`], biases and PReLU's alpha 0, BatchNorm gamma
/// 1, beta 0, mean 0 and variance 1, as Keras does.
///
/// Each kernel's draws depend on `seed` and the layer's name alone, so a change elsewhere in the network leaves them be.
pub fn initialize(graph: &mut Graph, seed: u64) {
    for position in 0..graph.layers.len() {
        let needed = weight_shapes(graph, LayerId(position));
        let layer = &mut graph.layers[position];
        layer.weights = needed.into_iter().map(|(name, shape)| fresh(layer, name, shape, seed)).collect();
    }
}

fn weight_shapes(graph: &Graph, id: LayerId) -> Vec<(&'static str, Vec<usize>)> {
    let layer = graph.layer(id);
    match layer.inputs.first() {
        Some(input) => layer.op.weight_shapes(&graph.layer(*input).output.shape),
        None => Vec::new(),
    }
}

fn fresh(layer: &Layer, name: &str, shape: Vec<usize>, seed: u64) -> Tensor {
    let count = shape.iter().product();
    let values = match name {
        "kernel" | "depthwise_kernel" | "pointwise_kernel" => {
            let (fan_in, fan_out) = fans(&shape);
            let purpose = match name {
                "kernel" => format!("init/{}", layer.name),
                one_of_two => format!("init/{}/{one_of_two}", layer.name),
            };
            let mut random = Random::new(seed, &purpose, 0, 0);
            (0..count).map(|_| layer.initializer.draw(fan_in, fan_out, &mut random)).collect()
        }
        "gamma" | "moving_variance" => vec![1.0; count],
        _ => vec![0.0; count],
    };
    Tensor::f32(shape, values)
}

impl Initializer {
    fn draw(self, fan_in: f64, fan_out: f64, random: &mut Random) -> f32 {
        match self {
            Self::GlorotUniform => {
                let limit = (6.0 / (fan_in + fan_out).max(2.0)).sqrt();
                random.uniform_in(-limit, limit) as f32
            }
            Self::HeNormal => {
                let deviation = (2.0 / fan_in.max(1.0)).sqrt() / TRUNCATED_DEVIATION;
                (deviation * random.truncated_normal()) as f32
            }
        }
    }
}

/// Keras' `compute_fans`. It takes the last two axes for input and output channels also where they are channels and
/// multiplier, so the fans of a depthwise kernel `[h, w, channels, 1]` are `h*w*channels` and `h*w`.
fn fans(shape: &[usize]) -> (f64, f64) {
    match shape {
        [receptive @ .., input, output] => {
            let receptive: f64 = receptive.iter().map(|size| *size as f64).product();
            (*input as f64 * receptive, *output as f64 * receptive)
        }
        [one] => (*one as f64, *one as f64),
        [] => (1.0, 1.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Activation, Conv2d, DepthwiseConv2d, GraphBuilder, Op, Padding};

    fn graph(extra: bool) -> Graph {
        let mut builder = GraphBuilder::new("g");
        let mut last = builder.input("in", &[8, 8, 64]).expect("a good input");
        if extra {
            last = builder
                .layer("extra", Op::Relu { max_value: None }, &[last], Initializer::default())
                .expect("fits");
        }
        let conv = Conv2d {
            filters: 96,
            kernel: (3, 3),
            strides: (1, 1),
            dilation: (1, 1),
            padding: Padding::Same,
            bias: true,
            activation: Activation::Linear,
        };
        last = builder.layer("conv", Op::Conv2d(conv), &[last], Initializer::HeNormal).expect("fits");
        let depthwise = DepthwiseConv2d {
            multiplier: 1,
            kernel: (3, 3),
            strides: (1, 1),
            dilation: (1, 1),
            padding: Padding::Same,
            bias: false,
            activation: Activation::Linear,
        };
        last = builder
            .layer("dw", Op::DepthwiseConv2d(depthwise), &[last], Initializer::GlorotUniform)
            .expect("fits");
        let norm = Op::batch_norm(0.99, 1e-3);
        last = builder.layer("bn", norm, &[last], Initializer::default()).expect("fits");
        builder.finish(last).expect("one input")
    }

    fn weights(graph: &Graph, layer: &str, index: usize) -> Vec<f32> {
        let id = graph.find(layer).expect("the layer is there");
        graph.layer(id).weights[index].as_f32().expect("floats").to_vec()
    }

    #[test]
    fn he_normal_has_the_wanted_variance_and_is_cut_at_two_deviations() {
        let mut graph = graph(false);
        initialize(&mut graph, 1);
        let kernel = weights(&graph, "conv", 0);
        let variance = kernel.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>() / kernel.len() as f64;
        let wanted = 2.0 / (3.0 * 3.0 * 64.0);
        assert!((variance / wanted - 1.0).abs() < 0.02, "variance {variance}, wanted {wanted}");
        let most = 2.0 * (wanted.sqrt() / TRUNCATED_DEVIATION);
        assert!(kernel.iter().all(|x| f64::from(x.abs()) <= most * 1.000_001));
        assert!(weights(&graph, "conv", 1).iter().all(|bias| *bias == 0.0));
    }

    #[test]
    fn glorot_uniform_of_a_depthwise_kernel_uses_the_fans_of_keras() {
        let mut graph = graph(false);
        initialize(&mut graph, 1);
        let kernel = weights(&graph, "dw", 0);
        let limit = (6.0_f64 / (9.0 * 96.0 + 9.0)).sqrt() as f32;
        let most = kernel.iter().fold(0.0_f32, |most, x| most.max(x.abs()));
        assert!(most <= limit && most > 0.98 * limit, "largest draw {most}, limit {limit}");
        assert!(weights(&graph, "bn", 3).iter().all(|variance| *variance == 1.0));
    }

    #[test]
    fn draws_depend_on_the_seed_and_the_name_but_not_on_other_layers() {
        let (mut plain, mut other, mut longer) = (graph(false), graph(false), graph(true));
        initialize(&mut plain, 1);
        initialize(&mut other, 2);
        initialize(&mut longer, 1);
        assert_eq!(weights(&plain, "conv", 0), weights(&longer, "conv", 0));
        assert_ne!(weights(&plain, "conv", 0), weights(&other, "conv", 0));
    }
}
