//! A program with a stage of its own: `budget` ends a run when a model is larger than it may be.
//!
//! ```text
//! cargo run --release --example custom_stage -- run examples/custom_stage.yaml
//! ```
//!
//! A stage is one implementation of [`contract::Stage`]. This binary is the `pipeline` program with one stage more: all of
//! its verbs know it.

use contract::{
    ArtifactKind, Config, Declared, Entry, InputPort, Issue, Looked, OutputPort, Outputs, Settings, Stage,
    StageContext, StageError,
};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, process::ExitCode};

fn main() -> ExitCode {
    pipeline::main(pipeline::stages::registry().with(Box::new(Budget)))
}

/// Compares the size of a model file with what it may have.
struct Budget;

/// All that decides the result but the model itself: it is part of the key, so a changed budget is looked at again.
#[derive(Serialize, Deserialize)]
struct BudgetSettings {
    max_kib: f64,
}

const INPUTS: &[InputPort] =
    &[InputPort::required("model", &[ArtifactKind::QuantizedModel, ArtifactKind::FloatModel])];
const OUTPUTS: &[OutputPort] = &[OutputPort::new("report", ArtifactKind::Metrics)];

impl Stage for Budget {
    fn name(&self) -> &'static str {
        "budget"
    }

    fn about(&self) -> &'static str {
        "ends the run when a model file is larger than it may be"
    }

    fn version(&self) -> u32 {
        1
    }

    fn inputs(&self) -> &'static [InputPort] {
        INPUTS
    }

    fn outputs(&self) -> &'static [OutputPort] {
        OUTPUTS
    }

    fn settings(&self, _config: &Config) -> Result<Settings, Vec<Issue>> {
        Err(vec![Issue::missing("stages", "`budget` is an entry of this section")])
    }

    /// Reads the entry's `params`. What is said here against a key gets the file, the line and a caret from the engine.
    fn declare(&self, entry: &Entry<'_>) -> Option<Result<Declared, Vec<Issue>>> {
        let max_kib = entry.spec.params.get("max_kib").and_then(serde_json::Value::as_f64);
        Some(match max_kib {
            Some(max_kib) if max_kib > 0.0 => Ok(Declared {
                settings: Settings::of(&BudgetSettings { max_kib }),
                inputs: INPUTS.to_vec(),
                outputs: OUTPUTS.to_vec(),
                sources: BTreeMap::new(),
                copies: Vec::new(),
                // It reads the entry and nothing else.
                looked: Some(Looked::default()),
            }),
            Some(_) => Err(vec![Issue::invalid("params.max_kib", "a budget is larger than 0 KiB")]),
            None => Err(vec![Issue::missing("params.max_kib", "a budget in KiB")]),
        })
    }

    fn run(&self, settings: &Settings, context: &StageContext) -> Result<Outputs, StageError> {
        let BudgetSettings { max_kib } =
            settings.parse().map_err(|error| StageError::failed("budget::settings", error.to_string()))?;
        let (name, path) = context.file("model")?;
        let kib = fs_err::metadata(path)?.len() as f64 / 1024.0;
        context.metric("model KiB", kib);
        if kib > max_kib {
            let message = format!("`{name}` has {kib:.1} KiB, more than its budget of {max_kib} KiB");
            return Err(StageError::failed("budget::exceeded", message)
                .with_help("a smaller `training.model.alpha` or a quantized model takes less"));
        }
        let report = serde_json::json!({ "model_kib": kib, "budget_kib": max_kib });
        fs_err::write(context.out.join("budget.json"), format!("{report:#}\n"))?;
        Ok(Outputs::default().with("report", "budget.json"))
    }
}
