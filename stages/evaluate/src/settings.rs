//! What the stage may read of the configuration.

use contract::{
    Config, Issue,
    config::{Evaluation, Target},
};
use dataset::{Classes, Preprocessor};
use serde::{Deserialize, Serialize};

/// Batch of the original's accuracy where no training says otherwise.
const BATCH: usize = 32;

/// What the stage may read of the configuration.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EvaluateSettings {
    /// Name of the set in metrics: `validation_set` or `test_set`.
    pub set: String,
    /// Names of the classes.
    pub classes: Classes,
    /// How images become network input.
    pub preprocessing: Preprocessor,
    /// Images in a batch of the original's accuracy of a float model.
    pub accuracy_batch: usize,
}

impl EvaluateSettings {
    /// The settings that a configuration asks for.
    ///
    /// # Errors
    /// All that is missing, wrong or not built yet in `dataset`, `preprocessing` and `evaluation`.
    pub fn from_config(config: &Config) -> Result<Self, Vec<Issue>> {
        let classes = config.dataset("evaluate").and_then(Classes::from_config);
        let preprocessing = Preprocessor::from_config(config, "evaluate");
        let mut issues = config.evaluation.as_ref().map_or_else(Vec::new, unbuilt);
        let accuracy_batch = config.training.as_ref().and_then(|training| training.batch_size);
        if accuracy_batch == Some(0) {
            issues.push(Issue::invalid("training.batch_size", "batch_size is 0; it is at least 1"));
        }
        match (classes, preprocessing) {
            (Ok(classes), Ok(preprocessing)) if issues.is_empty() => Ok(Self {
                set: dataset::evaluation_set_name(config).to_owned(),
                classes,
                preprocessing,
                accuracy_batch: accuracy_batch.unwrap_or(BATCH),
            }),
            (classes, preprocessing) => {
                issues.extend(classes.err());
                issues.extend(preprocessing.err().into_iter().flatten());
                Err(issues)
            }
        }
    }
}

/// Legal keys and values whose behaviour is not built yet.
fn unbuilt(section: &Evaluation) -> Vec<Issue> {
    let mut issues = Vec::new();
    let asked = [("gen_npy_input", section.gen_npy_input), ("gen_npy_output", section.gen_npy_output)];
    for (key, _) in asked.into_iter().filter(|(_, asked)| *asked == Some(true)) {
        issues.push(
            Issue::not_yet(format!("evaluation.{key}"), "writing .npy files").with_help("remove the key"),
        );
    }
    if section.target != Target::Host {
        let what = format!("evaluating on `{}`", section.target.name());
        issues.push(
            Issue::not_yet("evaluation.target", what).with_help("`host` runs the model on this machine"),
        );
    }
    issues
}

#[cfg(test)]
mod tests {
    use super::*;
    use contract::{
        IssueKind,
        config::{AspectRatio, ColorMode, Dataset, Interpolation, Preprocessing, Rescaling, Resizing},
    };

    pub(crate) fn config() -> Config {
        Config {
            dataset: Some(Dataset { name: Some("shapes".to_owned()), ..Dataset::default() }),
            preprocessing: Some(Preprocessing {
                rescaling: Some(Rescaling { scale: 1.0 / 127.5, offset: -1.0 }),
                resizing: Resizing {
                    interpolation: Some(Interpolation::Bilinear),
                    aspect_ratio: AspectRatio::Fit,
                },
                color_mode: ColorMode::Rgb,
            }),
            ..Config::default()
        }
    }

    #[test]
    fn settings_survive_the_way_through_json() {
        let settings = EvaluateSettings::from_config(&config()).expect("legal");
        assert_eq!((settings.set.as_str(), settings.accuracy_batch), ("validation_set", 32));
        let back: EvaluateSettings = contract::Settings::of(&settings).parse().expect("its own JSON");
        assert_eq!(back, settings);
    }

    #[test]
    fn keys_that_are_not_built_yet_are_told() {
        let kinds = |evaluation| {
            let config = Config { evaluation: Some(evaluation), ..config() };
            let issues = EvaluateSettings::from_config(&config).expect_err("refused");
            issues.into_iter().map(|issue| (issue.key, issue.kind)).collect::<Vec<_>>()
        };
        let npy = Evaluation { gen_npy_output: Some(true), ..Evaluation::default() };
        assert_eq!(kinds(npy), [("evaluation.gen_npy_output".to_owned(), IssueKind::NotYet)]);
        let on = |target| Evaluation { target, ..Evaluation::default() };
        assert_eq!(kinds(on(Target::StedgeaiN6)), [("evaluation.target".to_owned(), IssueKind::NotYet)]);
        let host = Config { evaluation: Some(on(Target::Host)), ..config() };
        assert!(EvaluateSettings::from_config(&host).is_ok());
    }

    #[test]
    fn every_missing_section_is_told_at_once() {
        let issues = EvaluateSettings::from_config(&Config::default()).expect_err("nothing is there");
        let keys: Vec<&str> = issues.iter().map(|issue| issue.key.as_str()).collect();
        assert_eq!(keys, ["dataset", "preprocessing"]);
    }
}
