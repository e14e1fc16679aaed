//! Running a plan: what is stored is taken from the store, the rest runs in processes of its own.
//!
//! - [`preflight`]: everything that can be known before hours of work, in one report
//! - [`run`]: the `board`, where each stage stands and what starts next, and the `crew` of threads that does the work
//! - `admission` and [`Capacity`]: who may work now, and how much of the machine each gets; `exclusive`: the lock of those
//!   that measure time
//! - `task`: one stage, from its fingerprint to its files in the run folder
//! - `process`, `pipe` and `stopping`: a process under guard, what it says, and how it is stopped
//! - `stage_process` and [`worker`]: a stage of this program, from the engine's side and from inside
//! - `external` and `said_line`: a user's own program, and what its printed lines mean
//! - [`guard`]: the process that kills the stages of a killed engine
//! - [`EventStream`]: what happened, in one order, for all who listen

mod admission;
mod board;
mod cancel;
mod capacity;
mod crew;
mod exclusive;
mod external;
mod failure;
pub mod guard;
mod machine;
mod pipe;
mod places;
mod preflight;
mod process;
mod run;
mod said_line;
mod stage_process;
mod stopping;
mod stream;
mod task;
pub mod worker;

pub use cancel::Cancellation;
pub use capacity::Capacity;
pub use failure::{Failure, Reason};
pub use guard::Guard;
pub use machine::cores;
pub use places::Places;
pub use preflight::{Located, Preflighting, preflight, stops};
pub use run::{Ending, Run, run};
pub use stage_process::VERB as STAGE_VERB;
pub use stream::{EventStream, Subscriber};

/// The program whose hidden verbs are the guard and the stages: this one.
fn program() -> std::io::Result<std::path::PathBuf> {
    let program = std::env::current_exe()?;
    // Replaced by a new build while it runs, it is still the same program under its name in /proc.
    let own = std::path::Path::new("/proc/self/exe");
    Ok(if !program.exists() && own.exists() { own.to_owned() } else { program })
}

/// The failure of a stage that took longer than it may.
fn timeout(name: &str, limit: std::time::Duration) -> contract::StageError {
    let limit = crate::report::duration(limit.as_secs_f64());
    contract::StageError::failed(
        "stage::timeout",
        format!("`{name}` took longer than the {limit} of its `timeout` and was stopped"),
    )
    .with_help(
        "give it more time, or find out what it waits for: what it wrote is in the run folder's stm32ai_main.log. \
         Checkpoints that it left are kept, so the same command goes on from them",
    )
}
