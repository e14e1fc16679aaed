//! Stage `estimate`.

use crate::{
    BenchmarkError, Board, EstimateSettings,
    fit::Fit,
    network::Network,
    ports::{INPUTS, METRICS, MODEL, OUTPUTS},
    report::{Estimated, METRICS_FILE, report},
};
use contract::{
    Config, Cores, Demand, Finding, InputPort, Issue, Machine, OutputPort, Outputs, Preflight, Problem,
    Resources, Settings, Source, Stage, StageContext, StageError, layout,
};

/// Computes what a model needs on a board: multiply-accumulates, flash, RAM.
#[derive(Debug, Clone, Copy, Default)]
pub struct Estimate;

/// Disk for tables and the figure, generously.
const DISK: u64 = 4 << 20;

impl Stage for Estimate {
    fn name(&self) -> &'static str {
        "estimate"
    }

    fn letter(&self) -> Option<char> {
        Some('b')
    }

    fn about(&self) -> &'static str {
        "Computes what a model needs on a board: RAM, flash, multiply-accumulates"
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
        Ok(Settings::of(&EstimateSettings::from_config(config)?))
    }

    fn source(&self, _: &str, config: &Config) -> Result<Option<Source>, Vec<Issue>> {
        // Both stages say the same of the key, and the user reads it once.
        Source::model_file(config, "benchmark").map(Some)
    }

    fn preflight(&self, preflight: &Preflight) -> Vec<Finding> {
        match Network::known(preflight) {
            Some(Err(error)) => vec![error.finding()],
            _ => Vec::new(),
        }
    }

    fn demand(&self, preflight: &Preflight, _: &Machine) -> Demand {
        let network = Network::known(preflight).and_then(Result::ok);
        // The graph as read and as folded.
        let memory = network.map_or(0, |network| 2 * network.graph.weight_bytes());
        Demand { memory, disk: DISK, ..Demand::default() }
    }

    fn resources(&self, _: &Settings) -> Resources {
        Resources { cores: Cores::Count(1), ..Resources::default() }
    }

    fn run(&self, settings: &Settings, context: &StageContext) -> Result<Outputs, StageError> {
        let settings: EstimateSettings = settings
            .parse()
            .map_err(|error| StageError::failed("stage::settings", format!("estimate: {error}")))?;
        let (name, path) = context.file(MODEL)?;
        let network = Network::read(path, name)?;
        context.check_cancel()?;
        let estimated = Estimated::of(&network);
        let weights = estimated.cost.flash().bytes();
        let board = settings.board.as_deref().and_then(Board::find);
        let fit = board.map(|board| Fit::of(&network.graph, weights, board));
        report(&estimated, fit.as_ref(), context).map_err(BenchmarkError::from)?;
        Ok(Outputs::default().with(METRICS, format!("{}/{METRICS_FILE}", layout::STAGE)))
    }
}
