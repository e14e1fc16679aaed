//! `pipeline completions`: what a shell offers behind a half-typed command.
//!
//! clap_complete writes the scripts; what it cannot say, that a configuration is a YAML file, is added in the shell's own
//! words.

use super::{CommandLine, Exit, Refusal, format::print};
use clap::{Command, CommandFactory, ValueEnum, ValueHint};
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
  pipeline completions zsh > ~/.zfunc/_pipeline    (in ~/.zshrc: fpath+=~/.zfunc, before compinit)
  pipeline completions fish > ~/.config/fish/completions/pipeline.fish";

pub(crate) fn completions(args: &CompletionsArgs) -> Result<Exit, Refusal> {
    print(&script(args.shell))
}

fn script(shell: Kind) -> String {
    let mut command = shown(&CommandLine::command());
    let verbs = verbs_with_files(&command);
    let mut script = Vec::new();
    let generator = match shell {
        Kind::Bash => Shell::Bash,
        Kind::Zsh => Shell::Zsh,
        Kind::Fish => Shell::Fish,
    };
    generate(generator, &mut command, "pipeline", &mut script);
    let script = String::from_utf8_lossy(&script);
    match shell {
        Kind::Bash => script.into_owned() + &BASH.replace("VERBS", &verbs.join("|")),
        // The first line says what the file is.
        Kind::Zsh => script.replacen('\n', ZSH, 1),
        Kind::Fish => script.into_owned() + &FISH.replace("VERBS", &verbs.join(" ")),
    }
}

/// The command without its hidden verbs, which the scripts would offer all the same.
fn shown(command: &Command) -> Command {
    let verbs = command.get_subcommands().filter(|verb| !verb.is_hide_set()).cloned();
    Command::new("pipeline").version("").subcommands(verbs)
}

/// The verbs that take a configuration file.
fn verbs_with_files(command: &Command) -> Vec<String> {
    let takes_one = |verb: &&Command| {
        let mut places = verb.get_positionals();
        places.any(|place| matches!(place.get_value_hint(), ValueHint::FilePath | ValueHint::AnyPath))
    };
    command.get_subcommands().filter(takes_one).map(|verb| verb.get_name().to_owned()).collect()
}

/// Behind a verb with a file, and not behind an option, YAML files and folders are offered.
const BASH: &str = r#"
_pipeline_files() {
    local cur="${COMP_WORDS[COMP_CWORD]}" prev="${COMP_WORDS[COMP_CWORD-1]}"
    _pipeline "$1" "$cur" "$prev"
    if [[ ${COMP_CWORD} -lt 2 || ${cur} == -* || ${prev} == -* ]]; then
        return 0
    fi
    case "${COMP_WORDS[1]}" in
        VERBS)
            local IFS=$'\n'
            COMPREPLY=(
                $(compgen -f -X '!*.yaml' -- "$cur")
                $(compgen -f -X '!*.yml' -- "$cur")
                $(compgen -f -X '!*.yaml.j2' -- "$cur")
                $(compgen -d -- "$cur")
            )
            ;;
    esac
}
complete -F _pipeline_files -o filenames -o bashdefault -o default pipeline
"#;

/// YAML files and folders go first wherever a path is wanted; all files where there are none.
const ZSH: &str = "
zstyle ':completion:*:*:pipeline:*' file-patterns '*.(yaml|yml|yaml.j2):configurations *(-/):folders' '%p:all-files'
";

const FISH: &str = r#"
complete -c pipeline -n "__fish_pipeline_using_subcommand VERBS" -k -a "(__fish_complete_suffix .yaml .yml .yaml.j2)"
"#;

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command as Process;

    /// Has a shell read the script from a file and then do this; nothing where the shell is not there.
    fn run(shell: &str, kind: Kind, then: &str) -> Option<String> {
        let folder = tempfile::tempdir().unwrap();
        for name in ["chain.yaml", "other.yml", "template.yaml.j2", "notes.txt"] {
            fs_err::write(folder.path().join(name), "").unwrap();
        }
        fs_err::create_dir(folder.path().join("configs")).unwrap();
        fs_err::write(folder.path().join("script"), script(kind)).unwrap();
        let mut process = Process::new(shell);
        let Ok(output) = process.arg("-c").arg(then).current_dir(folder.path()).output() else {
            println!("skipped: {shell} is not there");
            return None;
        };
        assert!(output.status.success(), "{shell}: {}", String::from_utf8_lossy(&output.stderr));
        assert_eq!(String::from_utf8_lossy(&output.stderr), "", "{shell}");
        Some(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    #[test]
    fn every_shell_that_is_there_can_read_its_script() {
        for (shell, kind) in [("bash", Kind::Bash), ("zsh", Kind::Zsh), ("fish", Kind::Fish)] {
            run(shell, kind, &format!("{shell} -n script"));
        }
    }

    #[test]
    fn bash_offers_verbs_options_their_values_and_yaml_files() {
        let offered = |words: &str| {
            let count = words.split(' ').count() - 1;
            let then = format!(
                "source ./script; COMP_WORDS=({}); COMP_CWORD={count}; _pipeline_files pipeline; echo \"${{COMPREPLY[*]}}\"",
                words.split(' ').map(|word| format!("'{word}'")).collect::<Vec<_>>().join(" ")
            );
            run("bash", Kind::Bash, &then).map(|text| text.trim().replace('\n', " "))
        };
        let Some(verbs) = offered("pipeline ") else { return };
        assert!(verbs.contains("run resume sweep plan") && !verbs.contains("__stage"), "{verbs}");
        assert_eq!(offered("pipeline run ").unwrap(), "chain.yaml other.yml template.yaml.j2 configs");
        assert_eq!(offered("pipeline plan ch").unwrap(), "chain.yaml");
        assert_eq!(offered("pipeline plan chain.yaml --form").unwrap(), "--format");
        assert_eq!(offered("pipeline plan chain.yaml --format ").unwrap(), "text dot mermaid json");
        assert_eq!(offered("pipeline completions z").unwrap(), "zsh");
    }

    #[test]
    fn fish_offers_verbs_options_and_yaml_files_first() {
        let offered = |line: &str| run("fish", Kind::Fish, &format!("source script; complete -C '{line}'"));
        let Some(verbs) = offered("pipeline ") else { return };
        assert!(verbs.contains("run\tRun a configuration") && !verbs.contains("__stage"), "{verbs}");
        let files = offered("pipeline run ").unwrap();
        let place = |name: &str| files.lines().position(|line| line.starts_with(name));
        assert!(place("chain.yaml").unwrap() < place("notes.txt").unwrap(), "{files}");
        assert_eq!(offered("pipeline plan x --form").unwrap().lines().count(), 1);
    }
}
