//! The error of the deserializer.

use crate::config::{
    error::{Code, ConfigError},
    path::KeyPath,
};
use serde::de;
use std::fmt::Display;

/// A mistake that serde met, with the path where a hole lets reading go on.
#[derive(Debug)]
pub(super) struct Refusal {
    pub(super) path: KeyPath,
    pub(super) error: ConfigError,
    /// Whether path and place are known; errors made inside serde's own code learn them on the way up.
    pub(super) placed: bool,
    /// The field that is missing.
    pub(super) missing: Option<&'static str>,
    /// The field that is there in both of its spellings.
    pub(super) twice: Option<&'static str>,
    /// Whether another mistake says it already.
    pub(super) implied: bool,
}

impl Refusal {
    pub(super) fn new(path: &KeyPath, error: ConfigError) -> Self {
        Self {
            path: path.clone(),
            error: error.key(path),
            placed: true,
            missing: None,
            twice: None,
            implied: false,
        }
    }
}

impl de::Error for Refusal {
    fn custom<T: Display>(message: T) -> Self {
        Self {
            path: KeyPath::default(),
            error: ConfigError::new(Code::InvalidValue, message.to_string()),
            placed: false,
            missing: None,
            twice: None,
            implied: false,
        }
    }

    fn missing_field(field: &'static str) -> Self {
        Self { missing: Some(field), ..Self::custom("") }
    }

    fn duplicate_field(field: &'static str) -> Self {
        Self { twice: Some(field), ..Self::custom("") }
    }
}

impl Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.error.fmt(f)
    }
}

impl std::error::Error for Refusal {}

impl From<de::value::Error> for Refusal {
    fn from(error: de::value::Error) -> Self {
        de::Error::custom(error)
    }
}
