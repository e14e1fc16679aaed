//! Random int8 layers, written as TFLite files, against a live LiteRT: tolerance zero.

use formats::tflite;
use kernels::Interpreter;
use model::{
    Activation, Conv2d, Data, DataType, DepthwiseConv2d, Graph, Initializer, Interpolation, Layer, LayerId,
    Op, Padding, Quant, Tensor, TensorType,
};
use std::path::{Path, PathBuf};

const CASES: usize = 240;

/// The Python of `PIPELINE_PEERS_PYTHON`, which has `ai_edge_litert` and numpy.
fn peers_python() -> Option<String> {
    let python = std::env::var("PIPELINE_PEERS_PYTHON").ok();
    if python.is_none() {
        assert!(
            std::env::var_os("PIPELINE_REQUIRE_PEERS").is_none(),
            "PIPELINE_REQUIRE_PEERS is set, but PIPELINE_PEERS_PYTHON names no Python with ai_edge_litert"
        );
        eprintln!("skipped: the LiteRT interpreter is needed (set PIPELINE_PEERS_PYTHON)");
    }
    python
}

/// Seeded draws.
struct Draws(u64);

impl Draws {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % bound
    }

    fn int8(&mut self) -> i8 {
        (self.below(256) as u8).cast_signed()
    }

    /// Between `low` and `high`, evenly in the logarithm.
    fn real(&mut self, low: f32, high: f32) -> f32 {
        low * (high / low).powf(self.below(1 << 20) as f32 / (1 << 20) as f32)
    }

    fn scale(&mut self) -> Option<Quant> {
        let scale = self.real(0.003, 0.3);
        Some(Quant::per_tensor(scale, i32::from(self.int8())))
    }

    fn activation(&mut self) -> Activation {
        [Activation::Linear, Activation::Relu, Activation::Relu6][self.below(3)]
    }

    fn padding(&mut self) -> Padding {
        [Padding::Same, Padding::Valid][self.below(2)]
    }

    /// An int8 kernel with a scale for each output channel or one for all, and an int32 bias.
    fn weights(&mut self, shape: Vec<usize>, axis: usize, channels: usize) -> Vec<Tensor> {
        let len = shape.iter().product();
        let kernel = Data::I8((0..len).map(|_| self.int8().max(-127)).collect());
        let per_channel = self.below(3) > 0 && channels > 1;
        let count = if per_channel { channels } else { 1 };
        let scales: Vec<f32> = (0..count).map(|_| self.real(0.0005, 0.05)).collect();
        let quant = Quant { zero_points: vec![0; count], axis: per_channel.then_some(axis), scales };
        let bias = Data::I32((0..channels).map(|_| self.below(8000) as i32 - 4000).collect());
        let bias_quant = Quant { axis: quant.axis.map(|_| 0), ..quant.clone() };
        vec![
            Tensor { shape, data: kernel, quant: Some(quant) },
            Tensor { shape: vec![channels], data: bias, quant: Some(bias_quant) },
        ]
    }
}

fn layer(name: &str, op: Op, inputs: &[usize], weights: Vec<Tensor>, output: TensorType) -> Layer {
    let inputs = inputs.iter().map(|&id| LayerId(id)).collect();
    Layer { name: name.into(), op, inputs, weights, initializer: Initializer::default(), output }
}

/// A graph of an input, a rescaling of it, and one layer of both.
fn random_graph(kind: usize, draws: &mut Draws) -> Graph {
    let shape = vec![3 + draws.below(7), 3 + draws.below(7), 1 + draws.below(20)];
    let channels = shape[2];
    let int8 = |quant| TensorType { data_type: DataType::I8, shape: shape.clone(), quant };
    let input = int8(draws.scale());
    let other = int8(draws.scale());
    let (h, w) = (1 + draws.below(3), 1 + draws.below(3));
    // TensorFlow itself has no window that both strides and spreads.
    let strides = (1 + draws.below(2), 1 + draws.below(2));
    let dilation =
        if strides == (1, 1) && h < 3 && w < 3 { (1 + draws.below(2), 1 + draws.below(2)) } else { (1, 1) };
    let (op, inputs, weights, quant) = match kind {
        0 => {
            let filters = 1 + draws.below(12);
            let op = Conv2d {
                filters,
                kernel: (h, w),
                strides,
                dilation,
                padding: draws.padding(),
                bias: true,
                activation: draws.activation(),
            };
            (Op::Conv2d(op), vec![1], draws.weights(vec![h, w, channels, filters], 3, filters), draws.scale())
        }
        1 => {
            let op = DepthwiseConv2d {
                multiplier: 1,
                kernel: (h, w),
                strides: (strides.0, strides.0),
                dilation,
                padding: draws.padding(),
                bias: true,
                activation: draws.activation(),
            };
            let weights = draws.weights(vec![h, w, channels, 1], 2, channels);
            (Op::DepthwiseConv2d(op), vec![1], weights, draws.scale())
        }
        2 => (Op::Add { activation: draws.activation() }, vec![0, 1], vec![], draws.scale()),
        3 => (Op::GlobalAveragePool { keep_dims: draws.below(2) == 0 }, vec![1], vec![], draws.scale()),
        4 => {
            let interpolation = [Interpolation::Bilinear, Interpolation::Nearest][draws.below(2)];
            let factor = (1 + draws.below(17), 1 + draws.below(5));
            (Op::Upsample { factor, interpolation }, vec![1], vec![], other.quant.clone())
        }
        5 => {
            let max_value = [None, Some(6.0)][draws.below(2)];
            (Op::Relu { max_value }, vec![1], vec![], draws.scale())
        }
        6 => {
            let op = Op::ZeroPad2d { height: (draws.below(3), draws.below(3)), width: (draws.below(3), 1) };
            (op, vec![1], vec![], other.quant.clone())
        }
        _ => (Op::Dequantize, vec![1], vec![], None),
    };
    let shapes: Vec<&[usize]> = inputs.iter().map(|_| shape.as_slice()).collect();
    let output = TensorType {
        data_type: if op == Op::Dequantize { DataType::F32 } else { DataType::I8 },
        shape: op.output_shape(&shapes).unwrap(),
        quant,
    };
    Graph {
        name: "main".into(),
        layers: vec![
            layer("image", Op::Input, &[], vec![], input),
            layer("other", Op::Quantize, &[0], vec![], other),
            layer("result", op, &inputs, weights, output),
        ],
        output: LayerId(2),
    }
}

fn bytes(data: &Data) -> Vec<u8> {
    match data {
        Data::F32(values) => values.iter().flat_map(|v| v.to_le_bytes()).collect(),
        Data::I8(values) => values.iter().map(|v| v.cast_unsigned()).collect(),
        other => panic!("no case has {:?}", other.data_type()),
    }
}

fn write_case(folder: &Path, case: usize, draws: &mut Draws) -> (Graph, Tensor) {
    let graph = random_graph(case % 8, draws);
    let shape = &graph.layers[0].output.shape;
    let len = shape.iter().product();
    let image = Data::I8((0..len).map(|_| draws.int8()).collect());
    fs_err::write(folder.join(format!("{case:03}.tflite")), tflite::write(&graph).unwrap()).unwrap();
    fs_err::write(folder.join(format!("{case:03}.in")), bytes(&image)).unwrap();
    let shape = [&[1], &shape[..]].concat();
    (graph, Tensor { shape, data: image, quant: None })
}

#[test]
fn random_int8_layers_give_litert_s_bits() {
    let Some(python) = peers_python() else { return };
    let folder = tempfile::tempdir().unwrap();
    let mut draws = Draws(120);
    let cases: Vec<_> = (0..CASES).map(|case| write_case(folder.path(), case, &mut draws)).collect();
    let script = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/litert/run.py");
    let run = std::process::Command::new(python).arg(script).arg(folder.path()).output().unwrap();
    let report = format!("{}{}", String::from_utf8_lossy(&run.stdout), String::from_utf8_lossy(&run.stderr));
    assert!(run.status.success() && report.contains(&format!("models run: {CASES}")), "{report}");
    for (case, (graph, image)) in cases.iter().enumerate() {
        let expected = fs_err::read(folder.path().join(format!("{case:03}.out"))).unwrap();
        let output = Interpreter::new(graph).unwrap().run(image).unwrap();
        assert!(bytes(&output.data) == expected, "case {case}: {:?}", graph.layers[2]);
    }
}
