//! Who holds a lock, as the holder wrote it into the lock's file: a hint for people who wait.
//!
//! The kernel's lock alone says that something is held. What is written stays behind when its writer is gone, so it is read
//! only where the lock is held, and not believed of a process that is not there.

use fs_err as fs;
use jiff::{Timestamp, tz::TimeZone};
use serde::{Deserialize, Serialize};
use std::{
    fmt,
    io::{self, BufRead, BufReader},
    os::unix::fs::FileExt,
    path::Path,
};

/// A process that works on runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Engine {
    /// Its number.
    pub process: u32,
    /// The name of its machine.
    pub host: String,
}

/// What a lock is held for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    /// Who holds it.
    pub engine: Engine,
    /// The stage, as its run calls it.
    pub stage: String,
    /// The run's folder, absolute.
    pub run: String,
    /// Since when.
    pub since: Timestamp,
}

impl Engine {
    /// This process.
    #[must_use]
    pub fn this() -> Self {
        Self { process: std::process::id(), host: host() }
    }

    /// Whether it is this process.
    #[must_use]
    pub fn is_this(&self) -> bool {
        *self == Self::this()
    }

    /// Whether it is known to be gone.
    fn is_gone(&self) -> bool {
        let processes = Path::new("/proc");
        self.host == host()
            && processes.join("self").exists()
            && !processes.join(self.process.to_string()).exists()
    }
}

fn host() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

impl fmt::Display for Engine {
    /// `process 4711`, and of which machine where that is another one.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "process {}", self.process)?;
        if self.host == host() { Ok(()) } else { write!(f, " on `{}`", self.host) }
    }
}

impl Holder {
    /// This process, from now on.
    #[must_use]
    pub fn this(stage: &str, run: &Path) -> Self {
        let run = std::path::absolute(run).unwrap_or_else(|_| run.to_owned());
        Self {
            engine: Engine::this(),
            stage: stage.to_owned(),
            run: run.to_string_lossy().into_owned(),
            since: Timestamp::now(),
        }
    }

    /// Writes it into the file of a lock that is held. One who waits and finds nothing is told less.
    pub(crate) fn write(&self, file: &std::fs::File) {
        let line = serde_json::to_string(self).map_err(io::Error::from);
        // In one call, over what an earlier holder left: a reader takes the first line.
        if let Err(error) = line.and_then(|line| file.write_all_at(format!("{line}\n").as_bytes(), 0)) {
            tracing::debug!(%error, "nobody is told by whom this lock is held");
        }
    }

    /// Reads it from the file of a lock that is held by somebody.
    pub(crate) fn read(path: &Path) -> Option<Self> {
        let mut line = String::new();
        BufReader::new(fs::File::open(path).ok()?).read_line(&mut line).ok()?;
        let holder: Self = serde_json::from_str(&line).ok()?;
        (!holder.engine.is_gone()).then_some(holder)
    }
}

impl fmt::Display for Holder {
    /// `` `train` of /runs/2026 (process 4711, since 2026-11-22 14:45:00) ``.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.engine.is_this() {
            return write!(f, "`{}` of this run", self.stage);
        }
        let since = self.since.to_zoned(TimeZone::system()).strftime("%Y-%m-%d %H:%M:%S");
        write!(f, "`{}` of {} ({}, since {since})", self.stage, self.run, self.engine)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_holder_reads_back_over_a_longer_one_and_one_whose_process_is_gone_is_not_believed() {
        let file = tempfile::NamedTempFile::new().unwrap();
        assert_eq!(Holder::read(file.path()), None, "nobody has written yet");
        let longer = Holder::this("a-stage-with-a-long-name", Path::new("/runs/one"));
        longer.write(file.as_file());
        let holder = Holder::this("train", Path::new("/runs/two"));
        holder.write(file.as_file());
        assert_eq!(Holder::read(file.path()), Some(holder.clone()));
        assert_eq!(holder.to_string(), "`train` of this run");

        let gone = Engine { process: u32::MAX, host: host() };
        Holder { engine: gone.clone(), ..holder.clone() }.write(file.as_file());
        assert_eq!(Holder::read(file.path()), None);
        let elsewhere = Holder { engine: Engine { host: "far".to_owned(), ..gone }, ..holder };
        elsewhere.write(file.as_file());
        let told = Holder::read(file.path()).unwrap().to_string();
        assert!(told.starts_with("`train` of /runs/two (process 4294967295 on `far`, since 2"), "{told}");
    }
}
