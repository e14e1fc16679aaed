//! `training.callbacks`.

use super::{
    InOrder, Named,
    rules::{Bounds, FROM_ONE, NOT_NEGATIVE, POSITIVE, Rules, SHARE},
};
use crate::{Issue, IssueKind, value::lambda::Lambda};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

const SECTION: &str = "training.callbacks";

/// The `training.callbacks` section: callbacks of Keras and schedulers of the learning rate.
pub type Callbacks = InOrder<Callback>;

/// A callback. Schedulers give the learning rate at the start of an epoch; at most one of them can be there.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub enum Callback {
    /// Multiplies the learning rate when a metric no longer gets better: `keras.callbacks.ReduceLROnPlateau`.
    ReduceLROnPlateau(ReduceLrOnPlateau),
    /// Ends the training when a metric no longer gets better: `keras.callbacks.EarlyStopping`.
    EarlyStopping(EarlyStopping),
    /// Computes the learning rate of each epoch: `keras.callbacks.LearningRateScheduler`.
    LearningRateScheduler(LearningRateScheduler),
    /// Ends the training when the loss is no number: `keras.callbacks.TerminateOnNaN`.
    TerminateOnNaN(TerminateOnNan),
    /// Holds the learning rate, then lowers it in a line.
    LRLinearDecay(LrLinearDecay),
    /// Holds the learning rate, then lowers it exponentially.
    LRExponentialDecay(LrExponentialDecay),
    /// Multiplies the learning rate every few epochs.
    LRStepDecay(LrStepDecay),
    /// Holds the learning rate, then lowers it along a cosine.
    LRCosineDecay(LrCosineDecay),
    /// Raises the learning rate, holds it, then lowers it along a cosine.
    LRWarmupCosineDecay(LrWarmupCosineDecay),
    /// Lowers the learning rate along a cosine, again and again (Loshchilov and Hutter, arXiv 1608.03983).
    LRCosineDecayRestarts(LrCosineDecayRestarts),
    /// Holds the learning rate, then lowers it along a power.
    LRPolynomialDecay(LrPolynomialDecay),
    /// Holds the learning rate, then lowers it along a power, again and again.
    LRPolynomialDecayRestarts(LrPolynomialDecayRestarts),
    /// One learning rate until each boundary.
    LRPiecewiseConstantDecay(LrPiecewiseConstantDecay),
}

impl Named for Callback {
    fn from_json(thing: Value) -> serde_json::Result<Self> {
        serde_json::from_value(thing)
    }
}

/// What a callback looks at, at the end of each epoch.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Monitor {
    /// Mean of the losses of the epoch's batches.
    Loss,
    /// Pixel accuracy over the epoch, on augmented batches, before each update.
    Accuracy,
    /// Loss on the validation set.
    #[default]
    ValLoss,
    /// Pixel accuracy on the validation set.
    ValAccuracy,
    /// Mean IoU on the validation set.
    ValMiou,
    /// The learning rate.
    Lr,
    /// The learning rate, as Keras 3 calls it.
    LearningRate,
}

/// Which way a metric gets better.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum MonitorMode {
    /// `max` where the metric's name contains acc or miou, else `min`.
    #[default]
    Auto,
    /// Smaller is better.
    Min,
    /// Larger is better.
    Max,
}

/// Arguments of `ReduceLROnPlateau`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ReduceLrOnPlateau {
    /// The metric.
    pub monitor: Monitor,
    /// Factor on the learning rate.
    pub factor: f64,
    /// Epochs without progress before the learning rate is lowered.
    pub patience: u32,
    /// Which way the metric gets better.
    pub mode: MonitorMode,
    /// Smallest change that counts as progress.
    pub min_delta: f64,
    /// Epochs to wait after the learning rate was lowered.
    pub cooldown: u32,
    /// Smallest learning rate.
    pub min_lr: f64,
    /// Whether to tell each change: 0 or 1.
    pub verbose: u8,
}

impl Default for ReduceLrOnPlateau {
    fn default() -> Self {
        Self {
            monitor: Monitor::ValLoss,
            factor: 0.1,
            patience: 10,
            mode: MonitorMode::Auto,
            min_delta: 1e-4,
            cooldown: 0,
            min_lr: 0.0,
            verbose: 0,
        }
    }
}

/// Arguments of `EarlyStopping`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct EarlyStopping {
    /// The metric.
    pub monitor: Monitor,
    /// Smallest change that counts as progress.
    pub min_delta: f64,
    /// Epochs without progress before the training ends.
    pub patience: u32,
    /// Which way the metric gets better.
    pub mode: MonitorMode,
    /// The value to be better than.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub baseline: Option<f64>,
    /// Whether `last_*` is saved with the weights of the best epoch.
    pub restore_best_weights: bool,
    /// Epochs before the metric is looked at.
    pub start_from_epoch: u32,
    /// Whether to tell when it ends the training: 0 or 1.
    pub verbose: u8,
}

/// Arguments of `LearningRateScheduler`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LearningRateScheduler {
    /// `lambda epoch, lr: ...`: the learning rate of an epoch, from its number (from 0) and the learning rate so far.
    pub schedule: String,
    /// Whether to tell the learning rate of each epoch: 0 or 1.
    #[serde(default)]
    pub verbose: u8,
}

/// Arguments of `TerminateOnNaN`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct TerminateOnNan {
    /// Accepted; ending a training is always told.
    pub verbose: u8,
}

/// Arguments of `LRLinearDecay`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LrLinearDecay {
    /// Learning rate at first.
    pub initial_lr: f64,
    /// Epochs at that rate.
    pub hold_steps: u32,
    /// Epochs to the end rate.
    pub decay_steps: u32,
    /// Learning rate at last.
    pub end_lr: f64,
    /// Whether to tell the learning rate of each epoch: 0 or 1.
    #[serde(default)]
    pub verbose: u8,
}

/// Arguments of `LRExponentialDecay`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LrExponentialDecay {
    /// Learning rate at first.
    pub initial_lr: f64,
    /// Epochs at that rate.
    pub hold_steps: u32,
    /// Factor in the exponent; a larger one lowers the rate faster.
    pub decay_rate: f64,
    /// Smallest learning rate.
    #[serde(default)]
    pub min_lr: f64,
    /// Whether to tell the learning rate of each epoch: 0 or 1.
    #[serde(default)]
    pub verbose: u8,
}

/// Arguments of `LRStepDecay`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LrStepDecay {
    /// Learning rate at first.
    pub initial_lr: f64,
    /// Epochs between two drops.
    pub step_size: u32,
    /// Factor of a drop.
    pub decay_rate: f64,
    /// Smallest learning rate.
    #[serde(default)]
    pub min_lr: f64,
    /// Whether to tell the learning rate of each epoch: 0 or 1.
    #[serde(default)]
    pub verbose: u8,
}

/// Arguments of `LRCosineDecay`, in one of two spellings: `initial_lr`, `hold_steps`, `decay_steps`, `end_lr`, or the
/// older `initial_learning_rate`, `decay_steps`, `alpha`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LrCosineDecay {
    /// Learning rate at first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub initial_lr: Option<f64>,
    /// Epochs at that rate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hold_steps: Option<u32>,
    /// Epochs to the end rate.
    pub decay_steps: u32,
    /// Learning rate at last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end_lr: Option<f64>,
    /// The older spelling of `initial_lr`; `hold_steps` is 0 then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub initial_learning_rate: Option<f64>,
    /// The older spelling of `end_lr`, as a share of the rate at first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alpha: Option<f64>,
    /// Whether to tell the learning rate of each epoch: 0 or 1.
    #[serde(default)]
    pub verbose: u8,
}

/// Arguments of `LRWarmupCosineDecay`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LrWarmupCosineDecay {
    /// Learning rate at first; not needed where `warmup_steps` is 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub initial_lr: Option<f64>,
    /// Epochs to the largest rate.
    pub warmup_steps: u32,
    /// Largest learning rate.
    pub max_lr: f64,
    /// Epochs at that rate.
    pub hold_steps: u32,
    /// Epochs to the end rate.
    pub decay_steps: u32,
    /// Learning rate at last.
    pub end_lr: f64,
    /// Whether to tell the learning rate of each epoch: 0 or 1.
    #[serde(default)]
    pub verbose: u8,
}

/// Arguments of `LRCosineDecayRestarts`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LrCosineDecayRestarts {
    /// Learning rate at first.
    pub initial_lr: f64,
    /// Epochs of the first period.
    pub first_decay_steps: u32,
    /// Learning rate at the end of each period.
    pub end_lr: f64,
    /// Length of a period over that of the one before.
    #[serde(default = "two")]
    pub t_mul: u32,
    /// First rate of a period over that of the one before, at most 1.
    #[serde(default = "one")]
    pub m_mul: f64,
    /// Whether to tell the learning rate of each epoch: 0 or 1.
    #[serde(default)]
    pub verbose: u8,
}

/// Arguments of `LRPolynomialDecay`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LrPolynomialDecay {
    /// Learning rate at first.
    pub initial_lr: f64,
    /// Epochs at that rate.
    pub hold_steps: u32,
    /// Epochs to the end rate.
    pub decay_steps: u32,
    /// Learning rate at last.
    pub end_lr: f64,
    /// The power; 1 is a line.
    #[serde(default = "half")]
    pub power: f64,
    /// Whether to tell the learning rate of each epoch: 0 or 1.
    #[serde(default)]
    pub verbose: u8,
}

/// Arguments of `LRPolynomialDecayRestarts`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LrPolynomialDecayRestarts {
    /// Learning rate at first.
    pub initial_lr: f64,
    /// Epochs at that rate.
    pub hold_steps: u32,
    /// Epochs of a period.
    pub decay_steps: u32,
    /// Learning rate at the end of each period.
    pub end_lr: f64,
    /// The power; 1 is a line.
    #[serde(default = "seven_tenths")]
    pub power: f64,
    /// Whether to tell the learning rate of each epoch: 0 or 1.
    #[serde(default)]
    pub verbose: u8,
}

/// Arguments of `LRPiecewiseConstantDecay`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LrPiecewiseConstantDecay {
    /// Epochs at which the rate changes, each larger than the one before.
    pub boundaries: Vec<u32>,
    /// Learning rates, one more than boundaries.
    pub values: Vec<f64>,
    /// Whether to tell the learning rate of each epoch: 0 or 1.
    #[serde(default)]
    pub verbose: u8,
}

fn one() -> f64 {
    1.0
}

fn two() -> u32 {
    2
}

fn half() -> f64 {
    0.5
}

fn seven_tenths() -> f64 {
    0.7
}

impl Callbacks {
    /// What is wrong with the arguments, and with having two schedulers.
    #[must_use]
    pub fn issues(&self) -> Vec<Issue> {
        let mut issues: Vec<Issue> = self.iter().flat_map(Callback::issues).collect();
        for (index, callback) in self.iter().enumerate() {
            // Only a list can say it twice.
            if !callback.schedules() && self.iter().take(index).any(|other| other.name() == callback.name()) {
                let message = format!("`{}` stands here twice", callback.name());
                issues.push(Issue::new(IssueKind::Conflict, callback.key(), message).with_help("remove one"));
            }
        }
        let mut schedulers = self.iter().filter(|callback| callback.schedules());
        if let Some(first) = schedulers.next() {
            issues.extend(schedulers.map(|other| {
                let (first, name) = (first.name(), other.name());
                let message = format!("`{first}` and `{name}` both set the learning rate; one of them can");
                Issue::new(IssueKind::Conflict, other.key(), message)
                    .with_help(format!("remove `{first}` or `{name}`"))
            }));
        }
        issues
    }
}

impl Callback {
    /// Its name in the file.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::ReduceLROnPlateau(_) => "ReduceLROnPlateau",
            Self::EarlyStopping(_) => "EarlyStopping",
            Self::LearningRateScheduler(_) => "LearningRateScheduler",
            Self::TerminateOnNaN(_) => "TerminateOnNaN",
            Self::LRLinearDecay(_) => "LRLinearDecay",
            Self::LRExponentialDecay(_) => "LRExponentialDecay",
            Self::LRStepDecay(_) => "LRStepDecay",
            Self::LRCosineDecay(_) => "LRCosineDecay",
            Self::LRWarmupCosineDecay(_) => "LRWarmupCosineDecay",
            Self::LRCosineDecayRestarts(_) => "LRCosineDecayRestarts",
            Self::LRPolynomialDecay(_) => "LRPolynomialDecay",
            Self::LRPolynomialDecayRestarts(_) => "LRPolynomialDecayRestarts",
            Self::LRPiecewiseConstantDecay(_) => "LRPiecewiseConstantDecay",
        }
    }

    /// Its key.
    #[must_use]
    pub fn key(&self) -> String {
        format!("{SECTION}.{}", self.name())
    }

    /// Whether it sets the learning rate.
    #[must_use]
    pub fn schedules(&self) -> bool {
        !matches!(self, Self::EarlyStopping(_) | Self::TerminateOnNaN(_))
    }

    /// Whether it tells what it does: 0 or 1.
    #[must_use]
    pub fn verbose(&self) -> u8 {
        match self {
            Self::ReduceLROnPlateau(callback) => callback.verbose,
            Self::EarlyStopping(callback) => callback.verbose,
            Self::LearningRateScheduler(callback) => callback.verbose,
            Self::TerminateOnNaN(callback) => callback.verbose,
            Self::LRLinearDecay(callback) => callback.verbose,
            Self::LRExponentialDecay(callback) => callback.verbose,
            Self::LRStepDecay(callback) => callback.verbose,
            Self::LRCosineDecay(callback) => callback.verbose,
            Self::LRWarmupCosineDecay(callback) => callback.verbose,
            Self::LRCosineDecayRestarts(callback) => callback.verbose,
            Self::LRPolynomialDecay(callback) => callback.verbose,
            Self::LRPolynomialDecayRestarts(callback) => callback.verbose,
            Self::LRPiecewiseConstantDecay(callback) => callback.verbose,
        }
    }

    fn issues(&self) -> Vec<Issue> {
        let mut rules = Rules::under(self.key());
        match self {
            Self::ReduceLROnPlateau(plateau) => {
                const FACTOR: Bounds = Bounds::new(|v| v > 0.0 && v < 1.0, "larger than 0 and below 1");
                rules
                    .number("factor", plateau.factor, FACTOR)
                    .number("min_delta", plateau.min_delta, NOT_NEGATIVE)
                    .number("min_lr", plateau.min_lr, NOT_NEGATIVE);
            }
            Self::EarlyStopping(stopping) => {
                rules.number("min_delta", stopping.min_delta, NOT_NEGATIVE);
            }
            Self::LearningRateScheduler(scheduler) => {
                scheduler.check(&mut rules);
            }
            Self::TerminateOnNaN(_) => {}
            Self::LRLinearDecay(decay) => {
                rules
                    .number("initial_lr", decay.initial_lr, NOT_NEGATIVE)
                    .number("decay_steps", decay.decay_steps, FROM_ONE)
                    .number("end_lr", decay.end_lr, NOT_NEGATIVE);
            }
            Self::LRExponentialDecay(decay) => {
                rules
                    .number("initial_lr", decay.initial_lr, NOT_NEGATIVE)
                    .number("decay_rate", decay.decay_rate, NOT_NEGATIVE)
                    .number("min_lr", decay.min_lr, NOT_NEGATIVE);
            }
            Self::LRStepDecay(decay) => {
                rules
                    .number("initial_lr", decay.initial_lr, NOT_NEGATIVE)
                    .number("step_size", decay.step_size, FROM_ONE)
                    .number("decay_rate", decay.decay_rate, NOT_NEGATIVE)
                    .number("min_lr", decay.min_lr, NOT_NEGATIVE);
            }
            Self::LRCosineDecay(decay) => {
                decay.check(&mut rules);
            }
            Self::LRWarmupCosineDecay(decay) => {
                decay.check(&mut rules);
            }
            Self::LRCosineDecayRestarts(decay) => {
                rules
                    .number("initial_lr", decay.initial_lr, POSITIVE)
                    .number("first_decay_steps", decay.first_decay_steps, FROM_ONE)
                    .number("end_lr", decay.end_lr, NOT_NEGATIVE)
                    .number("t_mul", decay.t_mul, FROM_ONE)
                    .number("m_mul", decay.m_mul, SHARE);
            }
            Self::LRPolynomialDecay(LrPolynomialDecay { initial_lr, decay_steps, end_lr, power, .. })
            | Self::LRPolynomialDecayRestarts(LrPolynomialDecayRestarts {
                initial_lr,
                decay_steps,
                end_lr,
                power,
                ..
            }) => {
                rules
                    .number("initial_lr", *initial_lr, NOT_NEGATIVE)
                    .number("decay_steps", *decay_steps, FROM_ONE)
                    .number("end_lr", *end_lr, NOT_NEGATIVE)
                    .number("power", *power, NOT_NEGATIVE);
            }
            Self::LRPiecewiseConstantDecay(decay) => {
                decay.check(&mut rules);
            }
        }
        let verbose = self.verbose();
        rules.require("verbose", verbose <= 1, format_args!("verbose is {verbose}; it is 0 or 1"));
        rules.into_issues()
    }
}

impl LearningRateScheduler {
    fn check(&self, rules: &mut Rules) {
        let Err(error) = Lambda::parse(&self.schedule) else { return };
        // In a block of several lines the caret cannot say it.
        let place = error.at().and_then(|at| self.schedule.get(..at)).map_or_else(String::new, |before| {
            let line = before.matches('\n').count() + 1;
            let column = before.rsplit('\n').next().map_or(0, |line| line.chars().count()) + 1;
            format!(" (line {line} of it, column {column})")
        });
        let issue = Issue::invalid(rules.key("schedule"), format!("this is no schedule: {error}{place}"));
        rules.push(match error.help() {
            Some(help) => issue.with_help(help),
            None => issue,
        });
    }
}

impl LrCosineDecay {
    /// Learning rate at first.
    #[must_use]
    pub fn first(&self) -> f64 {
        self.initial_lr.or(self.initial_learning_rate).unwrap_or_default()
    }

    /// Epochs at that rate.
    #[must_use]
    pub fn hold(&self) -> u32 {
        self.hold_steps.unwrap_or_default()
    }

    /// Learning rate at last.
    #[must_use]
    pub fn last(&self) -> f64 {
        self.end_lr.or(self.alpha.map(|share| share * self.first())).unwrap_or_default()
    }

    fn check(&self, rules: &mut Rules) {
        let spellings = "the spellings are `initial_lr`, `hold_steps`, `decay_steps`, `end_lr`, and the older \
                         `initial_learning_rate`, `decay_steps`, `alpha`";
        let older = self.initial_learning_rate.is_some() || self.alpha.is_some();
        let newer = [
            ("initial_lr", self.initial_lr.is_some()),
            ("hold_steps", self.hold_steps.is_some()),
            ("end_lr", self.end_lr.is_some()),
        ];
        if let Some((name, _)) = newer.into_iter().find(|(_, given)| older && *given) {
            let message = format!("`{name}` stands beside an argument of the older spelling");
            rules.push(Issue::new(IssueKind::Conflict, rules.key(name), message).with_help(spellings));
            return;
        }
        let needed = match older {
            true => vec![
                ("initial_learning_rate", self.initial_learning_rate.is_some()),
                ("alpha", self.alpha.is_some()),
            ],
            false => newer.to_vec(),
        };
        for (name, _) in needed.into_iter().filter(|(_, given)| !given) {
            rules.push(Issue::missing(rules.key(name), "LRCosineDecay needs it").with_help(spellings));
        }
        for (name, value) in
            [("initial_lr", self.initial_lr), ("initial_learning_rate", self.initial_learning_rate)]
        {
            value.map(|value| rules.number(name, value, POSITIVE));
        }
        for (name, value) in [("end_lr", self.end_lr), ("alpha", self.alpha)] {
            value.map(|value| rules.number(name, value, NOT_NEGATIVE));
        }
        rules.number("decay_steps", self.decay_steps, FROM_ONE);
    }
}

impl LrWarmupCosineDecay {
    fn check(&self, rules: &mut Rules) {
        match self.initial_lr {
            Some(initial) => {
                rules.number("initial_lr", initial, NOT_NEGATIVE);
            }
            None if self.warmup_steps > 0 => {
                let why = "the warm-up starts from it";
                rules.push(
                    Issue::missing(rules.key("initial_lr"), why)
                        .with_help("without a warm-up, `warmup_steps: 0`, it is not needed"),
                );
            }
            None => {}
        }
        rules
            .number("max_lr", self.max_lr, POSITIVE)
            .number("decay_steps", self.decay_steps, FROM_ONE)
            .number("end_lr", self.end_lr, NOT_NEGATIVE);
    }
}

impl LrPiecewiseConstantDecay {
    fn check(&self, rules: &mut Rules) {
        let (boundaries, values) = (self.boundaries.len(), self.values.len());
        rules.require(
            "values",
            values == boundaries + 1,
            format_args!(
                "{values} values for {boundaries} boundaries; there is one value more than boundaries"
            ),
        );
        if let Some(pair) = self.boundaries.windows(2).find(|pair| pair[0] >= pair[1]) {
            let message = format!("{} does not come after {}: boundaries increase", pair[1], pair[0]);
            rules.require("boundaries", false, message);
        }
        if let Some(value) = self.values.iter().find(|value| !NOT_NEGATIVE.admit(**value)) {
            rules.require("values", false, format_args!("the learning rate {value} is not at least 0"));
        }
    }
}
