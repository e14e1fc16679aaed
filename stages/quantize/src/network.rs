//! The float network that is to be quantized.

use crate::{QuantizeError, QuantizeSettings};
use dataset::Size;
use model::{
    DataType, Graph, LayerId, Op,
    passes::{Range, Ranges, for_deployment, quantize},
};
use std::path::Path;

/// A float network, read and folded.
pub(crate) struct Network {
    /// As it will be quantized.
    pub(crate) graph: Graph,
    /// Size of the images it takes.
    pub(crate) size: Size,
    /// Whether it rescales its input itself.
    pub(crate) rescales: bool,
}

impl Network {
    /// Reads the model file `path`, whose own name is `name`, and checks it against the settings.
    pub(crate) fn read(path: &Path, name: &str, settings: &QuantizeSettings) -> Result<Self, QuantizeError> {
        let graph = formats::read_model(path, name)?;
        let whole = graph.layers.iter().all(|layer| layer.output.data_type == DataType::F32);
        if !whole {
            return Err(QuantizeError::Quantized);
        }
        let rescales = graph.layers.iter().any(|layer| matches!(layer.op, Op::Rescale { .. }));
        let graph = for_deployment(&graph)?;
        let Some(input) = graph.input() else { return Err(QuantizeError::InputShape(Vec::new())) };
        let shape = &graph.layer(input).output.shape;
        let [height, width, channels] = shape[..] else {
            return Err(QuantizeError::InputShape(shape.clone()));
        };
        let images = settings.preprocessing.channels;
        if channels != images {
            return Err(QuantizeError::Channels { model: channels, images });
        }
        Ok(Self { size: Size { height, width }, graph, rescales })
    }

    /// Tries the quantization with made-up ranges: what cannot become int8 is found before any image is read.
    pub(crate) fn rehearse(&self, settings: &QuantizeSettings) -> Result<(), QuantizeError> {
        let range = Range { min: 0.0, max: 1.0 };
        let ranges: Ranges = (0..self.graph.layers.len()).map(|index| (LayerId(index), range)).collect();
        formats::tflite::write(&quantize(&self.graph, &ranges, &settings.options())?)?;
        Ok(())
    }
}
