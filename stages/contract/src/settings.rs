//! Settings: the part of the configuration that one stage may read.

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::Value;

/// The projection of a configuration onto what one stage may read.
///
/// It is plain JSON, because it goes into the stage's key, over the wire to the stage's process, and into the key
/// document that `explain` compares. Paths, thread counts and display options never appear in it: they change where and
/// how fast a result is made, not what it is.
///
/// JSON has no numbers that are not finite. None can come from a configuration, where `.nan`, `.inf` and what overflows are
/// mistakes; a stage that computes its settings must not make one, since it would become null.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Settings(Value);

impl Settings {
    /// Projects a stage's own settings struct.
    ///
    /// # Panics
    /// When `settings` cannot be written as JSON (a map with keys that are not strings), which is a mistake in the stage.
    #[must_use]
    pub fn of<T: Serialize>(settings: &T) -> Self {
        Self(serde_json::to_value(settings).expect("a settings struct is plain data"))
    }

    /// The stage's own settings struct back.
    ///
    /// # Errors
    /// When the JSON was not made by [`Settings::of`] with the same type, as after a change of the stage without a change
    /// of its version.
    pub fn parse<T: DeserializeOwned>(&self) -> Result<T, serde_json::Error> {
        T::deserialize(&self.0)
    }
}
