//! The callbacks.

use crate::callbacks::{self, Schedule};
use contract::{
    Issue,
    config::{Callback, Callbacks, EarlyStopping, InOrder, Monitor, ReduceLrOnPlateau, Training},
    value::lambda::Lambda,
};

/// Epochs whose learning rates are computed before anything runs, so that `epochs: 1_000_000_000` takes no time. What is
/// wrong with later ones ends the training there.
const LOOKED_AHEAD: usize = 100_000;

/// The callbacks the file names, written in one way: their order and other spellings of the same arguments make no other
/// training.
pub(super) fn callbacks(training: &Training) -> Callbacks {
    let mut callbacks: Vec<Callback> = training.callbacks.iter().flatten().cloned().map(written).collect();
    callbacks.sort_by_key(Callback::name);
    InOrder(callbacks)
}

fn written(mut callback: Callback) -> Callback {
    match &mut callback {
        Callback::LearningRateScheduler(scheduler) => {
            if let Ok(lambda) = Lambda::parse(&scheduler.schedule) {
                scheduler.schedule = lambda.to_string();
            }
        }
        Callback::LRCosineDecay(decay) => {
            let (first, hold, last) = (decay.first(), decay.hold(), decay.last());
            (decay.initial_lr, decay.hold_steps, decay.end_lr) = (Some(first), Some(hold), Some(last));
            (decay.initial_learning_rate, decay.alpha) = (None, None);
        }
        // Without a warm-up of two epochs no epoch has the initial rate.
        Callback::LRWarmupCosineDecay(decay) if decay.warmup_steps < 2 => decay.initial_lr = None,
        Callback::ReduceLROnPlateau(ReduceLrOnPlateau { monitor, mode, .. })
        | Callback::EarlyStopping(EarlyStopping { monitor, mode, .. }) => {
            *mode = callbacks::mode(*monitor, *mode);
            if *monitor == Monitor::LearningRate {
                *monitor = Monitor::Lr;
            }
        }
        // Ending a training is always told.
        Callback::TerminateOnNaN(terminate) => terminate.verbose = 0,
        _ => {}
    }
    callback
}

/// A schedule without a learning rate for some epoch, found before that epoch is reached. `first` is the optimizer's rate.
pub(super) fn rates(callbacks: &Callbacks, first: f64, epochs: usize) -> Option<Issue> {
    let scheduler =
        callbacks.iter().find(|callback| matches!(callback, Callback::LearningRateScheduler(_)))?;
    let schedule = Schedule::new(scheduler).ok()??;
    let mut rate = first;
    for epoch in 0..epochs.min(LOOKED_AHEAD) {
        match schedule.rate(epoch, rate) {
            Ok(next) => rate = next,
            Err(error) => {
                let key = format!("{}.schedule", scheduler.key());
                return Some(Issue::invalid(key, error.to_string()));
            }
        }
    }
    None
}
