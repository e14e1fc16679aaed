//! The help texts, each looked at before it is kept.

use super::{CommandLine, command, tool};
use clap::CommandFactory;
use contract::{Arguments, Page, Parameter, ParameterKind, Registry, StageError, Tool};

#[test]
fn the_help_of_every_verb_reads_well() {
    let mut command = CommandLine::command().term_width(100);
    insta::assert_snapshot!("help", command.render_help().to_string());
    command.build();
    let verbs = command.get_subcommands().filter(|verb| !verb.is_hide_set() && verb.get_name() != "help");
    for mut verb in verbs.cloned().collect::<Vec<_>>() {
        let name = format!("help_{}", verb.get_name());
        insta::assert_snapshot!(name.clone(), verb.render_help().to_string());
        for mut part in
            verb.get_subcommands().filter(|part| part.get_name() != "help").cloned().collect::<Vec<_>>()
        {
            let name = format!("{name}_{}", part.get_name());
            insta::assert_snapshot!(name, part.render_help().to_string());
        }
    }
}

/// Repeats the name of a file.
struct Repeat(&'static str);

impl Tool for Repeat {
    fn name(&self) -> &'static str {
        self.0
    }

    fn about(&self) -> &'static str {
        "Repeat the name of a file"
    }

    fn examples(&self) -> &'static str {
        "  pipeline repeat net.h5                  its name"
    }

    fn parameters(&self) -> &'static [Parameter] {
        const FILE: ParameterKind = ParameterKind::File { extensions: &["h5"] };
        const FORMAT: ParameterKind = ParameterKind::Choice { values: &["text", "json"] };
        &[
            Parameter { name: "model", value: "MODEL", about: "The file", kind: FILE },
            Parameter { name: "format", value: "FORMAT", about: "What to print", kind: FORMAT },
        ]
    }

    fn run(&self, arguments: &Arguments) -> Result<Page, StageError> {
        Ok(Page::default().text(format!("{}\n", arguments.file("model")?.display())))
    }
}

#[test]
fn a_tool_is_a_verb_with_its_parameters_like_any_other() {
    let registry = Registry::new().with_tool(Box::new(Repeat("repeat")));
    let mut line = command(&registry).unwrap().term_width(100);
    assert!(line.render_help().to_string().contains("  repeat       Repeat the name of a file\n"));
    let mut verb = line.find_subcommand("repeat").unwrap().clone().bin_name("pipeline repeat");
    insta::assert_snapshot!("help_of_a_tool", verb.render_help().to_string());
    let refusal = |words: &str| line.clone().try_get_matches_from(words.split(' ')).unwrap_err().to_string();
    insta::assert_snapshot!("tool_without_its_file", refusal("pipeline repeat"));
    insta::assert_snapshot!("tool_with_a_mistyped_choice", refusal("pipeline repeat net.h5 --format josn"));
    let matches = line.clone().try_get_matches_from("pipeline repeat net.h5".split(' ')).unwrap();
    assert!(tool::run(&Repeat("repeat"), matches.subcommand_matches("repeat").unwrap()).is_ok());
}

#[test]
fn a_tool_with_the_name_of_a_verb_is_refused() {
    for name in ["run", "help", "__stage"] {
        let error = command(&Registry::new().with_tool(Box::new(Repeat(name)))).unwrap_err();
        assert_eq!(
            error.to_string(),
            format!("error: the tool `{name}` needs another name: `{name}` is a verb of the engine\n")
        );
    }
}

#[test]
fn a_mistyped_verb_or_option_is_told_with_the_nearest_one() {
    let refusal = |line: &str| {
        let words = line.split(' ');
        CommandLine::command().term_width(100).try_get_matches_from(words).unwrap_err().to_string()
    };
    insta::assert_snapshot!("mistyped_verb", refusal("pipeline paln chain.yaml"));
    insta::assert_snapshot!("mistyped_option", refusal("pipeline plan chain.yaml --chekc"));
    insta::assert_snapshot!("mistyped_format", refusal("pipeline plan chain.yaml --format josn"));
    insta::assert_snapshot!("quiet_alone", refusal("pipeline plan chain.yaml --quiet"));
}
