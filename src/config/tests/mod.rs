//! Configurations that load, and every diagnostic as a user sees it.

mod arguments;
mod changes;
mod coverage;
mod errors;
mod hostile;
mod kept;
mod mistakes;
mod pyyaml;
mod references;
mod sweeps;
mod templates;
mod user_files;
mod values;

use super::{ConfigErrors, Loaded, loaded::load_source, text::Text};
use jiff::Zoned;

/// A file that loads; tests put their line in place of another.
pub(super) const CHAIN: &str = "\
general:
  project_name: demo
  model_type: deeplab_v3
  global_seed: 7
operation_mode: chain_tqe
dataset:
  name: shapes
  validation_split: 0.25
preprocessing:
  rescaling: {scale: 1/127.5, offset: -1}
  resizing: {interpolation: bilinear, aspect_ratio: fit}
  color_mode: rgb
training:
  model:
    name: mobilenet
    version: v2
    alpha: 0.35
    input_shape: (128, 128, 3)
  batch_size: 16
  epochs: 10
  optimizer:
    Adam:
      learning_rate: 0.001
quantization:
  quantizer: TFlite_converter
  quantization_type: PTQ
  quantization_input_type: uint8
  quantization_output_type: int8
";

/// 2026-11-22 14:45:07 in UTC.
pub(super) fn started() -> Zoned {
    jiff::civil::datetime(2026, 11, 22, 14, 45, 7, 0)
        .to_zoned(jiff::tz::TimeZone::UTC)
        .expect("a time in UTC")
}

/// An environment of a few variables, one of which is not text.
pub(super) fn environment(name: &str) -> Result<Option<String>, String> {
    match name {
        "CAMVID" => Ok(Some("/srv/camvid".to_owned())),
        "MODELS_DIR" => Ok(Some("/srv/models".to_owned())),
        "DATASETS" => Ok(Some("/srv/datasets".to_owned())),
        "TOKEN" => Ok(Some("s3cret".to_owned())),
        "INFINITE" => Ok(Some("1e999".to_owned())),
        "BROKEN" => Err("the environment variable `BROKEN` is not text".to_owned()),
        _ => Ok(None),
    }
}

pub(super) fn load(yaml: &str, overrides: &[&str]) -> Result<Loaded, ConfigErrors> {
    let overrides: Vec<String> = overrides.iter().map(|text| (*text).to_owned()).collect();
    load_source(&Text::new("chain.yaml", yaml), &overrides, &started(), environment)
}

/// A configuration that must load.
pub(super) fn loaded(yaml: &str, overrides: &[&str]) -> Loaded {
    load(yaml, overrides).unwrap_or_else(|errors| panic!("{}", errors.render(false)))
}

/// The report of a configuration that must not load.
pub(super) fn report(yaml: &str, overrides: &[&str]) -> String {
    match load(yaml, overrides) {
        Ok(loaded) => panic!("loads: {:?}", loaded.config),
        Err(errors) => errors.render(false),
    }
}

/// [`CHAIN`] with one text in place of another.
pub(super) fn chain_with(old: &str, new: &str) -> String {
    assert!(CHAIN.contains(old), "{old}");
    CHAIN.replacen(old, new, 1)
}
