//! Which images make a set: from the keys of `dataset` to a [`Source`].
//!
//! A set is named by three keys, `<set>_path`, `<set>_masks_path` and `<set>_files_path`. What is not named is taken from
//! what is: a validation set from the training ids, a test set from the validation set, calibration images from the
//! training set. The resulting [`Source`] lists the files in the order the stage reads them, so a key that changes the
//! list changes the content, and one that does not changes nothing.

mod calibration;
mod keys;
mod list;

pub use calibration::calibration_set;

use crate::{Shapes, numpy};
use contract::{ArtifactKind, Config, Finding, ImageEntry, Issue, Source, SourceContent, config::Dataset};
use keys::{Given, SetKeys};
use list::{Ids, Masks, entries, shared_ids};

/// Share of the training ids that validate where nothing else is said.
const VALIDATION_SPLIT: f64 = 0.2;

/// The images to train on, with masks.
///
/// # Errors
/// Keys that are missing, name what is not there, or leave the set empty.
pub fn training_set(config: &Config, stage: &str) -> Result<Source, Vec<Issue>> {
    let dataset = config.dataset(stage).map_err(|issue| vec![issue])?;
    if let Some(shapes) = built_in(dataset)? {
        return Ok(source("training set", "dataset.name", shapes.training().content(), Vec::new()));
    }
    let reason = format!("{stage} needs training images, and a training set is named by three keys");
    let all = training_list(dataset, &reason)?;
    let images = match validation_keys(dataset) {
        Validation::Split => split(dataset, &all.images)?.0,
        Validation::Own(_) | Validation::OwnIds(_) => all.images,
    };
    let key = SetKeys::training(dataset).files_key();
    Ok(source("training set", &key, SourceContent::Images(images), all.findings))
}

/// The images that a training is judged by, with masks.
///
/// # Errors
/// As [`training_set`].
pub fn validation_set(config: &Config, stage: &str) -> Result<Source, Vec<Issue>> {
    let dataset = config.dataset(stage).map_err(|issue| vec![issue])?;
    if let Some(shapes) = built_in(dataset)? {
        let content = shapes.validation().content();
        return Ok(source("validation set", "dataset.name", content, Vec::new()));
    }
    let keys = SetKeys::validation(dataset);
    let mut findings = Vec::new();
    let (key, images) = match validation_keys(dataset) {
        Validation::Own(keys) => {
            findings.extend(unused_split(dataset));
            let listed = entries(&keys.files()?, Masks::Wanted)?;
            findings.extend(listed.findings);
            (keys.files_key(), listed.images)
        }
        Validation::OwnIds(ids) => {
            findings.extend(unused_split(dataset));
            let training = SetKeys::training(dataset);
            let reason = format!(
                "`{}` is given alone, so its ids are looked up in the training folders",
                keys.files_key()
            );
            let listed = entries(&training.folders(&reason)?.with_ids(ids, keys.files_key()), Masks::Wanted)?;
            findings.extend(listed.findings);
            (keys.files_key(), listed.images)
        }
        Validation::Split => {
            findings.extend(keys.incomplete());
            let reason = format!(
                "{stage} needs images with masks to judge the model by; where no such set is given, they are split from \
                 the training set, which is named by three keys"
            );
            let all = training_list(dataset, &reason)?;
            let (training, images) = split(dataset, &all.images)?;
            // An id that is listed twice may be on both sides.
            findings.extend(overlap(&training, &images, "validation set"));
            (SetKeys::training(dataset).files_key(), images)
        }
    };
    if !matches!(validation_keys(dataset), Validation::Split) {
        findings.extend(trained_on(dataset, &images, "validation set"));
    }
    Ok(source("validation set", &key, SourceContent::Images(images), findings))
}

/// The test set where one is given.
///
/// # Errors
/// As [`training_set`].
pub fn test_set(config: &Config, stage: &str) -> Result<Option<Source>, Vec<Issue>> {
    let dataset = config.dataset(stage).map_err(|issue| vec![issue])?;
    if built_in(dataset)?.is_some() {
        return Ok(None);
    }
    let keys = SetKeys::test(dataset);
    if keys.given() != Given::All {
        return Ok(None);
    }
    let mut listed = entries(&keys.files()?, Masks::Wanted)?;
    listed.findings.extend(trained_on(dataset, &listed.images, "test set"));
    let content = SourceContent::Images(listed.images);
    Ok(Some(source("test set", &keys.files_key(), content, listed.findings)))
}

/// The images to measure a model on, and the set's name as it appears in metrics: the test set where one is given, else
/// the validation set.
///
/// # Errors
/// As [`training_set`].
pub fn evaluation_set(config: &Config, stage: &str) -> Result<(Source, &'static str), Vec<Issue>> {
    if let Some(test) = test_set(config, stage)? {
        return Ok((test, TEST_SET));
    }
    let mut validation = validation_set(config, stage)?;
    validation.findings.extend(config.dataset.as_ref().and_then(|d| SetKeys::test(d).incomplete()));
    Ok((validation, VALIDATION_SET))
}

const TEST_SET: &str = "test_set";
const VALIDATION_SET: &str = "validation_set";

/// The name that [`evaluation_set`] gives, without looking at any file.
#[must_use]
pub fn evaluation_set_name(config: &Config) -> &'static str {
    let test_given = |dataset: &Dataset| SetKeys::test(dataset).given() == Given::All;
    if config.dataset.as_ref().is_some_and(test_given) { TEST_SET } else { VALIDATION_SET }
}

fn source(label: &str, key: &str, content: SourceContent, findings: Vec<Finding>) -> Source {
    Source { kind: ArtifactKind::ImageSet, label: label.to_owned(), key: key.to_owned(), content, findings }
}

/// The built-in set where the configuration names it.
fn built_in(dataset: &Dataset) -> Result<Option<Shapes>, Vec<Issue>> {
    if dataset.name.as_deref() != Some("shapes") {
        return Ok(None);
    }
    let mut issues: Vec<Issue> = SetKeys::all(dataset)
        .iter()
        .flat_map(SetKeys::given_keys)
        .map(|key| {
            let message = "`dataset.name: shapes` is the built-in set, which has no files".to_owned();
            Issue::new(contract::IssueKind::Conflict, key, message)
                .with_help("remove the key, or give your own data set another name")
        })
        .collect();
    if dataset.validation_split.is_some() {
        issues.push(
            Issue::new(
                contract::IssueKind::Conflict,
                "dataset.validation_split",
                "`dataset.name: shapes` is the built-in set, which has its own validation images",
            )
            .with_help("remove the key"),
        );
    }
    if issues.is_empty() { Ok(Some(Shapes::new(u64::from(dataset.seed)))) } else { Err(issues) }
}

/// Where validation images come from.
enum Validation<'a> {
    /// All three keys.
    Own(SetKeys<'a>),
    /// Ids of their own in the training folders.
    OwnIds(&'a std::path::Path),
    /// A share of the training ids.
    Split,
}

fn validation_keys(dataset: &Dataset) -> Validation<'_> {
    let keys = SetKeys::validation(dataset);
    match (keys.given(), keys.ids) {
        (Given::All, _) => Validation::Own(keys),
        (Given::IdsAlone, Some(ids)) => Validation::OwnIds(ids),
        _ => Validation::Split,
    }
}

/// The whole training list, before any split; `reason` says why it must be there.
fn training_list(dataset: &Dataset, reason: &str) -> Result<Ids, Vec<Issue>> {
    entries(&SetKeys::training(dataset).required(reason)?, Masks::Wanted)
}

/// Training and validation images.
fn split(dataset: &Dataset, all: &[ImageEntry]) -> Result<(Vec<ImageEntry>, Vec<ImageEntry>), Vec<Issue>> {
    let key = "dataset.validation_split";
    let share = share(key, dataset.validation_split)?.unwrap_or(VALIDATION_SPLIT);
    let order = numpy::permutation(dataset.seed, all.len());
    // As Python evaluates int(n * (1 - split)).
    let training = (all.len() as f64 * (1.0 - share)) as usize;
    if training == 0 || training == all.len() {
        return Err(vec![
            Issue::invalid(
                key,
                format!(
                    "a split of {share} leaves {training} of {} images to train and {} to validate",
                    all.len(),
                    all.len() - training
                ),
            )
            .with_help("both sets need an image: choose another share, or give a validation set"),
        ]);
    }
    let pick = |positions: &[usize]| positions.iter().map(|&at| all[at].clone()).collect();
    Ok((pick(&order[..training]), pick(&order[training..])))
}

/// A share between 0 and 1.
fn share(key: &str, value: Option<f64>) -> Result<Option<f64>, Vec<Issue>> {
    match value {
        Some(share) if !(share > 0.0 && share < 1.0) => {
            let message = format!("{share} is not a share: it lies between 0 and 1, both excluded");
            Err(vec![Issue::invalid(key, message)])
        }
        other => Ok(other),
    }
}

fn unused_split(dataset: &Dataset) -> Option<Finding> {
    dataset.validation_split.map(|_| {
        let message = "`dataset.validation_split` has no effect, because a validation set is given";
        Finding::note("data::unused_split", message)
    })
}

/// A warning when images to judge a model by are in the training list.
fn trained_on(dataset: &Dataset, images: &[ImageEntry], label: &str) -> Option<Finding> {
    let training = SetKeys::training(dataset);
    // Training keys are not needed to evaluate; where they do not hold, there is nothing to compare with.
    let training = training.files().ok().and_then(|files| entries(&files, Masks::Wanted).ok())?;
    overlap(&training.images, images, label)
}

fn overlap(training: &[ImageEntry], images: &[ImageEntry], label: &str) -> Option<Finding> {
    let (count, first) = shared_ids(training, images)?;
    Some(
        Finding::warning(
            "data::shared_ids",
            format!("{count} ids are in both the training set and the {label} (the first is {first})"),
        )
        .with_help("a model judged on what it was trained on looks better than it is"),
    )
}

#[cfg(test)]
mod tests;
