//! `pipeline show`: one run, whole.

use super::{
    Exit, Refusal,
    format::{Format, print},
    runs::{DEFAULT, folder},
    sweep,
};
use crate::{record, report::RunView};
use clap::ValueHint;
use jiff::Timestamp;
use std::path::PathBuf;

/// Show what happened in a run: stages, metrics, warnings, failures, files
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct ShowArgs {
    /// The run or sweep: path of its folder, its name, or the beginning of its name [default: the newest]
    #[arg(value_hint = ValueHint::DirPath)]
    run: Option<String>,
    /// Folder of runs, or a configuration file whose runs are meant
    #[arg(long, value_name = "DIR|FILE", default_value = DEFAULT, value_hint = ValueHint::AnyPath)]
    dir: PathBuf,
    /// For people, or for programs
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

const EXAMPLES: &str = "\
Examples:
  pipeline show                                the newest run
  pipeline show 2026_11_22_16                  the one whose name begins like this
  pipeline show experiments_outputs/2026_11_22_16_52_55
  pipeline show --format json | jq '.stages[].metrics'";

pub(crate) fn show(args: &ShowArgs) -> Result<Exit, Refusal> {
    if let Some(sweep) = sweep::newest(args.run.as_deref(), &folder(&args.dir)?)? {
        return sweep::show(&sweep, args.format);
    }
    let found = record::find(args.run.as_deref(), &folder(&args.dir)?)?;
    let view = RunView::of(&found, Timestamp::now());
    print(&match args.format {
        Format::Text => view.text(),
        Format::Json => view.json(),
    })
}
