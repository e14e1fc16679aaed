//! A model file as it is deployed.

use crate::{BenchmarkError, ports::MODEL};
use contract::{Input, InputContent, Preflight};
use model::{DataType, Graph, passes::for_deployment};
use std::path::Path;

/// A network as a device would run it.
pub(crate) struct Network {
    /// The model file's own name.
    pub(crate) name: String,
    /// Checked. A float graph has no layers left that only training needs, BatchNorm is folded, and padding and
    /// activations are fused; an int8 graph is as the file has it.
    pub(crate) graph: Graph,
    pub(crate) kind: Kind,
}

/// What a network computes with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Float,
    Int8,
}

impl Kind {
    /// As in tables and messages.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Float => "float",
            Self::Int8 => "int8",
        }
    }
}

impl Network {
    /// Reads the model file `path`, whose own name is `name`.
    pub(crate) fn read(path: &Path, name: &str) -> Result<Self, BenchmarkError> {
        let graph = formats::read_model(path, name)?;
        let failed = |source| BenchmarkError::Graph { name: name.to_owned(), source };
        graph.check().map_err(failed)?;
        let float = graph.layers.iter().all(|layer| layer.output.data_type == DataType::F32);
        let (graph, kind) = match float {
            true => (for_deployment(&graph).map_err(failed)?, Kind::Float),
            false => (graph, Kind::Int8),
        };
        Ok(Self { name: name.to_owned(), graph, kind })
    }

    /// The network at the port, if its file is there already.
    pub(crate) fn known(preflight: &Preflight) -> Option<Result<Self, BenchmarkError>> {
        match preflight.inputs.get(MODEL) {
            Some(Input { content: InputContent::File { name, path }, .. }) => Some(Self::read(path, name)),
            _ => None,
        }
    }
}
