//! A stage of this program at work in a process of its own (`pipeline __stage`), seen from the engine.

use super::{
    Guard,
    process::{Process, Said, signal_name},
    program,
    stopping::{Cause, Manners, Stopping},
    timeout,
};
use crate::record::LAST_WORDS;
use contract::{
    Outputs, StageError,
    protocol::{CANCEL, Reply, Request},
};
use std::{
    io,
    os::unix::process::ExitStatusExt,
    process::{Command, ExitStatus},
    time::Duration,
};

/// The verb under which the binary runs one stage.
pub const VERB: &str = "__stage";

/// A stage saves a checkpoint when it is asked.
struct Politely;

impl Manners for Politely {
    fn grace(cause: Cause) -> Duration {
        match cause {
            Cause::Cancelled => Duration::from_secs(10),
            Cause::Timeout(_) => Duration::from_secs(3),
        }
    }

    fn ask(process: &mut Process) {
        process.tell(CANCEL);
    }
}

/// Runs a stage in a process of its own until it ends, however it ends. Nothing of its process group is left alive.
///
/// # Errors
/// What the stage says of its failure; `stage::died` when it ended without a word; `stage::timeout` when it took too long;
/// [`StageError::Cancelled`] when the user stopped it.
pub(super) fn run(
    name: &str,
    request: &Request,
    guard: &Guard,
    stopping: &mut Stopping<'_>,
    said: &mut dyn FnMut(Said),
) -> Result<Outputs, StageError> {
    let line = serde_json::to_string(request).map_err(io::Error::from)?;
    let mut command = Command::new(program()?);
    command.arg(VERB);
    let mut process = Process::spawn(command, name, guard)?;
    process.start(&line);
    let mut last = None;
    let mut hear = |line: String, said: &mut dyn FnMut(Said)| {
        match serde_json::from_str(&line) {
            Ok(Reply::Event(event)) => said(Said::Event(event)),
            Ok(Reply::Done(outputs)) => last = Some(Ok(outputs)),
            Ok(Reply::Failed(error)) => last = Some(Err(error)),
            // A library that prints: worth a line in the log, no reason to fail.
            Err(_) => said(Said::Text(line)),
        }
        last.is_some()
    };
    process.attend::<Politely>(stopping, &mut hear, said);
    let status = process.bury(guard);
    match (last, stopping.cause()) {
        (_, Some(Cause::Timeout(limit))) => Err(timeout(name, limit)),
        (Some(reply), _) => reply,
        (None, _) if stopping.forced().is_some() => Err(StageError::Cancelled),
        (None, _) => Err(died(name, status?, &process)),
    }
}

fn died(name: &str, status: ExitStatus, process: &Process) -> StageError {
    let how = match (status.signal(), status.code()) {
        (Some(signal), _) => format!("was killed by signal {}", signal_name(signal)),
        (None, Some(code)) => format!("ended with exit code {code}"),
        (None, None) => "ended".to_owned(),
    };
    let mut message = format!("the process of `{name}` {how} before its work was done");
    let last_words: Vec<&str> = process.last_words().collect();
    if !last_words.is_empty() {
        message.push_str(LAST_WORDS);
        message.push_str("\n  ");
        message.push_str(&last_words.join("\n  "));
    }
    let help = match status.signal() {
        Some(9) => {
            "SIGKILL mostly means that the system ran out of memory: look at `dmesg`. With more of it free, \
             `pipeline resume` goes on from the last checkpoint; a smaller batch or model is another training"
        }
        _ => {
            "`pipeline resume` tries it again: finished stages are kept, and training goes on from its last checkpoint"
        }
    };
    StageError::failed("stage::died", message).with_help(help)
}
