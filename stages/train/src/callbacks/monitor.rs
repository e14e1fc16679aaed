//! What a callback looks at, and when it has become better.

use crate::state::EpochFigures;
use contract::config::{Monitor, MonitorMode};

/// The way in which a metric gets better, never [`MonitorMode::Auto`].
pub(crate) fn mode(monitor: Monitor, given: MonitorMode) -> MonitorMode {
    match (given, monitor) {
        (MonitorMode::Auto, Monitor::Accuracy | Monitor::ValAccuracy | Monitor::ValMiou) => MonitorMode::Max,
        (MonitorMode::Auto, Monitor::Loss | Monitor::ValLoss | Monitor::Lr | Monitor::LearningRate) => {
            MonitorMode::Min
        }
        (given, _) => given,
    }
}

/// The value of a metric in an epoch.
pub(super) fn value(monitor: Monitor, figures: &EpochFigures) -> f64 {
    match monitor {
        Monitor::Loss => figures.loss,
        Monitor::Accuracy => figures.accuracy,
        Monitor::ValLoss => figures.val_loss,
        Monitor::ValAccuracy => figures.val_accuracy,
        Monitor::ValMiou => figures.val_miou,
        Monitor::Lr | Monitor::LearningRate => figures.lr,
    }
}

/// What counts as progress of a metric.
#[derive(Debug, Clone, Copy)]
pub(super) struct Progress {
    pub(super) mode: MonitorMode,
    pub(super) min_delta: f64,
}

impl Progress {
    /// Whether a value is better than another; any is better than none. As in Keras (`monitor_callback.py`), no number is
    /// neither better nor worse than any value, so nothing is better than one that came first.
    pub(super) fn made(self, value: f64, than: Option<f64>) -> bool {
        than.is_none_or(|than| match self.mode {
            MonitorMode::Max => value - self.min_delta > than,
            MonitorMode::Min | MonitorMode::Auto => value + self.min_delta < than,
        })
    }
}
