//! `dataset`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// Images, masks and classes, in Pascal VOC layout: a folder of `<id>.jpg`, a folder of `<id>.png` masks, a text file of
/// ids, one a line.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Dataset {
    /// Name; `pascal_voc` and its subsets bring their class lists, `shapes` is built in and needs no paths.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Names of the classes in the order of the mask values.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub class_names: Option<Vec<String>>,
    /// Folder of training images.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub training_path: Option<PathBuf>,
    /// Folder of training masks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub training_masks_path: Option<PathBuf>,
    /// File of training ids.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub training_files_path: Option<PathBuf>,
    /// Folder of validation images.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub validation_path: Option<PathBuf>,
    /// Folder of validation masks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub validation_masks_path: Option<PathBuf>,
    /// File of validation ids.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub validation_files_path: Option<PathBuf>,
    /// Share of the training ids that validate when there is no validation set, between 0 and 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub validation_split: Option<f64>,
    /// Folder of test images.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub test_path: Option<PathBuf>,
    /// Folder of test masks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub test_masks_path: Option<PathBuf>,
    /// File of test ids.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub test_files_path: Option<PathBuf>,
    /// Folder of calibration images.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quantization_path: Option<PathBuf>,
    /// Folder of masks of the calibration images; accepted, not needed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quantization_masks_path: Option<PathBuf>,
    /// File of calibration ids.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quantization_files_path: Option<PathBuf>,
    /// Share of the calibration images to use, between 0 and 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quantization_split: Option<f64>,
    /// Whether to decode every file before anything runs and list all that fail.
    pub check_image_files: bool,
    /// Seed of the splits.
    pub seed: u32,
    /// Whether void pixels (255) count as background, as the original's numbers have it; otherwise they count nowhere.
    pub void_as_background: bool,
}

impl Default for Dataset {
    fn default() -> Self {
        Self {
            name: None,
            class_names: None,
            training_path: None,
            training_masks_path: None,
            training_files_path: None,
            validation_path: None,
            validation_masks_path: None,
            validation_files_path: None,
            validation_split: None,
            test_path: None,
            test_masks_path: None,
            test_files_path: None,
            quantization_path: None,
            quantization_masks_path: None,
            quantization_files_path: None,
            quantization_split: None,
            check_image_files: false,
            seed: 123,
            void_as_background: false,
        }
    }
}
