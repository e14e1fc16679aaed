//! The three keys of a set.

use super::list::SetFiles;
use contract::{Finding, Issue, config::Dataset};
use std::path::Path;

/// The keys `<name>_path`, `<name>_masks_path`, `<name>_files_path` as they stand in a configuration.
pub(super) struct SetKeys<'a> {
    name: &'static str,
    images: Option<&'a Path>,
    masks: Option<&'a Path>,
    pub(super) ids: Option<&'a Path>,
}

/// Which of the three keys are there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Given {
    None,
    IdsAlone,
    Some,
    All,
}

impl<'a> SetKeys<'a> {
    pub(super) fn training(dataset: &'a Dataset) -> Self {
        Self {
            name: "training",
            images: dataset.training_path.as_deref(),
            masks: dataset.training_masks_path.as_deref(),
            ids: dataset.training_files_path.as_deref(),
        }
    }

    pub(super) fn validation(dataset: &'a Dataset) -> Self {
        Self {
            name: "validation",
            images: dataset.validation_path.as_deref(),
            masks: dataset.validation_masks_path.as_deref(),
            ids: dataset.validation_files_path.as_deref(),
        }
    }

    pub(super) fn test(dataset: &'a Dataset) -> Self {
        Self {
            name: "test",
            images: dataset.test_path.as_deref(),
            masks: dataset.test_masks_path.as_deref(),
            ids: dataset.test_files_path.as_deref(),
        }
    }

    pub(super) fn quantization(dataset: &'a Dataset) -> Self {
        Self {
            name: "quantization",
            images: dataset.quantization_path.as_deref(),
            masks: dataset.quantization_masks_path.as_deref(),
            ids: dataset.quantization_files_path.as_deref(),
        }
    }

    pub(super) fn all(dataset: &'a Dataset) -> [Self; 4] {
        [Self::training(dataset), Self::validation(dataset), Self::test(dataset), Self::quantization(dataset)]
    }

    pub(super) fn files_key(&self) -> String {
        format!("dataset.{}_files_path", self.name)
    }

    pub(super) fn images_key(&self) -> String {
        format!("dataset.{}_path", self.name)
    }

    fn masks_key(&self) -> String {
        format!("dataset.{}_masks_path", self.name)
    }

    fn by_key(&self) -> [(String, Option<&'a Path>); 3] {
        [(self.images_key(), self.images), (self.masks_key(), self.masks), (self.files_key(), self.ids)]
    }

    pub(super) fn given(&self) -> Given {
        match (self.images, self.masks, self.ids) {
            (None, None, None) => Given::None,
            (None, None, Some(_)) => Given::IdsAlone,
            (Some(_), Some(_), Some(_)) => Given::All,
            _ => Given::Some,
        }
    }

    pub(super) fn given_keys(&self) -> Vec<String> {
        self.by_key().into_iter().filter(|(_, path)| path.is_some()).map(|(key, _)| key).collect()
    }

    fn missing_keys(&self) -> Vec<String> {
        self.by_key().into_iter().filter(|(_, path)| path.is_none()).map(|(key, _)| key).collect()
    }

    /// A warning when some keys of a set are there and others are not, so that the set is not used.
    pub(super) fn incomplete(&self) -> Option<Finding> {
        matches!(self.given(), Given::Some | Given::IdsAlone).then(|| self.ignored(&self.missing_keys()))
    }

    /// The warning that the set is not used for want of `missing`.
    pub(super) fn ignored(&self, missing: &[String]) -> Finding {
        Finding::warning(
            "data::incomplete_set",
            format!(
                "the {} set is ignored: `{}` is given, but not `{}`",
                self.name,
                self.given_keys().join("`, `"),
                missing.join("`, `")
            ),
        )
        .with_help("give the missing keys, or remove the others")
    }

    /// The files of a set that must be there; `reason` says why.
    pub(super) fn required(&self, reason: &str) -> Result<SetFiles<'a>, Vec<Issue>> {
        match (self.images, self.masks, self.ids) {
            (Some(images), Some(masks), Some(ids)) => Ok(SetFiles {
                images: (self.images_key(), images),
                masks: Some((self.masks_key(), masks)),
                ids: (self.files_key(), ids),
            }),
            _ => Err(self.missing_keys().into_iter().map(|key| Issue::missing(key, reason)).collect()),
        }
    }

    /// The files of a set whose keys are all there.
    pub(super) fn files(&self) -> Result<SetFiles<'a>, Vec<Issue>> {
        self.required(&format!("a {} set is named by three keys", self.name))
    }

    /// The two folders without the ids.
    pub(super) fn folders(&self, reason: &str) -> Result<Folders<'a>, Vec<Issue>> {
        match (self.images, self.masks) {
            (Some(images), Some(masks)) => {
                Ok(Folders { images: (self.images_key(), images), masks: (self.masks_key(), masks) })
            }
            _ => Err([(self.images_key(), self.images), (self.masks_key(), self.masks)]
                .into_iter()
                .filter(|(_, path)| path.is_none())
                .map(|(key, _)| Issue::missing(key, reason))
                .collect()),
        }
    }

    /// The images and their ids, where both keys are there, whether masks are or not.
    pub(super) fn pictures(&self) -> Option<SetFiles<'a>> {
        Some(SetFiles {
            images: (self.images_key(), self.images?),
            masks: self.masks.map(|path| (self.masks_key(), path)),
            ids: (self.files_key(), self.ids?),
        })
    }
}

/// Folders of images and masks, each with its key.
pub(super) struct Folders<'a> {
    images: (String, &'a Path),
    masks: (String, &'a Path),
}

impl<'a> Folders<'a> {
    pub(super) fn with_ids(self, ids: &'a Path, key: String) -> SetFiles<'a> {
        SetFiles { images: self.images, masks: Some(self.masks), ids: (key, ids) }
    }
}
