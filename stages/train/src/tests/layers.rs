//! Every layer that can be trained, forward and backward against Keras, and outside training against the interpreter.
//!
//! `tests/golden/make_layers.py` made the numbers (tensorflow 2.21, keras 3.15).

use super::support::{assert_close, channels_first, channels_last, golden, noise};
use crate::{
    network::{Dropout, FrozenLayers, Mode, Network, floats, vector},
    ops,
};
use burn::tensor::{Device, Tensor, TensorData};
use model::{
    Activation, Conv2d, Conv2dTranspose, Data, Dense, DepthwiseConv2d, Graph, GraphBuilder, Initializer,
    Interpolation, LayerId, Op, Padding, Pool2d, SeparableConv2d,
};
use serde::Deserialize;
use std::collections::BTreeMap;

/// What Keras has for a case; images are `[batch, height, width, channels]`.
#[derive(Deserialize, PartialEq)]
struct Case {
    output: Vec<f32>,
    input: Vec<f32>,
    weights: Vec<Vec<f32>>,
}

const IMAGE: [usize; 3] = [5, 4, 2];

/// A network on [`IMAGE`] whose weights are those of the script: the builder, the image, how many layers there are.
struct Net(GraphBuilder, LayerId, usize);

impl Net {
    fn new() -> Self {
        let mut builder = GraphBuilder::new("case");
        let image = builder.input("image", &IMAGE).expect("an input");
        Self(builder, image, 0)
    }

    fn add(&mut self, op: Op, inputs: &[LayerId]) -> LayerId {
        self.2 += 1;
        self.0.layer(format!("layer_{}", self.2), op, inputs, Initializer::default()).expect("a layer")
    }

    fn finish(self, output: LayerId) -> Graph {
        let mut graph = self.0.finish(output).expect("a graph");
        for layer in &mut graph.layers {
            for (weight, tensor) in layer.weights.iter_mut().enumerate() {
                let values = noise(10 + weight as u64, tensor.data.len() as u64);
                tensor.data = Data::F32(values.into_iter().map(|value| value + 0.1).collect());
            }
        }
        graph
    }
}

/// Layers behind each other.
fn chain(ops: &[Op]) -> Graph {
    let mut net = Net::new();
    let mut last = net.1;
    for op in ops {
        last = net.add(op.clone(), &[last]);
    }
    net.finish(last)
}

/// A layer that joins the image, its leaky ReLU and its hyperbolic tangent.
fn joined(op: Op) -> Graph {
    let mut net = Net::new();
    let image = net.1;
    let leaky = net.add(Op::LeakyRelu { slope: 0.3 }, &[image]);
    let tanh = net.add(Op::Activation(Activation::Tanh), &[image]);
    let output = net.add(op, &[image, leaky, tanh]);
    net.finish(output)
}

/// A layer that joins the image and its mean.
fn with_mean(op: Op, keep_dims: bool, mean_first: bool) -> Graph {
    let mut net = Net::new();
    let image = net.1;
    let mean = net.add(Op::GlobalAveragePool { keep_dims }, &[image]);
    let inputs = if mean_first { [mean, image] } else { [image, mean] };
    let output = net.add(op, &inputs);
    net.finish(output)
}

const ONE: (usize, usize) = (1, 1);

fn transpose(kernel: (usize, usize), strides: (usize, usize), padding: Padding) -> Conv2dTranspose {
    Conv2dTranspose {
        filters: 3,
        kernel,
        strides,
        dilation: ONE,
        padding,
        output_padding: None,
        bias: true,
        activation: Activation::Linear,
    }
}

fn norm(scale: bool, center: bool) -> Op {
    Op::BatchNorm { momentum: 0.99, epsilon: 1e-3, scale, center }
}

fn pool(window: (usize, usize), strides: (usize, usize), padding: Padding) -> Pool2d {
    Pool2d { window, strides, padding }
}

fn dense(bias: bool, activation: Activation) -> Op {
    Op::Dense(Dense { units: 3, bias, activation })
}

/// The cases of the script.
fn cases() -> BTreeMap<String, Graph> {
    let (same, valid) = (Padding::Same, Padding::Valid);
    let linear = Activation::Linear;
    let separable = SeparableConv2d {
        filters: 3,
        multiplier: 2,
        kernel: (3, 3),
        strides: (2, 2),
        dilation: ONE,
        padding: same,
        bias: true,
        activation: linear,
    };
    let conv = Conv2d {
        filters: 3,
        kernel: (3, 2),
        strides: (2, 2),
        dilation: ONE,
        padding: same,
        bias: true,
        activation: Activation::Tanh,
    };
    let depthwise = DepthwiseConv2d {
        multiplier: 2,
        kernel: (3, 3),
        strides: ONE,
        dilation: (2, 2),
        padding: same,
        bias: true,
        activation: Activation::Elu,
    };
    let separable_padded = SeparableConv2d {
        multiplier: 1,
        kernel: (2, 2),
        strides: ONE,
        dilation: (2, 2),
        padding: valid,
        bias: false,
        activation: Activation::Silu,
        ..separable
    };
    let transpose_valid =
        Conv2dTranspose { bias: false, activation: Activation::Sigmoid, ..transpose((3, 2), (2, 3), valid) };
    let bilinear = Interpolation::Bilinear;
    let resize = |size, interpolation| chain(&[Op::Resize { size, interpolation }]);
    let named: Vec<(&str, Graph)> = vec![
        ("conv", chain(&[Op::Conv2d(conv)])),
        ("depthwise", chain(&[Op::DepthwiseConv2d(depthwise)])),
        ("separable", chain(&[Op::SeparableConv2d(separable)])),
        (
            "separable_padded",
            chain(&[Op::ZeroPad2d { height: (0, 1), width: (1, 1) }, Op::SeparableConv2d(separable_padded)]),
        ),
        ("transpose_same", chain(&[Op::Conv2dTranspose(transpose((3, 3), (2, 2), same))])),
        ("transpose_valid", chain(&[Op::Conv2dTranspose(transpose_valid)])),
        (
            "transpose_dilated",
            chain(&[Op::Conv2dTranspose(Conv2dTranspose {
                dilation: (2, 2),
                ..transpose((2, 3), ONE, same)
            })]),
        ),
        (
            "transpose_output_padding",
            chain(&[Op::Conv2dTranspose(Conv2dTranspose {
                output_padding: Some((1, 0)),
                ..transpose((3, 3), (2, 2), valid)
            })]),
        ),
        ("transpose_pointwise", chain(&[Op::Conv2dTranspose(transpose(ONE, ONE, valid))])),
        ("dense", chain(&[dense(true, Activation::Softmax)])),
        ("flatten", chain(&[Op::Flatten, dense(true, linear)])),
        ("rows", chain(&[Op::Reshape { shape: vec![4, 10] }, dense(false, linear), Op::Softmax])),
        ("norm", chain(&[norm(true, true)])),
        ("norm_without_scale", chain(&[norm(false, true)])),
        ("norm_without_center", chain(&[norm(true, false)])),
        ("norm_without_both", chain(&[norm(false, false), Op::Relu { max_value: Some(1.0) }])),
        (
            "sloped_relu",
            chain(&[Op::SlopedRelu { max_value: Some(1.0), negative_slope: 0.1, threshold: 0.25 }]),
        ),
        ("leaky", chain(&[Op::LeakyRelu { slope: 0.3 }])),
        ("prelu", chain(&[Op::Prelu { shared_axes: vec![] }])),
        ("prelu_shared", chain(&[Op::Prelu { shared_axes: vec![1, 2] }])),
        ("softmax", chain(&[Op::Softmax])),
        ("add", joined(Op::Add { activation: linear })),
        ("add_vector", with_mean(Op::Add { activation: linear }, false, false)),
        ("multiply", joined(Op::Multiply)),
        ("multiply_channels", with_mean(Op::Multiply, true, true)),
        ("crop", chain(&[Op::Crop2d { height: (1, 0), width: (0, 2) }])),
        ("max_pool_same", chain(&[Op::MaxPool2d(pool((3, 2), (2, 2), same))])),
        ("max_pool_overlapping", chain(&[Op::MaxPool2d(pool((3, 3), ONE, valid))])),
        ("average_pool_same", chain(&[Op::AveragePool2d(pool((3, 3), (2, 2), same))])),
        ("average_pool_valid", chain(&[Op::AveragePool2d(pool((2, 3), (2, 1), valid))])),
        ("resize_larger", resize((7, 9), bilinear)),
        ("resize_smaller", resize((3, 2), bilinear)),
        ("resize_nearest", resize((7, 3), Interpolation::Nearest)),
        ("upsample", chain(&[Op::Upsample { factor: (2, 3), interpolation: bilinear }])),
        (
            "upsample_nearest",
            chain(&[Op::Upsample { factor: (3, 2), interpolation: Interpolation::Nearest }]),
        ),
    ];
    let activations = Activation::ALL.into_iter().filter(|activation| *activation != linear);
    let activations = activations.map(|activation| (activation.name(), chain(&[Op::Activation(activation)])));
    named.into_iter().chain(activations).map(|(name, graph)| (name.to_owned(), graph)).collect()
}

/// Two images, channels last.
fn images() -> Vec<f32> {
    noise(1, 2 * 5 * 4 * 2).iter().map(|value| value * 2.0 - 1.0).collect()
}

/// Batch, channels, height and width of a graph's output.
fn output_shape(graph: &Graph) -> [usize; 4] {
    match graph.output_type().shape[..] {
        [height, width, channels] => [2, channels, height, width],
        [width, channels] => [2, channels, 1, width],
        [channels] => [2, channels, 1, 1],
        ref other => panic!("{other:?}"),
    }
}

/// Output, gradient of the input, gradients of the weights.
fn found(graph: &Graph) -> Case {
    let device = Device::flex().autodiff();
    let network = Network::build(graph).expect("a network");
    let weights = network.read(graph).expect("weights");
    let parameters: Vec<Tensor<1>> =
        weights.parameters.iter().map(|values| vector(values, &device).require_grad()).collect();
    let shape = [2, 2, 5, 4];
    let input: Tensor<4> =
        Tensor::from_data(TensorData::new(channels_first(&images(), shape), shape), &device).require_grad();
    let dropout = Dropout { seed: 0, step: 0, samples: &[0, 1] };
    let passed = network.forward(&parameters, &input, Mode::Training(&dropout, &[]));
    let shape = output_shape(graph);
    assert_eq!(passed.output.dims(), shape);
    let output = channels_last(&floats(passed.output.clone()), shape);
    let upstream = channels_first(&noise(2, output.len() as u64), shape);
    let upstream = Tensor::from_data(TensorData::new(upstream, shape), &device);
    let mut gradients = ops::seed_gradient(passed.output, upstream).backward();
    let gradient = input.grad_remove(&mut gradients).expect("a gradient");
    Case {
        output,
        input: channels_last(&floats(gradient), [2, 2, 5, 4]),
        weights: parameters
            .iter()
            .map(|parameter| floats(parameter.grad_remove(&mut gradients).expect("a gradient")))
            .collect(),
    }
}

#[test]
fn every_layer_gives_output_and_gradients_of_keras() {
    let text = fs_err::read_to_string(golden("layers.json")).expect("a file");
    let expected: BTreeMap<String, Case> = serde_json::from_str(&text).expect("numbers");
    let cases = cases();
    assert!(cases.keys().eq(expected.keys()), "{:?}", cases.keys());
    for (name, graph) in &cases {
        println!("{name}");
        let (found, expected) = (found(graph), &expected[name]);
        assert_close(&found.output, &expected.output, 1e-5);
        assert_close(&found.input, &expected.input, 1e-5);
        assert_eq!(found.weights.len(), expected.weights.len());
        for (found, expected) in found.weights.iter().zip(&expected.weights) {
            assert_close(found, expected, 1e-5);
        }
    }
}

#[test]
fn every_layer_gives_the_same_bits_on_1_2_and_4_threads() {
    let on = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads");
        pool.install(|| cases().values().map(found).collect::<Vec<Case>>())
    };
    let single = on(1);
    assert!(on(2) == single && on(4) == single);
}

#[test]
fn every_layer_gives_outside_training_what_the_interpreter_gives() {
    for (name, graph) in cases() {
        println!("{name}");
        let network = Network::build(&graph).expect("a network");
        let weights = network.read(&graph).expect("weights");
        let device = Device::flex();
        let parameters: Vec<Tensor<1>> =
            weights.parameters.iter().map(|values| vector(values, &device)).collect();
        let shape = [2, 2, 5, 4];
        let input = Tensor::from_data(TensorData::new(channels_first(&images(), shape), shape), &device);
        let statistics = network.statistics(&weights, false);
        let found = network.forward(&parameters, &input, Mode::Inference(&statistics)).output;
        let found = channels_last(&floats(found), output_shape(&graph));
        let input = model::Tensor::f32([2, 5, 4, 2], images());
        let interpreter = kernels::Interpreter::new(&graph).expect("an interpreter");
        let expected = interpreter.run(&input).expect("an output");
        assert_close(&found, expected.as_f32().expect("floats"), 1e-5);
    }
}

/// In front of what trains nothing is differentiated, whatever the layer; behind it every layer passes gradients on.
#[test]
fn every_layer_can_be_frozen() {
    for (name, graph) in cases() {
        println!("{name}");
        let mut net = Net::new();
        let conv = Conv2d {
            filters: 2,
            kernel: ONE,
            strides: ONE,
            dilation: ONE,
            padding: Padding::Same,
            bias: false,
            activation: Activation::Linear,
        };
        let mut last = net.add(Op::Conv2d(conv), &[net.1]);
        let mut copied = vec![last];
        for layer in &graph.layers[1..] {
            let inputs: Vec<LayerId> = layer.inputs.iter().map(|input| copied[input.0]).collect();
            last = net.add(layer.op.clone(), &inputs);
            copied.push(last);
        }
        let graph = net.finish(last);
        let mut network = Network::build(&graph).expect("a network");
        network.freeze(&FrozenLayers::resolve(Some("(2:)"), &graph).expect("layers"));
        let weights = network.read(&graph).expect("weights");
        let device = Device::flex().autodiff();
        let parameters: Vec<Tensor<1>> = weights
            .parameters
            .iter()
            .zip(network.trainable())
            .map(|(values, trainable)| match vector(values, &device) {
                parameter if trainable => parameter.require_grad(),
                parameter => parameter,
            })
            .collect();
        let shape = [2, 2, 5, 4];
        let input = Tensor::from_data(TensorData::new(channels_first(&images(), shape), shape), &device);
        let dropout = Dropout { seed: 0, step: 0, samples: &[0, 1] };
        let frozen = network.frozen_statistics(&weights);
        let output = network.forward(&parameters, &input, Mode::Training(&dropout, &frozen)).output;
        let shape = output.dims();
        let count = shape.iter().product::<usize>();
        let upstream = Tensor::from_data(TensorData::new(noise(2, count as u64), shape), &device);
        let mut gradients = ops::seed_gradient(output, upstream).backward();
        let with: Vec<bool> =
            parameters.iter().map(|parameter| parameter.grad_remove(&mut gradients).is_some()).collect();
        assert_eq!(with, network.trainable(), "{name}");
    }
}

#[test]
fn spatial_dropout_drops_whole_channels_and_keeps_their_mean() {
    let device = Device::flex();
    let mut builder = GraphBuilder::new("dropout");
    let image = builder.input("image", &[3, 2, 400]).expect("an input");
    let drop = Op::SpatialDropout2d { rate: 0.25 };
    let drop = builder.layer("drop", drop, &[image], Initializer::default()).expect("a layer");
    let network = Network::build(&builder.finish(drop).expect("a graph")).expect("a network");
    let input = Tensor::<4>::ones([2, 400, 3, 2], &device);
    let dropout = Dropout { seed: 1, step: 0, samples: &[0, 1] };
    let output = floats(network.forward(&[], &input, Mode::Training(&dropout, &[])).output);
    let dropped = output.chunks(6).filter(|channel| **channel == [0.0; 6]).count();
    let kept = output.chunks(6).filter(|channel| **channel == [1.0 / 0.75; 6]).count();
    assert_eq!(dropped + kept, 800);
    assert!((150..250).contains(&dropped), "{dropped} of 800");
}
