//! The optimizer.

use super::OptimizerSettings;
use contract::{
    Issue,
    config::{Adam, Optimizer, Training},
};

/// The optimizer the file names, as far as it is built; its values were looked at before.
pub(super) fn optimizer(training: &Training) -> Result<OptimizerSettings, Vec<Issue>> {
    // That there is none is told with the other keys that training needs.
    let Some(optimizer) = &training.optimizer else { return Err(Vec::new()) };
    let Optimizer::Adam(adam) = optimizer else {
        let (key, name) = (optimizer.key(), optimizer.name());
        let issue = Issue::not_yet(key, format!("the optimizer {name}"));
        return Err(vec![issue.with_help("Adam is available")]);
    };
    let issues = unbuilt(adam);
    if issues.is_empty() { Ok(OptimizerSettings::Adam(computed(adam))) } else { Err(issues) }
}

/// The arguments that are computed with. The others have their defaults, said or not, and make no other training.
fn computed(adam: &Adam) -> Adam {
    let Adam { learning_rate, beta_1, beta_2, epsilon, .. } = *adam;
    Adam { learning_rate, beta_1, beta_2, epsilon, ..Adam::default() }
}

/// Arguments that are legal, are not Keras' defaults and are not built yet.
fn unbuilt(adam: &Adam) -> Vec<Issue> {
    [
        ("amsgrad", adam.amsgrad),
        ("weight_decay", adam.weight_decay.is_some()),
        ("clipnorm", adam.clipnorm.is_some()),
        ("clipvalue", adam.clipvalue.is_some()),
        ("global_clipnorm", adam.global_clipnorm.is_some()),
        ("use_ema", adam.use_ema == Some(true)),
        ("ema_momentum", adam.ema_momentum.is_some_and(|momentum| momentum != 0.99)),
        ("ema_overwrite_frequency", adam.ema_overwrite_frequency.is_some()),
        ("loss_scale_factor", adam.loss_scale_factor.is_some()),
        ("gradient_accumulation_steps", adam.gradient_accumulation_steps.is_some()),
    ]
    .into_iter()
    .filter(|(_, given)| *given)
    .map(|(name, _)| {
        Issue::not_yet(format!("training.optimizer.Adam.{name}"), format!("Adam's argument {name}"))
    })
    .collect()
}
