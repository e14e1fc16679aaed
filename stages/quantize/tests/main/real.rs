//! Running float and int8 graphs on images of floats.

use kernels::Interpreter;
use model::{Data, Graph, Quant, Tensor, TensorType};

/// The output of a graph for one image, as real numbers, whatever its borders are made of.
pub(crate) fn real_output(graph: &Graph, image: &[f32]) -> Vec<f32> {
    let interpreter = Interpreter::new(graph).expect("a graph that can be run");
    let input = &graph.layer(graph.input().expect("an input")).output;
    let output = interpreter.run(&stored(image, input)).expect("a run");
    real(&output, graph.output_type())
}

/// Floats as the elements of a type: `round(x / scale) + zero point`, clipped.
pub(crate) fn stored(values: &[f32], wanted: &TensorType) -> Tensor {
    let step = |lowest: i32, highest: i32| {
        let (scale, zero_point) = parameters(wanted.quant.as_ref());
        move |x: &f32| ((x / scale).round_ties_even() as i32 + zero_point).clamp(lowest, highest)
    };
    let data = match wanted.data_type {
        model::DataType::F32 => Data::F32(values.to_vec()),
        model::DataType::I8 => Data::I8(values.iter().map(step(-128, 127)).map(|v| v as i8).collect()),
        model::DataType::U8 => Data::U8(values.iter().map(step(0, 255)).map(|v| v as u8).collect()),
        model::DataType::I32 => panic!("no network has an int32 input"),
    };
    let shape = [&[1], &wanted.shape[..]].concat();
    Tensor { shape, data, quant: wanted.quant.clone() }
}

fn real(tensor: &Tensor, wanted: &TensorType) -> Vec<f32> {
    let (scale, zero_point) = parameters(wanted.quant.as_ref());
    let real = |v: i32| (v - zero_point) as f32 * scale;
    match &tensor.data {
        Data::F32(values) => values.clone(),
        Data::I8(values) => values.iter().map(|&v| real(i32::from(v))).collect(),
        Data::U8(values) => values.iter().map(|&v| real(i32::from(v))).collect(),
        Data::I32(_) => panic!("no network has an int32 output"),
    }
}

fn parameters(quant: Option<&Quant>) -> (f32, i32) {
    quant.map_or((1.0, 0), |quant| (quant.scales[0], quant.zero_points[0]))
}

/// Ratio of signal to quantization noise in decibel.
pub(crate) fn sqnr(signal: &[f32], noisy: &[f32]) -> f64 {
    let power = |values: &mut dyn Iterator<Item = f64>| values.map(|v| v * v).sum::<f64>();
    let signal_power = power(&mut signal.iter().map(|&s| f64::from(s)));
    let noise_power = power(&mut signal.iter().zip(noisy).map(|(&s, &n)| f64::from(s) - f64::from(n)));
    10.0 * (signal_power / noise_power.max(f64::MIN_POSITIVE)).log10()
}
