//! Running a plan: what is stored is taken from the store, the rest runs in processes of its own.
//!
//! - [`preflight`]: everything that can be known before hours of work, in one report
//! - [`run`]: the ready set: stages whose inputs exist start, the others wait
//! - `task`: one stage, from its fingerprint to its files in the run folder
//! - `process` and [`worker`]: a stage's process from the engine's side and from inside
//! - [`guard`]: the process that kills the stages of a killed engine
//! - [`EventStream`]: what happened, in one order, for all who listen

mod cancel;
mod failure;
pub mod guard;
mod machine;
mod preflight;
mod process;
mod run;
mod slots;
mod stream;
mod task;
pub mod worker;

pub use cancel::Cancellation;
pub use failure::{Failure, Reason};
pub use guard::Guard;
pub use machine::cores;
pub use preflight::{Located, Preflighting, preflight, stops};
pub use process::VERB as STAGE_VERB;
pub use run::{Ending, Run, run};
pub use stream::{EventStream, Subscriber};

/// The program whose hidden verbs are the guard and the stages: this one.
fn program() -> std::io::Result<std::path::PathBuf> {
    let program = std::env::current_exe()?;
    // Replaced by a new build while it runs, it is still the same program under its name in /proc.
    let own = std::path::Path::new("/proc/self/exe");
    Ok(if !program.exists() && own.exists() { own.to_owned() } else { program })
}
