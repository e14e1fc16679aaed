//! The trait that every stage implements.

use crate::{
    Config, Finding, Input, InputPort, Issue, OutputPort, Settings, Source, StageContext, StageError,
    config::StageEntry, protocol::Request,
};
use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeMap,
    ffi::OsString,
    path::{Path, PathBuf},
    sync::Arc,
};

/// A unit of work in a plan: train, quantize, evaluate.
///
/// The engine holds stages as `Box<dyn Stage>` and calls, in this order: [`settings`](Stage::settings) and
/// [`source`](Stage::source) while planning, [`preflight`](Stage::preflight) and [`admit`](Stage::admit) before anything
/// runs, and [`run`](Stage::run) in a process of its own if the store has no result yet.
pub trait Stage: Send + Sync {
    /// Name, a single lower-case word; also the folder and feature of its crate.
    fn name(&self) -> &'static str;

    /// The letter that stands for it in a chain word, if it has one. A letter may stand for several stages: `b` for
    /// `estimate` and `measure`.
    fn letter(&self) -> Option<char> {
        None
    }

    /// One sentence for help texts.
    fn about(&self) -> &'static str;

    /// Grows by one whenever the same settings and inputs give other bytes than before: it is part of every key.
    fn version(&self) -> u32;

    /// What it takes in.
    fn inputs(&self) -> &'static [InputPort];

    /// What it gives out.
    fn outputs(&self) -> &'static [OutputPort];

    /// Projects the configuration onto what this stage may read.
    ///
    /// # Errors
    /// All mistakes in the keys that this stage reads, legal keys that are not built yet included.
    fn settings(&self, config: &Config) -> Result<Settings, Vec<Issue>>;

    /// What binds to `port` when no stage of the plan produces it. `Ok(None)` where the configuration names nothing for
    /// an optional port. Enumerates only: nothing is decoded here.
    ///
    /// # Errors
    /// Keys that are missing or name files that are not there.
    fn source(&self, _port: &str, _config: &Config) -> Result<Option<Source>, Vec<Issue>> {
        Ok(None)
    }

    /// Where users want outputs besides the run folder: paths are part of no key, so a stage neither knows nor writes them.
    fn copies(&self, _config: &Config) -> Vec<OutputCopy> {
        Vec::new()
    }

    /// Looks at everything that can be known before the run starts and costs time to find out: every image and mask
    /// decoded once, the model against classes and input shape. Depends on nothing but its argument, so that the engine
    /// may remember a clean result and not ask again.
    fn preflight(&self, _preflight: &Preflight) -> Vec<Finding> {
        Vec::new()
    }

    /// What the run will need at most. Cheap, asked each time.
    fn demand(&self, _preflight: &Preflight, _machine: &Machine) -> Demand {
        Demand::default()
    }

    /// What one entry of the `stages` section becomes, for a stage whose ports are what the entry says. `None` for a stage
    /// with ports of its own, which is configured by the file's other sections.
    ///
    /// # Errors
    /// All mistakes in the entry, with keys relative to it (`command`, `inputs.data`).
    fn declare(&self, _entry: &Entry<'_>) -> Option<Result<Declared, Vec<Issue>>> {
        None
    }

    /// What it holds of the machine while it works.
    fn resources(&self, _settings: &Settings) -> Resources {
        Resources::default()
    }

    /// Whether it saves its work when it is asked to stop, and goes on from there when it is started again.
    fn saves_checkpoints(&self) -> bool {
        false
    }

    /// Whether its result tells of the machine, so that the processor's model and this very program are part of its key.
    fn measures_host(&self) -> bool {
        false
    }

    /// The program that does the work instead of [`run`](Stage::run) in a process of this one. It starts in the working
    /// directory of the engine, with [`Program::environment`] and nothing else of the engine's, may print events
    /// (`{"event": "metric", "name": "loss", "value": 0.5}`) as lines, and its outputs are those the stage declared.
    ///
    /// # Errors
    /// When it cannot be started.
    fn program(&self, _request: &Request) -> Result<Option<Program>, StageError> {
        Ok(None)
    }

    /// Does the work. Bytes in [`StageContext::out`] depend on settings and inputs alone: not on time, paths, host,
    /// thread count or on how often the work was interrupted.
    ///
    /// # Errors
    /// [`StageError::Cancelled`] after the token was set, otherwise what went wrong.
    fn run(&self, settings: &Settings, context: &StageContext) -> Result<Outputs, StageError>;
}

/// An entry of the `stages` section.
#[derive(Debug, Clone, Copy)]
pub struct Entry<'a> {
    /// Its name, which is the node's.
    pub name: &'a str,
    /// What the file says.
    pub spec: &'a StageEntry,
}

/// What a stage becomes by an entry of the `stages` section.
#[derive(Debug, Clone, PartialEq)]
pub struct Declared {
    /// All that decides its result but its inputs.
    pub settings: Settings,
    /// What it takes in: a port for each input that the entry names, called as the entry calls it, and ports of its own.
    pub inputs: Vec<InputPort>,
    /// What it gives out: a port for each output, called as its path below [`StageContext::out`].
    pub outputs: Vec<OutputPort>,
    /// What binds to the ports of its own.
    pub sources: BTreeMap<String, Source>,
    /// Where outputs go besides the run folder.
    pub copies: Vec<OutputCopy>,
    /// What it looked at beside the entry and the files of its sources. `None` where it cannot say: then it is asked anew
    /// by each command, also by one that would find nothing to do.
    pub looked: Option<Looked>,
}

/// A place outside of the run folder for an output. The engine copies it there whenever the stage has a result, be it made
/// or stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutputCopy {
    /// The output's port.
    pub output: String,
    /// The file, relative to the working directory.
    pub path: PathBuf,
    /// The configuration key that names it.
    pub key: String,
}

/// What a stage looked at to [declare](Stage::declare) an entry. While all of it is as it was, it declares the same.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Looked {
    /// Paths at which it found no regular file.
    pub no_files: Vec<Arc<Path>>,
    /// Environment variables, set or not.
    pub variables: Vec<String>,
}

/// What a stage holds of the machine while it works.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Resources {
    /// Processor cores.
    pub cores: Cores,
    /// Memory, bytes; 0 where it does not matter.
    pub memory: u64,
    /// Whether nothing else may run on this machine meanwhile, since it measures time.
    pub exclusive: bool,
}

impl Default for Resources {
    fn default() -> Self {
        Self { cores: Cores::All, memory: 0, exclusive: false }
    }
}

/// Processor cores that a stage keeps busy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cores {
    /// As many as it is given.
    All,
    /// So many.
    Count(usize),
}

/// A program to start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Program {
    /// What is started.
    pub command: CommandLine,
    /// The whole environment, but for what the engine adds: `PIPELINE_REQUEST`, the file that holds the [`Request`] as
    /// JSON, `PIPELINE_OUT` and `PIPELINE_PARTIAL`, the folders [`Request::out`] and [`Request::partial`], and
    /// `PIPELINE_THREADS`, the cores that it was granted.
    pub environment: BTreeMap<OsString, OsString>,
}

/// A command line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CommandLine {
    /// A line for `sh -c`.
    Shell(OsString),
    /// A program, looked up in `PATH`, and its arguments.
    Words(Vec<OsString>),
}

/// What a stage may look at before anything runs.
#[derive(Debug, Clone, PartialEq)]
pub struct Preflight {
    /// Its settings.
    pub settings: Settings,
    /// Its inputs that exist already, by port; one that another stage will make is absent.
    pub inputs: BTreeMap<String, Input>,
    /// Worker threads to use.
    pub threads: usize,
    /// Whether errors of one sort are all listed, instead of the first ones and a count: `dataset.check_image_files`. A
    /// check finds errors with and without it, so it is part of no key and no remembered result.
    pub list_all: bool,
}

/// The machine a stage would run on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Machine {
    /// Memory that can still be had, bytes.
    pub memory: u64,
}

/// What a stage needs of the machine, at most.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Demand {
    /// Memory, bytes; 0 where it does not matter.
    pub memory: u64,
    /// Disk for output and checkpoints, bytes.
    pub disk: u64,
    /// Reasons why it cannot run on this machine, each with a remedy.
    pub findings: Vec<Finding>,
}

/// What a stage made: for each output port the path of its file below [`StageContext::out`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outputs(pub BTreeMap<String, String>);

impl Outputs {
    /// Adds the file of a port.
    #[must_use]
    pub fn with(mut self, port: &str, path: impl Into<String>) -> Self {
        self.0.insert(port.to_owned(), path.into());
        self
    }
}

/// Top folders of a stage's output, and what becomes of them in the run folder. Their names there are the user's choice
/// (`general.saved_models_dir` ...) and therefore not part of any key or artifact.
pub mod layout {
    /// Models: `general.saved_models_dir`.
    pub const SAVED_MODELS: &str = "saved_models";
    /// Logs and curves: `general.logs_dir`.
    pub const LOGS: &str = "logs";
    /// Quantized models: `quantization.export_dir`.
    pub const QUANTIZED_MODELS: &str = "quantized_models";
    /// Everything else: a folder with the name of the node in the plan (`evaluate`, `evaluate-2`).
    pub const STAGE: &str = "_stage";
}
