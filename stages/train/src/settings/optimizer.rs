//! The optimizer.

use super::OptimizerSettings;
use contract::{Issue, config::Training};

/// The optimizer the file names, without arguments that change nothing; its values were looked at before.
pub(super) fn optimizer(training: &Training) -> Result<OptimizerSettings, Vec<Issue>> {
    // That there is none is told with the other keys that training needs.
    let Some(optimizer) = &training.optimizer else { return Err(Vec::new()) };
    let mut optimizer = optimizer.without_idle_arguments();
    if let OptimizerSettings::Sgd(sgd) = &mut optimizer {
        sgd.nesterov &= sgd.momentum != 0.0;
    }
    Ok(optimizer)
}
