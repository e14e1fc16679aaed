//! The stage that runs a user's own program, in any language: files in, files out.
//!
//! ```yaml
//! operation_mode: stages
//! stages:
//!   prepare:
//!     command: python prepare.py {inputs.raw} {outputs.clean.csv}
//!     inputs: {raw: data/raw.csv}
//!     outputs: [clean.csv]
//! ```
//!
//! - `stage`: the [`Command`] stage: what an entry of `stages` becomes, and the program that is started for it
//! - `settings`: what is in its key
//! - `line`: the command line with its `{inputs.NAME}` ...
//! - `shell`: quoting for the shell, and the words of a line that a shell would read
//! - `programs`: the files that a command line names, which are part of the key
//! - `environment`: what a program gets of the environment
//!
//! A program finds the same in `$PIPELINE_REQUEST`, a JSON file ([`contract::protocol::Request`]), writes its outputs below
//! `$PIPELINE_OUT`, and may report on standard output, an event a line: `{"event": "progress", "label": "epoch 1", "done":
//! 1, "total": 10}`, `{"event": "metric", "name": "loss", "value": 0.5, "step": 1}`.

mod environment;
mod line;
mod programs;
mod settings;
mod shell;
mod stage;
#[cfg(test)]
mod tests;

pub use stage::Command;
