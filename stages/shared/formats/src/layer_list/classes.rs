//! What each class may be given: Keras' arguments, as far as they change what is computed.

use serde_json::{Map, Value};

/// A class of layers.
pub(super) struct Class {
    pub(super) name: &'static str,
    /// Its arguments, but for `name` and `inputs`.
    pub(super) arguments: &'static [&'static str],
}

/// Arguments of every layer.
pub(super) const COMMON: [&str; 2] = ["name", "inputs"];

/// The input, which may be named and nothing else.
pub(super) const INPUT: &str = "InputLayer";

/// All classes, in the order in which messages name them.
pub(super) const CLASSES: &[Class] = &[
    class(
        "Conv2D",
        &[
            "filters",
            "kernel_size",
            "strides",
            "padding",
            "dilation_rate",
            "use_bias",
            "activation",
            "kernel_initializer",
        ],
    ),
    class(
        "DepthwiseConv2D",
        &[
            "kernel_size",
            "strides",
            "padding",
            "depth_multiplier",
            "dilation_rate",
            "use_bias",
            "activation",
            "depthwise_initializer",
        ],
    ),
    class(
        "SeparableConv2D",
        &[
            "filters",
            "kernel_size",
            "strides",
            "padding",
            "dilation_rate",
            "depth_multiplier",
            "use_bias",
            "activation",
            "depthwise_initializer",
        ],
    ),
    class(
        "Conv2DTranspose",
        &[
            "filters",
            "kernel_size",
            "strides",
            "padding",
            "output_padding",
            "dilation_rate",
            "use_bias",
            "activation",
            "kernel_initializer",
        ],
    ),
    class("Dense", &["units", "use_bias", "activation", "kernel_initializer"]),
    class("BatchNormalization", &["momentum", "epsilon", "center", "scale"]),
    class("ReLU", &["max_value", "negative_slope", "threshold"]),
    class("LeakyReLU", &["negative_slope"]),
    class("PReLU", &["shared_axes"]),
    class("Activation", &["activation"]),
    class("Softmax", &[]),
    class("Add", &[]),
    class("Multiply", &[]),
    class("Concatenate", &[]),
    class("ZeroPadding2D", &["padding"]),
    class("Cropping2D", &["cropping"]),
    class("MaxPooling2D", &["pool_size", "strides", "padding"]),
    class("AveragePooling2D", &["pool_size", "strides", "padding"]),
    class("GlobalAveragePooling2D", &["keepdims"]),
    class("UpSampling2D", &["size", "interpolation"]),
    class("Resizing", &["height", "width", "interpolation"]),
    class("Reshape", &["target_shape"]),
    class("Flatten", &[]),
    class("Dropout", &["rate"]),
    class("SpatialDropout2D", &["rate"]),
    class("Rescaling", &["scale", "offset"]),
];

const fn class(name: &'static str, arguments: &'static [&'static str]) -> Class {
    Class { name, arguments }
}

impl Class {
    /// The class of that name.
    pub(super) fn find(name: &str) -> Option<&'static Self> {
        CLASSES.iter().find(|class| class.name == name)
    }

    /// Adds what Keras' constructors take for arguments that are not given, where files always say it.
    pub(super) fn add_defaults(&self, config: &mut Map<String, Value>) {
        let (name, value) = match self.name {
            "ZeroPadding2D" => ("padding", 1),
            "Cropping2D" => ("cropping", 0),
            _ => return,
        };
        if config.get(name).is_none_or(Value::is_null) {
            config.insert(name.to_owned(), value.into());
        }
    }
}

/// What Keras calls a layer of this class that has no name: `conv2d`, `batch_normalization`, `re_lu`.
///
/// Source: `to_snake_case` in `keras/src/utils/naming.py`.
pub(super) fn stem(class: &str) -> String {
    let letters: Vec<char> = class.chars().collect();
    let mut stem = String::new();
    for (position, letter) in letters.iter().enumerate() {
        let before = position.checked_sub(1).map(|before| letters[before]);
        let after = letters.get(position + 1);
        // A word begins where a capital follows a small letter, or comes before one.
        let begins = letter.is_ascii_uppercase()
            && before.is_some_and(|before| {
                before.is_ascii_lowercase() || after.is_some_and(char::is_ascii_lowercase)
            });
        if begins {
            stem.push('_');
        }
        stem.push(letter.to_ascii_lowercase());
    }
    stem
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What `keras.layers.X(...).name` is without a number.
    #[test]
    fn layers_without_a_name_are_called_as_in_keras() {
        let names = [
            ("Conv2D", "conv2d"),
            ("DepthwiseConv2D", "depthwise_conv2d"),
            ("SeparableConv2D", "separable_conv2d"),
            ("Conv2DTranspose", "conv2d_transpose"),
            ("Dense", "dense"),
            ("BatchNormalization", "batch_normalization"),
            ("ReLU", "re_lu"),
            ("LeakyReLU", "leaky_re_lu"),
            ("PReLU", "p_re_lu"),
            ("ZeroPadding2D", "zero_padding2d"),
            ("GlobalAveragePooling2D", "global_average_pooling2d"),
            ("UpSampling2D", "up_sampling2d"),
            ("SpatialDropout2D", "spatial_dropout2d"),
        ];
        for (class, name) in names {
            assert_eq!(stem(class), name);
        }
    }
}
