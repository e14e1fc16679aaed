//! `pipeline completions`: what a shell offers behind a half-typed command.

use super::{CommandLine, Exit, format::print};
use clap::{CommandFactory, ValueEnum};
use clap_complete::{Shell, generate};

/// Print a script that teaches a shell to complete this program's command lines
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct CompletionsArgs {
    /// The shell
    #[arg(value_enum)]
    shell: Kind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Kind {
    Bash,
    Zsh,
    Fish,
}

const EXAMPLES: &str = "\
Examples:
  pipeline completions bash > ~/.local/share/bash-completion/completions/pipeline
  pipeline completions zsh > ~/.zfunc/_pipeline        with `fpath+=~/.zfunc` before `compinit` in ~/.zshrc
  pipeline completions fish > ~/.config/fish/completions/pipeline.fish";

pub(crate) fn completions(args: &CompletionsArgs) -> Exit {
    let shell = match args.shell {
        Kind::Bash => Shell::Bash,
        Kind::Zsh => Shell::Zsh,
        Kind::Fish => Shell::Fish,
    };
    let mut script = Vec::new();
    generate(shell, &mut CommandLine::command(), "pipeline", &mut script);
    print(&String::from_utf8_lossy(&script));
    Exit::Done
}
