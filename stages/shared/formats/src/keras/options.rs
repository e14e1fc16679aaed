//! The options of one layer's configuration, typed.

use super::network::Described;
use crate::FormatError;
use model::Padding;
use serde_json::Value;

/// Reads options of a layer; every error names the layer, its class and the option.
pub(super) struct Options<'a> {
    layer: &'a Described<'a>,
}

impl<'a> Options<'a> {
    pub(super) fn of(layer: &'a Described<'a>) -> Self {
        Self { layer }
    }

    /// The option, unless it is absent or null.
    pub(super) fn get(&self, key: &str) -> Option<&'a Value> {
        self.layer.config.get(key).filter(|value| !value.is_null())
    }

    pub(super) fn refuse(&self, message: impl Into<String>) -> FormatError {
        FormatError::unsupported(&self.layer.name, self.layer.class, message)
    }

    /// Says that an option has a value that is not supported.
    pub(super) fn refuse_value(&self, key: &str, wanted: &str) -> FormatError {
        let found = self.get(key).map_or_else(|| "missing".to_owned(), |value| format!("{value}"));
        FormatError::Option {
            layer: self.layer.name.clone(),
            class: self.layer.class.to_owned(),
            option: key.to_owned(),
            found,
            wanted: wanted.to_owned(),
        }
    }

    /// A finite number.
    pub(super) fn number(&self, key: &str, default: Option<f32>) -> Result<f32, FormatError> {
        let found = match self.get(key) {
            Some(value) => value.as_f64().map(|number| number as f32),
            None => default,
        };
        found.filter(|number| number.is_finite()).ok_or_else(|| self.refuse_value(key, "a number"))
    }

    /// A whole number of at least 1.
    pub(super) fn count(&self, key: &str, default: Option<usize>) -> Result<usize, FormatError> {
        let found = match self.get(key) {
            Some(value) => value.as_u64().and_then(|number| usize::try_from(number).ok()),
            None => default,
        };
        found
            .filter(|number| *number > 0)
            .ok_or_else(|| self.refuse_value(key, "a whole number of at least 1"))
    }

    /// Two whole numbers, or one for both.
    pub(super) fn pair(&self, key: &str, default: Option<usize>) -> Result<(usize, usize), FormatError> {
        let found = match self.get(key) {
            Some(value) => pair(value),
            None => default.map(|both| (both, both)),
        };
        found.ok_or_else(|| self.refuse_value(key, "two whole numbers"))
    }

    /// `[[top, bottom], [left, right]]`, or Keras' shorter forms of it.
    pub(super) fn ends(&self, key: &str) -> Result<[(usize, usize); 2], FormatError> {
        let found = match self.get(key) {
            Some(Value::Array(axes)) if axes.len() == 2 => {
                pair(&axes[0]).zip(pair(&axes[1])).map(|(height, width)| [height, width])
            }
            Some(value) => pair(value).map(|both| [both, both]),
            None => None,
        };
        found.ok_or_else(|| self.refuse_value(key, "[[top, bottom], [left, right]]"))
    }

    /// What happens at the border of windows.
    pub(super) fn border(&self, key: &str) -> Result<Padding, FormatError> {
        match self.text(key, "valid")? {
            "same" => Ok(Padding::Same),
            "valid" => Ok(Padding::Valid),
            _ => Err(self.refuse_value(key, "same, valid")),
        }
    }

    pub(super) fn flag(&self, key: &str, default: bool) -> Result<bool, FormatError> {
        match self.get(key) {
            Some(value) => value.as_bool().ok_or_else(|| self.refuse_value(key, "true or false")),
            None => Ok(default),
        }
    }

    /// Text, or the default.
    pub(super) fn text(&self, key: &str, default: &'static str) -> Result<&'a str, FormatError> {
        match self.get(key) {
            Some(value) => value.as_str().ok_or_else(|| self.refuse_value(key, "text")),
            None => Ok(default),
        }
    }

    /// Refuses a number other than `only`.
    pub(super) fn require_number(&self, key: &str, only: f32) -> Result<(), FormatError> {
        if self.number(key, Some(only))? == only {
            Ok(())
        } else {
            Err(self.refuse_value(key, &only.to_string()))
        }
    }

    /// Refuses a flag other than `only`.
    pub(super) fn require_flag(&self, key: &str, only: bool) -> Result<(), FormatError> {
        if self.flag(key, only)? == only { Ok(()) } else { Err(self.refuse_value(key, &only.to_string())) }
    }

    /// Refuses an option that is set at all.
    pub(super) fn require_unset(&self, key: &str) -> Result<(), FormatError> {
        if self.get(key).is_none() { Ok(()) } else { Err(self.refuse_value(key, "none")) }
    }

    /// Refuses anything but channels last.
    pub(super) fn require_channels_last(&self) -> Result<(), FormatError> {
        match self.text("data_format", "channels_last")? {
            "channels_last" => Ok(()),
            _ => Err(self.refuse_value("data_format", "channels_last")),
        }
    }

    /// Refuses an axis other than the last of an input with `rank` axes besides the batch. Keras 2 may write it as a list.
    pub(super) fn require_last_axis(&self, rank: usize) -> Result<(), FormatError> {
        let axis = match self.get("axis") {
            None => Some(-1),
            Some(Value::Array(one)) if one.len() == 1 => one[0].as_i64(),
            Some(value) => value.as_i64(),
        };
        match axis {
            Some(axis) if axis == -1 || usize::try_from(axis) == Ok(rank) => Ok(()),
            _ => Err(self.refuse_value("axis", "-1, the channels")),
        }
    }

    /// Refuses arithmetic in anything but float32. The policy is a name (`"float32"`) or an object that holds one.
    pub(super) fn require_float32(&self) -> Result<(), FormatError> {
        let name = match self.get("dtype") {
            None => return Ok(()),
            Some(Value::String(name)) => Some(name.as_str()),
            Some(policy) => {
                policy.get("config").and_then(|config| config.get("name")).and_then(Value::as_str)
            }
        };
        if name == Some("float32") { Ok(()) } else { Err(self.refuse_value("dtype", "float32")) }
    }
}

fn pair(value: &Value) -> Option<(usize, usize)> {
    let whole = |value: &Value| value.as_u64().and_then(|number| usize::try_from(number).ok());
    match value {
        Value::Array(two) if two.len() == 2 => whole(&two[0]).zip(whole(&two[1])),
        value => whole(value).map(|both| (both, both)),
    }
}
