//! The stage as the engine sees it.

use crate::{QuantizeSettings, calibrate, error::QuantizeError, network::Network};
use contract::{
    ArtifactKind, Config, Demand, Finding, Input, InputContent, InputPort, Issue, Machine, OutputPort,
    Outputs, Preflight, Problem, Settings, Source, SourceContent, Stage, StageContext, StageError,
    config::Granularity, layout,
};
use dataset::{Classes, RandomImages, Samples};
use model::passes::quantize;

/// Post-training quantization to int8.
#[derive(Debug, Clone, Copy, Default)]
pub struct Quantize;

const MODEL: &str = "model";
const CALIBRATION_SET: &str = "calibration_set";
const FILE_NAME: &str = "quantized_model.tflite";

impl Stage for Quantize {
    fn name(&self) -> &'static str {
        "quantize"
    }

    fn letter(&self) -> Option<char> {
        Some('q')
    }

    fn about(&self) -> &'static str {
        "Turns a float model into an int8 one"
    }

    fn version(&self) -> u32 {
        1
    }

    fn inputs(&self) -> &'static [InputPort] {
        const INPUTS: &[InputPort] = &[
            InputPort::required(MODEL, &[ArtifactKind::FloatModel]),
            InputPort::required(CALIBRATION_SET, &[ArtifactKind::ImageSet]),
        ];
        INPUTS
    }

    fn outputs(&self) -> &'static [OutputPort] {
        const OUTPUTS: &[OutputPort] = &[OutputPort::new(MODEL, ArtifactKind::QuantizedModel)];
        OUTPUTS
    }

    fn settings(&self, config: &Config) -> Result<Settings, Vec<Issue>> {
        Ok(Settings::of(&QuantizeSettings::from_config(config)?))
    }

    fn source(&self, port: &str, config: &Config) -> Result<Option<Source>, Vec<Issue>> {
        match port {
            MODEL => {
                let source = Source::model_file(config, self.name())?;
                if source.kind != ArtifactKind::FloatModel {
                    return Err(vec![
                        Issue::invalid(source.key, "this model is quantized already")
                            .with_help("name the float model (.h5, .keras) it was made of"),
                    ]);
                }
                Ok(Some(source))
            }
            CALIBRATION_SET => dataset::calibration_set(config, self.name()).map(Some),
            _ => Ok(None),
        }
    }

    fn preflight(&self, preflight: &Preflight) -> Vec<Finding> {
        let settings = match parse(&preflight.settings) {
            Ok(settings) => settings,
            Err(error) => return vec![Finding::error("stage::settings", error.to_string())],
        };
        let mut findings = Vec::new();
        if let Some(Input { content: InputContent::File { name, path }, .. }) = preflight.inputs.get(MODEL) {
            let network = Network::read(path, name, &settings);
            match network.and_then(|network| network.rehearse(&settings).map(|()| network)) {
                Ok(network) => findings.extend(rescaled_twice(&network, &settings)),
                Err(error) => findings.push(error.finding()),
            }
        }
        if let Some(Input { content: InputContent::Source(set), .. }) = preflight.inputs.get(CALIBRATION_SET)
        {
            findings.extend(dataset::check(
                "calibration set",
                set,
                &Classes::none(),
                preflight.threads,
                preflight.list_all,
            ));
        }
        findings
    }

    fn demand(&self, preflight: &Preflight, _: &Machine) -> Demand {
        // A model that is yet to be trained counts nothing here: train's own demand bounds it, since a network takes more
        // to train than to calibrate.
        let Some(Input { content: InputContent::File { name, path }, .. }) = preflight.inputs.get(MODEL)
        else {
            return Demand::default();
        };
        let network = parse(&preflight.settings).ok().and_then(|s| Network::read(path, name, &s).ok());
        let memory = network.map_or(0, |Network { graph, .. }| {
            // Weights are packed for the kernels, so they are there twice.
            2 * graph.weight_bytes() + graph.peak_activations() * preflight.threads as u64
        });
        // The int8 file is about a quarter of the float one.
        let disk = fs_err::metadata(path).map_or(0, |file| file.len());
        Demand { memory, disk, ..Demand::default() }
    }

    fn run(&self, settings: &Settings, context: &StageContext) -> Result<Outputs, StageError> {
        let settings = parse(settings)?;
        let (name, path) = context.file(MODEL)?;
        let network = Network::read(path, name, &settings)?;
        let set = context.set(CALIBRATION_SET)?;
        let samples = Samples::open(set, &settings.preprocessing, network.size, &Classes::none())?;
        if is_random(set) {
            context.warn("calibrated on random pixels: the accuracy of the quantized model means nothing");
        }
        let ranges = calibrate(&network.graph, &samples, network.size, context)?;
        let int8 = quantize(&network.graph, &ranges, &settings.options()).map_err(QuantizeError::from)?;
        let bytes = formats::tflite::write(&int8).map_err(QuantizeError::from)?;

        let folder = context.out.join(layout::QUANTIZED_MODELS);
        fs_err::create_dir_all(&folder)?;
        fs_err::write(folder.join(FILE_NAME), &bytes)?;

        let kib = bytes.len() as f64 / 1024.0;
        context.metric("calibration_images", samples.len() as f64);
        context.metric("quantized_model_kib", kib);
        context.note(format!(
            "int8 model of {kib:.1} KiB, weights {}, ranges from {} images",
            match settings.granularity {
                Granularity::PerChannel => "per channel",
                Granularity::PerTensor => "per tensor",
            },
            samples.len(),
        ));
        Ok(Outputs::default().with(MODEL, format!("{}/{FILE_NAME}", layout::QUANTIZED_MODELS)))
    }
}

fn parse(settings: &Settings) -> Result<QuantizeSettings, StageError> {
    settings.parse().map_err(|error| StageError::failed("stage::settings", format!("quantize: {error}")))
}

fn is_random(set: &SourceContent) -> bool {
    matches!(set, SourceContent::Generated { generator, .. } if generator == RandomImages::GENERATOR)
}

/// A network with a rescaling layer takes pixels, and rescaled ones would be rescaled again.
fn rescaled_twice(network: &Network, settings: &QuantizeSettings) -> Option<Finding> {
    let (low, high) = settings.preprocessing.range();
    (network.rescales && (low, high) != (0.0, 255.0)).then(|| {
        Finding::warning(
            "model::rescaled_twice",
            format!("the model rescales its input itself, but `preprocessing.rescaling` makes it {low} to {high} before"),
        )
        .with_help("quantize the model without preprocessing layers (best_model.h5), or set `rescaling: {scale: 1, offset: 0}`")
    })
}
