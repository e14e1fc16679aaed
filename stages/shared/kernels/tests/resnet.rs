//! DeepLabV3 on ResNet50 against Keras: `resnet/outputs.tsv`, made by `resnet/outputs.py` with weights by the same formula.

use kernels::Interpreter;
use model::{AsppVersion, Backbone, DeeplabV3, Graph, Layer, Op, Tensor};

/// `count` numbers from 0 to 1 that look drawn, told by a name and the position of a weight.
fn numbers(name: &str, weight: u64, count: usize) -> impl Iterator<Item = f64> {
    let start = name.bytes().fold(0, |start: u64, byte| (start * 31 + u64::from(byte)) % 10_007);
    (0..count as u64).map(move |index| {
        let sum = start + 104_729 * weight + 7_919 * index + 13 * index * index;
        (sum % 10_007) as f64 / 10_007.0
    })
}

fn filled(layer: &Layer, weight: usize, shape: &[usize]) -> Tensor {
    let numbers = numbers(&layer.name, weight as u64, shape.iter().product());
    let value = |number: f64| match (shape, &layer.op) {
        ([h, w, _, _], Op::DepthwiseConv2d(_)) => (2.0 * number - 1.0) * (6.0 / (h * w) as f64).sqrt(),
        ([h, w, input, _], _) => (2.0 * number - 1.0) * (6.0 / (h * w * input) as f64).sqrt(),
        (_, Op::BatchNorm { .. }) if weight == 0 || weight == 3 => 0.75 + 0.5 * number,
        _ => (2.0 * number - 1.0) * 0.1,
    };
    Tensor::f32(shape, numbers.map(|number| value(number) as f32).collect())
}

fn network(output_stride: usize, aspp: AsppVersion) -> Graph {
    let net = DeeplabV3 {
        backbone: Backbone::Resnet50,
        input: (32, 32, 3),
        classes: 3,
        output_stride,
        aspp,
        dropout: 0.3,
    };
    let mut graph = net.build().expect("a network");
    for layer in &mut graph.layers {
        layer.weights = (0..layer.weights.len())
            .map(|weight| filled(layer, weight, &layer.weights[weight].shape))
            .collect();
    }
    graph
}

#[test]
fn a_resnet_of_known_weights_computes_what_keras_computes() {
    let image = numbers("image", 0, 32 * 32 * 3).map(|number| (2.0 * number - 1.0) as f32).collect();
    let image = Tensor::f32([1, 32, 32, 3], image);
    let mut seen = 0;
    for section in include_str!("resnet/outputs.tsv").split("> output_stride\t").skip(1) {
        let mut lines = section.lines();
        let (stride, aspp) = lines.next().and_then(|title| title.split_once('\t')).expect("a title");
        let aspp = if aspp == "v1" { AsppVersion::V1 } else { AsppVersion::V2 };
        let graph = network(stride.parse().expect("a number"), aspp);
        let output = Interpreter::new(&graph).expect("a network").run(&image).expect("an output");
        let values = output.as_f32().expect("floats");
        let wanted: Vec<f32> =
            lines.flat_map(|line| line.split('\t')).map(|cell| cell.parse().expect("a number")).collect();
        let found: Vec<f32> = (0..8 * 8)
            .map(|place| ((1 + place / 8 * 4) * 32 + 1 + place % 8 * 4) * 3)
            .flat_map(|start| values[start..start + 3].to_vec())
            .collect();
        assert_eq!(found.len(), wanted.len());
        let most = wanted.iter().fold(0.0_f32, |most, value| most.max(value.abs()));
        for (found, wanted) in found.iter().zip(&wanted) {
            assert!(
                (found - wanted).abs() <= 2e-5 * most,
                "stride {stride}: {found} is not {wanted} of {most}"
            );
        }
        seen += 1;
    }
    assert_eq!(seen, 2);
}
