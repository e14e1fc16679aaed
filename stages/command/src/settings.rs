//! What is in the key of a command.

use contract::config::Words;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// All that decides what a program makes but the files it reads. Its inputs' paths are not here: the same content
/// elsewhere gives the same result.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Settings {
    /// The command line as it is written.
    pub(crate) command: Words,
    /// Names of the inputs, in file order: `{inputs}` is all of them in this order.
    pub(crate) inputs: Vec<String>,
    /// Paths of the outputs.
    pub(crate) outputs: Vec<String>,
    /// Values.
    pub(crate) params: Map<String, Value>,
    /// Digests of the values of the environment variables that the program gets.
    pub(crate) environment: BTreeMap<String, Option<String>>,
}
