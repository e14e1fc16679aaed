//! `pipeline completions`: what a shell offers behind a half-typed command.
//!
//! clap_complete writes the scripts; what it cannot say, that a configuration is a YAML file and a model ends in .h5, is
//! added in the shell's own words.

use super::{CommandLine, Exit, Refusal, format::print, tool};
use clap::{Command, CommandFactory, ValueEnum, ValueHint};
use clap_complete::{Shell, generate};
use contract::{ParameterKind, Registry, Tool};

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

pub(crate) fn completions(args: &CompletionsArgs, registry: &Registry) -> Result<Exit, Refusal> {
    print(&script(args.shell, registry))
}

fn script(shell: Kind, registry: &Registry) -> String {
    let engine = CommandLine::command();
    let mut offers = vec![Offer { verbs: verbs_with_files(&engine), extensions: CONFIGURATIONS.to_vec() }];
    offers.extend(registry.tools().filter_map(Offer::of));
    let mut command = shown(&engine).subcommands(registry.tools().map(tool::command));
    let mut script = Vec::new();
    let generator = match shell {
        Kind::Bash => Shell::Bash,
        Kind::Zsh => Shell::Zsh,
        Kind::Fish => Shell::Fish,
    };
    generate(generator, &mut command, "pipeline", &mut script);
    let script = String::from_utf8_lossy(&script);
    match shell {
        Kind::Bash => {
            let cases: String = offers.iter().map(Offer::bash).collect();
            script.into_owned() + &BASH.replace("CASES\n", &cases)
        }
        // The first line says what the file is.
        Kind::Zsh => script.replacen('\n', ZSH, 1),
        Kind::Fish => offers.iter().fold(script.into_owned(), |script, offer| script + &offer.fish()),
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

/// Extensions of configurations.
const CONFIGURATIONS: [&str; 3] = ["yaml", "yml", "yaml.j2"];

/// Files of these extensions behind these verbs.
struct Offer {
    verbs: Vec<String>,
    extensions: Vec<&'static str>,
}

impl Offer {
    /// What a tool takes, if it takes a file.
    fn of(tool: &dyn Tool) -> Option<Self> {
        let extensions = tool.parameters().iter().find_map(|parameter| match parameter.kind {
            ParameterKind::File { extensions } => Some(extensions.to_vec()),
            ParameterKind::Choice { .. } => None,
        })?;
        Some(Self { verbs: vec![tool.name().to_owned()], extensions })
    }

    fn bash(&self) -> String {
        let files =
            |extension: &&str| format!("                $(compgen -f -X '!*.{extension}' -- \"$cur\")\n");
        let files: String = self.extensions.iter().map(files).collect();
        BASH_CASE.replace("VERBS", &self.verbs.join("|")).replace("FILES\n", &files)
    }

    fn fish(&self) -> String {
        let extensions: Vec<String> =
            self.extensions.iter().map(|extension| format!(".{extension}")).collect();
        FISH.replace("VERBS", &self.verbs.join(" ")).replace("EXTENSIONS", &extensions.join(" "))
    }
}

/// Behind a verb with a file, and not behind an option, files of its extensions and folders are offered.
const BASH: &str = r#"
_pipeline_files() {
    local cur="${COMP_WORDS[COMP_CWORD]}" prev="${COMP_WORDS[COMP_CWORD-1]}"
    _pipeline "$1" "$cur" "$prev"
    if [[ ${COMP_CWORD} -lt 2 || ${cur} == -* || ${prev} == -* ]]; then
        return 0
    fi
    case "${COMP_WORDS[1]}" in
CASES
    esac
}
complete -F _pipeline_files -o filenames -o bashdefault -o default pipeline
"#;

const BASH_CASE: &str = r#"        VERBS)
            local IFS=$'\n'
            COMPREPLY=(
FILES
                $(compgen -d -- "$cur")
            )
            ;;
"#;

/// YAML files and folders go first wherever a path is wanted; all files where there are none.
const ZSH: &str = "
zstyle ':completion:*:*:pipeline:*' file-patterns '*.(yaml|yml|yaml.j2):configurations *(-/):folders' '%p:all-files'
";

const FISH: &str = r#"
complete -c pipeline -n "__fish_pipeline_using_subcommand VERBS" -k -a "(__fish_complete_suffix EXTENSIONS)"
"#;

#[cfg(test)]
mod tests {
    use super::*;
    use contract::{Arguments, Page, Parameter, StageError};
    use std::process::Command as Process;

    /// Shows nothing of a model.
    struct Look;

    impl Tool for Look {
        fn name(&self) -> &'static str {
            "look"
        }

        fn about(&self) -> &'static str {
            "Look at a model"
        }

        fn parameters(&self) -> &'static [Parameter] {
            const MODEL: ParameterKind = ParameterKind::File { extensions: &["h5", "tflite"] };
            const DEPTH: ParameterKind = ParameterKind::Choice { values: &["layers", "totals"] };
            &[
                Parameter { name: "model", value: "MODEL", about: "The model", kind: MODEL },
                Parameter { name: "depth", value: "DEPTH", about: "How far", kind: DEPTH },
            ]
        }

        fn run(&self, _: &Arguments) -> Result<Page, StageError> {
            Ok(Page::default())
        }
    }

    /// Has a shell read the script from a file and then do this; nothing where the shell is not there.
    fn run(shell: &str, kind: Kind, then: &str) -> Option<String> {
        let folder = tempfile::tempdir().unwrap();
        for name in ["chain.yaml", "other.yml", "template.yaml.j2", "notes.txt", "net.h5", "net.tflite"] {
            fs_err::write(folder.path().join(name), "").unwrap();
        }
        fs_err::create_dir(folder.path().join("configs")).unwrap();
        fs_err::write(folder.path().join("script"), script(kind, &Registry::new().with_tool(Box::new(Look))))
            .unwrap();
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
        assert_eq!(offered("pipeline look ").unwrap(), "net.h5 net.tflite configs");
        assert_eq!(offered("pipeline look net.h5 --depth ").unwrap(), "layers totals");
    }

    #[test]
    fn fish_offers_verbs_options_and_yaml_files_first() {
        let offered = |line: &str| run("fish", Kind::Fish, &format!("source script; complete -C '{line}'"));
        let Some(verbs) = offered("pipeline ") else { return };
        assert!(verbs.contains("run\tRun a configuration") && !verbs.contains("__stage"), "{verbs}");
        let files = offered("pipeline run ").unwrap();
        let place = |files: &str, name: &str| files.lines().position(|line| line.starts_with(name)).unwrap();
        assert!(place(&files, "chain.yaml") < place(&files, "notes.txt"), "{files}");
        let files = offered("pipeline look ").unwrap();
        assert!(place(&files, "net.h5") < place(&files, "chain.yaml"), "{files}");
        assert_eq!(offered("pipeline plan x --form").unwrap().lines().count(), 1);
    }
}
