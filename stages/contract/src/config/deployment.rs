//! `deployment`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// Code for a board. A path that is not there matters only when it is going to be used.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Deployment {
    /// The application's project.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub c_project_path: Option<PathBuf>,
    /// The tool chain.
    #[serde(rename = "IDE", skip_serializing_if = "Option::is_none")]
    pub ide: Option<Ide>,
    /// How much the tools tell.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verbosity: Option<u8>,
    /// The project's build configuration.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub build_conf: Option<String>,
    /// A file with the names of the classes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub label_file_path: Option<PathBuf>,
    /// The folder on the board.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub board_deploy_path: Option<PathBuf>,
    /// The board.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hardware_setup: Option<HardwareSetup>,
}

/// The tool chain, in any letter case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Ide {
    /// The GNU tool chain.
    GCC,
}

/// A board and how it is reached.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct HardwareSetup {
    /// Series of the microcontroller, such as `STM32N6`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub serie: Option<String>,
    /// The board, such as `STM32N6570-DK`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub board: Option<String>,
    /// Serial number of its ST-LINK, where several are connected.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stlink_serial_number: Option<String>,
    /// Its address in the network, for an STM32MP.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ip_address: Option<String>,
    /// Where images come from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub input: Option<String>,
    /// Where results go.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output: Option<String>,
}
