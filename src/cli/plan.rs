//! `pipeline plan`: what a run would do.

use super::{
    Exit, Refusal,
    explain::views,
    format::print,
    prepare::{Configuration, Known, Prepared, know, prepare},
};
use crate::plan::{Status, dot, json, mermaid, text};
use clap::ValueEnum;
use contract::Registry;

/// Show what a run would do, and do nothing
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct PlanArgs {
    #[command(flatten)]
    configuration: Configuration,
    /// What to print: a table, a picture for Graphviz or Mermaid, or an object for programs
    #[arg(long, value_enum, default_value_t = PlanFormat::Text)]
    format: PlanFormat,
    /// Say what changed since the newest earlier run; `explain` says from what to what, and on which line
    #[arg(long)]
    why: bool,
    /// Exit with 3 if a run would run anything, with 0 if all results are stored
    #[arg(long)]
    check: bool,
    /// With --check: print nothing, the exit code says it
    #[arg(long, short, requires = "check")]
    quiet: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum PlanFormat {
    Text,
    Dot,
    Mermaid,
    Json,
}

const EXAMPLES: &str = "\
Examples:
  pipeline plan chain_tqe.yaml
  pipeline plan chain_tqe.yaml training.epochs=60      what would run with this change
  pipeline plan chain_tqe.yaml --why                   ... and what changed since the newest run
  pipeline plan chain_tqe.yaml --check --quiet         is there anything to do?
  pipeline plan chain_tqe.yaml --format dot | dot -Tsvg > plan.svg

A stage is a hit if its result is stored, to run if its inputs exist and its result does not, and
after others if it depends on what these will make.
Exit codes: 0, and with --check 3 if anything would run; else as in `pipeline --help`.";

pub(crate) fn plan(args: &PlanArgs, registry: &Registry) -> Result<Exit, Refusal> {
    let mut prepared = prepare(&args.configuration, registry)?;
    let known = know(&args.configuration, &mut prepared.plan);
    let mut known = known.map_err(|refusal| prepared.hide(refusal))?;
    let mut secrets = prepared.loaded.secrets().clone();
    if args.why && !args.quiet {
        let found = views(&args.configuration, &prepared, &known, registry, None, None);
        let (views, more) = found.map_err(|refusal| prepared.hide(refusal))?;
        secrets.add(&more);
        for (view, state) in views.iter().zip(known.states.values_mut()) {
            state.reason = view.short();
        }
    }
    if !args.quiet {
        for note in &prepared.loaded.notes {
            eprintln!("note: {note}");
        }
        prepared.tell_fetched();
        // Settings may hold what came from the environment.
        print(&secrets.hide(&shown(args.format, &prepared, &known)))?;
    }
    let stored = known.states.values().all(|state| matches!(state.status, Status::Hit(_)));
    Ok(if args.check && !stored { Exit::WouldRun } else { Exit::Done })
}

fn shown(format: PlanFormat, Prepared { plan, .. }: &Prepared, known: &Known) -> String {
    match format {
        PlanFormat::Text => text(plan, &known.states),
        PlanFormat::Dot => dot(plan, &known.states),
        PlanFormat::Mermaid => mermaid(plan, &known.states),
        PlanFormat::Json => json(plan, &known.states, &known.sources),
    }
}
