//! A network of the user's own, described by a layer list.

use super::{
    Start,
    ports::{LAYERS, file},
};
use crate::{ModelSettings, TrainError, TrainSettings};
use contract::{Finding, Input};
use formats::layer_list::{Arguments, LayerList};
use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
};

/// The list that comes with the program, as messages call it.
const SHIPPED: &str = "pipelines/models/custom.yaml";

/// Arguments that every list is given, whether or not the configuration names them.
const ALWAYS: [&str; 2] = ["output_stride", "aspp"];

impl Start {
    /// The network of the layer list at its port, or of the one in the settings. None where another stage is yet to make
    /// it.
    pub(super) fn custom(
        settings: &TrainSettings,
        inputs: &BTreeMap<String, Input>,
    ) -> Result<Option<Self>, TrainError> {
        let ModelSettings::Custom { input_shape, arguments, layers } = &settings.model else {
            return Ok(None);
        };
        let (name, text) = match (file(inputs, LAYERS), layers) {
            (Some((name, path)), _) => (name, Cow::Owned(fs_err::read_to_string(path)?)),
            (None, Some(text)) => (SHIPPED, Cow::Borrowed(text.as_str())),
            (None, None) => return Ok(None),
        };
        let listed = LayerList { name, text: &text }.network(&Arguments {
            classes: settings.classes,
            input_shape: *input_shape,
            dropout: settings.dropout,
            others: arguments,
        })?;
        Ok(Some(Self {
            graph: listed.graph,
            loaded: BTreeSet::new(),
            kept: None,
            name: format!("the network of `{name}`"),
            unused: listed.unused.into_iter().filter(|name| !ALWAYS.contains(&name.as_str())).collect(),
        }))
    }

    /// Arguments that the template does not use.
    pub(super) fn without_effect(&self) -> Vec<Finding> {
        let warning = |argument: &String| {
            let (key, help) = match argument.as_str() {
                "dropout" => {
                    ("training.dropout", "write `rate: {{ dropout }}` in its Dropout layer".to_owned())
                }
                other => ("training.model", format!("use it there, as in {{{{ {other} }}}}, or remove it")),
            };
            let message = format!("{} does not use the argument `{argument}` of `{key}`", self.name);
            Finding::warning("layers::unused_argument", message).with_help(help)
        };
        self.unused.iter().map(warning).collect()
    }
}
