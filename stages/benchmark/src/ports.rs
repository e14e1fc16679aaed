//! What both stages take in and give out: a model of either sort, and numbers.

use contract::{ArtifactKind, InputPort, OutputPort};

pub(crate) const MODEL: &str = "model";
pub(crate) const METRICS: &str = "metrics";

pub(crate) const INPUTS: &[InputPort] =
    &[InputPort::required(MODEL, &[ArtifactKind::FloatModel, ArtifactKind::QuantizedModel])];
pub(crate) const OUTPUTS: &[OutputPort] = &[OutputPort::new(METRICS, ArtifactKind::Metrics)];
