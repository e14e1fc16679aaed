//! `training.model`: a network of the zoo, or one of the user's own.

use super::{
    ModelType, Untyped,
    rules::{POSITIVE, Rules},
};
use crate::{Issue, IssueKind};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// `training.model`: a network of the zoo.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ModelSpec {
    /// Backbone: `mobilenet` or `resnet50`; or `custom`, whose other keys are arguments of its template.
    pub name: String,
    /// Version of the backbone: `v2` for mobilenet, `v1` for resnet50.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Width multiplier of MobileNet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alpha: Option<f64>,
    /// Input size over feature map size: 16 or 8.
    #[serde(default = "sixteen")]
    pub output_stride: usize,
    /// The kind of atrous spatial pyramid pooling.
    #[serde(default)]
    pub aspp: Aspp,
    /// Height, width, channels.
    pub input_shape: (usize, usize, usize),
    /// Weights of the backbone by name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pretrained_weights: Option<PretrainedWeights>,
    /// A model file whose backbone weights are taken, or its http(s) address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pretrained_model_path: Option<PathBuf>,
    /// The YAML layer list of a custom model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<PathBuf>,
    /// The arguments of a custom model's template: all keys that are none of the others. The reader of the file fills it;
    /// no file has this key.
    #[serde(default, skip_serializing_if = "Untyped::is_empty")]
    #[schemars(skip)]
    pub arguments: Untyped,
}

fn sixteen() -> usize {
    16
}

/// The kind of atrous spatial pyramid pooling.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Aspp {
    /// Full 3x3 atrous convolutions.
    #[default]
    V1,
    /// Depthwise 3x3, then 1x1.
    V2,
}

/// Weights of a backbone by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum PretrainedWeights {
    /// The Keras file trained on ImageNet: in `$PIPELINE_WEIGHTS_DIR` or `~/.keras/models`, else fetched there.
    Imagenet,
}

/// Width multipliers that Keras has ImageNet weights of MobileNetV2 for.
const IMAGENET_ALPHAS: [f64; 6] = [0.35, 0.5, 0.75, 1.0, 1.3, 1.4];

const BACKBONES: &str = "the backbones are `name: mobilenet` with `version: v2` and `name: resnet50` with `version: v1`; `name: custom` is a \
     network of your own";

impl ModelSpec {
    /// Whether it is a network of the user's own.
    #[must_use]
    pub fn is_custom(&self) -> bool {
        self.name == "custom"
    }

    /// What is wrong with its values, for `general.model_type`.
    #[must_use]
    pub fn issues(&self, model_type: Option<ModelType>) -> Vec<Issue> {
        let mut rules = Rules::under("training.model");
        self.check_type(model_type, &mut rules);
        self.check_backbone(&mut rules);
        self.check_input(&mut rules);
        self.check_weights(&mut rules);
        rules.into_issues()
    }

    fn check_type(&self, model_type: Option<ModelType>, rules: &mut Rules) {
        let key = "general.model_type";
        match (model_type, self.is_custom()) {
            (None, false) => {
                rules.push(
                    Issue::missing(key, "a network of the zoo has a type")
                        .with_help("write `model_type: deeplab_v3` under `general`"),
                );
            }
            (Some(ModelType::DeeplabV3), true) => {
                let message = "`training.model.name` is custom, and `general.model_type` is deeplab_v3";
                rules.push(
                    Issue::new(IssueKind::Conflict, key, message)
                        .with_help("write `model_type: custom`, or remove it"),
                );
            }
            (Some(ModelType::Custom), false) => {
                let message =
                    format!("`general.model_type` is custom, and `training.model.name` is {}", self.name);
                rules.push(
                    Issue::new(IssueKind::Conflict, rules.key("name"), message)
                        .with_help("write `name: custom`, or `model_type: deeplab_v3` under `general`"),
                );
            }
            (None | Some(ModelType::Custom), true) | (Some(ModelType::DeeplabV3), false) => {}
        }
    }

    fn check_backbone(&self, rules: &mut Rules) {
        match (self.name.as_str(), self.version.as_deref()) {
            ("mobilenet", Some("v2")) | ("resnet50", Some("v1") | None) | ("custom", _) => {}
            ("mobilenet", None) => {
                rules.push(
                    Issue::missing(rules.key("version"), "a backbone has a version")
                        .with_help("write `version: v2` under `training.model`"),
                );
            }
            (name @ ("mobilenet" | "resnet50"), Some(version)) => {
                let message = format!("there is no {name} of version `{version}` here");
                rules.push(Issue::invalid(rules.key("version"), message).with_help(BACKBONES));
            }
            (other, _) => {
                let message = format!("`{other}` is no backbone");
                rules.push(Issue::invalid(rules.key("name"), message).with_help(BACKBONES));
            }
        }
        match (self.name.as_str(), self.alpha) {
            ("mobilenet", None) => {
                rules.push(
                    Issue::missing(rules.key("alpha"), "MobileNetV2 has a width multiplier")
                        .with_help("usual values are 0.35, 0.5, 0.75 and 1.0"),
                );
            }
            ("mobilenet", Some(alpha)) => {
                rules.number("alpha", alpha, POSITIVE);
            }
            ("resnet50", Some(_)) => {
                let message = "a width multiplier belongs to mobilenet, and the backbone is resnet50";
                rules.push(
                    Issue::new(IssueKind::Conflict, rules.key("alpha"), message).with_help("remove it"),
                );
            }
            _ => {}
        }
        if self.file.is_some() && !self.is_custom() {
            let message = format!("`file` describes a custom model, and the backbone is {}", self.name);
            rules.push(Issue::new(IssueKind::Conflict, rules.key("file"), message).with_help("remove it"));
        }
    }

    fn check_input(&self, rules: &mut Rules) {
        let (height, width, channels) = self.input_shape;
        let stride = self.output_stride;
        if channels != 1 && channels != 3 {
            let message = format!("a network input of {channels} channels: images have 1 or 3");
            rules.require("input_shape", false, message);
        }
        let sides = [("height", height), ("width", width)];
        if self.is_custom() {
            for (side, length) in sides {
                rules.require("input_shape", length > 0, format_args!("the {side} is 0"));
            }
            return;
        }
        if stride != 8 && stride != 16 {
            let message = format!("{stride} is no output stride: it is 16 or 8");
            rules.require("output_stride", false, message);
            return;
        }
        for (side, length) in sides.into_iter().filter(|(_, length)| *length == 0 || length % stride != 0) {
            let below = (length / stride).max(1) * stride;
            rules.push(
                Issue::invalid(
                    rules.key("input_shape"),
                    format!("the {side} {length} is not a multiple of the output stride {stride}"),
                )
                .with_help(format!("use {below} or {}", below + stride)),
            );
        }
    }

    fn check_weights(&self, rules: &mut Rules) {
        if self.pretrained_weights.is_some() && self.pretrained_model_path.is_some() {
            let message = "`pretrained_weights` and `pretrained_model_path` both say where weights come from";
            rules.push(
                Issue::new(IssueKind::Conflict, rules.key("pretrained_model_path"), message)
                    .with_help("remove one of them"),
            );
        }
        if self.is_custom() && self.pretrained_model_path.is_some() {
            let message = "which layers of a custom model are its backbone is not known";
            let key = rules.key("pretrained_model_path");
            rules.push(
                Issue::new(IssueKind::Conflict, key, message)
                    .with_help("remove it, or start from a whole model: name it in `general.model_path`"),
            );
        }
        if self.pretrained_weights != Some(PretrainedWeights::Imagenet) {
            return;
        }
        if let ("mobilenet", Some(alpha)) = (self.name.as_str(), self.alpha)
            && alpha > 0.0
            && !IMAGENET_ALPHAS.contains(&alpha)
        {
            let message = format!("there are no ImageNet weights for the width multiplier {alpha}");
            let help =
                format!("there are for {}", IMAGENET_ALPHAS.map(|alpha| format!("{alpha:?}")).join(", "));
            rules.push(Issue::invalid(rules.key("alpha"), message).with_help(help));
        }
        if self.input_shape.2 == 1 {
            let message = "ImageNet weights are for colour images, and the network's input has 1 channel";
            rules.push(
                Issue::new(IssueKind::Conflict, rules.key("pretrained_weights"), message)
                    .with_help("remove it, or use `color_mode: rgb` and 3 channels"),
            );
        }
        if self.is_custom() {
            let message = "there are no ImageNet weights of a custom model";
            rules.push(
                Issue::new(IssueKind::Conflict, rules.key("pretrained_weights"), message)
                    .with_help("remove it"),
            );
        }
    }
}
