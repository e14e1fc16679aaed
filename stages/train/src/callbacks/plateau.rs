//! ReduceLROnPlateau.

use super::monitor::{Progress, mode, value};
use crate::state::EpochFigures;
use contract::config::ReduceLrOnPlateau;

/// What the callback remembers.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Plateau {
    /// The best value so far.
    pub(crate) best: Option<f64>,
    /// Epochs without progress.
    pub(crate) wait: u64,
    /// Epochs that are not looked at any more.
    pub(crate) cooldown: u64,
}

impl Plateau {
    /// The learning rate after an epoch. Source: `keras/src/callbacks/reduce_lr_on_plateau.py`.
    pub(super) fn end_epoch(
        &mut self,
        settings: &ReduceLrOnPlateau,
        figures: &EpochFigures,
        rate: f64,
    ) -> f64 {
        let current = value(settings.monitor, figures);
        let mode = mode(settings.monitor, settings.mode);
        if self.cooldown > 0 {
            self.cooldown -= 1;
            self.wait = 0;
        }
        if (Progress { mode, min_delta: settings.min_delta }).made(current, self.best) {
            self.best = Some(current);
            self.wait = 0;
            return rate;
        }
        if self.cooldown > 0 {
            return rate;
        }
        self.wait += 1;
        // Rates are compared as Keras keeps them, so that the smallest one, come to by factors, is not lowered again.
        if self.wait < u64::from(settings.patience) || rate as f32 <= settings.min_lr as f32 {
            return rate;
        }
        self.cooldown = u64::from(settings.cooldown);
        self.wait = 0;
        (rate * settings.factor).max(settings.min_lr)
    }
}
