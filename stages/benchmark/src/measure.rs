//! Stage `measure`.

use crate::{
    BenchmarkError, MeasureSettings, host,
    latency::{LEAST_RUNS, Latency, WARM_UP},
    network::{Kind, Network},
    ports::{INPUTS, METRICS, MODEL, OUTPUTS},
};
use contract::{
    Config, Cores, Demand, Finding, InputPort, Issue, Machine, OutputPort, Outputs, Preflight, Problem,
    Random, Resources, Settings, Source, Stage, StageContext, StageError, layout,
};
use kernels::Interpreter;
use model::{Data, DataType, Tensor, TensorType};
use serde::Serialize;
use std::time::Duration;

/// Takes the time that a model needs on this machine, image by image, with this program's own interpreters.
///
/// Its result is the machine's: it differs from run to run, unlike that of every other stage, and says nothing of the time
/// on a board. So the processor and this very program are part of its key, and it runs alone.
#[derive(Debug, Clone, Copy, Default)]
pub struct Measure;

const METRICS_FILE: &str = "metrics.json";
/// Version of `metrics.json`.
const FORMAT: u32 = 1;
/// Disk for one small file.
const DISK: u64 = 1 << 16;
/// Seed of the image that is run.
const SEED: u64 = 1;

impl Stage for Measure {
    fn name(&self) -> &'static str {
        "measure"
    }

    fn letter(&self) -> Option<char> {
        Some('b')
    }

    fn about(&self) -> &'static str {
        "Takes the time that a model needs on this machine"
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

    fn settings(&self, config: &Config) -> Result<Settings, Vec<Issue>> {
        Ok(Settings::of(&MeasureSettings::from_config(config)?))
    }

    fn source(&self, _: &str, config: &Config) -> Result<Option<Source>, Vec<Issue>> {
        // Both stages say the same of the key, and the user reads it once.
        Source::model_file(config, "benchmark").map(Some)
    }

    fn preflight(&self, preflight: &Preflight) -> Vec<Finding> {
        let network = Network::known(preflight);
        match network.map(|network| network.and_then(|network| interpreter(&network))) {
            Some(Err(error)) => vec![error.finding()],
            _ => Vec::new(),
        }
    }

    fn demand(&self, preflight: &Preflight, _: &Machine) -> Demand {
        let network = Network::known(preflight).and_then(Result::ok);
        // Weights are packed for the kernels, so they are there twice.
        let memory =
            network.map_or(0, |network| 2 * network.graph.weight_bytes() + network.graph.peak_activations());
        Demand { memory, disk: DISK, ..Demand::default() }
    }

    fn resources(&self, settings: &Settings) -> Resources {
        let threads = settings.parse().map_or(1, |settings: MeasureSettings| settings.threads);
        Resources { cores: Cores::Count(threads), exclusive: true, ..Resources::default() }
    }

    fn measures_host(&self) -> bool {
        true
    }

    fn run(&self, settings: &Settings, context: &StageContext) -> Result<Outputs, StageError> {
        let MeasureSettings { threads } = settings
            .parse()
            .map_err(|error| StageError::failed("stage::settings", format!("measure: {error}")))?;
        let (name, path) = context.file(MODEL)?;
        let network = Network::read(path, name)?;
        let latency = measure(&network, threads, context)?;
        let measured = Measured::of(&network, threads, &latency);
        measured.tell(context);
        write(&measured, context).map_err(BenchmarkError::from)?;
        Ok(Outputs::default().with(METRICS, format!("{}/{METRICS_FILE}", layout::STAGE)))
    }
}

fn interpreter(network: &Network) -> Result<Interpreter, BenchmarkError> {
    Interpreter::new(&network.graph)
        .map_err(|source| BenchmarkError::Kernel { name: network.name.clone(), source })
}

fn measure(network: &Network, threads: usize, context: &StageContext) -> Result<Latency, BenchmarkError> {
    let interpreter = interpreter(network)?;
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .build()
        .map_err(|source| BenchmarkError::Threads { threads, source })?;
    let image = image(interpreter.input_type());
    // Inside the pool, so that handing the work over is not measured.
    pool.install(|| {
        Latency::measure(
            || {
                let failed = |source| BenchmarkError::Kernel { name: network.name.clone(), source };
                std::hint::black_box(interpreter.run(&image).map_err(failed)?);
                Ok(())
            },
            |done| {
                context.check_cancel().map_err(|_| BenchmarkError::Cancelled)?;
                // Telling takes time of its own, so it is not done for every run.
                if done % LEAST_RUNS == 0 {
                    context.progress("measuring", done.min(LEAST_RUNS) as u64, LEAST_RUNS as u64);
                }
                Ok(())
            },
        )
    })
}

/// The same image always: values over the whole range of bytes, or from -1 to 1.
fn image(input: &TensorType) -> Tensor {
    let mut random = Random::new(SEED, "image to measure with", 0, 0);
    let bytes: Vec<u8> = (0..input.len()).map(|_| random.uniform_in(0.0, 256.0) as u8).collect();
    let data = match input.data_type {
        DataType::U8 => Data::U8(bytes),
        DataType::I8 => {
            Data::I8(bytes.into_iter().map(|byte| byte.wrapping_sub(128).cast_signed()).collect())
        }
        DataType::F32 => Data::F32(bytes.into_iter().map(|byte| f32::from(byte) / 127.5 - 1.0).collect()),
        DataType::I32 => Data::I32(bytes.into_iter().map(i32::from).collect()),
    };
    let shape = std::iter::once(1).chain(input.shape.iter().copied()).collect();
    Tensor { shape, data, quant: None }
}

/// `metrics.json`. It names the machine, without which the times mean nothing.
#[derive(Serialize)]
struct Measured {
    format: u32,
    /// `float` or `int8`.
    model: &'static str,
    processor: String,
    threads: usize,
    warm_up: usize,
    runs: usize,
    median_ms: f64,
    p90_ms: f64,
    min_ms: f64,
}

impl Measured {
    fn of(network: &Network, threads: usize, latency: &Latency) -> Self {
        Self {
            format: FORMAT,
            model: network.kind.name(),
            processor: host::processor(),
            threads,
            warm_up: WARM_UP,
            runs: latency.runs(),
            median_ms: milliseconds(latency.median()),
            p90_ms: milliseconds(latency.p90()),
            min_ms: milliseconds(latency.least()),
        }
    }

    /// Metrics are called `host ...`: the original's `inference_time ms` is a board's.
    fn tell(&self, context: &StageContext) {
        let Self { median_ms, p90_ms, min_ms, threads, runs, processor, model, .. } = self;
        context.note(format!(
            "[INFO] : Host inference time : {median_ms:.3} (ms), 90 % of the runs within {p90_ms:.3}, at best {min_ms:.3}"
        ));
        context.note(format!(
            "measured on {processor} with {threads} thread{}: the {model} model, one image a run, median of {runs} runs; \
             this is not the time on a board{}",
            if *threads == 1 { "" } else { "s" },
            if *model == Kind::Int8.name() { ", and int8 kernels here are made to be exact, not fast" } else { "" }
        ));
        if *median_ms > NOISY * min_ms {
            context.warn(format!(
                "the median of the runs is {:.1} times the fastest: other programs took the processor meanwhile, so \
                 this says more of them than of the model",
                median_ms / min_ms
            ));
        }
        context.metric("host inference_time ms", *median_ms);
        context.metric("host inference_time p90 ms", *p90_ms);
        context.metric("host inference_time min ms", *min_ms);
    }
}

/// On a machine that does nothing else the median is within a few percent of the fastest run.
const NOISY: f64 = 1.5;

fn write(measured: &Measured, context: &StageContext) -> std::io::Result<()> {
    let folder = context.out.join(layout::STAGE);
    fs_err::create_dir_all(&folder)?;
    let mut json = serde_json::to_string_pretty(measured).map_err(std::io::Error::from)?;
    json.push('\n');
    fs_err::write(folder.join(METRICS_FILE), json)
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}
