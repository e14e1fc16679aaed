//! The optimizer.

use super::OptimizerSettings;
use contract::{
    Issue,
    config::{Adam, Optimizer, Training},
};

/// The optimizer the file names.
pub(super) fn optimizer(training: &Training) -> Result<OptimizerSettings, Vec<Issue>> {
    let name = match &training.optimizer {
        Optimizer::Adam(adam) => {
            let issues = adam_issues(adam);
            return if issues.is_empty() { Ok(OptimizerSettings::Adam(computed(adam))) } else { Err(issues) };
        }
        Optimizer::SGD(_) => "SGD",
        Optimizer::RMSprop(_) => "RMSprop",
        Optimizer::AdamW(_) => "AdamW",
        Optimizer::Adagrad(_) => "Adagrad",
        Optimizer::Adadelta(_) => "Adadelta",
        Optimizer::Adamax(_) => "Adamax",
        Optimizer::Nadam(_) => "Nadam",
        Optimizer::Ftrl(_) => "Ftrl",
        Optimizer::Lion(_) => "Lion",
    };
    Err(vec![
        Issue::not_yet("training.optimizer", format!("the optimizer {name}")).with_help("Adam is available"),
    ])
}

/// The arguments that are computed with. The others have their defaults, said or not, and make no other training.
fn computed(adam: &Adam) -> Adam {
    let Adam { learning_rate, beta_1, beta_2, epsilon, .. } = *adam;
    Adam { learning_rate, beta_1, beta_2, epsilon, ..Adam::default() }
}

fn adam_issues(adam: &Adam) -> Vec<Issue> {
    let mut issues = ranges(adam);
    issues.extend(unbuilt(adam));
    issues
}

/// Arguments that are legal, are not Keras' defaults and are not built yet.
fn unbuilt(adam: &Adam) -> impl Iterator<Item = Issue> {
    [
        ("amsgrad", adam.amsgrad == Some(true)),
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
}

fn ranges(adam: &Adam) -> Vec<Issue> {
    let positive = |value: f64| value > 0.0 && value.is_finite();
    let share = |value: f64| (0.0..1.0).contains(&value);
    [
        ("learning_rate", adam.learning_rate, positive(adam.learning_rate), "larger than 0"),
        ("beta_1", adam.beta_1, share(adam.beta_1), "at least 0 and below 1"),
        ("beta_2", adam.beta_2, share(adam.beta_2), "at least 0 and below 1"),
        ("epsilon", adam.epsilon, positive(adam.epsilon), "larger than 0"),
    ]
    .into_iter()
    .filter(|(_, _, legal, _)| !legal)
    .map(|(name, value, _, range)| {
        Issue::invalid(format!("training.optimizer.Adam.{name}"), format!("{name} is {value}; it is {range}"))
    })
    .collect()
}
