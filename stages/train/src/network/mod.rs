//! The burn module that trains, built by walking the graph.
//!
//! [`Network`] is the plan: which operation reads which outputs and parameters. [`Weights`] are kept apart as
//! plain numbers in the graph's own layout and order, so that a checkpoint, an exported model and the module hold the
//! very same bytes.

mod build;
mod forward;
mod frozen;
mod geometry;
mod weights;

pub(crate) use forward::{Dropout, Mode, floats, vector};
pub(crate) use frozen::FrozenLayers;
pub(crate) use weights::{Statistics, Weights, power};

use crate::ops::{Bounds, Curve, NormOptions, Pool, Resize, Transposed, Window};

/// A trainable network: operations in order of execution.
#[derive(Debug, Clone)]
pub(crate) struct Network {
    nodes: Vec<Node>,
    output: usize,
    parameters: Vec<Slot>,
    norms: Vec<NormSlot>,
}

/// Where a parameter lies in the graph.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Slot {
    layer: usize,
    weight: usize,
    /// Whether it moves.
    trainable: bool,
}

/// A normalisation with moving statistics.
#[derive(Debug, Clone, Copy, PartialEq)]
struct NormSlot {
    layer: usize,
    /// Which weight of the layer is the moving mean; the moving variance comes behind it.
    mean: usize,
    momentum: f64,
    /// Whether its layer is frozen: it normalises by its moving statistics in training too.
    frozen: bool,
    /// Whether its statistics come from a file.
    loaded: bool,
}

#[derive(Debug, Clone)]
struct Node {
    kind: Kind,
    /// Nodes it reads.
    inputs: Vec<usize>,
    /// How many nodes read it, the network's output included.
    uses: usize,
}

/// What a node computes; parameters and norms are indices into the network's lists.
#[derive(Debug, Clone)]
enum Kind {
    Input,
    Conv {
        kernel: usize,
        bias: Option<usize>,
        window: Window,
    },
    Depthwise {
        kernel: usize,
        bias: Option<usize>,
        window: Window,
    },
    ConvTranspose {
        kernel: usize,
        bias: Option<usize>,
        transposed: Transposed,
    },
    Norm {
        norm: usize,
        gamma: Option<usize>,
        beta: Option<usize>,
        options: NormOptions,
    },
    Clip(Bounds),
    Curve(Curve),
    Gelu,
    Prelu {
        alpha: usize,
        shape: [usize; 3],
    },
    Softmax,
    Add,
    Multiply,
    Concat,
    Pad {
        height: (usize, usize),
        width: (usize, usize),
    },
    Crop {
        start: (usize, usize),
        size: (usize, usize),
    },
    Pool(Pool),
    /// Of each channel over height and width.
    Mean,
    Reshape {
        from: [usize; 3],
        to: [usize; 3],
    },
    Resize(Resize),
    /// Of single elements, or of whole channels.
    Dropout {
        layer: String,
        rate: f32,
        channels: bool,
    },
    Rescale {
        scale: f32,
        offset: f32,
    },
}
