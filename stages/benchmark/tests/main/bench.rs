//! The stages at work in a folder of their own.

use contract::{
    ArtifactKind, CancelToken, EventKind, Input, InputContent, Outputs, Preflight, Runtime, Settings, Stage,
    StageContext, StageError,
};
use model::{
    AsppVersion, Backbone, DeeplabV3, Graph, LayerId, initialize,
    passes::{Border, QuantizeOptions, Range, Ranges, WeightScales, for_deployment, quantize},
};
use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::{Arc, Mutex},
};
use tempfile::TempDir;

/// DeepLabV3 of 32x32 pixels as it comes out of training.
pub(crate) fn float() -> Graph {
    deeplab(32, 0.35, 3)
}

/// The same as it comes out of quantization, from unsigned bytes to floats.
pub(crate) fn int8() -> Graph {
    quantized(&float(), Border::Uint8, Border::Float)
}

pub(crate) fn deeplab(side: usize, alpha: f64, classes: usize) -> Graph {
    let network = DeeplabV3 {
        input: (side, side, 3),
        classes,
        backbone: Backbone::MobilenetV2 { alpha },
        output_stride: 16,
        aspp: AsppVersion::V2,
        dropout: 0.3,
    };
    let mut graph = network.build().expect("a network");
    initialize(&mut graph, 7);
    graph
}

pub(crate) fn quantized(float: &Graph, input: Border, output: Border) -> Graph {
    let graph = for_deployment(float).expect("a network");
    let range = Range { min: -3.0, max: 3.0 };
    let ranges: Ranges = (0..graph.layers.len()).map(|index| (LayerId(index), range)).collect();
    let options = QuantizeOptions { weights: WeightScales::PerChannel, input, output };
    quantize(&graph, &ranges, &options).expect("an int8 network")
}

/// A folder with a model.
pub(crate) struct Bench {
    pub(crate) folder: TempDir,
    pub(crate) model: PathBuf,
    pub(crate) threads: usize,
    pub(crate) cancel: CancelToken,
    pub(crate) events: Arc<Mutex<Vec<EventKind>>>,
}

impl Bench {
    /// With the graph in a file of the format that its name tells.
    pub(crate) fn new(name: &str, graph: &Graph) -> Self {
        let bench = Self::with_bytes(name, b"");
        match name.ends_with(".h5") {
            true => formats::keras::write_h5(graph, &bench.model).expect("a model file"),
            false => {
                let bytes = formats::tflite::write(graph).expect("a model");
                fs_err::write(&bench.model, bytes).expect("a model file");
            }
        }
        bench
    }

    pub(crate) fn with_bytes(name: &str, bytes: &[u8]) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let model = folder.path().join(name);
        fs_err::write(&model, bytes).expect("a file");
        Self { folder, model, threads: 1, cancel: CancelToken::default(), events: Arc::default() }
    }

    fn inputs(&self) -> BTreeMap<String, Input> {
        let name = self.model.file_name().expect("a name").to_string_lossy().into_owned();
        let kind = ArtifactKind::of_file(&self.model);
        let content = InputContent::File { name, path: self.model.clone() };
        BTreeMap::from([("model".to_owned(), Input { kind, content })])
    }

    pub(crate) fn preflight(&self, settings: &Settings) -> Preflight {
        let (settings, inputs) = (settings.clone(), self.inputs());
        Preflight { settings, inputs, threads: self.threads, list_all: false }
    }

    pub(crate) fn run(&self, stage: &dyn Stage, settings: &Settings) -> Result<Outputs, StageError> {
        let out = self.folder.path().join("out");
        fs_err::create_dir_all(&out).expect("a folder");
        let events = Arc::clone(&self.events);
        let context = StageContext::new(
            self.inputs(),
            (out, self.folder.path().join("partial"), None),
            Runtime { threads: self.threads, attempt: 1 },
            self.cancel.clone(),
            move |event| events.lock().expect("no panic while telling").push(event),
        );
        stage.run(settings, &context)
    }

    /// A file that the stage made.
    pub(crate) fn file(&self, name: &str) -> String {
        fs_err::read_to_string(self.folder.path().join("out/_stage").join(name)).expect("a file of the stage")
    }

    pub(crate) fn metric(&self, name: &str) -> f64 {
        let events = self.events.lock().expect("no panic while telling");
        let value = events.iter().find_map(|event| match event {
            EventKind::Metric { name: found, value, step: None } if found == name => Some(*value),
            _ => None,
        });
        value.unwrap_or_else(|| panic!("no metric {name} in {events:?}"))
    }

    /// Notes and warnings, a line each.
    pub(crate) fn lines(&self) -> String {
        let events = self.events.lock().expect("no panic while telling");
        let lines = events.iter().filter_map(|event| match event {
            EventKind::Note { message, .. } => Some(message.clone() + "\n"),
            EventKind::Warning { message, .. } => Some(format!("warning: {message}\n")),
            _ => None,
        });
        lines.collect()
    }
}
