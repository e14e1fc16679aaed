//! The command line: one file for each verb.

mod exit;
mod init;
mod plan;
mod prepare;
mod refusal;
mod run;
mod validate;

use crate::{
    report::colour,
    schedule::{guard, worker},
};
use clap::{Parser, Subcommand};
use contract::Registry;
use exit::Exit;
use refusal::Refusal;
use std::{
    io::{self, Write},
    panic::{AssertUnwindSafe, catch_unwind},
    process::ExitCode,
};
use tracing_subscriber::EnvFilter;

/// A declarative pipeline engine: one YAML file in, trained, quantized and measured models out.
#[derive(Debug, Parser)]
#[command(name = "pipeline", version, after_help = EXIT_CODES)]
struct CommandLine {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    Run(run::RunArgs),
    Plan(plan::PlanArgs),
    Validate(validate::ValidateArgs),
    Init(init::InitArgs),
    /// Run one stage for an engine that speaks with it over pipes
    #[command(name = crate::schedule::STAGE_VERB, hide = true)]
    Stage,
    /// Kill the stages of an engine that was killed
    #[command(name = crate::schedule::guard::VERB, hide = true)]
    Guard,
}

const EXIT_CODES: &str = "Exit codes: 0 done, 1 a bug, 2 usage, 10 invalid configuration, 11 invalid plan or preflight \
errors, 12 a stage failed, 13 cancelled, 14 corrupt store.\n\
Environment: PIPELINE_CACHE_DIR the folder of stored results, PIPELINE_LOG what developers see (debug, pipeline=trace), \
NO_COLOR no colours and no progress bars.";

/// The whole program, for the stages in `registry`. A binary with own stages is this call in its `main`:
///
/// ```no_run
/// fn main() -> std::process::ExitCode {
///     pipeline::main(pipeline::stages::registry())
/// }
/// ```
#[must_use]
#[expect(
    clippy::needless_pass_by_value,
    reason = "a program hands over its stages and has no more use for them"
)]
pub fn main(registry: Registry) -> ExitCode {
    let CommandLine { verb } = match CommandLine::try_parse() {
        Ok(line) => line,
        Err(error) => {
            // Help and version are no errors; nobody may be reading either.
            error.print().ok();
            return if error.use_stderr() { Exit::Usage } else { Exit::Done }.into();
        }
    };
    install_tracing();
    let verb = match verb {
        Verb::Stage => return worker::work(&registry),
        Verb::Guard => return guard::watch(),
        verb => verb,
    };
    // The panic hook has told the panic; what is left is the exit code. Children die with their guard.
    let done = catch_unwind(AssertUnwindSafe(|| match &verb {
        Verb::Run(args) => run::run(args, &registry),
        Verb::Plan(args) => plan::plan(args, &registry),
        Verb::Validate(args) => Ok(validate::validate(args, &registry)),
        Verb::Init(args) => Ok(init::init(args)),
        Verb::Stage | Verb::Guard => Ok(Exit::Bug),
    }));
    match done {
        Ok(Ok(exit)) => exit.into(),
        Ok(Err(refusal)) => refuse(&refusal).into(),
        Err(_) => Exit::Bug.into(),
    }
}

fn refuse(refusal: &Refusal) -> Exit {
    // Nobody may be listening.
    io::stderr().lock().write_all(refusal.render(colour()).as_bytes()).ok();
    refusal.exit()
}

/// What developers want to see goes to standard error; what users see comes through the events.
fn install_tracing() {
    let filter = EnvFilter::try_from_env("PIPELINE_LOG").unwrap_or_else(|_| EnvFilter::new("warn"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr)
        .with_ansi(colour())
        .with_target(false)
        .without_time()
        .init();
}
