//! The stage at work in a folder of its own.

use contract::{
    ArtifactKind, CancelToken, Config, EventKind, Input, InputContent, Outputs, Runtime, Settings,
    SourceContent, Stage, StageContext, StageError, config,
};
use quantize::Quantize;
use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::{Arc, Mutex},
};
use tempfile::TempDir;

/// A configuration that asks for per-channel int8 with these borders.
pub(crate) fn config(input: config::TensorType, output: config::TensorType) -> Config {
    Config {
        quantization: Some(config::Quantization {
            quantizer: config::Quantizer::TfliteConverter,
            quantization_type: config::QuantizationType::PTQ,
            quantization_input_type: input,
            quantization_output_type: output,
            granularity: config::Granularity::PerChannel,
            optimize: false,
            target_opset: None,
            extra_options: None,
            op_types_to_quantize: None,
            export_dir: "quantized_models".to_owned(),
            calibration: config::Calibration::Minmax,
            bias_correction: None,
            mixed_precision: None,
        }),
        preprocessing: Some(config::Preprocessing {
            rescaling: Some(config::Rescaling { scale: 1.0 / 127.5, offset: -1.0 }),
            resizing: config::Resizing {
                interpolation: Some(config::Interpolation::Bilinear),
                aspect_ratio: config::AspectRatio::Fit,
            },
            color_mode: config::ColorMode::Rgb,
        }),
        ..Config::default()
    }
}

/// A folder with a model, and what the stage is given.
pub(crate) struct Bench {
    pub(crate) folder: TempDir,
    pub(crate) model: PathBuf,
    pub(crate) images: SourceContent,
    pub(crate) threads: usize,
    pub(crate) cancel: CancelToken,
    pub(crate) events: Arc<Mutex<Vec<EventKind>>>,
}

impl Bench {
    /// `model` is the name of the model file, which is the caller's to write.
    pub(crate) fn new(model: &str, images: SourceContent) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let model = folder.path().join(model);
        Self { folder, model, images, threads: 1, cancel: CancelToken::default(), events: Arc::default() }
    }

    pub(crate) fn inputs(&self) -> BTreeMap<String, Input> {
        let name = self.model.file_name().expect("a name").to_string_lossy().into_owned();
        let model = InputContent::File { name, path: self.model.clone() };
        let images = InputContent::Source(self.images.clone());
        BTreeMap::from([
            ("model".to_owned(), Input { kind: ArtifactKind::FloatModel, content: model }),
            ("calibration_set".to_owned(), Input { kind: ArtifactKind::ImageSet, content: images }),
        ])
    }

    pub(crate) fn out(&self) -> PathBuf {
        self.folder.path().join("out")
    }

    pub(crate) fn run(&self, settings: &Settings) -> Result<Outputs, StageError> {
        let out = self.out();
        let partial = self.folder.path().join("partial");
        fs_err::create_dir_all(&out).expect("a folder");
        let events = Arc::clone(&self.events);
        let context = StageContext::new(
            self.inputs(),
            (out, partial, None),
            Runtime { threads: self.threads, attempt: 1 },
            self.cancel.clone(),
            move |event| events.lock().expect("no panic while telling").push(event),
        );
        Quantize.run(settings, &context)
    }

    pub(crate) fn file(&self, settings: &Settings) -> Vec<u8> {
        let outputs = self.run(settings).expect("a quantized model");
        assert_eq!(outputs.0["model"], "quantized_models/quantized_model.tflite");
        fs_err::read(self.out().join(&outputs.0["model"])).expect("the file it names")
    }
}
