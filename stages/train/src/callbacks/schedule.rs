//! The learning rate by epoch.
//!
//! Formulas are those of the original services' callbacks, with epochs counted from 0. They give the rate at the start of
//! an epoch, which holds for all of its steps.

use crate::{TrainError, network::power};
use contract::{
    config::{
        Callback, LrCosineDecay, LrCosineDecayRestarts, LrExponentialDecay, LrLinearDecay,
        LrPiecewiseConstantDecay, LrPolynomialDecay, LrPolynomialDecayRestarts, LrStepDecay,
        LrWarmupCosineDecay,
    },
    value::lambda::Lambda,
};
use std::f64::consts::PI;

/// A callback that gives the learning rate of each epoch.
#[derive(Debug, Clone)]
pub(crate) struct Schedule {
    /// The callback's name, for lines about it.
    pub(crate) name: &'static str,
    /// Whether the rate of each epoch is told.
    pub(crate) verbose: bool,
    rule: Rule,
}

#[derive(Debug, Clone)]
enum Rule {
    Lambda(Lambda),
    Decay(Callback),
}

impl Schedule {
    /// The schedule that a callback is; none where it is another sort of callback.
    ///
    /// # Errors
    /// A lambda that cannot be read.
    pub(crate) fn new(callback: &Callback) -> Result<Option<Self>, TrainError> {
        let rule = match callback {
            Callback::LearningRateScheduler(scheduler) => Rule::Lambda(
                Lambda::parse(&scheduler.schedule)
                    .map_err(|error| TrainError::Schedule { message: error.to_string() })?,
            ),
            other if decay(other).is_some() => Rule::Decay(other.clone()),
            _ => return Ok(None),
        };
        Ok(Some(Self { name: callback.name(), verbose: callback.verbose() > 0, rule }))
    }

    /// The rate of an epoch, from 0, whose predecessor had the rate `before`; the first has the optimizer's before it.
    ///
    /// # Errors
    /// A lambda that has no value there, or one that is no learning rate.
    pub(crate) fn rate(&self, epoch: usize, before: f64) -> Result<f64, TrainError> {
        match &self.rule {
            Rule::Lambda(lambda) => {
                let failed = |message| TrainError::Schedule { message };
                let rate = lambda
                    .call(epoch as u64, before)
                    .map_err(|error| failed(format!("it has no value for epoch {epoch}: {error}")))?;
                if rate < 0.0 {
                    return Err(failed(format!(
                        "it gives the learning rate {rate} for epoch {epoch}; a learning rate is at least 0"
                    )));
                }
                Ok(rate)
            }
            Rule::Decay(callback) => Ok(decay(callback).map_or(before, |decay| decay.rate(epoch))),
        }
    }
}

/// A rate that depends on the epoch alone.
trait Decay {
    fn rate(&self, epoch: usize) -> f64;
}

fn decay(callback: &Callback) -> Option<&dyn Decay> {
    Some(match callback {
        Callback::LRLinearDecay(decay) => decay,
        Callback::LRExponentialDecay(decay) => decay,
        Callback::LRStepDecay(decay) => decay,
        Callback::LRCosineDecay(decay) => decay,
        Callback::LRWarmupCosineDecay(decay) => decay,
        Callback::LRCosineDecayRestarts(decay) => decay,
        Callback::LRPolynomialDecay(decay) => decay,
        Callback::LRPolynomialDecayRestarts(decay) => decay,
        Callback::LRPiecewiseConstantDecay(decay) => decay,
        Callback::ReduceLROnPlateau(_)
        | Callback::EarlyStopping(_)
        | Callback::LearningRateScheduler(_)
        | Callback::TerminateOnNaN(_) => return None,
    })
}

/// Epochs since the last one of `hold`, which counts as the first that decays.
fn since_hold(epoch: usize, hold: u32) -> f64 {
    epoch as f64 - f64::from(hold) + 1.0
}

impl Decay for LrLinearDecay {
    fn rate(&self, epoch: usize) -> f64 {
        let since = since_hold(epoch, self.hold_steps);
        if since < 0.0 {
            self.initial_lr
        } else if since > f64::from(self.decay_steps) {
            self.end_lr
        } else {
            self.initial_lr + (self.end_lr - self.initial_lr) / f64::from(self.decay_steps) * since
        }
    }
}

impl Decay for LrExponentialDecay {
    fn rate(&self, epoch: usize) -> f64 {
        let since = since_hold(epoch, self.hold_steps);
        if since < 0.0 {
            return self.initial_lr;
        }
        self.min_lr.max(self.initial_lr * (-self.decay_rate * since).exp())
    }
}

impl Decay for LrStepDecay {
    fn rate(&self, epoch: usize) -> f64 {
        let drops = (epoch as u64 + 1) / u64::from(self.step_size);
        self.min_lr.max(self.initial_lr * power(self.decay_rate, drops))
    }
}

/// Half a cosine from `first` at share 0 to `last` at share 1.
fn cosine(first: f64, last: f64, share: f64) -> f64 {
    let floor = last / first;
    first * ((1.0 - floor) * 0.5 * (1.0 + (PI * share).cos()) + floor)
}

impl Decay for LrCosineDecay {
    fn rate(&self, epoch: usize) -> f64 {
        let since = since_hold(epoch, self.hold());
        if since < 1.0 {
            return self.first();
        }
        let steps = f64::from(self.decay_steps);
        cosine(self.first(), self.last(), since.min(steps) / steps)
    }
}

impl Decay for LrWarmupCosineDecay {
    fn rate(&self, epoch: usize) -> f64 {
        let (warmup, hold) = (u64::from(self.warmup_steps), u64::from(self.hold_steps));
        if epoch as u64 + 1 < warmup {
            let initial = self.initial_lr.unwrap_or(self.max_lr);
            return initial + (self.max_lr - initial) / warmup as f64 * epoch as f64;
        }
        let since = (epoch as u64).saturating_sub(warmup + hold) as f64;
        if since == 0.0 {
            return self.max_lr;
        }
        let steps = f64::from(self.decay_steps);
        cosine(self.max_lr, self.end_lr, since.min(steps) / steps)
    }
}

impl Decay for LrCosineDecayRestarts {
    /// The period is counted in whole epochs. The original takes it from a quotient of logarithms, whose rounding puts some
    /// restarts an epoch late (with `t_mul` 3 the fifth).
    fn rate(&self, epoch: usize) -> f64 {
        let (mut period, mut since, mut length) = (0, epoch as u64, u64::from(self.first_decay_steps));
        if self.t_mul == 1 {
            (period, since) = (since / length, since % length);
        }
        while since >= length {
            since -= length;
            length = length.saturating_mul(u64::from(self.t_mul));
            period += 1;
        }
        let floor = self.end_lr / self.initial_lr;
        let wave = power(self.m_mul, period) * (1.0 + (PI * (since as f64 / length as f64)).cos());
        self.initial_lr * ((1.0 - floor) * 0.5 * wave + floor)
    }
}

/// A power from `first` at share 0 to `last` at share 1.
fn polynomial(first: f64, last: f64, share: f64, power: f64) -> f64 {
    (first - last) * (1.0 - share).powf(power) + last
}

impl Decay for LrPolynomialDecay {
    fn rate(&self, epoch: usize) -> f64 {
        let steps = f64::from(self.decay_steps);
        let share = since_hold(epoch, self.hold_steps).clamp(0.0, steps) / steps;
        if share == 0.0 {
            return self.initial_lr;
        }
        polynomial(self.initial_lr, self.end_lr, share, self.power)
    }
}

impl Decay for LrPolynomialDecayRestarts {
    fn rate(&self, epoch: usize) -> f64 {
        let steps = f64::from(self.decay_steps);
        let since = since_hold(epoch, self.hold_steps);
        if since <= 0.0 {
            return self.initial_lr;
        }
        // Each period begins where the curve over all of them stands.
        let share = since / (steps * (since / steps).ceil());
        polynomial(self.initial_lr, self.end_lr, share, self.power)
    }
}

impl Decay for LrPiecewiseConstantDecay {
    fn rate(&self, epoch: usize) -> f64 {
        let piece = self.boundaries.iter().take_while(|boundary| **boundary as usize <= epoch).count();
        self.values.get(piece).copied().unwrap_or_default()
    }
}
