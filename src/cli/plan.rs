//! `pipeline plan`: what a run would do.

use super::{
    Exit, Refusal,
    prepare::{Configuration, know, prepare},
};
use crate::plan::text;
use contract::Registry;
use std::io::{self, Write};

/// Show what a run would do, and do nothing
#[derive(Debug, clap::Args)]
pub(crate) struct PlanArgs {
    #[command(flatten)]
    configuration: Configuration,
}

pub(crate) fn plan(args: &PlanArgs, registry: &Registry) -> Result<Exit, Refusal> {
    let prepared = prepare(&args.configuration, registry)?;
    for note in &prepared.loaded.notes {
        eprintln!("note: {note}");
    }
    let known = know(&args.configuration, &prepared.plan)?;
    // A reader that closes the pipe early has seen enough.
    io::stdout().lock().write_all(text(&prepared.plan, &known.states).as_bytes()).ok();
    Ok(Exit::Done)
}
