//! Why a model file cannot be read or written.

use model::GraphError;
use std::path::{Path, PathBuf};
use thiserror::Error;

/// Why a model file cannot be read or written.
///
/// Readers of bytes know no path; [`FormatError::in_file`] adds it where the file is opened, so that every message a user
/// sees begins with the file's name.
#[derive(Debug, Error)]
pub enum FormatError {
    /// The operating system refused; the message names the path.
    #[error(transparent)]
    Io(#[from] std::io::Error),
    /// The bytes are not a whole file of that format.
    #[error("not a readable {format} file: {message}; it may be cut short or damaged: copy or save it again")]
    Corrupt {
        /// `Keras`, `TensorFlow Lite`.
        format: &'static str,
        /// What was found.
        message: String,
    },
    /// The file is whole, but holds no model of the expected kind.
    #[error("{message}; {help}")]
    Content {
        /// What was found, or is missing.
        message: String,
        /// What to do.
        help: String,
    },
    /// A layer or an option of a layer that a [`model::Graph`] has no operation for.
    #[error("layer `{layer}` ({class}): {message}")]
    Unsupported {
        /// Name of the layer.
        layer: String,
        /// Its class in the file's own words: `LSTM`, `CONV_2D`.
        class: String,
        /// What is not supported.
        message: String,
    },
    /// A value of a layer's option that a [`model::Graph`] has no operation for.
    #[error("layer `{layer}` ({class}): its option `{option}` is {found}; supported: {wanted}")]
    Option {
        /// Name of the layer.
        layer: String,
        /// Its class.
        class: String,
        /// Name of the option.
        option: String,
        /// Its value as JSON; `missing` for none.
        found: String,
        /// What is supported.
        wanted: String,
    },
    /// The layers do not form a network.
    #[error(transparent)]
    Graph(#[from] GraphError),
    /// A format that cannot be read.
    #[error("{name}: model files {} {reason}; supported: {supported}", kind(extension))]
    Extension {
        /// Name of the file.
        name: String,
        /// What the file's name ends in, with the dot; empty for none.
        extension: String,
        /// Why not.
        reason: &'static str,
        /// What can be read.
        supported: &'static str,
    },
    /// An error together with the file it comes from.
    #[error("{}: {source}", file.display())]
    InFile {
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        source: Box<FormatError>,
    },
}

fn kind(extension: &str) -> String {
    if extension.is_empty() { "without an extension".into() } else { format!("of type `{extension}`") }
}

impl FormatError {
    /// Says which file the error comes from. Errors that name it already stay as they are.
    #[must_use]
    pub fn in_file(self, file: &Path) -> Self {
        match self {
            Self::Io(_) | Self::InFile { .. } | Self::Extension { .. } => self,
            other => Self::InFile { file: file.to_owned(), source: Box::new(other) },
        }
    }

    /// A layer, or an option of it, that has no operation in a graph.
    pub fn unsupported(
        layer: impl Into<String>,
        class: impl Into<String>,
        message: impl Into<String>,
    ) -> Self {
        Self::Unsupported { layer: layer.into(), class: class.into(), message: message.into() }
    }
}
