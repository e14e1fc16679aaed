//! Test bench for passes: sketches of graphs, and the plainest evaluator of float graphs, in double precision.

use crate::{
    Activation, Conv2d, DepthwiseConv2d, Graph, Initializer, Interpolation, Layer, LayerId, Op, Padding,
    Tensor, TensorType,
};
use contract::Random;

/// A graph under construction; each call adds a layer that reads the latest one, with random weights.
pub(crate) struct Sketch {
    layers: Vec<Layer>,
    latest: LayerId,
    random: Random,
}

impl Sketch {
    pub(crate) fn new(input: [usize; 3]) -> Self {
        let mut sketch =
            Self { layers: Vec::new(), latest: LayerId(0), random: Random::new(1, "test weights", 0, 0) };
        sketch.push(Op::Input, vec![], vec![], input.to_vec());
        sketch
    }

    pub(crate) fn finish(self) -> Graph {
        Graph { name: "sketch".to_owned(), layers: self.layers, output: self.latest }
    }

    /// The next layer reads `id`.
    pub(crate) fn select(&mut self, id: LayerId) {
        self.latest = id;
    }

    fn push(&mut self, op: Op, inputs: Vec<LayerId>, weights: Vec<Tensor>, shape: Vec<usize>) -> LayerId {
        let id = LayerId(self.layers.len());
        self.layers.push(Layer {
            name: format!("layer_{}", id.0),
            op,
            inputs,
            weights,
            initializer: Initializer::default(),
            output: TensorType::f32(shape),
        });
        self.latest = id;
        id
    }

    fn shape(&self) -> Vec<usize> {
        self.layers[self.latest.0].output.shape.clone()
    }

    fn random(&mut self, shape: &[usize], low: f64, high: f64) -> Tensor {
        let count = shape.iter().product();
        Tensor::f32(shape, (0..count).map(|_| self.random.uniform_in(low, high) as f32).collect())
    }

    fn conv_with(
        &mut self,
        filters: usize,
        kernel: usize,
        stride: usize,
        padding: Padding,
        bias: bool,
    ) -> LayerId {
        let [h, w, c] = self.shape()[..] else { panic!("a feature map") };
        let mut weights = vec![self.random(&[kernel, kernel, c, filters], -1.0, 1.0)];
        if bias {
            weights.push(self.random(&[filters], -1.0, 1.0));
        }
        let conv = Conv2d {
            filters,
            kernel: (kernel, kernel),
            strides: (stride, stride),
            dilation: (1, 1),
            padding,
            bias,
            activation: Activation::Linear,
        };
        let size = |size: usize| out_size(size, kernel, stride, 1, padding);
        self.push(Op::Conv2d(conv), vec![self.latest], weights, vec![size(h), size(w), filters])
    }

    pub(crate) fn conv(&mut self, filters: usize, kernel: usize, stride: usize, bias: bool) -> LayerId {
        self.conv_with(filters, kernel, stride, Padding::Same, bias)
    }

    pub(crate) fn valid_conv(&mut self, filters: usize, kernel: usize, stride: usize) -> LayerId {
        self.conv_with(filters, kernel, stride, Padding::Valid, true)
    }

    fn depthwise_with(
        &mut self,
        kernel: usize,
        stride: usize,
        times: usize,
        padding: Padding,
        bias: bool,
    ) -> LayerId {
        let [h, w, c] = self.shape()[..] else { panic!("a feature map") };
        let mut weights = vec![self.random(&[kernel, kernel, c, times], -1.0, 1.0)];
        if bias {
            weights.push(self.random(&[c * times], -1.0, 1.0));
        }
        let conv = DepthwiseConv2d {
            multiplier: times,
            kernel: (kernel, kernel),
            strides: (stride, stride),
            dilation: (1, 1),
            padding,
            bias,
            activation: Activation::Linear,
        };
        let size = |size: usize| out_size(size, kernel, stride, 1, padding);
        self.push(Op::DepthwiseConv2d(conv), vec![self.latest], weights, vec![size(h), size(w), c * times])
    }

    pub(crate) fn depthwise(&mut self, kernel: usize, stride: usize, bias: bool) -> LayerId {
        self.depthwise_with(kernel, stride, 1, Padding::Same, bias)
    }

    pub(crate) fn depthwise_times(&mut self, multiplier: usize) -> LayerId {
        self.depthwise_with(3, 1, multiplier, Padding::Same, true)
    }

    pub(crate) fn valid_depthwise(&mut self, kernel: usize, stride: usize) -> LayerId {
        self.depthwise_with(kernel, stride, 1, Padding::Valid, true)
    }

    pub(crate) fn batch_norm(&mut self) -> LayerId {
        let shape = self.shape();
        let channels = [*shape.last().expect("channels")];
        let weights = vec![
            self.random(&channels, -2.0, 2.0),
            self.random(&channels, -1.0, 1.0),
            self.random(&channels, -1.0, 1.0),
            self.random(&channels, 0.01, 3.0),
        ];
        self.push(Op::batch_norm(0.99, 1e-3), vec![self.latest], weights, shape)
    }

    fn unary(&mut self, op: Op) -> LayerId {
        let shape = self.shape();
        self.push(op, vec![self.latest], vec![], shape)
    }

    /// A layer of any operation, whose weights are those it needs.
    pub(crate) fn op(&mut self, op: Op) -> LayerId {
        let latest = self.latest;
        self.op_of(op, &[latest])
    }

    pub(crate) fn op_of(&mut self, op: Op, inputs: &[LayerId]) -> LayerId {
        let shapes: Vec<Vec<usize>> =
            inputs.iter().map(|id| self.layers[id.0].output.shape.clone()).collect();
        let shapes: Vec<&[usize]> = shapes.iter().map(Vec::as_slice).collect();
        let shape = op.output_shape(&shapes).expect("inputs that fit");
        let needed = op.weight_shapes(shapes[0]);
        let weights = needed.iter().map(|(name, shape)| match *name {
            "moving_variance" => self.random(shape, 0.01, 3.0),
            _ => self.random(shape, -1.0, 1.0),
        });
        let weights = weights.collect();
        self.push(op, inputs.to_vec(), weights, shape)
    }

    pub(crate) fn relu(&mut self, max_value: Option<f32>) -> LayerId {
        self.unary(Op::Relu { max_value })
    }

    pub(crate) fn activation(&mut self, activation: Activation) -> LayerId {
        self.unary(Op::Activation(activation))
    }

    pub(crate) fn dropout(&mut self, rate: f32) -> LayerId {
        self.unary(Op::Dropout { rate })
    }

    pub(crate) fn add(&mut self, left: LayerId, right: LayerId) -> LayerId {
        let shape = self.layers[left.0].output.shape.clone();
        self.push(Op::Add { activation: Activation::Linear }, vec![left, right], vec![], shape)
    }

    pub(crate) fn concat(&mut self, parts: &[LayerId]) -> LayerId {
        let shapes: Vec<&Vec<usize>> = parts.iter().map(|id| &self.layers[id.0].output.shape).collect();
        let shape = vec![shapes[0][0], shapes[0][1], shapes.iter().map(|shape| shape[2]).sum()];
        self.push(Op::Concat, parts.to_vec(), vec![], shape)
    }

    pub(crate) fn zero_pad(&mut self, height: (usize, usize), width: (usize, usize)) -> LayerId {
        let [h, w, c] = self.shape()[..] else { panic!("a feature map") };
        let shape = vec![h + height.0 + height.1, w + width.0 + width.1, c];
        self.push(Op::ZeroPad2d { height, width }, vec![self.latest], vec![], shape)
    }

    pub(crate) fn pool(&mut self) -> LayerId {
        let channels = self.shape()[2];
        self.push(Op::GlobalAveragePool { keep_dims: false }, vec![self.latest], vec![], vec![channels])
    }

    pub(crate) fn reshape(&mut self, shape: &[usize]) -> LayerId {
        self.push(Op::Reshape { shape: shape.to_vec() }, vec![self.latest], vec![], shape.to_vec())
    }

    pub(crate) fn upsample(&mut self, factor: usize) -> LayerId {
        let [h, w, c] = self.shape()[..] else { panic!("a feature map") };
        let op = Op::Upsample { factor: (factor, factor), interpolation: Interpolation::Nearest };
        self.push(op, vec![self.latest], vec![], vec![h * factor, w * factor, c])
    }
}

/// Random values for one image of the graph's input, in [-2, 2).
pub(crate) fn input_for(graph: &Graph) -> Vec<f64> {
    let mut random = Random::new(2, "test input", 0, 0);
    let count = graph.layer(graph.input().expect("an input")).output.len();
    (0..count).map(|_| random.uniform_in(-2.0, 2.0)).collect()
}

/// Fails unless both graphs give the same output shape and, within 1e-5 of the largest value, the same values.
pub(crate) fn assert_same(before: &Graph, after: &Graph) {
    assert_eq!(before.output_type(), after.output_type());
    let input = input_for(before);
    let (left, right) = (evaluate(before, &input), evaluate(after, &input));
    let largest = left.iter().fold(1.0_f64, |largest, value| largest.max(value.abs()));
    let error = left.iter().zip(&right).map(|(l, r)| (l - r).abs()).fold(0.0, f64::max);
    assert_eq!(left.len(), right.len());
    assert!(error <= 1e-5 * largest, "largest difference {error} of {largest}");
    assert!(left.iter().any(|value| value.abs() > 1e-3), "the comparison is of zeros");
}

/// The output for one image.
pub(crate) fn evaluate(graph: &Graph, input: &[f64]) -> Vec<f64> {
    evaluate_all(graph, input).swap_remove(graph.output.0)
}

/// Every layer's output for one image.
pub(crate) fn evaluate_all(graph: &Graph, input: &[f64]) -> Vec<Vec<f64>> {
    let mut outputs: Vec<Vec<f64>> = Vec::new();
    for layer in &graph.layers {
        let value = compute(graph, layer, &outputs, input);
        assert_eq!(value.len(), layer.output.len(), "shape of layer {}", layer.name);
        outputs.push(value);
    }
    outputs
}

fn compute(graph: &Graph, layer: &Layer, outputs: &[Vec<f64>], input: &[f64]) -> Vec<f64> {
    let read = |index: usize| &outputs[layer.inputs[index].0];
    let shape_in = |index: usize| &graph.layer(layer.inputs[index]).output.shape;
    let shape = &layer.output.shape;
    match &layer.op {
        Op::Input => input.to_vec(),
        Op::Conv2d(conv) => {
            let taps = Taps {
                kernel: conv.kernel,
                strides: conv.strides,
                dilation: conv.dilation,
                padding: conv.padding,
            };
            let depth = shape_in(0)[2];
            convolve(layer, read(0), shape_in(0), &taps, conv.activation, |out, tap| {
                (0..depth).map(move |c| (c, (tap * depth + c) * conv.filters + out)).collect()
            })
        }
        Op::DepthwiseConv2d(conv) => {
            let taps = Taps {
                kernel: conv.kernel,
                strides: conv.strides,
                dilation: conv.dilation,
                padding: conv.padding,
            };
            convolve(layer, read(0), shape_in(0), &taps, conv.activation, |out, tap| {
                vec![(out / conv.multiplier, tap * shape[2] + out)]
            })
        }
        Op::BatchNorm { epsilon, .. } => {
            let channels = *shape.last().expect("channels");
            let weight = |name: &str, otherwise: f64| {
                let weight = layer.weight(name).map(|weight| weight.as_f32().expect("floats"));
                (0..channels)
                    .map(|c| weight.map_or(otherwise, |weight| f64::from(weight[c])))
                    .collect::<Vec<f64>>()
            };
            let (gamma, beta) = (weight("gamma", 1.0), weight("beta", 0.0));
            let (mean, variance) = (weight("moving_mean", f64::NAN), weight("moving_variance", f64::NAN));
            let norm = |(i, x): (usize, &f64)| {
                let c = i % channels;
                gamma[c] * (x - mean[c]) / (variance[c] + f64::from(*epsilon)).sqrt() + beta[c]
            };
            read(0).iter().enumerate().map(norm).collect()
        }
        Op::Relu { max_value } => {
            let max = max_value.map_or(f64::INFINITY, f64::from);
            read(0).iter().map(|x| x.clamp(0.0, max)).collect()
        }
        Op::Activation(activation) => {
            activate(*activation, read(0).clone(), *shape.last().expect("channels"))
        }
        Op::SeparableConv2d(conv) => {
            let part = |op: Op, weights: &[Tensor], shape: Vec<usize>| Layer {
                op,
                weights: weights.to_vec(),
                output: TensorType::f32(shape),
                ..layer.clone()
            };
            let channels = shape_in(0)[2] * conv.multiplier;
            let between = vec![shape[0], shape[1], channels];
            let mut first = part(Op::DepthwiseConv2d(conv.depthwise()), &layer.weights[..1], between);
            first.inputs = vec![LayerId(0)];
            let mut second = part(Op::Conv2d(conv.pointwise()), &layer.weights[1..], shape.clone());
            second.inputs = vec![LayerId(1)];
            let input =
                Layer { op: Op::Input, output: TensorType::f32(shape_in(0).clone()), ..layer.clone() };
            let layers = vec![input, first, second];
            evaluate(&Graph { name: String::new(), layers, output: LayerId(2) }, read(0))
        }
        Op::Conv2dTranspose(conv) => {
            let [rows, columns, depth] = shape_in(0)[..] else { panic!("a feature map") };
            let kernel = layer.weights[0].as_f32().expect("floats");
            let bias = layer.weights.get(1).map(|bias| bias.as_f32().expect("floats"));
            let before = |size: usize, out: usize, axis: fn(&(usize, usize)) -> usize| match conv.padding {
                Padding::Valid => 0,
                Padding::Same => {
                    let reach = (axis(&conv.kernel) - 1) * axis(&conv.dilation) + 1;
                    ((size - 1) * axis(&conv.strides) + reach).saturating_sub(out) / 2
                }
            };
            let (top, left) = (before(rows, shape[0], |p| p.0), before(columns, shape[1], |p| p.1));
            let mut output: Vec<f64> = (0..layer.output.len())
                .map(|i| bias.map_or(0.0, |bias| f64::from(bias[i % conv.filters])))
                .collect();
            for (i, value) in read(0).iter().enumerate() {
                let (row, column, c) = (i / depth / columns, i / depth % columns, i % depth);
                for (k, weight) in kernel.iter().enumerate().filter(|(k, _)| k % depth == c) {
                    let (tap, filter) = (k / depth / conv.filters, k / depth % conv.filters);
                    let (ky, kx) = (tap / conv.kernel.1, tap % conv.kernel.1);
                    let y = (row * conv.strides.0 + ky * conv.dilation.0).checked_sub(top);
                    let x = (column * conv.strides.1 + kx * conv.dilation.1).checked_sub(left);
                    if let (Some(y), Some(x)) = (y, x)
                        && y < shape[0]
                        && x < shape[1]
                    {
                        output[(y * shape[1] + x) * conv.filters + filter] += value * f64::from(*weight);
                    }
                }
            }
            activate(conv.activation, output, conv.filters)
        }
        Op::Dense(dense) => {
            let features = *shape_in(0).last().expect("features");
            let kernel = layer.weights[0].as_f32().expect("floats");
            let element = |i: usize| {
                let (row, unit) = (i / dense.units, i % dense.units);
                let bias = layer.weights.get(1).map_or(0.0, |bias| bias.as_f32().expect("floats")[unit]);
                let product =
                    |f: usize| read(0)[row * features + f] * f64::from(kernel[f * dense.units + unit]);
                f64::from(bias) + (0..features).map(product).sum::<f64>()
            };
            activate(dense.activation, (0..layer.output.len()).map(element).collect(), dense.units)
        }
        Op::LeakyRelu { slope } => {
            read(0).iter().map(|x| if *x < 0.0 { x * f64::from(*slope) } else { *x }).collect()
        }
        Op::SlopedRelu { max_value: None, negative_slope, threshold: 0.0 } => {
            read(0).iter().map(|x| if *x < 0.0 { x * f64::from(*negative_slope) } else { *x }).collect()
        }
        Op::AveragePool2d(pool) if shape[..2] == [1, 1] => {
            assert_eq!(shape_in(0)[..2], [pool.window.0, pool.window.1], "pooling over the whole map");
            let mean = |c: usize| read(0).iter().skip(c).step_by(shape[2]).sum::<f64>();
            (0..shape[2]).map(|c| mean(c) / (pool.window.0 * pool.window.1) as f64).collect()
        }
        Op::Resize { size, interpolation: Interpolation::Nearest } => {
            let [rows, columns, depth] = shape_in(0)[..] else { panic!("a feature map") };
            // Twice the half-pixel centres, so that they are whole.
            let nearest = |place: usize, from: usize, to: usize| (2 * place + 1) * from / (2 * to);
            (0..layer.output.len())
                .map(|i| {
                    let row = nearest(i / depth / size.1, rows, size.0);
                    read(0)
                        [(row * columns + nearest(i / depth % size.1, columns, size.1)) * depth + i % depth]
                })
                .collect()
        }
        Op::Add { activation } => {
            assert!((0..layer.inputs.len()).all(|index| shape_in(index) == shape), "sums of one shape");
            let sum = |i: usize| (0..layer.inputs.len()).map(|index| read(index)[i]).sum();
            let sums = (0..layer.output.len()).map(sum).collect();
            activate(*activation, sums, *shape.last().expect("channels"))
        }
        Op::Concat => (0..shape[0] * shape[1])
            .flat_map(|pixel| (0..layer.inputs.len()).map(move |part| (pixel, part)))
            .flat_map(|(pixel, part)| {
                let depth = shape_in(part)[2];
                read(part)[pixel * depth..(pixel + 1) * depth].to_vec()
            })
            .collect(),
        Op::ZeroPad2d { height, width } => {
            let [rows, columns, depth] = shape_in(0)[..] else { panic!("a feature map") };
            let mut padded = vec![0.0; layer.output.len()];
            for row in 0..rows {
                let from = row * columns * depth;
                let to = ((row + height.0) * shape[1] + width.0) * depth;
                padded[to..to + columns * depth].copy_from_slice(&read(0)[from..from + columns * depth]);
            }
            padded
        }
        Op::GlobalAveragePool { .. } => {
            let [rows, columns, depth] = shape_in(0)[..] else { panic!("a feature map") };
            let mean =
                |c: usize| read(0).iter().skip(c).step_by(depth).sum::<f64>() / (rows * columns) as f64;
            (0..depth).map(mean).collect()
        }
        Op::Reshape { .. } | Op::Flatten | Op::Dropout { .. } | Op::SpatialDropout2d { .. } => {
            read(0).clone()
        }
        Op::Upsample { factor, .. } => {
            let [_, columns, depth] = shape_in(0)[..] else { panic!("a feature map") };
            (0..layer.output.len())
                .map(|i| {
                    let (row, column, c) = (i / depth / shape[1], i / depth % shape[1], i % depth);
                    read(0)[((row / factor.0) * columns + column / factor.1) * depth + c]
                })
                .collect()
        }
        Op::Rescale { scale, offset } => {
            read(0).iter().map(|x| x * f64::from(*scale) + f64::from(*offset)).collect()
        }
        op => panic!("the evaluator has no {op:?}"),
    }
}

struct Taps {
    kernel: (usize, usize),
    strides: (usize, usize),
    dilation: (usize, usize),
    padding: Padding,
}

/// `reads(output channel, tap)` lists pairs of input channel and index into the kernel.
fn convolve(
    layer: &Layer,
    input: &[f64],
    shape_in: &[usize],
    taps: &Taps,
    activation: Activation,
    reads: impl Fn(usize, usize) -> Vec<(usize, usize)>,
) -> Vec<f64> {
    let [rows, columns, depth] = shape_in[..] else { panic!("a feature map") };
    let [out_rows, out_columns, filters] = layer.output.shape[..] else { panic!("a feature map") };
    let kernel = layer.weights[0].as_f32().expect("floats");
    let before = |size: usize, out: usize, axis: fn(&(usize, usize)) -> usize| match taps.padding {
        Padding::Valid => 0,
        Padding::Same => {
            let reach = (axis(&taps.kernel) - 1) * axis(&taps.dilation) + 1;
            ((out - 1) * axis(&taps.strides) + reach).saturating_sub(size) / 2
        }
    };
    let (top, left) = (before(rows, out_rows, |p| p.0), before(columns, out_columns, |p| p.1));
    let mut output = vec![0.0; out_rows * out_columns * filters];
    for (i, value) in output.iter_mut().enumerate() {
        let (row, column, out) = (i / filters / out_columns, i / filters % out_columns, i % filters);
        *value = layer.weights.get(1).map_or(0.0, |bias| f64::from(bias.as_f32().expect("floats")[out]));
        for tap in 0..taps.kernel.0 * taps.kernel.1 {
            let y = (row * taps.strides.0 + tap / taps.kernel.1 * taps.dilation.0).checked_sub(top);
            let x = (column * taps.strides.1 + tap % taps.kernel.1 * taps.dilation.1).checked_sub(left);
            let (Some(y), Some(x)) = (y, x) else { continue };
            if y < rows && x < columns {
                for (c, w) in reads(out, tap) {
                    *value += input[(y * columns + x) * depth + c] * f64::from(kernel[w]);
                }
            }
        }
    }
    activate(activation, output, filters)
}

fn activate(activation: Activation, mut values: Vec<f64>, channels: usize) -> Vec<f64> {
    match activation {
        Activation::Linear => {}
        Activation::Relu => values.iter_mut().for_each(|x| *x = x.max(0.0)),
        Activation::Relu6 => values.iter_mut().for_each(|x| *x = x.clamp(0.0, 6.0)),
        Activation::Softmax => {
            for pixel in values.chunks_exact_mut(channels) {
                let sum: f64 = pixel.iter().map(|x| x.exp()).sum();
                pixel.iter_mut().for_each(|x| *x = x.exp() / sum);
            }
        }
        other => panic!("the evaluator has no {other:?}"),
    }
    values
}

fn out_size(size: usize, kernel: usize, stride: usize, dilation: usize, padding: Padding) -> usize {
    match padding {
        Padding::Same => size.div_ceil(stride),
        Padding::Valid => (size - (kernel - 1) * dilation - 1) / stride + 1,
    }
}
