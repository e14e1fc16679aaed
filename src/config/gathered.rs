//! The mistakes of many variants, each once.

use super::error::{ConfigError, ConfigErrors};
use indexmap::IndexMap;

/// Mistakes of variants.
#[derive(Debug, Default)]
pub struct Gathered {
    /// By what is said, where; with the variants that have them, in order.
    known: IndexMap<String, (ConfigError, Vec<usize>)>,
    name: String,
}

impl Gathered {
    /// Notes the mistakes of a variant; variants come in their order.
    pub fn add(&mut self, variant: usize, errors: ConfigErrors) {
        self.name = errors.name().to_owned();
        for error in errors.into_errors() {
            let (_, variants) =
                self.known.entry(error.to_json().to_string()).or_insert_with(|| (error, Vec::new()));
            variants.push(variant);
        }
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.known.is_empty()
    }

    /// All of them, those that not all of `count` variants have with the first one that has.
    #[must_use]
    pub fn report(self, count: usize, describe: impl Fn(usize) -> String) -> ConfigErrors {
        let told = |(error, variants): (ConfigError, Vec<usize>)| match variants.as_slice() {
            [first, more @ ..] if more.len() + 1 < count => {
                let others = match more.len() {
                    0 => String::new(),
                    1 => " and another one".to_owned(),
                    more => format!(" and {more} others"),
                };
                error.and_help(format!("so it is in variant {}{others}", describe(*first)))
            }
            _ => error,
        };
        ConfigErrors::new(&self.name, self.known.into_values().map(told).collect())
    }
}
