//! The command line and what stands in it for paths and values: `{inputs.NAME}`, `{outputs.NAME}`, `{params.NAME}`, and
//! `{inputs}`, `{outputs}` for all of them. Other braces are the program's own.

use crate::shell;
use contract::{CommandLine, Issue, config::Words, suggest};
use std::ops::Range;

/// What can be named in a command line.
pub(crate) struct Names<'a> {
    pub(crate) inputs: Vec<&'a str>,
    pub(crate) outputs: Vec<&'a str>,
    pub(crate) params: Vec<&'a str>,
}

/// The text that names stand for.
pub(crate) trait Values {
    fn input(&self, name: &str) -> String;
    fn output(&self, name: &str) -> String;
    fn param(&self, name: &str) -> String;
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Group {
    Inputs,
    Outputs,
    Params,
}

/// A `{...}` in a text.
struct Hole<'t> {
    range: Range<usize>,
    group: Group,
    /// One of the group; all of it without a name.
    name: Option<&'t str>,
}

/// The holes of a text, from left to right.
fn holes(text: &str) -> Vec<Hole<'_>> {
    const GROUPS: [(&str, Group); 3] =
        [("inputs", Group::Inputs), ("outputs", Group::Outputs), ("params", Group::Params)];
    let mut holes = Vec::new();
    let mut from = 0;
    while let Some(open) = text[from..].find('{').map(|at| from + at) {
        from = open + 1;
        let Some(inner) = text[from..].split_once('}').map(|(inner, _)| inner) else { break };
        let found = GROUPS.iter().find_map(|(word, group)| {
            let rest = inner.strip_prefix(word)?;
            match rest.strip_prefix('.') {
                Some(name) => Some((*group, Some(name))),
                None => (rest.is_empty() && *group != Group::Params).then_some((*group, None)),
            }
        });
        if let Some((group, name)) = found {
            let end = from + inner.len() + 1;
            holes.push(Hole { range: open..end, group, name });
            from = end;
        }
    }
    holes
}

/// The names in a command line that stand for nothing.
pub(crate) fn mistakes(words: &Words, names: &Names<'_>) -> Vec<Issue> {
    let texts: Vec<(String, &str)> = match words {
        Words::Shell(line) => vec![("command".to_owned(), line.as_str())],
        Words::List(words) => {
            let key = |position| format!("command[{position}]");
            words.iter().enumerate().map(|(position, word)| (key(position), word.as_str())).collect()
        }
    };
    let all = texts.iter().flat_map(|(key, text)| holes(text).into_iter().map(move |hole| (key, hole)));
    all.filter_map(|(key, hole)| {
        let (word, known) = match hole.group {
            Group::Inputs => ("inputs", &names.inputs),
            Group::Outputs => ("outputs", &names.outputs),
            Group::Params => ("params", &names.params),
        };
        let name = hole.name.filter(|name| !known.contains(name))?;
        let message = format!("`{{{word}.{name}}}` stands for nothing: `{word}` has no `{name}`");
        Some(Issue::invalid(key, message).with_help(legal(word, name, known)))
    })
    .collect()
}

fn legal(word: &str, name: &str, known: &[&str]) -> String {
    match (suggest::nearest(name, known.iter().copied()), known) {
        (Some(nearest), _) => format!("did you mean `{{{word}.{nearest}}}`?"),
        (None, []) => format!("this stage has no {word}"),
        (None, known) => {
            let list: Vec<String> = known.iter().map(|known| format!("{{{word}.{known}}}")).collect();
            format!("there are {}", list.join(", "))
        }
    }
}

/// The command line with everything in its place. In a line for the shell what is put in is quoted where it must be.
pub(crate) fn filled(words: &Words, names: &Names<'_>, values: &dyn Values) -> CommandLine {
    match words {
        Words::Shell(line) => {
            CommandLine::Shell(filled_text(line, names, values, &|text| shell::quoted(text)).into())
        }
        Words::List(words) => {
            let filled = words.iter().map(|word| filled_text(word, names, values, &str::to_owned).into());
            CommandLine::Words(filled.collect())
        }
    }
}

fn filled_text(text: &str, names: &Names<'_>, values: &dyn Values, quote: &dyn Fn(&str) -> String) -> String {
    let mut filled = String::new();
    let mut from = 0;
    for hole in holes(text) {
        let all = match hole.group {
            Group::Inputs => &names.inputs,
            Group::Outputs => &names.outputs,
            Group::Params => &names.params,
        };
        let value = |name: &str| match hole.group {
            Group::Inputs => values.input(name),
            Group::Outputs => values.output(name),
            Group::Params => values.param(name),
        };
        let wanted = hole.name.map_or_else(|| all.clone(), |name| vec![name]);
        let put: Vec<String> = wanted.into_iter().map(|name| quote(&value(name))).collect();
        filled.push_str(&text[from..hole.range.start]);
        filled.push_str(&put.join(" "));
        from = hole.range.end;
    }
    filled + &text[from..]
}
