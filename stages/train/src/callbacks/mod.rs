//! Callbacks: what looks at a training between its epochs and changes its course.

mod schedule;

pub(crate) use schedule::Schedule;

use crate::TrainError;
use contract::config;

/// The callbacks of a training.
#[derive(Debug, Clone, Default)]
pub(crate) struct Callbacks {
    schedule: Option<Schedule>,
}

impl Callbacks {
    /// Those that the settings name.
    ///
    /// # Errors
    /// A lambda that cannot be read.
    pub(crate) fn new(settings: &config::Callbacks) -> Result<Self, TrainError> {
        let mut callbacks = Self::default();
        for callback in settings {
            if let Some(schedule) = Schedule::new(callback)? {
                callbacks.schedule = Some(schedule);
            }
        }
        Ok(callbacks)
    }

    /// The learning rate of an epoch, from 0, whose predecessor ended with the rate `before`.
    ///
    /// # Errors
    /// A schedule that gives none.
    pub(crate) fn rate(&self, epoch: usize, before: f64) -> Result<f64, TrainError> {
        self.schedule.as_ref().map_or(Ok(before), |schedule| schedule.rate(epoch, before))
    }

    /// What is told of the rate as an epoch begins.
    pub(crate) fn rate_line(&self, rate: f64) -> Option<String> {
        let schedule = self.schedule.as_ref().filter(|schedule| schedule.verbose)?;
        Some(format!("{} sets the learning rate to {rate}", schedule.name))
    }
}
