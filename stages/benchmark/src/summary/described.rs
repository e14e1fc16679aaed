//! A model file in numbers; as JSON, what `pipeline summary --format json` prints.

use crate::{cost::Flash, report::element};
use model::{DataType, Graph, Layer, LayerId, Quant, Tensor, TensorType};
use serde::Serialize;

/// Version of the JSON object.
const FORMAT: u32 = 1;

/// A model file.
#[derive(Debug, Serialize)]
pub(super) struct Described<'a> {
    format: u32,
    /// The file's own name.
    pub(super) file: &'a str,
    /// The network's name.
    pub(super) name: &'a str,
    /// Whether its layers compute with integers.
    pub(super) quantized: bool,
    pub(super) input: Option<End<'a>>,
    pub(super) output: End<'a>,
    pub(super) totals: Totals,
    pub(super) layers: Vec<DescribedLayer<'a>>,
}

/// The network's input or output.
#[derive(Debug, Serialize)]
pub(super) struct End<'a> {
    pub(super) layer: &'a str,
    pub(super) tensor: TensorView<'a>,
}

/// All layers together.
#[derive(Debug, Default, Serialize)]
pub(super) struct Totals {
    pub(super) layers: usize,
    pub(super) parameters: u64,
    /// Those that training changes; none said of a file that cannot be trained.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) trainable: Option<u64>,
    /// Moving statistics.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) non_trainable: Option<u64>,
    /// Multiply-accumulates for one image.
    pub(super) macs: u64,
    /// Kernels, biases and their scales.
    pub(super) weight_bytes: u64,
    pub(super) file_bytes: u64,
}

/// A layer.
#[derive(Debug, Serialize)]
pub(super) struct DescribedLayer<'a> {
    /// As `training.frozen_layers` counts.
    pub(super) index: usize,
    pub(super) name: &'a str,
    pub(super) class: &'static str,
    /// The layers it reads.
    inputs: Vec<&'a str>,
    pub(super) output: TensorView<'a>,
    pub(super) parameters: u64,
    /// Those that training changes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) trainable: Option<u64>,
    /// Multiply-accumulates for one image.
    pub(super) macs: u64,
    pub(super) weights: Vec<TensorView<'a>>,
}

/// Shape, element type and scales of a tensor.
#[derive(Debug, Serialize)]
pub(super) struct TensorView<'a> {
    /// Without the batch.
    pub(super) shape: &'a [usize],
    /// Element type.
    pub(super) element: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) quantization: Option<Quantization<'a>>,
}

/// `real = scale * (stored - zero_point)`.
#[derive(Debug, Serialize)]
pub(super) struct Quantization<'a> {
    pub(super) scales: &'a [f32],
    pub(super) zero_points: &'a [i32],
    /// The axis that the scales run along; none for one scale.
    axis: Option<usize>,
}

impl<'a> Described<'a> {
    /// Describes the network in a file of so many bytes.
    pub(super) fn of(graph: &'a Graph, file: &'a str, file_bytes: u64) -> Self {
        let quantized = graph.layers.iter().any(|layer| layer.output.data_type != DataType::F32);
        // A flatbuffer is the end of a training: BatchNorm is folded, and nothing says what was trained.
        let trains = !quantized && !file.to_ascii_lowercase().ends_with(".tflite");
        let layer = |position| DescribedLayer::of(graph, LayerId(position), trains);
        let layers: Vec<DescribedLayer<'a>> = (0..graph.layers.len()).map(layer).collect();
        let parameters = layers.iter().map(|layer| layer.parameters).sum();
        let trainable = trains.then(|| layers.iter().filter_map(|layer| layer.trainable).sum::<u64>());
        let weight_bytes = graph.layers.iter().map(|layer| Flash::of(&layer.weights).bytes()).sum();
        Self {
            format: FORMAT,
            file,
            name: &graph.name,
            quantized,
            input: graph.input().map(|id| End::of(graph.layer(id))),
            output: End::of(graph.layer(graph.output)),
            totals: Totals {
                layers: layers.len(),
                parameters,
                trainable,
                non_trainable: trainable.map(|trainable| parameters - trainable),
                macs: graph.macs(),
                weight_bytes,
                file_bytes,
            },
            layers,
        }
    }
}

impl<'a> End<'a> {
    fn of(layer: &'a Layer) -> Self {
        Self { layer: &layer.name, tensor: TensorView::of_output(&layer.output) }
    }
}

impl<'a> DescribedLayer<'a> {
    fn of(graph: &'a Graph, id: LayerId, trains: bool) -> Self {
        let layer = graph.layer(id);
        let sizes = layer.weights.iter().map(|weight| weight.data.len() as u64);
        let input = layer.inputs.first().map(|input| graph.layer(*input).output.shape.as_slice());
        let names = input.map(|shape| layer.op.weight_shapes(shape)).unwrap_or_default();
        let trained = names.iter().zip(sizes.clone()).filter(|((name, _), _)| !name.starts_with("moving_"));
        Self {
            index: id.0,
            name: &layer.name,
            class: layer.op.class(),
            inputs: layer.inputs.iter().map(|input| graph.layer(*input).name.as_str()).collect(),
            output: TensorView::of_output(&layer.output),
            parameters: sizes.clone().sum(),
            trainable: trains.then(|| trained.map(|(_, size)| size).sum()),
            macs: graph.layer_macs(id),
            weights: layer.weights.iter().map(TensorView::of).collect(),
        }
    }
}

impl<'a> TensorView<'a> {
    fn of(tensor: &'a Tensor) -> Self {
        let quantization = tensor.quant.as_ref().map(Quantization::of);
        Self { shape: &tensor.shape, element: element(tensor.data.data_type()), quantization }
    }

    fn of_output(output: &'a TensorType) -> Self {
        let quantization = output.quant.as_ref().map(Quantization::of);
        Self { shape: &output.shape, element: element(output.data_type), quantization }
    }

    /// `128x128x3`.
    pub(super) fn size(&self) -> String {
        self.shape.iter().map(usize::to_string).collect::<Vec<_>>().join("x")
    }
}

impl<'a> Quantization<'a> {
    fn of(quant: &'a Quant) -> Self {
        Self { scales: &quant.scales, zero_points: &quant.zero_points, axis: quant.axis }
    }
}
