//! What can still be said of a configuration with mistakes in it.
//!
//! Rules between keys are looked at by the planned stages, which want a whole configuration. Where values could not be
//! read, holes stand in for them; what the rules say of anything near a hole may be said of the hole, so it is left out and
//! comes once the mistake is mended. All else is worth knowing at once.

use super::{ConfigErrors, Loaded, path::KeyPath, path::Step};

/// A configuration with holes where its mistakes are.
#[derive(Debug)]
pub struct Rest {
    /// What could be read.
    pub loaded: Loaded,
    pub(super) mistakes: Vec<KeyPath>,
}

/// Sections whose rules read other sections: what is read, and by which. `general` is read by all.
const READ_BY: &[(&str, &[&str])] =
    &[("preprocessing", &["training", "data_augmentation", "quantization"]), ("dataset", &["training"])];

impl Rest {
    /// Those of `errors` that no mistake in reading can be the reason of.
    #[must_use]
    pub fn unrelated(&self, errors: ConfigErrors) -> ConfigErrors {
        errors.only(|path| {
            path.is_some_and(|path| self.mistakes.iter().all(|mistake| !is_related(mistake, path)))
        })
    }
}

fn is_related(mistake: &KeyPath, path: &KeyPath) -> bool {
    let parent = |path: &KeyPath| path.split_last().map(|(parent, _)| parent.0);
    mistake.0.starts_with(&path.0)
        || path.0.starts_with(&mistake.0)
        || parent(mistake) == parent(path)
        || reads(section(path), section(mistake))
}

fn section(path: &KeyPath) -> &str {
    match path.0.first() {
        Some(Step::Key(key)) => key,
        _ => "",
    }
}

fn reads(reader: &str, read: &str) -> bool {
    let known = READ_BY.iter().find(|(section, _)| *section == read);
    ["general", "operation_mode"].contains(&read)
        || known.is_some_and(|(_, readers)| readers.contains(&reader))
}
