//! The help texts, each looked at before it is kept.

use super::CommandLine;
use clap::CommandFactory;

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
