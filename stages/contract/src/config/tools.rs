//! `tools`: programs of others. A path that is not there matters only when its tool is going to be used.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// Programs of others.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Tools {
    /// STEdgeAI.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stedgeai: Option<Stedgeai>,
    /// STM32Cube.AI, the name of STEdgeAI before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stm32ai: Option<Stm32ai>,
    /// The program of STM32CubeIDE.
    #[serde(rename = "path_to_cubeIDE", skip_serializing_if = "Option::is_none")]
    pub path_to_cube_ide: Option<PathBuf>,
}

/// STEdgeAI.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Stedgeai {
    /// Its version, such as 10.0.0.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// What its code is made for.
    pub optimization: Optimization,
    /// Whether ST's developer cloud does the work.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub on_cloud: Option<bool>,
    /// Its program.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path_to_stedgeai: Option<PathBuf>,
    /// The script that loads a model onto an STM32N6.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path_to_loader: Option<PathBuf>,
}

/// STM32Cube.AI.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Stm32ai {
    /// Its version, such as 8.1.0.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// What its code is made for.
    pub optimization: Optimization,
    /// Whether ST's developer cloud does the work.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub on_cloud: Option<bool>,
    /// Its program.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path_to_stm32ai: Option<PathBuf>,
}

/// What code is made for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Optimization {
    /// Speed and memory.
    #[default]
    Balanced,
    /// Speed.
    Time,
    /// Memory.
    Ram,
}
