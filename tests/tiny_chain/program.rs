//! The engine with three tiny stages, for the engine's own tests.

mod stages;

use std::process::ExitCode;

fn main() -> ExitCode {
    pipeline::main(stages::registry())
}
