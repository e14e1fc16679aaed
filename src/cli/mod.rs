//! The command line: one file for each verb.

mod cache;
mod causes;
mod compare;
mod completions;
mod earlier;
mod exit;
mod explain;
mod format;
mod glance;
#[cfg(test)]
mod help;
mod init;
mod keep;
mod launch;
mod plan;
mod prepare;
mod refusal;
mod resume;
mod run;
mod runs;
mod schema;
mod show;
mod sweep;
mod tool;
mod unchanged;
mod validate;

use crate::{
    report::{colour, screen::AboveBars},
    schedule::{guard, worker},
};
use clap::{ArgMatches, Command, CommandFactory, FromArgMatches, Parser, Subcommand, error::ErrorKind};
use contract::{Registry, Tool};
use exit::Exit;
use refusal::Refusal;
use std::{
    io::{self, Write},
    panic::{AssertUnwindSafe, catch_unwind},
    process::ExitCode,
};
use tracing_subscriber::{filter::Targets, layer::SubscriberExt, util::SubscriberInitExt};

/// A declarative pipeline engine: one YAML file in, trained, quantized and measured models out.
#[derive(Debug, Parser)]
#[command(name = "pipeline", version, after_help = AFTER_HELP)]
struct CommandLine {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    Run(run::RunArgs),
    Resume(resume::ResumeArgs),
    Sweep(sweep::SweepArgs),
    Plan(plan::PlanArgs),
    Explain(explain::ExplainArgs),
    Validate(validate::ValidateArgs),
    Init(init::InitArgs),
    Schema(schema::SchemaArgs),
    Runs(runs::RunsArgs),
    Show(show::ShowArgs),
    Compare(compare::CompareArgs),
    Cache(cache::CacheArgs),
    Completions(completions::CompletionsArgs),
    /// Run one stage for an engine that speaks with it over pipes
    #[command(name = crate::schedule::STAGE_VERB, hide = true)]
    Stage,
    /// Kill the stages of an engine that was killed
    #[command(name = crate::schedule::guard::VERB, hide = true)]
    Guard,
}

const AFTER_HELP: &str = "\
Examples:
  pipeline run chain_tqe.yaml                          do what the file says, but for what is stored
  pipeline run chain_tqe.yaml training.epochs=60       the same with a change
  pipeline plan chain_tqe.yaml                         what would run, and why
  pipeline explain chain_tqe.yaml                      why it would, value by value
  pipeline resume                                      go on with the newest run that is not done
  pipeline show                                        what happened in the newest run

Exit codes:
   0  done
   1  a bug: please report it
   2  the command line is wrong
   3  plan --check: a run would run something
  10  the configuration is wrong
  11  the plan cannot run, or preflight found errors
  12  a stage or a tool failed, or the system: a full disk
  13  cancelled; `pipeline resume` goes on
  14  the store is corrupt and could not be rebuilt; cache verify: something was corrupt

Environment:
  PIPELINE_CACHE_DIR   the folder of stored results
  PIPELINE_CACHE_SIZE  how large it may grow: 20GB if not set, or off
  PIPELINE_LOG         what developers see: debug, pipeline=trace
  NO_COLOR             no colours
  CI, TERM=dumb        no progress bars";

/// The whole program, for the stages and tools in `registry`. A binary with own ones is this call in its `main`:
///
/// ```no_run
/// fn main() -> std::process::ExitCode {
///     pipeline::main(pipeline::stages::registry())
/// }
/// ```
#[must_use]
#[expect(
    clippy::needless_pass_by_value,
    reason = "a program hands over its stages and tools and has no more use for them"
)]
pub fn main(registry: Registry) -> ExitCode {
    let asked = command(&registry).and_then(|command| Asked::read(command, &registry));
    let asked = match asked {
        Ok(asked) => asked,
        Err(error) => {
            // Help and version are no errors; nobody may be reading either.
            error.print().ok();
            return if error.use_stderr() { Exit::Usage } else { Exit::Done }.into();
        }
    };
    install_tracing();
    match asked {
        Asked::Verb(Verb::Stage) => return worker::work(&registry),
        Asked::Verb(Verb::Guard) => return guard::watch(),
        _ => {}
    }
    // The panic hook has told the panic; what is left is the exit code. Children die with their guard.
    let done = catch_unwind(AssertUnwindSafe(|| match &asked {
        Asked::Tool(tool, matches) => tool::run(*tool, matches),
        Asked::Verb(verb) => act(verb, &registry),
    }));
    match done {
        Ok(Ok(exit)) => exit.into(),
        Ok(Err(refusal)) => refuse(&refusal).into(),
        Err(_) => Exit::Bug.into(),
    }
}

/// What a command line asks for.
enum Asked<'a> {
    /// A verb of the engine.
    Verb(Verb),
    /// A tool, and what its parameters are.
    Tool(&'a dyn Tool, ArgMatches),
}

impl<'a> Asked<'a> {
    fn read(command: Command, registry: &'a Registry) -> Result<Self, clap::Error> {
        let mut matches = command.try_get_matches()?;
        match matches.subcommand_name().and_then(|name| registry.tool(name)) {
            Some(tool) => {
                Ok(Self::Tool(tool, matches.remove_subcommand().map(|(_, own)| own).unwrap_or_default()))
            }
            None => Ok(Self::Verb(CommandLine::from_arg_matches(&matches)?.verb)),
        }
    }
}

/// The command line with the tools of a registry.
fn command(registry: &Registry) -> Result<Command, clap::Error> {
    let own = CommandLine::command();
    for tool in registry.tools() {
        if tool.name() == "help" || own.find_subcommand(tool.name()).is_some() {
            let message =
                format!("the tool `{0}` needs another name: `{0}` is a verb of the engine\n", tool.name());
            return Err(clap::Error::raw(ErrorKind::InvalidSubcommand, message));
        }
    }
    Ok(own.subcommands(registry.tools().map(tool::command)))
}

fn act(verb: &Verb, registry: &Registry) -> Result<Exit, Refusal> {
    match verb {
        Verb::Run(args) => run::run(args, registry),
        Verb::Sweep(args) => sweep::sweep(args, registry),
        Verb::Resume(args) => resume::resume(args, registry),
        Verb::Plan(args) => plan::plan(args, registry),
        Verb::Explain(args) => explain::explain(args, registry),
        Verb::Runs(args) => runs::runs(args),
        Verb::Show(args) => show::show(args),
        Verb::Compare(args) => compare::compare(args),
        Verb::Cache(args) => cache::cache(args),
        Verb::Completions(args) => completions::completions(args, registry),
        Verb::Validate(args) => validate::validate(args, registry),
        Verb::Init(args) => init::init(args),
        Verb::Schema(args) => schema::schema(args),
        Verb::Stage | Verb::Guard => Ok(Exit::Bug),
    }
}

fn refuse(refusal: &Refusal) -> Exit {
    // Nobody may be listening.
    io::stderr().lock().write_all(refusal.render(colour()).as_bytes()).ok();
    refusal.exit()
}

/// What developers want to see goes to standard error; what users see comes through the events.
fn install_tracing() {
    const DEFAULT: &str = "warn";
    let wanted = std::env::var("PIPELINE_LOG").ok().filter(|wanted| !wanted.is_empty());
    let parsed = wanted.as_deref().unwrap_or(DEFAULT).parse::<Targets>();
    let told = parsed.as_ref().err().map(ToString::to_string);
    let filter = parsed.unwrap_or_default();
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(|| AboveBars)
        .with_ansi(colour())
        .with_target(false)
        .without_time();
    tracing_subscriber::registry().with(lines).with(filter).init();
    if let Some(error) = told {
        let wanted = wanted.unwrap_or_default();
        eprintln!(
            "PIPELINE_LOG=`{wanted}` is not understood ({error}): write a level such as debug, or pipeline=trace"
        );
    }
}
