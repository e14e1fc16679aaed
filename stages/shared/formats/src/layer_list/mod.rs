//! A network as a YAML list of layers: how users describe networks of their own.
//!
//! Each item is a layer, a Keras class with its arguments as Keras names them. A layer reads the one before it, the first
//! one the image, unless `inputs` names others; the last one gives the network's output:
//!
//! ```yaml
//! - Conv2D: {filters: 16, kernel_size: 3, strides: 2, padding: same, name: half}
//! - ReLU
//! - UpSampling2D: {size: 2, name: back}
//! - Concatenate: {inputs: [image, back]}
//! - Conv2D: {filters: {{ num_classes }}, kernel_size: 1}
//! ```
//!
//! `name` and `inputs` are arguments of every layer. A layer without a name gets Keras' (`conv2d`, `conv2d_1`). The input is
//! called `image`, unless the list begins with `- InputLayer: {name: photo}`. Numbers may be written as Python arithmetic.
//!
//! The text is a Jinja template, rendered first: loops repeat layers, and [`Arguments`] are its variables. A network so
//! described is trained from scratch, so there are no weights in it.
//!
//! Parts: `render` makes YAML of the template, `tree` reads it, with the place of everything, `classes` knows what each
//! class may be given, `build` makes the graph, `error` says what is wrong and where.

mod build;
mod classes;
mod error;
mod render;
mod tree;

pub use error::LayerListError;

use model::Graph;
use serde_json::{Map, Value};

/// A layer list.
#[derive(Debug, Clone, Copy)]
pub struct LayerList<'a> {
    /// The file as its user knows it, for messages.
    pub name: &'a str,
    /// What is in it.
    pub text: &'a str,
}

/// What a layer list is made for: the variables of its template.
#[derive(Debug, Clone, Copy)]
pub struct Arguments<'a> {
    /// `num_classes`, the background included.
    pub classes: usize,
    /// `input_shape`: height, width and channels of the image.
    pub input_shape: (usize, usize, usize),
    /// `dropout`, where the configuration has it: the share of elements dropped, in `0.0..1.0`.
    pub dropout: Option<f64>,
    /// The user's own.
    pub others: &'a Map<String, Value>,
}

/// A network of a layer list.
#[derive(Debug, Clone, PartialEq)]
pub struct Listed {
    /// Its weights are fresh; see [`model::initialize`].
    pub graph: Graph,
    /// Arguments that the template does not use.
    pub unused: Vec<String>,
}

impl LayerList<'_> {
    /// Renders the template, reads the list and builds the network. Its output is as large as the image and has a channel
    /// for each class.
    ///
    /// # Errors
    /// The first mistake, with its place.
    pub fn network(&self, arguments: &Arguments<'_>) -> Result<Listed, LayerListError> {
        let rendered = render::render(self, arguments)?;
        let told = |mistake: error::Mistake| mistake.in_text(self, &rendered);
        let items = tree::read(&rendered.text).map_err(told)?;
        let graph = build::graph(&items, arguments).map_err(told)?;
        Ok(Listed { graph, unused: rendered.unused })
    }
}
