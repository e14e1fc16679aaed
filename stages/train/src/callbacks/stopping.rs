//! EarlyStopping.

use super::monitor::{Progress, mode, value};
use crate::{network::Weights, state::EpochFigures};
use contract::config::EarlyStopping;

/// What the callback remembers.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Stopping {
    /// The best value so far.
    pub(crate) best: Option<f64>,
    /// Epochs since the last progress that counts.
    pub(crate) wait: u64,
    /// The epoch that the training ends with, from 0, and its weights, where they are to be restored.
    pub(crate) weights: Option<(usize, Weights)>,
}

impl Stopping {
    /// Whether the training ends with this epoch. Source: `keras/src/callbacks/early_stopping.py`.
    pub(super) fn end_epoch(
        &mut self,
        settings: &EarlyStopping,
        epoch: usize,
        figures: &EpochFigures,
        weights: &Weights,
    ) -> bool {
        if epoch < settings.start_from_epoch as usize {
            return false;
        }
        let current = value(settings.monitor, figures);
        let mode = mode(settings.monitor, settings.mode);
        let progress = Progress { mode, min_delta: settings.min_delta };
        let better = progress.made(current, self.best);
        if settings.restore_best_weights && (better || self.weights.is_none()) {
            self.weights = Some((epoch, weights.clone()));
        }
        self.wait += 1;
        if better {
            self.best = Some(current);
            // Only what is better than the baseline too gives the training more time.
            if settings.baseline.is_none() || progress.made(current, settings.baseline) {
                self.wait = 0;
            }
            return false;
        }
        self.wait >= u64::from(settings.patience) && epoch > 0
    }
}
