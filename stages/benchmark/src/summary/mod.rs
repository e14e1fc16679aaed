//! Tool `summary`: what a model file holds, layer by layer.

mod described;
mod show;

use crate::BenchmarkError;
use contract::{Arguments, Page, Parameter, ParameterKind, StageError, Tool};
use described::Described;

/// Shows what a model file holds: `pipeline summary MODEL`.
#[derive(Debug, Clone, Copy, Default)]
pub struct Summary;

const MODEL: &str = "model";
const FORMAT: &str = "format";
const JSON: &str = "json";

const PARAMETERS: &[Parameter] = &[
    Parameter {
        name: MODEL,
        value: "MODEL",
        about: "The model file: .h5, .keras or .tflite",
        kind: ParameterKind::File { extensions: &["h5", "hdf5", "keras", "tflite"] },
    },
    Parameter {
        name: FORMAT,
        value: "FORMAT",
        about: "What to print: tables for people, or JSON for programs",
        kind: ParameterKind::Choice { values: &["text", JSON] },
    },
];

const EXAMPLES: &str =
    "  pipeline summary best_model.h5                  layers, numbered as frozen_layers counts them
  pipeline summary quantized_model.tflite         layers with element types and scales
  pipeline summary best_model.h5 --format json    all of it for programs";

impl Tool for Summary {
    fn name(&self) -> &'static str {
        "summary"
    }

    fn about(&self) -> &'static str {
        "Show what a model file holds: layers, shapes, parameters, multiply-accumulates"
    }

    fn examples(&self) -> &'static str {
        EXAMPLES
    }

    fn parameters(&self) -> &'static [Parameter] {
        PARAMETERS
    }

    fn run(&self, arguments: &Arguments) -> Result<Page, StageError> {
        let path = arguments.file(MODEL)?;
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let graph = formats::read_model(path, &name).map_err(BenchmarkError::from)?;
        let failed = |source| BenchmarkError::Graph { name: name.clone(), source };
        graph.check().map_err(failed)?;
        let bytes = fs_err::metadata(path)?.len();
        let described = Described::of(&graph, &name, bytes);
        if arguments.choice(FORMAT)? == JSON {
            let json = serde_json::to_string_pretty(&described)
                .map_err(|error| StageError::failed("summary::json", error.to_string()))?;
            return Ok(Page::default().text(json + "\n"));
        }
        Ok(described.page())
    }
}
