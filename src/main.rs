//! The `pipeline` program: the engine with the built-in stages.

use std::process::ExitCode;

fn main() -> ExitCode {
    pipeline::main(pipeline::stages::registry())
}
