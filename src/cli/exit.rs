//! Exit codes.

use crate::{
    record::Outcome,
    schedule::{Ending, Reason},
};
use std::process::ExitCode;

/// What the program's exit code says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Exit {
    /// Everything that was asked for is there.
    Done = 0,
    /// A mistake in this program.
    Bug = 1,
    /// A command line that is none. clap itself exits with it.
    Usage = 2,
    /// `plan --check`: a run would run something.
    WouldRun = 3,
    /// The configuration file has mistakes.
    InvalidConfig = 10,
    /// The plan cannot be made or its preflight found errors.
    InvalidPlan = 11,
    /// A stage ended without a result.
    StageFailed = 12,
    /// The user stopped the run.
    Cancelled = 13,
    /// The store is corrupt and could not be repaired by making the result again.
    CorruptStore = 14,
}

impl Exit {
    /// The code of a run's ending.
    pub(crate) fn of(ending: &Ending) -> Self {
        match ending.outcome {
            Outcome::Done => Self::Done,
            Outcome::Cancelled => Self::Cancelled,
            Outcome::Failed | Outcome::Running => {
                let has = |reason| ending.failures.iter().any(|(_, failure)| failure.reason == reason);
                match (has(Reason::Bug), has(Reason::Corrupt)) {
                    (true, _) => Self::Bug,
                    (false, true) => Self::CorruptStore,
                    (false, false) => Self::StageFailed,
                }
            }
        }
    }

    /// The number.
    pub(crate) fn code(self) -> u8 {
        self as u8
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schedule::Failure;
    use contract::StageError;

    fn exit(outcome: Outcome, reasons: &[Reason]) -> Exit {
        let failure = |reason: &Reason| {
            let failed = Failure::from(StageError::failed("code", "message"));
            ("stage".to_owned(), Failure { reason: *reason, ..failed })
        };
        Exit::of(&Ending { outcome, failures: reasons.iter().map(failure).collect(), skipped: Vec::new() })
    }

    #[test]
    fn the_worst_reason_of_a_failed_run_decides_its_exit_code() {
        assert_eq!(exit(Outcome::Done, &[]).code(), 0);
        assert_eq!(exit(Outcome::Failed, &[Reason::Failed]).code(), 12);
        assert_eq!(exit(Outcome::Failed, &[Reason::Cancelled, Reason::Failed]).code(), 12);
        assert_eq!(exit(Outcome::Failed, &[Reason::Failed, Reason::Corrupt]).code(), 14);
        assert_eq!(exit(Outcome::Failed, &[Reason::Corrupt, Reason::Bug]).code(), 1);
        assert_eq!(exit(Outcome::Cancelled, &[Reason::Cancelled]).code(), 13);
    }
}
