//! Names of layers in the weights of `.keras` files.

use std::collections::BTreeMap;

/// Names layers by their classes, in the order of the model's list: `conv2d`, `conv2d_1`, ...
///
/// Source: `_save_container_state` in `keras/src/saving/saving_lib.py`.
#[derive(Default)]
pub(super) struct Stored {
    used: BTreeMap<String, usize>,
}

impl Stored {
    /// The name of the next layer.
    pub(super) fn next(&mut self, class: &str) -> String {
        let class = if class == "Model" { "Functional" } else { class };
        let name = snake_case(class);
        let count = self.used.entry(name.clone()).or_default();
        *count += 1;
        if *count == 1 { name } else { format!("{name}_{}", *count - 1) }
    }
}

/// Keras' `to_snake_case`: a break before a capital that small letters follow, and between a small letter and a capital.
fn snake_case(class: &str) -> String {
    let letters: Vec<char> =
        class.chars().filter(|letter| letter.is_alphanumeric() || *letter == '_').collect();
    let mut name = String::with_capacity(letters.len() + 4);
    for (index, letter) in letters.iter().enumerate() {
        let before = index.checked_sub(1).map(|before| letters[before]);
        let after = letters.get(index + 1);
        let begins_word = letter.is_ascii_uppercase() && after.is_some_and(char::is_ascii_lowercase);
        let ends_word =
            letter.is_ascii_uppercase() && before.is_some_and(|before| before.is_ascii_lowercase());
        if before.is_some() && (begins_word || ends_word) {
            name.push('_');
        }
        name.extend(letter.to_lowercase());
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As Keras 3.15 stores them.
    #[test]
    fn classes_become_the_names_that_keras_stores() {
        let known = [
            ("InputLayer", "input_layer"),
            ("Conv2D", "conv2d"),
            ("DepthwiseConv2D", "depthwise_conv2d"),
            ("SeparableConv2D", "separable_conv2d"),
            ("Conv2DTranspose", "conv2d_transpose"),
            ("BatchNormalization", "batch_normalization"),
            ("ReLU", "re_lu"),
            ("LeakyReLU", "leaky_re_lu"),
            ("PReLU", "p_re_lu"),
            ("GlobalAveragePooling2D", "global_average_pooling2d"),
            ("MaxPooling2D", "max_pooling2d"),
            ("UpSampling2D", "up_sampling2d"),
            ("ZeroPadding2D", "zero_padding2d"),
            ("SpatialDropout2D", "spatial_dropout2d"),
            ("Functional", "functional"),
        ];
        for (class, name) in known {
            assert_eq!(snake_case(class), name);
        }
    }

    #[test]
    fn layers_of_one_class_are_numbered_from_the_second_on() {
        let mut stored = Stored::default();
        let names = ["ReLU", "Conv2D", "ReLU", "ReLU"].map(|class| stored.next(class));
        assert_eq!(names, ["re_lu", "conv2d", "re_lu_1", "re_lu_2"]);
    }
}
