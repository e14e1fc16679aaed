//! The calibration set.

use super::{
    Masks, SetKeys, Validation, built_in, entries, keys::Given, list::Ids, share, source, split,
    validation_keys,
};
use crate::{RandomImages, numpy};
use contract::{Config, Finding, ImageEntry, Issue, Source, SourceContent, config::Dataset};

const SPLIT: &str = "dataset.quantization_split";

/// Random images when there is nothing to calibrate on.
const RANDOM_IMAGES: usize = 10;

/// The images that the ranges of a quantized model are measured on, without masks: the quantization set, else the training
/// set, times `quantization_split`; with neither, random pixels.
///
/// # Errors
/// Keys that are missing, name what is not there, or leave the set empty.
pub fn calibration_set(config: &Config, stage: &str) -> Result<Source, Vec<Issue>> {
    let Some(dataset) = &config.dataset else { return Ok(random(0, Vec::new())) };
    let share = share(SPLIT, dataset.quantization_split)?;
    if let Some(shapes) = built_in(dataset)? {
        let shapes = shapes.training();
        let count = share.map_or(shapes.count(), |share| part(shapes.count(), share));
        return Ok(calibration("dataset.name", shapes.first(count).content(), Vec::new()));
    }
    let mut findings = Vec::new();
    let own = SetKeys::quantization(dataset);
    let (key, listed) = if let Some(files) = own.pictures() {
        (own.files_key(), entries(&files, Masks::Unneeded)?)
    } else {
        if own.given() != Given::None {
            findings.push(ignored(&own));
        }
        if SetKeys::training(dataset).given() == Given::None {
            return Ok(random(dataset.seed, findings));
        }
        let reason = format!("{stage} calibrates on the training set, which is named by three keys");
        (SetKeys::training(dataset).files_key(), training_pictures(dataset, &reason)?)
    };
    findings.extend(listed.findings);
    let images = match share {
        Some(share) => permuted_part(dataset, &listed.images, share)?,
        None => listed.images,
    };
    Ok(calibration(&key, SourceContent::Images(images), findings))
}

fn calibration(key: &str, content: SourceContent, findings: Vec<Finding>) -> Source {
    source("calibration set", key, content, findings)
}

/// The pictures that training sees: without the ids that validate.
fn training_pictures(dataset: &Dataset, reason: &str) -> Result<Ids, Vec<Issue>> {
    let all = entries(&SetKeys::training(dataset).required(reason)?, Masks::Unneeded)?;
    let images = match validation_keys(dataset) {
        Validation::Split => split(dataset, &all.images)?.0,
        Validation::Own(_) | Validation::OwnIds(_) => all.images,
    };
    Ok(Ids { images, ..all })
}

fn permuted_part(
    dataset: &Dataset,
    images: &[ImageEntry],
    share: f64,
) -> Result<Vec<ImageEntry>, Vec<Issue>> {
    let order = numpy::permutation(dataset.seed, images.len());
    let (chosen, left) = order.split_at(part(images.len(), share));
    let there = |at: &usize| images[*at].image.exists();
    match chosen.first() {
        // Where no listed image is there at all, the split is not to blame.
        Some(&first) if !chosen.iter().any(there) && left.iter().any(there) => Err(vec![
            Issue::invalid(
                SPLIT,
                format!(
                    "a split of {share} chooses {} of {} listed images, and none of them is there; the first is {}",
                    chosen.len(),
                    images.len(),
                    images[first].image.display()
                ),
            )
            .with_help("choose a larger share, or take the ids of missing images out of the list"),
        ]),
        _ => Ok(chosen.iter().map(|&at| images[at].clone()).collect()),
    }
}

/// `int(n * share)`, at least 1.
fn part(n: usize, share: f64) -> usize {
    ((n as f64 * share) as usize).max(1)
}

fn ignored(own: &SetKeys<'_>) -> Finding {
    let missing: Vec<String> = [own.images_key(), own.files_key()]
        .into_iter()
        .filter(|key| !own.given_keys().contains(key))
        .collect();
    own.ignored(&missing)
}

fn random(seed: u32, mut findings: Vec<Finding>) -> Source {
    findings.push(
        Finding::warning(
            "data::random_calibration",
            format!(
                "no images to calibrate on are given, so {RANDOM_IMAGES} images of random pixels are used"
            ),
        )
        .with_help(
            "the accuracy of a model quantized this way means nothing; give `dataset.quantization_path` and \
             `dataset.quantization_files_path`, or a training set",
        ),
    );
    calibration("dataset", RandomImages::new(u64::from(seed), RANDOM_IMAGES).content(), findings)
}
