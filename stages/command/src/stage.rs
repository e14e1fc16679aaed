//! The stage.

use crate::{
    environment,
    line::{self, Names, Values},
    programs::{self, Named},
    settings::Settings as Own,
};
use contract::{
    ArtifactKind, Config, Cores, Declared, Entry, InputContent, InputPort, Issue, IssueKind, Looked,
    OutputPort, Outputs, Program, Resources, Settings, SourceContent, Stage, StageContext, StageError,
    config::Words, protocol::Request,
};
use serde_json::Value;
use std::{
    borrow::Cow,
    path::{Component, Path},
};

/// Everything that a file can be.
const ANY: &[ArtifactKind] = &[
    ArtifactKind::File,
    ArtifactKind::FloatModel,
    ArtifactKind::QuantizedModel,
    ArtifactKind::Metrics,
    ArtifactKind::ImageSet,
];

/// Runs a user's own program.
pub struct Command;

impl Stage for Command {
    fn name(&self) -> &'static str {
        "command"
    }

    fn about(&self) -> &'static str {
        "runs a program of your own: files in, files out"
    }

    fn version(&self) -> u32 {
        1
    }

    fn inputs(&self) -> &'static [InputPort] {
        &[]
    }

    fn outputs(&self) -> &'static [OutputPort] {
        &[]
    }

    fn settings(&self, _config: &Config) -> Result<Settings, Vec<Issue>> {
        Err(vec![Issue::missing("stages", "a command is an entry of this section")])
    }

    fn declare(&self, entry: &Entry<'_>) -> Option<Result<Declared, Vec<Issue>>> {
        Some(declare(entry))
    }

    fn resources(&self, _settings: &Settings) -> Resources {
        Resources { cores: Cores::Count(1), ..Resources::default() }
    }

    fn program(&self, request: &Request) -> Result<Option<Program>, StageError> {
        let own: Own = request.settings.parse().map_err(|error| {
            StageError::failed("command::settings", format!("these are no settings of a command: {error}"))
        })?;
        let command = line::filled(&own.command, &names(&own), &Filling { request, own: &own });
        let environment = environment::environment(own.environment.keys().map(String::as_str));
        Ok(Some(Program { command, environment }))
    }

    fn run(&self, _settings: &Settings, _context: &StageContext) -> Result<Outputs, StageError> {
        Err(StageError::failed("command::no_program", "a command is started by the engine itself"))
    }
}

fn declare(entry: &Entry<'_>) -> Result<Declared, Vec<Issue>> {
    let spec = entry.spec;
    let Some(command) = spec.command.as_ref().filter(|words| !is_blank(words)) else {
        let help = "write the command line, or name a stage of this program in `uses`";
        return Err(vec![Issue::missing("command", "there is nothing to run").with_help(help)]);
    };
    let own = Own {
        command: command.clone(),
        inputs: spec.inputs.0.keys().cloned().collect(),
        outputs: spec.outputs.clone(),
        params: spec.params.clone(),
        environment: environment::digests(&spec.environment),
    };
    let mut issues = bad_outputs(&spec.outputs);
    issues.extend(own.inputs.iter().filter_map(|name| bad_input(name)));
    issues.extend(spec.environment.iter().enumerate().filter_map(bad_variable));
    issues.extend(line::mistakes(command, &names(&own)));
    issues.extend(programs::missing(command).map(no_program));
    if !issues.is_empty() {
        return Err(issues);
    }
    let Named { sources, no_files } = Named::of(entry.name, command);
    let ports = own.inputs.iter().chain(sources.keys());
    let variables = [environment::SEARCH_PATH.to_owned()].into_iter().chain(spec.environment.iter().cloned());
    Ok(Declared {
        settings: Settings::of(&own),
        inputs: ports.map(|name| port(name)).collect(),
        outputs: own.outputs.iter().map(|path| output(path)).collect(),
        sources,
        copies: Vec::new(),
        looked: Some(Looked { no_files, variables: variables.collect() }),
    })
}

fn is_blank(words: &Words) -> bool {
    match words {
        Words::Shell(line) => line.trim().is_empty(),
        Words::List(words) => words.first().is_none_or(|program| program.trim().is_empty()),
    }
}

fn port(name: &str) -> InputPort {
    InputPort {
        name: Cow::Owned(name.to_owned()),
        accepts: Cow::Borrowed(ANY),
        optional: false,
        named: false,
    }
}

fn output(path: &str) -> OutputPort {
    OutputPort { name: Cow::Owned(path.to_owned()), kind: ArtifactKind::of_file(Path::new(path)) }
}

/// Outputs are files below the stage's own folder, each once, in plain form: `a/b.txt`.
fn bad_outputs(outputs: &[String]) -> Vec<Issue> {
    let bad = |(position, path): (usize, &String)| {
        let parts = Path::new(path).components();
        let inside = !path.is_empty() && parts.clone().all(|part| matches!(part, Component::Normal(_)));
        let plain = inside
            && parts.map(|part| part.as_os_str().to_string_lossy()).collect::<Vec<_>>().join("/") == *path;
        let earlier = outputs.iter().take(position);
        let clash = earlier.clone().find(|other| {
            let below = |a: &str, b: &str| a.strip_prefix(b).is_some_and(|rest| rest.starts_with('/'));
            *other == path || below(other, path) || below(path, other)
        });
        let message = match clash {
            _ if !plain => format!("`{path}` is no path of a file below the stage's own folder"),
            Some(other) if other == path => format!("`{path}` is listed twice"),
            Some(other) => format!("`{path}` and `{other}` cannot both be files"),
            None => return None,
        };
        let help = "name files as `result.csv` or `tables/result.csv`; the program writes them below `$PIPELINE_OUT`";
        Some(Issue::invalid(format!("outputs[{position}]"), message).with_help(help))
    };
    outputs.iter().enumerate().filter_map(bad).collect()
}

/// An input of a mapping has a name that can stand in `{inputs.NAME}` and is no position.
fn bad_input(name: &str) -> Option<Issue> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-".contains(c);
    let good = name.parse::<usize>().is_ok()
        || name.chars().all(plain) && name.starts_with(|c: char| c.is_ascii_alphabetic());
    let message =
        || format!("`{name}` is no name for an input: letters, digits, `_` and `-`, a letter in front");
    (!good).then(|| Issue::invalid("inputs", message()))
}

fn bad_variable((position, name): (usize, &String)) -> Option<Issue> {
    let key = format!("environment[{position}]");
    let message = match name.split_once('=') {
        Some((name, _)) => {
            format!("`{name}=...` sets a variable; `environment` lists names of variables that are passed on")
        }
        None if !environment::is_name(name) => format!("`{name}` is no name of an environment variable"),
        None => return None,
    };
    Some(
        Issue::invalid(key, message)
            .with_help("set it before you start, or write `NAME=value` in front of the command"),
    )
}

fn no_program(program: &str) -> Issue {
    let message = match program.contains('/') {
        true => format!("there is no program `{program}`"),
        false => format!("there is no program `{program}` in `PATH`"),
    };
    Issue::new(IssueKind::Path, "command[0]", message)
        .with_help("install it, or write its path; a line for the shell is written as text, not as a list")
}

fn names(own: &Own) -> Names<'_> {
    Names {
        inputs: own.inputs.iter().map(String::as_str).collect(),
        outputs: own.outputs.iter().map(String::as_str).collect(),
        params: own.params.keys().map(String::as_str).collect(),
    }
}

/// What names stand for in one attempt.
struct Filling<'a> {
    request: &'a Request,
    own: &'a Own,
}

impl Values for Filling<'_> {
    fn input(&self, name: &str) -> String {
        let path = match self.request.inputs.get(name).map(|input| &input.content) {
            Some(InputContent::File { path, .. } | InputContent::Source(SourceContent::Folder(path))) => path,
            _ => return String::new(),
        };
        path.to_string_lossy().into_owned()
    }

    fn output(&self, name: &str) -> String {
        self.request.out.join(name).to_string_lossy().into_owned()
    }

    fn param(&self, name: &str) -> String {
        match self.own.params.get(name) {
            Some(Value::String(text)) => text.clone(),
            Some(value) => value.to_string(),
            None => String::new(),
        }
    }
}
