//! Verbs that tools add: their parameters as clap has them, and what they show.

use super::{Exit, Refusal, format::print};
use crate::report;
use clap::{Arg, ArgMatches, Command, ValueHint, builder::PossibleValuesParser, value_parser};
use contract::{Arguments, Parameter, ParameterKind, Tool};
use std::ffi::OsString;

/// The verb of a tool.
pub(super) fn command(tool: &dyn Tool) -> Command {
    let command = Command::new(tool.name()).about(tool.about()).args(tool.parameters().iter().map(argument));
    match tool.examples() {
        "" => command,
        examples => command.after_help(format!("Examples:\n{examples}")),
    }
}

fn argument(parameter: &Parameter) -> Arg {
    let argument = Arg::new(parameter.name).value_name(parameter.value).help(parameter.about);
    match parameter.kind {
        ParameterKind::File { .. } => {
            argument.required(true).value_hint(ValueHint::FilePath).value_parser(value_parser!(OsString))
        }
        ParameterKind::Choice { values } => argument
            .long(parameter.name)
            .default_value(values.first().copied().unwrap_or_default())
            .value_parser(PossibleValuesParser::new(values)),
    }
}

pub(super) fn run(tool: &dyn Tool, matches: &ArgMatches) -> Result<Exit, Refusal> {
    let arguments = tool.parameters().iter().fold(Arguments::default(), |arguments, parameter| {
        let name = parameter.name;
        let value = match parameter.kind {
            ParameterKind::File { .. } => matches.get_one::<OsString>(name).cloned(),
            ParameterKind::Choice { .. } => matches.get_one::<String>(name).map(OsString::from),
        };
        // clap has seen to it that each has a value.
        match value {
            Some(value) => arguments.with(name, value),
            None => arguments,
        }
    });
    print(&report::page(&tool.run(&arguments)?))
}
