//! Looking at every image of a set before anything runs.

use crate::{
    Classes, DatasetError, Mask, VOID,
    samples::{Images, decode},
};
use contract::{Finding, ImageEntry, Problem, SourceContent};
use rayon::prelude::*;
use std::collections::BTreeMap;

/// Errors of one sort that are listed one by one where not all are asked for; the rest is counted.
const LISTED: usize = 10;

/// Decodes every image and mask of a set with `threads` workers and says what is wrong with them: files that are not
/// there or cannot be read, masks with colours or values that are no class or of another size than their image, a set
/// that is empty. `label` is what users call the set; `all` lists every file that fails, instead of the first ten of a
/// sort.
#[must_use]
pub fn check(
    label: &str,
    content: &SourceContent,
    classes: &Classes,
    threads: usize,
    all: bool,
) -> Vec<Finding> {
    let (images, skipped) = match Images::open(content) {
        Ok(opened) => opened,
        Err(error) => return vec![named(label, error.finding())],
    };
    let mut findings: Vec<Finding> = skipped
        .iter()
        .map(|skipped| Finding::warning("data::missing_files", format!("{label}: {}", skipped.message())))
        .collect();
    // Generated images are right by construction.
    let Images::Files(entries) = images else { return findings };
    let results = match rayon::ThreadPoolBuilder::new().num_threads(threads).build() {
        Ok(pool) => pool.install(|| entries.par_iter().map(|entry| look(entry, classes)).collect()),
        Err(_) => entries.iter().map(|entry| look(entry, classes)).collect::<Vec<_>>(),
    };
    let mut seen = vec![false; classes.len()];
    let mut failed = BTreeMap::<&'static str, Vec<DatasetError>>::new();
    let mut from_colors = Vec::new();
    for (entry, result) in entries.iter().zip(results) {
        match result {
            Ok(look) => {
                for (seen, here) in seen.iter_mut().zip(look.classes) {
                    *seen |= here;
                }
                if look.from_colors {
                    from_colors.extend(&entry.mask);
                }
            }
            Err(error) => failed.entry(error.code()).or_default().push(error),
        }
    }
    if let Some(first) = from_colors.first() {
        findings.push(Finding::note(
            "data::rgb_mask",
            format!(
                "{label}: {} masks are RGB pictures; their Pascal VOC colours were mapped to class indices, the first \
                 is {}",
                from_colors.len(),
                first.display()
            ),
        ));
    }
    let whole = failed.is_empty() && entries.iter().all(|entry| entry.mask.is_some());
    findings.extend(
        failed.into_values().flat_map(|errors| listed(label, &errors, if all { usize::MAX } else { LISTED })),
    );
    if whole {
        findings.extend(never_seen(label, classes, &seen));
    }
    findings
}

/// What one image showed.
struct Look {
    classes: Vec<bool>,
    from_colors: bool,
}

fn look(entry: &ImageEntry, classes: &Classes) -> Result<Look, DatasetError> {
    let (_, mask) = decode(entry, 3, classes.len())?;
    let from_colors = mask.as_ref().is_some_and(|mask| mask.from_colors);
    Ok(Look { classes: mask.map_or_else(Vec::new, |mask| classes_in(&mask, classes.len())), from_colors })
}

fn classes_in(mask: &Mask, classes: usize) -> Vec<bool> {
    let mut seen = [false; 256];
    mask.labels.iter().for_each(|&label| seen[usize::from(label)] = true);
    seen[..classes.min(usize::from(VOID))].to_vec()
}

fn listed(label: &str, errors: &[DatasetError], most: usize) -> Vec<Finding> {
    let mut findings: Vec<Finding> =
        errors.iter().take(most).map(|error| named(label, error.finding())).collect();
    if let (Some(last), more @ 1..) = (findings.last_mut(), errors.len().saturating_sub(most)) {
        last.message.push_str(&format!(
            " (and {more} more like this; `dataset.check_image_files: true` lists them all)"
        ));
    }
    findings
}

fn named(label: &str, finding: Finding) -> Finding {
    Finding { message: format!("{label}: {}", finding.message), ..finding }
}

/// A note about classes that no mask shows: often a wrong class list.
fn never_seen(label: &str, classes: &Classes, seen: &[bool]) -> Option<Finding> {
    let absent: Vec<&str> =
        classes.names().iter().zip(seen).filter(|(_, seen)| !**seen).map(|(name, _)| name.as_str()).collect();
    (!absent.is_empty())
        .then(|| Finding::note("data::class_absent", format!("{label}: no mask shows {}", absent.join(", "))))
}
