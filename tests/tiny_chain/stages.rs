//! Three stages that really do something and take milliseconds: `t` fits a straight line to points by gradient descent
//! with a checkpoint after every epoch, `q` rounds it to 8 bits, `e` measures the error of either.
//!
//! Two environment variables, which are part of no key, make them slow and troublesome:
//! - `TINY_EPOCH_MS`: an epoch of `t` takes that long
//! - `TINY_MEASURE_MS`: `e` takes that long
//! - `TINY_TROUBLE=STAGE:KIND`: `fail`, `panic`, `abort`, `exit`, `deaf` (sleeps and never looks at its token), `litter`
//!   (leaves a process behind that sleeps)

use contract::{
    ArtifactKind, Config, Demand, EventKind, Finding, Input, InputContent, InputPort, Issue, Machine,
    OutputCopy, OutputPort, Outputs, Preflight, Progress, Registry, Settings, Source, SourceContent, Stage,
    StageContext, StageError,
    config::{Granularity, Optimizer},
};
use serde::{Deserialize, Serialize};
use std::{
    path::{Path, PathBuf},
    time::Duration,
};

pub(crate) fn registry() -> Registry {
    let registry = Registry::new().with(Box::new(Fit)).with(Box::new(Round)).with(Box::new(Measure));
    registry.with(Box::new(command::Command))
}

const MODEL: &str = "model";
const POINTS: &str = "points";
/// The line that a fit begins with, where one is named.
const BEGINNING: &str = "beginning";
const REFERENCE: &str = "reference";

/// `y = slope * x + offset`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
struct Line {
    slope: f64,
    offset: f64,
}

struct Fit;
struct Round;
struct Measure;

#[derive(Serialize, Deserialize)]
struct FitSettings {
    epochs: usize,
    learning_rate: f64,
    seed: u64,
}

#[derive(Serialize, Deserialize)]
struct RoundSettings {
    granularity: Granularity,
}

/// What an interrupted fit goes on from.
#[derive(Serialize, Deserialize)]
struct Checkpoint {
    line: Line,
    losses: Vec<f64>,
}

impl Stage for Fit {
    fn name(&self) -> &'static str {
        "train"
    }
    fn letter(&self) -> Option<char> {
        Some('t')
    }
    fn about(&self) -> &'static str {
        "Fits a line"
    }
    fn version(&self) -> u32 {
        1
    }
    fn saves_checkpoints(&self) -> bool {
        true
    }
    fn inputs(&self) -> &'static [InputPort] {
        const INPUTS: &[InputPort] = &[
            InputPort::required(POINTS, &[ArtifactKind::ImageSet]),
            InputPort::named(BEGINNING, &[ArtifactKind::FloatModel, ArtifactKind::File]),
        ];
        INPUTS
    }
    fn outputs(&self) -> &'static [OutputPort] {
        const OUTPUTS: &[OutputPort] = &[OutputPort::new(MODEL, ArtifactKind::FloatModel)];
        OUTPUTS
    }
    fn settings(&self, config: &Config) -> Result<Settings, Vec<Issue>> {
        let training =
            config.training.as_ref().ok_or_else(|| vec![Issue::missing("training", "the fit needs it")])?;
        let Some(Optimizer::Adam(adam)) = &training.optimizer else {
            return Err(vec![Issue::not_yet("training.optimizer", "another optimizer than Adam")]);
        };
        Ok(Settings::of(&FitSettings {
            epochs: training
                .epochs
                .ok_or_else(|| vec![Issue::missing("training.epochs", "the fit needs it")])?,
            learning_rate: adam.learning_rate,
            seed: config.general.global_seed.unwrap_or(0),
        }))
    }
    fn source(&self, port: &str, config: &Config) -> Result<Option<Source>, Vec<Issue>> {
        if port == BEGINNING {
            return Ok(None);
        }
        let dataset = config.dataset("the fit").map_err(|issue| vec![issue])?;
        points(dataset.training_files_path.as_ref(), "dataset.training_files_path", "training set").map(Some)
    }
    fn copies(&self, config: &Config) -> Vec<OutputCopy> {
        let path = config.training.as_ref().and_then(|training| training.trained_model_path.clone());
        let copy = |path| OutputCopy {
            output: MODEL.to_owned(),
            path,
            key: "training.trained_model_path".to_owned(),
        };
        path.map(copy).into_iter().collect()
    }
    fn preflight(&self, preflight: &Preflight) -> Vec<Finding> {
        // As long as a check takes that is worth remembering.
        std::thread::sleep(std::time::Duration::from_millis(2));
        check_points(preflight)
    }
    fn demand(&self, _: &Preflight, _: &Machine) -> Demand {
        Demand { memory: 1 << 20, disk: 1 << 20, findings: Vec::new() }
    }
    fn run(&self, settings: &Settings, context: &StageContext) -> Result<Outputs, StageError> {
        trouble(self.name(), context)?;
        let settings: FitSettings = parse(settings)?;
        let points = read_points(context.file(POINTS)?.1)?;
        let checkpoint = context.partial.join("checkpoint.json");
        let mut state = match fs_err::read_to_string(&checkpoint) {
            Ok(text) => json(&text)?,
            Err(_) if context.inputs.contains_key(BEGINNING) => {
                let line = json(&fs_err::read_to_string(context.file(BEGINNING)?.1)?)?;
                Checkpoint { line, losses: Vec::new() }
            }
            Err(_) => {
                let slope = contract::Random::new(settings.seed, "tiny", 0, 0).uniform();
                Checkpoint { line: Line { slope, offset: 0.0 }, losses: Vec::new() }
            }
        };
        if !state.losses.is_empty() {
            eprintln!("goes on after epoch {}", state.losses.len());
        }
        for (epoch, loss) in state.losses.iter().enumerate() {
            context.emit(loss_metric(epoch, *loss));
        }
        let model = |line: &Line| serde_json::to_string(line).expect("a line is plain data");
        for epoch in state.losses.len()..settings.epochs {
            pause("TINY_EPOCH_MS", context)?;
            let loss = descend(&mut state.line, &points, settings.learning_rate);
            state.losses.push(loss);
            commit(&checkpoint, &serde_json::to_string(&state).map_err(std::io::Error::from)?)?;
            context.emit(loss_metric(epoch, loss));
            context.emit(EventKind::Progress(Progress {
                label: format!("epoch {}/{}", epoch + 1, settings.epochs),
                done: epoch as u64 + 1,
                total: settings.epochs as u64,
                note: Some(format!("loss {loss:.4}")),
            }));
            if let Some(live) = &context.live {
                commit(&live.join("saved_models/line.json"), &model(&state.line))?;
            }
        }
        write(&context.out, "saved_models/line.json", &model(&state.line))?;
        let losses: String = state.losses.iter().map(|loss| format!("{loss}\n")).collect();
        write(&context.out, "logs/losses.csv", &losses)?;
        Ok(Outputs::default().with(MODEL, "saved_models/line.json"))
    }
}

impl Stage for Round {
    fn name(&self) -> &'static str {
        "quantize"
    }
    fn letter(&self) -> Option<char> {
        Some('q')
    }
    fn about(&self) -> &'static str {
        "Rounds a line"
    }
    fn version(&self) -> u32 {
        1
    }
    fn inputs(&self) -> &'static [InputPort] {
        const INPUTS: &[InputPort] = &[InputPort::required(MODEL, &[ArtifactKind::FloatModel])];
        INPUTS
    }
    fn outputs(&self) -> &'static [OutputPort] {
        const OUTPUTS: &[OutputPort] = &[OutputPort::new(MODEL, ArtifactKind::QuantizedModel)];
        OUTPUTS
    }
    fn settings(&self, config: &Config) -> Result<Settings, Vec<Issue>> {
        let section = config.quantization.as_ref();
        let section = section.ok_or_else(|| vec![Issue::missing("quantization", "rounding needs it")])?;
        Ok(Settings::of(&RoundSettings { granularity: section.granularity }))
    }
    fn source(&self, _: &str, config: &Config) -> Result<Option<Source>, Vec<Issue>> {
        model_path(config).map(Some)
    }
    fn preflight(&self, _: &Preflight) -> Vec<Finding> {
        Vec::new()
    }
    fn demand(&self, _: &Preflight, _: &Machine) -> Demand {
        Demand::default()
    }
    fn run(&self, settings: &Settings, context: &StageContext) -> Result<Outputs, StageError> {
        trouble(self.name(), context)?;
        let settings: RoundSettings = parse(settings)?;
        let line: Line = json(&fs_err::read_to_string(context.file(MODEL)?.1)?)?;
        let step = match settings.granularity {
            Granularity::PerChannel => 1.0 / 128.0,
            Granularity::PerTensor => 1.0 / 16.0,
        };
        let round = |value: f64| (value / step).round() * step;
        let rounded = Line { slope: round(line.slope), offset: round(line.offset) };
        let text = serde_json::to_string(&rounded).map_err(std::io::Error::from)?;
        write(&context.out, "quantized_models/line_int8.json", &text)?;
        context.note("rounded");
        Ok(Outputs::default().with(MODEL, "quantized_models/line_int8.json"))
    }
}

impl Stage for Measure {
    fn name(&self) -> &'static str {
        "evaluate"
    }
    fn letter(&self) -> Option<char> {
        Some('e')
    }
    fn about(&self) -> &'static str {
        "Measures a line"
    }
    fn version(&self) -> u32 {
        1
    }
    fn inputs(&self) -> &'static [InputPort] {
        const INPUTS: &[InputPort] = &[
            InputPort::required(MODEL, &[ArtifactKind::FloatModel, ArtifactKind::QuantizedModel]),
            InputPort::required(POINTS, &[ArtifactKind::ImageSet]),
            InputPort::optional(REFERENCE, &[ArtifactKind::FloatModel]),
        ];
        INPUTS
    }
    fn outputs(&self) -> &'static [OutputPort] {
        const OUTPUTS: &[OutputPort] = &[OutputPort::new("metrics", ArtifactKind::Metrics)];
        OUTPUTS
    }
    fn settings(&self, _: &Config) -> Result<Settings, Vec<Issue>> {
        Ok(Settings::of(&()))
    }
    fn source(&self, port: &str, config: &Config) -> Result<Option<Source>, Vec<Issue>> {
        match port {
            MODEL => model_path(config).map(Some),
            REFERENCE => match config.general.model_path {
                Some(_) => model_path(config).map(|s| (s.kind == ArtifactKind::FloatModel).then_some(s)),
                None => Ok(None),
            },
            _ => {
                let dataset = config.dataset("measuring").map_err(|issue| vec![issue])?;
                match &dataset.test_files_path {
                    Some(path) => points(Some(path), "dataset.test_files_path", "test set"),
                    None => points(
                        dataset.training_files_path.as_ref(),
                        "dataset.training_files_path",
                        "training set",
                    ),
                }
                .map(Some)
            }
        }
    }
    fn preflight(&self, preflight: &Preflight) -> Vec<Finding> {
        check_points(preflight)
    }
    fn demand(&self, _: &Preflight, _: &Machine) -> Demand {
        Demand::default()
    }
    fn run(&self, _: &Settings, context: &StageContext) -> Result<Outputs, StageError> {
        trouble(self.name(), context)?;
        let points = read_points(context.file(POINTS)?.1)?;
        let line: Line = json(&fs_err::read_to_string(context.file(MODEL)?.1)?)?;
        eprintln!("has read its model");
        pause("TINY_MEASURE_MS", context)?;
        let error = squared_error(&line, &points);
        context.metric("squared_error", error);
        let mut text = format!("{{\"squared_error\": {error}");
        if context.inputs.contains_key(REFERENCE) {
            let reference: Line = json(&fs_err::read_to_string(context.file(REFERENCE)?.1)?)?;
            let lost = error - squared_error(&reference, &points);
            context.metric("lost_by_rounding", lost);
            text.push_str(&format!(", \"lost_by_rounding\": {lost}"));
        }
        text.push('}');
        write(&context.out, "_stage/metrics.json", &text)?;
        Ok(Outputs::default().with("metrics", "_stage/metrics.json"))
    }
}

fn points(path: Option<&PathBuf>, key: &str, label: &str) -> Result<Source, Vec<Issue>> {
    let path = path.ok_or_else(|| vec![Issue::missing(key, "points are needed")])?;
    Ok(Source {
        kind: ArtifactKind::ImageSet,
        label: label.to_owned(),
        key: key.to_owned(),
        content: SourceContent::File(path.clone()),
        findings: Vec::new(),
    })
}

fn model_path(config: &Config) -> Result<Source, Vec<Issue>> {
    let key = "general.model_path";
    let path = config.general.model_path.as_ref();
    let path = path.ok_or_else(|| vec![Issue::missing(key, "a model to start from is needed")])?;
    let quantized = path.to_string_lossy().ends_with("_int8.json");
    let kind = if quantized { ArtifactKind::QuantizedModel } else { ArtifactKind::FloatModel };
    let content = SourceContent::File(path.clone());
    Ok(Source { kind, label: "model_path".to_owned(), key: key.to_owned(), content, findings: Vec::new() })
}

fn check_points(preflight: &Preflight) -> Vec<Finding> {
    let Some(Input { content: InputContent::File { path, .. }, .. }) = preflight.inputs.get(POINTS) else {
        return vec![Finding::error("tiny::points", "there are no points")];
    };
    match read_points(path) {
        Ok(points) if points.len() < 3 => vec![Finding::warning("tiny::few", "fewer than three points")],
        Ok(_) => Vec::new(),
        Err(error) => {
            vec![Finding::error("tiny::points", error.to_string()).with_help("write `x y` in each line")]
        }
    }
}

fn read_points(path: &Path) -> Result<Vec<(f64, f64)>, StageError> {
    let text = fs_err::read_to_string(path)?;
    let parse = |(number, line): (usize, &str)| {
        let (x, y) = line
            .split_once(' ')
            .and_then(|(x, y)| Some((x.parse().ok()?, y.parse().ok()?)))
            .ok_or_else(|| {
                StageError::failed(
                    "tiny::points",
                    format!("{}:{}: `{line}` is no point", path.display(), number + 1),
                )
            })?;
        Ok((x, y))
    };
    text.lines().enumerate().map(parse).collect()
}

fn descend(line: &mut Line, points: &[(f64, f64)], rate: f64) -> f64 {
    let count = points.len() as f64;
    let (mut slope, mut offset) = (0.0, 0.0);
    for (x, y) in points {
        let error = line.slope * x + line.offset - y;
        slope += error * x / count;
        offset += error / count;
    }
    line.slope -= rate * slope;
    line.offset -= rate * offset;
    squared_error(line, points)
}

fn squared_error(line: &Line, points: &[(f64, f64)]) -> f64 {
    points.iter().map(|(x, y)| (line.slope * x + line.offset - y).powi(2)).sum::<f64>() / points.len() as f64
}

fn loss_metric(epoch: usize, loss: f64) -> EventKind {
    EventKind::Metric { name: "loss".to_owned(), step: Some(epoch as u64), value: loss }
}

fn parse<T: serde::de::DeserializeOwned>(settings: &Settings) -> Result<T, StageError> {
    settings.parse().map_err(|error| StageError::failed("stage::settings", error.to_string()))
}

fn json<T: serde::de::DeserializeOwned>(text: &str) -> Result<T, StageError> {
    serde_json::from_str(text).map_err(|error| StageError::failed("tiny::json", error.to_string()))
}

fn write(out: &Path, path: &str, text: &str) -> Result<(), StageError> {
    let path = out.join(path);
    if let Some(folder) = path.parent() {
        fs_err::create_dir_all(folder)?;
    }
    Ok(fs_err::write(path, text)?)
}

/// By fsync and rename, so that a reader finds the old one or the new one.
fn commit(path: &Path, text: &str) -> Result<(), StageError> {
    let new = path.with_extension("new");
    fs_err::write(&new, text)?;
    fs_err::File::open(&new)?.sync_all()?;
    Ok(fs_err::rename(&new, path)?)
}

/// Waits as many milliseconds as the environment variable says.
fn pause(variable: &str, context: &StageContext) -> Result<(), StageError> {
    let milliseconds = std::env::var(variable).ok().and_then(|text| text.parse().ok());
    let until = std::time::Instant::now() + Duration::from_millis(milliseconds.unwrap_or(0));
    while std::time::Instant::now() < until {
        context.check_cancel()?;
        std::thread::sleep(Duration::from_millis(10));
    }
    context.check_cancel()
}

fn trouble(stage: &str, context: &StageContext) -> Result<(), StageError> {
    let Ok(text) = std::env::var("TINY_TROUBLE") else { return Ok(()) };
    let Some(kind) = text.strip_prefix(stage).and_then(|rest| rest.strip_prefix(':')) else { return Ok(()) };
    match kind {
        "fail" => {
            return Err(StageError::failed("tiny::asked", "it was asked to fail").with_help("do not ask"));
        }
        "panic" => panic!("it was asked to panic"),
        "abort" => std::process::abort(),
        "exit" => std::process::exit(7),
        "deaf" => {
            context.note("deaf");
            std::thread::sleep(Duration::from_secs(600));
        }
        "litter" => {
            std::process::Command::new("sleep").arg("600").spawn()?;
        }
        other => return Err(StageError::failed("tiny::trouble", format!("no such trouble: {other}"))),
    }
    Ok(())
}
