//! What the tests share.

use crate::{
    batches::Batch,
    trainer::Trainer,
};
use contract::{Random, config::Adam};
use model::{
    Activation, Conv2d, DepthwiseConv2d, Graph, GraphBuilder, Initializer, Interpolation, LayerId, Op, Padding,
};
use std::path::PathBuf;

/// A folder of reference data beside the repository; none where it is not there, which skips a test.
pub(crate) fn shared(path: &str) -> Option<PathBuf> {
    let found = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared").join(path);
    if found.exists() {
        return Some(found);
    }
    let required = std::env::var("PIPELINE_REQUIRE_PEERS").is_ok_and(|value| value == "1");
    assert!(!required, "{} is not there", found.display());
    eprintln!("skipped: it needs {path} (no ../shared)");
    None
}

/// A small network with every operation that can be trained: 8x6 images of 2 channels, 3 classes.
pub(crate) fn small_graph(dropout: f32) -> Graph {
    let mut net = Net(GraphBuilder::new("small"));
    let image = net.0.input("image", &[8, 6, 2]).expect("an input");
    let padded = net.add("pad", Op::ZeroPad2d { height: (0, 1), width: (1, 1) }, &[image]);
    let stem = net.conv("stem", padded, 4, ((3, 3), (2, 2), (1, 1)), Padding::Valid);
    let stem = net.norm("stem_bn", stem, Some(Some(6.0)));
    let wide = net.conv("wide", stem, 5, ((3, 3), (1, 1), (2, 2)), Padding::Same);
    let wide = net.norm("wide_bn", wide, Some(None));
    let deep = net.depthwise("deep", stem, ((3, 3), (1, 1), (2, 2)), 1);
    let deep = net.norm("deep_bn", deep, None);
    let point = net.conv("point", deep, 4, ((1, 1), (1, 1), (1, 1)), Padding::Same);
    let sum = net.add("sum", Op::Add { activation: Activation::Linear }, &[point, stem]);
    let sum = net.add("sum_relu", Op::Relu { max_value: None }, &[sum]);
    let double = net.depthwise("double", sum, ((3, 3), (2, 2), (1, 1)), 2);
    let double = net.add("double_up", upsample((2, 2), Interpolation::Nearest), &[double]);
    let double = net.conv("double_cut", double, 3, ((1, 2), (1, 1), (1, 1)), Padding::Valid);
    let pool = net.add("pool", Op::GlobalAveragePool { keep_dims: false }, &[wide]);
    let pool = net.add("pool_shape", Op::Reshape { shape: vec![1, 1, 5] }, &[pool]);
    let pool = net.add("pool_up", upsample((4, 3), Interpolation::Bilinear), &[pool]);
    let all = net.add("all", Op::Concat, &[wide, sum, pool, double]);
    let drop = net.add("drop", Op::Dropout { rate: dropout }, &[all]);
    let logits = net.conv("logits", drop, 3, ((1, 1), (1, 1), (1, 1)), Padding::Same);
    let output = net.add("up", upsample((2, 2), Interpolation::Bilinear), &[logits]);
    let mut graph = net.0.finish(output).expect("a graph");
    randomize(&mut graph);
    graph
}

struct Net(GraphBuilder);

type Geometry = ((usize, usize), (usize, usize), (usize, usize));

impl Net {
    fn add(&mut self, name: &str, op: Op, inputs: &[LayerId]) -> LayerId {
        self.0.layer(name, op, inputs, Initializer::HeNormal).expect("a layer")
    }

    fn conv(&mut self, name: &str, input: LayerId, filters: usize, geometry: Geometry, padding: Padding) -> LayerId {
        let (kernel, strides, dilation) = geometry;
        let activation = Activation::Linear;
        let conv = Conv2d { filters, kernel, strides, dilation, padding, bias: name != "stem", activation };
        self.add(name, Op::Conv2d(conv), &[input])
    }

    fn depthwise(&mut self, name: &str, input: LayerId, geometry: Geometry, multiplier: usize) -> LayerId {
        let (kernel, strides, dilation) = geometry;
        let (padding, activation) = (Padding::Same, Activation::Linear);
        let conv =
            DepthwiseConv2d { multiplier, kernel, strides, dilation, padding, bias: name != "deep", activation };
        self.add(name, Op::DepthwiseConv2d(conv), &[input])
    }

    fn norm(&mut self, name: &str, input: LayerId, relu: Option<Option<f32>>) -> LayerId {
        let norm = self.add(name, Op::BatchNorm { momentum: 0.9, epsilon: 1e-3 }, &[input]);
        match relu {
            Some(max_value) => self.add(&format!("{name}_relu"), Op::Relu { max_value }, &[norm]),
            None => norm,
        }
    }
}

fn upsample(factor: (usize, usize), interpolation: Interpolation) -> Op {
    Op::Upsample { factor, interpolation }
}

/// Weights of all kinds, biases and statistics too, away from their initial values.
fn randomize(graph: &mut Graph) {
    model::initialize(graph, 5);
    for (index, layer) in graph.layers.iter_mut().enumerate() {
        let variance = matches!(layer.op, Op::BatchNorm { .. });
        for (weight, tensor) in layer.weights.iter_mut().enumerate() {
            let mut random = Random::new(9, "test", index as u64, weight as u64);
            if let model::Data::F32(values) = &mut tensor.data {
                for value in values {
                    let moved = *value + 0.2 * random.normal() as f32;
                    *value = if variance && weight == 3 { moved.abs() + 0.3 } else { moved };
                }
            }
        }
    }
}

/// Random images and labels, some of them void.
pub(crate) fn batch(samples: usize, (height, width, channels): (usize, usize, usize), classes: u32) -> Batch {
    let mut random = Random::new(11, "batch", 0, 0);
    let images = (0..samples * height * width * channels).map(|_| random.normal() as f32).collect();
    let masks = (0..samples * height * width).map(|_| match random.below(classes + 1) {
        label if label == classes => dataset::VOID,
        label => label as u8,
    });
    let masks = masks.collect();
    Batch { images, shape: [samples, channels, height, width], masks, samples: (0..samples).collect() }
}

pub(crate) fn trainer(graph: &Graph) -> Trainer {
    let classes = graph.output_type().shape.last().copied().unwrap_or(0);
    Trainer::new(graph, vec![1.0; classes], Adam::default(), 120).expect("a trainer")
}

/// Images of a batch in the graph's order, `[batch, height, width, channels]`.
pub(crate) fn channels_last(values: &[f32], [batch, channels, height, width]: [usize; 4]) -> Vec<f32> {
    let pixels = height * width;
    (0..batch * pixels * channels)
        .map(|index| {
            let (pixel, channel) = (index / channels, index % channels);
            values[((pixel / pixels) * channels + channel) * pixels + pixel % pixels]
        })
        .collect()
}

/// The reverse of [`channels_last`].
pub(crate) fn channels_first(values: &[f32], [batch, channels, height, width]: [usize; 4]) -> Vec<f32> {
    let pixels = height * width;
    (0..batch * pixels * channels)
        .map(|index| {
            let (plane, pixel) = (index / pixels, index % pixels);
            values[((plane / channels) * pixels + pixel) * channels + plane % channels]
        })
        .collect()
}

pub(crate) fn assert_close(found: &[f32], expected: &[f32], tolerance: f32) {
    assert_eq!(found.len(), expected.len());
    let worst = found.iter().zip(expected).map(|(f, e)| (f - e).abs() / e.abs().max(1.0)).fold(0.0, f32::max);
    assert!(worst <= tolerance, "they differ by {worst}");
}
