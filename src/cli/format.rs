//! What a listing is printed as.

use super::{Exit, Refusal};
use clap::ValueEnum;
use std::io::{self, ErrorKind, Write};

/// For people or for programs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    Text,
    Json,
}

/// Prints what was asked for. A reader that closes the pipe early has seen enough; half a file on a full disk is an error.
pub(crate) fn print(text: &str) -> Result<Exit, Refusal> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(Refusal::System("write to standard output", error))
        }
        _ => Ok(Exit::Done),
    }
}
