//! `pipeline init`: a commented file to start from.

use super::{Exit, Refusal, format::print};
use contract::suggest::nearest;
use std::{
    io::{self, Write},
    path::{Path, PathBuf},
};

/// Write a commented configuration to start from, one for each mode
#[derive(Debug, clap::Args)]
pub(crate) struct InitArgs {
    /// The mode: training, quantization, evaluation, benchmarking, prediction, deployment, or a chain such as chain_tqe
    #[arg(value_name = "MODE")]
    mode: String,
    /// The file to write; `-` is standard output [default: MODE.yaml]
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Write over a file that is there
    #[arg(long)]
    force: bool,
}

/// The shipped file of every mode.
const SHIPPED: &[(&str, &str)] = &[
    ("training", include_str!("../../pipelines/training.yaml")),
    ("quantization", include_str!("../../pipelines/quantization.yaml")),
    ("evaluation", include_str!("../../pipelines/evaluation.yaml")),
    ("benchmarking", include_str!("../../pipelines/benchmarking.yaml")),
    ("prediction", include_str!("../../pipelines/prediction.yaml")),
    ("deployment", include_str!("../../pipelines/deployment.yaml")),
    ("chain_tqe", include_str!("../../pipelines/chain_tqe.yaml")),
    ("chain_tqeb", include_str!("../../pipelines/chain_tqeb.yaml")),
    ("chain_tbqeb", include_str!("../../pipelines/chain_tbqeb.yaml")),
    ("chain_eqe", include_str!("../../pipelines/chain_eqe.yaml")),
    ("chain_eqeb", include_str!("../../pipelines/chain_eqeb.yaml")),
    ("chain_qb", include_str!("../../pipelines/chain_qb.yaml")),
    ("chain_qd", include_str!("../../pipelines/chain_qd.yaml")),
];

pub(crate) fn init(args: &InitArgs) -> Result<Exit, Refusal> {
    let mode = args.mode.trim();
    let Some((_, text)) = SHIPPED.iter().find(|(known, _)| *known == mode) else {
        eprintln!("{}", no_file_for(mode));
        return Ok(Exit::Usage);
    };
    let output = args.output.clone().unwrap_or_else(|| PathBuf::from(format!("{mode}.yaml")));
    if output == Path::new("-") {
        return print(text);
    }
    let text = text.replace(&format!("pipelines/{mode}.yaml"), &output.display().to_string());
    match write(&output, &text, args.force) {
        Ok(()) => print(&format!(
            "wrote {0}; `pipeline validate {0}` checks it, `pipeline run {0}` runs it\n",
            output.display()
        )),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            eprintln!(
                "`{}` is there already, and nothing was written; --output names another file, --force writes over it",
                output.display()
            );
            Ok(Exit::Usage)
        }
        Err(error) => {
            eprintln!("`{}` cannot be written: {error}", output.display());
            Ok(Exit::Usage)
        }
    }
}

/// Writes a file that must not be there yet, unless it may be replaced.
fn write(path: &Path, text: &str, force: bool) -> io::Result<()> {
    let mut options = fs_err::OpenOptions::new();
    options.write(true);
    if force {
        options.create(true).truncate(true);
    } else {
        // Another program cannot make it between a look and the writing.
        options.create_new(true);
    }
    options.open(path)?.write_all(text.as_bytes())
}

fn no_file_for(mode: &str) -> String {
    let names: Vec<&str> = SHIPPED.iter().map(|(name, _)| *name).collect();
    let near = nearest(mode, names.iter().copied())
        .map(|name| format!("did you mean `{name}`? "))
        .unwrap_or_default();
    let chain = if mode.starts_with("chain_") {
        ". For another chain, change `operation_mode` in the file of one that is near"
    } else {
        ""
    };
    format!("there is no file to start from for `{mode}`: {near}There are {}{chain}", names.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config;

    #[test]
    fn every_shipped_file_of_a_mode_is_legal_says_its_mode_and_sets_nothing_that_has_no_effect() {
        for (mode, text) in SHIPPED {
            let name = format!("{mode}.yaml");
            let loaded = config::load_text(&name, text, &[], &jiff::Zoned::now())
                .unwrap_or_else(|errors| panic!("{}", errors.render(false)));
            assert_eq!(loaded.config.operation_mode.as_deref(), Some(*mode));
            assert_eq!(loaded.notes, Vec::<String>::new(), "{mode}");
            assert!(text.starts_with("# "), "{mode}");
        }
    }

    #[test]
    fn a_mode_without_a_file_names_those_that_have_one() {
        insta::assert_snapshot!("no_such_mode", no_file_for("trainning"));
        insta::assert_snapshot!("another_chain", no_file_for("chain_tq"));
    }
}
