//! From float to int8.

use super::{
    patch::{channels, shape, weight},
    range::{Range, Ranges},
    scale::{activation_quant, quantize_bias, quantize_weight, weight_scale},
};
use crate::{
    Activation, Data, DataType, Graph, GraphError, Initializer, Layer, LayerId, Op, Quant, Tensor, TensorType,
};

/// How [`quantize()`] makes a graph int8.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QuantizeOptions {
    /// How many scales a kernel has.
    pub weights: WeightScales,
    /// Element type of the network's input.
    pub input: Border,
    /// Element type of the network's output.
    pub output: Border,
}

/// Element type of the input or output of a quantized network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Border {
    /// Signed bytes: what the layers inside work with.
    Int8,
    /// Unsigned bytes: a Quantize layer moves the zero point.
    Uint8,
    /// Floats: a Quantize or Dequantize layer converts.
    Float,
}

/// How many scales a kernel has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WeightScales {
    /// One for each output channel.
    PerChannel,
    /// One.
    PerTensor,
}

/// The int8 graph of a folded float graph (see [`for_deployment`](super::for_deployment)), by the rules of the LiteRT
/// 8-bit quantization specification:
///
/// - every layer's output is asymmetric int8 over its range in `ranges`, widened to hold 0;
/// - layers that move values without computing new ones (Concat, Upsample, ZeroPad2d, Reshape) share scale and zero point
///   with what they read, over the union of the ranges;
/// - kernels are symmetric in -127..=127, biases int32 with scale `input * kernel`; a convolution without bias gets zeros;
/// - an unsigned or float border is a Quantize or Dequantize layer of its own; unsigned bytes have the zero point of int8
///   plus 128.
///
/// TFLite's converter gives a convolution that only an Add reads the range of the Add's output, because its calibration
/// sees the sum that was written in place; here it has its own range, which is the finer one.
///
/// # Errors
/// A layer whose range is absent or not finite, an operation that has no int8 form here (Softmax, a BatchNorm that was not
/// folded, a depthwise multiplier above 1), or weights that do not fit their operation.
pub fn quantize(graph: &Graph, ranges: &Ranges, options: &QuantizeOptions) -> Result<Graph, GraphError> {
    let quants = activation_quants(graph, ranges)?;
    let mut int8 = Int8Graph { layers: Vec::with_capacity(graph.layers.len() + 2), place: Vec::new() };
    for (layer, quant) in graph.layers.iter().zip(&quants) {
        let output = TensorType {
            data_type: DataType::I8,
            shape: layer.output.shape.clone(),
            quant: Some(quant.clone()),
        };
        let layer = match &layer.op {
            Op::Input if options.input == Border::Int8 => Layer { output, ..layer.clone() },
            Op::Input => {
                let border = Layer { output: border_type(&output, options.input), ..layer.clone() };
                let input = int8.push(border);
                border_layer(graph, "quantize_input", Op::Quantize, input, output)
            }
            Op::Conv2d(_) | Op::DepthwiseConv2d(_) => {
                let input = layer.inputs.first().map(|id| &quants[id.0]);
                let input = input.ok_or_else(|| shape(layer, "has no input"))?;
                int8.moved(&quantized_convolution(layer, input, output, options.weights)?)
            }
            _ => int8.moved(&Layer { output, ..layer.clone() }),
        };
        let place = int8.push(layer);
        int8.place.push(place);
    }
    let mut output = int8.place[graph.output.0];
    let border = match options.output {
        Border::Int8 => None,
        Border::Uint8 => Some(("quantize_output", Op::Quantize)),
        Border::Float => Some(("dequantize_output", Op::Dequantize)),
    };
    if let Some((name, op)) = border {
        let output_type = border_type(&int8.layers[output.0].output, options.output);
        output = int8.push(border_layer(graph, name, op, output, output_type));
    }
    Ok(Graph { name: graph.name.clone(), layers: int8.layers, output })
}

/// The graph under construction: its layers, and for each layer of the float graph the one that gives its output.
struct Int8Graph {
    layers: Vec<Layer>,
    place: Vec<LayerId>,
}

impl Int8Graph {
    fn push(&mut self, layer: Layer) -> LayerId {
        self.layers.push(layer);
        LayerId(self.layers.len() - 1)
    }

    /// The layer, reading the int8 counterparts of what it read.
    fn moved(&self, layer: &Layer) -> Layer {
        let inputs = layer.inputs.iter().map(|id| self.place[id.0]).collect();
        Layer { inputs, ..layer.clone() }
    }
}

/// Scale and zero point of each layer's output.
fn activation_quants(graph: &Graph, ranges: &Ranges) -> Result<Vec<Quant>, GraphError> {
    // `group[i]` is the layer whose range, in the end, is that of all layers which share scales with layer i.
    let mut group: Vec<usize> = Vec::with_capacity(graph.layers.len());
    let mut range: Vec<Range> = Vec::with_capacity(graph.layers.len());
    for (index, layer) in graph.layers.iter().enumerate() {
        check_supported(layer)?;
        let same =
            |input: &LayerId| graph.layers.get(input.0).is_some_and(|l| l.output.shape == layer.output.shape);
        if matches!(layer.op, Op::Add { .. }) && !layer.inputs.iter().all(same) {
            return Err(shape(layer, "cannot become int8: a sum of different shapes has no int8 form here"));
        }
        if layer.inputs.iter().any(|input| input.0 >= index) {
            return Err(shape(layer, "reads a layer that does not come before it"));
        }
        let observed = ranges.get(&LayerId(index)).copied();
        let observed =
            observed.ok_or_else(|| shape(layer, "was not calibrated: the range of its output is unknown"))?;
        if !observed.is_finite() {
            let message =
                "gives values that are not finite on the calibration images; were its weights trained well?";
            return Err(shape(layer, message));
        }
        group.push(index);
        range.push(observed);
        if matches!(layer.op, Op::Concat | Op::Upsample { .. } | Op::ZeroPad2d { .. } | Op::Reshape { .. }) {
            for input in &layer.inputs {
                let (here, there) = (root(&group, index), root(&group, input.0));
                let (first, second) = (here.min(there), here.max(there));
                group[second] = first;
                range[first] = range[first].union(range[second]);
            }
        }
    }
    Ok((0..graph.layers.len()).map(|index| activation_quant(range[root(&group, index)])).collect())
}

/// The representative of a group: each layer points to an earlier one or to itself.
fn root(group: &[usize], mut index: usize) -> usize {
    while group[index] != index {
        index = group[index];
    }
    index
}

fn check_supported(layer: &Layer) -> Result<(), GraphError> {
    let fused = match &layer.op {
        Op::Conv2d(conv) => conv.activation,
        Op::DepthwiseConv2d(conv) => conv.activation,
        Op::Add { activation } => *activation,
        _ => Activation::Linear,
    };
    let unsupported = match &layer.op {
        _ if !matches!(fused, Activation::Linear | Activation::Relu | Activation::Relu6) => {
            &format!("a fused {}", fused.name())
        }
        Op::DepthwiseConv2d(conv) if conv.multiplier != 1 => {
            "a depthwise convolution with a multiplier above 1"
        }
        Op::Add { .. } if layer.inputs.len() != 2 => &format!("a sum of {} inputs", layer.inputs.len()),
        Op::Input
        | Op::Conv2d(_)
        | Op::DepthwiseConv2d(_)
        | Op::Add { .. }
        | Op::Concat
        | Op::ZeroPad2d { .. }
        | Op::GlobalAveragePool { .. }
        | Op::Reshape { .. }
        | Op::Upsample { .. } => return Ok(()),
        Op::BatchNorm { .. } => "a BatchNorm that does not follow a convolution",
        Op::Relu { .. } | Op::Activation(Activation::Relu | Activation::Relu6) => {
            "a ReLU that does not follow a convolution or a sum"
        }
        Op::Activation(activation) => &format!("the activation {}", activation.name()),
        Op::Rescale { .. } => "a Rescale of other than a feature map",
        Op::Quantize | Op::Dequantize => "a graph that is quantized already",
        Op::SlopedRelu { .. } => "a ReLU with a slope or a threshold",
        Op::SeparableConv2d(_)
        | Op::Conv2dTranspose(_)
        | Op::Dense(_)
        | Op::LeakyRelu { .. }
        | Op::Prelu { .. }
        | Op::Softmax
        | Op::Multiply
        | Op::Crop2d { .. }
        | Op::MaxPool2d(_)
        | Op::AveragePool2d(_)
        | Op::Flatten
        | Op::Resize { .. }
        | Op::Dropout { .. }
        | Op::SpatialDropout2d { .. } => layer.op.class(),
    };
    Err(shape(layer, format!("cannot become int8: {unsupported} has no int8 form here")))
}

/// A convolution with int8 kernel and int32 bias.
fn quantized_convolution(
    layer: &Layer,
    input: &Quant,
    output: TensorType,
    scales: WeightScales,
) -> Result<Layer, GraphError> {
    let mut quantized = Layer { output, ..layer.clone() };
    // Kernels are read as rows of output channels; the axis of the channels differs.
    let (kernel_shape, axis, had_bias) = match &mut quantized.op {
        Op::Conv2d(conv) => {
            let depth = layer.weights.first().and_then(|kernel| kernel.shape.get(2)).copied().unwrap_or(0);
            ([conv.kernel.0, conv.kernel.1, depth, conv.filters], 3, std::mem::replace(&mut conv.bias, true))
        }
        Op::DepthwiseConv2d(conv) => {
            let depth = channels(layer)?;
            ([conv.kernel.0, conv.kernel.1, depth, 1], 2, std::mem::replace(&mut conv.bias, true))
        }
        _ => return Err(shape(layer, "is not a convolution")),
    };
    let filters = kernel_shape[axis];
    let kernel = weight(layer, 0, &kernel_shape)?;
    let bias = if had_bias { weight(layer, 1, &[filters])?.to_vec() } else { vec![0.0; filters] };
    if let Some(index) = kernel.iter().chain(&bias).position(|value| !value.is_finite()) {
        let message = format!("has a weight that is not finite in output channel {}", index % filters);
        return Err(shape(layer, message));
    }
    let scale_in = input.scales[0];
    let mut bounds = vec![0.0_f32; filters];
    for row in kernel.chunks_exact(filters.max(1)) {
        bounds.iter_mut().zip(row).for_each(|(bound, w)| *bound = bound.max(w.abs()));
    }
    let per_channel: Vec<f32> = match scales {
        WeightScales::PerChannel => {
            bounds.iter().zip(&bias).map(|(&bound, &bias)| weight_scale(bound, bias, scale_in)).collect()
        }
        WeightScales::PerTensor => {
            let largest =
                |values: &[f32]| values.iter().fold(0.0_f32, |largest, value| largest.max(value.abs()));
            vec![weight_scale(largest(&bounds), largest(&bias), scale_in); filters]
        }
    };
    let stored_kernel = kernel
        .chunks_exact(filters.max(1))
        .flat_map(|row| row.iter().zip(&per_channel).map(|(&w, &scale)| quantize_weight(w, scale)))
        .collect();
    let stored_bias =
        bias.iter().zip(&per_channel).map(|(&bias, &scale)| quantize_bias(bias, scale_in, scale)).collect();
    let bias_scales =
        per_channel.iter().map(|&scale| (f64::from(scale_in) * f64::from(scale)) as f32).collect();
    quantized.weights = vec![
        Tensor {
            shape: kernel_shape.to_vec(),
            data: Data::I8(stored_kernel),
            quant: Some(symmetric(per_channel, axis, scales)),
        },
        Tensor {
            shape: vec![filters],
            data: Data::I32(stored_bias),
            quant: Some(symmetric(bias_scales, 0, scales)),
        },
    ];
    Ok(quantized)
}

/// Zero points 0, with a scale for each index of `axis` or one for all.
fn symmetric(scales: Vec<f32>, axis: usize, style: WeightScales) -> Quant {
    match style {
        WeightScales::PerChannel => Quant { zero_points: vec![0; scales.len()], scales, axis: Some(axis) },
        WeightScales::PerTensor => Quant::per_tensor(scales.first().copied().unwrap_or(1.0), 0),
    }
}

/// The type at a border of the network that holds the same values as `int8`.
fn border_type(int8: &TensorType, border: Border) -> TensorType {
    match border {
        Border::Int8 => int8.clone(),
        Border::Float => TensorType::f32(int8.shape.clone()),
        Border::Uint8 => {
            let mut unsigned = TensorType { data_type: DataType::U8, ..int8.clone() };
            for zero_point in unsigned.quant.iter_mut().flat_map(|quant| &mut quant.zero_points) {
                *zero_point += 128;
            }
            unsigned
        }
    }
}

/// A Quantize or Dequantize layer under a name that `graph` does not have.
fn border_layer(graph: &Graph, name: &str, op: Op, input: LayerId, output: TensorType) -> Layer {
    let mut name = name.to_owned();
    while graph.find(&name).is_some() {
        name.push('_');
    }
    Layer { name, op, inputs: vec![input], weights: Vec::new(), initializer: Initializer::default(), output }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::passes::evaluator::{Sketch, evaluate_all, input_for};

    const INT8: QuantizeOptions =
        QuantizeOptions { weights: WeightScales::PerChannel, input: Border::Int8, output: Border::Int8 };

    /// What each layer gives on one image.
    fn ranges(graph: &Graph) -> Ranges {
        let outputs = evaluate_all(graph, &input_for(graph));
        let range = |values: &Vec<f64>| {
            Range::of(&values.iter().map(|&x| x as f32).collect::<Vec<f32>>()).expect("a layer's output")
        };
        outputs.iter().enumerate().map(|(index, values)| (LayerId(index), range(values))).collect()
    }

    fn quantized(graph: &Graph, options: QuantizeOptions) -> Graph {
        quantize(graph, &ranges(graph), &options).expect("a graph that can be quantized")
    }

    fn quant(graph: &Graph, id: LayerId) -> (f32, i32) {
        let quant = graph.layer(id).output.quant.as_ref().expect("an int8 tensor");
        (quant.scales[0], quant.zero_points[0])
    }

    fn conv_graph() -> Graph {
        let mut sketch = Sketch::new([4, 4, 3]);
        sketch.conv(5, 3, 1, false);
        sketch.depthwise(3, 1, true);
        sketch.finish()
    }

    /// Real values of a stored weight.
    fn real(tensor: &Tensor) -> Vec<f64> {
        let quant = tensor.quant.as_ref().expect("a quantized weight");
        let inner: usize = quant.axis.map_or(1, |axis| tensor.shape[axis + 1..].iter().product());
        let stored: Vec<f64> = match &tensor.data {
            Data::I8(values) => values.iter().map(|&v| f64::from(v)).collect(),
            Data::I32(values) => values.iter().map(|&v| f64::from(v)).collect(),
            _ => panic!("not a stored weight"),
        };
        let scale = |i: usize| f64::from(quant.scales[i / inner % quant.scales.len()]);
        stored.iter().enumerate().map(|(i, v)| v * scale(i)).collect()
    }

    #[test]
    fn stored_weights_stand_for_the_float_ones_within_half_a_step() {
        let graph = conv_graph();
        for weights in [WeightScales::PerChannel, WeightScales::PerTensor] {
            let int8 = quantized(&graph, QuantizeOptions { weights, ..INT8 });
            for (before, after) in graph.layers.iter().zip(&int8.layers).skip(1) {
                assert_eq!(after.weights.len(), 2, "kernel and bias");
                for (index, stored) in after.weights.iter().enumerate() {
                    let zeros = vec![0.0; stored.data.len()];
                    let wanted =
                        before.weights.get(index).map_or(&zeros[..], |w| w.as_f32().expect("floats"));
                    let step =
                        stored.quant.as_ref().expect("scales").scales.iter().fold(0.0_f32, |a, &b| a.max(b));
                    for (found, &wanted) in real(stored).iter().zip(wanted) {
                        assert!((found - f64::from(wanted)).abs() <= 0.501 * f64::from(step));
                    }
                }
            }
        }
    }

    #[test]
    fn each_channel_has_its_own_scale_along_the_axis_of_its_kernel_layout() {
        let graph = conv_graph();
        let int8 = quantized(&graph, INT8);
        for (layer, axis) in int8.layers.iter().skip(1).zip([3, 2]) {
            let [kernel, bias] = &layer.weights[..] else { panic!("kernel and bias") };
            let (kernel_quant, bias_quant) =
                (kernel.quant.as_ref().expect("i8"), bias.quant.as_ref().expect("i32"));
            assert_eq!((kernel_quant.axis, bias_quant.axis), (Some(axis), Some(0)));
            assert_eq!((kernel_quant.scales.len(), bias_quant.scales.len()), (5, 5));
            let Data::I8(stored) = &kernel.data else { panic!("int8") };
            for channel in 0..5 {
                let largest = stored.iter().skip(channel).step_by(5).map(|v| v.unsigned_abs()).max();
                assert_eq!(largest, Some(127), "channel {channel} uses its whole range");
            }
            let (scale_in, _) = quant(&int8, layer.inputs[0]);
            assert_eq!(bias_quant.scales[1], scale_in * kernel_quant.scales[1]);
        }
    }

    #[test]
    fn layers_that_move_values_share_the_scale_of_the_widest() {
        let mut sketch = Sketch::new([2, 2, 3]);
        let small = sketch.conv(2, 1, 1, true);
        let up = sketch.upsample(2);
        sketch.select(LayerId(0));
        sketch.upsample(2);
        let large = sketch.conv(3, 1, 1, true);
        let concat = sketch.concat(&[up, large]);
        let graph = sketch.finish();
        let int8 = quantized(&graph, INT8);
        for id in [small, up, large] {
            assert_eq!(quant(&int8, id), quant(&int8, concat), "layer {}", id.0);
        }
        let observed = ranges(&graph);
        let widest = activation_quant(observed[&small].union(observed[&large]));
        assert_eq!(int8.layer(concat).output.quant, Some(widest));
        assert_ne!(quant(&int8, LayerId(0)), quant(&int8, concat), "the input is in another group");
    }

    #[test]
    fn borders_are_layers_of_their_own_around_the_same_int8_graph() {
        let graph = conv_graph();
        let inner = quantized(&graph, INT8);
        let float =
            quantized(&graph, QuantizeOptions { input: Border::Float, output: Border::Float, ..INT8 });
        let ops = |graph: &Graph| graph.layers.iter().map(|layer| layer.op.clone()).collect::<Vec<Op>>();
        assert_eq!(ops(&float)[..2], [Op::Input, Op::Quantize]);
        assert_eq!(float.layer(float.output).op, Op::Dequantize);
        assert_eq!(*float.output_type(), *graph.output_type());
        assert_eq!(float.layers[0].output, graph.layers[0].output);
        assert_eq!(float.layers[2].weights, inner.layers[1].weights);

        let unsigned =
            quantized(&graph, QuantizeOptions { input: Border::Uint8, output: Border::Uint8, ..INT8 });
        let (scale, zero_point) = quant(&inner, LayerId(0));
        assert_eq!(quant(&unsigned, LayerId(0)), (scale, zero_point + 128));
        assert_eq!(quant(&unsigned, LayerId(1)), (scale, zero_point));
        assert_eq!(unsigned.layer(unsigned.output).op, Op::Quantize);
        assert_eq!(unsigned.output_type().data_type, DataType::U8);
        assert_eq!(inner.layers.len() + 2, unsigned.layers.len());
    }

    #[test]
    fn what_cannot_become_int8_is_an_error_that_names_the_layer() {
        let mut sketch = Sketch::new([2, 2, 3]);
        sketch.op(Op::Crop2d { height: (1, 0), width: (0, 0) });
        let graph = sketch.finish();
        let range = Range { min: 0.0, max: 1.0 };
        let observed = [0, 1].map(|index| (LayerId(index), range)).into_iter().collect();
        let error = quantize(&graph, &observed, &INT8).expect_err("cropping").to_string();
        assert_eq!(error, "layer `layer_1`: cannot become int8: Cropping2D has no int8 form here");

        let mut sketch = Sketch::new([2, 2, 3]);
        sketch.activation(Activation::Softmax);
        let graph = sketch.finish();
        let error = quantize(&graph, &ranges(&graph), &INT8).expect_err("softmax").to_string();
        assert!(error.contains("layer_1"), "{error}");

        let graph = conv_graph();
        let mut observed = ranges(&graph);
        observed.insert(LayerId(1), Range { min: f32::NAN, max: f32::NAN });
        let error = quantize(&graph, &observed, &INT8).expect_err("not a number").to_string();
        assert!(error.contains("layer_1") && error.contains("finite"), "{error}");
        observed.remove(&LayerId(1));
        let error = quantize(&graph, &observed, &INT8).expect_err("no range").to_string();
        assert!(error.contains("layer_1") && error.contains("calibrated"), "{error}");
    }
}
