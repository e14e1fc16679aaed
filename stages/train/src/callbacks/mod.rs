//! Callbacks: what looks at a training between its epochs and changes its course.
//!
//! They do what those of Keras 3 do, with one difference: learning rates and metrics are kept and compared in double
//! precision, so the rate of `0.001` is 0.001 and not the nearest number of single precision.

mod monitor;
mod plateau;
mod schedule;
mod stopping;

pub(crate) use monitor::mode;
pub(crate) use plateau::Plateau;
pub(crate) use schedule::Schedule;
pub(crate) use stopping::Stopping;

use crate::{TrainError, network::Weights, state::State};
use contract::config::{self, Callback, EarlyStopping, ReduceLrOnPlateau};

/// The callbacks of a training.
#[derive(Debug, Clone, Default)]
pub(crate) struct Callbacks {
    schedule: Option<Schedule>,
    plateau: Option<ReduceLrOnPlateau>,
    stopping: Option<EarlyStopping>,
    /// Whether a training that has diverged ends with the epochs before.
    pub(crate) terminates_on_nan: bool,
}

/// What callbacks remember from epoch to epoch; of those that are not there, nothing.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct CallbackState {
    /// Of ReduceLROnPlateau.
    pub(crate) plateau: Plateau,
    /// Of EarlyStopping.
    pub(crate) stopping: Stopping,
    /// Of TerminateOnNaN: the weights at the end of the last whole epoch.
    pub(crate) whole: Option<Weights>,
}

impl Callbacks {
    /// Those that the settings name.
    ///
    /// # Errors
    /// A lambda that cannot be read.
    pub(crate) fn new(settings: &config::Callbacks) -> Result<Self, TrainError> {
        let mut callbacks = Self::default();
        for callback in settings {
            match callback {
                Callback::ReduceLROnPlateau(plateau) => callbacks.plateau = Some(plateau.clone()),
                Callback::EarlyStopping(stopping) => callbacks.stopping = Some(stopping.clone()),
                Callback::TerminateOnNaN(_) => callbacks.terminates_on_nan = true,
                schedule => callbacks.schedule = Schedule::new(schedule)?,
            }
        }
        Ok(callbacks)
    }

    /// Whether a training that EarlyStopping has ended stays so with these callbacks: not if it has more patience now, or is
    /// not there any more.
    pub(crate) fn still_stop(&self, state: &State) -> bool {
        let waited = state.callbacks.stopping.wait;
        state.stopped && self.stopping.as_ref().is_some_and(|stopping| waited >= stopping.patience.into())
    }

    /// The learning rate of an epoch, from 0, whose predecessor ended with the rate `before`.
    ///
    /// # Errors
    /// A schedule that gives none.
    pub(crate) fn rate(&self, epoch: usize, before: f64) -> Result<f64, TrainError> {
        self.schedule.as_ref().map_or(Ok(before), |schedule| schedule.rate(epoch, before))
    }

    /// Looks at the epoch that was finished last.
    pub(crate) fn end_epoch(&self, state: &mut State) {
        let Some(figures) = state.history.last() else { return };
        if let Some(settings) = &self.plateau {
            let plateau = &mut state.callbacks.plateau;
            state.learning_rate = plateau.end_epoch(settings, figures, state.learning_rate);
        }
        if let Some(settings) = &self.stopping {
            let epoch = state.history.len() - 1;
            state.stopped = state.callbacks.stopping.end_epoch(settings, epoch, figures, &state.weights);
        }
        if self.terminates_on_nan {
            state.callbacks.whole = Some(state.weights.clone());
        }
    }

    /// Gives the training the weights it ends with, and says what is to be told of its end.
    pub(crate) fn end(&self, state: &State, last: &mut Weights) -> Vec<String> {
        let Some(settings) = &self.stopping else { return Vec::new() };
        let mut lines = Vec::new();
        if state.stopped {
            lines.push(format!("EarlyStopping ends the training after epoch {}", state.history.len()));
        }
        let restored = state.callbacks.stopping.weights.as_ref().filter(|_| settings.restore_best_weights);
        if let Some((epoch, weights)) = restored {
            last.clone_from(weights);
            lines.push(format!("EarlyStopping restores the weights of epoch {}", epoch + 1));
        }
        if settings.verbose > 0 { lines } else { Vec::new() }
    }

    /// What is told of the rate as an epoch begins.
    pub(crate) fn rate_line(&self, rate: f64) -> Option<String> {
        let schedule = self.schedule.as_ref().filter(|schedule| schedule.verbose)?;
        Some(format!("{} sets the learning rate to {rate}", schedule.name))
    }

    /// What is told of the rate after an epoch that had another.
    pub(crate) fn lowered_line(&self, before: f64, after: f64) -> Option<String> {
        self.plateau.as_ref().filter(|plateau| plateau.verbose > 0 && after < before)?;
        Some(format!("ReduceLROnPlateau lowers the learning rate to {after}"))
    }
}
