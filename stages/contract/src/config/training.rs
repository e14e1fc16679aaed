//! `training`.

use super::{
    Callbacks, General, ModelSpec, Optimizer,
    rules::{BELOW_ONE, NOT_NEGATIVE, Rules},
};
use crate::{Issue, IssueKind, value::slices::LayerSlices};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// What is trained and how.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Training {
    /// A model of the zoo. Exactly one of this, `resume_training_from` and `general.model_path` is set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<ModelSpec>,
    /// Images in a training step. Training needs it; other modes accept a section without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub batch_size: Option<usize>,
    /// Passes over the training set. Training needs it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub epochs: Option<usize>,
    /// The optimizer: a name, or a name with arguments. Training needs it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub optimizer: Option<Optimizer>,
    /// Dropout rate before the classifier.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dropout: Option<f64>,
    /// Layers that do not train, in Python index and slice syntax: `(0:-1)`, `(8, 110:121, -1)`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub frozen_layers: Option<String>,
    /// Keras callbacks by name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub callbacks: Option<Callbacks>,
    /// A `last_augmented_model.h5` to go on from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resume_training_from: Option<PathBuf>,
    /// Where a copy of the best model goes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trained_model_path: Option<PathBuf>,
    /// Weight of each class in the loss.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub loss_weights: Option<Vec<f64>>,
    /// Whether BatchNorm statistics are freed of their initial values, as services need on short trainings.
    #[serde(default = "yes")]
    pub batchnorm_debias: bool,
}

fn yes() -> bool {
    true
}

impl Training {
    /// What is wrong with its values and those under it; and unless one key, here or in `general`, says what is trained.
    #[must_use]
    pub fn issues(&self, general: &General) -> Vec<Issue> {
        let mut rules = Rules::under("training");
        rules.require("batch_size", self.batch_size != Some(0), "batch_size is 0; it is at least 1").require(
            "epochs",
            self.epochs != Some(0),
            "epochs is 0; it is at least 1",
        );
        let missing = [
            ("batch_size", self.batch_size.is_none()),
            ("epochs", self.epochs.is_none()),
            ("optimizer", self.optimizer.is_none()),
        ];
        for (key, _) in missing.into_iter().filter(|(_, missing)| *missing) {
            let key = rules.key(key);
            rules.push(Issue::missing(key, "training needs it"));
        }
        if let Some(dropout) = self.dropout {
            rules.number("dropout", dropout, BELOW_ONE);
        }
        if let Some(layers) = &self.frozen_layers
            && let Err(error) = LayerSlices::parse(layers)
        {
            let issue = Issue::invalid(rules.key("frozen_layers"), format!("these are no layers: {error}"));
            rules.push(issue.with_help(error.help()));
        }
        if let Some(weights) = &self.loss_weights {
            if let Some(weight) = weights.iter().find(|weight| !NOT_NEGATIVE.admit(**weight)) {
                rules.require("loss_weights", false, format_args!("the weight {weight} is not at least 0"));
            } else if weights.iter().all(|weight| *weight == 0.0) {
                rules.require("loss_weights", false, "all weights are 0, so nothing would be learned");
            }
        }
        let mut issues = self.what_is_trained(general);
        issues.extend(self.model.iter().flat_map(|model| model.issues(general.model_type)));
        issues.extend(rules.into_issues());
        issues.extend(self.optimizer.iter().flat_map(Optimizer::issues));
        issues.extend(self.callbacks.iter().flat_map(Callbacks::issues));
        issues
    }

    /// Exactly one key says what is trained.
    fn what_is_trained(&self, general: &General) -> Vec<Issue> {
        let given: Vec<&str> = [
            ("training.model", self.model.is_some()),
            ("training.resume_training_from", self.resume_training_from.is_some()),
            ("general.model_path", general.model_path.is_some()),
        ]
        .into_iter()
        .filter_map(|(key, given)| given.then_some(key))
        .collect();
        match given.as_slice() {
            [] => vec![Issue::missing("training.model", "training needs to know what to train").with_help(
                "describe a network under `training.model`, or name a model file with `general.model_path`, or a \
                 training to go on with in `training.resume_training_from`",
            )],
            [_] => Vec::new(),
            [first, others @ ..] => others
                .iter()
                .map(|other| {
                    let message =
                        format!("`{first}` and `{other}` both say what is trained; exactly one of them can");
                    Issue::new(IssueKind::Conflict, *other, message).with_help("remove all but one")
                })
                .collect(),
        }
    }
}
