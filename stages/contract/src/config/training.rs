//! `training`.

use super::{
    Callbacks, General, ModelSpec, Optimizer,
    rules::{BELOW_ONE, NOT_NEGATIVE, Rules},
};
use crate::{Address, Issue, IssueKind, value::slices::LayerSlices};
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
    /// A `last_augmented_model.h5` to go on from, its http(s) address, or the run folder that has it.
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
    /// What is wrong with its values and those under it; and if more than one key, here or in `general`, says what is
    /// trained.
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
        let mut issues = self.more_than_one_start(general);
        issues.extend(self.copy_of_the_model(general));
        issues.extend(self.model.iter().flat_map(|model| model.issues(general.model_type)));
        issues.extend(rules.into_issues());
        issues.extend(self.optimizer.iter().flat_map(Optimizer::issues));
        issues.extend(self.callbacks.iter().flat_map(Callbacks::issues));
        issues
    }

    /// Where a copy of the best model goes can be written, and is not what the training reads.
    fn copy_of_the_model(&self, general: &General) -> Option<Issue> {
        const KEY: &str = "training.trained_model_path";
        let path = self.trained_model_path.as_ref()?;
        if path.to_str().is_some_and(Address::is_meant) {
            let issue = Issue::invalid(KEY, "the trained model cannot be written to an address");
            return Some(issue.with_help("name a .h5 file on this machine"));
        }
        let extension = path.extension().map(|text| text.to_string_lossy().to_ascii_lowercase());
        if extension.as_deref() != Some("h5") {
            let message = format!("`{}` has no name of a .h5 file", path.display());
            let help = "the trained model is written as Keras HDF5: give it a name that ends in .h5";
            return Some(Issue::invalid(KEY, message).with_help(help));
        }
        let pretrained = self.model.as_ref().and_then(|model| model.pretrained_model_path.as_ref());
        let read = [
            ("general.model_path", general.model_path.as_ref()),
            ("training.resume_training_from", self.resume_training_from.as_ref()),
            ("training.model.pretrained_model_path", pretrained),
        ];
        let (key, _) = read.into_iter().find(|(_, other)| *other == Some(path))?;
        let message = format!("`{}` is what `{key}` reads, and would be overwritten", path.display());
        let help = "give each step of a training a file of its own, such as step_1.h5 and step_2.h5";
        Some(Issue::new(IssueKind::Conflict, KEY, message).with_help(help))
    }

    /// The keys that say what is trained, of which exactly one can be there.
    fn starts(&self, general: &General) -> Vec<&'static str> {
        [
            ("training.model", self.model.is_some()),
            ("training.resume_training_from", self.resume_training_from.is_some()),
            ("general.model_path", general.model_path.is_some()),
        ]
        .into_iter()
        .filter_map(|(key, given)| given.then_some(key))
        .collect()
    }

    /// That no key says what is trained; it may be what another stage makes.
    #[must_use]
    pub fn nothing_to_train(&self, general: &General) -> Option<Issue> {
        self.starts(general).is_empty().then(|| {
            Issue::missing("training.model", "training needs to know what to train").with_help(
                "describe a network under `training.model`, or name a model file with `general.model_path`, or a \
                 training to go on with in `training.resume_training_from`",
            )
        })
    }

    fn more_than_one_start(&self, general: &General) -> Vec<Issue> {
        let starts = self.starts(general);
        let Some((first, others)) = starts.split_first() else { return Vec::new() };
        let conflict = |other: &&str| {
            let message =
                format!("`{first}` and `{other}` both say what is trained; exactly one of them can");
            Issue::new(IssueKind::Conflict, *other, message).with_help("remove all but one")
        };
        others.iter().map(conflict).collect()
    }
}
